"""Where the elements of each map lie once strides have become dilations: told from the graph, op by op."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import NamedTuple, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Constant
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ops.base import Op, OpFault

HELP = "take the maps before it with features_only, or use a larger output_stride"


class Axis(NamedTuple):
    """An axis of a map: how many elements of the image one step of it is worth, and how many elements it has for one.

    The second is more than 1 where a stride has become a dilation: only each so many-th element was there before.
    """

    jump: Fraction
    spacing: int

    @property
    def now(self) -> Fraction:
        """Elements of the image from one element to the next."""
        return self.jump / self.spacing


Grid: TypeAlias = "tuple[Axis | None, ...]"  # None: an axis of one number, which stands for all of a map


@dataclass(frozen=True)
class Windowed:
    """What becomes of a node: the spacing of the map that enters, and the step between its windows now."""

    spacing: tuple[int, ...]
    stride: tuple[int, ...]
    changes: bool

    def fields(self, node: Node) -> Mapping[str, Constant]:
        """Its fields, of those that may change."""
        size, f = node.inputs[0].shape[1:], SimpleNamespace(**node.fields)
        try:
            return node.op.spaced(f, size, self.spacing, self.stride)
        except OpFault as problem:
            if not self.changes:  # one that stays as it is beside others that do not
                return {}
            raise refused(node, problem.message, problem.help or HELP) from None


def refused(node: Node, why: str, help: str = HELP) -> SpecError:
    return fault("bad-call", f"output_stride stops at '{node.path}': {why}", node.span, help=help)


def spacings(graph: Graph, limit: int) -> dict[Node, Windowed]:
    """What becomes of each node that has a window, or that reads a map of more elements than before.

    Strides are taken as long as no map is more than `limit` times smaller than the image.
    """
    grids: dict[Tensor, Grid] = {
        tensor: (Axis(Fraction(1), 1),) * (len(tensor.shape) - 1) for tensor in graph.inputs.values()
    }
    image = max((tensor.shape[1:] for tensor in graph.inputs.values()), key=len)
    found: dict[Node, Windowed] = {}
    for node in graph.nodes:
        entry = entering(node, grids)
        own = windowed(node, entry, limit)
        if own is not None:
            found[node] = own
        grids.update(dict.fromkeys(node.outputs, leaving(node, entry, own, image)))
    return found


def entering(node: Node, grids: Mapping[Tensor, Grid]) -> Grid:
    """The grid of the map that a node reads, of a join the one that its maps have in common."""
    if node.op.owned:
        return ()
    own = [grids[tensor] for tensor in (node.inputs if joins(node.op) else node.inputs[:1])]
    grid, *others = sorted(own, key=len, reverse=True)
    for other in others:
        if len(other) == len(grid):
            grid = tuple(common(node, a, b) for a, b in zip(grid, other, strict=True))
        elif any(axis is not None and axis.spacing > 1 for axis in (*grid, *other)):
            raise refused(node, "it joins a larger map with a tensor that has other axes")
    return grid


def joins(op: Op) -> bool:
    """Whether all that an op reads has to lie on one grid; what others read beside their map are no maps like it."""
    return op.many or op.spreads or type(op).window is Op.window


def common(node: Node, a: Axis | None, b: Axis | None) -> Axis | None:
    """The axis of a join; one of a single element is spread over the others."""
    if a is None or b is None:
        return a or b
    if a.spacing != b.spacing:
        why = f"it joins maps whose dilations differ: {a.spacing} and {b.spacing}"
        raise refused(node, why, "its branches have their strides in another order, or one makes its map larger")
    return a


def windowed(node: Node, entry: Grid, limit: int) -> Windowed | None:
    """What becomes of the window of a node; None where it has none and reads a map as before."""
    rank = len(entry)
    if not rank or node.op.owned:
        return None
    f, out = SimpleNamespace(**node.fields), node.shape
    extents, strides = node.op.window(f, rank)
    spacing = tuple(axis.spacing if axis is not None else 1 for axis in entry)
    spaced = max(spacing) > 1
    if spaced and gathers(extents, entry, out):
        return None
    step = tuple(step_of(node, axis, s, limit) for axis, s in zip(entry, strides, strict=True))
    if not spaced and set(extents) | set(strides) == {1} and type(node.op).spaced is Op.spaced:
        return None
    if spaced and len(out) - 1 != rank and not leaves_in_place(node, extents):
        raise refused(node, f"{node.op.name} merges the axes of a map, which would then have more elements")
    return Windowed(spacing, step, spaced or step != tuple(strides))


def leaves_in_place(node: Node, extents: Sequence[int]) -> bool:
    """Whether an op with other axes in front has left the last ones, those of the map, as they were."""
    return type(node.op).window is not Op.window and set(extents) == {1}


def gathers(extents: Sequence[int], entry: Grid, out: Sequence[int]) -> bool:
    """Whether one number stands for all that an axis has, wherever it lies closer now: a mean of the whole map."""
    if len(out) - 1 > len(entry):
        return False
    sizes = out[1:] if len(out) - 1 == len(entry) else (1,) * len(entry)
    axes = zip(extents, entry, sizes, strict=True)
    return all(axis is None or axis.spacing == 1 or (extent == 0 and n == 1) for extent, axis, n in axes)


def step_of(node: Node, axis: Axis | None, stride: int, limit: int) -> int:
    """The step between two windows on an axis: the stride, or what the limit leaves of it."""
    if axis is None or stride == 1 or axis.now * stride <= limit:
        return stride
    room = max(Fraction(limit) / axis.now, Fraction(1))
    if room.denominator != 1 or stride % int(room):
        message = f"a stride of {stride} makes a map {axis.now * stride} times smaller, which steps over {limit}"
        raise refused(node, message, "give an output_stride that is a product of its strides")
    return int(room)


def leaving(node: Node, entry: Grid, own: Windowed | None, image: Sequence[int]) -> Grid:
    """The grid of what a node gives; `image` is the size of the image."""
    size, rank = node.shape[1:], len(node.shape) - 1
    extents, strides = node.op.window(SimpleNamespace(**node.fields), len(entry))
    if node.op.owned or len(entry) != rank:
        fresh = fresh_grid(size, image)
        kept = entry[-rank:] if rank and not node.op.owned and leaves_in_place(node, extents) else ()
        return (*fresh[: rank - len(kept)], *kept)
    before = node.inputs[0].shape[1:] if not joins(node.op) else size
    return tuple(axes_after(node, entry, extents, strides, before, own))


def fresh_grid(size: Sequence[int], image: Sequence[int]) -> Grid:
    """The grid of a tensor that comes of no map, or of one whose axes were others: told from its size."""
    if len(size) != len(image):
        return tuple(Axis(Fraction(1), 1) if n > 1 else None for n in size)
    return tuple(Axis(Fraction(m, n), 1) if n > 1 else None for n, m in zip(size, image, strict=True))


def axes_after(
    node: Node,
    entry: Grid,
    extents: Sequence[int],
    strides: Sequence[int],
    before: Sequence[int],
    own: Windowed | None,
) -> Iterator[Axis | None]:
    """The axes of what leaves, one after another."""
    plain = type(node.op).spaced is Op.spaced and not node.op.borders
    for place, (axis, n, m) in enumerate(zip(entry, before, node.shape[1:], strict=True)):
        if axis is None or (extents[place] == 0 and m == 1):
            yield None
        elif plain and n != m and strides[place] == 1:  # resized otherwise: by a factor, to a size
            yield Axis(axis.jump * Fraction(n, m), axis.spacing)
        else:
            step = own.stride[place] if own is not None else strides[place]
            yield Axis(axis.jump * strides[place], axis.spacing * strides[place] // step)
