"""A scatter plot of networks: a colour and a marker for each family, a line through those that no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.backends.figures.measure import in_font
from archdsl.backends.figures.plots.axes import HALF, named, place_of, ranged, room_of, write
from archdsl.backends.figures.plots.canvas import LINE, MARKERS, SMALL, Canvas, blank, high, settled
from archdsl.backends.figures.plots.data import Mark, Scatter, front
from archdsl.backends.figures.plots.labels import Wanted, placed
from archdsl.backends.figures.strip.plan import Rect
from archdsl.backends.figures.theme import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

ASPECT = 0.8  # of height and width


def scatter(data: Scatter, look: Look) -> Canvas:
    """The plot."""
    canvas = blank(look, high(look, ASPECT))
    axes = canvas.figure.subplots()
    marks = [mark for series in data.series for mark in series.marks]
    ranged(axes, "x", [mark.x / data.x.factor for mark in marks], long=True)
    ranged(axes, "y", [mark.y / data.y.factor for mark in marks])
    axes.set(xlabel=data.x.title, ylabel=data.y.title)
    best = front(marks)
    if len(best) > 1:
        points = [coordinates(data, mark) for mark in best]
        axes.plot(*zip(*points, strict=True), color=look.faint, linewidth=LINE, linestyle=(0, (3, 2)), zorder=1)
    drawn = [series_drawn(canvas, axes, data, number) for number in range(len(data.series))]
    legend(canvas, data, drawn)
    settled(canvas, axes)
    labelled(canvas, axes, data, best)
    return canvas


def legend(canvas: Canvas, data: Scatter, drawn: Sequence[Line2D]) -> None:
    """The families, where there are several and their names do not stand at their marks."""
    several = [line for line, series in zip(drawn, data.series, strict=True) if len(series.marks) > 1]
    wanted = canvas.look.legend
    if wanted or (wanted is None and several and len(drawn) > 1):
        named(canvas, several or drawn)


def coordinates(data: Scatter, mark: Mark) -> tuple[float, float]:
    return mark.x / data.x.factor, mark.y / data.y.factor


def series_drawn(canvas: Canvas, axes: Axes, data: Scatter, number: int) -> Line2D:
    series, paint = data.series[number], canvas.paint(number)
    told = [f"{series.name} {mark.name}: {data.x.text(mark.x)}, {data.y.text(mark.y)}" for mark in series.marks]
    points = [coordinates(data, mark) for mark in series.marks]
    (line,) = axes.plot(
        *zip(*points, strict=True),
        linestyle="none",
        marker=MARKERS[number % len(MARKERS)],
        color=paint.line,
        markerfacecolor=paint.fill,
        markeredgewidth=0.9,
        label=series.name,
        clip_on=False,
        gid=canvas.tell(told),
    )
    return line


def labelled(canvas: Canvas, axes: Axes, data: Scatter, best: Sequence[Mark]) -> None:
    """The variant beside each mark; of a family that has only one network its name."""
    labels = [
        Wanted(
            mark.name if len(series.marks) > 1 or mark.name == series.name else f"{series.name} {mark.name}",
            place_of(axes, coordinates(data, mark)),
            mark not in best,
        )
        for series in data.series
        for mark in series.marks
    ]
    around = [Rect(x - HALF, y - HALF, x + HALF, y + HALF) for x, y in (label.at for label in labels)]
    line = [place_of(axes, coordinates(data, mark)) for mark in best]
    with in_font(canvas.look.font):
        found = placed(labels, SMALL, room_of(axes), around, [line])
    write(canvas, labels, found)
