"""Sampling a map at places that the network computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, Expr, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, atom, is_lit, once, per_axis, times
from archdsl.ops.windows import KEEP, area, check_axes, check_fits, keep_expr, padding_of, window_label, with_bias

if TYPE_CHECKING:
    from torch import Tensor


class GridSample(Op, name="grid_sample"):
    """Samples the map at the positions of a grid.

    Its 2 channels are x and y (for a volume 3: x, y and z), from −1 at one end of the map to 1 at the other.
    """

    group, role, fresh = "shape", "shape", True
    sized_by = ()
    fields = (
        Field("grid", "tensor", None, "the positions, a tensor with the spatial sizes of the output"),
        Field("mode", "word", "bilinear", "how it interpolates", ("bilinear", "nearest", "bicubic")),
        Field("padding_mode", "word", "zeros", "the values outside the map", ("zeros", "border", "reflection")),
        Field(
            "align_corners",
            "bool",
            False,
            "whether −1 and 1 are the centres of the corner elements instead of their edges",
        ),
    )
    example = {"fields": {}, "inputs": [(8, 6, 6), (2, 4, 5)], "tensors": ["grid"]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, sample = run.f, run.torch.nn.functional.grid_sample
        return sample(x[0], x[1].movedim(1, -1), f.mode, f.padding_mode, f.align_corners)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        rank = len(shapes[0]) - 1
        grid: Shape | None = getattr(f, "grid", None)
        if rank not in (2, 3):
            message = f"grid_sample takes a tensor with 2 or 3 spatial axes, this one has {rank}"
            raise OpFault(message, help="rearrange can give it an axis of size 1")
        if grid is None:
            raise OpFault("grid_sample takes a grid", field="grid", help="such as grid_sample: {grid: places}")
        if len(grid) != rank + 1 or grid[0] != rank:
            message = f"the grid of a map of {times(shapes[0][1:])} has {rank} channels and {rank} spatial axes"
            raise OpFault(
                f"{message}, not {times(grid)}", field="grid", help="a conv with this many output channels computes one"
            )
        if f.mode == "bicubic" and rank != 2:
            raise OpFault(f"bicubic takes 2 spatial axes, this tensor has {rank}", field="mode", help="give bilinear")

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(f.grid[1:])

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (0,) * rank, (1,) * rank

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        axes = ", ".join(map(str, (*range(2, e.rank + 2), 1)))
        given = [
            f"{word}={self.said(value)}"
            for word, value in (("mode", e.f.mode), ("padding_mode", e.f.padding_mode))
            if not is_lit(value, self.plain(word))
        ]
        given.append(f"align_corners={self.said(e.f.align_corners)}")
        return f"F.grid_sample({tensors[0]}, {atom(tensors[1])}.permute(0, {axes}), {', '.join(given)})"

    @staticmethod
    def said(value: Expr) -> str:
        return show(wrap(value), python=True)

    def plain(self, word: str) -> Constant:
        """The default of a field."""
        item = self.field(word)
        return item.default if item is not None else None

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Grid sample"


class DeformConv(Op, name="deform_conv"):
    """Deformable convolution: an offset moves each tap of each window, and a mask (if given) weights it.

    For each group of offsets, the offset has two channels for each tap (y and x) and the mask has one.
    """

    group, role, fresh, counts, follows = "convolution", "conv", True, "", "conv"
    prelude = "deform.py"
    sized_by = ("kernel", "stride", "padding", "dilation")
    fields = (
        Field("out", "int", doc="output channels", minimum=1),
        Field("kernel", "axes", 3, "kernel size", minimum=1),
        Field("stride", "axes", 1, "stride", minimum=1),
        Field("padding", "axes", KEEP, "zeros on each side; keep: dilation·(k−1)//2", (KEEP,), minimum=0),
        Field("dilation", "axes", 1, "spacing of the kernel's taps", minimum=1),
        Field("groups", "int", 1, "groups of channels", minimum=1),
        Field("bias", "bool", True, "whether to add a bias"),
        Field("offset", "tensor", None, "how far each tap is moved, a tensor with the spatial sizes of the output"),
        Field("mask", "tensor", None, "a factor for each tap, a tensor with the same spatial sizes; 1 if not given"),
    )
    example = {"fields": {"out": 6}, "inputs": [(4, 6, 7), (18, 6, 7), (9, 6, 7)], "tensors": ["offset", "mask"]}

    def compute(self, run: Run, *x: Any) -> Any:
        f, torch = run.f, run.torch
        kernel, weight = per_axis(f.kernel, 2), run.weights["weight"]
        taps, (h, w) = math.prod(kernel), self.size(f, tuple(x[0].shape[2:]))
        offset = x[1].unflatten(1, (-1, taps, 2))  # n g k 2 h w
        factor = x[2].unflatten(1, (-1, taps)) if len(x) > 2 else torch.ones_like(offset[:, :, :, 0])
        columns = []
        for tap in range(taps):
            places = [
                axis.view(shape) + offset[:, :, tap, n]
                for n, (axis, shape) in enumerate(zip(self.grid(run, tap, (h, w), x[0]), ((h, 1), (1, w)), strict=True))
            ]
            columns.append(sampled(x[0], places) * factor[:, :, tap].unsqueeze(2))
        windows = torch.stack(columns, 3).flatten(1, 2)  # n c k h w
        windows = windows.unflatten(1, (f.groups, -1)).flatten(2, 3).flatten(3)  # n g (c k) l
        kernels = weight.view(f.groups, -1, windows.size(2))
        found = (kernels @ windows).flatten(1, 2).unflatten(2, (h, w))
        return found + run.weights["bias"].view(-1, 1, 1) if f.bias else found

    @staticmethod
    def grid(run: Run, tap: int, size: tuple[int, ...], like: Tensor) -> list[Tensor]:
        """Along each axis, where a tap of the kernel stands in each window before it is moved."""
        f, (_, kw) = run.f, per_axis(run.f.kernel, 2)
        axes = zip(
            size, divmod(tap, kw), *(per_axis(v, 2) for v in (f.stride, f.dilation)), padding_of(f, 2), strict=True
        )
        return [run.torch.arange(n).to(like) * s - p + i * d for n, i, s, d, p in axes]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        c, *rest = shapes[0]
        size = tuple(rest)
        if len(size) != 2:
            message = f"deform_conv takes a tensor with 2 spatial axes, this one has {len(size)}"
            raise OpFault(message, help="put it before flatten")
        check_axes(self, f, 2)
        if c % f.groups or f.out % f.groups:
            message = f"groups {f.groups} does not divide the channels ({c} -> {f.out})"
            raise OpFault(message, field="groups", help="give a number that divides both")
        out = self.size(f, size)
        check_fits(f, size, out)
        if getattr(f, "offset", None) is None:
            raise OpFault(
                "deform_conv takes an offset",
                field="offset",
                help="a conv with 2 output channels for each tap computes one",
            )
        self.check_moves(f, c, out)

    @staticmethod
    def check_moves(f: SimpleNamespace, c: int, out: tuple[int, ...]) -> None:
        """Offset and mask have as many channels as there are taps, and the sizes that leave."""
        taps, mask = area(f, 2), getattr(f, "mask", None)
        for name, shape, each in (("offset", f.offset, 2 * taps), ("mask", mask, taps)):
            if shape is not None and (tuple(shape[1:]) != out or shape[0] % each or c % (shape[0] // each)):
                message = f"the {name} of a kernel of {taps} taps has {each} channels and a map of {times(out)}"
                help = f"or this many for each group of the {c} channels, if the groups have separate offsets"
                raise OpFault(f"{message}, this one is {times(shape)}", field=name, help=help)
        if mask is not None and 2 * mask[0] != f.offset[0]:
            message = f"the mask has {mask[0]} channels, and the offset {f.offset[0]}, which is not twice as many"
            raise OpFault(message, field="mask", help="a mask has one factor for each two numbers of the offset")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        axes = [per_axis(value, 2) for value in (f.kernel, f.stride, padding_of(f, 2), f.dilation)]
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(size, *axes, strict=True))

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        kernel = (out[0], shape[0] // f.groups, *per_axis(f.kernel, 2))
        return with_bias(kernel, out[0] if f.bias else 0)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        inner: int = shape[0] // f.groups
        return out[0] * inner * area(f, 2) + (out[0] if f.bias else 0)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        inner: int = shape[0] // f.groups
        return math.prod(out) * inner * area(f, 2)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (0,) * rank, per_axis(f.stride, rank)

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        if max(spacing) > 1:
            raise OpFault(
                "the offsets of deform_conv belong to the elements of its map, and a dilated map has more of them"
            )
        return {"stride": once(stride)}

    def module(self, e: Site) -> Module:
        f = e.f
        padding = keep_expr(f.kernel, f.dilation, 2) if is_lit(f.padding, KEEP) else f.padding
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {
            "stride": (f.stride, 1),
            "padding": (padding, 0),
            "dilation": (f.dilation, 1),
            "groups": (f.groups, 1),
            "bias": (f.bias, True),
        }
        return Module("DeformConv2d", (e.c, f.out, f.kernel), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return window_label("Deform conv", f, 2, f.groups)


def sampled(x: Any, places: Sequence[Tensor]) -> Any:
    """A map n×(g c)×h×w, zero outside, at places n×g×h'×w', as n×g×c×h'×w': what lies between is interpolated."""
    groups, (height, width) = places[0].size(1), x.shape[2:]
    flat = x.unflatten(1, (groups, -1)).flatten(3)
    total: Any = 0
    for down in (0, 1):
        for right in (0, 1):
            row, column = places[0].floor() + down, places[1].floor() + right
            part = (1 - (places[0] - row).abs()) * (1 - (places[1] - column).abs())
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long().flatten(2)
            found = flat.gather(3, index.unsqueeze(2).expand(-1, -1, flat.size(2), -1))
            total = total + found.unflatten(3, part.shape[2:]) * (part * inside).unsqueeze(2)
    return total
