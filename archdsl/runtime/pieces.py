"""Layers that take a proof too long: each is run on a piece, and random numbers stand for its result.

This is as strict as to run it on the whole. A layer has the class and the arguments of its node, what enters it is
compared with what enters the node, and so nothing but what the layer makes of it is left: that does not depend on the
size of the map. What comes after it is compared for the random numbers, which are the same in the module and the graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from archdsl.ir.graph import Node, Tensor
from archdsl.ir.nodes import fields_at, macs_of
from archdsl.ops.base import OpFault, Run, Shape
from archdsl.ops.conv import Conv
from archdsl.ops.conv_transpose import ConvTranspose
from archdsl.ops.learned import LearnedGroupConv
from archdsl.ops.norm import BatchNorm
from archdsl.ops.own import is_own

if TYPE_CHECKING:
    from torch import nn

    from archdsl.ir.nodes import Shapes

CONVOLUTIONS = (Conv, ConvTranspose, LearnedGroupConv)
LIMIT = 2**19  # multiply-adds of one sample: a layer of more is run on a piece
ELEMENT = 16  # so many take as long as an element of a map, which is read and written and compared
STEPS = 1  # further windows along each axis of a piece
PERIOD = 65_537  # of the numbers in place of results: a prime, so that no axis of a tensor falls in with it
SPREAD = 2.0  # their standard deviation


@dataclass(frozen=True)
class Piece:
    """Of what enters a layer as much as it is run on, C×H×W, the work on the whole, and what stands for its result."""

    node: Node
    shape: Shape
    macs: int
    standing: torch.Tensor

    def entering(self) -> torch.Tensor:
        """Random numbers, one sample of them, and not a part of the map: of that all may be zero."""
        random = torch.Generator().manual_seed(4)
        return torch.randn(1, *self.shape, generator=random, dtype=torch.double)

    def run(self, weights: Mapping[str, torch.Tensor], *, training: bool) -> Run:
        """The node at work where a piece enters."""
        return Run(fields_at(self.node, [self.shape]), weights, training, torch)


def pieces(
    nodes: Sequence[Node],
    modules: Mapping[str, nn.Module],
    kinds: Mapping[Node, int],
    shapes: Shapes,
    batch: int,
    *,
    training: bool,
) -> dict[Node, Piece]:
    """A piece for each of the nodes whose layer is too heavy where tensors have these shapes."""
    known: dict[tuple[int, Shape], Shape | None] = {}
    found: dict[Node, Shape] = {}
    for node in nodes:
        if not is_local(node, training=training) or "forward" in vars(modules[node.path]):
            continue
        key = kinds[node], shapes[node.inputs[0]]
        if key not in known:
            known[key] = shape_of_piece(node, shapes) if work(node, shapes) > LIMIT else None
        if (shape := known[key]) is not None:
            found[node] = shape
    standing = standing_for([node.outputs[0] for node in found], shapes, batch)
    return {
        node: Piece(node, shape, macs_of(node, shapes), row)
        for (node, shape), row in zip(found.items(), standing, strict=True)
    }


def is_local(node: Node, *, training: bool) -> bool:
    """Whether a node is a layer whose result at a place follows from its weights and a window of the map alone."""
    local = isinstance(node.op, CONVOLUTIONS) or (isinstance(node.op, BatchNorm) and not training)
    return local and len(node.inputs) == 1 and not node.functional and not is_own(type(node.op))


def work(node: Node, shapes: Shapes) -> int:
    """The multiply-adds of a node, and as many as reading and writing its maps takes."""
    whole, out = shapes[node.inputs[0]], shapes[node.outputs[0]]
    return macs_of(node, shapes) + ELEMENT * (math.prod(whole) + math.prod(out))


def shape_of_piece(node: Node, shapes: Shapes) -> Shape | None:
    """The shape of a piece on which a layer may be run in place of the whole; None if there is none smaller.

    A few windows fit along each axis, and as much is left over behind the last of them as in the whole.
    """
    whole = shapes[node.inputs[0]]
    fields = fields_at(node, [whole])
    axes = zip(whole[1:], *node.op.window(fields, len(whole) - 1), strict=True)
    piece = (whole[0], *(along(n, extent, stride) for n, extent, stride in axes))
    try:
        node.op.shapes(fields, piece)
    except OpFault:
        return None
    return piece if piece != whole else None


def along(n: int, extent: int, stride: int) -> int:
    """The size of a piece along an axis of n; an extent of 0 is the whole axis."""
    return min(n, extent + STEPS * stride + (n - extent) % stride) if extent else n


def standing_for(tensors: Sequence[Tensor], shapes: Shapes, batch: int) -> list[torch.Tensor]:
    """Random numbers in the shapes of these tensors, for each its own: the same each time."""
    sizes = [batch * math.prod(shapes[tensor]) for tensor in tensors]
    if not sizes:
        return []
    random = torch.Generator().manual_seed(3)
    period = torch.randn(PERIOD, generator=random, dtype=torch.double) * SPREAD
    row = period.repeat(-(-max(sizes) // PERIOD) + 1)
    starts = torch.randperm(PERIOD, generator=random)[: len(sizes)].tolist()
    parts = zip(tensors, sizes, starts, strict=True)
    return [row[start : start + size].view(batch, *shapes[tensor]) for tensor, size, start in parts]
