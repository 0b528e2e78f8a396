"""A network of a spec with the weights of training, and what passes make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from archdsl.ir.graph import Graph
from archdsl.runtime.carrying import convert
from archdsl.runtime.module import build_spec
from archdsl.runtime.porting import files
from archdsl.runtime.porting.fitting import put_weights
from archdsl.workspace.library import graph_of

if TYPE_CHECKING:
    from torch import nn

    from archdsl.passes.pipeline import Rewriting
    from archdsl.workspace.library import Inputs, SpecLike


@dataclass(frozen=True)
class Choice:
    """A network of a spec, as a call chooses it."""

    spec: SpecLike
    variant: str | None
    params: Mapping[str, Any]
    inputs: Inputs | None


def in_training(choice: Choice, weights: str | None) -> nn.Module:
    """The network in training with weights from a file, else as its spec initialises it from seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_spec(choice.spec, choice.variant, choice.params, choice.inputs)
    if weights is not None:
        put_weights(network, files.read(weights)[0], f"the weights of '{weights}'")
    elif callable(condense := getattr(network, "condense", None)):
        condense()  # as far as training goes
    return network.eval()


@dataclass(frozen=True)
class Carried:
    """A network after passes with its graph, and by how much its outputs are off those before; None without passes."""

    network: nn.Module
    graph: Graph
    error: float | None


def carried_over(network: nn.Module, choice: Choice, rewriting: Rewriting) -> Carried:
    """A network after passes; raises `SpecError`, its code `differs`, if its outputs are others than before."""
    graph = graph_of(choice.spec, choice.variant, choice.params, choice.inputs, rewriting)
    if not rewriting.passes:
        return Carried(network, graph, None)
    made = convert(network, choice.spec, choice.variant, choice.params, choice.inputs, rewriting.passes)
    return Carried(made.model, graph, made.error)
