"""Cost -> the stage table: for a terminal, Markdown, LaTeX, JSON, CSV, HTML."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from archdsl.counting import COUNTED, WORK, Cost, StageCost, Work, cost
from archdsl.graph import Graph
from archdsl.ops.base import Shape
from archdsl.resources import template

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Heading, side, and the cell of a line.
Column = tuple[str, str, Callable[[StageCost], str]]


def grouped(number: int) -> str:
    """`2,802,248`; nothing for none."""
    return f"{number:,}" if number else ""


def size(shape: Shape) -> str:
    """`3×224×224`."""
    return "×".join(map(str, shape))


def step(stride: Sequence[float] | None) -> str:
    """`2`, `2×1`, `1/2` for a map that grows; nothing where there is no map."""
    return "×".join(dict.fromkeys(map(ratio, stride))) if stride else ""


def ratio(number: float) -> str:
    if 0 < number < 1:
        return f"1/{1 / number:.3g}"
    return f"{number:.3g}"


COLUMNS: tuple[Column, ...] = (
    ("stage", "l", lambda row: row.name),
    ("input", "l", lambda row: size(row.input)),
    ("operator", "l", lambda row: row.operator),
    ("n", "r", lambda row: str(row.repeats)),
    ("stride", "r", lambda row: step(row.stride)),
    ("output", "l", lambda row: size(row.output)),
    ("params", "r", lambda row: grouped(row.params)),
    ("MACs", "r", lambda row: grouped(row.macs)),
)


def work_column(name: str) -> Column:
    """The column of one kind of work."""
    return name, "r", lambda row: grouped(getattr(row, name))


WORK_COLUMNS = tuple(map(work_column, WORK))


def total_row(found: Cost, columns: Sequence[Column]) -> list[str]:
    """The last line: sums under the columns of numbers."""
    sums: dict[str, int] = {"params": found.params, "MACs": found.macs} | {name: getattr(found, name) for name in WORK}
    return ["total", *(grouped(sums.get(heading, 0)) for heading, _, _ in columns[1:])]


def cells(found: Cost, columns: Sequence[Column]) -> list[list[str]]:
    return [[cell(row) for _, _, cell in columns] for row in found.stages]


def title(found: Cost) -> str:
    """`PeleeNet 1.0, input 3×224×224`."""
    name = " ".join(filter(None, (found.name, found.variant)))
    given = [size(shape) if len(found.inputs) == 1 else f"{key} {size(shape)}" for key, shape in found.inputs.items()]
    return f"{name}, input {', '.join(given)}"


def totals(found: Cost) -> list[str]:
    """The totals in words, the lines under the table."""
    work = ", ".join(f"{name} {getattr(found, name):,}" for name in WORK)
    reach = f"receptive field {size(found.receptive_field)}" if found.receptive_field else "no receptive field"
    values = f"params {found.params:,} ({short(found.params)}), buffers {found.buffers:,}"
    made = f"activations {found.activations:,} ({short(found.activation_bytes)}B as float32)"
    alive = f"peak {found.peak:,} ({short(found.peak_bytes)}B)"
    return [f"{values}, MACs {found.macs:,} ({short(found.macs)})", work, f"{made}, {alive}", reach]


def short(number: int) -> str:
    """`507.8 M`, `0.5 k`: four figures and a unit."""
    for factor, unit in ((10**9, "G"), (10**6, "M")):
        if number >= factor:
            return f"{number / factor:.4g} {unit}"
    return f"{number / 1000:.4g} k"


# --- a terminal
COMPACT: dict[str, Column] = {
    "stride": ("s", "r", lambda row: step(row.stride)),
    "params": ("params", "r", lambda row: short(row.params) if row.params else ""),
    "MACs": ("MACs", "r", lambda row: short(row.macs) if row.macs else ""),
}


def show(found: Cost, console: Console) -> None:
    """Prints the table and the totals; a narrow terminal gets rounded numbers, exact ones in the totals."""
    from rich.text import Text

    sums = total_row(found, COLUMNS)
    made = table(COLUMNS, cells(found, COLUMNS), sums)
    if narrowest(made, console) > console.width:
        columns = [COMPACT.get(column[0], column) for column in COLUMNS]
        sums[-2:] = [short(found.params), short(found.macs)]
        made = table(columns, cells(found, columns), sums)
        console.width = max(console.width, narrowest(made, console))  # rather wrapped by the terminal than cut
    console.print(Text(title(found), style="bold"), made, sep="\n")
    for text in totals(found):
        console.print(Text(text), soft_wrap=True)
    console.print(Text("counted: " + "\n         ".join(COUNTED), style="dim"), soft_wrap=True)


def narrowest(made: Table, console: Console) -> int:
    """The columns of a terminal that a table needs."""
    return console.measure(made, options=console.options.update(width=10_000)).minimum


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], sums: Sequence[str]) -> Table:
    """The lines for a terminal: the operator takes as many lines as it needs, nothing else is broken."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, show_footer=True, pad_edge=False, collapse_padding=True)
    for (heading, side, _), *texts in zip(columns, sums, *rows, strict=True):
        operator = heading == "operator"
        made.add_column(
            heading,
            Text(texts[0]),
            justify="right" if side == "r" else "left",
            no_wrap=not operator,
            overflow="fold",
            min_width=16 if operator else max(map(len, (heading, *texts))),
        )
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def text(found: Cost, width: int = 120) -> str:
    """The table as plain text."""
    from rich.console import Console

    out = io.StringIO()
    show(found, Console(file=out, width=width, color_system=None))
    return out.getvalue()


