"""Rows: boxes that are alike stand at one height, in the branches of a case and in cases side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.strands import Chain, Flow, Region

Key = tuple[object, ...]
MOST_PAIRS = 400  # so many boxes are compared; larger figures keep the rows that their arrows give


class Rows:
    """Every box with its row, the longest way from an input, once boxes that are alike are made one."""

    def __init__(self, flows: Sequence[Flow], regions: Sequence[Region]) -> None:
        self.flows = flows
        self.one: dict[Box, Box] = {}  # what a box is drawn level with
        self.ends()
        self.tried = 0
        for region in regions:
            self.branches(region)
        for flow in flows[1:]:
            self.alike(longest(flows[0]), longest(flow))
        found = self.rows()
        assert found is not None
        self.row = found

    def level(self, box: Box) -> Box:
        while box in self.one:
            box = self.one[box]
        return box

    def rows(self) -> dict[Box, int] | None:
        """None if what is level with what makes that impossible."""
        boxes = [box for flow in self.flows for box in flow.boxes]
        after: dict[Box, list[Box]] = {self.level(box): [] for box in boxes}
        waiting = dict.fromkeys(after, 0)
        for arrow in (arrow for flow in self.flows for arrow in flow.arrows):
            source, target = self.level(arrow.source), self.level(arrow.target)
            after[source].append(target)
            waiting[target] += 1
        row = dict.fromkeys(after, 0)
        ready = [box for box, number in waiting.items() if not number]
        count = 0
        while ready:
            box = ready.pop()
            count += 1
            for other in after[box]:
                row[other] = max(row[other], row[box] + 1)
                waiting[other] -= 1
                if not waiting[other]:
                    ready.append(other)
        return {box: row[self.level(box)] for box in boxes} if count == len(after) else None

    def join(self, box: Box, other: Box) -> bool:
        """Makes two boxes level if they can be."""
        one, two = self.level(box), self.level(other)
        if one is two:
            return True
        self.tried += 1
        if self.tried > MOST_PAIRS:
            return False
        self.one[two] = one
        if self.rows() is None:
            del self.one[two]
            return False
        return True

    def ends(self) -> None:
        """Inputs at the top, outputs at the bottom."""
        self.tried = 0
        for role in ("input", "output"):
            found = [box for flow in self.flows for box in flow.boxes if box.role == role]
            for other in found[1:]:
                self.join(found[0], other)

    def branches(self, region: Region) -> None:
        """Those of each chain with those of the longest beside it."""
        chains = [strand for strand in region.strands if isinstance(strand, Chain)]
        for one, other in combinations(sorted(chains, key=lambda chain: -len(chain.boxes)), 2):
            self.alike(one.boxes, other.boxes)
        for chain in chains:
            for inner in chain.regions:
                self.branches(inner)

    def alike(self, one: Sequence[Box], other: Sequence[Box]) -> None:
        for box, like in common(one, other):
            self.join(box, like)


def longest(flow: Flow) -> list[Box]:
    """The boxes of the longest way through a case; of as long ones the last, which is the body beside a shortcut."""
    ahead: dict[Box, tuple[int, Box | None]] = {}
    for box in reversed(flow.boxes):
        ways = [(ahead[arrow.target][0] + 1, -n, arrow.target) for n, arrow in enumerate(flow.leaving[box])]
        count, _, after = max(ways, key=lambda way: way[:2], default=(0, 0, None))
        ahead[box] = count, after
    found = []
    step: Box | None = max(flow.boxes, key=lambda box: ahead[box][0])
    while step is not None:
        found.append(step)
        step = ahead[step][1]
    return found


def key(box: Box) -> Key:
    """What a box is, without its stride and kernel."""
    return (box.role, box.heading, tuple(node.op.name for node in box.first_copy) if not box.heading else ())


def likeness(one: Box, other: Box) -> int:
    """0: other ops; 1: the same ops; 2: of the same words too."""
    return (1 + (one.lines == other.lines)) if key(one) == key(other) else 0


def common(one: Sequence[Box], other: Sequence[Box]) -> list[tuple[Box, Box]]:
    """The sequence of boxes that are most alike, in the order of both."""
    best = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in reversed(range(len(one))):
        for j in reversed(range(len(other))):
            pair = likeness(one[i], other[j]) + best[i + 1][j + 1] if likeness(one[i], other[j]) else 0
            best[i][j] = max(pair, best[i + 1][j], best[i][j + 1])
    found, i, j = list[tuple[Box, Box]](), 0, 0
    while i < len(one) and j < len(other):
        alike = likeness(one[i], other[j])
        if alike and best[i][j] == alike + best[i + 1][j + 1]:
            found.append((one[i], other[j]))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return found
