"""Regularisation: what works in training only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site

if TYPE_CHECKING:
    from torch import Tensor

P = Field("p", "number", 0.5, "how likely an element is dropped", soft=True, minimum=0, maximum=1)


class Dropout(Op, name="dropout"):
    """Zeroes elements at random in training and scales up the rest."""

    group, counts = "regularisation", ""
    fields = (P,)
    example = {"fields": {"p": 0.2}, "inputs": [(12,)]}
    torch, word = "nn.Dropout", "Dropout"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.nn.functional.dropout(x[0], run.f.p, run.training)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def module(self, e: Site) -> Module:
        return Module(self.torch, (e.f.p,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"{self.word} {f.p:g}"


class ChannelDropout(Dropout, name="channel_dropout"):
    """Zeroes whole channels at random in training and scales up the rest."""

    example = {"fields": {"p": 0.1}, "inputs": [(8, 6, 6)]}
    word = "Channel dropout"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return getattr(run.torch.nn.functional, f"dropout{x[0].dim() - 2}d")(x[0], run.f.p, run.training)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if not 2 <= len(shapes[0]) <= 4:
            raise OpFault("channel_dropout takes a tensor with 1 to 3 spatial axes", help="write dropout")

    def module(self, e: Site) -> Module:
        return Module(f"nn.Dropout{e.rank}d", (e.f.p,))


class DropConnect(Dropout, name="drop_connect"):
    """Zeroes whole samples at random in training and scales up the rest (stochastic depth)."""

    fields = (Field("p", "number", doc="how likely a sample is dropped", soft=True, minimum=0, maximum=1),)
    example = {"fields": {"p": 0.2}, "inputs": [(8, 6, 6)]}
    prelude = "drop_connect.py"
    torch, word = "DropConnect", "Drop connect"

    def compute(self, run: Run, *x: Tensor) -> Any:
        samples = x[0].reshape(1, x[0].size(0), -1)  # as the channels of one sample
        return run.torch.nn.functional.dropout1d(samples, run.f.p, run.training).view_as(x[0])
