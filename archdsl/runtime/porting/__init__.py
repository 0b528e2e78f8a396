"""Weights that move: from networks of other libraries to ours, and over an edit of a spec.

`running` pairs weights with a network at hand and proves equal outputs, `auxiliary` those of heads that are there for
training; `ordering` pairs those of a file alone; `editing` aligns two specs; `adapting` makes weights for other
numbers of classes and channels. `attention`, `files`, `libraries`, `names`, `parts` and `wrappers` serve them,
`listing` says what was done.
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
from archdsl.runtime.porting import (
    adapting,
    attention,
    auxiliary,
    editing,
    files,
    keys,
    libraries,
    names,
    ordering,
    running,
    wrappers,
)
from archdsl.runtime.porting.parts import Pair, Part, State, parts_of, shapes_of
from archdsl.support import output
from archdsl.support.paths import is_there
from archdsl.workspace.library import Inputs, SpecLike, graph_of, rewritten, weighted_as

Weights: TypeAlias = "State | str | os.PathLike[str]"
Reference: TypeAlias = "nn.Module | str | os.PathLike[str]"
SEED = 0
NOTHING: Mapping[str, str] = {}
RESIZABLE = ("bad-input", "unmatched-weights")  # what other classes or channels may be the cause of


@dataclass
class Ported:
    """Weights for our network, and where they come from."""

    state: dict[str, torch.Tensor]  # ours, whole: `load_state_dict` takes it
    pairs: list[Pair]  # theirs, ours, shape
    how: str  # what told which is which
    new: list[str] = field(default_factory=list)  # ours that got none and are as initialised
    dropped: list[str] = field(default_factory=list)  # theirs that have no place
    proof: running.Proof | None = None  # that the outputs are equal, where both networks ran
    notes: list[str] = field(default_factory=list)  # what was made of the checkpoint beside that
    remarks: dict[str, str] = field(default_factory=dict)  # of those of ours that are not as they were, what was done
    resized: bool = False  # whether the checkpoint has other classes or channels of the image
    changed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # of those of one name in both, the old shape

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the weights, whole or not at all: safetensors, or a pickle if the name ends in .pth or .pt."""
        checked(file=path)
        output.write(Path(path), files.data(self.state, str(path)))


# --- from elsewhere


def port(
    weights: Weights,
    graph: Graph,
    reference: Reference | None = None,
    key: str | None = None,
    maker: adapting.Maker | None = None,
    renamed: Mapping[str, str] = NOTHING,
) -> Ported:
    """The weights of another network for that of a graph.

    `weights` are a state_dict, a file or the name of a library's network; `reference` the network that they belong to
    (a module, or its name), or another file of it, whose names are in order; `key` the entry of a checkpoint that holds
    them; `renamed` has other beginnings for names in it. With a `maker` of the graph, the weights may have other
    classes and channels of the image. Raises `SpecError` where it is not certain which weight is which.
    """
    known, reference = opened(weights, reference, key)
    found = fitted(known._replace(state=wrappers.mapped(known.state, renamed)), graph, reference, maker)
    found.notes[:0] = unused(known.left)
    return found


def fitted(known: files.Read, graph: Graph, reference: Reference | None, maker: adapting.Maker | None) -> Ported:
    """The weights for the network of a graph, made to fit where they have other classes or channels of the image."""
    state, ordered = known.state, known.ordered
    try:
        return matched(state, graph, reference, ordered=ordered)
    except SpecError as error:
        if maker is None or error.diagnostics[0].code not in RESIZABLE:
            raise
        direct = error
    faults: list[SpecError] = []
    for sizes in adapting.possible_sizes(state, graph, maker):
        if sizes == adapting.SAME:
            faults.append(direct)
            continue
        try:
            before = maker.of_sizes(graph, sizes)
        except SpecError:  # a number that the network cannot have
            continue
        try:
            found = matched(state, before, reference, ordered=ordered)
        except SpecError as error:
            faults.append(error)
        else:
            return resized(found, before, graph, maker)
    raise faults[0] if faults else direct


def maker_of(
    spec: SpecLike | Graph, variant: str | None, params: Mapping[str, Any], inputs: Inputs | None, form: str
) -> adapting.Maker | None:
    """What makes a network again with other classes; none of a Graph, which is one network."""
    if isinstance(spec, Graph):
        return None
    return adapting.Maker(spec, variant, params, inputs, rewritten(passes=weighted_as(form)))


