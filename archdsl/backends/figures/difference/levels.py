"""What stands on a level of a difference figure, and how levels are summed up where there are too many of them.

The same stage of both networks is one level. Between these, a stage that is gone stands beside one that has come where
their maps are about as large. Where that is too high, repeats are counted, stretches without a change are told by their
number, rows of a table at one resolution are one box, then what stands beside what is a matter of order alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import NamedTuple, TypeAlias

from archdsl.analysis.difference import Difference
from archdsl.analysis.difference.stages import Row, Stage, Status, nodes_of
from archdsl.analysis.stage_table import stage_table
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.strip.cells import totals
from archdsl.backends.figures.strip.said import cells_of, operators_of
from archdsl.ir.graph import Graph, Node, Scope

SHORTEST = 2  # levels of a stretch without a change that are told by their number
TO = " \N{EN DASH} "  # from the first name to the last one
_TIMES = re.compile(r"(.*) ×(\d+)")


@dataclass(frozen=True, eq=False)
class Slot:
    """A box of one network: a stage, or several one after another."""

    status: Status
    name: str  # empty: what it says stands in its lines alone
    lines: tuple[str, ...]
    stages: tuple[Stage, ...]
    operators: tuple[str, ...]  # blocks and operators in it, one by one

    @property
    def output(self) -> tuple[int, ...]:
        return self.stages[-1].cost.output

    @property
    def said(self) -> tuple[object, ...]:
        return self.status, self.name, self.lines, self.output

    @property
    def nodes(self) -> Iterator[Node]:
        return (node for stage in self.stages for node in nodes_of(stage.part))

    def count(self, what: str) -> int:
        """How many of `params` or `macs` it has."""
        return sum(getattr(stage.cost, what) for stage in self.stages)


class Level(NamedTuple):
    """What stands beside one another, of the old network and of the new one; at least one of them."""

    before: Slot | None
    after: Slot | None
    is_level: bool = True  # whether it is the same stage, or has a map as large; else it stands there by order alone

    @property
    def slots(self) -> tuple[Slot | None, Slot | None]:
        return self.before, self.after

    @property
    def is_of_both(self) -> bool:
        return self.before is not None and self.after is not None


Levels: TypeAlias = "list[Level]"


def ways(found: Difference) -> Iterator[Levels]:
    """The levels of a difference, and the same in fewer and fewer of them."""
    whole = of_rows(found)
    last: tuple[object, ...] = ()
    for close, beside in WAYS:
        whole = close(whole)
        made = together(whole, found, beside)
        said = tuple(slot and slot.said for level in made for slot in level.slots)
        if said != last:
            yield made
        last = said


def of_rows(found: Difference) -> Levels:
    """A level for each row of the table of both."""
    sides: list[dict[int, Slot]] = [{}, {}]
    graphs = found.before.graph, found.after.graph
    columns = [column.word for graph in graphs for column in stage_table(graph).columns if not column.standard]
    for side, graph in enumerate(graphs):
        there = {place: stage for place, row in enumerate(found.rows) if (stage := (row.before, row.after)[side])}
        parts = [[*nodes_of(stage.part)] for stage in there.values()]
        shown = {node.id for node in visible(graph).nodes}
        cells = cells_of(graph, parts, columns, graphs[1 - side])
        words = zip(there.items(), cells, operators_of(graph, parts), strict=True)
        for (place, stage), cell, operators in words:
            name, lines = (cell.name, tuple(cell.lines)) if cell else (stage.cost.name, (operator(stage),))
            status = status_of(found.rows[place])
            if shown.isdisjoint(node.id for node in nodes_of(stage.part)):
                continue  # it does nothing
            sides[side][place] = Slot(status, name, lines, (stage,), tuple(operators))
    levels = [Level(sides[0].get(place), sides[1].get(place)) for place in range(len(found.rows))]
    return [level for level in levels if level.slots != (None, None)]


def operator(stage: Stage) -> str:
    """As the table has it, of what is no part of a strip."""
    return f"{stage.cost.operator} ×{stage.cost.repeats}" if stage.cost.repeats > 1 else stage.cost.operator


def status_of(row: Row) -> Status:
    """What was done to a stage; what its figure does not show is no change."""
    before, after = row.before, row.after
    if before is None or after is None or row.touched:
        return row.status
    counts = [(one.cost.params, one.cost.macs, one.cost.output) for one in (before, after)]
    return "same" if counts[0] == counts[1] else row.status


# --- fewer levels
def unclosed(levels: Levels) -> Levels:
    return levels


def repeats(levels: Levels) -> Levels:
    """Neighbours that say the same, on both sides, as one with their number."""
    return [joined(run) for _, run in grouped(levels, lambda level: tuple(slot and slot.said for slot in level.slots))]


def stretches(levels: Levels) -> Levels:
    """Levels without a change as one that has their number."""
    found: Levels = []
    for same, run in grouped(levels, lambda level: all(slot and slot.status == "same" for slot in level.slots)):
        found += [elided(run)] if same and len(run) >= SHORTEST else run
    return found


def resolutions(levels: Levels) -> Levels:
    """Rows of a table to which the same was done, and whose maps are of one resolution, as one."""
    return [joined(run) for _, run in grouped(levels, lambda level: tuple(map(place_of, level.slots)))]


def tables(levels: Levels) -> Levels:
    """All rows of a table to which the same was done as one, without what is in them."""
    return names([joined(run) for _, run in grouped(levels, lambda level: tuple(map(table_of, level.slots)))])


def names(levels: Levels) -> Levels:
    """What is in a stage is left out."""
    return [Level(bare(old), bare(new)) for old, new, _ in levels]


def bare(slot: Slot | None) -> Slot | None:
    return replace(slot, lines=()) if slot is not None and slot.name else slot


def place_of(slot: Slot | None) -> object:
    """Equal for rows of a table of one resolution."""
    return slot if slot is None or len(slot.output) < 2 else (table_of(slot), slot.output[1:])


def table_of(slot: Slot | None) -> object:
    """Equal for rows of a table to which the same was done."""
    if slot is None:
        return None
    parts = [stage.part for stage in slot.stages]
    found = {part.parent if isinstance(part, Scope) and part.kind == "row" else None for part in parts}
    return slot if len(found) > 1 or None in found else (slot.status, *found)


def grouped(levels: Levels, key: Callable[[Level], object]) -> Iterator[tuple[object, Levels]]:
    """Neighbours with equal keys."""
    for value, run in groupby(levels, key):
        yield value, [*run]


def elided(run: Levels) -> Level:
    """A stretch without a change."""
    sides = parted(run)
    stages = [tuple(stage for slot in side for stage in slot.stages) for side in sides]
    one, other = (
        replace(side[-1], name="", lines=(f"{len(own)} unchanged stages",), stages=own)
        for side, own in zip(sides, stages, strict=True)
    )
    return Level(one, other)


def joined(run: Levels) -> Level:
    """Several levels as one."""
    olds, news = parted(run)
    return Level(one_of(olds), one_of(news))


def one_of(slots: Sequence[Slot]) -> Slot | None:
    """Slots of one network as one: what all say is said once, with their number."""
    if len(slots) < 2:
        return slots[0] if slots else None
    operators = tuple(word for slot in slots for word in slot.operators)
    name, lines = summed(slots, operators)
    return Slot(slots[0].status, name, lines, tuple(stage for slot in slots for stage in slot.stages), operators)


def summed(slots: Sequence[Slot], operators: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The name of several slots, and what is in them."""
    counted = [times_of(slot.name) for slot in slots]
    if not any(slot.name for slot in slots):
        return "", totals(operators)
    if len({name for name, _ in counted}) > 1:
        first, last = slots[0].name.partition(TO)[0], slots[-1].name.rpartition(TO)[2]
        return f"{first}{TO}{last}", totals(operators)
    return f"{counted[0][0]} ×{sum(number for _, number in counted)}", common([slot.lines for slot in slots])


