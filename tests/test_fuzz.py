"""Whatever a file holds, it is built, or refused with diagnostics that say where: never anything else, never slowly.

The normal run is short and always the same; `pytest -m slow tests/test_fuzz.py` runs thousands of examples, and
ARCHDSL_FUZZ=20000 as many of each kind as that.
"""

from __future__ import annotations

import ast
import copy
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.ops import REGISTRY
from archdsl.ops.base import Field
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.syntax.words import BESIDE, BLOCK, RESIDUAL, SPEC, STAGE, STEP, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Sequence, from_python, open_source, read

SHIPPED = {path.stem: path.read_text() for path in sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))}
LIMIT = 2.0  # seconds for one file and one variant of it; the longest is well below a second
MANY = int(os.environ.get("ARCHDSL_FUZZ", "3000"))

quick = settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
long = settings(quick, max_examples=MANY, derandomize=False, print_blob=True)


# --- the property ------------------------------------------------------------------------------


def outcome(source: Source, variant: int = 0) -> str:
    """What becomes of a text: `built`, or the codes of its faults; anything else is an exception here."""
    start = time.process_time()
    try:
        spec = read_spec(source, base=None)
        names = [None, *spec.variants]
        graph = elaborate(spec, names[variant % len(names)])
        ast.parse(archdsl.emit(graph))
        assert archdsl.cost(graph).params >= 0
        found = "built"
    except SpecError as error:
        found = ", ".join(sorted({item.code for item in error.diagnostics}))
        sound(error)
    assert time.process_time() - start < LIMIT, found
    return found


def sound(error: SpecError) -> None:
    """Every diagnostic has a known code, a message, and a place that is there."""
    assert error.diagnostics, "an error that says nothing"
    for item in error.diagnostics:
        assert item.code in CODES
        assert item.message
        assert item.span is not None, item.message
        for span in (item.span, *(note.span for note in (*item.notes, *item.trail) if note.span is not None)):
            lines = span.source.text.splitlines()
            assert 1 <= span.line <= max(len(lines), 1)
            assert 1 <= span.col <= len(span.source.line(span.line)) + 1
    assert all(character.isprintable() or character == "\n" for character in str(error))


# --- texts -------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[^\w\s]|\s+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
TOKENS = sorted({token for text in SHIPPED.values() for token in _TOKEN.findall(text) if not token.isspace()})
LINES = sorted({line for text in SHIPPED.values() for line in text.splitlines() if line.strip()})
NUMBERS = [
    "0", "-1", "1", "2", "3", "7", "0.5", "1e9", "-0.0", "1e308", "1000000000", "999999999999999999", "9**9**9",
    "9**64",
    "true", "null", "''", "[]", "[1]", "[[]]", "{}", "1/0", "c_in", "h_in", "input", "i", "nan", ".inf", "0x10", "~",
    "'a' * 9", "[0] * 100000", "[[1] * 9] * 9", "-c_in", "c_in / 3", "c_in * 1000000", "not c_in", "first", "len([])",
    "min([])", "max(1)", "sum([[1]])", "int('9' )", "round(1, 2)", "gcd(0.5)", "sqrt(-1)", "make_divisible(0, 0)",
    "1 if 2",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped spec after one to four slips."""
    lines = SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))].splitlines()
    for _ in range(draw(st.integers(1, 4))):
        slip = draw(st.sampled_from(SLIPS))
        lines = slip(draw, lines, draw(st.integers(0, len(lines) - 1)))
        if not lines:
            return ""
    return "\n".join(lines) + "\n"


def delete(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return lines[:at] + lines[at + 1 :]


def duplicate(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[: at + 1], *lines[at:]]


def swap(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    other = draw(st.integers(0, len(lines) - 1))
    lines = list(lines)
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def insert(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[:at], draw(st.sampled_from(LINES)), *lines[at:]]


def shift(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    by = draw(st.sampled_from([-4, -2, -1, 1, 2, 4]))
    line = lines[at]
    return [
        *lines[:at],
        " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip())) :],
        *lines[at + 1 :],
    ]


def cut(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[:at], lines[at][: draw(st.integers(0, len(lines[at])))], *lines[at + 1 :]]


def token(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One token by another one of any spec, or by nothing."""
    parts = _TOKEN.findall(lines[at])
    if not parts:
        return lines
    parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(["", *TOKENS]))
    return [*lines[:at], "".join(parts), *lines[at + 1 :]]