def matched(state: State, graph: Graph, reference: Reference | None, *, ordered: bool) -> Ported:
    """The weights for a network of the same classes and channels, by whatever tells which is which."""
    ours = initialised(graph)
    blank: State = dict(ours.state_dict())
    if isinstance(reference, nn.Module):
        return with_reference(state, reference, ours, graph, ordered=ordered)
    if reference is not None:
        state, ordered = in_order_of(state, reference)
    if (own := names.by_names(state, shapes_of(blank), graph)) is not None:
        pairs = [Pair(name, name, tuple(tensor.shape)) for name, tensor in blank.items() if name not in own.missing]
        filled = running.filled(pairs, own.state, blank)
        return Ported(filled, pairs, "by their names, which are ours", own.missing, own.extra, notes=own.notes)
    return by_structure(state, blank, graph, ordered=ordered)


def by_structure(state: State, blank: State, graph: Graph, *, ordered: bool) -> Ported:
    """The weights by order and shapes; heads that are there for training may be missing on one side."""
    theirs, mine = parts_of(shapes_of(state)), parts_of(shapes_of(blank))
    new: list[Part] = []
    dropped: list[Part] = []
    heads = names.heads_of(graph)
    if len(theirs) < len(mine):
        new = [part for part in mine if names.is_in(part.path, heads)]
    elif len(theirs) > len(mine):
        dropped = [part for part in theirs if names.is_auxiliary(part.path)]
    theirs, mine = [part for part in theirs if part not in dropped], [part for part in mine if part not in new]
    pairs = ordering.by_order(theirs, mine, graph) if ordered else ordering.by_shape(theirs, mine)
    filled = running.filled(pairs, state, blank)
    return Ported(filled, pairs, "by order and shapes" if ordered else "by shapes", keys_of(new), keys_of(dropped))


def keys_of(parts: Sequence[Part]) -> list[str]:
    return [part.key(leaf) for part in parts for leaf in part.shapes]


def resized(found: Ported, before: Graph, graph: Graph, maker: adapting.Maker) -> Ported:
    """Weights for a network from those that were ported into it as the checkpoint has it."""
    blank: State = dict(initialised(graph).state_dict())
    param = adapting.classes_of(before)
    layers = adapting.hanging_on(maker, param, before.params.get(param)) if param in before.params else {}
    state, remarks = adapting.adapted(found.state, before, blank, layers)
    lost = [key for key in found.state if key not in blank]
    new = [key for key in layers if key in blank and tuple(blank[key].shape) != tuple(found.state[key].shape)]
    gone = {*lost, *new}
    return Ported(
        state,
        [pair._replace(shape=tuple(blank[pair.ours].shape)) for pair in found.pairs if pair.ours not in gone],
        found.how,
        [key for key in blank if key in {*found.new, *new}],
        [*found.dropped, *(pair.theirs for pair in found.pairs if pair.ours in gone and pair.theirs is not None)],
        found.proof,
        [*found.notes, *adapting.sizes_said(before, graph)],
        remarks,
        resized=True,
    )


def opened(weights: Weights, reference: Reference | None, key: str | None) -> tuple[files.Read, Reference | None]:
    """The weights with what was beside them, and the network that they belong to where it can be made."""
    if isinstance(reference, str) and libraries.is_library(reference):
        reference = libraries.network(reference)
    if isinstance(weights, str) and libraries.is_library(weights):
        if reference is not None:
            raise fault("bad-call", f"'{weights}' is a network itself", help="leave out --from")
        network = libraries.network(weights)
        return files.Read(network.state_dict(), ordered=True, left=[]), network
    return read(weights, key), reference


def read(weights: Weights, key: str | None) -> files.Read:
    """The weights of a state_dict, of a checkpoint that was loaded, or of a file."""
    if not isinstance(weights, Mapping):
        return files.read(weights, key)
    state, left = files.chosen(weights, "the state_dict", key)
    return files.Read(state, ordered=True, left=left)


def unused(left: Sequence[str]) -> list[str]:
    """What is said of the entries of a checkpoint that are left."""
    return [f"of the checkpoint, not used: {names.listed(left)}"] if left else []


