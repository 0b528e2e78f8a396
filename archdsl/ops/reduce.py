"""What is taken over whole axes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Lit
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, Site, atom, is_lit, per_axis

if TYPE_CHECKING:
    from torch import Tensor

LETTERS = {1: "C", 2: "CL", 3: "CHW", 4: "CDHW"}  # the axes of a tensor of so many


class Mean(Op, name="mean"):
    """Mean over axes: 0 the channels, then the spatial ones; -1 the last."""

    group, role, counts = "pooling", "pool", "pool"
    torch: ClassVar[str] = "mean"
    word: ClassVar[str] = "Mean"
    fields: ClassVar[tuple[Field, ...]] = (
        Field("axis", "ints", doc="the axis, or several", chooses=True),
        Field("keepdim", "bool", True, "whether the axes stay, of size 1", chooses=True),
    )
    example = {"fields": {"axis": [0, 2]}, "inputs": [(8, 6, 5)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        axes = [1 + axis for axis in self.axes(run.f, x[0].dim() - 1)]
        return getattr(x[0], self.torch)(axes, keepdim=run.f.keepdim)

    @staticmethod
    def axes(f: SimpleNamespace, rank: int) -> list[int]:
        """The axes of a tensor of so many, counted from its first."""
        values: list[Any] = [item.value if isinstance(item, Lit) else item for item in per_axis(f.axis, 1)]
        return [axis % rank for axis in values]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        rank = len(shapes[0])
        given = per_axis(f.axis, 1)
        if any(not -rank <= axis < rank for axis in given):
            odd = next(axis for axis in given if not -rank <= axis < rank)
            message = f"there is no axis {odd}: the tensor has {rank}"
            raise OpFault(message, field="axis", help="0 is the channels, 1 the first spatial axis, -1 the last")
        axes = self.axes(f, rank)
        if len(set(axes)) < len(axes):
            raise OpFault("an axis is named twice", field="axis", help="0 is the channels, -1 the last axis")
        if len(axes) == rank and not f.keepdim:
            raise OpFault(f"no axis is left of {rank}", field="axis", help="keepdim: true leaves them, of size 1")

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        axes, keepdim = self.axes(f, len(shapes[0])), f.keepdim
        found = [1 if n in axes else size for n, size in enumerate(shapes[0]) if keepdim or n not in axes]
        return tuple(found)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        kept = SimpleNamespace(axis=f.axis, keepdim=not is_lit(f.keepdim, False) and f.keepdim is not False)
        return self.result(kept, (c, *size))[0]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(shape)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        axes = self.axes(f, rank + 1)
        return tuple(0 if n in axes else 1 for n in range(1, rank + 1)), (1,) * rank

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        axes = [1 + axis for axis in self.axes(e.f, e.rank + 1)]
        over = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
        more = "" if is_lit(e.f.keepdim, False) else ", keepdim=True"
        return f"{atom(tensors[0])}.{self.torch}({over}{more})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        letters = LETTERS.get(len(shape), "")
        axes = [letters[n] if letters else str(n) for n in self.axes(f, len(shape))]
        return f"{self.word} over {', '.join(axes)}"


class Maximum(Mean, name="amax"):
    """Maximum over axes: 0 the channels, then the spatial ones; -1 the last."""

    torch, word = "amax", "Max"
    example = {"fields": {"axis": 0}, "inputs": [(8, 6, 5)]}
