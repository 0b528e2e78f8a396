"""Networks that both archdsl and torchvision have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import nn

STUBS: list[torch.library.Library] = []  # kept: ops live as long as their library does


def stub_ops() -> None:
    """Before torchvision is imported where its compiled ops do not fit torch: its models need none of them."""
    if find_spec("torchvision") is None or loads_ops():
        return
    STUBS.append(torch.library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        STUBS[0].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def loads_ops() -> bool:
    """Whether the compiled ops of torchvision can be loaded, told in a process of its own."""
    done = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False)
    return done.returncode == 0


class Network(NamedTuple):
    """A network in both."""

    spec: str
    variant: str | None
    model: str  # of torchvision
    side: int

    @property
    def peer(self) -> Callable[..., nn.Module]:
        """Torchvision's constructor, which is imported here."""
        import torchvision

        found: Callable[..., nn.Module] = getattr(torchvision.models, self.model)
        return found


NETWORKS = {
    "mobilenet_v2": Network("mobilenet_v2", None, "mobilenet_v2", 224),
    "shufflenet_v2 x1.0": Network("shufflenet_v2", "torchvision-x1.0", "shufflenet_v2_x1_0", 224),
    "efficientnet b0": Network("efficientnet", "b0", "efficientnet_b0", 224),
    "efficientnet b4": Network("efficientnet", "b4", "efficientnet_b4", 380),
}


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """The weights of one network into the other, in their order, which both share."""
    theirs, ours = source.state_dict(), target.state_dict()
    shapes = [[tuple(t.shape) for t in state.values()] for state in (theirs, ours)]
    if shapes[0] != shapes[1]:
        raise SystemExit("the weights of the two networks do not correspond in their order")
    target.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