def initialised(graph: Graph) -> nn.Module:
    """Our network; the weights that nothing fills are the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return module.build(graph)


def with_reference(state: State, reference: nn.Module, ours: nn.Module, graph: Graph, *, ordered: bool) -> Ported:
    """Pairs by running both networks, and proves the outputs equal, of these weights too."""
    theirs = copy.deepcopy(wrappers.network_in(reference)).cpu().double().eval()
    mine = copy.deepcopy(ours).double().eval()
    own = names.of_network(state, shapes_of(theirs.state_dict()), type(theirs).__name__, ordered=ordered)
    load(theirs, own.state)
    attention.call_last_layers(theirs)
    given = copy.deepcopy(theirs.state_dict())
    inputs = running.images({name: tensor.shape for name, tensor in graph.inputs.items()})
    pairing = running.paired(theirs, mine, inputs)
    auxiliary.add_heads(pairing, theirs, mine, inputs)
    there = [pair for pair in pairing.pairs if pair.theirs not in own.missing]
    filled = running.filled(there, {**given, **own.state}, dict(ours.state_dict()))
    theirs.load_state_dict(given)
    mine.load_state_dict(filled)
    proof = running.prove(theirs, mine, inputs)
    new = [*keys_of(pairing.idle), *(pair.ours for pair in pairing.pairs if pair.theirs in own.missing)]
    dropped = [key for key in keys_of(pairing.dropped) if key not in own.missing] + own.extra
    return Ported(filled, there, "by running both networks", new, dropped, proof, own.notes)


def load(network: nn.Module, state: State) -> None:
    """Gives a network its own weights, from wherever they were; it may lack heads that are there for training."""
    own = network.state_dict()
    given = OrderedDict((key, tensor) for key, tensor in state.items() if key in own)
    notes = vars(state).get("_metadata") if isinstance(state, OrderedDict) else None
    if notes is None and all(COUNTER in part.shapes for part in parts_of(shapes_of(state)) if part.is_norm):
        notes = vars(own)["_metadata"]  # versions of modules, which only files of torch note
    given.update((key, tensor) for key, tensor in own.items() if key not in given and names.is_auxiliary(key))
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
    names, ordered, _ = files.read(file)
    differing = [name for name in {**names, **state} if shapes_of(names).get(name) != shapes_of(state).get(name)]
    if differing:
        raise fault("unmatched-weights", f"'{file}' is of another network: '{differing[0]}' is not the same in both")
    return {name: state[name] for name in names}, ordered


# --- over an edit


def port_over_edit(
    weights: Weights,
    before: Sequence[Graph],
    graph: Graph,
    key: str | None = None,
    renamed: Mapping[str, str] = NOTHING,
) -> Ported:
    """The weights of a network for the network of a graph, whose spec has been edited since.

    `before` are graphs of the old spec; the first whose weights these can be is taken. `renamed` has the paths of parts
    in the new spec by those in the old one. Raises `SpecError` if there is none.
    """
    known = read(weights, key)
    blank: State = dict(initialised(graph).state_dict())
    old, state, called = graph_of_weights(known.state, before)
    places = {name: tuple(state[theirs].shape) for name, theirs in called.items()}
    pairs = [replaced(pair, called) for pair in editing.carried(old, places, graph, shapes_of(blank), renamed)]
    theirs, mine = {pair.theirs for pair in pairs}, {pair.ours for pair in pairs}
    new, dropped = [name for name in blank if name not in mine], [name for name in state if name not in theirs]
    changed = {name: tuple(state[name].shape) for name in new if name in dropped}
    filled = running.filled(pairs, state, blank)
    remarks: dict[str, str] = {}
    for name in adapting.stems(changed, old, graph):
        filled[name], remarks[name] = adapting.over_image(state[name], blank[name].shape)
        pairs.append(Pair(name, name, tuple(blank[name].shape)))
        del changed[name]
    new, dropped = ([name for name in side if name not in remarks] for side in (new, dropped))
    how = "by their places in the two specs"
    return Ported(filled, pairs, how, new, dropped, notes=unused(known.left), remarks=remarks, changed=changed)


def replaced(pair: Pair, names: Mapping[str, str]) -> Pair:
    """A pair with the name that the tensor has in the file."""
    return pair if pair.theirs is None else pair._replace(theirs=names[pair.theirs])


def graph_of_weights(state: State, graphs: Sequence[Graph]) -> tuple[Graph, State, dict[str, str]]:
    """The first graph whose weights have these names and shapes, these, and the name of each by that in its module.

    If there is none, the first whose names an earlier archdsl has derived so.
    """
    derived: list[tuple[Graph, State, dict[str, str]]] = []
    faults: list[SpecError] = []
    for graph in graphs:
        wanted = adapting.shapes_in(graph)
        part, _ = wrappers.fitted(state, wanted)
        shapes = shapes_of(part)
        if wanted == shapes:
            return graph, part, {name: name for name in wanted}
        if (called := keys.derived(shapes, wanted)) is not None:
            derived.append((graph, part, called))
        faults.append(names.foreign(shapes, wanted))
    if derived:
        return derived[0]
    raise faults[0]


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
