"""A graph computed op by op, by what each op says that it computes: the meaning that emitted source must have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import torch

from archdsl.diagnostics.faults import at, fault
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ir.nodes import fields_at
from archdsl.ops.base import Run
from archdsl.ops.own import is_own, said
from archdsl.support.plugins import NOT_OURS


def interpret(
    graph: Graph,
    state: Mapping[str, torch.Tensor],
    inputs: Sequence[torch.Tensor],
    *,
    training: bool = False,
    calibrate: bool = False,
    noise: torch.Generator | None = None,
    standing: Mapping[Node, torch.Tensor] = MappingProxyType({}),
) -> dict[Tensor, torch.Tensor]:
    """Every tensor of the graph, N×C×H×W, from those that enter and the state_dict of its module.

    In training the stages of training alone run too, and norms take the mean and variance of the batch. With
    `calibrate` those of the batch are first written into the state. `noise` adds to what each op gives as much as
    rounding may. In place of what these nodes give are the tensors that are `standing` for it.
    """
    values = dict(zip(graph.inputs.values(), inputs, strict=True))
    held = by_module(state, {node.path for node in graph.nodes if node.op.owned or not node.functional})
    for node in graph.nodes:
        if node.training and not training:
            continue
        entering = [values[tensor] for tensor in node.inputs]
        fields = fields_at(node, [tuple(x.shape[1:]) for x in entering])
        run = Run(fields, held.get(node.path, {}), training, torch)
        with at(node.span):
            if (
                calibrate and not node.shared and node not in standing
            ):  # else its norms would be others than in its first run
                node.op.calibrate(run, *entering)
            found = standing[node] if node in standing else node.op.compute(run, *entering)
            results = found if isinstance(found, (list, tuple)) else [found]
            refuse_results(node, entering, results)
        if noise is not None:
            results = [rounded(result, noise) for result in results]
        values.update(zip(node.outputs, results, strict=True))
    return values


def refuse_results(node: Node, entering: Sequence[torch.Tensor], results: Sequence[object]) -> None:
    """Raises where an op of another package computes other tensors than its shapes say."""
    if not is_own(type(node.op)):
        return
    shapes = [tuple(x.shape[1:]) for x in entering]
    wanted = [(len(entering[0]), *shape) for shape in node.op.shapes(fields_at(node, shapes), *shapes)]
    found = [tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__ for x in results]
    if found != wanted:
        message = f"{said(type(node.op))}: compute() gives {found}, its shapes say {wanted}"
        raise fault("bad-plugin", message, help=NOT_OURS)


def rounded(x: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """A tensor with the errors of a sum of many terms."""
    return x + torch.randn(x.shape, generator=noise, dtype=x.dtype) * x.abs().max() * 10 * torch.finfo(x.dtype).eps


def by_module(state: Mapping[str, torch.Tensor], paths: Collection[str]) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors of a state_dict under the one of these paths that they stand in, by the rest of their names."""
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in state.items():
        if key in paths:  # a tensor of the network's own
            found.setdefault(key, {})[""] = tensor
            continue
        path, _, name = key.rpartition(".")
        while path and path not in paths:
            path, _, part = path.rpartition(".")
            name = f"{part}.{name}"
        found.setdefault(path, {})[name] = tensor
    return found
