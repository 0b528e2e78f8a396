"""The op `dynamic_tanh` for archdsl."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import archdsl

if TYPE_CHECKING:
    from torch import Tensor


class DynamicTanh(archdsl.Op, name="dynamic_tanh"):
    """tanh(alpha * x), scaled and shifted by channel: it does what a norm does, and needs no mean or variance."""

    group, role, counts = "norm", "norm", "activation"
    fields = (archdsl.Field("alpha", "number", 0.5, "what alpha starts from", minimum=0),)
    example = {"fields": {"alpha": 0.8}, "inputs": [(8, 6, 6)]}
    prelude = "layers.py"

    def compute(self, run: archdsl.Run, *x: Tensor) -> Any:
        by_channel = (1, -1, *[1] * (x[0].dim() - 2))
        alpha, weight, bias = run.weights["alpha"], run.weights["weight"], run.weights["bias"]
        return run.torch.tanh(alpha * x[0]) * weight.view(by_channel) + bias.view(by_channel)

    def params(self, f: SimpleNamespace, shape: archdsl.Shape, out: archdsl.Shape) -> int:
        return 2 * shape[0] + 1

    def work(self, f: SimpleNamespace, shape: archdsl.Shape, out: archdsl.Shape) -> int:
        return math.prod(out)

    def module(self, e: archdsl.Site) -> archdsl.Module:
        return archdsl.Module("DynamicTanh", (e.c,), {"alpha": (e.f.alpha, 0.5)})

    def label(self, f: SimpleNamespace, shape: archdsl.Shape, out: archdsl.Shape) -> str:
        return "Dynamic tanh"
