"""What sets the calls of a block apart, in words: the columns of the paper's table, or else the block's arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from archdsl.analysis.stage_table import own_values, spoken
from archdsl.analysis.stage_table.words import number_text, worded
from archdsl.backends.figures.wording import differing
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.ops.base import Shape


class Words:
    """The words of the calls of one graph."""

    def __init__(self, graph: Graph, also: Sequence[str] = ()) -> None:
        """`also`: columns of tables that are told where no call differs in them."""
        self.graph, self.figure, self.also = graph, graph.figure, also

    def of_rows(self, calls: Sequence[Scope]) -> str:
        """What all these calls have in the columns of the network's tables: `k5, exp 72, SE, h-swish`."""
        first, *others = [dict(self.columns(call)) for call in calls]
        return listed(text for word, text in first.items() if all(other.get(word) == text for other in others))

    def of_arguments(self, calls: Sequence[Scope], everywhere: Sequence[Scope], known: Collection[str] = ()) -> str:
        """The arguments that these calls have in common and other calls of the block do not, but those `known`."""
        block, varying = calls[0].name, differing(calls)
        names = [n for n in differing(everywhere) if n not in (*varying, *known) and n in calls[0].arguments]
        shown = [name for name in names if f"{block}.{name}" not in self.figure.hide]
        return listed(worded(self.argument(block, name), calls[0].arguments[name]) for name in shown)

    def of_case(self, call: Scope, names: Sequence[str]) -> str:
        """What tells a call from others: all of these arguments, what is false or 0 too."""
        return listed(told(self.argument(call.name, name), call.arguments[name]) for name in names)

    def argument(self, block: str, name: str) -> str:
        """The word for an argument."""
        return self.label(block, name) or spoken(name)

    def columns(self, call: Scope) -> Iterator[tuple[str, str]]:
        """The columns that a call reads, with their words; those of a call that holds nothing but this one count."""
        outer: Scope | None = call
        while outer is not None and outer not in self.rows:
            outer = outer.parent if alone(outer) else None
        for column, value in self.rows[outer].items() if outer is not None else ():
            assert outer is not None
            if f"{outer.name}.{column.argument}" not in self.figure.hide:
                yield column.word, worded(self.label(outer.name, column.argument) or spoken(column.word), value)

    @cached_property
    def rows(self) -> Mapping[Scope, Mapping[Any, Any]]:
        return own_values(self.graph, self.also)

    def label(self, block: str, argument: str) -> str | None:
        """What the spec calls an argument in figures."""
        return self.figure.labels.get(f"{block}.{argument}")


def evident(calls: Sequence[Scope]) -> list[str]:
    """Arguments that say what shapes say: a fixed part of the channels, or the step by which maps get smaller."""
    return [name for name in calls[0].arguments if is_evident(name, calls)]


def is_evident(argument: str, calls: Sequence[Scope]) -> bool:
    known = [(call.arguments.get(argument), *ends_of(call)) for call in calls]
    if not all(type(value) is int and value > 0 and entry and result for value, entry, result in known):
        return False
    parts = [{Fraction(shapes[side][0], value) for value, *shapes in known} for side in (0, 1)]
    return any(len(part) == 1 for part in parts) or all(value == step(*shapes) for value, *shapes in known)


def ends_of(call: Scope) -> tuple[Shape, Shape]:
    """The shapes of what enters first and of what leaves; none of several results."""
    return (
        call.inputs[0].shape if call.inputs else (),
        call.output.shape if isinstance(call.output, Tensor) else (),
    )


def step(entry: Shape, result: Shape) -> int:
    """By how much smaller the map is that leaves."""
    return round(entry[1] / result[1]) if len(entry) == len(result) > 1 else 1


def alone(scope: Scope) -> bool:
    """Whether the part around a part holds nothing else."""
    return scope.parent is not None and list(scope.parent.nodes()) == list(scope.nodes())


def told(name: str, value: Any) -> str:
    """An argument in a caption: `stride 2`, `t = 6`, `with shift`, `without shift`."""
    if value is None or isinstance(value, bool):
        return f"{'with' if value else 'without'} {name}"
    if isinstance(value, str):
        return worded(name, value)
    return f"{name} = {number_text(value)}" if len(name) == 1 else f"{name} {number_text(value)}"


def listed(words: Iterator[str]) -> str:
    return ", ".join(filter(None, words))
