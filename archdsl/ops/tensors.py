"""Tensors of the network's own: learned or fixed, whatever enters; and a learned scale of each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.fold import fold
from archdsl.expr.nodes import Binary, Expr, Index, ListOf, Lit, wrap
from archdsl.expr.show import show
from archdsl.ops.axes import axis_field, is_channels, place_of_features
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, is_lit, times

if TYPE_CHECKING:
    from torch import Tensor

DRAWN = ("normal", "trunc_normal")


class Own(Op):
    """What tensors of the network's own share: their shape, and what fills them at first.

    The tensor is stored with a batch axis of size 1, and is the same for every sample. Of the tensor that enters the
    batch axis alone matters.
    """

    group, role, counts, owned, placeless = "tensor", "other", "", True, True
    trained: ClassVar[bool]
    word: ClassVar[str]
    sized_by, sizes_stay = ("shape",), False
    fields = (
        Field("shape", "ints", doc="the sizes, channels first and without the batch axis", minimum=1),
        Field(
            "init",
            "number",
            0,
            "the initial value: a number, zeros, ones, or drawn from a normal or trunc_normal distribution",
            ("zeros", "ones", *DRAWN),
        ),
        Field("std", "number", 0.02, "the standard deviation of the distribution", minimum=0),
    )
    example = {"fields": {"shape": [4, 6, 6], "init": "normal"}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        own = run.weights[""]
        return own.repeat(x[0].size(0), *(1 for _ in own.shape[1:]))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if not isinstance(f.shape, (list, tuple)):
            raise OpFault(f"the shape of a tensor is a list, not {f.shape}", field="shape", help=f"write [{f.shape}]")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return sizes_of(f.shape)[0] if not isinstance(f.shape, Expr) or isinstance(f.shape, ListOf) else first(f.shape)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sizes_of(f.shape)[1:])

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> Sequence[tuple[frozenset[int], Sequence[Expr]]] | None:
        return [(frozenset(), [n]) for n in f.shape.items] if isinstance(f.shape, ListOf) else None

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return {"": (1, *out)}  # in front the axis of the batch

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def source(self, e: Site, sizes: str) -> str:
        """The expression that makes the tensor, of a shape given as source."""
        init = e.f.init
        if is_lit(init, 0) or is_lit(init, "zeros"):
            return f"torch.zeros({sizes})"
        if is_lit(init, 1) or is_lit(init, "ones"):
            return f"torch.ones({sizes})"
        if isinstance(init, Lit) and init.value in DRAWN:
            std = wrap(e.f.std)
            ends = [show(fold(Binary("*", Lit(n), std)), python=True) for n in (-2, 2)]  # of the distribution cut off
            cut = f", a={ends[0]}, b={ends[1]}" if init.value == "trunc_normal" else ""
            return f"nn.init.{init.value}_(torch.empty({sizes}), std={show(std, python=True)}{cut})"
        number = f"float({show(init, python=True)})"
        if isinstance(init, Lit) and isinstance(init.value, (int, float)):
            number = repr(float(init.value))
        return f"torch.full(({sizes}), {number})"  # of a whole number torch would make whole numbers

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"{self.word} {times(out)}"


def sizes_of(shape: Any) -> tuple[Any, ...]:
    return tuple(shape.items if isinstance(shape, ListOf) else shape)


def first(shape: Expr) -> Expr:
    return Index(shape, Lit(0))


class Param(Own, name="param"):
    """A learned tensor, the same for every sample, such as a class token, position embeddings or scales."""

    trained, word = True, "Learned"

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out)


class Buffer(Own, name="buffer"):
    """A tensor that is saved with the weights but not trained. It is the same for every sample."""

    trained, word = False, "Fixed"

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out)


class Scale(Op, name="scale"):
    """Multiplies each channel, or each feature of the last axis, by a learned number (layer scale)."""

    group, role, fresh = "normalisation", "norm", True
    fields = (
        Field("init", "number", 1.0, "the initial values"),
        axis_field("c, or the last axis"),
    )
    example = {"fields": {"init": 0.5}, "inputs": [(8, 6, 6)]}
    prelude = "scale.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        place = 1 + place_of_features(run.f.axis, tuple(x[0].shape[1:]))
        return x[0] * run.weights["weight"].view(*(-1 if axis == place else 1 for axis in range(1, x[0].dim())))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place_of_features(f.axis, shapes[0])

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return {"weight": (shape[place_of_features(f.axis, shape)],)}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[place_of_features(f.axis, shape)]

    def module(self, e: Site) -> Module:
        channels = is_channels(e.f.axis, e.rank)
        named = {"init": (e.f.init, 1.0), "after": (e.rank if channels else 0, 0)}
        return Module("Scale", (e.c if channels else e.last,), named)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Scale"
