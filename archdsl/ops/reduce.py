"""What is taken over whole axes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops.axes import axes_field, dim, places_of_axes
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, Site, atom, is_lit, per_axis

if TYPE_CHECKING:
    from torch import Tensor

LETTERS = {1: "C", 2: "CL", 3: "CHW", 4: "CDHW"}  # the axes of a tensor of so many


class Mean(Op, name="mean"):
    """Mean over one axis or several."""

    group, role, counts = "pooling", "pool", "pool"
    torch: ClassVar[str] = "mean"
    word: ClassVar[str] = "Mean"
    fields: ClassVar[tuple[Field, ...]] = (
        axes_field("the axis, or a list of several"),
        Field("keepdim", "bool", True, "whether to keep the axes, with size 1", chooses=True),
    )
    example = {"fields": {"axis": ["h", "w"]}, "inputs": [(8, 6, 5)]}

    def axes(self, f: SimpleNamespace) -> tuple[Any, ...]:
        """The axes as they are named."""
        return per_axis(f.axis, 1)

    def keeps(self, f: SimpleNamespace) -> bool:
        """Whether the axes stay, of size 1."""
        return not is_lit(f.keepdim, False) and f.keepdim is not False

    def compute(self, run: Run, *x: Tensor) -> Any:
        places = places_of_axes(self.axes(run.f), tuple(x[0].shape[1:]))
        return getattr(x[0], self.torch)([1 + place for place in places], keepdim=self.keeps(run.f))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        rank = len(shapes[0])
        places = places_of_axes(self.axes(f), shapes[0])
        if len(places) == rank and not self.keeps(f):
            raise OpFault(
                f"this removes all {rank} axes of the tensor", field="axis", help="keepdim: true keeps them with size 1"
            )

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        gone, kept = places_of_axes(self.axes(f), shapes[0]), self.keeps(f)
        found = [1 if place in gone else n for place, n in enumerate(shapes[0]) if kept or place not in gone]
        return tuple(found)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return self.result(f, (c, *size))[0]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(shape)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        gone = places_of_axes(self.axes(f), (1,) * (rank + 1))
        return tuple(0 if place in gone else 1 for place in range(1, rank + 1)), (1,) * rank

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        dims = [str(dim(axis)) for axis in self.axes(e.f)]
        over = dims[0] if len(dims) == 1 else f"({', '.join(dims)})"
        more = ", keepdim=True" if self.keeps(e.f) else ""
        return f"{atom(tensors[0])}.{self.torch}({over}{more})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        letters, places = LETTERS.get(len(shape), ""), places_of_axes(self.axes(f), shape)
        return f"{self.word} over {', '.join(letters[place] if letters else str(place) for place in places)}"


class Maximum(Mean, name="amax"):
    """Maximum over one axis or several."""

    torch, word = "amax", "Max"
    example = {"fields": {"axis": "c"}, "inputs": [(8, 6, 5)]}


class ChannelMean(Mean, name="channel_mean"):
    """Mean over the channels, which gives a single channel."""

    fields = ()
    example = {"fields": {}, "inputs": [(8, 6, 5)]}

    def axes(self, f: SimpleNamespace) -> tuple[Any, ...]:
        return ("c",)

    def keeps(self, f: SimpleNamespace) -> bool:
        return True


class ChannelMaximum(ChannelMean, name="channel_max"):
    """Maximum over the channels, which gives a single channel."""

    torch, word = "amax", "Max"