def number(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One number by a hostile one."""
    places = [(n, found) for n, line in enumerate(lines) for found in _NUMBER.finditer(line.split(" #")[0])]
    if not places:
        return lines
    n, found = draw(st.sampled_from(places))
    new = draw(st.sampled_from(NUMBERS))
    return [*lines[:n], lines[n][: found.start()] + new + lines[n][found.end() :], *lines[n + 1 :]]


def word(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One word of the file by another word of the same file."""
    places = [(n, found) for n, line in enumerate(lines) for found in re.finditer(r"[A-Za-z_]\w*", line.split(" #")[0])]
    if not places:
        return lines
    n, found = draw(st.sampled_from(places))
    _, other = draw(st.sampled_from(places))
    return [*lines[:n], lines[n][: found.start()] + other[0] + lines[n][found.end() :], *lines[n + 1 :]]


SLIPS = [delete, duplicate, swap, insert, shift, cut, token, token, number, number, word, word]

# --- trees -------------------------------------------------------------------------------------


def plain(node: Node) -> object:
    """A located tree as dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node.value


TREES = {name: plain(read(Source(name, text))) for name, text in SHIPPED.items()}


def parts(tree: object, role: str = "") -> Iterator[tuple[str, object]]:
    """Every part of a tree with its role: the key it stands under, or that of its list."""
    yield role, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from parts(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from parts(item, role + "[]")


PARTS = [part for tree in TREES.values() for part in parts(tree)]
BY_ROLE: dict[str, list[object]] = {}
for _role, _part in PARTS:
    BY_ROLE.setdefault(_role, []).append(_part)


@st.composite
def grafted(draw: st.DrawFn) -> dict:
    """A shipped spec some of whose parts are gone, doubled, swapped, or those of another spec."""
    tree = copy.deepcopy(TREES[draw(st.sampled_from(sorted(TREES)))])
    for _ in range(draw(st.integers(1, 4))):
        holders = [part for _, part in parts(tree) if isinstance(part, (dict, list)) and part]
        holder = draw(st.sampled_from(holders))
        graft(draw, holder, draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder)))))
    return tree


def graft(draw: st.DrawFn, holder: dict | list, key: object) -> None:
    edit = draw(st.sampled_from(["delete", "double", "swap", "hostile", "role", "role", "role", "any", "value"]))
    roles = [role for role, part in PARTS if part == holder[key]]
    if edit == "delete":
        del holder[key]
    elif edit == "double" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif edit == "swap":
        other = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        holder[key], holder[other] = holder[other], holder[key]
    elif edit == "hostile":
        holder[key] = draw(st.sampled_from(NUMBERS))
    elif edit == "value":
        holder[key] = draw(VALUES)
    elif edit == "any" or not roles:
        holder[key] = copy.deepcopy(draw(st.sampled_from(PARTS))[1])
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(BY_ROLE[roles[0]])))


_COMPANIONS = sorted({key for keys in BESIDE.values() for key in keys})
NAMES = ["a", "b", "n", "out", "part", "stem", "s1", "input", "c_in", "i", "first", "x"]
KEYS = st.sampled_from([
    *REGISTRY, *STRUCTURE, *STEP, *_COMPANIONS, *RESIDUAL, *NAMES, "Unit", "Pair", "shortcut", "if", "kernel", "stride",
    "groups", "padding", "size", "scale", "like", "weight", "by", "pattern", "p", "kind",
])  # fmt: skip
SCALARS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from(
        [*NAMES, *NUMBERS, *REGISTRY, "Unit", "Pair", "part[0]", "part[i]", "s1.stem", "keep", "same", "relu"]
    ),
    st.sampled_from(["c_in // 2", "out * 2", "a + b", "n - 1", "max(8, n)", "first and n > 1", "(g c) h w -> g c h w"]),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


class Maker:
    """Specs of random steps that are mostly sound, so that much of what they make reaches the later passes.

    `names` are the tensors in scope, `unread` those that nothing has read yet: each body ends by reading its own.
    """

    SOUND = ["conv", "conv", "conv", "dwconv", "bn", "relu", "act", "dropout", "channel_shuffle", "prelu", "max_pool"]
    FUNCTIONAL = [name for name, op in REGISTRY.items() if not op.many]
    JOINS = [name for name, op in REGISTRY.items() if op.many]
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
            step[self.pick([*STEP, *_COMPANIONS])] = self.pick(self.WILD)
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
            found[self.pick([*NAMES, *STEP, *_COMPANIONS])] = self.pick(self.WILD)
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


TREES_OF_STEPS = st.builds(
    lambda random, wild: Maker(random, wild).spec(),
    st.randoms(use_true_random=True),
    st.sampled_from([0, 0, 0.02, 0.1]),
)

ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.sampled_from(sorted(SPEC)) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=25,
)

# --- tests -------------------------------------------------------------------------------------


def check_mutated(text, variant):
    outcome(Source("fuzz.yaml", text), variant)


def check_tree(tree, variant=0):
    outcome(from_python(tree), variant)


def check_anything(tree, dump):
    text = yaml.safe_dump(tree, default_flow_style=dump)
    outcome(Source("fuzz.yaml", text))


def check_bytes(folder, data, at):
    """Bytes alone, and bytes in the middle of a spec."""
    path = folder / "fuzz.yaml"
    for content in (data, SHIPPED["peleenet"].encode()[:at] + data + SHIPPED["peleenet"].encode()[at:]):
        path.write_bytes(content)
        try:
            source = open_source(path)
        except SpecError as error:
            sound(error)
            continue
        outcome(source)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Imports and caches are no part of what is measured."""
    elaborate(read_spec(Source("warm.yaml", SHIPPED["peleenet"]), base=None))
    archdsl.emit("peleenet")
    archdsl.cost("peleenet")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_spec_is_built(name):
    source = Source("fuzz.yaml", SHIPPED[name])
    spec = read_spec(source, base=None)
    whole = all(param.default is not None for param in spec.params.values())  # else a variant must be chosen
    for variant in range(len(spec.variants) + 1):
        assert outcome(source, variant) == ("built" if variant or whole else "missing-param"), f"variant {variant}"


@settings(quick, max_examples=250)
@given(mutated(), st.integers(0, 3))
def test_a_shipped_spec_after_slips_is_built_or_refused_with_a_place(text, variant):
    check_mutated(text, variant)


@settings(quick, max_examples=250)
@given(TREES_OF_STEPS)
def test_random_steps_are_built_or_refused_with_a_place(tree):
    check_tree(tree)


@settings(quick, max_examples=150)
@given(grafted(), st.integers(0, 3))
def test_a_shipped_spec_with_foreign_parts_is_built_or_refused_with_a_place(tree, variant):
    check_tree(tree, variant)


@quick
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_random_yaml_is_refused_with_a_place(tree, dump):
    check_anything(tree, dump)


@quick
@given(data=st.binary(max_size=40), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_random_bytes_are_refused_with_a_place(folder, data, at):
    check_bytes(folder, data, at)


@pytest.mark.slow
@long
@given(mutated(), st.integers(0, 20))
def test_thousands_of_shipped_specs_after_slips(text, variant):
    check_mutated(text, variant)


@pytest.mark.slow
@long
@given(grafted(), st.integers(0, 20))
def test_thousands_of_shipped_specs_with_foreign_parts(tree, variant):
    check_tree(tree, variant)


@pytest.mark.slow
@long
@given(TREES_OF_STEPS)
def test_thousands_of_random_steps(tree):
    check_tree(tree)


@pytest.mark.slow
@long
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_thousands_of_random_yaml_trees(tree, dump):
    check_anything(tree, dump)


@pytest.mark.slow
@long
@given(data=st.binary(max_size=200), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_thousands_of_random_bytes(folder, data, at):
    check_bytes(folder, data, at)
