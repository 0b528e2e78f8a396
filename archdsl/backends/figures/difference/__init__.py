"""Two networks beside one another: stages that are the same stage on a level, in the colours of what was done to them.

Places are computed: the old network stands left, the new one right, each with its own arrows, the difference in
parameters and multiply-adds between; the changes in words stand above. Where that is higher than the page, it goes on
beside itself, in further panels, to which each network has lines of its own; then levels are summed up. `nop2` draws
it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from archdsl.analysis.difference import Difference
from archdsl.backends.figures.difference.columns import COLOURS, Column, Panels, column, parted, passing_lines, ways_of
from archdsl.backends.figures.difference.levels import Levels, ways
from archdsl.backends.figures.difference.texts import (
    above,
    delta_of,
    differences,
    heads,
    inside,
    legend,
    title,
    wide_of_heads,
)
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.fit import PAGE, Paper
from archdsl.backends.figures.strip.legend import placed as keys
from archdsl.backends.figures.strip.plan import Drawing, Solid, centred
from archdsl.backends.figures.texts import Text


@dataclass(frozen=True)
class Room:
    """How narrow boxes are."""

    text: float
    margin: float  # between text and outline; a reader's fallback font makes the text wider
    between: float  # beside what stands between the columns
    lane: float = 9.0  # between lines beside a column
    stacked: bool = False  # whether what a network has in all stands in two lines


@dataclass(frozen=True)
class Manner:
    """A way to try."""

    room: Room
    gaps: tuple[float, float]  # from a level to the next one, and above and below text
    panels: int
    freely: bool  # whether lines beside columns pass to the next panel


ROOMS = (
    Room(190, 16, 20),
    Room(150, 16, 20),
    Room(120, 12, 20),
    Room(100, 10, 20),
    Room(85, 8, 16),
    Room(70, 6, 12, 7),
    Room(60, 6, 10, 7),
    Room(60, 6, 8, 5.5, stacked=True),
)
BETWEEN = 104.0  # the columns of the widest, at least
GAPS = (20.0, 5.0), (11.0, 5.0), (9.0, 3.0), (8.0, 2.0)
PANELS = (1, False), (2, False), (3, False), (2, True), (3, True)  # how many, and whether lines beside columns pass
MOST = 14, 6  # statements above: at first, and where nothing fits with those


def drawing(found: Difference, shapes: Shapes, paper: Paper | None = None, *, told: bool = True) -> Drawing:
    """Both networks in the fewest panels, with the widest gaps and boxes, that fit onto the paper.

    Without a paper it is a page. `told`: the changes stand above. If nothing fits, that which lacks the least.
    """
    allowed = paper or Paper.of(PAGE)
    best: tuple[tuple[float, float], Drawing] | None = None
    graphs = found.before.graph, found.after.graph
    known = [(levels, [column(levels, graph, side) for side, graph in enumerate(graphs)]) for levels in ways(found)]
    for said, (levels, columns), ((number, freely), gaps) in product(
        words(found, told=told), known, product(PANELS, GAPS)
    ):
        for room in ROOMS:
            made = laid(found, levels, columns, shapes, Manner(room, gaps, number, freely), said)
            if made is None:
                break
            lacking = allowed.lacking(made.rect.width, made.rect.height)
            if not any(lacking):
                return made
            best = min(best or (lacking, made), (lacking, made), key=lambda one: sum(one[0]))
            if not lacking[0]:
                break  # narrower boxes are no lower
    assert best is not None
    return best[1]


def words(found: Difference, *, told: bool) -> list[Sequence[str]]:
    """The changes that stand above: those to try."""
    said = found.phrases if told else []
    whole, *fewer = (
        [*said] if len(said) <= most else [*said[: most - 1], f"… {len(said) - most + 1} more"] for most in MOST
    )
    return [whole, *(some for some in fewer if some != whole)]


def laid(
    found: Difference, levels: Levels, columns: Sequence[Column], shapes: Shapes, manner: Manner, said: Sequence[str]
) -> Drawing | None:
    """The figure in one manner; None where levels cannot be parted into so many panels."""
    room, (step, under) = manner.room, manner.gaps
    texts = {
        cell: inside(one.slots[place], columns[1 - side].slots.get(place), shapes, room.text)
        for side, one in enumerate(columns)
        for place, cell in one.cells.items()
    }
    written = [*map(delta_of, levels)]
    wide = max(text.width for text in texts.values()) + 2 * room.margin
    between = max(text.width for text in written) + room.between
    between = max(between, BETWEEN) if room is ROOMS[0] else between
    between = max(between, wide_of_heads(found, stacked=room.stacked) - wide)
    for one in columns:
        one.lane, one.wide, one.middle = room.lane, wide, one.outside * (wide + between) / 2
    cells = [[one.cells[place] for one in columns if place in one.cells] for place in range(len(levels))]
    highs = [max(texts[cell].height for cell in there) + 2 * under for there in cells]
    starts = parted([high + step for high in highs], columns, manner.panels, freely=manner.freely)
    if starts is None:
        return None
    left, right = (wide + between / 2 + one.beside for one in columns)
    panels = Panels(starts, right, left, highs, step, passing_lines(starts, columns))
    solids = [*boxes(columns, panels, texts)]
    rects = {solid.cell: solid.rect for solid in solids}
    beside = [*differences(written, columns, panels), *heads(found, columns, panels, wide, stacked=room.stacked)]
    beside += above(said, solids[0].cell, beside, rects)
    drawn = Drawing(title(found), solids, beside, [*rects], [*ways_of(columns, rects, panels)])
    drawn.keys = keys(legend(levels), drawn.rect, drawn.rect.width)
    return drawn


def boxes(columns: Sequence[Column], panels: Panels, texts: Mapping[Cell, Text]) -> Iterator[Solid]:
    """The boxes of both networks, level by level."""
    for place, high in enumerate(panels.highs):
        for one in columns:
            if (cell := one.cells.get(place)) is not None:
                rect = centred(one.wide, high).moved(panels.x(place) + one.middle, panels.y(place))
                yield Solid(cell, rect, text=texts[cell])


__all__ = ["COLOURS", "drawing"]
