"""The rows of a case in layers: a row that is too wide stands in several, each followed at once by what it leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.strands import Flow


class Bands:
    """Boxes row by row. Where a row is parted, what its first part leads to comes before its second part.

    `level` is the row of a box on a page that is wide enough. `fits` says of boxes, of the number of lines that pass
    them by and of whether they are part of a row, whether they fit.
    """

    def __init__(self, flow: Flow, level: Mapping[Box, int], fits: Callable[[Sequence[Box], int, bool], bool]) -> None:
        self.flow, self.level, self.fits = flow, level, fits
        self.waiting: dict[int, list[Box]] = {}
        for box in flow.boxes:
            self.waiting.setdefault(level[box], []).append(box)
        self.placed: set[Box] = set()

    def rows(self) -> Iterator[list[Box]]:
        """From the top down; results stand beside the part of a row that comes next, where that has room."""
        here, before = -1, list[Box]()
        while any(self.waiting.values()):
            above = here
            here, ready = self.next_level(above)
            part = self.part(ready)
            self.placed.update(part)
            self.waiting[here] = [box for box in self.waiting[here] if box not in self.placed]
            if here <= above and self.are_results(before) and self.fits([*before, *part], self.passing(part), True):
                before = [*before, *part]
                continue
            if before:
                yield before
            before = part
        yield before

    def are_results(self, row: Sequence[Box]) -> bool:
        return not any(self.flow.leaving[box] for box in row)

    def next_level(self, here: int) -> tuple[int, list[Box]]:
        """The level below with boxes that can stand now, or else the last one above with such."""
        levels = sorted(self.waiting)
        for level in (*(n for n in levels if n > here), *(n for n in reversed(levels) if n <= here)):
            ready = [box for box in self.waiting[level] if self.is_ready(box)]
            if ready:
                return level, ready
        raise AssertionError("boxes that wait for one another")

    def is_ready(self, box: Box) -> bool:
        return all(arrow.source in self.placed for arrow in self.flow.entering[box])

    def part(self, ready: list[Box]) -> list[Box]:
        """So many as fit; those that lead to one box stay together where that can be."""
        number = len(ready)
        while number > 1 and not self.fits(ready[:number], self.passing(ready[:number]), number < len(ready)):
            number -= 1
        if number == len(ready):
            return ready
        together = number
        while together and self.leads_to(ready[together - 1]) == self.leads_to(ready[number]):
            together -= 1
        return ready[: together or number]

    def leads_to(self, box: Box) -> list[Box]:
        return [arrow.target for arrow in self.flow.leaving[box]]

    def passing(self, part: Sequence[Box]) -> int:
        """How many tensors pass by the boxes of a part."""
        below = {*self.placed, *part}
        return len(
            {
                (arrow.source, arrow.tensor)
                for arrow in self.flow.arrows
                if arrow.source in self.placed and arrow.target not in below
            }
        )