# --- files
def markdown(found: Cost) -> str:
    """A GitHub table, every counted thing a column."""
    columns = COLUMNS + WORK_COLUMNS
    rows = [[mark_escape(cell) for cell in row] for row in cells(found, columns)]
    return template(
        "table.md.jinja",
        header=[heading for heading, _, _ in columns],
        align=[side for _, side, _ in columns],
        rows=rows,
        total=[f"**{cell}**" if cell else "" for cell in total_row(found, columns)],
        totals=totals(found),
        notes=COUNTED,
    )


def mark_escape(cell: str) -> str:
    """Text with no meaning to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(cell.split()))


def latex(found: Cost) -> str:
    """A booktabs tabular."""
    return template(
        "table.tex.jinja",
        title=" ".join(title(found).split()),
        align="".join(side for _, side, _ in COLUMNS),
        header=[tex_escape(heading) for heading, _, _ in COLUMNS],
        rows=[[tex_escape(cell) for cell in row] for row in cells(found, COLUMNS)],
        total=[tex_escape(cell) for cell in total_row(found, COLUMNS)],
        notes=COUNTED,
    )


_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "…": r"\dots{}",
    "−": r"$-$", "·": r"$\cdot$", "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}",
} | {mark: rf"\{mark}" for mark in "&%$#_{}"}  # fmt: skip


def tex_escape(cell: str) -> str:
    r"""Text with no meaning to TeX; brackets in braces, for `\\` before one would read it as its argument."""
    return "".join(_TEX.get(mark, mark) for mark in " ".join(cell.split()))


def as_json(found: Cost) -> str:
    return json.dumps(found.data(), indent=2, ensure_ascii=False) + "\n"


def as_csv(found: Cost) -> str:
    """A line a stage and one of the totals; plain numbers."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    sums = Work.data(found)
    head = ["stage", "input", "operator", "repeats", "stride", "output", *sums]
    table.writerow(head)
    for row in found.stages:
        shown = row.data() | {"input": size(row.input), "output": size(row.output), "stride": step(row.stride)}
        table.writerow([formula_safe(shown[key]) for key in head])
    table.writerow(["total", "", "", "", "", "", *sums.values()])
    return out.getvalue()


def formula_safe(cell: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def html(found: Cost) -> str:
    """The table for a notebook."""

    def row(cells: Sequence[str], tag: str = "td") -> str:
        sides = ("right" if side == "r" else "left" for _, side, _ in COLUMNS)
        joined = "".join(
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for cell, side in zip(cells, sides, strict=True)
        )
        return f"<tr>{joined}</tr>"

    body = "".join(row(line) for line in cells(found, COLUMNS))
    head, foot = row([heading for heading, _, _ in COLUMNS], "th"), row(total_row(found, COLUMNS), "th")
    below = "<br>".join(map(escape, totals(found)))
    return (
        f"<table><caption>{escape(title(found))}</caption><thead>{head}</thead><tbody>{body}</tbody>"
        f"<tfoot>{foot}</tfoot></table><p>{below}</p>"
    )


FORMATS: dict[str, Callable[[Cost], str]] = {
    "text": text,
    "md": markdown,
    "latex": latex,
    "json": as_json,
    "csv": as_csv,
}


def emit(graph: Graph) -> str:
    """The back end `cost`: the Markdown table."""
    return markdown(cost(graph))


__all__ = ["FORMATS", "Cost", "cost", "emit", "html", "show", "totals"]
