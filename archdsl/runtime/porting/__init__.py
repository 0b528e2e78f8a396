"""Weights that move: from networks of other libraries to ours, and over an edit of a spec.

`running` pairs weights with a network at hand and proves equal outputs, `auxiliary` those of heads that are there for
training; `ordering` pairs those of a file alone; `editing` aligns two specs. `attention`, `files`, `libraries` and
`parts` serve them, `listing` says what was done.
"""

from __future__ import annotations

import copy
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from archdsl.analysis.difference.weights import COUNTER
from archdsl.diagnostics.faults import Collector, Note, SpecError, fault
from archdsl.expr.given import checked
from archdsl.ir.graph import Graph
from archdsl.runtime import module
from archdsl.runtime.porting import attention, auxiliary, editing, files, keys, libraries, ordering, running
from archdsl.runtime.porting.parts import Pair, State, parts_of, shapes_of
from archdsl.support import output
from archdsl.support.paths import is_there
from archdsl.workspace.library import Inputs, SpecLike, graph_of, rewritten, weighted_as

Weights: TypeAlias = "State | str | os.PathLike[str]"
Reference: TypeAlias = "nn.Module | str | os.PathLike[str]"
SEED = 0


@dataclass
class Ported:
    """Weights for our network, and where they come from."""

    state: dict[str, torch.Tensor]  # ours, whole: `load_state_dict` takes it
    pairs: list[Pair]  # theirs, ours, shape
    how: str  # what told which is which
    new: list[str] = field(default_factory=list)  # ours that got none and are as initialised
    dropped: list[str] = field(default_factory=list)  # theirs that have no place
    proof: running.Proof | None = None  # that the outputs are equal, where both networks ran

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the weights, whole or not at all: safetensors, or a pickle if the name ends in .pth or .pt."""
        checked(file=path)
        output.write(Path(path), files.data(self.state, str(path)))


# --- from elsewhere


def port(weights: Weights, graph: Graph, reference: Reference | None = None, key: str | None = None) -> Ported:
    """The weights of another network for that of a graph.

    `weights` are a state_dict, a file or the name of a library's network; `reference` the network that they belong to
    (a module, or its name), or another file of it, whose names are in order; `key` the entry of a checkpoint that holds
    them. Raises `SpecError` where it is not certain which weight is which.
    """
    state, ordered, reference = opened(weights, reference, key)
    ours = initialised(graph)
    blank: State = dict(ours.state_dict())
    if isinstance(reference, nn.Module):
        return with_reference(state, reference, ours, graph)
    if reference is not None:
        state, ordered = in_order_of(state, reference)
    if shapes_of(state) == shapes_of(blank):
        pairs = [Pair(name, name, tuple(tensor.shape)) for name, tensor in blank.items()]
        return Ported(running.filled(pairs, state, blank), pairs, "by their names, which are ours")
    theirs, mine = parts_of(shapes_of(state)), parts_of(shapes_of(blank))
    pairs = ordering.by_order(theirs, mine, graph) if ordered else ordering.by_shape(theirs, mine)
    return Ported(running.filled(pairs, state, blank), pairs, "by order and shapes" if ordered else "by shapes")


def opened(weights: Weights, reference: Reference | None, key: str | None) -> tuple[State, bool, Reference | None]:
    """The weights, whether they are in order, and the network that they belong to where it can be made."""
    if isinstance(reference, str) and libraries.is_library(reference):
        reference = libraries.network(reference)
    if isinstance(weights, Mapping):
        return files.chosen(weights, "the state_dict", key), True, reference
    if isinstance(weights, str) and libraries.is_library(weights):
        if reference is not None:
            raise fault("bad-call", f"'{weights}' is a network itself", help="leave out --from")
        network = libraries.network(weights)
        return network.state_dict(), True, network
    return *files.read(weights, key), reference


def initialised(graph: Graph) -> nn.Module:
    """Our network; the weights that nothing fills are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return module.build(graph)


def with_reference(state: State, reference: nn.Module, ours: nn.Module, graph: Graph) -> Ported:
    """Pairs by running both networks, and proves the outputs equal, of these weights too."""
    theirs, mine = copy.deepcopy(reference).cpu().double().eval(), copy.deepcopy(ours).double().eval()
    load(theirs, state)
    attention.call_last_layers(theirs)
    given = copy.deepcopy(theirs.state_dict())
    inputs = running.images({name: tensor.shape for name, tensor in graph.inputs.items()})
    pairing = running.paired(theirs, mine, inputs)
    auxiliary.add_heads(pairing, theirs, mine, inputs)
    filled = running.filled(pairing.pairs, {**given, **state}, dict(ours.state_dict()))
    theirs.load_state_dict(given)
    mine.load_state_dict(filled)
    proof = running.prove(theirs, mine, inputs)
    new, dropped = (
        [part.key(leaf) for part in side for leaf in part.shapes] for side in (pairing.idle, pairing.dropped)
    )
    return Ported(filled, pairing.pairs, "by running both networks", new, dropped, proof)


