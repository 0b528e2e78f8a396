"""Patches of a map laid out as channels."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.ops.base import Field, Module, OpFault, Run, Shape, Site, per_axis, times
from archdsl.ops.shape import Mover
from archdsl.ops.windows import check_axes, check_fits, padded, window_label

if TYPE_CHECKING:
    from torch import Tensor


class PixelUnshuffle(Mover, name="pixel_unshuffle"):
    """Rearranges patches of pixels into channels: c (h r) (w r) -> (c r r) h w."""

    fields = (Field("factor", "int", doc="how much coarser each axis becomes", minimum=1),)
    example = {"fields": {"factor": 2}, "inputs": [(8, 6, 10)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        n, c, h, w = x[0].shape
        r = run.f.factor
        return x[0].view(n, c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4).reshape(n, -1, h // r, w // r)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 3:
            message = f"pixel_unshuffle takes a tensor with 2 spatial axes, this one has {len(shapes[0]) - 1}"
            raise OpFault(message, help="for another rank write rearrange")
        if any(n % f.factor for n in shapes[0][1:]):
            message = f"factor {f.factor} does not divide a map of {times(shapes[0][1:])}"
            raise OpFault(message, field="factor", help="pad or crop it first")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c * f.factor * f.factor

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n // f.factor for n in size)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (f.factor,) * rank, (f.factor,) * rank

    def module(self, e: Site) -> Module:
        return Module("nn.PixelUnshuffle", (e.f.factor,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Pixel unshuffle ÷{f.factor}"


class Unfold(Mover, name="unfold"):
    """Turns the windows of a map into columns, row by row: c h w -> (c k k) l."""

    fresh = True
    fields = (
        Field("kernel", "axes", doc="window size", minimum=1),
        Field("stride", "axes", 1, "stride", minimum=1),
        Field("padding", "axes", 0, "zeros on each side", minimum=0),
        Field("dilation", "axes", 1, "spacing of a window's elements", minimum=1),
    )
    example = {"fields": {"kernel": 3, "stride": 2, "padding": 1}, "inputs": [(4, 6, 7)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f = run.f
        wide = padded(run, x[0], [(n, n) for n in per_axis(f.padding, 2)])
        (h, w), (sh, sw), (dh, dw), (kh, kw) = (
            self.windows(f, tuple(x[0].shape[2:])),
            *(per_axis(value, 2) for value in (f.stride, f.dilation, f.kernel)),
        )
        taps = [
            wide[:, :, i * dh : i * dh + (h - 1) * sh + 1 : sh, j * dw : j * dw + (w - 1) * sw + 1 : sw]
            for i in range(kh)
            for j in range(kw)
        ]
        return run.torch.stack(taps, 2).flatten(3).flatten(1, 2)

    @staticmethod
    def windows(f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        axes = [per_axis(value, len(size)) for value in (f.kernel, f.stride, f.padding, f.dilation)]
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, *axes, strict=True))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        if len(size) != 2:
            message = f"unfold takes a tensor with 2 spatial axes, this one has {len(size)}"
            raise OpFault(message, help="put it before flatten")
        check_axes(self, f, 2)
        check_fits(f, size, self.windows(f, size))

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        kh, kw = per_axis(f.kernel, 2)
        return c * kh * kw

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return (math.prod(self.windows(f, size)),)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        kernels, gaps = per_axis(f.kernel, rank), per_axis(f.dilation, rank)
        return tuple(d * (k - 1) + 1 for k, d in zip(kernels, gaps, strict=True)), per_axis(f.stride, rank)

    def module(self, e: Site) -> Module:
        f = e.f
        kwargs = {"dilation": (f.dilation, 1), "padding": (f.padding, 0), "stride": (f.stride, 1)}
        return Module("nn.Unfold", (f.kernel,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return window_label("Unfold", f, 2)
