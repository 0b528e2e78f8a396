"""Convolutions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Constant, Expr, IfElse
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, is_lit, per_axis, times
from archdsl.ops.windows import (
    KEEP,
    MODE,
    PADDING,
    SAME,
    ZEROS,
    area,
    border_of,
    check_axes,
    check_border,
    check_fits,
    keep_expr,
    padded,
    padding_of,
    same_is_keep,
    sides_of,
    spaced_window,
    window_label,
    with_bias,
    with_keep,
)

if TYPE_CHECKING:
    from torch import Tensor

MANY_GROUPS = 4  # more are slower channels last, as measured on the shipped networks


def depthwise(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """Each channel of a map with its border under its own kernels, C·m of them: a sum over the taps of the kernel.

    Torch is slow at it in double precision: it makes one call a channel. Channels are last here, since maps are small.
    """
    taps, channels, maps = weight.shape[2:], x.size(1), x.movedim(1, -1).contiguous()
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], taps, stride, dilation, strict=True)]
    batch, *along = maps.stride()[:-1]
    steps = [n * by for by_axis in (dilation, stride) for n, by in zip(along, by_axis, strict=True)]
    steps.insert(len(taps), batch)
    windows = maps.as_strided((*taps, x.size(0), *out, channels, 1), (*steps, 1, 1))
    kernels = weight.view(channels, -1, *taps).movedim((0, 1), (-2, -1)).contiguous()
    first, *others = product(*map(range, taps))
    found = windows[first] * kernels[first]
    for tap in others:
        found.addcmul_(windows[tap], kernels[tap])
    found = found.flatten(-2).movedim(-1, 1).contiguous()
    return found if bias is None else found + bias.view(-1, *(1,) * len(taps))


class Conv(Op, name="conv"):
    """Convolution over the spatial axes: 1-D, 2-D or 3-D, depending on its input."""

    group, role, fresh, counts = "convolution", "conv", True, ""
    sized_by = ("kernel", "stride", "padding", "dilation")
    fields: ClassVar[tuple[Field, ...]] = (
        Field("out", "int", doc="output channels", minimum=1),
        Field("kernel", "axes", 1, "kernel size", minimum=1),
        Field("stride", "axes", 1, "stride", minimum=1),
        Field("padding", "axes", KEEP, PADDING, (KEEP, SAME), minimum=0),
        Field("dilation", "axes", 1, "spacing of the kernel's taps", minimum=1),
        Field("groups", "int", 1, "groups of channels", minimum=1),
        Field("bias", "bool", True, "whether to add a bias (not together with weight)"),
        Field(
            "weight",
            "tensor",
            None,
            "the kernel, given as a tensor of the network, one for each sample; the step then has no weights itself",
        ),
        MODE,
        Field(
            "standardize",
            "bool",
            False,
            "whether to normalise the kernel of each output channel to mean 0 and variance 1 (weight standardisation)",
            chooses=True,
        ),
        Field("standardize_eps", "number", 1e-6, "added to that variance", minimum=0),
    )
    example = {"fields": {"out": 16, "kernel": 3, "stride": 2}, "inputs": [(8, 16, 16)]}
    prelude = "windows.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, rank = run.f, x[0].dim() - 2
        groups = self.groups_of(f, x[0].size(1))
        wide = padded(run, x[0], sides_of(f, x[0].shape[2:]), mode=f.padding_mode)
        convolve = getattr(run.torch.nn.functional, f"conv{rank}d")
        if not self.dynamic(f):
            weight, bias = self.kernel(run), run.weights.get("bias")
            if groups == x[0].size(1) > 1:
                return depthwise(wide, weight, bias, per_axis(f.stride, rank), per_axis(f.dilation, rank))
            return convolve(wide, weight, bias, f.stride, 0, f.dilation, groups)
        shape = (self.channels(f, x[0].size(1), ()), x[0].size(1) // groups, *per_axis(f.kernel, rank))
        samples = zip(wide.unsqueeze(1), x[1], strict=True)  # each with a kernel of its own
        return run.torch.cat(
            [convolve(one, kernel.reshape(shape), None, f.stride, 0, f.dilation, groups) for one, kernel in samples]
        )

    @staticmethod
    def kernel(run: Run) -> Tensor:
        """The weight that the map is convolved with."""
        weight = run.weights["weight"]
        if not run.f.standardize:
            return weight
        variance, mean = run.torch.var_mean(weight.flatten(1), 1, correction=0)
        ones = (-1, *(1,) * (weight.dim() - 1))
        found: Tensor = (weight - mean.view(ones)) / (variance + run.f.standardize_eps).sqrt().view(ones)
        return found

    def alternatives(self, e: Site) -> Iterator[Module]:
        yield self.module(e)
        if is_lit(e.f.padding, SAME) and not self.dynamic(e.f) and is_lit(e.f.standardize, False):
            yield self.made(f"Conv{e.rank}dSame", 0, e)

    def takes_factor(self, fields: Mapping[str, Expr]) -> bool:
        return is_lit(fields["standardize"], False)

    def slower_channels_last(self, f: SimpleNamespace, shape: Shape) -> bool:
        """With many groups of several channels, which torch has fast or faster without."""
        return bool(MANY_GROUPS < self.groups_of(f, shape[0]) < shape[0])

    def groups_of(self, f: SimpleNamespace, c: Any) -> Any:
        """Groups, of `c` channels that enter."""
        return f.groups

    def taps(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """Elements of the kernel."""
        inner: int = shape[0] // self.groups_of(f, shape[0])
        return out[0] * inner * area(f, len(shape) - 1)

    @staticmethod
    def dynamic(f: SimpleNamespace) -> bool:
        """Whether the kernel is a tensor of the graph."""
        return getattr(f, "weight", None) is not None

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        c, *rest = shapes[0]
        size = tuple(rest)
        check_axes(self, f, len(size))
        out, groups = self.channels(f, c, size), self.groups_of(f, c)
        if c % groups or out % groups:
            raise OpFault(f"groups {groups} does not divide the channels ({c} -> {out})", field="groups")
        check_fits(f, size, self.size(f, size))
        if f.padding == SAME:
            self.check_same(f)
        else:
            check_border(f.padding_mode, sides_of(f, size), size, "padding_mode")
        if self.dynamic(f):
            self.check_weight(f, shapes[0], (out, *self.size(f, size)))

    def check_same(self, f: SimpleNamespace) -> None:
        """TensorFlow's padding is of zeros, of plain convolutions."""
        for name, plain in (("padding_mode", ZEROS), ("standardize", False)):
            if getattr(f, name) != plain:
                help = "give padding keep, or a number; or put pad before it"
                raise OpFault(f"padding same cannot be combined with {name}", field=name, help=help)

    def check_weight(self, f: SimpleNamespace, shape: Shape, out: Shape) -> None:
        """A kernel from the graph has as many elements as the convolution needs."""
        if len(shape) != 3:
            raise OpFault(f"{self.name} with weight takes a map C×H×W, the tensor that enters is {times(shape)}")
        if f.padding == SAME:
            raise OpFault("padding same cannot be combined with weight", field="padding", help="put pad before it")
        if f.padding_mode != ZEROS:
            raise OpFault("padding_mode cannot be combined with weight", field="padding_mode", help="put pad before it")
        if f.standardize:
            raise OpFault(
                "standardize cannot be combined with weight",
                field="standardize",
                help="weight is computed by other steps: standardize it there",
            )
        wanted, given = self.taps(f, shape, out), math.prod(f.weight)
        if given != wanted:
            kernel = times((out[0], shape[0] // self.groups_of(f, shape[0]), *per_axis(f.kernel, 2)))
            raise OpFault(f"the kernel {kernel} has {wanted} elements, weight has {given}", field="weight")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        rank = len(size)
        strides = per_axis(f.stride, rank)
        if f.padding == SAME:
            return tuple((n + s - 1) // s for n, s in zip(size, strides, strict=True))
        axes = zip(
            size, per_axis(f.kernel, rank), strides, padding_of(f, rank), per_axis(f.dilation, rank), strict=True
        )
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes)

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        if self.dynamic(f):
            return {}
        inner = shape[0] // self.groups_of(f, shape[0])
        return with_bias((out[0], inner, *per_axis(f.kernel, len(shape) - 1)), out[0] if f.bias else 0)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0 if self.dynamic(f) else self.taps(f, shape, out) + (out[0] if f.bias else 0)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return self.taps(f, shape, out) * math.prod(out[1:])

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        kernels, dilations = per_axis(f.kernel, rank), per_axis(f.dilation, rank)
        return tuple(d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)), per_axis(f.stride, rank)

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        if f.padding_mode != ZEROS and max(spacing) > 1 and any(border_of(f, len(size))):
            message = f"a {f.padding_mode} border does not define the elements that a dilated map has in between"
            raise OpFault(message, field="padding_mode", help="a border of zeros can be dilated")
        plain = f.padding_mode == ZEROS and not f.standardize and not self.dynamic(f)
        found = spaced_window(f, size, spacing, stride)
        if found["padding"] == SAME and not plain:
            found["padding"] = 0
        return found

    def module(self, e: Site) -> Module:
        f, cls, padding = e.f, f"nn.Conv{e.rank}d", e.f.padding
        if is_lit(padding, KEEP) or (is_lit(padding, SAME) and same_is_keep(f.kernel, f.stride, f.dilation, e.rank)):
            padding = keep_expr(f.kernel, f.dilation, e.rank)
        elif is_lit(padding, SAME):
            cls, padding = f"Conv{e.rank}dSame", 0
        elif isinstance(padding, IfElse):
            padding = with_keep(padding, keep_expr(f.kernel, f.dilation, e.rank))
        return self.made(cls, padding, e)

    def made(self, cls: str, padding: Expr | int, e: Site) -> Module:
        """A convolution of a class, with zeros on each side."""
        f = e.f
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {
            "stride": (f.stride, 1),
            "padding": (padding, 0),
            "dilation": (f.dilation, 1),
            "groups": (self.groups_of(f, e.c), 1),
            "bias": (f.bias, True),
            "padding_mode": (f.padding_mode, ZEROS),
        }
        if self.dynamic(f):
            cls = f"DynamicConv{e.rank}d"
            del kwargs["bias"], kwargs["padding_mode"]
        elif is_lit(f.standardize, True):
            cls = f"StdConv{e.rank}d"
            kwargs["eps"] = (f.standardize_eps, 1e-6)
        return Module(cls, (e.c, self.channels(f, e.c, ()), f.kernel), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        groups = self.groups_of(f, shape[0])
        depthwise = groups == shape[0] > 1
        return self.worded("DWConv" if depthwise else "Conv", f, len(shape) - 1, 1 if depthwise else groups)

    @staticmethod
    def worded(word: str, f: SimpleNamespace, rank: int, groups: int = 1) -> str:
        """`3×3 WS-Conv, s2, reflect`: weights that are standardised, a border of other things than zeros."""
        border = f", {f.padding_mode}" if f.padding_mode != ZEROS else ""
        return window_label(f"WS-{word}" if f.standardize else word, f, rank, groups) + border


class DWConv(Conv, name="dwconv"):
    """Depthwise convolution: every channel has its own kernels."""

    follows = "conv"
    fields = (
        Field("kernel", "axes", 3, "kernel size", minimum=1),
        Field("stride", "axes", 1, "stride", minimum=1),
        Field("multiplier", "int", 1, "output channels for each input channel", minimum=1),
        *(item for item in Conv.fields if item.name not in ("out", "kernel", "stride", "groups")),
    )
    example = {"fields": {"kernel": 3, "stride": 2, "multiplier": 2}, "inputs": [(8, 16, 16)]}

    def groups_of(self, f: SimpleNamespace, c: Any) -> Any:
        return c

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c * f.multiplier

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.worded("DWConv", f, len(shape) - 1)
