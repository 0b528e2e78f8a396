"""How the boxes of a block hang together: strands side by side, between a box that parts them and one that joins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from archdsl.backends.figures.picture import Arrow, Box


@dataclass(eq=False)
class Lane:
    """An arrow past the boxes beside it: a shortcut."""

    arrow: Arrow


@dataclass(eq=False)
class Chain:
    """Boxes that all ways pass, one below another, and the regions around them: one more than boxes."""

    boxes: list[Box]
    regions: list[Region] = field(default_factory=list)


@dataclass(eq=False)
class Tangle:
    """Boxes whose ways part and meet in no simple order, such as running sums: those of one column in one list."""

    columns: list[list[Box]]


Strand: TypeAlias = "Lane | Chain | Tangle"


@dataclass(eq=False)
class Region:
    """What lies between two boxes, strands left to right; either may be missing at the ends of a block."""

    start: Box | None
    end: Box | None
    strands: list[Strand] = field(default_factory=list)


class Flow:
    """Who follows whom in one case of a block. `boxes` are in order of execution, `arrows` in the order of branches."""

    def __init__(self, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> None:
        self.boxes, self.arrows = list(boxes), list(arrows)
        self.entering: dict[Box, list[Arrow]] = {box: [] for box in boxes}
        self.leaving: dict[Box, list[Arrow]] = {box: [] for box in boxes}
        for arrow in arrows:
            self.entering[arrow.target].append(arrow)
            self.leaving[arrow.source].append(arrow)
        self.order = {box: index for index, box in enumerate(boxes)}

    def whole(self) -> Region:
        """The whole case."""
        return self.region(self.boxes, None, None)

    def region(self, inside: Iterable[Box], start: Box | None, end: Box | None) -> Region:
        """The strands of the boxes between two others, in the order in which they reach the end."""
        strands: list[tuple[float, Strand]] = [
            (self.place(part, end), self.strand(part, start, end)) for part in self.parts(list(inside))
        ]
        for index, arrow in enumerate(self.arrows):
            if start is not None and arrow.source is start and arrow.target is end:
                strands.append((index, Lane(arrow)))
        return Region(start, end, [strand for _, strand in sorted(strands, key=lambda pair: pair[0])])

    def parts(self, inside: list[Box]) -> list[list[Box]]:
        """Boxes that hang together without the ends."""
        among, done, found = set(inside), set[Box](), list[list[Box]]()
        for first in inside:
            if first in done:
                continue
            part, todo = {first}, [first]
            while todo:
                box = todo.pop()
                near = {a.target for a in self.leaving[box]} | {a.source for a in self.entering[box]}
                todo += (near & among) - part
                part |= near & among
            done |= part
            found.append(sorted(part, key=self.order.__getitem__))
        return found

    def place(self, part: Sequence[Box], end: Box | None) -> float:
        """Where the first arrow stands that leads from here to the end; else where the part stands itself."""
        among = set(part)
        places = [n for n, arrow in enumerate(self.arrows) if arrow.target is end and arrow.source in among]
        return min(places) if places else len(self.arrows) + self.order[part[0]]

    def strand(self, part: list[Box], start: Box | None, end: Box | None) -> Strand:
        """A chain of the boxes that all ways pass, if there are any."""
        passed = self.passed(part, start, end)
        if not passed:
            return Tangle(self.columns(part))
        chain = Chain(passed)
        ends = [start, *passed, end]
        limits = [-1, *(part.index(box) for box in passed), len(part)]
        for (one, other), (low, high) in zip(pairwise(ends), pairwise(limits), strict=True):
            chain.regions.append(self.region(part[low + 1 : high], one, other))
        return chain

    def passed(self, part: Sequence[Box], start: Box | None, end: Box | None) -> list[Box]:
        """The boxes of a part that no way from its start to its end passes by."""
        place: Mapping[Box, int] = {box: index for index, box in enumerate(part)}
        spans = []
        for box in part:
            # what begins or ends here without an arrow counts as coming from the start, or going to the end
            spans += [(place.get(a.source, -1), place[box]) for a in self.entering[box]] or [(-1, place[box])]
            ahead = [a for a in self.leaving[box] if a.target not in place]
            spans += [(place[box], len(part))] if ahead or not self.leaving[box] else []
        return [box for box in part if not any(low < place[box] < high for low, high in spans)]

    def columns(self, part: Sequence[Box]) -> list[list[Box]]:
        """Each box below the last of those it reads from that nothing else stands below yet; else beside them."""
        among = set(part)
        found: list[list[Box]] = [[box] for box in self.heads(part)]
        for box in part:
            before = [arrow.source for arrow in self.entering[box] if arrow.source in among]
            if not before:
                continue
            column = next((c for source in reversed(before) for c in found if c[-1] is source), None)
            if column is not None:
                column.append(box)
            else:
                near = next(n for n, c in enumerate(found) if before[-1] in c)
                found.insert(near + 1, [box])
        return found

    def heads(self, part: Sequence[Box]) -> list[Box]:
        """The boxes that read nothing of this part, in the order of branches."""
        among = set(part)
        heads = [box for box in part if not any(a.source in among for a in self.entering[box])]
        first = {arrow.target: index for index, arrow in reversed(list(enumerate(self.arrows)))}
        return sorted(heads, key=lambda box: first.get(box, len(self.arrows) + self.order[box]))
