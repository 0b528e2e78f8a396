"""The proof that what passes make of a trained module gives its outputs: both are run, in double precision."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.utils._pytree import tree_leaves

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir.nodes import kinds_of
from archdsl.runtime.sizes import smallest
from archdsl.runtime.verify import one_thread

if TYPE_CHECKING:
    from torch import nn

    from archdsl.ir.graph import Graph
    from archdsl.ops.base import Shape
    from archdsl.passes.base import Pass

BATCH, NEAR = 2, 1e-5  # of the largest output
ROUNDING = 1e-13  # of a weight, in double precision, with what gathers over a layer


@dataclass(frozen=True, eq=False)
class Stage:
    """A module with the pass that made it of the one before, which may change the outputs if its layers say so."""

    model: nn.Module
    graph: Graph
    made_by: Pass | None = None
    alike: bool = True


def proven(
    model: nn.Module, stages: Callable[[nn.Module], Iterator[Stage]], channels: int | None
) -> tuple[nn.Module, float]:
    """What passes make of a module, and by how much its outputs are off, as a part of the largest.

    The `stages` of a module begin with itself. All are run in eval mode, as copies in double precision, on the same
    random images N×C×H×W, the smallest that run the same graph; images have so many `channels` where a call says so.
    Where that tells of a difference, a copy in double precision goes through the passes: weights of few bits may have
    been rounded. Raises `SpecError`, its code `differs`, with both values, at the pass that changes outputs. From a
    pass on that may change them, they are compared with its own.
    """
    made, found = compared(stages(model), channels)
    if any(one.wrong for one in found):
        _, found = compared(stages(copied(model)), channels)
        wrong = next((one for one in found if one.wrong), None)
        if wrong is not None and (wrong.why or wrong.error > magnified(next(stages(model)), channels, wrong.made_by)):
            raise wrong.refused()
    return made, max((one.error for one in found), default=0.0)


def magnified(stage: Stage, channels: int | None, made_by: Pass) -> float:
    """How far the outputs of a module move with its weights, each by as much as rounding does: norms may magnify it."""
    inputs, random = images(stage.graph, channels), torch.Generator().manual_seed(1)
    noisy = copied(stage.model)
    for weights in noisy.parameters():
        noise = torch.randn(weights.shape, generator=random, dtype=torch.double)
        weights.data.mul_(1 + ROUNDING * noise)
    return comparison(made_by, outputs(noisy, inputs), outputs(stage.model, inputs)).error


@dataclass(frozen=True)
class Comparison:
    """How far the outputs of a module are off, with the values where that is most."""

    made_by: Pass
    error: float = 0.0
    value: float = 0.0
    wanted: float = 0.0
    why: str = ""  # it could not be run, or its outputs have other shapes

    @property
    def wrong(self) -> bool:
        return bool(self.why) or not self.error <= NEAR

    def refused(self) -> SpecError:
        """What to say of it."""
        why = self.why or f"an output is {self.value:.6g}, and was {self.wanted:.6g} before"
        message = f"{self.made_by.said} changes what the network computes: {why}"
        return fault("differs", message, help="build the network that it makes, and train that")


def compared(stages: Iterator[Stage], channels: int | None) -> tuple[nn.Module, list[Comparison]]:
    """The last module, and the comparison of each with the first, or with the last that may give other outputs."""
    stage, found = next(stages), list[Comparison]()
    if any(tensor.is_meta for tensor in stage.model.parameters()):  # without weights there are no outputs
        return [stage, *stages][-1].model, found
    inputs = images(stage.graph, channels)
    wanted = outputs(stage.model, inputs)
    for stage in stages:
        assert stage.made_by is not None
        if not stage.alike:
            wanted = outputs(stage.model, inputs)
            continue
        try:
            given = outputs(stage.model, inputs)
        except Exception as error:  # noqa: BLE001 - whatever a module raises that a pass has broken
            found.append(Comparison(stage.made_by, why=f"it cannot run: {error}"))
        else:
            found.append(comparison(stage.made_by, given, wanted))
    return stage.model, found


def comparison(made_by: Pass, given: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> Comparison:
    """How far outputs are off, and where that is most."""
    if [tensor.shape for tensor in given] != [tensor.shape for tensor in wanted]:
        return Comparison(made_by, why="its outputs have other shapes")
    worst = Comparison(made_by)
    for mine, theirs in zip(given, wanted, strict=True):
        equal = (mine == theirs) | (mine.isnan() & theirs.isnan())
        off = torch.where(equal, 0.0, (mine - theirs).abs()).nan_to_num(torch.inf).flatten()
        largest = float(theirs[theirs.isfinite()].abs().max()) if theirs.isfinite().any() else 0.0
        place = int(off.argmax())
        error = float(off[place]) / (largest or 1.0)
        if error > worst.error:
            worst = Comparison(made_by, error, float(mine.flatten()[place]), float(theirs.flatten()[place]))
    return worst


def images(graph: Graph, channels: int | None) -> list[torch.Tensor]:
    """Random images for the smallest inputs at which a graph is the same network."""
    shapes, random = smallest(graph, kinds_of(graph.nodes)), torch.Generator().manual_seed(0)
    entering: list[Shape] = [shapes[tensor] for tensor in graph.inputs.values()]
    if channels is not None:
        entering = [(channels, *size) for _, *size in entering]
    return [torch.randn(BATCH, *shape, generator=random, dtype=torch.double) for shape in entering]


def outputs(model: nn.Module, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What a copy of a module gives in eval mode."""
    with torch.no_grad(), one_thread():
        found: list[torch.Tensor] = tree_leaves(copied(model).eval()(*inputs))
    return found


def copied(model: nn.Module) -> nn.Module:
    """A copy in double precision; the module stays as it is."""
    return copy.deepcopy(model).cpu().double()
