"""The transposed convolution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Expr
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, per_axis
from archdsl.ops.windows import area, check_axes, window_label, with_bias

if TYPE_CHECKING:
    from torch import Tensor


class ConvTranspose(Op, name="conv_transpose"):
    """Transposed convolution: n elements become (n−1)·stride − 2·padding + dilation·(k−1) + output_padding + 1."""

    group, role, fresh, counts, follows = "convolution", "conv", True, "", "conv"
    sized_by = ("kernel", "stride", "padding", "output_padding", "dilation")
    fields = (
        Field("out", "int", doc="output channels", minimum=1),
        Field("kernel", "axes", 2, "kernel size", minimum=1),
        Field("stride", "axes", 2, "stride", minimum=1),
        Field("padding", "axes", 0, "rows cut from each side of the result", minimum=0),
        Field("output_padding", "axes", 0, "rows added at the end, less than the stride", minimum=0),
        Field("dilation", "axes", 1, "spacing of the kernel's taps", minimum=1),
        Field("groups", "int", 1, "groups of channels", minimum=1),
        Field("bias", "bool", True, "whether to add a bias"),
    )
    example = {"fields": {"out": 6, "kernel": 3, "padding": 1, "output_padding": 1, "groups": 2}, "inputs": [(8, 5, 7)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, convolve = run.f, getattr(run.torch.nn.functional, f"conv_transpose{x[0].dim() - 2}d")
        more = (f.stride, f.padding, f.output_padding, f.groups, f.dilation)
        return convolve(x[0], run.weights["weight"], run.weights.get("bias"), *more)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        c, *rest = shapes[0]
        rank = len(rest)
        check_axes(self, f, rank)
        if c % f.groups or f.out % f.groups:
            raise OpFault(f"groups {f.groups} does not divide the channels ({c} -> {f.out})", field="groups")
        steps = zip(per_axis(f.output_padding, rank), per_axis(f.stride, rank), per_axis(f.dilation, rank), strict=True)
        if any(o >= max(s, d) for o, s, d in steps):
            raise OpFault("output_padding must be less than the stride", field="output_padding")
        if min(self.size(f, tuple(rest))) < 1:
            raise OpFault("padding leaves nothing of the output", field="padding")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        axes = [per_axis(value, len(size)) for value in (f.kernel, f.stride, f.padding, f.output_padding, f.dilation)]
        return tuple((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, o, d in zip(size, *axes, strict=True))

    @staticmethod
    def taps(f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """Elements of the kernel."""
        inner: int = out[0] // f.groups
        return shape[0] * inner * area(f, len(shape) - 1)

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        kernel = (shape[0], out[0] // f.groups, *per_axis(f.kernel, len(shape) - 1))
        return with_bias(kernel, out[0] if f.bias else 0)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return self.taps(f, shape, out) + (out[0] if f.bias else 0)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return self.taps(f, shape, out) * math.prod(shape[1:])

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # An output element reads at most ceil(extent / stride) inputs; the finer grid that results is not counted.
        axes = zip(*(per_axis(value, rank) for value in (f.kernel, f.stride, f.dilation)), strict=True)
        return tuple(-(-(d * (k - 1) + 1) // s) for k, s, d in axes), (1,) * rank

    def module(self, e: Site) -> Module:
        f = e.f
        kwargs = {
            "stride": (f.stride, 1),
            "padding": (f.padding, 0),
            "output_padding": (f.output_padding, 0),
            "groups": (f.groups, 1),
            "bias": (f.bias, True),
            "dilation": (f.dilation, 1),
        }
        return Module(f"nn.ConvTranspose{e.rank}d", (e.c, f.out, f.kernel), kwargs)

    def takes_factor(self, fields: Mapping[str, Expr]) -> bool:
        return True

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return window_label("Deconv", f, len(shape) - 1, f.groups)
