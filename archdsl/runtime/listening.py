"""A network that runs, listened to: what enters the module of each node beside the tensors of its graph."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from archdsl.diagnostics.faults import Diagnostic, Note
from archdsl.ir.nodes import runs_by_module
from archdsl.ops.base import times

if TYPE_CHECKING:
    from torch import nn

    from archdsl.ir.graph import Node, Tensor

NOTHING = 1e-60  # values below are zero in single precision, and their powers are not exact in double precision
CLOSE = 1e-9  # of the largest value, in double precision: what another order of additions may make


@dataclass
class Heard:
    """What was heard, in the order of execution: each difference with the tensor of the graph that it is about."""

    values: Mapping[Tensor, torch.Tensor]
    differences: list[tuple[Tensor, Diagnostic]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def entering(self, nodes: Sequence[Node]) -> Callable[..., None]:
        """The hook of the module of these nodes: compares at once, for an activation may overwrite what it is given."""

        def hook(_: nn.Module, args: Sequence[Any]) -> None:
            node = nodes[min(self.calls[nodes[0].path], len(nodes) - 1)]  # one call more than there are is told apart
            self.calls[node.path] += 1
            for tensor, found in zip(node.inputs, args, strict=False):
                with torch._C.DisableTorchFunction():  # noqa: SLF001 - as torch says it
                    text = difference(found, self.values[tensor])
                if text:
                    place = tensor.node.span if tensor.node is not None else node.span
                    message, note = f"what enters '{node.path}' {text}", Note("it enters here", node.span)
                    self.differences.append((tensor, Diagnostic("differs", message, place, notes=(note,))))

        return hook


@contextmanager
def listening(
    modules: Mapping[str, nn.Module], nodes: Sequence[Node], values: Mapping[Tensor, torch.Tensor]
) -> Iterator[Heard]:
    """While it lasts, what enters the modules of these nodes is compared with the tensors of the graph.

    What leaves a module needs no look: its class, arguments and weights are known to be those of the node.
    """
    heard = Heard(values)
    hooks = [
        modules[path].register_forward_pre_hook(heard.entering(runs)) for path, runs in runs_by_module(nodes).items()
    ]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def difference(found: torch.Tensor, wanted: torch.Tensor) -> str:
    """How a tensor differs from that of the graph: its shape, or where it differs most; nothing if it does not."""
    if found.shape != wanted.shape:
        return f"is {times(found.shape[1:])}, in the graph it is {times(wanted.shape[1:])}"
    if torch.equal(found, wanted):  # bit for bit, as most are: this ends at the first number that is not
        return ""
    if greatest(found - wanted) <= CLOSE * max(greatest(wanted), NOTHING) < math.inf:
        return ""
    alike = (found == wanted) | (found.isnan() & wanted.isnan())
    apart = (found - wanted).abs().nan_to_num(math.inf).masked_fill(alike, 0.0)
    largest = wanted.abs().nan_to_num(0.0, posinf=0.0).max()  # of an infinite one everything would be a small part
    if float(apart.max()) <= CLOSE * max(float(largest), NOTHING):
        return ""
    worst = int(apart.argmax())
    return f"is {found.flatten()[worst]:.6g} where the graph gives {wanted.flatten()[worst]:.6g}"


def greatest(x: torch.Tensor) -> float:
    """The greatest absolute value; NaN if there is one. In half the time of `x.abs().max()`, or less."""
    low, high = (float(end) for end in x.aminmax())
    return max(-low, high)
