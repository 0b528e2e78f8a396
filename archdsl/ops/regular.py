"""Regularisation: what works in training only."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, times

if TYPE_CHECKING:
    from torch import Tensor

P = Field("p", "number", 0.5, "the probability that an element is dropped", soft=True, minimum=0, maximum=1)


class Dropout(Op, name="dropout"):
    """Zeroes elements at random in training and scales up the rest."""

    group, counts = "regularisation", ""
    fields: ClassVar[tuple[Field, ...]] = (P,)
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

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return bool(f.p == 0)


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

    fields = (Field("p", "number", doc="the probability that a sample is dropped", soft=True, minimum=0, maximum=1),)
    example = {"fields": {"p": 0.2}, "inputs": [(8, 6, 6)]}
    prelude = "drop_connect.py"
    torch, word = "DropConnect", "Drop connect"

    def compute(self, run: Run, *x: Tensor) -> Any:
        samples = x[0].reshape(1, x[0].size(0), -1)  # as the channels of one sample
        return run.torch.nn.functional.dropout1d(samples, run.f.p, run.training).view_as(x[0])


class DropBlock(Dropout, name="drop_block"):
    """Zeroes blocks of each channel at random in training and scales up the rest (DropBlock)."""

    fields = (
        Field("p", "number", 0.1, "the fraction of the map that is dropped", soft=True, minimum=0, maximum=1),
        Field("block_size", "int", 7, "side of a block", minimum=1),
    )
    example = {"fields": {"p": 0.1, "block_size": 3}, "inputs": [(8, 6, 7)]}
    prelude = "drop_block.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        if not run.training or run.f.p == 0:
            return x[0]
        block, rank = run.f.block_size, x[0].dim() - 2
        starts = [n - block + 1 for n in x[0].shape[2:]]
        rate = run.f.p * math.prod(x[0].shape[2:]) / math.prod(starts) / block**rank
        ones = x[0].new_ones((*x[0].shape[:2], *starts))
        dropped = 1 - run.torch.nn.functional.dropout(ones, rate) * (1 - rate)  # 1 where a block begins
        reached = run.torch.nn.functional.pad(dropped, [block - 1] * 2 * rank)
        for axis in range(2, rank + 2):
            reached = reached.unfold(axis, block, 1).amax(-1)
        kept = 1 - reached
        return x[0] * kept * kept.numel() / kept.sum()

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        size = shapes[0][1:]
        if not 1 <= len(size) <= 3:
            raise OpFault("drop_block takes a tensor with 1 to 3 spatial axes", help="write dropout")
        if f.block_size > min(size):
            message = f"a block of {f.block_size} does not fit a map of {times(size)}"
            raise OpFault(message, field="block_size", help="give a smaller block_size")

    def module(self, e: Site) -> Module:
        return Module("DropBlock", (e.f.p, e.f.block_size))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"DropBlock {f.p:g}, {times([f.block_size] * (len(shape) - 1))}"
