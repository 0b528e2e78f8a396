"""A figure as a page of its own, which does not move: its parts say what they are, and a table may have its numbers."""

from __future__ import annotations

from archdsl.backends.figures.theme import Look
from archdsl.support.resources import template
from archdsl.support.tables import Table

ENLARGED = 0.16  # rem a point: the smallest words of a figure are about as large as those around it, at most
LEGIBLE = 0.09  # rem a point: they have 10 pixels, and the figure is scrolled where that is too wide for the screen


def page(title: str, figure: str, width: float, look: Look, table: Table | None = None) -> str:
    """The page around a figure in SVG that is so many points wide where its smallest words have 7; it loads nothing."""
    sides = ["right" if column.right else "left" for column in table.columns] if table else []
    return template(
        "still.html.jinja",
        title=title,
        figure=figure,
        width=round(width * ENLARGED, 1),
        least=round(width * LEGIBLE, 1),
        header=[*zip(table.header, sides, strict=True)] if table else [],
        rows=[[*zip(cells, sides, strict=True)] for cells in table.rows] if table else [],
        notes=table.notes if table else [],
        ground=look.ground,
        ink=look.ink,
        faint=look.faint,
        scheme=look.theme,
    )
