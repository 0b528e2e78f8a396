"""How a strip gets onto its paper: which text and how many rows, turned, with stages closed, with smaller gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from archdsl.backends.figures.paper import LEAST, TALL, room
from archdsl.backends.figures.strip.bodies import Manner, bodies
from archdsl.backends.figures.strip.cells import Strip, strip
from archdsl.backends.figures.strip.crossings import crossings
from archdsl.backends.figures.strip.drawing import placed, reach
from archdsl.backends.figures.strip.lanes import Known, Lanes, lanes
from archdsl.backends.figures.strip.layout import Layout, lay
from archdsl.backends.figures.strip.legend import height
from archdsl.backends.figures.strip.plan import Drawing
from archdsl.ir.graph import Graph

# by portrait: widths of texts to try
ROOMS = {False: (120, 100, 85, 72, 60, 50), True: (190, 165, 140, 120, 100, 85, 72)}
PAGE, COLUMN = 7.0, 3.4  # inches: the width of a page of two columns, and of one
TRIES = 6  # a row that is shorter may let more lines run at its end
HAIR = 0.01


@dataclass(frozen=True)
class Paper:
    """How wide and high a drawing may be, in the points of its own text."""

    wide: float
    high: float

    @classmethod
    def of(cls, wide: float, high: float | None = None) -> Paper:
        """So many inches, on which the smallest text has its least size; no figure is higher than a page."""
        return cls(room(wide, LEAST), room(high or TALL, LEAST))

    def lacking(self, wide: float, high: float) -> tuple[float, float]:
        """What a drawing of this size is too wide and too high by."""
        return max(0, wide - self.wide - HAIR), max(0, high - self.high - HAIR)

    def holds(self, found: Drawing) -> bool:
        return not any(self.lacking(found.rect.width, found.rect.height))


def drawing(
    graph: Graph,
    manner: Manner,
    expand: Sequence[str] = (),
    paper: Paper | None = None,
    *,
    turns: bool = False,
    legend: bool | None = None,
) -> Drawing:
    """The network as a strip, in the first way that fits onto the paper, else in that which lacks the least.

    Without a paper it is that of a page, or in portrait of a column. `turns`: where it would not fit, it is turned.
    """
    found: list[tuple[tuple[float, float], Drawing]] = []
    for way in ways(manner, turns=turns):
        allowed = paper or Paper.of(COLUMN if way.portrait else PAGE)
        made = best(strip(graph, expand, closed=way.closed), way, allowed, legend=legend)
        found.append((allowed.lacking(made.rect.width, made.rect.height), made))
        if not any(found[-1][0]):
            return untangled(graph, made, way, expand, paper, turns=turns, legend=legend)
    return min(found, key=lambda one: one[0])[1]


def untangled(
    graph: Graph,
    made: Drawing,
    manner: Manner,
    expand: Sequence[str],
    paper: Paper | None,
    *,
    turns: bool,
    legend: bool | None,
) -> Drawing:
    """A drawing; where its lines cross the same with lines at both sides of rows, if that fits and fewer cross.

    Where they cross still, stages that do not depend on each other change places; then gaps get smaller.
    """
    least = crossings(made.ways)
    strips: dict[bool, Strip] = {}  # by whether stages change places
    courses: dict[tuple[bool, bool], Known] = {}  # smaller gaps change none
    turned = [manner, replace(manner, portrait=not manner.portrait)] if turns else [manner]
    for tight, free, one in product((False, True), (False, True), turned if not manner.blocks else []):
        if not least:
            break
        way = replace(one, tight=one.tight or tight)
        allowed = paper or Paper.of(COLUMN if way.portrait else PAGE)
        if free not in strips:
            strips[free] = strip(graph, expand, closed=way.closed, free=free)
        known = courses.setdefault((free, way.portrait), {})
        other = best(strips[free], replace(way, both=True), allowed, legend=legend, known=known)
        found = crossings(other.ways)
        if found < least and allowed.holds(other):
            made, least = other, found
    return made


def ways(manner: Manner, *, turns: bool) -> Iterator[Manner]:
    """As asked for, turned, with stages closed, with smaller gaps too."""
    turned = [manner, replace(manner, portrait=not manner.portrait)] if turns else [manner]
    for closed, tight in ((False, False), (True, False), (True, True)):
        for one in turned:
            yield replace(one, closed=closed, tight=tight)


def best(chosen: Strip, manner: Manner, paper: Paper, *, legend: bool | None, known: Known | None = None) -> Drawing:
    """That which fits, of those the one of a single row or else the lowest; a column as wide as allowed.

    `known`: the courses of lines that another try has found for rows of this strip.
    """
    words = chosen.legend if legend or (legend is None and len(chosen.legend) > 1) else {}
    found: list[tuple[tuple[float, ...], Drawing]] = []
    known = {} if known is None else known
    for space in ROOMS[manner.portrait]:
        made, beside = fitted(chosen, manner, space, paper, height(words, paper.wide), known)
        drawn = placed(chosen, made, beside, words, paper.wide)
        lacking = paper.lacking(drawn.rect.width, drawn.rect.height)
        tangled = crossings(drawn.ways) if manner.both else 0
        found.append(((*lacking, tangled, len(made.rows) if manner.portrait else drawn.rect.height), drawn))
        if len(made.rows) == 1 and not any(lacking) and not tangled:
            break
    return min(found, key=lambda one: one[0])[1]


def fitted(
    chosen: Strip, manner: Manner, space: float, paper: Paper, below: float, known: Known
) -> tuple[Layout, Lanes]:
    """In rows as long as the paper allows, with what runs at their ends."""
    most = allowed = paper.high - below if manner.portrait else paper.wide
    for _ in range(TRIES):
        made = lay(chosen, bodies(chosen.cells, manner, space), manner, most)
        beside = lanes(chosen.nets, made, known)
        surplus = reach(made, beside) - allowed
        if surplus <= HAIR:
            break
        most -= surplus
    return made, beside
