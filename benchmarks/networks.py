"""Networks that both archdsl and torchvision have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

# Torchvision refuses to be imported where its compiled ops do not fit torch; its models need none of them.
try:
    import torchvision
except (RuntimeError, ImportError):
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    LIBRARY = torch.library.Library("torchvision", "DEF")  # kept: its ops live as long as it does
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision


class Network(NamedTuple):
    """A network in both."""

    spec: str
    variant: str | None
    peer: Callable[..., nn.Module]
    side: int


models: Any = torchvision.models
NETWORKS = {
    "mobilenet_v2": Network("mobilenet_v2", None, models.mobilenet_v2, 224),
    "shufflenet_v2 x1.0": Network("shufflenet_v2", "torchvision-x1.0", models.shufflenet_v2_x1_0, 224),
    "efficientnet b0": Network("efficientnet", "b0", models.efficientnet_b0, 224),
    "efficientnet b4": Network("efficientnet", "b4", models.efficientnet_b4, 380),
}


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """The weights of one network into the other, in their order, which both share."""
    theirs, ours = source.state_dict(), target.state_dict()
    shapes = [[tuple(t.shape) for t in state.values()] for state in (theirs, ours)]
    if shapes[0] != shapes[1]:
        raise SystemExit("the weights of the two networks do not correspond in their order")
    target.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
