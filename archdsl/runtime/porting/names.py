"""A state_dict under the names of the network that it belongs to, where some are others or not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from archdsl.analysis.difference.weights import COUNTER
from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.ir.graph import Graph
from archdsl.ops.base import times
from archdsl.runtime.porting.parts import Shapes, State, shapes_of
from archdsl.runtime.porting.wrappers import fitted, renamed

AUXILIARY = "aux"  # how libraries begin the names of heads that are there for training: aux1, AuxLogits, aux_classifier
LISTED = 3


class Named(NamedTuple):
    """Weights under the names of a network, and what is to be said of it."""

    state: State
    missing: list[str]  # names of heads that are there for training, which the weights lack
    extra: list[str]  # and names of such heads that the network lacks
    notes: list[str]


def of_network(state: State, wanted: Shapes, name: str, *, ordered: bool) -> Named:
    """The weights of a network of another library. Raises `SpecError` if they are those of another one."""
    state, left = fitted(state, wanted)
    notes = [f"left out {listed(left)}"] if left else []
    if ordered and is_renamed(shapes_of(state), wanted):
        others = [(old, new) for old, new in zip(without_counters(state), without_counters(wanted), strict=True)]
        names = dict(others)
        first = next(f"'{old}' as '{new}'" for old, new in others if old != new)
        count = sum(old != new for old, new in others)
        notes.append(f"{count} names of the checkpoint differ from those of {name}; taken in order, {first}")
        paths = {old.rpartition(".")[0]: new.rpartition(".")[0] for old, new in others}
        state = renamed(state, lambda old: names.get(old) or counter_of(old, paths))
    theirs = shapes_of(state)
    missing = [key for key in wanted if key not in theirs and is_auxiliary(key)]
    extra = [key for key in theirs if key not in wanted and is_auxiliary(key)]
    if lines := differences(theirs, wanted, {*missing, *extra}):
        message = f"these are not the weights of {name}"
        raise fault("unmatched-weights", message, notes=tuple(map(Note, lines)))
    return Named(state, missing, extra, notes)


def counter_of(name: str, paths: dict[str, str]) -> str:
    """The name of a counter, beside the renamed weights of its norm."""
    path, _, leaf = name.rpartition(".")
    return f"{paths.get(path, path)}.{leaf}"


def is_renamed(theirs: Shapes, wanted: Shapes) -> bool:
    """Whether two lists are of the same tensors in one order, under names of which none stands elsewhere."""
    old, new = without_counters(theirs), without_counters(wanted)
    if len(old) != len(new) or old == new:
        return False
    known = set(new)
    return all(
        theirs[one] == wanted[other]
        and one.rpartition(".")[2] == other.rpartition(".")[2]
        and (one == other or one not in known)
        for one, other in zip(old, new, strict=True)
    )


def without_counters(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.rpartition(".")[2] != COUNTER]


def is_auxiliary(name: str) -> bool:
    return any(part.lower().startswith(AUXILIARY) for part in name.split("."))


def heads_of(graph: Graph) -> list[str]:
    """The paths of the modules that are there for training alone."""
    return [node.path for node in graph.nodes if node.training]


def is_in(name: str, paths: Collection[str]) -> bool:
    return any(name == path or name.startswith(f"{path}.") for path in paths)


def by_names(state: State, wanted: Shapes, graph: Graph) -> Named | None:
    """Our own weights, but for heads that are there for training; None if they are no weights of ours."""
    heads = heads_of(graph)
    state, left = fitted(state, [name for name in wanted if not is_in(name, heads)])
    theirs = shapes_of(state)
    missing = [key for key in wanted if key not in theirs]
    extra = [key for key in theirs if key not in wanted]
    fits = all(theirs[key] == wanted[key] for key in wanted if key in theirs)
    if not fits or not all(is_in(key, heads) for key in missing) or not all(map(is_auxiliary, extra)):
        return None
    return Named(state, missing, extra, [f"left out {listed(left)}"] if left else [])


# --- what to say
def differences(theirs: Shapes, wanted: Shapes, beside: Collection[str] = ()) -> list[str]:
    """The first differences of two lists of tensors, with the shapes of both."""
    names = [name for name in {**wanted, **theirs} if name not in beside and name.rpartition(".")[2] != COUNTER]
    odd = [name for name in names if theirs.get(name) != wanted.get(name)]
    lines = [difference(name, theirs, wanted) for name in odd[:LISTED]]
    return [*lines, f"{len(odd) - LISTED} more differ"] if len(odd) > LISTED else lines


def difference(name: str, theirs: Shapes, wanted: Shapes) -> str:
    """How a tensor differs: its shape in the checkpoint, and in the network."""
    return f"'{name}' is {shape_in(theirs, name)} in the checkpoint, {shape_in(wanted, name)} in the network"


def shape_in(shapes: Shapes, name: str) -> str:
    if name not in shapes:
        return "not there"
    return times(shapes[name]) or "one number"


def listed(names: Collection[str]) -> str:
    """The first of some names, and how many more there are."""
    shown = ", ".join([*names][:LISTED])
    return f"{shown} and {len(names) - LISTED} more" if len(names) > LISTED else shown


def foreign(theirs: Shapes, wanted: Shapes) -> SpecError:
    """Weights that are not those of the old spec."""
    return fault(
        "unmatched-weights",
        f"these are not the weights of the old spec: {differences(theirs, wanted)[0]}",
        help="give the variant and the params that they belong to",
    )
