"""Normalisation."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, Expr
from archdsl.ops.axes import axis_field, is_channels, place_of_features
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State
from archdsl.ops.windows import groups_label

if TYPE_CHECKING:
    from torch import Tensor

EPS = Field("eps", "number", 1e-5, "added to the variance", minimum=0)
MOMENTUM = Field(
    "momentum", "number", 0.1, "weight of a new batch in the running mean and variance", minimum=0, maximum=1
)
AFFINE = Field("affine", "bool", True, "whether to learn a scale and a shift")
FEATURES = axis_field("the axis of the features: c or the last one")


def scaled(run: Run, x: Tensor, axis: int = 1) -> Tensor:
    """A normalised tensor with the scale and shift of its channels, or along another axis, if they are learned."""
    if "weight" not in run.weights:
        return x
    ones = (1,) * (x.dim() - 1 - axis)
    found = x * run.weights["weight"].view(-1, *ones)
    return found + run.weights["bias"].view(-1, *ones) if "bias" in run.weights else found


def scale_and_shift(channels: int, *, learned: bool, shifted: bool = True) -> State:
    """The tensors that a norm learns."""
    names = [] if not learned else ["weight", "bias"] if shifted else ["weight"]
    return dict.fromkeys(names, (channels,))


def running(channels: int) -> State:
    """The tensors that a norm gathers."""
    return {"running_mean": (channels,), "running_var": (channels,), "num_batches_tracked": ()}


def normalised(run: Run, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A tensor of mean 0 and variance 1 over some axes."""
    centred = x - x.mean(axes, keepdim=True)  # in a sixth of the time of `var_mean`
    found: Tensor = centred * (centred.square().mean(axes, keepdim=True) + run.f.eps).rsqrt()
    return found


def by_running_stats(run: Run, x: Tensor) -> Tensor:
    """A tensor less the mean that was gathered, over the deviation that was."""
    stored = ("running_mean", "running_var")
    mean, variance = (run.weights[name].view(-1, *(1,) * (x.dim() - 2)) for name in stored)
    found: Tensor = (x - mean) * (variance + run.f.eps).rsqrt()
    return found