def common(lines: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What all say; of one line each the words that stand in all: `k5, SE`."""
    first, *others = lines
    if any(len(said) != 1 for said in lines):
        return tuple(first) if all(said == first for said in others) else ()
    words = [said[0].split(", ") for said in lines]
    shared = ", ".join(word for word in words[0] if all(word in other for other in words))
    return (shared,) if shared else ()


def times_of(name: str) -> tuple[str, int]:
    """`MBConv ×3` in two."""
    found = _TIMES.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 1)


# --- what stands beside what
Beside: TypeAlias = "Callable[[Sequence[Level], Difference], Levels]"


def together(levels: Levels, found: Difference, beside: Beside) -> Levels:
    """Between the stages that both networks have, those that are gone beside those that have come."""
    made: Levels = []
    for both, run in grouped(levels, lambda level: level.is_of_both):
        made += run if both else beside(run, found)
    return made


def by_size(run: Sequence[Level], found: Difference) -> Levels:
    """Those beside one another whose maps are about as much smaller than the input; else the larger map first."""
    olds, news = parted(run)
    made: Levels = []
    while olds and news:
        old, new = octave(olds[0], found.before.graph), octave(news[0], found.after.graph)
        made.append(Level(olds.pop(0) if old <= new else None, news.pop(0) if new <= old else None))
    return [*made, *(Level(old, None) for old in olds), *(Level(None, new) for new in news)]


def in_order(run: Sequence[Level], found: Difference) -> Levels:
    """The first beside the first."""
    olds, news = parted(run)
    is_level = not (olds and news)
    return [Level(old, new, is_level) for old, new in zip_longest(olds, news)]


def parted(run: Sequence[Level]) -> tuple[list[Slot], list[Slot]]:
    """The boxes of the old network, and those of the new one."""
    olds, news = ([slot for level in run for slot in [level.slots[side]] if slot is not None] for side in (0, 1))
    return olds, news


def octave(slot: Slot, graph: Graph) -> float:
    """How often the sides of the input are halved in what leaves; of what is no map infinitely often."""
    entry, size = next(iter(graph.inputs.values())).shape[1:], slot.output[1:]
    if not size or len(size) != len(entry):
        return math.inf
    return round(math.log2(math.prod(entry) / math.prod(size)) / len(size))


WAYS: Sequence[tuple[Callable[[Levels], Levels], Beside]] = (
    (unclosed, by_size),
    (repeats, by_size),
    (stretches, by_size),
    (resolutions, by_size),
    (unclosed, in_order),
    (names, in_order),
    (tables, in_order),
)
