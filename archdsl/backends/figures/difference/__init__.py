"""Two networks beside one another: stages that are the same stage on a level, in the colours of what was done to them.

Places are computed: the old network stands left, the new one right, each with its own arrows, the difference in
parameters and multiply-adds between; the changes in words stand above. Where that is higher than the page, it goes on
beside itself, in further panels, to which each network has lines of its own; then levels are summed up. `nop2` draws
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from archdsl.analysis.difference import Difference
from archdsl.backends.figures.difference.columns import COLOURS, Panels, column, parted, passing_lines, ways_of
from archdsl.backends.figures.difference.levels import Levels, ways
from archdsl.backends.figures.difference.texts import above, delta_of, differences, heads, inside, title
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.fit import PAGE, Paper
from archdsl.backends.figures.strip.plan import Drawing, Solid, centred


@dataclass(frozen=True)
class Room:
    """How narrow boxes are."""

    text: float
    margin: float  # between text and outline; a reader's fallback font makes the text wider
    between: float  # beside what stands between the columns
    lane: float = 9.0  # between lines beside a column


ROOMS = (
    Room(190, 16, 20),
    Room(150, 16, 20),
    Room(120, 12, 20),
    Room(100, 10, 20),
    Room(85, 8, 16),
    Room(70, 6, 12, 7),
    Room(60, 6, 10, 7),
)
BETWEEN = 104.0  # the columns of the widest, at least
GAPS = (20.0, 5.0), (11.0, 5.0), (9.0, 3.0)  # from a level to the next one, and above and below text: those to try
PANELS = (1, False), (2, False), (3, False), (2, True), (3, True)  # how many, and whether lines beside columns pass
MOST = 14, 6  # statements above, at first and where there are more ways to try


def drawing(found: Difference, shapes: Shapes, paper: Paper | None = None, *, told: bool = True) -> Drawing:
    """Both networks in the fewest panels, with the widest gaps and boxes, that fit onto the paper.

    Without a paper it is a page. `told`: the changes stand above. If nothing fits, that which lacks the least.
    """
    allowed = paper or Paper.of(PAGE)
    best: tuple[tuple[float, float], Drawing] | None = None
    said = [str(statement) for statement in found.changes] if told else []
    for levels, ((number, freely), gaps) in product(ways(found), product(PANELS, GAPS)):
        for room in ROOMS:
            made = laid(found, levels, shapes, room, gaps, (number, freely), said)
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


def shortened(said: Sequence[str], most: int) -> list[str]:
    """Statements, the first few of many."""
    return [*said] if len(said) <= most else [*said[: most - 1], f"… {len(said) - most + 1} more"]


def laid(
    found: Difference,
    levels: Levels,
    shapes: Shapes,
    room: Room,
    gaps: tuple[float, float],
    panelled: tuple[int, bool],
    said: Sequence[str],
) -> Drawing | None:
    """In so many panels, with so much room for the text of a box; None where levels cannot be parted so."""
    graphs = found.before.graph, found.after.graph
    columns = [column(levels, graph, side, room.lane) for side, graph in enumerate(graphs)]
    texts = {
        cell: inside(one.slots[place], columns[1 - side].slots.get(place), shapes, room.text)
        for side, one in enumerate(columns)
        for place, cell in one.cells.items()
    }
    wide = max(text.width for text in texts.values()) + 2 * room.margin
    written = [*map(delta_of, levels)]
    between = max(text.width for text in written) + room.between
    between = max(between, BETWEEN) if room is ROOMS[0] else between
    for one in columns:
        one.wide, one.middle = wide, one.outside * (wide + between) / 2
    step, under = gaps
    cells = [[one.cells[place] for one in columns if place in one.cells] for place in range(len(levels))]
    highs = [max(texts[cell].height for cell in there) + 2 * under for there in cells]
    starts = parted([high + step for high in highs], columns, panelled[0], freely=panelled[1])
    if starts is None:
        return None
    left, right = (wide + between / 2 + one.beside for one in columns)
    panels = Panels(starts, right, left, highs, step, passing_lines(starts, columns))
    solids = [
        Solid(cell, centred(wide, highs[place]).moved(panels.x(place) + one.middle, panels.y(place)), text=texts[cell])
        for place in range(len(levels))
        for one in columns
        if place in one.cells
        for cell in [one.cells[place]]
    ]
    rects = {solid.cell: solid.rect for solid in solids}
    words = [*differences(written, columns, panels), *heads(found, columns, panels, wide)]
    words += above(said, solids[0].cell, words, rects)
    return Drawing(title(found), solids, words, [*rects], [*ways_of(columns, rects, panels)])


__all__ = ["COLOURS", "drawing"]
