"""Cost -> the stage table: for a terminal, Markdown, LaTeX, JSON, CSV, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.analysis.cost import Cost, cost
from archdsl.analysis.stage_table import CHANNELS, STRIDE, Heading, Line, StageTable, activation, printed
from archdsl.analysis.work import WORK, Work
from archdsl.ir.graph import Graph
from archdsl.ops.base import times
from archdsl.support import tables
from archdsl.support.naming import called
from archdsl.support.tables import NOTHING, YES, Column, Table, grouped, short, unit_of

if TYPE_CHECKING:
    from rich.console import Console

Cell = Callable[[Line], str]


# --- texts
def step(stride: Sequence[float] | None) -> str:
    """`2`, `2×1`, `1/2` for a map that grows; a dash where there is no map."""
    return "×".join(dict.fromkeys(map(ratio, stride))) if stride else NOTHING


def ratio(number: float) -> str:
    if 0 < number < 1:
        return f"1/{1 / number:.3g}"
    return f"{number:.3g}"


def value_text(value: Any) -> str:
    """What stands in a column of the network's own."""
    match value:
        case None:
            return NOTHING
        case bool():
            return YES if value else NOTHING
        case float():
            return f"{value:g}"
        case list() | tuple():
            return "×".join(map(value_text, value))
    return activation(value) or str(value)


def own(column: Heading) -> tuple[Column, Cell]:
    """A column that the network's tables have."""
    if column.standard == STRIDE:
        return Column(printed(column.word), right=True), lambda line: step(line.stride)
    return Column(printed(column.word), right=True), lambda line: value_text(line.value(column))


def own_columns(found: StageTable, *without: str) -> list[tuple[Column, Cell]]:
    """The columns between operator and counts; words stand left, numbers right, ticks too."""
    made = []
    for heading in found.columns:
        if heading.standard not in without or not heading.standard:
            column, cell = own(heading)
            words = any(isinstance(line.value(heading), str) for line in found.lines)
            made.append((Column(column.heading, right=not words), cell))
    return made


def title(found: Cost) -> str:
    """`PeleeNet 1.0, input 3×224×224`."""
    name = called(found.name, found.variant, found.settings)
    given = [times(shape) if len(found.inputs) == 1 else f"{key} {times(shape)}" for key, shape in found.inputs.items()]
    return f"{name}, input {', '.join(given)}"


def totals(found: Cost) -> list[str]:
    """The totals in words, the lines under the table."""
    work = ", ".join(f"{name} {getattr(found, name):,}" for name in WORK)
    reach = f"receptive field {times(found.receptive_field)}" if found.receptive_field else "no receptive field"
    values = f"params {found.params:,} ({short(found.params)}), buffers {found.buffers:,}"
    made = f"activations {found.activations:,} ({short(found.activation_bytes)}B as float32)"
    alive = f"peak {found.peak:,} ({short(found.peak_bytes)}B)"
    return [f"{values}, MACs {found.macs:,} ({short(found.macs)})", work, f"{made}, {alive}", reach]


# --- the table
def counted(name: str, heading: str = "", text: Callable[[int], str] = grouped) -> tuple[Column, Cell, str]:
    """A column of counts, named as in `Work`, which has a sum."""
    return Column(heading or name, right=True), lambda line: text(getattr(line.work, name)), name


def whole(found: Cost, counts: Sequence[tuple[Column, Cell, str]]) -> Table:
    """The table with the shape that leaves each line."""
    table = found.table
    front: list[tuple[Column, Cell]] = [
        (Column("stage"), lambda line: line.stage),
        (Column("input"), lambda line: times(line.input)),
        (Column("operator", breaks=True), lambda line: line.operator),
        *own_columns(table, CHANNELS),
        (Column("output"), lambda line: times(line.output)),
    ]
    return filled(found, table, front, counts)


def filled(
    found: Cost,
    table: StageTable,
    front: Sequence[tuple[Column, Cell]],
    counts: Sequence[tuple[Column, Cell, str]],
    text: Mapping[str, Callable[[int], str]] | None = None,
) -> Table:
    columns = [*front, *((column, cell) for column, cell, _ in counts)]
    sums = [(text or {}).get(name, grouped)(getattr(found, name)) for _, _, name in counts]
    return Table(
        title(found),
        [column for column, _ in columns],
        [[cell(line) for _, cell in columns] for line in table.lines],
        ["total", *[""] * (len(front) - 1), *sums],
        found.counted,
    )


