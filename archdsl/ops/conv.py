"""Convolutions and the linear layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Constant, Expr, IfElse, Lit
from archdsl.ops.axes import axis_field, place_of_axis
from archdsl.ops.base import (
    Field,
    Module,
    Op,
    OpFault,
    Run,
    Shape,
    Site,
    State,
    axes_expr,
    is_lit,
    once,
    per_axis,
    times,
)

if TYPE_CHECKING:
    from torch import Tensor

KEEP, SAME = "keep", "same"
PADDING = "zeros on each side; keep: dilation·(k−1)//2; same: as in TensorFlow, giving ceil(n/stride)"
ZEROS, REFLECT, CIRCULAR = "zeros", "reflect", "circular"
MODES = (ZEROS, REFLECT, "replicate", CIRCULAR)
MODE = Field(
    "padding_mode", "word", ZEROS, "what fills the padding: zeros, or elements of the map", MODES, chooses=True
)


def padding_of(f: SimpleNamespace, rank: int) -> tuple[int, ...]:
    """Zeros on each side of each axis for numeric and `keep` padding."""
    if f.padding == KEEP:
        pairs = zip(per_axis(f.kernel, rank), per_axis(f.dilation, rank), strict=True)
        return tuple(d * (k - 1) // 2 for k, d in pairs)
    return per_axis(f.padding, rank)


def sides_of(f: SimpleNamespace, size: Sequence[int]) -> list[tuple[int, int]]:
    """Zeros before and after each axis, TensorFlow's padding among them."""
    rank = len(size)
    if f.padding != SAME:
        return [(n, n) for n in padding_of(f, rank)]
    axes = zip(size, *(per_axis(value, rank) for value in (f.kernel, f.stride, f.dilation)), strict=True)
    totals = [max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0) for n, k, s, d in axes]
    return [(total // 2, total - total // 2) for total in totals]


def padded(run: Run, x: Tensor, sides: Sequence[tuple[int, int]], value: float = 0.0, mode: str = ZEROS) -> Tensor:
    """A tensor with its border: of one value, or of what `places` says."""
    if not any(map(any, sides)):
        return x
    if mode == ZEROS:
        found: Tensor = run.torch.nn.functional.pad(x, [n for side in reversed(sides) for n in side], value=value)
        return found
    for axis, (before, after) in enumerate(sides, 2):
        along = run.torch.tensor(places(x.size(axis), before, after, mode), device=x.device)
        x = x.index_select(axis, along)
    return x


def places(n: int, before: int, after: int, mode: str) -> list[int]:
    """Of which of an axis's n elements each is one, once the axis is padded."""
    around = range(-before, n + after)
    if mode == CIRCULAR:
        return [i % n for i in around]
    if mode == REFLECT:
        return [n - 1 - abs(n - 1 - abs(i)) for i in around]
    return [min(max(i, 0), n - 1) for i in around]


def check_border(mode: str, sides: Sequence[tuple[int, int]], size: Sequence[int], field: str) -> None:
    """A map is large enough for what its border is made of."""
    longest = {REFLECT: (1, "less than the map"), CIRCULAR: (0, "at most the map")}
    if mode not in longest:
        return
    less, limit = longest[mode]
    for side, n in zip(sides, size, strict=True):
        if max(side) > n - less:
            message = f"a {mode} border of {max(side)} does not fit an axis of {n}: it is {limit}"
            raise OpFault(message, field=field, help="pad less, or give replicate")


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


def with_keep(padding: Expr, keep: Expr) -> Expr:
    """A padding, chosen by a condition or not, with the number of the word `keep` in its place."""
    if isinstance(padding, IfElse):
        return IfElse(padding.condition, with_keep(padding.then, keep), with_keep(padding.other, keep))
    return keep if is_lit(padding, KEEP) else padding


def keep_expr(kernel: Expr, dilation: Expr | int, rank: int) -> Expr:
    """`dilation·(k−1)//2` axis by axis."""
    return axes_expr(kernel, rank, lambda k, d: d * (k - 1) // 2, dilation)


def same_is_keep(kernel: Expr, stride: Expr, dilation: Expr | int, rank: int) -> bool:
    """Whether TensorFlow's padding is known to be `keep`'s: an odd window at stride 1, or a 1×1 kernel."""
    taps, steps, gaps = (constants(value, rank) for value in (kernel, stride, dilation))
    even = all(k and d and d * (k - 1) % 2 == 0 for k, d in zip(taps, gaps, strict=True))
    return (set(steps) == {1} and even) or set(taps) == {1}


def constants(value: Expr | int, rank: int) -> list[int]:
    """An `axes` expression as numbers, 0 where it is not constant."""
    entries = [item.value if isinstance(item, Lit) else item for item in per_axis(value, rank)]
    return [item if type(item) is int else 0 for item in entries]


def spaced_window(
    f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
) -> dict[str, Constant]:
    """Stride, dilation and padding of a window whose stride becomes a dilation, as `Op.spaced` has it."""
    rank = len(size)
    taps, steps, gaps = (per_axis(value, rank) for value in (f.kernel, f.stride, f.dilation))
    border = border_of(f, rank)
    if f.padding == 0 and completes(size, taps, steps, gaps, spacing, stride):
        return {"stride": 1, "padding": SAME}
    dilation, padding = ([n * by for n, by in zip(axes, spacing, strict=True)] for axes in (gaps, border))
    return {"stride": once(stride), "dilation": once(dilation), "padding": once(padding)}


def border_of(f: SimpleNamespace, rank: int) -> tuple[int, ...]:
    """Zeros on each side of each axis, that of TensorFlow's padding where it is the same for all sizes."""
    if f.padding != SAME:
        return padding_of(f, rank)
    axes = list(zip(*(per_axis(value, rank) for value in (f.kernel, f.stride, f.dilation)), strict=True))
    if not all(k == 1 or (s == 1 and d * (k - 1) % 2 == 0) for k, s, d in axes):
        message = "with padding same, the windows begin where the size of the map says, so they would move"
        raise OpFault(message, field="padding", help="give keep, or a number")
    return tuple(d * (k - 1) // 2 for k, _, d in axes)


def completes(
    size: Sequence[int],
    taps: Sequence[int],
    steps: Sequence[int],
    gaps: Sequence[int],
    spacing: Sequence[int],
    stride: Sequence[int],
) -> bool:
    """Whether windows of 2 by steps of 2, moved by steps of 1, may reach over the end by one: the map keeps its size.

    No place of the map before lies there.
    """
    return all(
        (k, s, d, by, step, n % 2) == (2, 2, 1, 1, 1, 0)
        for n, k, s, d, by, step in zip(size, taps, steps, gaps, spacing, stride, strict=True)
    )


def check_axes(op: Op, f: SimpleNamespace, rank: int) -> None:
    """One to three spatial axes, and every list with an entry for each."""
    if rank not in (1, 2, 3):
        number = "no spatial axis" if rank == 0 else f"{rank} spatial axes"
        message = f"{op.name} takes a tensor with 1 to 3 spatial axes, this one has {number}"
        raise OpFault(message, help="put it before flatten")
    for item in op.fields:
        value = getattr(f, item.name, None)
        if item.kind == "axes" and isinstance(value, (list, tuple)) and len(value) != rank:
            raise OpFault(f"{item.name} has {len(value)} entries for {rank} spatial axes", field=item.name)


def check_fits(f: SimpleNamespace, size: tuple[int, ...], out: tuple[int, ...]) -> None:
    """Every axis of the result has an element."""
    if min(out) < 1:
        text = "×".join(map(str, per_axis(f.kernel, len(size))))
        raise OpFault(f"a kernel of {text} does not fit an input of {times(size)}", field="kernel")


def area(f: SimpleNamespace, rank: int) -> int:
    """Taps of a window."""
    entries: tuple[int, ...] = per_axis(f.kernel, rank)
    return math.prod(entries)


def with_bias(weight: Shape, biases: int) -> State:
    """The tensors of a layer with so many biases."""
    return {"weight": weight, **({"bias": (biases,)} if biases else {})}


def window_label(word: str, f: SimpleNamespace, rank: int, groups: int = 1) -> str:
    """`3×3 Conv, s2, d2, g4`, of a signal `Conv, k3, s2`; what is 1 is left out."""
    kernel = per_axis(f.kernel, rank)
    parts = [f"{'×'.join(map(str, kernel))} {word}"] if rank > 1 else [word, f"k{kernel[0]}"]
    for letter, value in (("s", f.stride), ("d", getattr(f, "dilation", 1))):
        entries = per_axis(value, rank)
        if set(entries) != {1}:
            parts.append(letter + "×".join(map(str, entries if len(set(entries)) > 1 else entries[:1])))
    if groups != 1:
        parts.append(f"g{groups}")
    return ", ".join(parts)


MANY_GROUPS = 4  # more are slower channels last, as measured on the shipped networks


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


class Linear(Op, name="linear"):
    """Fully connected layer over the features of a flat tensor, or over the last axis of any tensor.

    `axis: w` selects the last axis, as `nn.Linear` does: for tokens L×C it works on each token, for a sequence C×L it
    mixes the positions. To work on the channels of a sequence or a map, use a 1×1 `conv`.
    """

    group, role, fresh, counts = "convolution", "linear", True, ""
    fields = (
        Field("out", "int", doc="output features", minimum=1),
        Field("bias", "bool", True, "whether to add a bias"),
        axis_field("the last axis; c: of a flat tensor"),
    )
    example = {"fields": {"out": 10}, "inputs": [(32,)]}
    sized_by = ("out",)

    def compute(self, run: Run, *x: Tensor) -> Any:
        product = x[0] @ run.weights["weight"].T
        return product + run.weights["bias"] if run.f.bias else product

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        shape, place = shapes[0], place_of_axis(f.axis, shapes[0])
        if place != len(shape) - 1:
            what = "a flat tensor" if f.axis == "c" else "the last axis of a tensor"
            help = "put flatten before it, use a 1×1 conv for its channels, or write axis: w for its last axis"
            raise OpFault(f"linear takes {what}, this one is {times(shape)}", help=help)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out if place_of_axis(f.axis, (1, *size)) == 0 else c

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return (*size[:-1], f.out) if size else ()

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (*(1,) * (rank - 1), 0), (1,) * rank

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return with_bias((out[-1], shape[-1]), out[-1] if f.bias else 0)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[-1] * out[-1] + (out[-1] if f.bias else 0)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[-1] * math.prod(out)

    def module(self, e: Site) -> Module:
        return Module("nn.Linear", (e.last, e.f.out), {"bias": (e.f.bias, True)})

    def takes_factor(self, fields: Mapping[str, Expr]) -> bool:
        return is_lit(fields["axis"], "c")  # the channels that leave are not what the layer makes on another axis

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "FC"
