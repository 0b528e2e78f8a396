"""What detectors need beside convolutions."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import ListOf
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, per_axis, times

if TYPE_CHECKING:
    from torch import Tensor


class PriorBox(Op, name="prior_box"):
    """Default boxes for the cells of a map (SSD), as x1, y1, x2, y2 in fractions of the image; equal for all samples.

    Each cell has one box with side min, one with side sqrt(min·max), and two for each aspect ratio a (a and 1/a). Cells
    are ordered by row.
    """

    group, role, counts = "detection", "other", ""
    fields = (
        Field("image", "int", doc="side of the image in pixels", minimum=1),
        Field("min", "number", doc="side of the smaller square, in pixels", minimum=0),
        Field("max", "number", doc="the larger square has a side of sqrt(min·max) pixels", minimum=0),
        Field("aspects", "ints", [2, 3], "aspect ratios of the other boxes, each also upright", minimum=1),
    )
    example = {"fields": {"image": 300, "min": 30, "max": 60}, "inputs": [(8, 5, 5)]}
    prelude = "prior_boxes.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, torch = run.f, run.torch
        h, w = x[0].shape[2:]
        sizes = [(f.min, f.min), (math.sqrt(f.min * f.max),) * 2]
        for aspect in per_axis(f.aspects, 1):
            long, short = f.min * math.sqrt(aspect), f.min / math.sqrt(aspect)
            sizes += [(long, short), (short, long)]
        rows, columns = ((torch.arange(n).double() + 0.5) / n for n in (h, w))
        centres = torch.stack([columns.expand(h, w), rows[:, None].expand(h, w)], -1)[:, :, None]
        half = torch.tensor(sizes, dtype=torch.double) / f.image / 2
        boxes = torch.cat([centres - half, centres + half], -1).flatten()
        return boxes.float().to(x[0]).repeat(x[0].size(0), 1)  # the module keeps them in single precision

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 3:
            raise OpFault(f"prior_box takes a map C×H×W, this is {times(shapes[0])}")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return 4 * (2 + 2 * len(per_axis(f.aspects, 1))) * math.prod(size)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return ()

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def module(self, e: Site) -> Module:
        if e.size is None:
            raise OpFault("prior_box gets maps of several sizes here: write one step for each size")
        named = {"image": e.f.image, "min": e.f.min, "max": e.f.max, "aspects": ListOf(per_axis(e.f.aspects, 1))}
        return Module("PriorBoxes", (list(e.size),), {name: (value, None) for name, value in named.items()})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Prior boxes, {f.min:g}–{f.max:g} px"
