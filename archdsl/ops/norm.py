"""Normalisation."""

from __future__ import annotations

from types import SimpleNamespace

from archdsl.ops.base import Field, Module, Op, OpFault, Shape, Site, times

EPS = Field("eps", "number", 1e-5, "added to the variance", minimum=0)
AFFINE = Field("affine", "bool", True, "whether a scale and a shift are learned")


class BatchNorm(Op, name="bn"):
    """Batch normalisation of every channel (of a flat tensor too)."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (
        EPS,
        Field("momentum", "number", 0.1, "share of a new batch in the running mean and variance", minimum=0, maximum=1),
        AFFINE,
    )
    example = {"fields": {"eps": 1e-3}, "inputs": [(8, 6, 6)]}

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) > 4:
            raise OpFault(f"bn takes a tensor with at most 3 spatial axes, this one has {len(shapes[0]) - 1}")

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
