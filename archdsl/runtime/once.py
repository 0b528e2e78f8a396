"""Modules that are alike compute once: each further one gives at once what the graph gives for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn

from archdsl.runtime.nodes import runs_by_module

if TYPE_CHECKING:
    import torch

    from archdsl.ir.graph import Node, Tensor
    from archdsl.runtime.kernels import Kernels

HEAVY = frozenset({
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear,
})  # fmt: skip


class Once:
    """The forward of modules that compute once for each kind of node and shape of input."""

    def __init__(self, kinds: Mapping[Node, int], values: Mapping[Tensor, torch.Tensor], kernels: Kernels) -> None:
        self.kinds, self.values, self.kernels = kinds, values, kernels
        self.macs: dict[tuple[Any, ...], int] = {}  # of those that have computed

    def replace(self, nodes: Sequence[Node], module: nn.Module) -> None:
        """Gives a module that knows what leaves its nodes, one for each of its calls."""
        compute, kind = module.forward, self.kinds[nodes[0]]  # its class and its arguments are those of its nodes
        ahead = list(nodes)

        def forward(x: torch.Tensor, *sizes: Any) -> Any:
            node = ahead.pop(0) if ahead else None
            key = kind, x.shape, sizes
            if key in self.macs and node is not None:
                self.kernels.macs += self.macs[key]
                return self.values[node.outputs[0]].clone()  # which an activation may overwrite
            before = self.kernels.macs
            found = compute(x, *sizes)
            self.macs[key] = self.kernels.macs - before
            return found

        module.forward = forward


def is_heavy(module: nn.Module) -> bool:
    return type(module) in HEAVY and "forward" not in vars(module)


@contextmanager
def once(
    modules: Mapping[str, nn.Module],
    nodes: Sequence[Node],
    kinds: Mapping[Node, int],
    values: Mapping[Tensor, torch.Tensor],
    kernels: Kernels,
) -> Iterator[None]:
    """While it lasts, of torch's heavy modules the first of those that are alike computes for all.

    What the others give is known: each is held against its node, and so is what enters it. A module with a forward of
    its own, which its class does not have, computes in any case.
    """
    shared = Once(kinds, values, kernels)
    runs = runs_by_module(nodes)
    heavy = [(runs[path], modules[path]) for path in runs if is_heavy(modules[path])]
    for runs_of_one, module in heavy:
        shared.replace(runs_of_one, module)
    try:
        yield
    finally:
        for _, module in heavy:
            del module.forward
