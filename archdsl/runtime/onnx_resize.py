"""Upsampling by a fraction, for ONNX: there a scale is a float of 32 bits, and 10 × 2.3 rounds down to 22.

Sizes are fixed in an exported model, so what torch does along an axis is a matrix, or the places of nearest neighbours.
Both are taken from torch itself, so shapes and numbers are its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own word for it
from torch import Tensor, nn

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.ops.base import per_axis

SAFE_PARTS = 256  # a scale of so many parts of one is the same in 32 bits, and so are its products with any size


def with_exact_upsampling(network: nn.Module, graph: Graph) -> nn.Module:
    """The network, with another module in the place of each upsampling whose scale ONNX would round."""
    for node in graph.nodes:
        if node.op.name == "upsample" and node.fields["scale"] is not None:
            size = node.inputs[0].shape[1:]
            scale = [float(factor) for factor in per_axis(node.fields["scale"], len(size))]
            if not is_safe(scale, size):
                network.set_submodule(node.path, Resized(node.fields, scale, size))
    return network


def refuse_inexact(graph: Graph) -> None:
    """Raises at the first upsampling whose scale ONNX would round: only for a known size there is another module."""
    for node in (node for node in graph.nodes if not node.training):
        if node.op.name == "upsample" and node.fields["scale"] is not None:
            size = node.inputs[0].shape[1:]
            if not is_safe([float(factor) for factor in per_axis(node.fields["scale"], len(size))], size):
                message = f"ONNX rounds the scale {node.fields['scale']} of '{node.path}' at some sizes"
                raise fault("bad-call", message, node.span, help="export it for one size")


def is_safe(scale: Sequence[float], size: Sequence[int]) -> bool:
    """Whether ONNX computes what torch does; where no size changes torch may copy, whatever the scale."""
    exact = all((factor * SAFE_PARTS).is_integer() for factor in scale)
    return exact and not unchanged(scale, size)


class Resized(nn.Module):
    """An upsampling of tensors of one size, axis by axis."""

    def __init__(self, fields: Any, scale: Sequence[float], size: Sequence[int]) -> None:
        super().__init__()
        mode, corners = fields["mode"], fields["align_corners"] or None
        self.axes, self.nearest = len(size), mode == "nearest"
        self.copies = torch.equal(*sample(scale, mode, corners, size)) if unchanged(scale, size) else False
        for axis, n in enumerate(() if self.copies else size):
            made = places(n, axis, size, scale) if self.nearest else weights(n, scale[axis], mode, corners)
            self.register_buffer(f"axis{axis}", made, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        for axis in range(0 if self.copies else self.axes):
            along: Tensor = self.get_buffer(f"axis{axis}")
            if self.nearest:
                x = x.index_select(axis + 2, along)
            else:
                x = (x.transpose(axis + 2, -1) @ along).transpose(axis + 2, -1)
        return x


def unchanged(scale: Sequence[float], size: Sequence[int]) -> bool:
    return all(math.floor(n * factor) == n for n, factor in zip(size, scale, strict=True))


def sample(scale: Sequence[float], mode: str, corners: bool | None, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """A tensor and what torch makes of it."""
    x = torch.arange(math.prod(size)).float().sin().view(1, 1, *size)
    return x, F.interpolate(x, scale_factor=tuple(scale), mode=mode, align_corners=corners)


def places(n: int, axis: int, size: Sequence[int], scale: Sequence[float]) -> Tensor:
    """Along an axis, the place that each nearest neighbour is at."""
    shape = [n if other == axis else 1 for other in range(len(size))]
    grid = torch.arange(n).double().view(1, 1, *shape).expand(1, 1, *size)
    found = F.interpolate(grid, scale_factor=tuple(scale), mode="nearest")
    return found.movedim(axis + 2, -1).reshape(-1, found.shape[axis + 2])[0].long()


def weights(n: int, scale: float, mode: str, corners: bool | None) -> Tensor:
    """Along an axis, the part that each element has in each result; all linear modes are one along an axis.

    The other axis changes its size, for torch copies a tensor of which none does.
    """
    eye = torch.eye(n)[None, :, :, None].expand(1, n, n, 2)
    flat = "bicubic" if mode == "bicubic" else "bilinear"
    return F.interpolate(eye, scale_factor=(scale, 2.0), mode=flat, align_corners=corners)[0, :, :, 0].clone()
