"""What `forward` asserts of the height and width of its images, where the steps do not go together at all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl.analysis.sides import FREE, Side, Sides, sides_taken
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.size_params import behind_sizes
from archdsl.expr.nodes import Lit
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph

AXES = (("height", 2), ("width", 3))


@dataclass(frozen=True)
class Checked:
    """The heights and widths that a network takes: every one, unless a param (if one is named) is as wanted."""

    sides: Sides = FREE
    param: str | None = None
    wanted: bool = True


def checked_sizes(graphs: Sequence[Graph], functions: Sequence[ir.Function], *, parametric: bool) -> Checked:
    """What the class of all these graphs checks: of one that makes many networks, what holds of each of them."""
    *_, graph = graphs
    if not parametric:
        return Checked(sides_taken(graph))
    behind = behind_sizes(graphs, functions)
    if not behind:
        return Checked(sides_taken(graph))
    name = next(iter(behind))
    values = [one.params.get(name) for one in graphs]
    if len(behind) > 1 or any(type(value) is not bool for value in values) or len(set(values)) == 1:
        return Checked()
    on, off = (sides_taken(graphs[values.index(value)]) for value in (True, False))
    if on == off:
        return Checked(on)
    if FREE not in (on, off):
        return Checked()
    return Checked(on, name) if off == FREE else Checked(off, name, wanted=False)


def assertions(sides: Sides, image: str) -> list[py.Statement]:
    """A line for each condition; `torch._assert` is what torch.fx can trace."""
    return [
        py.Evaluate(py.call("torch._assert", parsed(condition), Lit(f"the {name} must be {wanted}")), untyped=True)
        for (name, axis), side in zip(AXES, sides, strict=True)
        if side is not None
        for condition, wanted in conditions(side, f"{image}.size({axis})")
    ]


def conditions(side: Side, length: str) -> Iterator[tuple[str, str]]:
    """What must hold of a length, and how it is said."""
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
