"""A plot as a page of its own: the figure, whose parts say what they are, and the table of its numbers."""

from __future__ import annotations

from archdsl.backends.figures.plots.canvas import Canvas, as_svg
from archdsl.backends.figures.plots.data import Data
from archdsl.support.resources import template

ENLARGED = 0.16  # rem a point: the smallest words of a plot are about as large as those around it, at most


def page(made: Canvas, data: Data) -> str:
    """The page, which loads nothing."""
    table = data.table()
    sides = ["right" if column.right else "left" for column in table.columns]
    return template(
        "plot.html.jinja",
        title=data.title,
        figure=as_svg(made, data.title),
        width=round(made.size[0] * ENLARGED, 1),
        header=[*zip(table.header, sides, strict=True)],
        rows=[[*zip(cells, sides, strict=True)] for cells in table.rows],
        notes=table.notes,
        ground=made.look.ground,
        ink=made.look.ink,
        faint=made.look.faint,
        scheme=made.look.theme,
    )
