"""Difference -> what was changed in words, and the stages side by side: a terminal, Markdown, LaTeX, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from archdsl.analysis.cost import COUNTED
from archdsl.analysis.difference import Difference
from archdsl.backends.difference.as_data import data
from archdsl.backends.difference.stage_tables import OPERATOR, OUTPUT, STAGE, paper_table, rounded, whole
from archdsl.backends.difference.words import said, title, totals
from archdsl.support import tables
from archdsl.support.latex import ANYWHERE, Placement
from archdsl.support.latex import latex as latex_table
from archdsl.support.latex_fit import fits
from archdsl.support.resources import template
from archdsl.support.tables import Table

if TYPE_CHECKING:
    from rich.console import Console


# --- a terminal
def show(found: Difference, console: Console) -> None:
    """Prints the changes and the table; a narrow terminal gets rounded numbers, then fewer columns."""
    from rich.text import Text

    console.print(Text(title(found), style="bold"))
    for line in said(found):
        console.print(Text(f"  {line}"), soft_wrap=True)
    if found.is_empty:
        return
    tries = (whole(found), whole(found, rounded), whole(found, rounded, back=()))
    made = [tables.rich_table(table) for table in tries]
    fitting = next((table for table in made if tables.narrowest(table, console) <= console.width), made[-1])
    console.width = max(console.width, tables.narrowest(fitting, console))  # rather wrapped by the terminal than cut
    console.print(Text(), fitting, sep="\n")
    for line in totals(found):
        console.print(Text(line), soft_wrap=True)


def text(found: Difference, width: int = 120) -> str:
    """The same as plain text."""
    console, out = tables.plain_console(width)
    show(found, console)
    return out.getvalue()


# --- files
def markdown(found: Difference) -> str:
    """The changes as a list, then the table with the totals below it."""
    lines = "\n".join(f"- {tables.mark_escape(line)}" for line in said(found))
    return f"**{tables.mark_escape(title(found))}**\n\n{lines}\n\n{tables.markdown(whole(found), totals(found))}"


def latex(found: Difference, placement: Placement = ANYWHERE) -> str:
    """A booktabs tabular of the stages, counts in units; the changes are comments below it."""
    table = paper_table(found)
    if placement.width is not None:
        names = OPERATOR if all(name for name, *_ in table.rows) else STAGE  # the rows are told apart by the other
        tries = [table, without(table, [OUTPUT]), without(table, [names, OUTPUT])]
        table = next((one for one in tries if fits(one, placement.width)), tries[-1])
    return latex_table(table, placement)


def without(table: Table, keys: Collection[str]) -> Table:
    """A narrower table: some columns are left out."""
    kept = [place for place, column in enumerate(table.columns) if column.key not in keys]
    rows, totals = ([[row[place] for place in kept] for row in part] for part in (table.rows, table.totals))
    if STAGE in keys:
        totals = [["Total", *row[1:]] for row in totals]
    return replace(table, columns=[table.columns[place] for place in kept], rows=rows, totals=totals)


def as_json(found: Difference) -> str:
    return json.dumps(data(found), indent=2, ensure_ascii=False) + "\n"


def html(found: Difference) -> str:
    """The changes and the table for a notebook."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in said(found))
    return f"<ul>{lines}</ul>{tables.html(whole(found), totals(found))}"


def page(found: Difference, figure: str) -> str:
    """A page of its own that loads nothing: the changes, the stages in the colours of the figure, the figure."""
    table = whole(found)
    sides = ["right" if column.right else "left" for column in table.columns]
    rows = zip(found.rows, table.rows, strict=True)
    return template(
        "difference.html.jinja",
        title=title(found),
        said=said(found),
        figure=figure[figure.index("<svg") :],
        header=[*zip(table.header, sides, strict=True)],
        rows=[(row.status, [*zip(cells, sides, strict=True)]) for row, cells in rows],
        total=[*zip(table.totals[0], sides, strict=True)],
        totals=totals(found),
        counted=COUNTED,
    )


FORMATS: dict[str, Callable[[Difference], str]] = {
    "text": text,
    "md": markdown,
    "latex": latex,
    "json": as_json,
}

__all__ = ["FORMATS", "as_json", "data", "html", "latex", "markdown", "page", "show", "text"]