def load(network: nn.Module, state: State) -> None:
    """Gives a network its own weights, from wherever they were."""
    given = OrderedDict(state)
    notes = vars(state).get("_metadata") if isinstance(state, OrderedDict) else None
    if notes is None and all(COUNTER in part.shapes for part in parts_of(shapes_of(state)) if part.is_norm):
        notes = vars(network.state_dict())["_metadata"]  # versions of modules, which only files of torch note
    vars(given)["_metadata"] = notes
    try:
        network.load_state_dict(given)
    except (RuntimeError, AssertionError) as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        message = f"these are not the weights of {type(network).__name__}"
        raise fault("unmatched-weights", message, notes=tuple(Note(line[:200]) for line in lines[:3])) from None


def in_order_of(state: State, file: str | os.PathLike[str]) -> tuple[State, bool]:
    """The weights in the order of the names in another file of the same network."""
    if not is_there(Path(file)):
        known = ", ".join(f"{library}:NAME" for library in libraries.LIBRARIES)
        raise fault("missing-file", f"there is no file '{file}'", help=f"--from takes a file or {known}")
    names, ordered = files.read(file)
    differing = [name for name in {**names, **state} if shapes_of(names).get(name) != shapes_of(state).get(name)]
    if differing:
        raise fault("unmatched-weights", f"'{file}' is of another network: '{differing[0]}' is not the same in both")
    return {name: state[name] for name in names}, ordered


# --- over an edit


def port_over_edit(weights: Weights, before: Sequence[Graph], graph: Graph, key: str | None = None) -> Ported:
    """The weights of a network for the network of a graph, whose spec has been edited since.

    `before` are graphs of the old spec; the first whose weights these can be is taken. Raises `SpecError` if none is.
    """
    state = (
        files.chosen(weights, "the state_dict", key) if isinstance(weights, Mapping) else files.read(weights, key)[0]
    )
    blank: State = dict(initialised(graph).state_dict())
    old, names = graph_of_weights(state, before)
    places = {name: tuple(state[theirs].shape) for name, theirs in names.items()}
    pairs = [replaced(pair, names) for pair in editing.carried(old, places, graph, shapes_of(blank))]
    theirs, mine = {pair.theirs for pair in pairs}, {pair.ours for pair in pairs}
    new, dropped = [name for name in blank if name not in mine], [name for name in state if name not in theirs]
    return Ported(running.filled(pairs, state, blank), pairs, "by their places in the two specs", new, dropped)


def replaced(pair: Pair, names: Mapping[str, str]) -> Pair:
    """A pair with the name that the tensor has in the file."""
    return pair if pair.theirs is None else pair._replace(theirs=names[pair.theirs])


def graph_of_weights(state: State, graphs: Sequence[Graph]) -> tuple[Graph, dict[str, str]]:
    """The first graph whose weights have these names and shapes, and the name of each here by that in its module.

    If there is none, the first whose names an earlier archdsl has derived so.
    """
    shapes, first = shapes_of(state), ""
    renamed: list[tuple[Graph, dict[str, str]]] = []
    for graph in graphs:
        with torch.device("meta"):
            wanted = shapes_of(module.build(graph).state_dict())
        if wanted == shapes:
            return graph, {name: name for name in wanted}
        if (names := keys.derived(shapes, wanted)) is not None:
            renamed.append((graph, names))
        first = first or next(name for name in {**wanted, **shapes} if wanted.get(name) != shapes.get(name))
    if renamed:
        return renamed[0]
    message = f"these are not the weights of the old spec: '{first}' is not the same in both"
    raise fault("unmatched-weights", message, help="give the variant and the params that they are of")


def old_graphs(
    spec: SpecLike | Graph, variant: str | None, params: Mapping[str, Any], inputs: Inputs | None, form: str
) -> list[Graph]:
    """What the old network may have been: as the new one is asked for, or without what is new in that."""
    if isinstance(spec, Graph):
        return [spec]
    found, faults = [], Collector()
    for name, values in ((variant, params), (variant, {}), (None, {})):
        with faults.catch():
            found.append(graph_of(spec, name, values, inputs, rewritten(passes=weighted_as(form))))
    if not found:
        raise SpecError(faults.found[0])
    return found
