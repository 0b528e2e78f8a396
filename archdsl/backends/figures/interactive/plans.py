"""Where the boxes of a group stand while all are closed: in rows; the engine says where across. Alike groups share it.

A wire goes down beside the boxes of a row, at a stop of its own, and across between two rows. The page's script finds
the heights, which depend on what is open.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from archdsl.backends.figures.engine import render
from archdsl.backends.figures.interactive.boxes import Size
from archdsl.backends.figures.interactive.parts import Group, Wire
from archdsl.backends.figures.interactive.rows import Net, Rows

INCH = 72  # px at scale 1
GAP = 4  # px between what the engine sets side by side
BESIDE, STOP = 18, 6  # px that it gives a box beside its own width, and px for a line that passes
HEAD = (
    f'digraph {{ graph [rankdir=TB nodesep={GAP / INCH:.4f} ranksep=0.3] node [shape=box fixedsize=true label=""'
    " height=0.1] edge [dir=none]"
)
# How much the engine tries to keep a line straight: what skips least where it leaves and comes back, the main way most,
# so that opened parts in a chain stand below each other.
SKIP, JOINED, ALONE, LONG, MAIN = 1, 3, 8, 8, 16


@dataclass(frozen=True)
class Plan:
    """The row of each part; and where across parts, entries, exits and the stops of each net stand."""

    rows: list[int]
    parts: list[float]
    entries: list[float]
    exits: list[float]
    stops: list[list[float]]


class Plans:
    """The plans of a page; groups of the same sizes and wires share one."""

    def __init__(self) -> None:
        self.made: list[Plan] = []
        self.index: dict[str, int] = {}

    def plan(self, group: Group, sizes: Sequence[Size]) -> int:
        """The number of the plan for a group whose closed parts have these sizes."""
        rows = Rows(group)
        text = dot(group, rows, sizes)
        if text not in self.index:
            self.index[text] = len(self.made)
            self.made.append(column(group, rows) if is_chain(group) else laid_out(text, group, rows))
        return self.index[text]


# --- chains, of which a network may have thousands of parts: the engine's time grows with the square of their number
def is_chain(group: Group) -> bool:
    """Whether each part reads the one before it and nothing else."""
    places = range(-len(group.entries), len(group.parts) + len(group.exits))
    found = sorted((wire.source, wire.target) for wire in group.wires)
    return max(len(group.entries), len(group.exits)) < 2 and found == list(pairwise(places))


def column(group: Group, rows: Rows) -> Plan:
    """The parts below each other."""
    parts, entries, exits = ([0.0] * len(places) for places in (group.parts, group.entries, group.exits))
    return Plan(rows.parts, parts, entries, exits, [[] for _ in rows.nets])


# --- anything else
def dot(group: Group, rows: Rows, sizes: Sequence[Size]) -> str:
    """The group for the engine, without a word: boxes and stops of given widths, and lines from row to row."""
    ordered = orderings(group.wires)
    lines = [HEAD]
    for index, (width, _) in enumerate(sizes):
        lines.append(f"p{index} [width={(width + BESIDE) / INCH:.4f}{ordered.get(index, '')}]")
    thin = [f"e{index}" for index in range(len(group.entries))]
    thin += [f"x{index}" for index in range(len(group.exits))]
    thin += [stop(net, row) for net in rows.nets for row in rows.passed(net)]
    lines += (f"{place} [width={STOP / INCH:.4f}]" for place in thin)
    lines += beginnings(group)
    lines += pieces(group, rows)
    return "\n".join([*lines, "}"])


def stop(net: Net, row: int) -> str:
    return f"s{net.number}_{row}"


def beginnings(group: Group) -> Iterator[str]:
    """Lines that are not drawn, which hold what reads nothing in its row."""
    read = {wire.target for wire in group.wires}
    yield from (f"root -> e{index} [style=invis weight=0]" for index in range(len(group.entries)))
    free = (index for index in range(len(group.parts)) if index not in read)
    yield from (f"root -> p{index} [style=invis weight=0 minlen=2]" for index in free)


def pieces(group: Group, rows: Rows) -> Iterator[str]:
    """The lines, cut at every row."""
    parts, skips = len(group.parts), skips_of(group.wires)
    leaving, entering = (Counter(getattr(wire, end) for wire in group.wires) for end in ("source", "target"))
    weights = {wire: JOINED if entering[wire.target] > 1 else ALONE for wire in group.wires}
    weights |= dict.fromkeys(skips, SKIP) | dict.fromkeys(main_way(group.wires, rows), MAIN)
    nets = {wire: net for net in rows.nets for wire in net.wires}
    drawn: set[str] = set()
    for wire in in_branch_order(group.wires):
        before = name(wire.source, parts)
        for row in range(rows.of(wire.source) + 1, rows.of(wire.target)):
            after = stop(nets[wire], row)
            if after not in drawn:
                straight = before in drawn or leaving[wire.source] == 1
                drawn.add(after)
                yield f"{before} -> {after} [weight={LONG if straight else weights[wire]}]"
            before = after
        yield f"{before} -> {name(wire.target, parts)} [weight={weights[wire]}]"


def main_way(wires: Sequence[Wire], rows: Rows) -> list[Wire]:
    """Back from the last place, at a join by the longest way, of several that are as long by the middle one."""
    found: list[Wire] = []
    place = max((wire.target for wire in wires), default=0)
    while entering := [wire for wire in wires if wire.target == place]:
        latest = max(rows.of(wire.source) for wire in entering)
        longest = [wire for wire in entering if rows.of(wire.source) == latest]
        found.append(longest[len(longest) // 2])
        place = found[-1].source
    return found


def skips_of(wires: Sequence[Wire]) -> set[Wire]:
    """The wires beside which a longer way leads to the same place."""
    after: dict[int, set[int]] = {}
    for wire in wires:
        after.setdefault(wire.source, set()).add(wire.target)
    behind: dict[int, set[int]] = {}  # all that a place leads to
    for place in sorted(after, reverse=True):  # wires lead on to later places alone
        behind[place] = after[place].union(*(behind.get(target, ()) for target in after[place]))
    return {wire for wire in wires if any(wire.target in behind.get(other, ()) for other in after[wire.source])}


def name(place: int, parts: int) -> str:
    if place < 0:
        return f"e{-1 - place}"
    return f"p{place}" if place < parts else f"x{place - parts}"


def orderings(wires: Sequence[Wire]) -> dict[int, str]:
    """Joins keep what enters in order, else a box that parts what leaves."""
    leaving, entering = Counter(wire.source for wire in wires), Counter(wire.target for wire in wires)
    found = {place: " ordering=out" for place, number in leaving.items() if number > 1}
    return found | {place: " ordering=in" for place, number in entering.items() if number > 1}


def in_branch_order(wires: Sequence[Wire]) -> list[Wire]:
    """Backwards from the last, a join's branches in its order: the engine sets first met boxes to the left."""
    entering: dict[int, list[Wire]] = {}
    for wire in wires:
        entering.setdefault(wire.target, []).append(wire)
    found: list[Wire] = []
    seen: set[int] = set()
    for end in sorted(entering, reverse=True):
        stack = [iter([end])]
        while stack:
            place = next(stack[-1], None)
            if place is None:
                stack.pop()
            elif place not in seen:
                seen.add(place)
                found += entering.get(place, [])
                stack.append(wire.source for wire in entering.get(place, []))
    return found


def laid_out(text: str, group: Group, rows: Rows) -> Plan:
    """By the engine, in px."""
    answer: Any = json.loads(render(text, "json"))
    x = {thing["name"]: round(float(thing["pos"].split(",")[0]), 1) for thing in answer["objects"] if "pos" in thing}
    return Plan(
        rows.parts,
        [x[f"p{index}"] for index in range(len(group.parts))],
        [x[f"e{index}"] for index in range(len(group.entries))],
        [x[f"x{index}"] for index in range(len(group.exits))],
        [[x[stop(net, row)] for row in rows.passed(net)] for net in rows.nets],
    )
