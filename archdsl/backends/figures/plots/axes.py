"""What all plots do with their axes: ranges, ticks, legends, and labels at their places."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, hypot, log10
from typing import TYPE_CHECKING, Literal, TypeAlias

from archdsl.backends.figures.measure import NAMES, broken, in_font, width
from archdsl.backends.figures.plots.canvas import FINE, POINTS, SMALL, Canvas
from archdsl.backends.figures.plots.labels import Spot, Wanted
from archdsl.backends.figures.strip.plan import Point, Rect

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Side: TypeAlias = Literal["x", "y"]
DECADE = 8.0  # the least ratio of the largest number to the smallest for which an axis is logarithmic
ENTRY = 24.0  # points of an entry of a legend beside its words
HALF = 2.7  # points, of a mark
AIR = 0.08  # beside the numbers, as a part of what they span
PARTS = ((1, 2, 5), (1, 3), (1,))  # of a power of ten: where a logarithmic axis has ticks
TICKS = 7  # at most
CLEAR = 0.5  # points around words behind which no line is seen


def ranged(axes: Axes, side: Side, numbers: Sequence[float], *, long: bool = False) -> None:
    """An axis that holds the numbers with some air around them; a `long` one of far numbers is logarithmic."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    low, high = min(numbers), max(numbers)
    scale, limits, axis = (
        (axes.set_xscale, axes.set_xlim, axes.xaxis) if side == "x" else (axes.set_yscale, axes.set_ylim, axes.yaxis)
    )
    if long and low > 0 and high / low >= DECADE:
        scale("log")
        air = (high / low) ** AIR
        low, high = low / air, high * air
        axis.set_ticks(decades(low, high))
        axis.set_minor_locator(NullLocator())
    else:
        whole = all(float(number).is_integer() for number in numbers)  # of what is counted there are no halves
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=whole))
        air = AIR * (high - low) or AIR * abs(high) or 1
        low, high = low - air, high + air
    limits(low, high)
    axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.6g}"))


def decades(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis, not too many of them."""
    powers = [10.0**n for n in range(floor(log10(low)), ceil(log10(high)) + 1)]
    found: list[float] = []
    for parts in PARTS:
        found = [part * power for power in powers for part in parts if low <= part * power <= high]
        if len(found) <= TICKS:
            break
    return found


def named(canvas: Canvas, lines: Sequence[Line2D]) -> None:
    """A legend above the axes, in as many columns as there is room for."""
    with in_font(canvas.look.font):
        for line in lines:
            line.set_label("\n".join(broken(str(line.get_label()), SMALL, canvas.size[0] - ENTRY, NAMES)))
        entry = ENTRY + max(width(part, SMALL) for line in lines for part in str(line.get_label()).split("\n"))
    columns = max(1, min(len(lines), int(canvas.size[0] / entry)))
    canvas.figure.legend(handles=list(lines), loc="outside upper center", ncols=columns)


def place_of(axes: Axes, point: Point) -> Point:
    """Where a point of the data stands in the figure, in points from its lower left corner."""
    x, y = axes.transData.transform(point)
    scale = POINTS / axes.figure.dpi
    return float(x * scale), float(y * scale)


def room_of(axes: Axes) -> Rect:
    """The axes in the figure, in points."""
    box = axes.get_window_extent()
    scale = POINTS / axes.figure.dpi
    return Rect(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)


def write(canvas: Canvas, labels: Sequence[Wanted], spots: Sequence[Spot | None]) -> None:
    """The labels at their places, with lines to those that stand off; counts those without a place."""
    from matplotlib.lines import Line2D

    across, down = canvas.size
    for label, spot in zip(labels, spots, strict=True):
        if spot is None:
            canvas.left_out += 1
            continue
        if spot.end is not None:
            (x, y), (to_x, to_y) = outside(label.at, spot.end), spot.end
            line = Line2D(
                [x / across, to_x / across],
                [y / down, to_y / down],
                linewidth=FINE,
                color=canvas.look.faint,
                zorder=1.5,
            )
            canvas.figure.add_artist(line)
        words(canvas, label.words, spot.rect.centre, over=True)


def outside(mark: Point, end: Point) -> Point:
    """Where a line from a mark to a label leaves the mark."""
    part = HALF / max(HALF, hypot(end[0] - mark[0], end[1] - mark[1]))
    return mark[0] + part * (end[0] - mark[0]), mark[1] + part * (end[1] - mark[1])


def words(
    canvas: Canvas,
    text: str,
    at: Point,
    side: Literal["left", "center"] = "center",
    *,
    bold: bool = False,
    over: bool = False,
) -> None:
    """Words in the figure, at a place in points; `over` lines, which are not seen behind them."""
    across, down = canvas.size
    weight = "bold" if bold else "normal"
    made = canvas.figure.text(
        at[0] / across, at[1] / down, text, ha=side, va="center", fontsize=SMALL, fontweight=weight
    )
    if over:
        made.set_bbox({"facecolor": canvas.look.ground, "edgecolor": "none", "pad": CLEAR})
