"""Downsampling without aliases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, Expr
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, axes_expr, is_lit, once, per_axis
from archdsl.ops.windows import MODES, REFLECT, area, check_axes, check_border, check_fits, padded, window_label

if TYPE_CHECKING:
    from torch import Tensor


class BlurPool(Op, name="blur_pool"):
    """Applies a binomial filter to every channel, with a stride (Zhang, 2019)."""

    group, role, fresh, counts = "pooling", "pool", True, ""
    sized_by = ("kernel", "stride", "padding")
    fields = (
        Field("kernel", "axes", 3, "filter size: 3 is [1, 2, 1]/4 on each axis", minimum=1),
        Field("stride", "axes", 2, "stride", minimum=1),
        Field("padding", "axes", None, "elements on each side; (stride + kernel − 2)//2 if not given", minimum=0),
        Field("padding_mode", "word", REFLECT, "what fills the padding", MODES),
    )
    example = {"fields": {"kernel": 5}, "inputs": [(8, 9, 10)]}
    prelude = "blur.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, rank = run.f, x[0].dim() - 2
        found = padded(run, x[0], self.sides(f, rank), mode=f.padding_mode)
        for axis, (k, s) in enumerate(zip(per_axis(f.kernel, rank), per_axis(f.stride, rank), strict=True), 2):
            parts = [math.comb(k - 1, i) / 2 ** (k - 1) for i in range(k)]
            reach = found.size(axis) - k + 1
            shifted = [found.narrow(axis, i, reach) * part for i, part in enumerate(parts)]
            total = run.torch.stack(shifted).sum(0)
            found = total.index_select(axis, run.torch.arange(0, reach, s))
        return found

    @staticmethod
    def sides(f: SimpleNamespace, rank: int) -> list[tuple[int, int]]:
        """Elements before and after each axis."""
        if f.padding is not None:
            return [(n, n) for n in per_axis(f.padding, rank)]
        axes = zip(per_axis(f.stride, rank), per_axis(f.kernel, rank), strict=True)
        return [((s + k - 2) // 2,) * 2 for s, k in axes]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        check_axes(self, f, len(size))
        check_border(f.padding_mode, self.sides(f, len(size)), size, "padding_mode")
        check_fits(f, size, self.size(f, size))

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        rank = len(size)
        axes = zip(size, per_axis(f.kernel, rank), per_axis(f.stride, rank), self.sides(f, rank), strict=True)
        return tuple((n + 2 * p - k) // s + 1 for n, k, s, (p, _) in axes)

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[0] * area(f, len(shape) - 1)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return area(f, len(shape) - 1) * math.prod(out)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return per_axis(f.kernel, rank), per_axis(f.stride, rank)

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        if max(spacing) > 1 and area(f, len(size)) > 1:
            raise OpFault(f"{self.name} has no dilation, which it would need to skip the elements in between")
        return {"stride": once(stride), "padding": once([before for before, _ in self.sides(f, len(size))])}

    def module(self, e: Site) -> Module:
        f, padding = e.f, e.f.padding
        if is_lit(padding, None):
            padding = axes_expr(f.stride, e.rank, lambda s, k: (s + k - 2) // 2, f.kernel)
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {
            "stride": (f.stride, None),
            "padding": (padding, None),
            "padding_mode": (f.padding_mode, REFLECT),
        }
        return Module(f"BlurPool{e.rank}d", (e.c, f.kernel), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return window_label("Blur pool", f, len(shape) - 1)
