"""Plots of networks: accuracy against cost, bars by stage, receptive fields; data -> axes -> every format."""

from __future__ import annotations

from archdsl.backends.figures import still
from archdsl.backends.figures.plots.bars import bars
from archdsl.backends.figures.plots.canvas import Canvas, as_svg, saved, styled
from archdsl.backends.figures.plots.curves import curves
from archdsl.backends.figures.plots.data import Axis, Bars, Curve, Curves, Data, Group, Mark, Scatter, Series
from archdsl.backends.figures.plots.scatter import scatter
from archdsl.backends.figures.theme import Look
from archdsl.diagnostics.faults import fault
from archdsl.support.naming import did_you_mean

__all__ = [
    "FORMATS",
    "Axis",
    "Bars",
    "Canvas",
    "Curve",
    "Curves",
    "Data",
    "Group",
    "Look",
    "Mark",
    "Scatter",
    "Series",
    "canvas",
    "plot",
]

FORMATS = ("svg", "pdf", "png", "tikz", "html")


def plot(data: Data, format: str = "svg", look: Look | None = None) -> tuple[bytes | str, int]:
    """The plot in a format: bytes for pdf and png, text for all others; and how many labels found no room."""
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS) or f"choose from {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no plot format '{format}'", help=hint)
    look = look or Look()
    check_look(look, format)
    with styled(look):
        made = canvas(data, look)
        return written(made, data, format), made.left_out


def check_look(look: Look, format: str) -> None:
    """LaTeX sets words in its own font."""
    if format == "tikz" and look.font != Look.font:
        raise fault("bad-call", "tikz does not take 'font'", help="the plot is set in the font of the paper")


def canvas(data: Data, look: Look) -> Canvas:
    """The plot as a figure of Matplotlib; it is made and saved in its settings (`styled`)."""
    match data:
        case Scatter():
            return scatter(data, look)
        case Curves():
            return curves(data, look)
        case Bars():
            return bars(data, look)


def written(made: Canvas, data: Data, format: str) -> bytes | str:
    """The plot as a file."""
    if format == "svg":
        return as_svg(made, data.title)
    if format == "tikz":
        from archdsl.backends.figures.plots.as_tikz import tikz

        return tikz(made, data.title)
    if format == "html":
        return still.page(data.title, as_svg(made, data.title), made.size[0], made.look, data.table())
    return saved(made, format, data.title)
