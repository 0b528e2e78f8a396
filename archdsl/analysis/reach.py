"""Receptive fields: how much of the input one element of a tensor sees, and how far apart two neighbours look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

from archdsl.ops import Op
from archdsl.ops.base import Shape

MOST = 2**53  # more than any map holds: where strides without end meet padding, a reach stays there


class Reach(NamedTuple):
    """Of one element of a tensor, on each axis: the input elements it sees, and how far apart two neighbours look."""

    extent: tuple[float, ...]
    jump: tuple[float, ...]


class Windows(NamedTuple):
    """What an op adds to a reach on each axis: its extent, and the step between two windows."""

    extents: tuple[float, ...]
    steps: tuple[float, ...]
    single: bool  # every window is one element: the reach is as it was


def of_input(shape: Shape) -> Reach:
    """The reach of an element of the input itself."""
    ones = (1,) * (len(shape) - 1)
    return Reach(ones, ones)


def windows(op: Op, fields: SimpleNamespace, entry: Shape, out: Shape) -> Windows | None:
    """The windows of an op on a map; None: no element of what leaves has a place, or each sees the whole map."""
    size, rank = entry[1:], len(out) - 1
    if rank == 0 or op.placeless or (op.role == "pool" and math.prod(out[1:]) == 1 < math.prod(size)):
        return None
    if op.borders:
        return single(rank)
    if len(size) != rank:
        extents, steps = op.window(fields, len(size))
        return single(rank) if all(n == 1 for n in (*extents, *steps)) else None
    axes = zip(*op.window(fields, rank), size, out[1:], strict=True)
    extents, steps = zip(*[window(*axis) for axis in axes], strict=True)
    return single(rank) if all(n == 1 for n in (*extents, *steps)) else Windows(extents, steps, single=False)


@cache
def single(rank: int) -> Windows:
    return Windows((1,) * rank, (1,) * rank, single=True)


def window(extent: int, stride: int, size: int, out: int) -> tuple[float, float]:
    """Extent and step on one axis; where a size alone tells them (upsampling, pooling to a size), told from that."""
    step = size / out if size % out else size // out
    if extent == 0:
        return size, step
    if out > size:
        return extent, size / out
    if out < size and extent == stride == 1:
        return max(-(-(i + 1) * size // out) - i * size // out for i in range(out)), step
    return extent, stride


def through(reach: Reach, found: Windows) -> Reach:
    """What an element sees behind an op with these windows."""
    if found.single:
        return reach
    jump = reach.jump
    return Reach(
        tuple([min(r + (k - 1) * j, MOST) for r, j, k in zip(reach.extent, jump, found.extents, strict=True)]),
        tuple([min(j * s, MOST) for j, s in zip(jump, found.steps, strict=True)]),
    )


def align(reach: Reach, rank: int) -> Reach:
    """A reach for a tensor of another rank: the last axes are the spatial ones."""
    more = max(0, rank - len(reach.extent))
    keep = slice(len(reach.extent) - min(rank, len(reach.extent)), None)
    return Reach((1,) * more + reach.extent[keep], (1,) * more + reach.jump[keep])


def joined(reaches: Sequence[Reach]) -> Reach:
    """What a join of tensors sees: on each axis as much as the widest."""
    if len(reaches) == 1:
        return reaches[0]
    extents, jumps = zip(*(r.extent for r in reaches), strict=True), zip(*(r.jump for r in reaches), strict=True)
    return Reach(tuple(map(max, extents)), tuple(map(max, jumps)))


def stride(entry: Reach | None, result: Reach | None) -> tuple[float, ...] | None:
    """By how much a stage makes its map smaller (a fraction: larger); None where none is left."""
    if entry is None or result is None or len(entry.jump) != len(result.jump):
        return None
    return tuple(b / a for a, b in zip(entry.jump, result.jump, strict=True))
