"""Pools whose last window may extend beyond the end (`ceil`), for maps of any size.

torch asks the size of a map whether that window begins inside, which an export with free sizes cannot answer. Where it
always does, a pool without `ceil` on a longer map gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from archdsl.ir.graph import Graph, Node
from archdsl.ops.base import per_axis
from archdsl.ops.windows import padding_of

POOLS: Sequence[Mapping[str, Callable[..., Tensor]]] = (  # by the number of axes
    {"max_pool": F.max_pool1d, "avg_pool": F.avg_pool1d},
    {"max_pool": F.max_pool2d, "avg_pool": F.avg_pool2d},
)


def with_free_pools(network: nn.Module, graph: Graph) -> nn.Module:
    """The network, with another module in the place of each such pool; auxiliary heads are not exported."""
    for node in graph.nodes:
        if node.fields.get("ceil") and not node.training and begins_inside(node):
            pools = {"max_pool": LongerMaxPool, "avg_pool": LongerAvgPool}
            network.set_submodule(node.path, pools[node.op.name](node).train(network.training))
    return network


def begins_inside(node: Node) -> bool:
    """Whether the last window begins inside of the map, whatever its size: windows overlap its border."""
    rank = len(node.inputs[0].shape) - 1
    if node.op.name not in POOLS[0] or rank > len(POOLS):
        return False
    extents, strides = node.op.window(SimpleNamespace(**node.fields), rank)
    return all(k >= s + p for k, s, p in zip(extents, strides, Windows(node).padding, strict=True))


class Windows:
    """The numbers of a pool, one for each axis."""

    def __init__(self, node: Node) -> None:
        f, self.rank = SimpleNamespace(**{"dilation": 1, **node.fields}), len(node.inputs[0].shape) - 1
        f.stride = f.kernel if f.stride is None else f.stride
        self.kernel, self.stride = per_axis(f.kernel, self.rank), per_axis(f.stride, self.rank)
        self.padding, self.dilation = padding_of(f, self.rank), per_axis(f.dilation, self.rank)


class LongerMaxPool(nn.Module):
    """A maximum of windows on a map whose last elements are repeated: each window over the end has one of them."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.windows, self.pool = Windows(node), POOLS[Windows(node).rank - 1]["max_pool"]

    def forward(self, x: Tensor) -> Tensor:
        own = self.windows
        for axis, stride in enumerate(own.stride, 2):
            x = torch.cat([x, *[x.narrow(axis, x.size(axis) - 1, 1)] * (stride - 1)], axis)
        return self.pool(x, own.kernel, own.stride, own.padding, own.dilation)


class LongerAvgPool(nn.Module):
    """A mean of windows on a map with zeros behind it, which are not counted."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.windows, self.pool = Windows(node), POOLS[Windows(node).rank - 1]["avg_pool"]
        self.border = float(node.fields["count_include_pad"])

    def forward(self, x: Tensor) -> Tensor:
        own = self.windows
        behind = [end for stride in reversed(own.stride) for end in (0, stride - 1)]
        around = [n for padding in reversed(own.padding) for n in (padding, padding)]
        counted = F.pad(torch.ones_like(x[:1, :1]), around, value=self.border)
        total = self.mean(F.pad(x, [a + b for a, b in zip(around, behind, strict=True)]), own.kernel, own.stride)
        return total / self.mean(F.pad(counted, behind), own.kernel, own.stride)

    def mean(self, x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
        """The mean of windows with all of their elements."""
        return self.pool(x, kernel, stride)
