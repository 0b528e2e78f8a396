"""A case that is higher than its page goes on in panels beside itself, cut where few lines and no frame pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise

from archdsl.backends.figures.arrange import measured, with_legend
from archdsl.backends.figures.columns import Gaps
from archdsl.backends.figures.flaws import Line, flaws, words
from archdsl.backends.figures.paper import HAIR, LEAST, TALL, room
from archdsl.backends.figures.picture import Arrow, Picture
from archdsl.backends.figures.routes import Point, Rect, Route
from archdsl.backends.figures.sheet import PEN, Part, Sheet, Sizes, moved, parts, with_caption
from archdsl.backends.figures.theme import Look

TURN = 10.0  # points from a cut to the lines that lead to the next panel
APART = 7.0  # points between these lines
BESIDE = 14.0  # points between a panel and them
LEAST_GAP = 3.0  # points that are free at a cut
MOST_LINES = 3  # that pass to the next panel


@dataclass(frozen=True)
class Cut:
    """A height at which a sheet can be cut, and where across lines pass it, from the left."""

    y: float
    lines: tuple[float, ...] = ()

    @property
    def turn(self) -> float:
        """The room that its lines take above a panel, or below it."""
        return TURN + APART * (len(self.lines) - 1) if self.lines else 0.0


@dataclass(frozen=True)
class Piece:
    """What stands in a sheet between two cuts."""

    head: Cut
    foot: Cut
    left: float
    right: float

    @property
    def height(self) -> float:
        """With the lines that lead to it and from it."""
        return self.head.turn + self.foot.y - self.head.y + self.foot.turn


@dataclass
class Panels:
    """The pieces of a sheet side by side."""

    pieces: Sequence[Piece]

    @cached_property
    def starts(self) -> list[float]:
        """Where the left edges of pieces are."""
        found = [0.0]
        for piece in self.pieces[:-1]:
            found.append(found[-1] + piece.right - piece.left + 2 * BESIDE + APART * (len(piece.foot.lines) - 1))
        return found

    @property
    def width(self) -> float:
        last = self.pieces[-1]
        return self.starts[-1] + last.right - last.left

    @property
    def height(self) -> float:
        return max(piece.height for piece in self.pieces)

    @property
    def cost(self) -> tuple[int, int]:
        """The lines that pass from panel to panel beside the one that must, and how many panels there are."""
        return sum(len(piece.foot.lines) - 1 for piece in self.pieces[:-1]), len(self.pieces)

    def of(self, y: float) -> int:
        """The panel of a height."""
        return sum(piece.foot.y < y for piece in self.pieces[:-1])

    def shift(self, panel: int) -> Point:
        piece = self.pieces[panel]
        return self.starts[panel] - piece.left, piece.head.turn - piece.head.y

    def point(self, point: Point, panel: int | None = None) -> Point:
        x, y = self.shift(self.of(point[1]) if panel is None else panel)
        return point[0] + x, point[1] + y

    def rect(self, rect: Rect) -> Rect:
        return moved(rect, *self.shift(self.of(rect.y)))

    def line(self, points: Sequence[Point]) -> tuple[Point, ...]:
        """The corners of a line, which goes on from the foot of a panel at the head of the next one."""
        found = [self.point(points[0])]
        for one, other in pairwise(points):
            for panel in range(self.of(one[1]), self.of(other[1])):
                found += self.passing(panel, one[0])
            found.append(self.point(other))
        return tuple(found)

    def passing(self, panel: int, x: float) -> Iterator[Point]:
        """The corners of a line on its way to the next panel: what runs further left runs around what does not."""
        piece = self.pieces[panel]
        rank = min(range(len(piece.foot.lines)), key=lambda n: abs(piece.foot.lines[n] - x))
        inner = len(piece.foot.lines) - 1 - rank
        low, high = piece.height - APART * rank, APART * inner
        across = self.starts[panel + 1] - BESIDE - APART * rank
        yield x + self.shift(panel)[0], low
        yield across, low
        yield across, high
        yield x + self.shift(panel + 1)[0], high

    def route(self, route: Route) -> Route:
        label = self.point(route.label) if route.label is not None else None
        return Route(self.line(route.points), label, self.line(route.whole))


class Cutting:
    """Where a case can be cut, and what stands between two such places."""

    def __init__(self, sheet: Sheet, part: Part, sizes: Sizes) -> None:
        self.sheet, self.part = sheet, part
        inner = [rects[frame] for frame in part.frames for rects in (sheet.frames, sheet.captions)]
        self.rects = [*sheet.boxes.values(), *words(sheet, sizes).values(), *inner]
        self.lines = [(arrow, line) for arrow, route in sheet.routes.items() for line in pairwise(route.points)]
        top, bottom = min(rect.top for rect in self.rects), max(rect.bottom for rect in self.rects)
        self.places = [Cut(top), *self.cuts(), Cut(bottom)]
        self.known: dict[tuple[Cut, Cut], Piece] = {}

    def cuts(self) -> list[Cut]:
        """The last before anything but these lines begins, so that words stay with what they tell of."""
        ends = {y for rect in self.rects for y in (rect.top, rect.bottom)}
        ends |= {y for _, line in self.lines for _, y in line}
        found: dict[frozenset[Arrow], Cut] = {}
        for low, high in pairwise(sorted(ends)):
            arrows = self.passing((low + high) / 2)
            cut = Cut((low + high) / 2, tuple(sorted({round(x, 2) for x in arrows.values()})))
            if high - low >= LEAST_GAP and 0 < len(cut.lines) <= MOST_LINES:
                found[frozenset(arrows)] = cut
        return sorted(found.values(), key=lambda cut: cut.y)

    def passing(self, y: float) -> dict[Arrow, float]:
        """The arrows that pass a height, each with its place across; none where anything else is there."""
        if any(rect.top < y < rect.bottom for rect in self.rects):
            return {}
        return {arrow: line[0][0] for arrow, line in self.lines if crosses(line, y)}

    def piece(self, head: Cut, foot: Cut) -> Piece:
        if (head, foot) not in self.known:
            inside = [rect for rect in self.rects if head.y < rect.y < foot.y]
            across = [x for _, line in self.lines for x, y in line if head.y <= y <= foot.y]
            across += [*head.lines, *foot.lines]
            left = min([*(rect.left for rect in inside), *(x - PEN for x in across)])
            right = max([*(rect.right for rect in inside), *(x + PEN for x in across)])
            self.known[head, foot] = Piece(head, foot, left, right)
        return self.known[head, foot]

    def panels(self, places: Sequence[Cut], limit: float) -> Panels | None:
        """As few as can be of no more than so many points each; None where a piece is higher."""
        found, first = list[Piece](), 0
        while first < len(places) - 1:
            fitting = [n for n in range(first + 1, len(places)) if self.piece(places[first], places[n]).height <= limit]
            if not fitting:
                return None
            found.append(self.piece(places[first], places[fitting[-1]]))
            first = fitting[-1]
        return Panels(found)

    def choices(self, high: float) -> Iterator[Panels]:
        """Those of each height up to so many points, with more and more lines that may pass from panel to panel."""
        for most in range(1, MOST_LINES + 1):
            places = [place for place in self.places if len(place.lines) <= most]
            heights = {self.piece(head, foot).height for head, foot in combinations(places, 2)}
            for limit in sorted(height for height in heights if height <= high):
                panels = self.panels(places, limit)
                if panels is not None:
                    yield panels


def crosses(line: Line, y: float) -> bool:
    (_, one), (_, other) = line
    return min(one, other) < y < max(one, other)


def in_panels(picture: Picture, sheet: Sheet, look: Look, gaps: Gaps) -> tuple[tuple[int, int], Sheet] | None:
    """A figure that was laid out with these gaps in the panels of least cost that fit onto its page, and this cost.

    None where there are none: it has several cases, no places without a frame where it can be cut, or is too wide.
    """
    cases = parts(picture)
    if len(cases) != 1 or look.width is None:
        return None
    sizes = replace(measured(picture, look), gaps=gaps)
    wide, high = room(look.width, LEAST) + HAIR, room(look.height or TALL, LEAST) + HAIR
    below = Sheet()
    finish(below, cases[0], sizes, wide)
    fitting = [
        panels
        for panels in Cutting(sheet, cases[0], sizes).choices(high - below.height)
        if len(panels.pieces) > 1 and panels.width <= wide
    ]
    if not fitting:
        return None
    best = min(fitting, key=lambda panels: (panels.cost, panels.height))
    made = laid(sheet, cases[0], best)
    finish(made, cases[0], sizes, wide)
    return None if made.width > wide or any(flaws(made, sizes)) else (best.cost, made)


def laid(sheet: Sheet, part: Part, panels: Panels) -> Sheet:
    """All of a case but its words in panels."""
    return Sheet(
        {box: panels.rect(rect) for box, rect in sheet.boxes.items()},
        {arrow: panels.route(route) for arrow, route in sheet.routes.items()},
        {frame: panels.rect(sheet.captions[frame]) for frame in part.frames},
        {frame: panels.rect(sheet.frames[frame]) for frame in part.frames},
        bars=sheet.bars,
        width=panels.width,
        height=panels.height,
    )


def finish(sheet: Sheet, part: Part, sizes: Sizes, wide: float) -> None:
    """The words of the case and the legend below."""
    with_caption(sheet, part.case, sheet.width / 2, sizes)
    with_legend(sheet, sizes, wide)
