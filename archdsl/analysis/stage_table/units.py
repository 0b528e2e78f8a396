"""What a stage does one after another: operators, each with the norm and the activation that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import SimpleNamespace
from typing import Any, TypeAlias

from archdsl.analysis.lines import LISTED, NO_LABELS, Labels, describe, runs, spelled
from archdsl.diagnostics.spans import Span
from archdsl.ir.graph import Node, Scope, Tensor

LONG = 60  # characters of an operator

Child: TypeAlias = "Scope | Node"


@dataclass
class Unit:
    """An operator with what belongs to it: the norm and the activation after a convolution."""

    texts: list[str]
    children: list[Child]
    entry: Tensor | None
    bound: Mapping[str, Any]  # the columns of the rows around it
    operators: list[str] = field(default_factory=list)  # those of the texts that are operators

    @property
    def text(self) -> str:
        return "; ".join(filter(None, self.texts))

    @property
    def main(self) -> str:
        return "; ".join(self.operators) or self.text

    @property
    def result(self) -> Tensor | None:
        last = self.children[-1]
        output = last.outputs[0] if isinstance(last, Node) else last.output
        return output if isinstance(output, Tensor) else None

    @property
    def entries(self) -> list[Tensor]:
        """What enters, with what else of the same size the first step reads."""
        first, entry = self.children[0], self.entry
        read = read_within(first) if isinstance(first, Scope) else first.inputs
        alike = [tensor for tensor in read if entry is not None and tensor.shape[1:] == entry.shape[1:]]
        return alike or ([entry] if entry is not None else [])

    @property
    def place(self) -> Span | None:
        return self.children[0].span


def units(scope: Scope, labels: Labels) -> list[Unit]:
    """The units of a stage or a row; one that is no chain is a single unit. `labels` are the words for blocks."""
    chain = flat(scope, {})
    if chain is None:
        operators = [(text, len(list(equal))) for text, equal in groupby(gathered(scope.children, labels))]
        said = [brief(operators)] if operators else []
        return [Unit([brief(runs(scope.children, labels))], [scope], entry_within(scope), scope.row, said)]
    found: list[Unit] = []
    for child, bound in chain:
        ahead = not found or found[-1].bound != bound  # what stands in front of the first operator belongs to it
        if ahead or (is_operator(child, labels) and found[-1].operators):
            found.append(Unit([], [], entry_of(child), bound))
        unit = found[-1]
        text = label(child, labels)
        unit.texts.append(text)
        unit.children.append(child)
        unit.operators += [named(child, labels)] if is_operator(child, labels) else []
    return merged(found)


def gathered(children: Sequence[Child], labels: Labels) -> Iterator[str]:
    """The operators of a part that is no chain, as papers print them: those in turns and branches in their order."""
    for child in children:
        if isinstance(child, Scope) and child.kind != "stage" and is_open(child):
            yield from gathered(child.children, labels)
        elif is_operator(child, labels) or (isinstance(child, Node) and not goes_along(child)):
            yield from filter(None, [named(child, labels)])


def brief(parts: Sequence[tuple[str, int]]) -> str:
    """`A ×3; B; … 4 more`: as many operators as a column of a page has room for.

    A long list says each kind of operator once, without arguments: `Prior boxes ×6; Concat`.
    """
    if len(spelled(parts)) > LONG or len(parts) > LISTED:
        parts = kinds(parts)
    for length in range(len(parts), 1, -1):
        more = len(parts) - length
        text = spelled(parts[:length]) + (f"; … {more} more" if more else "")
        if len(text) <= LONG:
            return text
    return spelled(parts) if len(parts) == 1 else f"{spelled(parts[:1])}; … {len(parts) - 1} more"


def kinds(parts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The operators by their kind, in the order of the first of each."""
    counts: dict[str, int] = {}
    for text, n in parts:
        kind = text.split(", ")[0] if ";" not in text else text
        counts[kind] = counts.get(kind, 0) + n
    return list(counts.items())


def merged(found: Sequence[Unit]) -> list[Unit]:
    """Without units that hold no operator at all: a dropout or an activation on its own belongs to its neighbour."""
    kept: list[Unit] = []
    for unit in found:
        if unit.operators or not kept:
            kept.append(unit)
        else:
            kept[-1].texts += unit.texts
            kept[-1].children += unit.children
    return kept


