"""Layers that lose weights in training: dense while they learn which, small once deployed (CondenseNet)."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.ops.base import FORM, Field, Module, Op, OpFault, Run, Shape, Site, State, times
from archdsl.ops.windows import groups_label

if TYPE_CHECKING:
    from torch import Tensor

CONDENSE = Field("condense", "int", 4, "one of this many inputs is kept", minimum=1)


class LearnedGroupConv(Op, name="learned_group_conv"):
    """1×1 convolution whose groups learn which inputs to keep (CondenseNet, Section 3).

    In training it is a dense convolution with a mask that `set_progress` makes sparser. Deployed, it takes the inputs
    that each group has kept, and consists of a grouped convolution and a shuffle that restores the order of channels.
    """

    group, role, fresh, counts = "convolution", "conv", True, ""
    fields = (
        Field("out", "int", doc="output channels", minimum=1),
        Field("groups", "int", 4, "number of groups; each takes every groups-th output channel", minimum=1),
        CONDENSE,
        FORM,
    )
    example = {"fields": {"out": 16, "groups": 4, "condense": 4}, "inputs": [(8, 6, 6)]}
    follows = "conv"
    prelude = "learned_groups.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, w, convolve = run.f, run.weights, run.torch.nn.functional.conv2d
        if f.form == "train":
            return convolve(x[0], w["weight"] * w["mask"])
        grouped = convolve(x[0][:, w["index"]], w["conv.weight"], groups=f.groups)
        return grouped.unflatten(1, (f.groups, -1)).transpose(1, 2).flatten(1, 2)

    network_bases = {"LearnedGroupConv": "Condensing"}

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 3:
            raise OpFault(f"learned_group_conv takes a map C×H×W, this is {times(shapes[0])}")
        c = shapes[0][0]
        if c % f.groups or f.out % f.groups:
            raise OpFault(f"groups {f.groups} does not divide the channels ({c} -> {f.out})", field="groups")
        if c % f.condense:
            raise OpFault(f"condense {f.condense} does not divide the {c} input channels", field="condense")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        c = shape[0]
        if f.form == "train":
            return {"weight": (out[0], c, 1, 1), "mask": (out[0], c, 1, 1), "stage": ()}
        kept = c // int(f.condense)
        return {"index": (f.groups * kept,), "conv.weight": (out[0], kept, 1, 1)}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return out[0] * (shape[0] if f.form == "train" else shape[0] // int(f.condense))

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return self.params(f, shape, out) * math.prod(out[1:])

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def slower_channels_last(self, f: SimpleNamespace, shape: Shape) -> bool:
        return True  # it gathers channels by index

    def module(self, e: Site) -> Module:
        cls = "LearnedGroupConv" if e.f.form.value == "train" else "CondensedConv"
        return Module(cls, (e.c, e.f.out, e.f.groups, e.f.condense))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"{'1×1 L-Conv' if f.form == 'train' else 'Index, 1×1 Conv'}, {groups_label(f.groups)}"


class LearnedLinear(Op, name="learned_linear"):
    """Linear layer that, when deployed, reads only the inputs with the largest weights (CondenseNet's classifier).

    Its outputs change when it is deployed.
    """

    group, role, fresh, counts, deployed_alike = "convolution", "linear", True, "", False
    fields = (Field("out", "int", doc="outputs", minimum=1), CONDENSE, FORM)
    example = {"fields": {"out": 10, "condense": 2}, "inputs": [(8,)]}
    follows = "linear"
    prelude = "learned_groups.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        w = run.weights
        if run.f.form == "train":
            return x[0] @ w["weight"].T + w["bias"]
        return x[0][:, w["index"]] @ w["linear.weight"].T + w["linear.bias"]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 1:
            raise OpFault(f"learned_linear takes a vector, this is {times(shapes[0])}", help="put flatten before it")
        if shapes[0][0] < f.condense:
            raise OpFault(f"condense {f.condense} keeps none of the {shapes[0][0]} inputs", field="condense")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.out

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        c = shape[0]
        if f.form == "train":
            return {"weight": (out[0], c), "bias": (out[0],)}
        kept = c // int(f.condense)
        return {"index": (kept,), "linear.weight": (out[0], kept), "linear.bias": (out[0],)}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return out[0] * ((shape[0] if f.form == "train" else shape[0] // int(f.condense)) + 1)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return self.params(f, shape, out) - out[0]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def module(self, e: Site) -> Module:
        cls = "LearnedLinear" if e.f.form.value == "train" else "CondensedLinear"
        return Module(cls, (e.c, e.f.out), {"condense": (e.f.condense, None)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "L-Linear" if f.form == "train" else "Index, Linear"
