"""Tensors told apart by a few numbers, so that those of a whole network can be kept."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

SAME = 1e-8  # of the largest number: what double precision leaves of a difference of arithmetic


class Sketch(NamedTuple):
    """What stands for a tensor: its shape, and of each channel two sums, weighted by chance; equal if they are."""

    shape: tuple[int, ...]
    marks: torch.Tensor  # C×2


def sketch(tensor: torch.Tensor) -> Sketch:
    """The sketch of a tensor N×C×…."""
    tensor = bare(tensor.detach())
    lines = (tensor if tensor.dim() > 1 else tensor[:, None]).transpose(0, 1).flatten(1).double()
    chance = torch.Generator().manual_seed(0)
    weights = torch.randn(lines.shape[1], 2, generator=chance, dtype=torch.float64)
    return Sketch(tuple(tensor.shape), lines @ weights)


def bare(tensor: torch.Tensor) -> torch.Tensor:
    """Without zeros around a map, which one network pads in a layer and another before it, and without axes of one."""
    for axis in range(2, tensor.dim()):
        lines = tensor.transpose(0, axis).flatten(1).any(1).nonzero().flatten()
        if len(lines):
            first, last = int(lines[0]), int(lines[-1])
            tensor = tensor.narrow(axis, first, last - first + 1)
    while tensor.dim() > 2 and tensor.shape[-1] == 1:
        tensor = tensor.squeeze(-1)
    return tensor


def same(theirs: Sketch, ours: Sketch) -> bool:
    return apart(theirs, ours) <= SAME


def apart(theirs: Sketch, ours: Sketch) -> float:
    """The largest difference as a part of the largest number; infinite if the shapes differ."""
    if theirs.shape != ours.shape:
        return math.inf
    scale = theirs.marks.abs().max().item()
    return (theirs.marks - ours.marks).abs().max().item() / (scale or 1.0)


def channel_order(theirs: Sketch, ours: Sketch) -> tuple[int, ...] | None:
    """For each channel of ours the one of theirs that holds the same; nothing if there is none, or more than one."""
    if theirs.shape != ours.shape:
        return None
    ranked, rank = theirs.marks[:, 0].sort()
    gap = SAME * theirs.marks.abs().max()
    if (ranked.diff().abs() <= gap).any():
        return None
    order = torch.empty_like(rank)
    order[ours.marks[:, 0].argsort()] = rank
    moved = theirs._replace(marks=theirs.marks.index_select(0, order))
    return tuple(order.tolist()) if same(moved, ours) else None
