"""Where the boxes of a group stand while all of them are closed: laid out by the engine, alike groups once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

from archdsl.backends.figures.engine import render
from archdsl.backends.figures.interactive.boxes import Size
from archdsl.backends.figures.interactive.parts import Group, Wire

Point: TypeAlias = "tuple[float, float]"

INCH = 72  # px at scale 1
GAP = 26  # px between two rows
HEAD = (
    f'digraph {{ graph [rankdir=TB nodesep=0.3 ranksep={GAP / INCH:.4f}] node [shape=box fixedsize=true label=""]'
    " edge [arrowhead=none headport=n tailport=s]"
)
# How much the engine tries to keep a wire straight: a skip least, as it has to bend anyway; and, though it is not
# drawn, a line from what enters to what leaves, so that opened parts in a chain stand below each other.
SKIP, AXIS, WAY = 1, 4, 8


@dataclass(frozen=True)
class Plan:
    """Centres of parts, entries and exits; for each wire its way as a chain of Bézier curves."""

    parts: list[Point]
    entries: list[float]  # x alone: they stand at the upper edge
    exits: list[float]
    height: float
    ways: list[list[Point]]


class Plans:
    """The plans of a page; groups of the same sizes and wires share one."""

    def __init__(self) -> None:
        self.made: list[Plan] = []
        self.index: dict[str, int] = {}

    def plan(self, group: Group, sizes: Sequence[Size]) -> int:
        """The number of the plan for a group whose closed parts have these sizes."""
        text = dot(group, sizes)
        if text not in self.index:
            self.index[text] = len(self.made)
            made = column(group, sizes) if is_chain(group) else read(json.loads(render(text, "json")), group)
            self.made.append(made)
        return self.index[text]


# --- chains, of which a network may have thousands of parts: the engine's time grows with the square of their number
def is_chain(group: Group) -> bool:
    """Whether each part reads the one before it and nothing else."""
    places = range(-len(group.entries), len(group.parts) + len(group.exits))
    found = sorted((wire.source, wire.target) for wire in group.wires)
    return max(len(group.entries), len(group.exits)) < 2 and found == list(pairwise(places))


def column(group: Group, sizes: Sequence[Size]) -> Plan:
    """The parts below each other, as the engine would set them."""
    axis = max(width for width, _ in sizes) / 2
    tops = list(accumulate((height + GAP for _, height in sizes), initial=GAP if group.entries else 0))
    parts = [(axis, top + height / 2) for top, (_, height) in zip(tops, sizes, strict=False)]
    bottom = tops[-1] if group.exits else tops[-1] - GAP
    starts = [*([0] if group.entries else []), *(top - GAP for top in tops[1:])]
    ends = [*(tops[:-1] if group.entries else tops[1:-1]), *([bottom] if group.exits else [])]
    ways = {wire: straight(axis, *ys) for wire, *ys in zip(sorted(group.wires, key=source), starts, ends, strict=False)}
    entries, exits = ([axis] * len(tensors) for tensors in (group.entries, group.exits))
    return Plan(parts, entries, exits, bottom, [ways[wire] for wire in group.wires])


def source(wire: Wire) -> int:
    return wire.source


def straight(x: float, start: float, end: float) -> list[Point]:
    return [(x, start), (x, start), (x, end), (x, end)]


# --- anything else


def dot(group: Group, sizes: Sequence[Size]) -> str:
    """The group for the engine, without a word: boxes of given sizes, points for what enters and leaves."""
    ordered = orderings(group.wires)
    lines = [HEAD]
    lines += ends("e", len(group.entries), "source")
    for index, (width, height) in enumerate(sizes):
        lines.append(f"p{index} [width={width / INCH:.4f} height={height / INCH:.4f}{ordered.get(index, '')}]")
    lines += ends("x", len(group.exits), "sink")
    skips = skips_of(group.wires)
    lines += (arrow(wire, len(sizes), SKIP if wire in skips else WAY) for wire in in_branch_order(group.wires))
    if len(group.entries) == len(group.exits) == 1:
        lines.append(f"e0 -> x0 [style=invis weight={AXIS}]")
    return "\n".join([*lines, "}"])


def ends(letter: str, number: int, rank: str) -> Iterator[str]:
    if number:
        points = " ".join(f"{letter}{index} [width=0.05 height=0.01];" for index in range(number))
        yield f"{{ rank={rank}; {points} }}"


def arrow(wire: Wire, parts: int, weight: int) -> str:
    return f"{name(wire.source, parts)} -> {name(wire.target, parts)} [weight={weight}]"


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


# --- the engine's answer
def read(answer: Any, group: Group) -> Plan:
    """Places in px from the upper left corner."""
    top = float(answer["bb"].split(",")[3])

    def point(text: str) -> Point:
        x, y = map(float, text.split(","))
        return round(x, 1), round(top - y, 1)

    names = {thing["_gvid"]: thing["name"] for thing in answer["objects"]}
    places = {thing["name"]: point(thing["pos"]) for thing in answer["objects"] if "pos" in thing}
    ways: dict[tuple[str, str], list[list[Point]]] = {}
    for edge in (edge for edge in answer.get("edges", ()) if edge.get("style") != "invis"):
        way = [point(text) for text in edge["pos"].split()]
        ways.setdefault((names[edge["tail"]], names[edge["head"]]), []).append(way)
    parts = len(group.parts)
    return Plan(
        [places[f"p{index}"] for index in range(parts)],
        [places[f"e{index}"][0] for index in range(len(group.entries))],
        [places[f"x{index}"][0] for index in range(len(group.exits))],
        round(top, 1),
        [ways[name(wire.source, parts), name(wire.target, parts)].pop(0) for wire in group.wires],
    )
