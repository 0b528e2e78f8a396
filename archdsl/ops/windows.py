"""What ops with a window share: the border, what fits, and how the window is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from archdsl.expr.nodes import Constant, Expr, IfElse, Lit
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, State, axes_expr, is_lit, once, per_axis, times

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
        parts.append(groups_label(groups))
    return ", ".join(parts)


def groups_label(groups: int) -> str:
    """`g4`, and `c/2 groups` where the number is written as what it is made of."""
    return f"g{groups}" if f"{groups}".isdigit() else f"{groups} groups"