def flat(scope: Scope, bound: Mapping[str, Any]) -> list[tuple[Child, Mapping[str, Any]]] | None:
    """What a part does one after another, with the columns of the rows around each; None if it is no chain."""
    bound = {**bound, **scope.row}
    found: list[tuple[Child, Mapping[str, Any]]] = []
    current: Tensor | list[Tensor] | None = scope.inputs[0] if scope.inputs else None
    for child in scope.children:
        entries = child.inputs
        if (current is not None and (not entries or entries[0] is not current)) or len(entries) > 1:
            return None
        inner = flat(child, bound) if isinstance(child, Scope) and is_open(child) else None
        found += inner if inner is not None else [(child, bound)]
        current = child.outputs[0] if isinstance(child, Node) else child.output
    return found


def is_open(scope: Scope) -> bool:
    """Whether a scope only gathers steps: a turn, a bracket, a body that was made a block; not a block of the spec."""
    return scope.label is None and (not scope.is_block or not scope.name[:1].isupper())


def is_operator(child: Child, labels: Labels = NO_LABELS) -> bool:
    """Whether it has a line of its own: not a norm, an activation, a shuffle, a dropout, nor a block of such alone."""
    if isinstance(child, Scope):
        return bool(child.label) or child.name in labels or not all(map(goes_along, child.nodes()))
    return child.op.role in ("conv", "linear", "pool", "join") or child.op.counts == "elementwise" or bool(child.label)


def goes_along(node: Node) -> bool:
    """Whether it belongs to the operator before it: a norm, an activation, a dropout."""
    return node.op.role in ("norm", "act") or node.op.group == "regularisation"


def named(child: Child, labels: Labels) -> str:
    """An operator as papers print it; a block that is but one other block, convolution or pool as that one."""
    text = label(child, labels)
    if isinstance(child, Node) or not child.is_block or child.label or child.name in labels:
        return text
    inner = lone_block(child)
    if inner is not None:
        return named(inner, labels)
    if sum(not goes_along(node) for node in child.nodes()) != 1:
        return text
    (inside, *_) = units(child, labels)
    first = inside.children[0]
    if isinstance(first, Scope):
        return text if first is child or named(first, labels) == label(first, labels) else named(first, labels)
    return inside.main if first.op.role in ("conv", "linear", "pool") else text


def lone_block(scope: Scope) -> Scope | None:
    """The block of the spec that a block consists of, if it holds nothing else."""
    inside: Scope = scope
    while len(inside.children) == 1 and isinstance(inside.children[0], Scope):
        inside = inside.children[0]
        if not is_open(inside):
            return inside if inside.is_block else None
    return None


def label(child: Child, labels: Labels = NO_LABELS) -> str:
    """The text of an operator without its stride, which is a column; nothing for what computes nothing."""
    if isinstance(child, Scope) or child.label:
        return describe(child, labels)
    if child.op.group == "regularisation" or (child.op.role == "shape" and len(child.shape) == 1):
        return ""
    fields = {**child.fields, "stride": 1} if "stride" in child.fields else child.fields
    return child.op.label(SimpleNamespace(**fields), child.inputs[0].shape, child.shape)


def entry_within(scope: Scope) -> Tensor | None:
    """What enters a part: its input if it reads that, else the first tensor from elsewhere that it reads."""
    read = read_within(scope)
    first = scope.inputs[0] if scope.inputs else None
    return first if first in read or not read else read[0]


def read_within(scope: Scope) -> list[Tensor]:
    """The tensors from elsewhere that a part reads, in order."""
    nodes = list(scope.nodes())
    made = {tensor for node in nodes for tensor in node.outputs}
    return [tensor for node in nodes for tensor in node.inputs if tensor not in made]


def entry_of(child: Child) -> Tensor | None:
    return child.inputs[0] if child.inputs else None


def grouped(found: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Equal neighbours: turns of one step of the spec, or steps alike in arguments and channels."""
    run: list[Unit] = []
    for unit in found:
        if run and not alike(run[-1], unit):
            yield run
            run = []
        run.append(unit)
    if run:
        yield run


def alike(one: Unit, other: Unit) -> bool:
    if one.text != other.text or one.bound != other.bound:
        return False
    if one.place is not None and one.place == other.place:
        return True
    return described(one) == described(other)


def described(unit: Unit) -> list[Any]:
    """The arguments of a unit, and the shapes that enter and leave."""
    ends = [tensor.shape for tensor in (unit.entry, unit.result) if tensor is not None]
    return [*map(arguments, unit.children), ends]


def arguments(child: Child) -> Mapping[str, Any]:
    return child.fields if isinstance(child, Node) else child.arguments
