"""Which sizes of its inputs a network takes, where its steps do not go together at all of them.

A U-Net joins maps that were halved and doubled again, which have one size at multiples of 16 alone; a table of
positions has one length. Where strides became dilations, windows must hang over the end of a map just as they do at the
declared size, or they would move. Many lengths are tried at once: each size of a map is an array with an entry each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from archdsl.diagnostics.faults import at
from archdsl.expr.many import Alone, Array, Many, Split, entries, together
from archdsl.ir.facts import Window
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ir.nodes import fields_at, kinds_of, modules_of, moves
from archdsl.ops.base import NEEDS_NUMBERS, OpFault

AHEAD = 256  # lengths that are tried from the declared one on; what repeats does so at least twice
MOST = 256  # runs, each of lengths that take one way through the rules
PARTS = 2  # ways from one step on; where there are more, its op takes plain numbers alone
MOST_ROWS = 3  # of lengths in a period, if these are not all alike


@dataclass(frozen=True)
class Side:
    """Lengths of a side of an input: `count` of them from `start` on, each `step` more, and so on after each `period`.

    Without a period (0) there are no others. With it, there may be those of further rows `also`.
    """

    start: int
    count: int
    step: int
    period: int
    also: tuple[Side, ...] = ()


Sides = tuple["Side | None", ...]  # of the axes behind the channels; None where every length is taken
FREE: Sides = ()
Kind = tuple[int, "Window | None"]  # of nodes that are alike, and what becomes of their window


@dataclass(frozen=True)
class Taken:
    """The sides of each input; where all inputs must be of one size, those of the first alone."""

    inputs: tuple[Sides, ...] = ()
    equal: bool = False


ANY = Taken()


class Untold(Exception):
    """The rules of the ops do not tell which lengths a network takes."""


def sizes_taken(graph: Graph, *, training: bool = False) -> Taken:
    """The sizes of inputs that a network takes; `ANY` where it takes every one, or its ops do not tell.

    Auxiliary heads count in `training` alone. That a map may become too small is not looked at.
    """
    try:
        before = graph.origin.before if graph.origin is not None else None
        trial = Trial(graph, training, before=Trial(before.graph, training, before.windows) if before else None)
        found = sizes_of_several(trial) if len(trial.declared) > 1 else Taken((sides_of(trial, [0]),))
    except Untold:
        return ANY
    return found if found.equal or any(found.inputs) else ANY


def sizes_of_several(trial: Trial) -> Taken:
    """The sizes of several inputs, if those of each have nothing to do with the others, or all must be equal."""
    every, ahead = range(len(trial.declared)), np.arange(AHEAD)
    alone = [trial.moved({place: ahead}) for place in every]
    if (trial.moved(dict.fromkeys(every, ahead)) == np.logical_and.reduce(alone)).all():
        found = tuple(sides_of(trial, [place]) for place in every)
        if any(side is not None and not side.period for sides in found for side in sides):
            raise Untold  # others may be taken beside inputs of other sizes
        return Taken(found)
    if not are_equal(trial):
        raise Untold
    return Taken((sides_of(trial, every),), equal=True)


def are_equal(trial: Trial) -> bool:
    """Whether a network takes no input of another size than the others along any axis."""
    first, *others = trial.declared
    if any(shape != first for shape in others):
        return False
    every, ahead = range(len(trial.declared)), np.arange(AHEAD)
    for place, axis in product(every, range(len(first))):
        below, one_more = np.arange(1 - first[axis], 0), {**dict.fromkeys(every, ahead), place: ahead + 1}
        alone = np.concatenate([trial.moved({place: by}, [axis]) for by in (below, ahead[1:])])
        if alone.any() or trial.moved(one_more, [axis]).any():
            return False
    return True


def sides_of(trial: Trial, places: Sequence[int]) -> Sides:
    """The sides of inputs of one size while others keep theirs; raises `Untold` if one side depends on another."""
    declared, ahead = trial.declared[places[0]], np.arange(AHEAD)
    whole = trial.moved(dict.fromkeys(places, ahead))
    if whole.all():
        return FREE
    each = [trial.moved(dict.fromkeys(places, ahead), [axis]) for axis in range(len(declared))]
    if (whole != np.logical_and.reduce(each)).any():
        raise Untold

    def below(axis: int) -> Array:
        return trial.moved(dict.fromkeys(places, np.arange(1 - declared[axis], 0)), [axis])

    return tuple(side(each[axis], length, partial(below, axis)) for axis, length in enumerate(declared))


def side(taken: Array, declared: int, below: Callable[[], Array]) -> Side | None:
    """The lengths of a side, of which it is known from the declared one on, and can be asked below, which are taken.

    None if they all are; raises `Untold` unless they are rows that repeat, or one row alone.
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
    if (np.delete(gaps, last) == step).all() and (len(gaps) == 1 or not (period % step or first % step)):
        return Side(first, len(gaps), step, period)
    return in_rows({int(declared + place) % period for place in places}, period)


def in_rows(taken: Collection[int], period: int) -> Side:
    """Lengths that repeat, as rows of such that follow one another; raises `Untold` where there are too many."""
    starts = sorted(first for first in taken if (first - 1) % period not in taken)
    counts = [next(n for n in range(1, period) if (first + n) % period not in taken) for first in starts]
    if len(starts) > MOST_ROWS:
        raise Untold
    first, *rest = (Side(start, count, 1, period) for start, count in zip(starts, counts, strict=True))
    return replace(first, also=tuple(rest))


def leading(taken: Array) -> int:
    """How many are taken before the first that is not."""
    return len(taken) if taken.all() else int(taken.argmin())


