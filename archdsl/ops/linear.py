"""The linear layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Expr
from archdsl.ops.axes import axis_field, place_of_axis
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, is_lit, times
from archdsl.ops.windows import with_bias

if TYPE_CHECKING:
    from torch import Tensor


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
