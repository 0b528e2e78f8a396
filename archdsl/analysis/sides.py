"""Which heights and widths of an image a network takes, where its steps do not go together at all of them.

A U-Net joins maps that were halved and doubled again, which have one size at multiples of 16 alone; a table of
positions has one length. Many lengths are tried at once: each size of a map is an array with an entry for each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from archdsl.diagnostics.faults import at
from archdsl.expr.many import Alone, Array, Many, Split, entries, together
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ir.nodes import fields_at, kinds_of, modules_of
from archdsl.ops.base import NEEDS_NUMBERS, OpFault

AHEAD = 256  # lengths that are tried from the declared one on; what repeats does so at least twice
MOST = 256  # runs, each of lengths that take one way through the rules
PARTS = 2  # ways from one step on; where there are more, its op takes plain numbers alone
IMAGE = 3  # axes of an image: channels, height, width


@dataclass(frozen=True)
class Side:
    """Lengths of a side of the image: `count` of them from `start` on, each `step` more, and so on after each `period`.

    Without a period (0) there are no others.
    """

    start: int
    count: int
    step: int
    period: int


Sides = tuple[Side | None, Side | None]
FREE: Sides = (None, None)


class Untold(Exception):
    """The rules of the ops do not tell which lengths a network takes."""


def sides_taken(graph: Graph) -> Sides:
    """The heights and the widths that a network takes; None where it takes every one, or its ops do not tell.

    That a map may become too small is not looked at. The images of several inputs are of one size, or nothing is told.
    """
    sizes = {tensor.shape[1:] for tensor in graph.inputs.values()}
    if len(sizes) != 1 or any(len(tensor.shape) != IMAGE for tensor in graph.inputs.values()):
        return FREE
    ((h, w),) = sizes
    lengths = np.arange(AHEAD)
    try:
        trial = Trial(graph)
        both = trial.taken(h + lengths, w + lengths)
        if both.all():
            return FREE
        high, wide = trial.taken(h + lengths, w + 0 * lengths), trial.taken(h + 0 * lengths, w + lengths)
        if (both != (high & wide)).any():  # which heights it takes depends on the width
            return FREE
        below_h, below_w = np.arange(1, h), np.arange(1, w)
        return (
            side(high, h, lambda: trial.taken(below_h, w + 0 * below_h)),
            side(wide, w, lambda: trial.taken(h + 0 * below_w, below_w)),
        )
    except Untold:
        return FREE


def side(taken: Array, declared: int, below: Callable[[], Array]) -> Side | None:
    """The lengths of a side, of which it is known from the declared one on, and can be asked below, which are taken.

    None if they all are; raises `Untold` unless they are a row that repeats, or one row alone.
    """
    if taken.all():
        return None
    period = next((n for n in range(2, AHEAD // 2 + 1) if (taken[n:] == taken[:-n]).all()), 0)
    if not period:
        before = below()[::-1]
        behind, ahead = leading(before), leading(taken)
        if taken[ahead:].any() or before[behind:].any():
            raise Untold
        return Side(declared - behind, behind + ahead, 1, 0)
    places = np.flatnonzero(np.tile(taken[:period], 2))
    gaps = np.diff(places[: len(places) // 2 + 1])  # from each length that is taken to the next
    step, last = int(gaps.min()), int(gaps.argmax())
    first = int(declared + places[last + 1]) % period  # behind the widest gap
    if (np.delete(gaps, last) != step).any() or (len(gaps) > 1 and (period % step or first % step)):
        raise Untold
    return Side(first, len(gaps), step, period)


def leading(taken: Array) -> int:
    """How many are taken before the first that is not."""
    return len(taken) if taken.all() else int(taken.argmin())


@dataclass
class Trial:
    """A graph that is run for sizes alone, with images of many heights and widths at once."""

    graph: Graph
    kinds: Mapping[Node, int] = field(init=False)
    alone: dict[Hashable, Any] = field(default_factory=dict)  # what leaves nodes of a kind, by plain shapes that enter
    runs: int = 0

    def __post_init__(self) -> None:
        self.kinds = kinds_of(self.graph.nodes)

    def taken(self, heights: Array, widths: Array) -> Array:
        """Of each pair of lengths, whether all steps go together."""
        nodes, found = self.graph.nodes, np.zeros(len(heights), dtype=bool)
        waiting = [(np.arange(len(heights)), self.entering(heights, widths), 0)]
        while waiting:
            group, sizes, begun = waiting.pop()
            self.runs += 1
            if self.runs > MOST:
                raise Untold
            try:
                for place in range(begun, len(nodes)):
                    sizes.run(nodes[place], self.kinds[nodes[place]])
                found[group] = True
            except OpFault:
                pass
            except Split as split:  # each part goes on from this step
                waiting += [(group[places], sizes.part(places), place) for places in split.groups]
            except (Alone, ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise Untold from error
        return found

    def entering(self, heights: Array, widths: Array) -> Sizes:
        """The shapes of the inputs, with images of these lengths."""
        sizes = Sizes(self.alone)
        for tensor in self.graph.inputs.values():
            sizes.enter(tensor, (tensor.shape[0], number(heights), number(widths)))
        return sizes


class Sizes:
    """The shapes of tensors while a graph is run for them; equal ones are one object."""

    def __init__(self, alone: dict[Hashable, Any]) -> None:
        self.alone = alone
        self.shapes: dict[Tensor, tuple[Any, ...]] = {}
        self.equal: dict[Hashable, tuple[Any, ...]] = {}
        self.known: dict[tuple[int, tuple[int, ...]], list[tuple[Any, ...]]] = {}  # what leaves nodes of a kind

    def enter(self, tensor: Tensor, shape: tuple[Any, ...]) -> None:
        self.shapes[tensor] = self.one(shape)

    def one(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        key = tuple([n.array.tobytes() if isinstance(n, Many) else n for n in shape])
        return self.equal.setdefault(key, shape)

    def part(self, places: Array) -> Sizes:
        """The same of some of the images."""
        part = Sizes(self.alone)
        at = {id(shape): part.one(tuple([entry(n, places) for n in shape])) for shape in self.equal.values()}
        part.shapes = {tensor: at[id(shape)] for tensor, shape in self.shapes.items()}
        part.known = {
            (kind, tuple([id(at[one]) for one in given])): [at[id(shape)] for shape in found]
            for (kind, given), found in self.known.items()
        }
        return part

    def run(self, node: Node, kind: int) -> None:
        """What leaves a node; raises `OpFault` if it cannot be, or has another module than at the declared size."""
        given = [self.shapes[tensor] for tensor in node.inputs]
        key = kind, tuple(map(id, given))
        if key not in self.known:
            self.known[key] = list(map(self.one, self.leaving(node, kind, given)))
        self.shapes.update(zip(node.outputs, self.known[key], strict=True))

    def leaving(self, node: Node, kind: int, given: Sequence[Any]) -> Sequence[Any]:
        """The shapes that leave a node where these enter."""
        count = next((len(n.array) for shape in given for n in shape if isinstance(n, Many)), 0)
        try:
            with at(node.span):
                return left(node, given)
        except Split as split:
            if len(split.groups) <= PARTS:
                raise
        except (Alone, *NEEDS_NUMBERS):
            if not count:
                raise
        return self.each_alone(node, kind, list(zip(*(entries(shape, count) for shape in given), strict=True)))

    def each_alone(self, node: Node, kind: int, given: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """The same of the shapes that enter for each image, where the rules of an op take plain numbers alone."""
        for shapes in dict.fromkeys(given):
            if (kind, shapes) not in self.alone:
                self.alone[kind, shapes] = None
                with suppress(OpFault), at(node.span):
                    self.alone[kind, shapes] = list(map(list, left(node, shapes)))
        found = [self.alone[kind, shapes] for shapes in given]
        good = np.array([shapes is not None for shapes in found])
        if not good.any():
            raise OpFault("it cannot be at any of these sizes")
        if not good.all():
            raise Split([np.flatnonzero(good), np.flatnonzero(~good)])
        whole: Any = together(found)
        return [tuple(shape) for shape in whole]


def number(lengths: Array) -> Any:
    """A length of each image; a plain number where all are the same."""
    return int(lengths[0]) if (lengths == lengths[0]).all() else Many(lengths)


def entry(size: Any, places: Array) -> Any:
    """A size at some of the images."""
    return number(size.array[places]) if isinstance(size, Many) else size


def left(node: Node, given: Sequence[Any]) -> Sequence[Any]:
    """The same by the rules of its op; raises `OpFault` where the node would have another module."""
    fields, declared = fields_at(node, given), [tensor.shape for tensor in node.inputs]
    found = node.op.shapes(fields, *given)
    whole = fields_at(node, declared)
    if node.op.params(fields, given[0], found[0]) != node.op.params(whole, declared[0], node.shape):
        raise OpFault("its weight is made for one size")
    if given[0][0] != declared[0][0] and not node.functional:
        first = [entries(shape, 1)[0] for shape in given]
        if list(modules_of(node, first)) != list(modules_of(node, declared)):
            raise OpFault("its channels are made for one size")
    return found