@dataclass
class Trial:
    """A graph that is run for sizes alone, with inputs of many sizes at once."""

    graph: Graph
    training: bool = False  # whether auxiliary heads run too
    windows: Mapping[Node, Window] = field(default_factory=dict)  # which became dilated
    before: Trial | None = None  # of the graph that has them
    nodes: Sequence[Node] = field(init=False)
    declared: list[tuple[int, ...]] = field(init=False)  # of each input, without its channels
    kinds: Mapping[Node, Kind] = field(init=False)
    alone: dict[Hashable, Any] = field(default_factory=dict)  # what leaves nodes of a kind, by plain shapes that enter
    runs: int = 0

    def __post_init__(self) -> None:
        self.nodes = [node for node in self.graph.nodes if self.training or not node.training]
        self.kinds = {node: (kind, self.windows.get(node)) for node, kind in kinds_of(self.nodes).items()}
        self.declared = [tensor.shape[1:] for tensor in self.graph.inputs.values()]

    def moved(self, by: Mapping[int, Array], axes: Sequence[int] | None = None) -> Array:
        """Whether all steps go together where sides of these inputs are longer by so much: along some axes, or all."""
        count = len(next(iter(by.values())))
        still = np.zeros(count, dtype=int)
        sizes = [
            [n + (by.get(place, still) if axes is None or axis in axes else still) for axis, n in enumerate(shape)]
            for place, shape in enumerate(self.declared)
        ]
        found = self.taken(sizes, count) if count else np.zeros(0, dtype=bool)
        return found & self.before.moved(by, axes) if self.before is not None else found

    def taken(self, lengths: Sequence[Sequence[Array]], count: int) -> Array:
        """Of each of many lengths of the sides of the inputs, whether all steps go together."""
        nodes, found = self.nodes, np.zeros(count, dtype=bool)
        waiting = [(np.arange(count), self.entering(lengths), 0)]
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

    def entering(self, lengths: Sequence[Sequence[Array]]) -> Sizes:
        """The shapes of the inputs, with sides of these lengths."""
        sizes = Sizes(self.alone)
        for tensor, sides in zip(self.graph.inputs.values(), lengths, strict=True):
            sizes.enter(tensor, (tensor.shape[0], *map(number, sides)))
        return sizes


class Sizes:
    """The shapes of tensors while a graph is run for them; equal ones are one object."""

    def __init__(self, alone: dict[Hashable, Any]) -> None:
        self.alone = alone
        self.shapes: dict[Tensor, tuple[Any, ...]] = {}
        self.equal: dict[Hashable, tuple[Any, ...]] = {}
        self.known: dict[tuple[Kind, tuple[int, ...]], list[tuple[Any, ...]]] = {}  # what leaves nodes of a kind

    def enter(self, tensor: Tensor, shape: tuple[Any, ...]) -> None:
        self.shapes[tensor] = self.one(shape)

    def one(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        key = tuple([n.array.tobytes() if isinstance(n, Many) else n for n in shape])
        return self.equal.setdefault(key, shape)

    def part(self, places: Array) -> Sizes:
        """The same of some of the sizes."""
        part = Sizes(self.alone)
        at = {id(shape): part.one(tuple([entry(n, places) for n in shape])) for shape in self.equal.values()}
        part.shapes = {tensor: at[id(shape)] for tensor, shape in self.shapes.items()}
        part.known = {
            (kind, tuple([id(at[one]) for one in given])): [at[id(shape)] for shape in found]
            for (kind, given), found in self.known.items()
        }
        return part

    def run(self, node: Node, kind: Kind) -> None:
        """What leaves a node; raises `OpFault` if it cannot be, or has another module than at the declared size."""
        given = [self.shapes[tensor] for tensor in node.inputs]
        key = kind, tuple(map(id, given))
        if key not in self.known:
            self.known[key] = list(map(self.one, self.leaving(node, kind, given)))
        self.shapes.update(zip(node.outputs, self.known[key], strict=True))

    def leaving(self, node: Node, kind: Kind, given: Sequence[Any]) -> Sequence[Any]:
        """The shapes that leave a node where these enter."""
        count = next((len(n.array) for shape in given for n in shape if isinstance(n, Many)), 0)
        try:
            with at(node.span):
                return left(node, given, kind[1])
        except Split as split:
            if len(split.groups) <= PARTS:
                raise
        except (Alone, *NEEDS_NUMBERS):
            if not count:
                raise
        return self.each_alone(node, kind, list(zip(*(entries(shape, count) for shape in given), strict=True)))

    def each_alone(self, node: Node, kind: Kind, given: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """The same of the shapes that enter for each image, where the rules of an op take plain numbers alone."""
        for shapes in dict.fromkeys(given):
            if (kind, shapes) not in self.alone:
                self.alone[kind, shapes] = None
                with suppress(OpFault), at(node.span):
                    self.alone[kind, shapes] = list(map(list, left(node, shapes, kind[1])))
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


def left(node: Node, given: Sequence[Any], window: Window | None = None) -> Sequence[Any]:
    """The same by the rules of its op; raises `OpFault` where the node would have another module, or dilated window."""
    fields, declared = fields_at(node, given), [tensor.shape for tensor in node.inputs]
    found = node.op.shapes(fields, *given)
    whole = fields_at(node, declared)
    if window is not None and moves(node, given, window):
        raise OpFault("its window would move")
    if node.op.params(fields, given[0], found[0]) != node.op.params(whole, declared[0], node.shape):
        raise OpFault("its weight is made for one size")
    if given[0][0] != declared[0][0] and not node.functional:
        first = [entries(shape, 1)[0] for shape in given]
        if list(modules_of(node, first)) != list(modules_of(node, declared)):
            raise OpFault("its channels are made for one size")
    return found
