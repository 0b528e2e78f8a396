"""Pooling."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Constant, Expr
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, is_lit, per_axis, times
from archdsl.ops.target import SIDES, axes_like, check_target, sides_text, targets
from archdsl.ops.windows import (
    KEEP,
    PADDING,
    SAME,
    area,
    check_axes,
    check_fits,
    keep_expr,
    padded,
    padding_of,
    same_is_keep,
    sides_of,
    spaced_window,
    window_label,
)

if TYPE_CHECKING:
    from torch import Tensor


class Pool(Op):
    """What pools over a moving window share."""

    group, role, fresh, counts = "pooling", "pool", True, "pool"
    word: ClassVar[str]
    sized_by = ("kernel", "stride", "padding")  # not ceil: a size that it decides has no expression that one reads
    fields: ClassVar[tuple[Field, ...]] = (
        Field("kernel", "axes", 2, "window size", minimum=1),
        Field("stride", "axes", None, "stride; the kernel if not given", minimum=1),
        Field("padding", "axes", 0, PADDING, (KEEP, SAME), minimum=0),
        Field("ceil", "bool", False, "whether a last window may extend beyond the end"),
    )
    example = {"fields": {"kernel": 3, "stride": 2, "ceil": True}, "inputs": [(8, 14, 15)]}
    prelude = "windows.py"

    @staticmethod
    def whole(f: SimpleNamespace) -> SimpleNamespace:
        """The fields with the stride that is meant, and a dilation."""
        return SimpleNamespace(**{"dilation": 1, **vars(f), "stride": f.kernel if f.stride is None else f.stride})

    def windows_of(self, run: Run, wide: Tensor, size: tuple[int, ...], over: float) -> Tensor:
        """The windows over a map of a size with its border, in one last axis; what hangs over the end is `over`."""
        f, rank = self.whole(run.f), len(size)
        extents, strides = self.window(f, rank)
        reach = [(n - 1) * s + k for n, s, k in zip(self.size(run.f, size), strides, extents, strict=True)]
        ends = [(0, max(end - n, 0)) for end, n in zip(reach, wide.shape[2:], strict=True)]
        found = padded(run, wide, ends, over)
        gaps = per_axis(f.dilation, rank)
        for axis, (k, s, d, end) in enumerate(zip(extents, strides, gaps, reach, strict=True), 2):
            found = found.narrow(axis, 0, end).unfold(axis, k, s)[..., ::d]
        return found.flatten(2 + rank)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        rank = len(size)
        check_axes(self, f, rank)
        if f.padding == SAME and rank != 2:
            raise OpFault(f"{self.name} with padding same takes a tensor with 2 spatial axes", field="padding")
        if f.padding == SAME and f.ceil:
            raise OpFault("ceil cannot be combined with padding same", field="ceil")
        if f.padding == SAME and set(per_axis(self.whole(f).dilation, rank)) != {1}:
            raise OpFault("padding same cannot be combined with dilation", field="dilation", help="give padding keep")
        if f.padding != SAME:
            pairs = zip(self.window(f, rank)[0], padding_of(self.whole(f), rank), strict=True)
            if any(p > k // 2 for k, p in pairs):
                raise OpFault(f"padding {f.padding} is more than half the kernel {f.kernel}", field="padding")
        check_fits(f, size, self.size(f, size))

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        f, rank = self.whole(f), len(size)
        strides = per_axis(f.stride, rank)
        if f.padding == SAME:
            return tuple((n + s - 1) // s for n, s in zip(size, strides, strict=True))
        axes = zip(size, self.window(f, rank)[0], strides, padding_of(f, rank), strict=True)
        return tuple(windows(n, k, s, p, ceil=f.ceil) for n, k, s, p in axes)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out) * area(f, len(shape) - 1)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        f = self.whole(f)
        pairs = zip(per_axis(f.kernel, rank), per_axis(f.dilation, rank), strict=True)
        return tuple(d * (k - 1) + 1 for k, d in pairs), per_axis(f.stride, rank)

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        f = self.whole(f)
        if f.ceil and self.size(f, size) != self.size(SimpleNamespace(**{**vars(f), "ceil": False}), size):
            message = f"the last window extends beyond the end of a map of {times(size)}, so a dilated one would move"
            raise OpFault(message, field="ceil", help="use an input of another size, or padding instead of ceil")
        found = spaced_window(f, size, spacing, stride)
        if found["padding"] == SAME and len(size) != 2:
            found["padding"] = 0
        if self.field("dilation") is None and any(d > 1 < k for k, d in self.dilated(f, size, found)):
            raise OpFault(f"{self.name} has no dilation, which it would need to skip the elements in between")
        found["ceil"] = False
        return {name: value for name, value in found.items() if self.field(name) is not None}

    @staticmethod
    def dilated(f: SimpleNamespace, size: tuple[int, ...], found: Mapping[str, Constant]) -> Iterator[tuple[int, int]]:
        """Elements of the window on each axis, and how far apart they lie."""
        rank = len(size)
        return zip(per_axis(f.kernel, rank), per_axis(found.get("dilation", 1), rank), strict=True)

    def module(self, e: Site) -> Module:
        f, name = e.f, type(self).__name__
        cls, padding, gaps = f"nn.{name}{e.rank}d", f.padding, getattr(f, "dilation", 1)
        if is_lit(padding, KEEP) or (is_lit(padding, SAME) and same_is_keep(f.kernel, self.step(f), gaps, e.rank)):
            padding = keep_expr(f.kernel, gaps, e.rank)
        elif is_lit(padding, SAME):
            cls, padding = f"{name}{e.rank}dSame", 0
        return self.made(cls, padding, f)

    @staticmethod
    def step(f: SimpleNamespace) -> Expr:
        """The stride as an expression: the kernel if none is given."""
        stride: Expr = f.kernel if is_lit(f.stride, None) else f.stride
        return stride

    def made(self, cls: str, padding: Expr | int, f: SimpleNamespace) -> Module:
        """A pool of a class, with a border on each side."""
        step = None if self.step(f) == f.kernel else self.step(f)
        kwargs = {"stride": (step, None), "padding": (padding, 0), "ceil_mode": (f.ceil, False)}
        return Module(cls, (f.kernel,), {**kwargs, **self.more(f)})

    def alternatives(self, e: Site) -> Iterator[Module]:
        yield self.module(e)
        if is_lit(e.f.padding, SAME):
            yield self.made(f"{type(self).__name__}{e.rank}dSame", 0, e.f)

    def more(self, f: SimpleNamespace) -> dict[str, tuple[Expr | Constant, Constant]]:
        """Further keywords of the torch class."""
        return {}

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return window_label(self.word, self.whole(f), len(shape) - 1)

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return {length for lengths in self.window(f, len(shape) - 1) for length in lengths} == {1} and shape == out


def windows(n: int, k: int, s: int, p: int, *, ceil: bool) -> int:
    """How many windows fit; with `ceil`, one more may hang over, but it begins inside."""
    room = n + 2 * p - k
    if not ceil:
        return room // s + 1
    count = -(-room // s) + 1
    return count - 1 if (count - 1) * s >= n + p else count


DILATION = Field("dilation", "axes", 1, "spacing of the elements of a window; must be 1 with padding: same", minimum=1)


class MaxPool(Pool, name="max_pool"):
    """Maximum over a window."""

    word = "Max pool"
    fields = (*Pool.fields, DILATION)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        super().check(f, *shapes)
        rank = len(shapes[0]) - 1
        if f.padding == SAME:
            return
        sides = zip(per_axis(f.kernel, rank), padding_of(self.whole(f), rank), strict=True)
        if any(padding > kernel // 2 for kernel, padding in sides):
            message = "the padding is more than half of the kernel, which torch's max pool does not accept"
            raise OpFault(message, field="padding")

    def compute(self, run: Run, *x: Tensor) -> Any:
        size = tuple(x[0].shape[2:])
        wide = padded(run, x[0], sides_of(self.whole(run.f), size), -math.inf)
        return self.windows_of(run, wide, size, -math.inf).amax(-1)

    def more(self, f: SimpleNamespace) -> dict[str, tuple[Expr | Constant, Constant]]:
        return {"dilation": (f.dilation, 1)}


class AvgPool(Pool, name="avg_pool"):
    """Mean over a window."""

    word = "Avg pool"
    fields = (
        *Pool.fields,
        Field("count_include_pad", "bool", True, "whether the mean includes the zeros of the padding"),
        DILATION,
    )

    def compute(self, run: Run, *x: Tensor) -> Any:
        size = tuple(x[0].shape[2:])
        sides, counted = sides_of(self.whole(run.f), size), run.torch.ones_like(x[0][:1, :1])
        total = self.windows_of(run, padded(run, x[0], sides), size, 0.0).sum(-1)
        counted = padded(run, counted, sides, float(run.f.count_include_pad))
        return total / self.windows_of(run, counted, size, 0.0).sum(-1)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        super().check(f, *shapes)
        rank = len(shapes[0]) - 1
        if set(per_axis(f.dilation, rank)) == {1}:
            return
        if rank != 2:
            raise OpFault(f"{self.name} with dilation takes a tensor with 2 spatial axes", field="dilation")
        if f.ceil:
            raise OpFault("ceil cannot be combined with dilation", field="ceil")

    def module(self, e: Site) -> Module:
        return super().module(e) if is_lit(e.f.dilation, 1) else self.dilating(e)

    def alternatives(self, e: Site) -> Iterator[Module]:
        yield from super().alternatives(e)
        if e.rank == 2 and not is_lit(e.f.padding, SAME) and is_lit(e.f.ceil, False):
            yield self.dilating(e)

    def dilating(self, e: Site) -> Module:
        """The module whose windows may have gaps, which torch lacks."""
        f = e.f
        padding = keep_expr(f.kernel, f.dilation, e.rank) if is_lit(f.padding, KEEP) else f.padding
        made = self.made("DilatedAvgPool2d", padding, f)
        kwargs = {name: value for name, value in made.kwargs.items() if name != "ceil_mode"}
        return Module(made.cls, made.args, {**kwargs, "dilation": (f.dilation, 1)})

    def more(self, f: SimpleNamespace) -> dict[str, tuple[Expr | Constant, Constant]]:
        return {"count_include_pad": (f.count_include_pad, True)}


class GlobalAvgPool(Op, name="global_avg_pool"):
    """Mean of every channel. The spatial axes are kept, with size 1."""

    group, role, fresh, counts = "pooling", "pool", True, "pool"
    example = {"fields": {}, "inputs": [(8, 7, 7)]}
    torch, word = "AdaptiveAvgPool", "GAP"
    sizes_stay = False
    chosen_by, word_of_choice = "global_pool", "avg"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].mean(tuple(range(2, x[0].dim())), keepdim=True)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        check_axes(self, f, len(shapes[0]) - 1)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return (1,) * len(size)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(shape)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (0,) * rank, (1,) * rank

    def module(self, e: Site) -> Module:
        return Module(f"nn.{self.torch}{e.rank}d", (1,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.word


class GlobalMaxPool(GlobalAvgPool, name="global_max_pool"):
    """Maximum of every channel. The spatial axes are kept, with size 1."""

    torch, word = "AdaptiveMaxPool", "GMP"
    word_of_choice = "max"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].amax(tuple(range(2, x[0].dim())), keepdim=True)


class AdaptiveAvgPool(Op, name="adaptive_avg_pool"):
    """Mean over windows that are chosen so that the result has the given size."""

    torch: ClassVar[str] = "avg"
    word: ClassVar[str] = "Avg pool"
    group, role, fresh, counts = "pooling", "pool", True, "pool"
    sized_by = ("size",)
    fields = (
        Field("size", "axes", None, "spatial sizes of the output", minimum=1),
        Field("like", "tensor", None, "a tensor whose spatial sizes the output gets"),
    )
    derived = (SIDES,)
    example = {"fields": {"size": [3, 5]}, "inputs": [(8, 14, 15)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        found = x[0]
        for axis, n in enumerate(self.size(run.f, tuple(x[0].shape[2:])), 2):
            size = found.size(axis)
            ends = [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
            parts = [self.reduced(found.narrow(axis, a, b - a), axis) for a, b in ends]
            found = run.torch.cat(parts, axis)
        return found

    @staticmethod
    def reduced(window: Tensor, axis: int) -> Tensor:
        """What becomes of an axis of a window."""
        return window.mean(axis, keepdim=True)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        check_axes(self, f, len(shapes[0]) - 1)
        check_target(self, f, shapes[0], ("size", "like"))

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return targets(f, size)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(shape)

    def functional(self, given: frozenset[str]) -> bool:
        return "like" in given

    def module(self, e: Site) -> Module:
        return Module(f"nn.Adaptive{self.torch.capitalize()}Pool{e.rank}d", (e.f.size,))

    def function(self, e: Site, *tensors: str) -> str:
        x, like = tensors
        said = sides_text(e.f, like, e.rank)
        size = said or axes_like(like, e.rank)
        # torch types this size as a tuple; a longer text is not written (and run) twice
        if said is None and like.isidentifier():
            sizes = ", ".join(f"{like}.size({axis})" for axis in range(2, e.rank + 2))
            size = sizes if e.rank == 1 else f"({sizes})"
        return f"F.adaptive_{self.torch}_pool{e.rank}d({x}, {size})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"{self.word} to {times(out[1:])}"


class AdaptiveMaxPool(AdaptiveAvgPool, name="adaptive_max_pool"):
    """Maximum over windows that are chosen so that the result has the given size."""

    torch, word = "max", "Max pool"

    @staticmethod
    def reduced(window: Tensor, axis: int) -> Tensor:
        return window.amax(axis, keepdim=True)
