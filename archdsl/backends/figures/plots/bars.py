"""Bars for the stages of networks, beside each other for each thing that is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf
from typing import TYPE_CHECKING

from archdsl.backends.figures.measure import broken, in_font, width
from archdsl.backends.figures.paper import TALL
from archdsl.backends.figures.plots.axes import place_of, room_of, words
from archdsl.backends.figures.plots.canvas import HAIR, LEAST, POINTS, SMALL, TEXT, Canvas, blank, settled
from archdsl.backends.figures.plots.data import Bars
from archdsl.backends.figures.theme import Look
from archdsl.diagnostics.faults import fault
from archdsl.support.tables import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, CLOSE = 11.0, 8.5  # points that a stage takes, and the least
HEAD = 34.0  # points above and below all of them
THICK = 0.72  # of a row, a bar
SHARE = 0.33  # of the figure's width: what the longer names of stages may take
BROKEN = 0.28  # the same of those that are broken
MOST_LINES, LEAD = 3, 8.4  # of a name that is broken; from one to the next in points
GAP = 3.0  # points between a bar and its number, and between titles
SHORT = {"Parameters": "Params", "Activations": "Act."}  # titles where there is little room


def bars(data: Bars, look: Look) -> Canvas:
    """The plot."""
    lines, row = lines_for(data, look)
    canvas = blank(replace(look, height=None), height_of(len(lines), look, row))
    panels = canvas.figure.subplots(1, len(data.axes), sharey=True, squeeze=False)[0]
    named(panels[0], lines)
    for number, axes in enumerate(panels):
        panel(canvas, axes, data, lines, number, THICK * ROW / row)
    settled(canvas, *panels)
    for number, axes in enumerate(panels):
        titled(canvas, axes, data, number)
        numbered(canvas, axes, lines, number)
    headed(canvas, panels[0], lines)
    return canvas


def height_of(count: int, look: Look, row: float) -> float:
    """Inches for so many lines: they come closer on a page, or in the height asked for, but not over each other.

    Raises `SpecError` if they would.
    """
    wanted, needed, most = max(row * count, LEAST[1]) + HEAD, least(count, row), most_of(look)
    if needed > most and wanted > most:
        message = f"{count} lines of bars need {needed / POINTS:.3g} in, and there are {most / POINTS:.3g} in"
        help = "plot fewer networks, or give a larger --height"
        raise fault("too-narrow", message, help=help)
    return min(wanted, most) / POINTS


def most_of(look: Look) -> float:
    """The points that a plot may be high."""
    return POINTS * (look.height or (TALL if look.width else inf))


def least(count: int, row: float) -> float:
    """The points that so many lines take, as close as can be."""
    return (row - ROW + CLOSE) * count + HEAD


def lines_for(data: Bars, look: Look) -> tuple[list[Line], float]:
    """The lines, and the points that each takes.

    Stages have their longer names, broken where one is too wide for its share; their own ones where that takes too many
    lines, or is too high.
    """
    found, wide = lines_of(data, worded=True), blank(replace(look, height=None), 1).size[0]
    with in_font(look.font):
        if max(width(line.name, SMALL) for line in found) <= SHARE * wide:
            return found, ROW
        parts = [broken(line.name, SMALL, BROKEN * wide) if line.numbers else [line.name] for line in found]
    most = max(map(len, parts))
    row = ROW + LEAD * (most - 1)
    if most > MOST_LINES or least(len(found), row) > most_of(look):
        return lines_of(data), ROW
    return [replace(line, name="\n".join(its)) for line, its in zip(found, parts, strict=True)], row


@dataclass(frozen=True)
class Line:
    """A stage with its numbers; without any the name of a network above its stages."""

    name: str
    group: str
    numbers: Sequence[int] = ()

    @property
    def words(self) -> str:
        """The name in one line."""
        return self.name.replace("\n", " ")


def lines_of(data: Bars, *, worded: bool = False) -> list[Line]:
    """From the top down; a lone network has no name of its own here. `worded`: with the longer names of stages."""
    found = []
    for group in data.groups:
        found += [Line(group.name, group.name)] if len(data.groups) > 1 else []
        names = group.words if worded else [name for name, _ in group.rows]
        found += [Line(name, group.name, numbers) for name, (_, numbers) in zip(names, group.rows, strict=True)]
    return found


def named(axes: Axes, lines: Sequence[Line]) -> None:
    """The names of stages, on the left."""
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), [line.name if line.numbers else "" for line in lines])


def headed(canvas: Canvas, axes: Axes, lines: Sequence[Line]) -> None:
    """The names of networks above their stages, from the left side of the figure on."""
    for place, line in enumerate(lines):
        if not line.numbers:
            words(canvas, line.name, (GAP, place_of(axes, (0, place))[1]), "left", bold=True)


def panel(canvas: Canvas, axes: Axes, data: Bars, lines: Sequence[Line], number: int, thick: float) -> None:
    """The bars of one thing that is counted."""
    paint, axis = canvas.paint(number), data.axes[number]
    counts = [line.numbers[number] for line in lines if line.numbers]
    unit = unit_of(counts)
    axes.set_title(f"{axis.name} ({unit.name})", x=0, horizontalalignment="left")
    for place, line in enumerate(lines):
        if line.numbers:
            told = f"{line.group} {line.words}: {line.numbers[number]:,} {axis.name}"
            axes.barh(
                place,
                line.numbers[number],
                thick,
                color=paint.fill,
                edgecolor=paint.line,
                linewidth=HAIR,
                gid=canvas.tell([told]),
            )
    for first, last in runs(lines):
        axes.plot((0, 0), (first - 0.5, last + 0.5), color=canvas.look.faint, linewidth=HAIR, clip_on=False)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def titled(canvas: Canvas, axes: Axes, data: Bars, number: int) -> None:
    """A shorter title above bars where the whole one would touch the next."""
    title = axes.get_title(loc="center")
    with in_font(canvas.look.font):
        if width(title, TEXT) + GAP > room_of(axes).width:
            name = data.axes[number].name
            axes.set_title(title.replace(name, SHORT.get(name, name)), x=0, horizontalalignment="left")


def runs(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """The first and last stage of each network."""
    places = [place for place, line in enumerate(lines) if line.numbers]
    for _, run in groupby(places, key=lambda place: lines[place].group):
        found = list(run)
        yield found[0], found[-1]


def numbered(canvas: Canvas, axes: Axes, lines: Sequence[Line], number: int) -> None:
    """The number at the end of each bar; the axis is as long as all of them need."""
    counts = {place: line.numbers[number] for place, line in enumerate(lines) if line.numbers}
    unit = unit_of(list(counts.values()))
    room = room_of(axes).width
    with in_font(canvas.look.font):
        wide = {place: width(unit.text(count), SMALL) + GAP for place, count in counts.items()}
    axes.set_xlim(0, max(1, *(count * room / (room - wide[place]) for place, count in counts.items())))
    for place, count in counts.items():
        x, y = place_of(axes, (count, place))
        words(canvas, unit.text(count) if count else "0", (x + GAP, y), "left")
