"""Axes of a tensor, as a field names them: c, then the spatial ones, or a number."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.expr.nodes import Constant, Expr, Lit
from archdsl.ops.base import REQUIRED, Field, OpFault, Shape, times

AXES = ("c", "d", "h", "w")
FROM_THE_END = {"w": -1, "h": -2, "d": -3}  # a tensor C×L has w alone, a map h and w
WORDS = "c, d, h, w, or a number (0 is c, -1 the last)"  # what a field takes


def axis_field(doc: str, default: str = "c") -> Field:
    """A field that names one axis."""
    return Field("axis", "int", default, f"{doc}: {WORDS}", AXES)


def axes_field(doc: str) -> Field:
    """A field that names one axis or several, which together choose what is printed."""
    return Field("axis", "ints", REQUIRED, f"{doc}: {WORDS}", AXES, chooses=True)


def place_of_axis(axis: Constant | Expr, shape: Shape) -> int:
    """Which axis of a shape is meant; raises `OpFault` if the shape has no such axis."""
    value: Constant = axis.value if isinstance(axis, Lit) else axis
    rank = len(shape)
    if isinstance(value, str):
        place = 0 if value == "c" else rank + FROM_THE_END[value]
        there = value == "c" or place > 0
    else:
        place, there = value % rank, -rank <= value < rank
    if not there:
        raise OpFault(f"a tensor {times(shape)} has no axis {value}", field="axis", help=known_axes(rank))
    return int(place)


def places_of_axes(axes: Sequence[Constant | Expr], shape: Shape) -> list[int]:
    """Which axes of a shape are meant; raises `OpFault` if it lacks one, or if one is named twice."""
    places = [place_of_axis(axis, shape) for axis in axes]
    if len(set(places)) < len(places):
        raise OpFault("an axis is given twice", field="axis", help=known_axes(len(shape)))
    return places


def place_of_features(axis: Constant | Expr, shape: Shape) -> int:
    """Which axis of a shape holds the features; raises `OpFault` unless it is that of the channels or the last one."""
    place = place_of_axis(axis, shape)
    if place not in (0, len(shape) - 1):
        message = f"the features must be on c or on the last axis of {times(shape)}, not on {axis}"
        raise OpFault(message, field="axis", help="rearrange the axes before it")
    return place


def is_channels(axis: Constant | Expr, rank: int) -> bool:
    """Whether an axis is that of the channels, of a tensor with so many spatial axes."""
    return dim(axis) in (1, -1 - rank)


def known_axes(rank: int) -> str:
    """The axes that a tensor has, as a help line."""
    words = ["c", *AXES[1:][len(AXES) - rank :]] if rank <= len(AXES) else ["c"]
    return f"its axes are {', '.join(words)}, or the numbers 0 to {rank - 1}"


def dim(axis: Constant | Expr) -> int:
    """What torch calls an axis, whose first one is the batch; the same number for tensors of any rank."""
    if isinstance(axis, Expr) and not isinstance(axis, Lit):
        raise OpFault("axis has a different value in each call: write one step for each value", field="axis")
    value: Constant = axis.value if isinstance(axis, Lit) else axis
    if isinstance(value, str):
        return FROM_THE_END.get(value, 1)
    number = int(value)
    return number + 1 if number >= 0 else number
