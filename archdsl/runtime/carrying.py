"""A trained network as passes make it: its weights carried over, pass by pass."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_leaves

from archdsl.analysis.noting import IMAGE
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.given import plain_value
from archdsl.ir.graph import Graph, Node
from archdsl.ops.base import FORM, times
from archdsl.passes.base import Carry, Pass, Weights
from archdsl.passes.pipeline import Rewriting
from archdsl.runtime.kept_outputs import Stage, proven
from archdsl.runtime.leaves import differences
from archdsl.runtime.module import compiled
from archdsl.workspace.library import Inputs, SpecLike, read
from archdsl.workspace.settings import patches_in

if TYPE_CHECKING:
    from torch import nn


WRAPPERS = ("_orig_mod", "module")  # the key of the network in a compiled module; in a parallel or averaged one
RATES = frozenset({"momentum", "p"})  # of norms and dropout: training may change them, and no output depends on them
BATCH, NEAR = 2, 1e-6


@dataclass(frozen=True)
class Converted:
    """A network after passes, and by how much its outputs are off those before, as a part of the largest."""

    model: nn.Module
    error: float


def convert(
    model: nn.Module,
    spec: SpecLike,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Inputs | None,
    rewriting: Rewriting,
) -> Converted:
    """The network of a spec as rewritten, with the weights of one that was built from the spec without the passes.

    Raises `SpecError`, its code `differs`, if its outputs are others.
    """
    known = read(spec, patches=patches_in(params, variant))
    params = {name: plain_value(value, name) for name, value in params.items()}
    made = partial(compiled, known, variant, params, inputs)
    so_far = [replace(rewriting, passes=rewriting.passes[:count]) for count in range(len(rewriting.passes) + 1)]
    networks = list(map(made, so_far))
    # Dilations come last, in a program of their own: which weights belong where is seen before them.
    plain = [replace(one, output_stride=None) for one in so_far]
    carriers = [graph for graph, *_ in (networks if plain == so_far else map(made, plain))]
    (before, network, arguments), *after = networks

    def stages(first: nn.Module) -> Iterator[Stage]:
        stage = Stage(first, before)
        yield stage
        for one, sides, (graph, network, arguments) in zip(rewriting.passes, pairwise(carriers), after, strict=True):
            carry = Carry(stage.model, *sides)
            stage = Stage(carried(network(**arguments), one, carry), graph, one, alike=stays_alike(carry))
            yield stage

    channels = arguments.get(IMAGE) if len(before.inputs) == 1 else None
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # whatever the caller's device and random state are
        expect_built(model, network(**arguments), before, exact=not arguments)
        return Converted(*proven(model, stages, channels))


def stays_alike(carry: Carry) -> bool:
    """Whether a pass keeps the outputs: some layers say that they are another thing once deployed."""
    return all(
        node.op.deployed_alike or node.fields.get(FORM.name) == old.fields.get(FORM.name)
        for node, old in carry.kept.items()
    )


def expect_built(model: nn.Module, wanted: nn.Module, graph: Graph, *, exact: bool) -> None:
    """Raises unless a module is one of a graph, as `wanted` is: in its tensors, the arguments of nodes, its outputs.

    A module that was given what its class takes beside the params of the spec has not exactly the nodes of the graph.
    """
    for path, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:  # noqa: SLF001 - torch has no other way to ask
            named = f"'{path}'" if path else "this module"
            message = f"{named} has a hook, which the network made from it would not have"
            raise fault("bad-call", message, help="remove it, and register it on the new network")
    inside = [name for name, _ in model.named_children()]
    if len(inside) == 1 and inside[0] in WRAPPERS and not hasattr(wanted, inside[0]):
        message = f"this module only holds the network, as its part '{inside[0]}'"
        raise fault("bad-call", message, help=f"give the part: model.{inside[0]}")
    refuse_norms(model, wanted)
    has, wants = shapes(model), shapes(wanted)
    key = next((key for key in {**wants, **has} if has.get(key) != wants.get(key)), None)
    if key is not None:
        found, expected = (times(known[key]) if key in known else "not there" for known in (has, wants))
        raise foreign(f"'{key}' is {found}, in the spec it is {expected}")
    if not exact:
        return
    for odd in differences(model, graph, beside=RATES):
        raise foreign(odd.message)
    if type(model) is not type(wanted) and not computes_the_same(model, wanted, graph):
        raise foreign("with the same weights it gives other outputs")


def refuse_norms(model: nn.Module, wanted: nn.Module) -> None:
    """Raises at a batch norm that was changed after the network was built, with what makes it one of the spec."""
    ours = {path for path, part in wanted.named_modules() if isinstance(part, _BatchNorm)}
    for path, part in model.named_modules():
        if path not in ours or not isinstance(part, _BatchNorm):
            continue
        if isinstance(part, torch.nn.SyncBatchNorm):
            message = f"'{path}' is a SyncBatchNorm"
            raise fault("bad-call", message, help="load its weights into a network that build gives, and convert that")
        if part.running_mean is None:
            message = f"'{path}' has no running statistics: no layer can take over the mean of each batch"
            raise fault("bad-call", message, help="train the network with track_running_stats=True, as build gives it")
        if not part.track_running_stats:
            message = f"'{path}' has track_running_stats=False, though it has statistics"
            raise fault("bad-call", message, help="set it to True: in eval mode the outputs are the same")


def computes_the_same(model: nn.Module, wanted: nn.Module, graph: Graph) -> bool:
    """Whether a module of another class gives the outputs of one with its weights: source that was emitted before."""
    wanted.load_state_dict(model.state_dict())
    random = torch.Generator().manual_seed(0)
    entering = [torch.randn(BATCH, *x.shape, generator=random, dtype=torch.double) for x in graph.inputs.values()]
    with torch.no_grad():
        copies = (copy.deepcopy(net).cpu().double().eval() for net in (model, wanted))
        found, expected = (tree_leaves(net(*entering)) for net in copies)
    return len(found) == len(expected) and all(map(near, found, expected))


def near(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    return found.shape == wanted.shape and bool((found - wanted).abs().max() <= NEAR * wanted.abs().max())


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def foreign(why: str) -> SpecError:
    return fault("bad-call", f"this module was not built from that spec: {why}", help="give its variant and params too")


def carried(made: nn.Module, one: Pass, carry: Carry) -> nn.Module:
    """A network after a pass, with the weights of the one before, each on its device and in its precision.

    What is frozen stays frozen, and a module that is in eval mode by itself stays in it.
    """
    with one.blamed("fails in its weight rule"):
        changed: Mapping[Node, Weights] = one.weights(carry) if one.weights is not None else {}
    state: dict[str, torch.Tensor] = {}
    for node, old in carry.kept.items():
        weights = changed[node] if node in changed else carry.weights(old)
        state.update((f"{node.path}.{name}" if name else node.path, tensor) for name, tensor in weights.items())
    like = next((tensor for tensor in carry.model.parameters() if tensor.is_floating_point()), None)
    made = made.to(like) if like is not None else made
    wants = shapes(made)
    found = {key: tuple(tensor.shape) for key, tensor in state.items()}
    wrong = [key for key in {**wants, **found} if wants.get(key) != found.get(key)]
    with one.blamed("is at fault"):
        assert not wrong, f"the pass {one.name} does not say what becomes of the weights of '{wrong[0]}'"
    for key, tensor in (*made.named_parameters(), *made.named_buffers()):
        if key in state:
            tensor.data = tensor.data.to(state[key])
    made.load_state_dict(state)
    keep_modes(made.train(carry.model.training), carry)
    return made


def keep_modes(made: nn.Module, carry: Carry) -> None:
    """Modules of nodes are in training or eval mode as they were, and their parameters are trained if they were.

    A parameter that a pass adds to a module is trained if any of the module was.
    """
    modules, parameters = dict(made.named_modules()), dict(made.named_parameters())
    known = dict(carry.model.named_parameters())
    for node, old in carry.kept.items():
        module, before = modules.get(node.path), carry.modules.get(old.path)
        if module is None or before is None:
            if node.path in parameters and old.path in known:
                parameters[node.path].requires_grad_(known[old.path].requires_grad)
            continue
        module.train(before.training)
        had = {name: parameter.requires_grad for name, parameter in before.named_parameters()}
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(had.get(name, any(had.values()) or not had))
