"""A curve for each network, with marks where its stages end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from archdsl.backends.figures.measure import in_font, width
from archdsl.backends.figures.plots.axes import named, place_of, ranged, room_of, words, write
from archdsl.backends.figures.plots.canvas import HAIR, MARKERS, SMALL, Canvas, blank, high, settled
from archdsl.backends.figures.plots.data import Curves
from archdsl.backends.figures.plots.labels import Wanted, placed, through, within
from archdsl.backends.figures.strip.plan import Point, Rect
from archdsl.backends.figures.theme import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ASPECT = 0.7  # of height and width
HALF = 2.2  # points, of a mark
GAP = 3.0  # points before the name of a level


def curves(data: Curves, look: Look) -> Canvas:
    """The plot."""
    canvas = blank(look, high(look, ASPECT))
    axes = canvas.figure.subplots()
    places = [place for curve in data.curves for place in curve.places]
    ranged(axes, "x", [x for x, _ in places])
    ranged(axes, "y", [y for _, y in places] + [y for _, y in data.levels])
    axes.set(xlabel=data.x.title, ylabel=data.y.title)
    for _, level in data.levels:
        axes.plot(axes.get_xlim(), (level, level), color=look.faint, linewidth=HAIR, linestyle=(0, (3, 2)))
    lines = []
    for number, curve in enumerate(data.curves):
        paint = canvas.paint(number)
        (line,) = axes.plot(*zip(*curve.places, strict=True), color=paint.line, drawstyle="steps-post", zorder=2)
        (marks,) = axes.plot(
            [end.x for end in curve.ends],
            [end.y for end in curve.ends],
            color=paint.line,
            linestyle="none",
            marker=MARKERS[number % len(MARKERS)],
            markersize=2 * HALF - HAIR,
            markerfacecolor=paint.fill,
            markeredgewidth=HAIR,
            label=curve.name,
            gid=canvas.tell([f"{curve.name} {end.name}: {end.y:,g} after {end.x:g}" for end in curve.ends]),
        )
        lines += [line, marks]
    wanted = look.legend
    if wanted or (wanted is None and len(data.curves) > 1):
        named(canvas, lines[1::2])
    settled(canvas, axes)
    labelled(canvas, axes, data)
    return canvas


def labelled(canvas: Canvas, axes: Axes, data: Curves) -> None:
    """The names of the levels at their lines, and those of the stages where there is one network."""
    labels = [
        Wanted(end.name, place_of(axes, (end.x, end.y)))
        for curve in data.curves
        for end in (curve.ends if len(data.curves) == 1 else ())
    ]
    around = [
        Rect(x - HALF, y - HALF, x + HALF, y + HALF)
        for x, y in (place_of(axes, (end.x, end.y)) for curve in data.curves for end in curve.ends)
    ]
    lines = [[place_of(axes, place) for place in stairs(curve.places)] for curve in data.curves]
    room = room_of(axes)
    heights = [place_of(axes, (0, level))[1] for _, level in data.levels]
    lines += [[(room.left, y), (room.right, y)] for y in heights]
    with in_font(canvas.look.font):
        ways = [way for line in lines[: len(data.curves)] for way in pairwise(line)]
        levels = beside(heights, [width(name, SMALL) for name, _ in data.levels], room, around, ways)
        found = placed(labels, SMALL, room, [*around, *levels], lines)
    for (name, _), rect in zip(data.levels, levels, strict=True):
        words(canvas, name, rect.centre)
    write(canvas, labels, found)


def beside(
    heights: Sequence[float],
    widths: Sequence[float],
    room: Rect,
    marks: Sequence[Rect] = (),
    ways: Sequence[tuple[Point, Point]] = (),
) -> list[Rect]:
    """The places of the names of levels: above or below the line of each, on the left or right, where nothing else is.

    That is no other level, no mark and no curve, which is given as the lines it consists of.
    """
    found: list[Rect] = []
    for y, wide in zip(heights, widths, strict=True):
        taken = [*heights, *(rect.centre[1] for rect in found)]
        lefts = (room.left + GAP, room.right - GAP - wide)
        places = [Rect(left, low, left + wide, low + SMALL) for left in lefts for low in (y + 1, y - 1 - SMALL)]
        apart = [
            rect for rect in places if within(rect, room) and not any(rect.low < other < rect.high for other in taken)
        ]
        free = (
            rect
            for rect in apart
            if not any(rect.meets(mark) for mark in marks) and not any(through(rect, *way) for way in ways)
        )
        found.append(next(free, (apart or places)[0]))
    return found


def stairs(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a line that rises in steps."""
    corners = [(after[0], before[1]) for before, after in pairwise(places)]
    return [place for pair in zip(places, [*corners, places[-1]], strict=True) for place in pair]
