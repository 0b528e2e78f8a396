"""What joins several tensors: concat, add, mul, max."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops.axes import axis_field, dim, place_of_axis
from archdsl.ops.base import Op, OpFault, Run, Shape, Site, atom, is_one, times

if TYPE_CHECKING:
    from torch import Tensor

ALIKE = "tensors of the same shape, or of size 1 along an axis"


def as_list(tensors: tuple[str, ...]) -> str:
    """Texts of branches as the source of a list; `*parts` alone is the list itself."""
    return tensors[0][1:] if len(tensors) == 1 and tensors[0].startswith("*") else f"[{', '.join(tensors)}]"


def unequal(op: Op, wanted: str, one: Shape, other: Shape, hint: str = "") -> OpFault:
    """The fault of tensors that do not go together."""
    return OpFault(f"{op.name} takes {wanted}, but these are {times(one)} and {times(other)}", help=hint)


class Join(Op):
    """What joins share: branches, in the order of the file, printed as an expression."""

    group, role, many, fresh, spreads = "join", "join", True, True, True
    word: ClassVar[str]
    example = {"fields": {}, "inputs": [(8, 6, 6), (8, 6, 6), (8, 6, 6)]}

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        check_spread(self, shapes)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return longest(c)

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        return spread(shapes)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.word


class Concat(Join, name="concat"):
    """Concatenation of the branches along the channels, or along another axis."""

    word, counts, spreads = "Concat", "", False
    fields = (axis_field("the axis along which to concatenate"),)
    example = {"fields": {}, "inputs": [(8, 6, 6), (3, 6, 6), (5, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.cat(x, 1 + place_of_axis(run.f.axis, tuple(x[0].shape[1:])))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place = place_of_axis(f.axis, shapes[0])
        for shape in shapes[1:]:
            if len(shape) != len(shapes[0]) or without(shape, place) != without(shapes[0], place):
                where = "channels" if place == 0 else f"the axis {f.axis}"
                raise unequal(self, f"tensors that differ only in {where}", shapes[0], shape)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c[0] if place_of_axis(f.axis, (1, *size)) else sum(c[1:], start=c[0])

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        place, found = place_of_axis(f.axis, shapes[0]), list(shapes[0])
        found[place] = sum([shape[place] for shape in shapes[1:]], start=found[place])
        return tuple(found)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def function(self, e: Site, *tensors: str) -> str:
        return f"torch.cat({as_list(tensors)}, {dim(e.f.axis)})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Concat" if place_of_axis(f.axis, shape) == 0 else f"Concat, axis {f.axis}"


class Add(Join, name="add"):
    """Sum of the branches. An axis of size 1 is broadcast."""

    word, pairwise = "Add", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.add, x)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            return f"torch.stack({as_list(tensors)}).sum(0)" if e.alike else folded("sum", tensors)
        return chain("+", tensors)


class Reparam(Add, name="reparam"):
    """Sum of branches that are merged into one convolution when the network is deployed."""


class Mul(Join, name="mul"):
    """Product of the branches. An axis of size 1 is broadcast, as in a gate C×1×1."""

    word, pairwise, rereads, lone_branch = "Mul", True, True, "gate"
    example = {"fields": {}, "inputs": [(8, 6, 6), (8, 1, 1)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.mul, x)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            return folded("math.prod", tensors)
        return chain("*", tensors)


class Max(Join, name="max"):
    """Element-wise maximum of the branches. An axis of size 1 is broadcast."""

    word, pairwise = "Max", True
    fresh = False

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.maximum, x)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            whole = as_list(tensors)
            return f"torch.stack({whole}).amax(0)" if e.alike else f"functools.reduce(torch.maximum, {whole})"
        text = tensors[0]
        for other in tensors[1:]:
            text = f"torch.maximum({text}, {other})"
        return text


def folded(word: str, tensors: tuple[str, ...]) -> str:
    """`math.prod(parts, start=x)`: torch joins no list of tensors that it has yet to spread."""
    first = next((text for text in tensors if not text.startswith("*")), None)
    if first is None:
        whole = as_list(tensors)
        return f"{word}({whole}[1:], start={whole}[0])"
    at = tensors.index(first)
    return f"{word}({as_list((*tensors[:at], *tensors[at + 1 :]))}, start={first})"


def chain(sign: str, tensors: tuple[str, ...]) -> str:
    """`a + b + c`."""
    return f" {sign} ".join(atom(text) for text in tensors)


def spread(shapes: Sequence[Shape]) -> Shape:
    """The shape of tensors that are spread over each other; numbers or expressions."""
    return tuple(longest(axis) for axis in zip(*shapes, strict=True))


def longest(sizes: Sequence[Any]) -> Any:
    """The size of an axis of tensors that are spread over each other: that of those that are not 1 there."""
    return next((n for n in sizes if not is_one(n)), sizes[0])


def check_spread(op: Op, shapes: Sequence[Shape]) -> None:
    """Raises unless tensors have one shape where they are not spread."""
    for index, one in enumerate(shapes):
        for other in shapes[:index]:
            if len(one) != len(other):
                flat = "a flat tensor is not broadcast: use a 1×1 conv after global_avg_pool"
                raise unequal(op, ALIKE, other, one, flat if 1 in (len(one), len(other)) else "")
            if any(n != m and 1 not in (n, m) for n, m in zip(one, other, strict=True)):
                raise unequal(op, ALIKE, other, one)


def without(shape: Shape, place: int) -> Shape:
    """A shape less one axis."""
    return shape[:place] + shape[place + 1 :]
