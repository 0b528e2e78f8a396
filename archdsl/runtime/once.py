"""Modules that are alike compute once, on a piece if they are slow: then they give at once what the graph gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn

from archdsl.diagnostics.faults import Diagnostic
from archdsl.ir.nodes import runs_by_module
from archdsl.runtime.listening import difference

if TYPE_CHECKING:
    import torch

    from archdsl.ir.graph import Node
    from archdsl.runtime.kernels import Kernels
    from archdsl.runtime.listening import Heard
    from archdsl.runtime.pieces import Piece

HEAVY = frozenset({
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear,
})  # fmt: skip


@dataclass
class Once:
    """The forward of modules that compute once for each kind of node and shape of input."""

    kinds: Mapping[Node, int]
    heard: Heard  # with the tensors of the graph
    kernels: Kernels
    pieces: Mapping[Node, Piece]
    weights: Mapping[str, Mapping[str, torch.Tensor]]  # of the modules that are run on pieces
    training: bool
    macs: dict[tuple[Any, ...], int] = field(default_factory=dict)  # of those that have computed

    def replace(self, nodes: Sequence[Node], module: nn.Module) -> None:
        """Gives a module that knows what leaves its nodes, one for each of its calls."""
        compute, kind = module.forward, self.kinds[nodes[0]]  # its class and its arguments are those of its nodes
        ahead = list(nodes)

        def forward(x: torch.Tensor, *sizes: Any) -> Any:
            again = not ahead  # a call more than the graph has: it is told apart, by their number
            node = nodes[-1] if again else ahead.pop(0)
            key = kind, x.shape, sizes
            if node in self.pieces and key not in self.macs:
                self.macs[key] = self.on_a_piece(self.pieces[node], compute)
            if key in self.macs and (node in self.pieces or not again):
                self.kernels.macs += self.macs[key]
                return self.heard.values[node.outputs[0]].clone()  # which an activation may overwrite
            before = self.kernels.macs
            found = compute(x, *sizes)
            self.macs[key] = self.kernels.macs - before
            return found

        module.forward = forward

    def on_a_piece(self, piece: Piece, compute: Callable[[torch.Tensor], torch.Tensor]) -> int:
        """Compares what leaves a layer with what its node gives for a piece; the multiply-adds of all samples."""
        node, before = piece.node, self.kernels.macs
        run = piece.run(self.weights[node.path], training=self.training)
        entering = piece.entering()
        node.op.calibrate(run, entering)  # the numbers that a norm has gathered are those of the layer too
        found = compute(entering)
        counted, self.kernels.macs = self.kernels.macs - before, before
        wanted = node.op.compute(run, entering)
        self.kernels.macs = before
        if text := difference(found, wanted):
            message = f"the output of '{node.path}' {text}, for a piece of its input"
            self.heard.differences.append((node.outputs[0], Diagnostic("differs", message, node.span)))
        alike = counted == node.op.macs(run.f, piece.shape, tuple(wanted.shape[1:]))
        return len(self.heard.values[node.outputs[0]]) * piece.macs if alike else counted


def is_heavy(module: nn.Module) -> bool:
    return type(module) in HEAVY and "forward" not in vars(module)


@contextmanager
def once(modules: Mapping[str, nn.Module], nodes: Sequence[Node], shared: Once) -> Iterator[None]:
    """While it lasts, of torch's heavy modules, and of those with pieces, the first of those alike computes for all.

    What the others give is known: each is held against its node, and so is what enters it. A module with a forward of
    its own, which its class does not have, computes in any case.
    """
    runs = runs_by_module(nodes)
    on_pieces = {node.path for node in shared.pieces}
    heavy = [(runs[path], modules[path]) for path in runs if path in on_pieces or is_heavy(modules[path])]
    for runs_of_one, module in heavy:
        shared.replace(runs_of_one, module)
    try:
        yield
    finally:
        for _, module in heavy:
            del module.forward
