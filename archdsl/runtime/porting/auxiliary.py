"""Pairing of what runs in training alone: auxiliary heads, once the rest of two networks is known to be equal.

Both networks run as in training, but for their layers: norms and dropouts stay as at inference, so that the same image
gives the same tensors. A module goes with the only one of its shape that got the same tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from archdsl.diagnostics.faults import SpecError
from archdsl.runtime.porting.parts import Pair, Part, match, pairs_of
from archdsl.runtime.porting.running import Entered, Pairing, filled, forward, hooked, record
from archdsl.runtime.porting.sketches import same, sketch


def add_heads(pairing: Pairing, reference: nn.Module, ours: nn.Module, inputs: Sequence[torch.Tensor]) -> None:
    """Pairs modules that did not run at inference, on either side; all others have the same weights already.

    Nothing is paired unless all that ours then gives is among what theirs gives.
    """
    if not pairing.idle or not pairing.dropped:
        return
    heads = Heads(pairing, reference, ours)
    try:
        with as_in_training(reference), as_in_training(ours):
            entered, wanted = record(reference, inputs)
            heads.left = [item for item in entered if item.part.path in paths(pairing.dropped)]
            with hooked(ours, heads.take):
                found = forward(ours, inputs)
    except SpecError:  # a network that wants more in training, as targets: its heads stay without a counterpart
        return
    if all(any(same(sketch(one), sketch(other)) for one in wanted) for other in found):
        heads.accept()


def paths(parts: Iterable[Part]) -> set[str]:
    return {part.path for part in parts}


@contextmanager
def as_in_training(network: nn.Module) -> Iterator[None]:
    """Modules that hold others are in training, those that hold none as at inference."""
    for part in network.modules():
        part.training = any(True for _ in part.children())
    try:
        yield
    finally:
        network.eval()


@dataclass
class Heads:
    """Fills those of our modules that do nothing at inference, just before they run."""

    pairing: Pairing
    reference: nn.Module
    ours: nn.Module
    left: list[Entered] = field(default_factory=list)  # theirs that are not taken yet
    taken: list[tuple[Part, Part]] = field(default_factory=list)  # theirs, ours

    def take(self, part: Part, _: nn.Module, tensor: torch.Tensor) -> None:
        if part.path not in paths(self.pairing.idle):
            return
        here = sketch(tensor)
        alike = [item for item in self.left if match(item.part, part) is not None and same(item.sketch, here)]
        if len(alike) == 1:
            self.left.remove(alike[0])
            self.taken.append((alike[0].part, part))
            self.fill(pairs_of(alike[0].part, part))

    def fill(self, pairs: Sequence[Pair]) -> None:
        state = self.ours.state_dict()
        given = filled(pairs, self.reference.state_dict(), state)
        with torch.no_grad():
            for pair in pairs:
                state[pair.ours].copy_(given[pair.ours])

    def accept(self) -> None:
        """Notes the pairs, and what is left without a counterpart."""
        theirs, ours = (paths(side) for side in zip(*self.taken, strict=True)) if self.taken else (set(), set())
        self.pairing.pairs += [pair for pair_of_parts in self.taken for pair in pairs_of(*pair_of_parts)]
        self.pairing.idle = [part for part in self.pairing.idle if part.path not in ours]
        self.pairing.dropped = [part for part in self.pairing.dropped if part.path not in theirs]
