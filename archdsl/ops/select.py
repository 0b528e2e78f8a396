"""One entry of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Expr, wrap
from archdsl.expr.show import show
from archdsl.ops.axes import axis_field, dim, place_of_axis
from archdsl.ops.base import Field, OpFault, Run, Shape, Site, atom, times
from archdsl.ops.shape import Mover

if TYPE_CHECKING:
    from torch import Tensor


class Select(Mover, name="select"):
    """Takes one entry of an axis and drops the axis: for tokens L×C, `select: 0` is the class token."""

    placeless = True
    fields = (
        Field("index", "int", doc="which entry, counted from 0; -1 is the last"),
        axis_field("the axis"),
    )
    example = {"fields": {"index": 0}, "inputs": [(7, 8)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        axis = 1 + place_of_axis(run.f.axis, tuple(x[0].shape[1:]))
        return x[0].movedim(axis, 0)[run.f.index]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place, shape = place_of_axis(f.axis, shapes[0]), shapes[0]
        if len(shape) == 1:
            raise OpFault(
                "select removes an axis, and this tensor has only one",
                help=f"write take: {f.index + 1} to keep the first entries",
            )
        if not -shape[place] <= f.index < shape[place]:
            help = f"give -{shape[place]} to {shape[place] - 1}"
            raise OpFault(
                f"index {f.index} is out of range for the axis {f.axis} of {times(shape)}", field="index", help=help
            )

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        place = place_of_axis(f.axis, shapes[0])
        return shapes[0][:place] + shapes[0][place + 1 :]

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return self.result(f, (c, *size))[0]

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> Sequence[tuple[frozenset[int], Sequence[Expr]]]:
        gone = dim(f.axis) % (ranks[0] + 1) - 1
        return [(frozenset([n]), ()) for n in range(ranks[0]) if n != gone]

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        place, index = dim(e.f.axis) % (e.rank + 2) - 1, show(wrap(e.f.index), python=True)
        return f"{atom(tensors[0])}[{':, ' * (1 + place)}{index}]"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Entry {f.index}"
