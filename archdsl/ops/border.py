"""What makes a map larger or smaller around its border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Constant, Expr, wrap
from archdsl.ops.base import Field, Module, OpFault, Run, Shape, Site, is_lit, once, per_axis, times
from archdsl.ops.shape import Mover
from archdsl.ops.target import SIDES, check_target, sides_text, targets
from archdsl.ops.windows import ZEROS, check_axes, check_border, padded

if TYPE_CHECKING:
    from torch import Tensor


class Pad(Mover, name="pad"):
    """Adds a border before and after each spatial axis, filled with a value or with elements of the map."""

    fresh = True
    torch: ClassVar[dict[str, str]] = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
    borders = True
    sized_by = ("before", "after")
    fields = (
        Field("before", "axes", 0, "elements before", minimum=0),
        Field("after", "axes", 0, "elements after", minimum=0),
        Field(
            "mode",
            "word",
            "constant",
            "what fills the border: a value, or elements of the map",
            ("constant", *torch),
            chooses=True,
        ),
        Field("value", "number", 0, "the value of a constant border"),
    )
    example = {"fields": {"before": 1, "after": [1, 2]}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return padded(run, x[0], self.sides(run.f, x[0].dim() - 2), run.f.value, self.mode(run.f))

    @staticmethod
    def mode(f: SimpleNamespace) -> str:
        """The mode in the words of convolutions, which pad with zeros alone."""
        return ZEROS if f.mode == "constant" else str(f.mode)

    @staticmethod
    def sides(f: SimpleNamespace, rank: int) -> list[tuple[Any, Any]]:
        """Elements before and after each axis."""
        return list(zip(per_axis(f.before, rank), per_axis(f.after, rank), strict=True))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        check_axes(self, f, len(size))
        if f.mode != "constant" and f.value != 0:
            raise OpFault(f"a {f.mode} border takes no value", field="value", help="remove value or mode")
        check_border(self.mode(f), self.sides(f, len(size)), size, "mode")

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n + before + after for n, (before, after) in zip(size, self.sides(f, len(size)), strict=True))

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        if f.mode != "constant":
            message = f"a {f.mode} border does not define the elements that a dilated map has in between"
            raise OpFault(message, field="mode", help="a border with one value can be dilated")
        axes = list(zip(self.sides(f, len(size)), spacing, strict=True))
        before, after = ([side[end] * by for side, by in axes] for end in (0, 1))
        return {"before": once(before), "after": once(after)}

    def module(self, e: Site) -> Module:
        mode, value = getattr(e.f.mode, "value", ""), e.f.value
        pairs = self.sides(e.f, e.rank)
        sides: list[Expr] = [wrap(side) for pair in reversed(pairs) for side in pair]
        around: Expr | Constant = sides[0] if all(side == sides[0] for side in sides) else wrap(sides)
        if mode != "constant":
            return Module(f"nn.{self.torch[mode]}Pad{e.rank}d", (around,))
        if is_lit(value, 0):
            return Module(f"nn.ZeroPad{e.rank}d", (around,))
        return Module(f"nn.ConstantPad{e.rank}d", (around, value))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        word = "Pad" if f.mode == "constant" else f"{f.mode.capitalize()} pad"
        return f"{word} to {times(out[1:])}"

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return shape == out


class Crop(Mover, name="crop"):
    """The centre of a map: of n elements, the m that begin at (n − m)//2."""

    borders = True
    sized_by = ("size",)
    fields = (
        Field("size", "axes", None, "spatial sizes of the output", minimum=1),
        Field("like", "tensor", None, "a tensor whose spatial sizes the output gets"),
    )
    derived = (SIDES,)
    example = {"fields": {"size": [3, 4]}, "inputs": [(8, 6, 7)]}
    prelude = "crop.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        found = x[0]
        for axis, n in enumerate(self.size(run.f, tuple(x[0].shape[2:])), 2):
            start = (found.size(axis) - n) // 2
            found = found.index_select(axis, run.torch.arange(start, start + n))
        return found

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        check_axes(self, f, len(size))
        check_target(self, f, shapes[0], ("size", "like"))
        wanted = self.size(f, size)
        if any(m > n for m, n in zip(wanted, size, strict=True)):
            way = "size" if f.size is not None else "like"
            message = f"a map of {times(size)} cannot be cropped to {times(wanted)}"
            raise OpFault(message, field=way, help="pad makes a map larger, upsample resizes it")

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return targets(f, size)

    def functional(self, given: frozenset[str]) -> bool:
        return "like" in given and not given.isdisjoint({"size", SIDES.name})

    def function(self, e: Site, *tensors: str) -> str:
        sides = sides_text(e.f, tensors[1], e.rank)
        return f"middle({tensors[0]}, {f'({sides},)' if e.rank == 1 else sides})"

    def module(self, e: Site) -> Module:
        if is_lit(e.f.size, None):
            return Module("CropLike", (), {"rank": (e.rank, 2)})
        return Module("CenterCrop", per_axis(e.f.size, e.rank))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Crop to {times(out[1:])}"

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return shape == out
