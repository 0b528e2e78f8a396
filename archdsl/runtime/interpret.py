"""A graph computed op by op, by what each op says that it computes: the meaning that emitted source must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import torch

from archdsl.graph import Graph, Node, Tensor
from archdsl.ops.base import Run


def interpret(
    graph: Graph,
    state: Mapping[str, torch.Tensor],
    inputs: Sequence[torch.Tensor],
    *,
    training: bool = False,
    calibrate: bool = False,
    noise: torch.Generator | None = None,
) -> dict[Tensor, torch.Tensor]:
    """Every tensor of the graph, N×C×H×W, from those that enter and the state_dict of its module.

    In training the stages of training alone run too, and norms take the mean and variance of the batch. With
    `calibrate` those of the batch are first written into the state. `noise` adds to what each op gives as much as
    rounding may.
    """
    values = dict(zip(graph.inputs.values(), inputs, strict=True))
    held = by_module(state)
    for node in graph.nodes:
        if node.training and not training:
            continue
        run = Run(SimpleNamespace(**node.fields), held.get(node.path, {}), training, torch)
        entering = [values[tensor] for tensor in node.inputs]
        given = tensor_fields(node)
        for name, tensor in zip(given, entering[len(entering) - len(given) :], strict=True):
            setattr(run.f, name, tuple(tensor.shape[1:]))
        if calibrate:
            node.op.calibrate(run, *entering)
        found = node.op.compute(run, *entering)
        results = found if isinstance(found, (list, tuple)) else [found]
        if noise is not None:
            results = [rounded(result, noise) for result in results]
        values.update(zip(node.outputs, results, strict=True))
    return values


def rounded(x: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """A tensor with the errors of a sum of many terms."""
    return x + torch.randn(x.shape, generator=noise, dtype=x.dtype) * x.abs().max() * 10 * torch.finfo(x.dtype).eps


def by_module(state: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors of a state_dict under the path of each module around them, by the rest of their names."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in state.items():
        parts = key.split(".")
        for length in range(len(parts)):
            found.setdefault(".".join(parts[:length]), {})[".".join(parts[length:])] = tensor
    return found


def tensor_fields(node: Node) -> list[str]:
    """The tensor fields that a step gives; their tensors are the last that enter."""
    return [item.name for item in node.op.fields if item.kind == "tensor" and node.fields.get(item.name) is not None]
