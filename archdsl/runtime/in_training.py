"""A network of a spec with the weights of training, and what passes make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from archdsl.ir.graph import Graph
from archdsl.runtime.carrying import convert
from archdsl.runtime.module import build_spec
from archdsl.runtime.porting import files, wrappers
from archdsl.runtime.porting.fitting import put_weights
from archdsl.workspace.library import graph_of, rewritten

if TYPE_CHECKING:
    from torch import nn

    from archdsl.passes import PassLike
    from archdsl.passes.pipeline import Rewriting
    from archdsl.workspace.library import Features, Inputs, SpecLike


@dataclass(frozen=True)
class Choice:
    """A network of a spec, as a call chooses it."""

    spec: SpecLike
    variant: str | None
    params: Mapping[str, Any]
    inputs: Inputs | None
    features: Features = False
    output_stride: int | None = None

    def rewriting(self, form: str = "train", passes: Sequence[PassLike] = ()) -> Rewriting:
        """What makes it of the spec, and passes after that."""
        return rewritten(self.features, form, passes, output_stride=self.output_stride)


def in_training(choice: Choice, weights: str | None) -> nn.Module:
    """The network in training with weights from a file, else as its spec initialises it from seed 0.

    The weights of a backbone may be those of the whole network.
    """
    asked = choice.spec, choice.variant, choice.params, choice.inputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = whole = build_spec(*asked)
        if choice.rewriting() != rewritten():
            network = build_spec(*asked, choice.rewriting())
    own = network.state_dict()
    if weights is not None:
        others = whole.state_dict().keys() - own.keys()
        known, _ = wrappers.fitted(files.read(weights)[0], whole.state_dict())
        found = {key: tensor for key, tensor in known.items() if key not in others}
        put_weights(network, found, f"the weights of '{weights}'")
        return network.eval()
    if callable(condense := getattr(whole, "condense", None)):
        condense()  # as far as training goes
    state = whole.state_dict()
    network.load_state_dict({key: state[key] for key in own})
    return network.eval()


@dataclass(frozen=True)
class Carried:
    """A network after passes with its graph, and by how much its outputs are off those before; None without passes."""

    network: nn.Module
    graph: Graph
    error: float | None


def carried_over(network: nn.Module, choice: Choice, form: str = "train", passes: Sequence[PassLike] = ()) -> Carried:
    """A network after passes; raises `SpecError`, its code `differs`, if its outputs are others than before."""
    rewriting = choice.rewriting(form, passes)
    graph = graph_of(choice.spec, choice.variant, choice.params, choice.inputs, rewriting)
    if not rewriting.passes:
        return Carried(network, graph, None)
    made = convert(network, choice.spec, choice.variant, choice.params, choice.inputs, rewriting)
    return Carried(made.model, graph, made.error)
