"""Names of a checkpoint without what the tools of training put around them.

`torch.compile` puts `_orig_mod` into names, `nn.DataParallel` and averaged models put `module.` before them, and a
Lightning module holds a network beside losses and metrics, under a name of the user's choice. torch's pruning keeps a
weight and a mask for each weight.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from archdsl.analysis.difference.weights import COUNTER
from archdsl.diagnostics.faults import fault
from archdsl.runtime.porting.parts import State

COMPILED = "_orig_mod"  # a part of the names in what torch.compile gives
INSIDE = frozenset({COMPILED, "_checkpoint_wrapped_module", "_fsdp_wrapped_module"})  # such parts anywhere in names
WHOLE, MASK = "_orig", "_mask"  # how the names of what a pruned weight is the product of end
PARALLEL = "module"  # the first part of all names in a parallel or an averaged module
AVERAGED = "n_averaged"  # how many models an averaged one is made of


def unwrapped(state: State) -> State:
    """Without the names of wrappers that hold one whole network; torch's notes of versions follow."""
    if AVERAGED in state and all(name.startswith(f"{PARALLEL}.") for name in state if name != AVERAGED):
        state = renamed(state, lambda name: None if name == AVERAGED else name)
    state = pruned(state)
    while True:
        if any(not INSIDE.isdisjoint(name.split(".")) for name in state):
            bare = renamed(state, lambda name: ".".join(part for part in name.split(".") if part not in INSIDE))
        elif state and all(name.startswith(f"{PARALLEL}.") for name in state):
            bare = renamed(state, lambda name: name.removeprefix(PARALLEL).removeprefix("."))
        else:
            return state
        if len(bare) < len(state):  # two tensors of one name: these words are the network's own
            return state
        state = bare


def pruned(state: State) -> State:
    """With the weights that torch's pruning has left, in place of each weight and its mask."""
    bases = {name: name.removesuffix(WHOLE) for name in state if name.endswith(WHOLE)}
    found = {name: base for name, base in bases.items() if f"{base}{MASK}" in state and base not in state}
    masks = {f"{base}{MASK}" for base in found.values()}
    bare = renamed(state, lambda name: None if name in masks else found.get(name, name))
    bare.update((base, state[name] * state[f"{base}{MASK}"]) for name, base in found.items())
    return bare


def renamed(state: State, name_of: Callable[[str], str | None]) -> OrderedDict[str, torch.Tensor]:
    """A state_dict under other names, without the tensors that have none."""
    bare = OrderedDict((new, tensor) for old, tensor in state.items() if (new := name_of(old)) is not None)
    if isinstance(state, OrderedDict) and "_metadata" in vars(state):
        notes = vars(state)["_metadata"].items()
        vars(bare)["_metadata"] = {new: note for old, note in notes if (new := name_of(old)) is not None}
    return bare


def inside(state: State, prefix: str) -> State:
    """The tensors whose names begin so, without that beginning."""
    found = renamed(state, lambda name: name.removeprefix(prefix) if name.startswith(prefix) else None)
    notes = vars(state).get("_metadata", {}) if isinstance(state, OrderedDict) else {}
    if prefix[:-1] in notes:
        vars(found)["_metadata"][""] = notes[prefix[:-1]]
    return found


def fitted(state: State, names: Iterable[str]) -> tuple[State, list[str]]:
    """The part of a state_dict that has these names behind a common prefix, and the names that are left out.

    All of it if there is no such part. Raises `SpecError` if there are several.
    """
    wanted = [name for name in names if name.rpartition(".")[2] != COUNTER]
    if not wanted or all(name in state for name in wanted):
        return state, []
    first = wanted[0]
    prefixes = [key.removesuffix(first) for key in state if key.endswith(f".{first}")]
    found = [prefix for prefix in prefixes if all(prefix + name in state for name in wanted)]
    if len(found) > 1:
        shown = ", ".join(f"'{prefix[:-1]}'" for prefix in found)
        message = f"the file contains weights {len(found)} times: {shown}"
        raise fault("bad-weights", message, help=f"choose one: --key {found[0][:-1]}")
    if not found:
        return state, []
    return inside(state, found[0]), [key for key in state if not key.startswith(found[0])]


def mapped(state: State, pairs: Mapping[str, str]) -> State:
    """With other beginnings of names, as `--map OLD=NEW` asks. Raises `SpecError` where no name begins so."""
    for old, new in pairs.items():
        if not any(begins(name, old) for name in state):
            raise fault("bad-call", f"map: no weight of the checkpoint begins with '{old}'")
        found = renamed(state, lambda name, old=old, new=new: with_beginning(name, old, new))  # type: ignore[misc]
        if len(found) < len(state):
            raise fault("bad-call", f"map: with '{new}' for '{old}', two weights have the same name")
        state = found
    return state


def begins(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def with_beginning(name: str, old: str, new: str) -> str:
    if not begins(name, old):
        return name
    return (new + name.removeprefix(old)).removeprefix(".")


def network_in(model: nn.Module) -> nn.Module:
    """The network in what torch.compile, a parallel or an averaged module holds."""
    inner = getattr(model, COMPILED, None)
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)):
        inner = model.module
    return network_in(inner) if isinstance(inner, nn.Module) else model
