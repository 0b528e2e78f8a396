"""What `forward` asserts of the sizes of its inputs, where the steps do not go together at all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from archdsl.analysis.coverage import with_params
from archdsl.analysis.sides import ANY, Side, Taken, sizes_taken
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.size_params import behind_sizes
from archdsl.expr.nodes import Lit
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}  # by how many there are
MOST_FLAGS = 3  # params that are true or false, of which all settings are tried
BEFORE = 2  # axes: samples, channels


@dataclass(frozen=True)
class Checked:
    """The sizes that a network takes: every one, unless a param (if one is named) is as wanted."""

    taken: Taken = ANY
    in_training: Taken = ANY  # with its auxiliary heads, where these take fewer
    param: str | None = None
    wanted: bool = True


def checked_sizes(graphs: Sequence[Graph], functions: Sequence[ir.Function], *, parametric: bool) -> Checked:
    """What the class of all these graphs checks: of one that makes many networks, what holds of each of them."""
    *_, graph = graphs
    if not parametric:
        return checked_of(graph)
    behind = behind_sizes(graphs, functions)
    if not behind:
        return checked_of(graph)
    if len(behind) > MOST_FLAGS or any(type(graph.params.get(name)) is not bool for name in behind):
        return Checked()
    return of_flags(graph, sorted(behind))


def of_flags(graph: Graph, flags: Sequence[str]) -> Checked:
    """What a class checks if params that are true or false, and these alone, decide it: under one of them at most."""
    found: dict[tuple[bool, ...], Checked] = {}
    for values in product((True, False), repeat=len(flags)):
        other = with_params(graph, dict(zip(flags, values, strict=True)))
        if other is not None:
            found[values] = checked_of(other)
    if len(set(found.values())) == 1:
        return found.popitem()[1]
    for place, name in enumerate(flags):
        on, off = ({one.taken for values, one in found.items() if values[place] is side} for side in (True, False))
        if len(on) == len(off) == 1 and ANY in on | off:
            return Checked(on.pop(), param=name) if off == {ANY} else Checked(off.pop(), param=name, wanted=False)
    return Checked()


def checked_of(graph: Graph) -> Checked:
    """What is checked of one network."""
    taken = sizes_taken(graph)
    fewer = sizes_taken(graph, training=True) if any(node.training for node in graph.nodes) else taken
    return Checked(taken, ANY if fewer == taken else fewer)


def assertions(taken: Taken, inputs: Sequence[str], when: str = "") -> list[py.Statement]:
    """A line for each condition; `torch._assert` is what torch.fx can trace."""
    return [
        py.Evaluate(py.call("torch._assert", parsed(condition), Lit(f"{when}{said}")), untyped=True)
        for condition, said in conditions_of(taken, inputs)
    ]


def conditions_of(taken: Taken, inputs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What must hold of the sizes of inputs, and what is wrong where it does not."""
    first, *others = inputs
    for word, sides in zip(inputs, taken.inputs, strict=False):
        of = f" of {word}" if others else ""
        for axis, side in enumerate(sides):
            name = AXES[len(sides)][axis]
            for condition, wanted in conditions(side, f"{word}.size({axis + BEFORE})") if side is not None else ():
                yield condition, f"the {name}{of} must be {wanted}"
    for word in others if taken.equal else ():
        yield f"{word}.shape[{BEFORE}:] == {first}.shape[{BEFORE}:]", f"{word} must have the size of {first}"


def conditions(side: Side, length: str) -> Iterator[tuple[str, str]]:
    """What must hold of a length, and how it is said."""
    if side.also:
        rows = [pair for row in (side, *side.also) for pair in conditions(replace(row, also=()), length)]
        texts = [said for _, said in rows]
        more = f" more than a multiple of {side.period}"
        if all(said.endswith(more) for said in texts):
            texts = [*(said.removesuffix(more) for said in texts[:-1]), texts[-1]]
        yield " | ".join(f"({condition})" for condition, _ in rows), ", or ".join(texts)
        return
    start, count, step, period = side.start, side.count, side.step, side.period
    if count > 1 and step > 1:
        yield f"{length} % {step} == 0", "even" if step == 2 else f"a multiple of {step}"
    span = (count - 1) * step  # from the first length of a row to the last
    last = start + span
    if not period:
        yield in_one_row(side, length), f"{start}" if count == 1 else f"{start} to {last}"
    elif span == 0:
        more = f"{start} more than " if start else ""
        said = ("even", "odd")[start] if period == 2 else f"{more}a multiple of {period}"
        yield f"{length} % {period} == {start}", said
    elif last == period:
        yield f"-{length} % {period} <= {span}", f"a multiple of {period}, or {up_to(span)} less"
    elif start == 0:
        yield f"{length} % {period} <= {span}", f"a multiple of {period}, or {up_to(span)} more"
    else:
        yield f"({length} - {start}) % {period} <= {span}", f"{start} to {last} more than a multiple of {period}"


def up_to(count: int) -> str:
    return "1" if count == 1 else f"up to {count}"


def in_one_row(side: Side, length: str) -> str:
    """That a length is one of those beside each other."""
    if side.count == 1:
        return f"{length} == {side.start}"
    if side.start % side.count == 0:  # as many patches, or places of the last map
        return f"{length} // {side.count} == {side.start // side.count}"
    return f"({length} - {side.start}) // {side.count} == 0"
