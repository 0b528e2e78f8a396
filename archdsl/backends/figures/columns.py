"""Columns: where boxes and shortcuts stand across: chains in straight lines, joins in the middle of their branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.backends.figures.forks import reads
from archdsl.backends.figures.picture import Arrow, Box
from archdsl.backends.figures.strands import Chain, Flow, Lane, Region, Strand, Tangle
from archdsl.ir.graph import Tensor

LABEL_GAP = 5.0  # points beside an arrow
BAR_FROM = 3  # so many arrows make the box that they enter, or leave by results of their own, a bar

Size = tuple[float, float]


@dataclass(frozen=True)
class Gaps:
    """The points between things."""

    columns: float = 18.0
    lane: float = 14.0  # beside a shortcut
    overhang: float = 16.0  # of a bar beyond its outermost arrow
    ports: float = 20.0  # between arrows that enter one box from above
    cases: float = 26.0
    rows: float = 24.0


WIDE, CLOSE = Gaps(), Gaps(columns=8.0, lane=9.0, overhang=9.0, ports=14.0, cases=14.0, rows=20.0)


@dataclass
class Strip:
    """Columns around a straight line at 0: where boxes and shortcuts stand, and how far it reaches on each side."""

    across: dict[Box | Arrow, float] = field(default_factory=dict)
    left: float = 0.0
    right: float = 0.0
    outer: tuple[float, float] = (0.0, 0.0)  # its first and last column
    step: float = 0.0  # from column to column, of a tangle

    def add(self, other: Strip, shift: float = 0.0) -> None:
        self.across.update({thing: x + shift for thing, x in other.across.items()})
        self.left, self.right = max(self.left, other.left - shift), max(self.right, other.right + shift)


class Columns:
    """Of one case of a block."""

    def __init__(
        self,
        flow: Flow,
        region: Region,
        sizes: Mapping[Box, Size],
        labels: Mapping[Arrow, Size],
        margins: Mapping[Box, tuple[float, float]],  # left and right of boxes in frames
        clear: Mapping[Arrow, tuple[float, float]],  # how far below its box, and above its end, an arrow passes frames
        gaps: Gaps = WIDE,
    ) -> None:
        self.flow, self.sizes, self.labels, self.margins, self.clear = flow, sizes, labels, margins, clear
        self.gaps = gaps
        self.bars: dict[Box, tuple[float, float]] = {}  # a bar's left and right end
        self.strip = self.region(region)
        self.across = self.strip.across
        self.stretch()

    def region(self, region: Region) -> Strip:
        """Strands side by side, the ends of the region in the middle of those that are no mere shortcuts."""
        strips = [self.strand(strand, n, region) for n, strand in enumerate(region.strands)]
        step = max((strip.step for strip in strips), default=0.0)
        if step:  # the columns of a tangle go on beside it
            step = max(step, *(closest(one, other, self.gaps.columns) for one, other in pairwise(strips)), 0.0)
            strips = [
                self.tangle(strand, step) if isinstance(strand, Tangle) else strip
                for strand, strip in zip(region.strands, strips, strict=True)
            ]
        found = Strip()
        if not strips:
            return found
        if len(strips) == 1 and isinstance(region.strands[0], Lane):
            return Strip(right=self.room(region.strands[0].arrow))  # nothing beside it: the straight line itself
        places = self.side_by_side(region, strips)
        found.outer = places[0] + strips[0].outer[0], places[-1] + strips[-1].outer[1]
        for strip, x in zip(strips, places, strict=True):
            found.add(strip, x)
        return found

    def side_by_side(self, region: Region, strips: Sequence[Strip]) -> list[float]:
        """Where each strand stands; the ends of the region stand at 0."""
        lanes = [isinstance(strand, Lane) for strand in region.strands]
        places = [0.0]
        for n, (one, other) in enumerate(pairwise(strips)):
            gap = self.gaps.lane if lanes[n] or lanes[n + 1] else self.gaps.columns
            even = max(one.step, other.step) + one.outer[1] - other.outer[0]
            places.append(places[-1] + max(one.right + gap + other.left, even if one.step or other.step else 0.0))
        wide = region.end is not None and self.is_bar(region.end)
        solid = [n for n, lane in enumerate(lanes) if not lane]
        if wide and len(solid) != 1:  # shortcuts beside one chain leave it straight
            solid = [*range(len(lanes))]
        solid = solid or [0]
        if len(solid) > 2 and len(solid) == len(places):
            step = max(b - a for a, b in pairwise(places))
            places = [n * step for n in range(len(places))]
        first, last = solid[0], solid[-1]
        low, high = (strips[first].outer[0], strips[last].outer[1]) if len(solid) > 1 else (0.0, 0.0)
        middle = (places[first] + low + places[last] + high) / 2
        places = [x - middle for x in places]
        return self.clear_of_ends(region, places)

    def clear_of_ends(self, region: Region, places: list[float]) -> list[float]:
        """What does not stand straight below an end stands beside it, so that arrows enter it from the side."""
        ends = [region.end] if region.end is not None and not self.is_bar(region.end) else []
        if region.start is not None and self.parts(region.start):
            ends.append(region.start)
        beside = max((self.sizes[box][0] / 2 + self.gaps.lane for box in ends), default=0.0)
        left = max((beside + x for x in places if x < -0.5), default=0.0)
        right = max((beside - x for x in places if x > 0.5), default=0.0)
        more = max(left, right, 0.0) if min(left, right) > 0 else 0.0  # both sides alike where both are moved
        left, right = max(left, more), max(right, more)
        return [x - max(left, 0) if x < -0.5 else x + max(right, 0) if x > 0.5 else x for x in places]

    def parts(self, box: Box) -> int:
        """How many results leave a box that gives several, each by an arrow of its own; else 0."""
        if not box.nodes or len(box.nodes[-1].outputs) < 2:
            return 0
        results = {tensor for arrow in self.flow.leaving[box] for tensor in carried(arrow)}
        return len(results) if len(results) > 1 else 0

    def is_bar(self, box: Box) -> bool:
        """A join of many, or what gives many results, is as wide as the columns of its arrows."""
        return self.joins_many(box) or self.parts(box) >= BAR_FROM

    def joins_many(self, box: Box) -> bool:
        return box.role == "join" and not box.heading and len(self.flow.entering[box]) >= BAR_FROM

    # --- strands
    def strand(self, strand: Strand, index: int, region: Region) -> Strip:
        if isinstance(strand, Lane):
            return self.lane(strand, index, region)
        return self.chain(strand) if isinstance(strand, Chain) else self.tangle(strand)

    def lane(self, lane: Lane, index: int, region: Region) -> Strip:
        """Its words stand away from the boxes beside it."""
        room = self.room(lane.arrow)
        leftmost = index == 0 and len(region.strands) > 1
        return Strip({lane.arrow: 0.0}, room if leftmost else 0.0, 0.0 if leftmost else room)

    def room(self, arrow: Arrow) -> float:
        return self.labels[arrow][0] + LABEL_GAP if arrow in self.labels else 0.0

    def chain(self, chain: Chain) -> Strip:
        found = Strip()
        for box in chain.boxes:
            found.add(self.column([box]))
        for region in chain.regions:
            strip = self.region(region)
            found.add(strip)
        found.outer = strip.outer  # of what reaches the end
        return found

    def column(self, boxes: Sequence[Box]) -> Strip:
        """Boxes one below another, with room for the words at their arrows on the right."""
        left = max(self.sizes[box][0] / 2 + self.margins.get(box, (0.0, 0.0))[0] for box in boxes)
        right = max(self.sizes[box][0] / 2 + self.margins.get(box, (0.0, 0.0))[1] for box in boxes)
        arrows = [arrow for box in boxes for arrow in (*self.flow.entering[box], *self.flow.leaving[box])]
        words = max((self.room(arrow) for arrow in arrows if arrow.kind != "skip"), default=0.0)
        return Strip(dict.fromkeys(boxes, 0.0), left, max(right, words))

    def tangle(self, tangle: Tangle, least: float = 0.0) -> Strip:
        """Columns with equal steps."""
        strips = [self.column(boxes) for boxes in tangle.columns]
        step = max((closest(one, other, self.gaps.columns) for one, other in pairwise(strips)), default=0.0)
        step = max(step, least)
        places = [n * step for n in range(len(strips))]
        middle = (places[0] + places[-1]) / 2
        found = Strip(outer=(places[0] - middle, places[-1] - middle), step=step)
        for strip, x in zip(strips, places, strict=True):
            found.add(strip, x - middle)
        return found

    # --- bars
    def stretch(self) -> None:
        """Bars reach over the columns of their arrows."""
        for box in self.flow.boxes:
            if not self.is_bar(box):
                continue
            columns = list(self.meeting(box))
            half = self.sizes[box][0] / 2
            low = min(*columns, self.across[box]) - self.gaps.overhang
            high = max(*columns, self.across[box]) + self.gaps.overhang
            middle = (low + high) / 2
            half = max(half, (high - low) / 2)
            self.bars[box] = (middle - half, middle + half)
            self.strip.left, self.strip.right = (
                max(self.strip.left, half - middle),
                max(self.strip.right, half + middle),
            )

    def meeting(self, box: Box) -> Iterator[float]:
        """Across where the arrows of a bar stand."""
        joins = self.joins_many(box)
        for arrow in self.flow.entering[box] if joins else self.flow.leaving[box]:
            yield self.across.get(arrow, self.across[arrow.source if joins else arrow.target])


def closest(one: Strip, other: Strip, gap: float) -> float:
    """How far the last column of a strip and the first of the next must be apart."""
    return one.right - one.outer[1] + gap + other.left + other.outer[0]


def carried(arrow: Arrow) -> list[Tensor]:
    """The tensors that go along an arrow."""
    taken = set(reads(arrow.target))
    return [tensor for tensor in arrow.source.nodes[-1].outputs if tensor in taken] if arrow.source.nodes else []
