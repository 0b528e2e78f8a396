"""Normalisation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, times

if TYPE_CHECKING:
    from torch import Tensor

EPS = Field("eps", "number", 1e-5, "added to the variance", minimum=0)
AFFINE = Field("affine", "bool", True, "whether a scale and a shift are learned")


def scaled(run: Run, x: Tensor) -> Tensor:
    """A normalised tensor with the scale and shift of its channels, if they are learned."""
    if not run.f.affine:
        return x
    weight, bias = (run.weights[name].view(-1, *(1,) * (x.dim() - 2)) for name in ("weight", "bias"))
    return x * weight + bias


def normalised(run: Run, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A tensor of mean 0 and variance 1 over some axes."""
    variance, mean = run.torch.var_mean(x, axes, correction=0, keepdim=True)
    found: Tensor = (x - mean) / (variance + run.f.eps).sqrt()
    return found


class BatchNorm(Op, name="bn"):
    """Batch normalisation of every channel (of a flat tensor too)."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (
        EPS,
        Field("momentum", "number", 0.1, "share of a new batch in the running mean and variance", minimum=0, maximum=1),
        AFFINE,
    )
    example = {"fields": {"eps": 1e-3}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        if run.training:
            return scaled(run, normalised(run, x[0], (0, *range(2, x[0].dim()))))
        stored = ("running_mean", "running_var")
        mean, variance = (run.weights[name].view(-1, *(1,) * (x[0].dim() - 2)) for name in stored)
        return scaled(run, (x[0] - mean) / (variance + run.f.eps).sqrt())

    def calibrate(self, run: Run, *x: Tensor) -> None:
        variance, mean = run.torch.var_mean(x[0], (0, *range(2, x[0].dim())), correction=0)
        run.weights["running_mean"].copy_(mean)
        run.weights["running_var"].copy_(variance)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) > 4:
            raise OpFault(f"bn takes a tensor with at most 3 spatial axes, this one has {len(shapes[0]) - 1}")
        if f.eps <= 0:
            raise OpFault("eps must be greater than 0: torch does not train with less", field="eps")

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.affine else 0

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0]

    def module(self, e: Site) -> Module:
        f = e.f
        kwargs = {"eps": (f.eps, 1e-5), "momentum": (f.momentum, 0.1), "affine": (f.affine, True)}
        return Module(f"nn.BatchNorm{max(e.rank, 1)}d", (e.c,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "BN"


class GroupNorm(Op, name="group_norm"):
    """Normalisation of each sample over groups of channels and all positions."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (Field("groups", "int", doc="groups of channels", minimum=1), EPS, AFFINE)
    example = {"fields": {"groups": 4}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        grouped = x[0].reshape(x[0].size(0), run.f.groups, -1)
        return scaled(run, normalised(run, grouped, (2,)).view_as(x[0]))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if shapes[0][0] % f.groups:
            raise OpFault(f"groups {f.groups} does not divide the {shapes[0][0]} channels", field="groups")

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.affine else 0

    def module(self, e: Site) -> Module:
        return Module("nn.GroupNorm", (e.f.groups, e.c), {"eps": (e.f.eps, 1e-5), "affine": (e.f.affine, True)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"GN, g{f.groups}"


class LayerNorm(Op, name="layer_norm"):
    """Normalisation of each sample of a flat tensor."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (EPS, AFFINE)
    example = {"fields": {}, "inputs": [(12,)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return scaled(run, normalised(run, x[0], (1,)))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 1:
            message = f"layer_norm takes a flat tensor, this one is {times(shapes[0])}"
            raise OpFault(message, help="for a map write group_norm: 1")

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.affine else 0

    def module(self, e: Site) -> Module:
        return Module("nn.LayerNorm", (e.c,), {"eps": (e.f.eps, 1e-5), "elementwise_affine": (e.f.affine, True)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "LN"
