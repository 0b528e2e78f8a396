"""The constructor's arguments, and what it says before it makes modules: lets, and params that follow from others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from archdsl.analysis.noting import IMAGE, is_image, size_word
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import Argument
from archdsl.backends.torch.norms import KIND
from archdsl.backends.torch.numbers import Numbers, divisibility
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.pieces import value_tree
from archdsl.backends.torch.spelling import one_line
from archdsl.backends.torch.syntax import NONE
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Compare, Expr, Lit, Name, names, wrap
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import INPUT
from archdsl.syntax.identifiers import MEASURES

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Signature:
    """The arguments of one class, and the statements in front of its modules."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.size = size_word(writer.function.params)
        # whether the channels of the image are an argument
        self.image = IMAGE in writer.plan.symbolic and is_image(writer.origin)

    def numbers(self) -> Numbers:
        """The names of the class, and what they stand for."""
        function = self.writer.function
        entering = [] if self.writer.outermost else [*MEASURES, *(f"c_{name}" for name in function.inputs)]
        numbers = Numbers(
            self.writer.origin.facts.seen,
            self.writer.plan.symbolic,
            {**self.slots(), **self.writer.plan.doubles[function.id]},
            lets={(function.id, name): expr for name, expr in function.let.items()},
            fixed=frozenset([*function.params, *function.implicit, *function.let, *entering]),
        )
        facts = divisibility(function.require)
        numbers.facts = facts | {(a, numbers.literal(n)) for a, n in facts}
        return numbers

    def slots(self) -> dict[str, Expr | tuple[int, str]]:
        """Where the facts about what has a name in the class are noted, or what it says."""
        function = self.writer.function
        words = [*function.params, *function.implicit, *function.let, *function.optional]
        if not self.writer.outermost:
            words += [*(f"c_{name}" for name in function.inputs), *MEASURES]
            stay = defaults_that_stay(function, self.writer.plan.given[function.id])
        else:
            words += [IMAGE] if self.image else []
            words += [self.size] if (function.id, self.size) in self.writer.origin.facts.seen else []
            stay = {}
        return {**{word: (function.id, word) for word in words}, **stay}

    def derived(self) -> dict[str, py.Statement]:
        """The statements that make the network's params which follow from others, unless they are given."""
        params, numbers, found = self.writer.function.params, self.writer.numbers, {}
        fixed = {self.writer.classifier.param} if self.writer.classifier is not None else set()
        for name in reversed(params if self.writer.outermost else {}):
            expr, seen = params[name].default, numbers.seen.get((self.writer.function.id, name))
            if expr is None or seen is None or name in fixed or (self.writer.function.id, name) not in numbers.used:
                continue
            values = {n: numbers.seen[self.writer.function.id, n].value for n in params}
            if isinstance(seen.value, list) or evaluate(expr, values) != seen.value:
                continue
            shown = simplify(numbers.close(expr), numbers.facts)
            if numbers.open_names(shown):
                found[name] = py.If(Compare("is", Name(name), NONE), [py.assign(name, shown)])
        return dict(reversed(found.items()))

    def arguments(self, derived: Iterable[str]) -> list[Argument]:
        function, owner = self.writer.function, self.writer.function.id
        further = [n for n in function.inputs if n != INPUT]
        order = [
            "c_in",
            "h_in",
            "w_in",
            *(f"c_{n}" for n, var in function.inputs.items() if n != INPUT or var.many),
            *sorted(function.optional, key=further.index),
            *sorted([*function.params, *([IMAGE] if self.writer.outermost else [])], key=self.is_first, reverse=True),
            *function.implicit,
            *([self.size] if self.writer.outermost else []),
        ]
        found = []
        for name in dict.fromkeys(order):  # the channels of a tensor from outside may be asked for by themselves too
            if (owner, name) not in self.writer.numbers.used:
                continue
            seen = self.writer.origin.facts.seen[owner, name].value
            if name in derived:
                found.append(Argument(name, f"{self.type_of((owner, name))} | None", NONE))
            elif self.writer.outermost and isinstance(seen, list):
                found.append(Argument(name, self.type_of((owner, name)), value_tree(seen)))
            else:
                found.append(Argument(name, self.type_of((owner, name)), self.default_of(name)))
        if self.hands_norm and self.writer.norm is not None and not self.writer.outermost:
            found.append(Argument(self.writer.norm.word, KIND))
        found += [Argument(name, "str", Lit(word)) for name, word in self.writer.modules.choices.items()]
        return sorted(found, key=lambda a: (a.default is not None, a.type == "bool" and not self.writer.outermost))

    def is_first(self, name: str) -> int:
        """How far in front an argument of a classifier stands: its classes, then the channels of its images."""
        return 0 if self.writer.classifier is None else 2 if name == self.writer.classifier.param else name == IMAGE

    def default_of(self, name: str) -> Expr | None:
        if self.writer.outermost:
            seen = self.writer.origin.facts.seen.get((self.writer.function.id, name))
            value = seen.value if seen else None
            value = float(value) if name in self.writer.plan.rates and isinstance(value, int) else value
            return wrap(value) if name in (*self.writer.function.params, IMAGE, self.size) else None
        param = self.writer.function.params.get(name)
        if param is None or param.default is None or any(True for _ in names(param.default)):
            return None
        kinds = self.writer.origin.facts.seen[self.writer.function.id, name].kinds
        if isinstance(param.default, Lit) and isinstance(param.default.value, str) and "str" not in kinds:
            return None  # a word that no call takes: the argument is a number in this network
        return param.default

    def type_of(self, slot: tuple[int, str]) -> str:
        seen = self.writer.origin.facts.seen[slot]
        if seen.deps and seen.deps <= self.writer.plan.rates:
            return "float"
        found = sorted(seen.kinds)
        if "float" in found and "int" in found:
            found.remove("int")
        if len(found) > 1 and all(kind.startswith("tuple[") for kind in found):
            inner = dict.fromkeys(item for kind in found for item in split_types(kind))
            return f"tuple[{' | '.join(inner)}, ...]"
        return " | ".join(found)

    def lets(self) -> list[py.Statement]:
        """Lets that are printed by name, those they need in front."""
        found: list[py.Statement] = []
        for name, expr in reversed(list(self.writer.function.let.items())):
            if (self.writer.function.id, name) in self.writer.numbers.used:
                found.append(py.assign(name, simplify(self.writer.numbers.close(expr), self.writer.numbers.facts)))
        return found[::-1]

    @property
    def hands_norm(self) -> bool:
        """Whether the constructor has the norm of the network, made of params."""
        return self.writer.modules.norm_used and self.writer.norm is not None and self.writer.norm.handed


def split_types(kind: str) -> list[str]:
    """The item types of `tuple[int, tuple[int, int]]`."""
    tree = parsed(kind)
    inner = map(one_line, tree.index) if isinstance(tree, py.Subscript) else ()
    return [item for item in inner if item not in ("...", "()")]


def defaults_that_stay(function: ir.Function, given: set[str]) -> dict[str, Expr]:
    """Params whose default reads earlier ones and that no call gives: no arguments, but what their default says."""
    defaults = {name: param.default for name, param in function.params.items() if name not in given}
    return {name: expr for name, expr in defaults.items() if expr is not None and any(True for _ in names(expr))}