EXACT = (counted("params"), counted("macs", "MACs"))
ROUNDED = tuple(
    counted(name, heading, lambda number: short(number) if number else "")
    for name, heading in (("params", "params"), ("macs", "MACs"))
)


# --- a terminal
def show(found: Cost, console: Console) -> None:
    """Prints the table and the totals; a narrow terminal gets rounded numbers, exact ones in the totals."""
    from rich.text import Text

    made = tables.rich_table(whole(found, EXACT))
    if tables.narrowest(made, console) > console.width:
        table = whole(found, ROUNDED)
        sums = [*table.total[:-2], short(found.params), short(found.macs)]
        made = tables.rich_table(Table(table.title, table.columns, table.rows, sums))
        console.width = max(console.width, tables.narrowest(made, console))  # rather wrapped by the terminal than cut
    console.print(Text(title(found), style="bold"), made, sep="\n")
    for text in totals(found):
        console.print(Text(text), soft_wrap=True)
    console.print(Text("counted: " + "\n         ".join(found.counted), style="dim"), soft_wrap=True)


def text(found: Cost, width: int = 120) -> str:
    """The table as plain text."""
    console, out = tables.plain_console(width)
    show(found, console)
    return out.getvalue()


# --- files
def markdown(found: Cost) -> str:
    """A GitHub table, every counted thing a column."""
    return tables.markdown(whole(found, (*EXACT, *map(counted, WORK))), totals(found))


def latex(found: Cost) -> str:
    """A booktabs tabular with the columns of the paper's: what enters, then channels, and counts in units."""
    table = found.table
    units = {"params": unit_of([found.params], "K"), "macs": unit_of([found.macs], "M")}
    counts = [
        counted(name, f"{word} ({units[name].name})", lambda n, name=name: units[name].text(n) if n else NOTHING)  # type: ignore[misc]
        for name, word in (("params", "Params"), ("macs", "MACs"))
    ]
    labels = iter(short_names(table.lines))
    front: list[tuple[Column, Cell]] = [
        (Column("Stage"), lambda _: next(labels)),
        (Column("Input"), lambda line: times(line.input)),
        (Column("Operator"), lambda line: line.main),
        *own_columns(table),
    ]
    made = filled(found, table, front, counts, {name: unit.text for name, unit in units.items()})
    exact = f"total: {found.params:,} params, {found.macs:,} MACs"
    named = Table(made.title, made.columns, made.rows, ["Total", *made.total[1:]], [exact, *found.counted])
    return tables.latex(named)


def short_names(lines: Sequence[Line]) -> list[str]:
    """The stage of each line, once: the name of a row that has one, else the stage's."""
    names = []
    for line in lines:
        parts = [part for part in line.stage.split(".") if not part.isdigit()]
        names.append(parts[-1] if parts else line.stage)
    return [name if n == 0 or name != names[n - 1] else "" for n, name in enumerate(names)]


def as_json(found: Cost) -> str:
    document = {"archdsl_cost": 1, **found.data(), "table": table_data(found.table)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def table_data(table: StageTable) -> dict[str, Any]:
    """The stage table as plain data: its columns, and each line with what stands in them."""
    words = [column.word for column in table.columns]
    lines = [
        {
            "stage": line.stage,
            "input": list(line.input),
            "operator": line.operator,
            "values": {column.word: plain(line.value(column)) for column in table.columns},
            "output": list(line.output),
            **line.work.data(),
        }
        for line in table.lines
    ]
    return {"columns": words, "lines": lines}


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def as_csv(found: Cost) -> str:
    """A line for each of the table and one of the totals; plain numbers."""
    table, sums = found.table, Work.data(found)
    words = [column for column in table.columns if not column.standard]
    header = ["stage", "input", "operator", *(column.word for column in words), "repeats", "stride", "output", *sums]
    rows: list[list[Any]] = []
    for line in table.lines:
        values = [plain_text(line.value(column)) for column in words]
        stride = step(line.stride) if line.stride else ""
        front = [line.stage, times(line.input), line.operator, *values, line.repeats, stride, times(line.output)]
        rows.append([*front, *line.work.data().values()])
    rows.append(["total", *[""] * (len(words) + 5), *sums.values()])
    return tables.as_csv(header, rows)


def plain_text(value: Any) -> Any:
    """A value of a column in a file of plain values: nothing where it does not apply."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return value_text(value) if isinstance(value, (list, tuple)) else value


def html(found: Cost) -> str:
    """The table for a notebook."""
    return tables.html(whole(found, EXACT), totals(found))


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
