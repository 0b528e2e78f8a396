"""How the shapes of tensors are written: in numbers or, inside a block, in letters; channels first or last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TypeVar

from archdsl.analysis.symbols import Symbols, symbols
from archdsl.backends.figures.formulas import SHORT, Writer, is_letter
from archdsl.backends.figures.tokens import LETTERS, MEANING, is_tokens
from archdsl.expr.nodes import Expr, Name
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.ops.base import Shape
from archdsl.syntax.spec import Figure

KINDS, ORDERS = ("numbers", "symbolic"), ("chw", "hwc")
MOST = 14  # characters of a formula that is clearer than a name
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SIGN, WIDE_SIGN = "×", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}"  # between numbers, and between formulas

A = TypeVar("A")


@dataclass(frozen=True)
class Shapes:
    """Writes shapes in one order of their axes, those of some tensors in letters."""

    order: str = ORDERS[0]
    letters: Mapping[Tensor, Sequence[str]] = field(default_factory=dict)
    meanings: Mapping[Tensor, str] = field(default_factory=dict)  # of letters that are not those of a map
    fields: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # of ops by their ids: numbers in letters
    ranks: Collection[int] | None = None  # of maps: the axes of others, as of tokens, stay as they are; None: of all

    def of(self, tensor: Tensor) -> str:
        """The shape of a tensor."""
        if tensor in self.letters:
            return WIDE_SIGN.join(self.ordered(self.letters[tensor]))
        return self.numbers(tensor.shape)

    def explained(self, tensor: Tensor) -> str:
        """The shape of what enters, with what its letters mean where they are not those of a map."""
        return ", ".join(filter(None, (self.of(tensor), self.meanings.get(tensor))))

    def axes(self, tensor: Tensor) -> Sequence[int | str]:
        """The same in parts."""
        return self.ordered([*self.letters.get(tensor, tensor.shape)])

    def numbers(self, shape: Shape) -> str:
        return SIGN.join(self.ordered([str(n) for n in shape]))

    def ordered(self, axes: Sequence[A]) -> Sequence[A]:
        turned = self.order == "hwc" and axes and (self.ranks is None or len(axes) in self.ranks)
        return [*axes[1:], axes[0]] if turned else axes


def numbered(order: str, *graphs: Graph) -> Shapes:
    """The shapes of networks in one order of their axes: maps are tensors of as many axes as a first input."""
    return Shapes(order, ranks={len(next(iter(graph.inputs.values())).shape) for graph in graphs})


def inside(graph: Graph, call: Scope, kind: str, order: str) -> Shapes:
    """The shapes in a call of a block, of one of `KINDS` in one of `ORDERS`."""
    return in_letters(graph, call, order) if kind == "symbolic" else numbered(order, graph)


def in_letters(graph: Graph, call: Scope, order: str) -> Shapes:
    """The shapes in a call of a block over what enters it and its params, as far as they have expressions.

    `call` may be of a view of the graph without what its figures hide.
    """
    nodes = {node.id: node for node in call.nodes()}
    whole = next(scope for scope in graph.root.scopes() if is_call(scope, call, nodes))
    known = symbols(graph, whole)
    if known is None:
        return numbered(order, graph)
    entering = frozenset(name for axes in known.entering.values() for axis in axes for name in axis.mentioned)
    first = next(iter(call.tensors.values()))
    tokens = is_tokens(call, first)
    writer = Writer(letters(known, graph.figure, call.name, tokens=tokens), entering, known.call.exact)
    found: dict[Tensor, Sequence[str]] = {}
    for name, axes in known.entering.items():
        tensor = call.tensors[name]
        found[tensor] = written(known, writer, axes, tensor.shape)
    for number, made in known.made.items():
        if number in nodes:
            for tensor, axes in zip(nodes[number].outputs, made, strict=True):
                found[tensor] = written(known, writer, axes, tensor.shape)
    fields = {number: spelt(known, writer, made) for number, made in known.fields.items() if number in nodes}
    if tokens and [*found[first]] == [*LETTERS[len(first.shape)]]:
        meanings = {first: MEANING[len(first.shape)]}
        return Shapes(letters=found, meanings=meanings, fields=fields)  # whose axes stay as they are
    return replace(numbered(order, graph), letters=found, fields=fields)


def spelt(known: Symbols, writer: Writer, fields: Mapping[str, Expr]) -> dict[str, str]:
    """The fields of an op that are made of other numbers, or are a param that has a letter.

    A param that is a word stays the number that the call gives: `4 heads`.
    """
    made = {
        name: expr for name, expr in fields.items() if not isinstance(expr, Name) or is_letter(writer.name(expr.id))
    }
    texts = {name: shortest(known, writer, expr) for name, expr in made.items() if expr.mentioned}
    return {name: text for name, text in texts.items() if text}


def is_call(scope: Scope, call: Scope, nodes: Mapping[int, object]) -> bool:
    """Whether a part of the graph is the one that a view shows with these ops: modules that run twice share a path."""
    return (scope.kind, scope.path) == (call.kind, call.path) and any(node.id in nodes for node in scope.nodes())


def letters(known: Symbols, figure: Figure, block: str, *, tokens: bool = False) -> dict[str, str]:
    """Short forms of names, where no param has them; `tokens`: of what enters the axes have those of tokens."""
    params = {*known.names, *known.call.values}
    found = {name: short for name, short in SHORT.items() if name in params and short not in params}
    found |= {name: name[0] + name[1:].translate(SUBSCRIPTS) for name in params if name[1:].isdigit()}
    said = {name: figure.labels.get(f"{block}.{name}", "").removesuffix("=") for name in params}
    own = [text for text in said.values() if text.isalpha() and text not in params]
    found |= {name: text for name, text in said.items() if own.count(text) == 1}
    for number, axes in enumerate(known.entering.values(), 1):
        usual = LETTERS.get(len(axes), ()) if tokens else ()
        for axis, token in zip_longest(axes, usual):
            (name,) = axis.mentioned or ("",)
            plain, mark = token or name.partition("_")[0], "" if number == 1 else chr(ord("₀") + number)
            for letter in (plain + mark, plain.upper() + mark):  # a capital where a param has the small one
                if letter not in params and letter not in found.values():
                    found.setdefault(name, letter)
    return found


def is_plain(text: str) -> bool:
    """Whether a formula says more than a name does."""
    return len(text) <= MOST and not text.startswith("≈") and "ceil" not in text and "floor" not in text


def written(known: Symbols, writer: Writer, axes: Sequence[Expr], shape: Shape) -> list[str]:
    """Each axis by its shortest formula, a number where there is none."""
    return [shortest(known, writer, axis) or str(number) for axis, number in zip(axes, shape, strict=True)]


def shortest(known: Symbols, writer: Writer, axis: Expr) -> str:
    """A short formula, else the name that the block has for it."""
    texts = [text for expr in known.alike(axis) if (text := writer.text(expr)) is not None]
    plain = texts[:1] if texts and is_plain(texts[0]) else texts
    return min(plain, key=lambda text: (text[0] == "≈", len(text)), default="")
