"""Pools to a size, for ONNX: it has none whose windows differ. Sizes are fixed there, so each window is cut out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Reduce = Callable[[Tensor, int], Tensor]


def with_windows_apart(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """A program in which pools to a size are means and maxima of windows."""
    aten = torch.ops.aten
    table: dict[object, Callable[..., object]] = {
        aten.adaptive_avg_pool1d.default: averages,
        aten.adaptive_avg_pool3d.default: averages,
        aten.adaptive_max_pool1d.default: maxima,
        aten.adaptive_max_pool2d.default: maxima,
        aten.adaptive_max_pool3d.default: maxima,
    }
    if not any(node.target in table for node in program.graph.nodes):
        return program
    apart: torch.export.ExportedProgram = program.run_decompositions(table)
    return apart


def averages(x: Tensor, size: Sequence[int]) -> Tensor:
    return by_windows(x, size, lambda window, axis: window.mean(axis, keepdim=True))


def maxima(x: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The maxima, and in the place of where they stand, which nothing reads, zeros."""
    found = by_windows(x, size, lambda window, axis: window.amax(axis, keepdim=True))
    return found, torch.zeros_like(found, dtype=torch.long)


def by_windows(x: Tensor, size: Sequence[int], reduce: Reduce) -> Tensor:
    """What comes of the windows, axis by axis: mean and maximum are those of the means and maxima."""
    for axis, n in enumerate(size, x.dim() - len(size)):
        length = x.size(axis)
        ends = [(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]
        x = torch.cat([reduce(x.narrow(axis, a, b - a), axis) for a, b in ends], axis)
    return x
