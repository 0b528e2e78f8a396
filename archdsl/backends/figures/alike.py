"""Branches that are alike, or differ in one number only, drawn once: `3×3 Conv, d = 1, 2, 4, 8, 16`, ×5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from archdsl.backends.figures.numbers import lines_of_all
from archdsl.backends.figures.picture import Arrow, Box
from archdsl.backends.figures.strands import Flow

LEAST = 3  # so many branches; papers draw two as two


@dataclass(frozen=True)
class Branches:
    """Branches from one box to one join, left to right, and the sums between them.

    Each sum adds a branch to the sum before it, or to the first branch of all that are summed; those that are not
    come before them.
    """

    start: Box
    chains: Sequence[Sequence[Box]]
    sums: Sequence[Box]
    end: Box
    lines: Sequence[Sequence[str]]  # of the boxes of the one branch that stands for all

    @property
    def boxes(self) -> list[Box]:
        return [*(box for chain in self.chains for box in chain), *self.sums]


def alike(flow: Flow) -> Iterator[Branches]:
    """All of one case: those that say the same, else those that differ in a number."""
    for start in flow.boxes:
        chains = [chain for arrow in flow.leaving[start] if (chain := branch(flow, arrow))]
        for _, run in groupby(chains, key=kind):
            together = list(run)
            equal = [list(same) for _, same in groupby(together, key=words)]
            tries = [same for same in equal if len(same) >= LEAST] or [together]
            found = [joined(flow, start, each) for each in tries if len(each) >= LEAST]
            yield from (each for each in found if each is not None)


def branch(flow: Flow, arrow: Arrow) -> list[Box]:
    """The boxes from an arrow on, each of which reads the one before alone."""
    found: list[Box] = []
    after: Box | None = arrow.target
    while after is not None and after.nodes and len(flow.entering[after]) == 1:
        found.append(after)
        leaving = flow.leaving[after]
        after = leaving[0].target if len(leaving) == 1 else None
    return found


def kind(chain: Sequence[Box]) -> object:
    """What branches share that may differ in a number."""
    return [(box.role, box.heading, box.colour, len(box.lines), len(box.first_copy)) for box in chain]


def words(chain: Sequence[Box]) -> object:
    return [box.lines for box in chain]


def joined(flow: Flow, start: Box, chains: Sequence[Sequence[Box]]) -> Branches | None:
    """Branches that lead to one join side by side, each by itself or as a sum of those up to it."""
    lines = lines_of_all(chains)
    ends = [chain[-1] for chain in chains]
    sums = sums_of(flow, ends)
    alone = len(ends) - len(sums) - bool(sums)  # of branches that are in no sum
    results = [*ends[: alone + bool(sums)], *sums]
    last = [arrow.target for arrow in flow.leaving[results[-1]]]
    if lines is None or len(last) != 1:
        return None
    end = last[0]
    wanted = [{end}] * alone + [{end, after} for after in sums] + [{end}]
    if not sums:
        wanted = [{end}] * len(ends)
    summed = zip(ends[alone + 1 :], sums, strict=True) if sums else ()
    direct = all(targets(flow, one) == where for one, where in zip(results, wanted, strict=True))
    inner = all(targets(flow, one) == {total} for one, total in summed)
    if not (direct and inner and in_order([arrow.source for arrow in flow.entering[end]], results)):
        return None
    return Branches(start, chains, sums, end, lines)


def sums_of(flow: Flow, ends: Sequence[Box]) -> list[Box]:
    """The running sums of branches, from some branch on to the last; none if there are others."""
    found: list[Box] = []
    for one, other in pairwise(ends):
        before = found[-1] if found else one
        total = next((box for box in targets(flow, other) if adds(flow, box, {before, other})), None)
        if total is not None:
            found.append(total)
        elif found:
            return []
    return found


def adds(flow: Flow, box: Box, both: set[Box]) -> bool:
    """Whether a box is the sum of two others and nothing else."""
    entering = [arrow.source for arrow in flow.entering[box]]
    return [node.op.name for node in box.nodes] == ["add"] and len(entering) == 2 and set(entering) == both


def targets(flow: Flow, box: Box) -> set[Box]:
    return {arrow.target for arrow in flow.leaving[box]}


def in_order(read: Sequence[Box], results: Sequence[Box]) -> bool:
    """Whether a join reads these one after another, each once."""
    first = read.index(results[0]) if results[0] in read else len(read)
    return list(read[first : first + len(results)]) == list(results) and all(read.count(one) == 1 for one in results)
