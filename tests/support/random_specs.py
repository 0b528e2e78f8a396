"""Specs of random steps, most of them sound."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import archdsl.syntax.reading.structure  # noqa: F401 - which fills the tables of words
from archdsl.ops import REGISTRY
from archdsl.ops.base import Field
from archdsl.syntax.words import BESIDE, BLOCK, SPEC, STAGE, STEP

NUMBERS = [
    "0", "-1", "1", "2", "3", "7", "0.5", "1e9", "-0.0", "1e308", "1000000000", "999999999999999999", "9**9**9",
    "9**64",
    "true", "null", "''", "[]", "[1]", "[[]]", "{}", "1/0", "c_in", "h_in", "input", "i", "nan", ".inf", "0x10", "~",
    "'a' * 9", "[0] * 100000", "[[1] * 9] * 9", "-c_in", "c_in / 3", "c_in * 1000000", "not c_in", "first", "len([])",
    "min([])", "max(1)", "sum([[1]])", "int('9' )", "round(1, 2)", "gcd(0.5)", "sqrt(-1)", "make_divisible(0, 0)",
    "1 if 2",
]  # fmt: skip
COMPANIONS = sorted({key for keys in BESIDE.values() for key in keys})
NAMES = ["a", "b", "n", "out", "part", "stem", "s1", "input", "c_in", "i", "first", "x"]


class Maker:
    """Specs of random steps that are mostly sound, so that much of what they make reaches the later passes.

    `names` are the tensors in scope, `unread` those that nothing has read yet: each body ends by reading its own.
    """

    SOUND = ["conv", "conv", "conv", "dwconv", "bn", "relu", "act", "dropout", "channel_shuffle", "prelu", "max_pool"]
    FUNCTIONAL = [name for name, op in REGISTRY.items() if not op.many]
    JOINS = [name for name, op in REGISTRY.items() if op.many and name != "reparam"]  # whose branches are few
    SIZES = [1, 2, 4, 8, 8, "n", "a", "c_in", "c_in", "b - a", "a * 2 - n", "make_divisible(c_in + n)"]
    TRUTHS = [True, False, "n > 1", "c_in == 8", "kind == 'small'", "not 1", "h_in > 3", "n in [1, 2]"]
    PATTERNS = ["c h w -> h w c", "(g c) h w -> (c g) h w", "(g c) h w -> g c h w", "c -> c", "c h w -> (c h w)"]
    FORMULAS = ["input + {0}", "max(input, 0) * n", "-{0} + {1} * input", "n * 2", "{0} * (a - b)", "1 / {0}", "{0}"]
    KINDS = ["op", "op", "op", "op", "call", "join", "join", "residual", "repeat", "table", "each", "fork", "split"]
    KINDS += ["choice", "grouped", "other"]
    WILD = [*NUMBERS, *NAMES, *REGISTRY, "Unit", "part", "part[9]", "s1.none"]
    WILD += [None, [], {}, [[1], 2], {"a": 1}, -1, 1e30]

    def __init__(self, random: Random, wild: float) -> None:
        self.pick, self.random, self.wild = random.choice, random.random, wild
        self.blocks: list[object] = [{"Unit": 4}, {"Unit": {"out": "c_in"}}, {"Unit": [8, 3]}]
        self.names: dict[str, int] = {"input": 0}  # with how many parts it has, 0 for a single tensor
        self.unread: set[str] = set()
        self.count = 0

    def chance(self, share: float) -> bool:
        return self.random() < share

    def size(self) -> object:
        return self.pick(self.WILD) if self.chance(self.wild) else self.pick(self.SIZES)

    def truth(self) -> object:
        return self.pick(self.WILD) if self.chance(self.wild) else self.pick(self.TRUTHS)

    def several(self, make: Callable[[], object], most: int = 3) -> list[object]:
        return [make() for _ in range(self.pick(range(1, most + 1)))]

    # --- tensors
    def read(self) -> str:
        """The name of a tensor in scope."""
        name = self.pick(sorted(self.names))
        self.unread.discard(name)
        return f"{name}[{self.pick(range(self.names[name]))}]" if self.names[name] else name

    def fresh(self, parts: int = 0) -> str:
        self.count += 1
        name = f"t{self.count}x"
        self.names[name] = parts
        self.unread.add(name)
        return name

    # --- bodies
    def body(self, depth: int = 0, names: dict[str, int] | None = None) -> list[object]:
        """Steps; `names` are the tensors of a block, which sees no others."""
        outer = self.names
        self.names = dict(outer if names is None else names)
        found: list[object] = []
        for _ in range(self.pick([1, 1, 2, 3])):
            found.append(self.step(depth + 1))
            if isinstance(found[-1], dict) and ("fork" in found[-1] or "split" in found[-1]):
                found.append(self.read())
        for name in sorted(self.unread & (self.names.keys() - outer.keys())):
            self.unread.discard(name)
            found.append(
                self.pick([{"concat": ["identity", name]}, {"concat": [["global_avg_pool"], self.pooled(name)]}])
            )
        self.names = outer
        return found

    def pooled(self, name: str) -> object:
        return {"from": f"{name}[0]" if self.names[name] else name, "body": ["global_avg_pool"]}

    def step(self, depth: int = 0) -> object:
        if self.chance(self.wild):
            return self.pick(self.WILD)
        if depth > 3 or self.chance(0.3):
            return self.pick(["relu", "bn", "Unit", {"conv": 8}, {"conv": "c_in"}, {"conv": {"out": 4, "kernel": 3}}])
        return getattr(self, self.pick(self.KINDS))(depth)

    def beside(self, step: dict) -> dict:
        """The step, now and then with keys beside its op."""
        if self.chance(0.08):
            step["from"] = self.read()
        if self.chance(0.1):
            step["when"] = self.truth()
            if self.chance(0.5):
                step["else"] = self.pick([["relu"], [{"conv": 8}], "Unit", ["identity"]])
        if self.chance(0.1):
            step["as"] = self.fresh()
        if self.chance(0.05):
            step["label"] = self.pick(["a b", "<%\\$>"])
        if self.chance(0.05):
            name = self.pick(["one", "two"])
            if any(map(self.makes_module, step)):
                step["name"] = name
        if self.chance(self.wild):
            step[self.pick([*STEP, *COMPANIONS])] = self.pick(self.WILD)
        return step

    @staticmethod
    def makes_module(word: str) -> bool:
        """Whether a step of this op, block or loop can have a name."""
        op = REGISTRY.get(word)
        return word[0].isupper() or word == "repeat" if op is None else not op.functional(frozenset())

    # --- ops
    def field(self, item: Field) -> object:
        if item.kind == "tensor":
            return self.read()
        if item.kind == "bool":
            return self.truth()
        if item.choices and self.chance(0.5):
            return self.pick(item.choices)
        if item.kind == "text":
            return self.pick(self.PATTERNS)
        if item.kind == "formula":
            return self.pick(self.FORMULAS).format(self.read(), self.read())
        if item.kind == "number":
            return self.pick([0, 0.5, 1, "n / 8", self.size()])
        if item.name in ("kernel", "stride", "dilation", "groups") and not self.chance(self.wild):
            return self.pick([1, 1, 1, 3, 3, 2, "n", [3, 1]])
        if item.kind in ("axes", "ints") and self.chance(0.3):
            return self.several(self.size)
        return self.size()

    def arguments(self, op: str) -> object:
        """Values for some of the fields of an op."""
        found = {item.name: self.field(item) for item in REGISTRY[op].fields if item.required or self.chance(0.2)}
        if op == "rearrange":
            found["g"] = self.size()
        if self.chance(self.wild):
            found[self.pick([*NAMES, *STEP, *COMPANIONS])] = self.pick(self.WILD)
        if found and list(found) == [item.name for item in REGISTRY[op].fields][: len(found)] and self.chance(0.5):
            return list(found.values()) if len(found) > 1 else next(iter(found.values()))
        return found or None

    def op(self, depth: int) -> object:
        op = self.pick(self.SOUND)
        return self.beside({op: self.arguments(op)})

    def other(self, depth: int) -> object:
        op = self.pick(self.FUNCTIONAL)
        return self.beside({op: self.arguments(op)})

    def call(self, depth: int) -> object:
        made = self.pick(self.blocks)
        return self.beside(dict(made() if callable(made) else made))

    # --- structure
    def branch(self, depth: int) -> object:
        makers = [lambda: "identity", self.read, lambda: self.step(depth), lambda: self.body(depth)]
        makers.append(lambda: {"from": self.read(), "body": self.body(depth)})
        return self.pick(makers)()

    def join(self, depth: int) -> object:
        return self.beside({self.pick(["concat", "concat", *self.JOINS]): self.several(lambda: self.branch(depth + 1))})

    def residual(self, depth: int) -> object:
        whole: dict[str, object] = {"body": [*self.body(depth), {"conv": "c_in"}]}
        if self.chance(0.5):
            whole["if"] = self.truth()
        if self.chance(0.3):
            whole["shortcut"] = self.pick([self.body(depth), [], None])
        if self.chance(0.3):
            whole = dict(reversed(whole.items()))
        return self.beside({"residual": self.pick([whole, whole["body"]])})

    def repeat(self, depth: int) -> object:
        return self.beside({"repeat": self.pick([1, 2, 3, "n", "n - 1", self.size()]), "body": self.body(depth)})

    def table(self, depth: int, word: str = "for") -> dict:
        columns = self.pick(["d", ["d"], ["name", "d"], ["d", "e"], {"d": None, "e": "d * 2"}, ["d", {"e": 2}]])
        parts = [columns] if isinstance(columns, str) else columns
        names = [name for part in parts for name in ([part] if isinstance(part, str) else part)]
        count = self.pick([1, 2, 3])
        rows = [[f"row{n}" if name == "name" else self.size() for name in names] for n in range(count)]
        first = self.pick([[], [{"conv": 8}], [{"relu": None, "when": "last"}], [{"dropout": "0.1 if first else 0.2"}]])
        found = {word: columns, "in": rows, "body": [*first, *self.body(depth)]}
        if self.chance(0.3):
            found["let"] = {"w": self.pick(["n * 2", "d if first else n", "i"])}
        return found if word == "each" else self.beside(found)

    def each(self, depth: int) -> object:
        each = self.table(depth, "each")
        branches = self.pick(
            [each, [each, "identity"], [{"running_sum": self.several(lambda: self.branch(depth + 1))}]]
        )
        return self.beside({self.pick(["concat", "concat", *self.JOINS]): branches})

    def fork(self, depth: int) -> object:
        branches = self.several(lambda: self.branch(depth + 1))
        return {"fork": branches, "as": self.fresh(len(branches))}

    def split(self, depth: int) -> object:
        sizes, parts = self.pick([(1, 1), (2, 2), ([4, "c_in - 4"], 2), ("n", 1), (self.size(), 1)])
        if parts == 2 and self.chance(0.5):
            return {"split": sizes, "as": [self.fresh(), self.fresh()]}
        return {"split": sizes, "as": self.fresh(parts)}

    def choice(self, depth: int) -> object:
        bodies = {"small": self.body(depth), "large": self.body(depth)}
        return {"choice": self.pick(["kind", "kind", "kind", "n", "'large'"]), "of": bodies}

    def grouped(self, depth: int) -> object:
        return self.pick([lambda: self.beside({"body": self.body(depth)}), lambda: self.body(depth)])()

    # --- the spec
    def spec(self) -> dict:
        blocks = {"Unit": {"params": {"out": 8, "k": 1}, "body": [{"conv": {"out": "out", "kernel": "k"}}, "bn"]}}
        blocks["Loop"] = {"params": {"out": 8}, "let": {"half": "out // 2"}, "body": self.body(1, {"input": 0})}
        self.blocks += [{"Loop": "n"}, {"Loop": 4}]
        blocks["Pair"] = {"inputs": ["code"], "body": [*self.body(1, {"input": 0}), {"concat": ["identity", "code"]}]}
        self.blocks.append(lambda: {"Pair": {"code": self.read()}})
        shape = [8, 16, 16]
        spec: dict = {
            "name": "Net",
            "input": self.pick([shape, shape, shape, shape, shape, [4, 9], [16], [8, 6, 5, 4]]),
            "params": {"n": self.pick([1, 2, 3, 8]), "kind": "small", "a": 4, "b": "n * 2 + a"},
            "blocks": blocks,
            "stages": {"s1": self.body(), "s2": self.body(0, {"input": 0, "s1": 0})},
        }
        if self.chance(0.3):
            names = {"s1": 0, "s2": 0}
            spec["stages"]["s3"] = {
                "when": self.truth(),
                "from": self.pick(["s2", "s2", "s1"]),
                "body": self.body(0, names),
            }
        if self.chance(0.3):
            spec["stages"]["s4"] = {**self.table(0), "let": {"w": "n"}}
        if self.chance(0.3):
            spec["variants"] = {"v": {self.pick(["n", "a", "kind"]): self.size()}}
        if self.chance(0.2):
            spec["defaults"] = {"conv": {"bias": self.truth()}, "Unit": {"k": self.pick([1, 3])}}
        for part, keys in ((spec["blocks"]["Unit"], BLOCK), (spec["stages"], [*STAGE, "s3", "Unit"]), (spec, SPEC)):
            if self.chance(self.wild):
                part[self.pick(list(keys))] = self.pick(self.WILD)
        return spec