class BatchNorm(Op, name="bn"):
    """Batch normalisation of every channel (also of a flat tensor)."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (EPS, MOMENTUM, AFFINE)
    example = {"fields": {"eps": 1e-3}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        if run.training:
            return scaled(run, normalised(run, x[0], (0, *range(2, x[0].dim()))))
        return scaled(run, by_running_stats(run, x[0]))

    def calibrate(self, run: Run, *x: Tensor) -> None:
        axes = (0, *range(2, x[0].dim()))
        mean = x[0].mean(axes, keepdim=True)
        run.weights["running_mean"].copy_(mean.flatten())
        run.weights["running_var"].copy_((x[0] - mean).square_().mean(axes))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) > 4:
            raise OpFault(f"bn takes a tensor with at most 3 spatial axes, this one has {len(shapes[0]) - 1}")
        if f.eps <= 0:
            raise OpFault("eps must be greater than 0: torch does not train with less", field="eps")

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return {**scale_and_shift(shape[0], learned=f.affine), **running(shape[0])}

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

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return scale_and_shift(shape[0], learned=f.affine)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.affine else 0

    def module(self, e: Site) -> Module:
        return Module("nn.GroupNorm", (e.f.groups, e.c), {"eps": (e.f.eps, 1e-5), "affine": (e.f.affine, True)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"GN, {groups_label(f.groups)}"


class LayerNorm(Op, name="layer_norm"):
    """Normalisation of each sample over the channels, separately at every position of a map (also of a flat tensor).

    `axis: w` normalises over the last axis, as for tokens L×C.
    """

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (EPS, AFFINE, Field("bias", "bool", True, "whether to learn a shift besides the scale"), FEATURES)
    example = {"fields": {"eps": 1e-6}, "inputs": [(8, 6, 6)]}
    prelude = "norms.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        axis = 1 + place_of_features(run.f.axis, tuple(x[0].shape[1:]))
        return scaled(run, normalised(run, x[0], (axis,)), axis)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place_of_features(f.axis, shapes[0])

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        features = shape[place_of_features(f.axis, shape)]
        return scale_and_shift(features, learned=f.affine, shifted=f.bias)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[place_of_features(f.axis, shape)] * (2 if f.bias else 1) if f.affine else 0

    def module(self, e: Site) -> Module:
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {
            "eps": (e.f.eps, 1e-5),
            "elementwise_affine": (e.f.affine, True),
            "bias": (e.f.bias, True),
        }
        channels = is_channels(e.f.axis, e.rank)
        cls = "ChannelLayerNorm" if channels and e.rank else "nn.LayerNorm"
        return Module(cls, (e.c if channels else e.last,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "LN"


class RMSNorm(Op, name="rms_norm"):
    """Division of each sample by its root mean square over the channels, separately at every position.

    `axis: w` takes the mean over the last axis, as for tokens L×C.
    """

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (
        Field(
            "eps",
            "number",
            None,
            "added to the mean square; by default, the rounding error of the data type",
            minimum=0,
        ),
        Field("affine", "bool", True, "whether to learn a scale"),
        FEATURES,
    )
    example = {"fields": {"eps": 1e-6}, "inputs": [(8, 6, 6)]}
    prelude = "norms.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        eps = run.torch.finfo(x[0].dtype).eps if run.f.eps is None else run.f.eps
        axis = 1 + place_of_features(run.f.axis, tuple(x[0].shape[1:]))
        return scaled(run, x[0] / (x[0].square().mean(axis, keepdim=True) + eps).sqrt(), axis)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place_of_features(f.axis, shapes[0])

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        features = shape[place_of_features(f.axis, shape)]
        return scale_and_shift(features, learned=f.affine, shifted=False)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[place_of_features(f.axis, shape)] if f.affine else 0

    def module(self, e: Site) -> Module:
        kwargs = {"eps": (e.f.eps, None), "elementwise_affine": (e.f.affine, True)}
        channels = is_channels(e.f.axis, e.rank)
        cls = "ChannelRMSNorm" if channels and e.rank else "nn.RMSNorm"
        return Module(cls, (e.c if channels else e.last,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "RMSNorm"


class InstanceNorm(Op, name="instance_norm"):
    """Normalisation of each channel of each sample over all positions."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (
        EPS,
        MOMENTUM,
        Field("affine", "bool", False, "whether to learn a scale and a shift"),
        Field("track_running_stats", "bool", False, "whether to use a running mean and variance in eval mode"),
    )
    example = {"fields": {"affine": True}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        if run.training or not run.f.track_running_stats:
            return scaled(run, normalised(run, x[0], tuple(range(2, x[0].dim()))))
        return scaled(run, by_running_stats(run, x[0]))

    def calibrate(self, run: Run, *x: Tensor) -> None:
        if run.f.track_running_stats:
            variance, mean = run.torch.var_mean(x[0].flatten(2), 2)
            run.weights["running_mean"].copy_(mean.mean(0))
            run.weights["running_var"].copy_(variance.mean(0))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if not 2 <= len(shapes[0]) <= 4:
            message = f"instance_norm takes a tensor with 1 to 3 spatial axes, this one has {len(shapes[0]) - 1}"
            raise OpFault(message, help="in a flat tensor every channel has one element: use layer_norm")
        if math.prod(shapes[0][1:]) == 1:
            message = "instance_norm needs channels with more than one element: a single element normalises to 0"
            raise OpFault(message, help="put it before the pooling")

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        running_ = running(shape[0]) if f.track_running_stats else {}
        return {**scale_and_shift(shape[0], learned=f.affine), **running_}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.affine else 0

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0] if f.track_running_stats else 0

    def module(self, e: Site) -> Module:
        f = e.f
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {
            "eps": (f.eps, 1e-5),
            "momentum": (f.momentum, 0.1),
            "affine": (f.affine, False),
            "track_running_stats": (f.track_running_stats, False),
        }
        return Module(f"nn.InstanceNorm{e.rank}d", (e.c,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "IN"


class GlobalResponseNorm(Op, name="grn"):
    """Global response normalisation (ConvNeXt V2): x + weight·x·n + bias, n the norm of a channel over their mean."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (Field("eps", "number", 1e-6, "added to the mean of the norms", minimum=0),)
    example = {"fields": {}, "inputs": [(8, 6, 6)]}
    prelude = "norms.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        norm = x[0].square().sum(tuple(range(2, x[0].dim())), keepdim=True).sqrt()
        return x[0] + scaled(run, x[0] * norm / (norm.mean(1, keepdim=True) + run.f.eps))

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if not 2 <= len(shapes[0]) <= 4:
            message = f"grn takes a tensor with 1 to 3 spatial axes, this one has {len(shapes[0]) - 1}"
            raise OpFault(message, help="put it before flatten")

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return scale_and_shift(shape[0], learned=True)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 2 * shape[0]

    def module(self, e: Site) -> Module:
        return Module("GlobalResponseNorm", (e.c,), {"eps": (e.f.eps, 1e-6)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "GRN"


class LocalResponseNorm(Op, name="local_response_norm"):
    """Division by (k + alpha·m)^beta, where m is the mean square of the neighbouring channels (AlexNet)."""

    group, role, fresh, counts = "normalisation", "norm", True, "norm"
    fields = (
        Field("size", "int", doc="number of neighbouring channels, including the channel itself", minimum=1),
        Field("alpha", "number", 1e-4, "factor of the mean square", minimum=0),
        Field("beta", "number", 0.75, "exponent"),
        Field("k", "number", 1.0, "the constant k"),
    )
    example = {"fields": {"size": 5}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, c = run.f, x[0].size(1)
        squares = x[0].square()
        ends = [(max(i - f.size // 2, 0), min(i + (f.size - 1) // 2 + 1, c)) for i in range(c)]
        total = run.torch.stack([squares[:, a:b].sum(1) for a, b in ends], 1)
        return x[0] / (f.k + f.alpha * total / f.size) ** f.beta

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if not 2 <= len(shapes[0]) <= 4:
            message = f"local_response_norm takes a tensor with 1 to 3 spatial axes, this one has {len(shapes[0]) - 1}"
            raise OpFault(message, help="put it before flatten")
        if f.k <= 0:
            message = "k must be greater than 0, or channels of zeros are divided by 0"
            raise OpFault(message, field="k", help="AlexNet has 2, torch 1")

    def module(self, e: Site) -> Module:
        kwargs = {"alpha": (e.f.alpha, 1e-4), "beta": (e.f.beta, 0.75), "k": (e.f.k, 1.0)}
        return Module("nn.LocalResponseNorm", (e.f.size,), kwargs)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"LRN, {f.size}"
