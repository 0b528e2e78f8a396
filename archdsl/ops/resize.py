"""What changes the size of a map: by interpolation, or by elements of the channels."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.fold import fold
from archdsl.expr.nodes import Lit, Logic, wrap
from archdsl.expr.show import show
from archdsl.expr.simplify import quotient
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, is_lit, per_axis, times
from archdsl.ops.shape import Mover
from archdsl.ops.target import SIDES, axes_like, check_target, sides_text, targets

if TYPE_CHECKING:
    from torch import Tensor


MODES = ("nearest", "bilinear", "bicubic", "trilinear")


class Upsample(Op, name="upsample"):
    """Resizes the spatial axes by interpolation."""

    group, role, fresh = "shape", "shape", True
    sized_by = ("scale", "size")
    fields = (
        Field("scale", "factors", None, "factor of every axis, or one for each; the result is rounded down", minimum=0),
        Field("size", "axes", None, "spatial sizes of the output", minimum=1),
        Field("like", "tensor", None, "a tensor whose spatial sizes the output gets"),
        Field("mode", "word", "nearest", "how it interpolates", MODES),
        Field(
            "align_corners",
            "bool",
            False,
            "whether the corner elements of input and output have the same centres (not with nearest)",
        ),
    )
    derived = (SIDES,)
    example = {"fields": {"scale": 2, "mode": "bilinear"}, "inputs": [(8, 5, 7)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, resize = run.f, run.torch.nn.functional.interpolate
        corners = f.align_corners if f.mode != "nearest" else None
        if f.scale is not None:  # the given factor tells the grid, not the rounded size
            factors = per_axis(f.scale, x[0].dim() - 2)
            return resize(x[0], scale_factor=factors, mode=f.mode, align_corners=corners)
        return resize(x[0], size=self.size(f, tuple(x[0].shape[2:])), mode=f.mode, align_corners=corners)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        rank = len(shapes[0]) - 1
        if rank not in (1, 2, 3):
            raise OpFault(f"upsample takes a tensor with 1 to 3 spatial axes, this one has {rank}")
        check_target(self, f, shapes[0], ("scale", "size", "like"))
        for name in ("scale", "size"):
            value = getattr(f, name)
            if isinstance(value, (list, tuple)) and len(value) != rank:
                raise OpFault(f"{name} has {len(value)} entries for {rank} spatial axes", field=name)
        axes = {"bilinear": 2, "bicubic": 2, "trilinear": 3}.get(f.mode, rank)
        if axes != rank:
            raise OpFault(f"{f.mode} takes {axes} spatial axes, this tensor has {rank}", field="mode")
        if f.align_corners and f.mode == "nearest":
            raise OpFault(
                "align_corners cannot be combined with mode nearest", field="align_corners", help="give mode: bilinear"
            )
        if min(self.size(f, shapes[0][1:])) < 1:
            raise OpFault(f"scale {self.factor(f)} leaves nothing of a map of {times(shapes[0][1:])}", field="scale")

    @staticmethod
    def factor(f: SimpleNamespace) -> str:
        """`2`, or `2×1`."""
        return "×".join(f"{n:g}" for n in per_axis(f.scale, 1))

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        if f.scale is None:
            return targets(f, size)
        scaled = zip(size, per_axis(f.scale, len(size)), strict=True)
        return tuple(n * factor if type(factor) is int else math.floor(n * factor) for n, factor in scaled)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # The inputs that an output element reads; the finer grid that results is not counted.
        return ({"nearest": 1, "bicubic": 4}.get(f.mode, 2),) * rank, (1,) * rank

    def functional(self, given: frozenset[str]) -> bool:
        return "like" in given

    def module(self, e: Site) -> Module:
        f = e.f
        scaled = {"scale_factor": (f.scale, None), "size": (f.size, None)}
        return Module(
            "nn.Upsample", (), {**scaled, "mode": (f.mode, "nearest"), "align_corners": (self.corners(f), None)}
        )

    @staticmethod
    def corners(f: SimpleNamespace) -> Any:
        """What torch calls `align_corners`: true or None, for with nearest torch refuses a false one too."""
        return None if is_lit(f.mode, "nearest") else fold(Logic("or", (wrap(f.align_corners), Lit(None))))

    def function(self, e: Site, *tensors: str) -> str:
        more = "" if is_lit(e.f.mode, "nearest") else f", mode={show(wrap(e.f.mode), python=True)}"
        corners = wrap(self.corners(e.f))
        if not is_lit(corners, None):
            more += f", align_corners={show(corners, python=True)}"
        size = sides_text(e.f, tensors[1], e.rank) or axes_like(tensors[1], e.rank)
        return f"F.interpolate({tensors[0]}, size={size}{more})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        if f.scale is not None:
            return f"Upsample ×{self.factor(f)}"
        return "Upsample" if f.size is None else f"Upsample to {times(out[1:])}"  # that of a map is said beside it

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return f.scale is not None and {*per_axis(f.scale, len(shape) - 1)} == {1}


class PixelShuffle(Mover, name="pixel_shuffle"):
    """Rearranges channels into finer pixels: (c r r) h w -> c (h r) (w r)."""

    fields = (Field("factor", "int", doc="how much finer each axis becomes", minimum=1),)
    example = {"fields": {"factor": 2}, "inputs": [(8, 3, 5)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        n, c, h, w = x[0].shape
        r = run.f.factor
        return x[0].view(n, c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, h * r, w * r)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 3:
            raise OpFault("pixel_shuffle takes a tensor with 2 spatial axes")
        if shapes[0][0] % (f.factor * f.factor):
            raise OpFault(f"{f.factor}² does not divide the {shapes[0][0]} channels", field="factor")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return quotient(c, f.factor * f.factor)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n * f.factor for n in size)

    def module(self, e: Site) -> Module:
        return Module("nn.PixelShuffle", (e.f.factor,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Pixel shuffle ×{f.factor}"
