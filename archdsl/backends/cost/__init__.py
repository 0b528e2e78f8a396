"""Cost -> the stage table: for a terminal, Markdown, JSON, CSV, HTML; `paper` has the one in LaTeX."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.analysis.cost import Claim, Cost, cost
from archdsl.analysis.stage_table import CHANNELS, STRIDE, Heading, Line, StageTable, activation
from archdsl.analysis.work import WORK, Work
from archdsl.ir.graph import Graph
from archdsl.ops.base import times
from archdsl.support import tables
from archdsl.support.latex import ANYWHERE, Placement, expect_format
from archdsl.support.naming import called
from archdsl.support.tables import NOTHING, YES, Column, Table, grouped, milliseconds, once, short

if TYPE_CHECKING:
    from rich.console import Console

Cell = Callable[[Line], str]
HEADINGS = {"params": "params", "macs": "MACs"}


# --- texts
def step(stride: Sequence[float] | None) -> str:
    """`2`, `2×1`, `1×2×2`, `1/2` for a map that grows; a dash where there is no map."""
    if not stride:
        return NOTHING
    return "×".join(map(ratio, stride if len(set(stride)) > 1 else stride[:1]))


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


def own_columns(found: StageTable) -> dict[Heading, Item]:
    """The columns between operator and counts; words stand left, numbers right, ticks too."""
    shown = [heading for heading in found.columns if not heading.hidden]
    return {heading: Item(own_column(heading, found), cell_of(heading)) for heading in shown}


def own_column(heading: Heading, found: StageTable) -> Column:
    words = any(isinstance(line.value(heading), str) for line in found.lines)
    return Column(heading.text, right=not words, key=heading.word)


def cell_of(heading: Heading) -> Cell:
    if heading.standard == STRIDE:
        return lambda line: step(line.stride)
    return lambda line: value_text(line.value(heading))


def title(found: Cost) -> str:
    """`PeleeNet 1.0, input 3×224×224`."""
    name = called(found.name, found.variant, found.settings)
    given = [times(shape) if len(found.inputs) == 1 else f"{key} {times(shape)}" for key, shape in found.inputs.items()]
    return f"{name}, input {', '.join(given)}"


def totals(found: Cost) -> list[str]:
    """The totals in words, the lines under the table."""
    latency = found.latency
    timed = [] if latency is None else [f"latency {milliseconds(latency.total_ms)(latency.total_ms)} ms"]
    work = ", ".join(f"{name} {getattr(found, name):,}" for name in WORK)
    reach = f"receptive field {times(found.receptive_field)}" if found.receptive_field else "no receptive field"
    values = f"params {both(found.params)}, buffers {found.buffers:,}"
    made = f"activations {found.activations:,} ({short(found.activation_bytes, 'B')} as float32)"
    alive = f"peak {found.peak:,} ({short(found.peak_bytes, 'B')})"
    counts = f"{values}, MACs {both(found.macs)}"
    return [counts, work, f"{made}, {alive}", reach, *timed, *published(found.published)]


def both(number: int) -> str:
    """`5,483,032 (5.483 M)`; a number that is short as it is alone."""
    exact, brief = f"{number:,}", short(number)
    return exact if brief == exact else f"{exact} ({brief})"


def published(claim: Claim) -> list[str]:
    """What was published of the network, a line; or the form of it that something was published of."""
    if claim.elsewhere is not None:
        return [f"published numbers are of the form '{claim.elsewhere}': --form {claim.elsewhere} shows them"]
    counts = [f"{HEADINGS[name]} {amount.text}" for name, amount in claim.counts.items()]
    accuracy = [f"top-1 {claim.top1:g} %"] if claim.top1 is not None else []
    return [f"published: {', '.join([*counts, *accuracy])} ({claim.source})"] if counts or accuracy else []


# --- the table
@dataclass(frozen=True)
class Item:
    """A column of the stage table: its cell in a line, and in the line of totals."""

    column: Column
    cell: Cell
    total: str = ""
    published: str = ""  # the total as published, where it differs


def counted(found: Cost, name: str, heading: str = "", text: Callable[[int], str] = grouped) -> Item:
    """A column of counts, named as in `Work`, which has a sum."""
    column = Column(heading or name, right=True, key=name)
    return Item(column, lambda line: text(getattr(line.work, name)), text(getattr(found, name)))


def latencies(found: Cost, heading: str) -> list[Item]:
    """The column of latencies, if there are any."""
    if found.latency is None:
        return []
    total = found.latency.total_ms
    text = milliseconds(total)
    column = Column(f"{heading} (ms)", right=True, key="latency")
    return [Item(column, lambda line: text(line.latency_ms or 0), text(total))]


def whole(found: Cost, counts: Sequence[Item], names: Sequence[str] = (), *, paths: bool = False) -> Table:
    """The table with the shape that leaves each line, and these counts; or with the columns named.

    A stage stands in its first line; with `paths` in each, as commands take it (`bnecks.0`).
    """
    table = found.table
    places = iter(once([line.place for line in table.lines]))
    stage = Item(Column("stage", key="stage"), lambda line: line.stage if paths else next(places))
    entering = Item(Column("input", key="input"), lambda line: times(line.input))
    operator = Item(Column("operator", breaks=True, key="operator"), lambda line: line.operator)
    leaving = Item(Column("output", key="output"), lambda line: times(line.output))
    own = own_columns(table)
    others = [counted(found, name) for name in WORK if name not in {item.column.key for item in counts}]
    timed = latencies(found, "latency")
    known = [stage, entering, operator, *own.values(), leaving, *counts, *timed, *others]
    shown = [item for heading, item in own.items() if heading.standard != CHANNELS]
    return filled(
        title(found),
        table,
        picked(known, names) if names else [stage, entering, operator, *shown, leaving, *counts, *timed],
        found.counted,
    )


def picked(known: Sequence[Item], names: Sequence[str]) -> list[Item]:
    """The columns of these names."""
    return tables.chosen(known, names, lambda item: item.column)


def filled(title: str, table: StageTable, items: Sequence[Item], notes: Sequence[str], total: str = "total") -> Table:
    """The columns with the lines of the table, the totals, and those published where they differ."""
    sums = named_sums(total, [item.total for item in items])
    told = named_sums("Published", [item.published for item in items])
    return Table(
        title,
        [item.column for item in items],
        [[item.cell(line) for item in items] for line in table.lines],
        [row for row in (sums, told) if row],
        notes,
    )


def named_sums(name: str, sums: list[str]) -> list[str]:
    """A row of totals, whose name stands in the first column that has none; no row if there is no total."""
    place = next((n for n, text in enumerate(sums) if not text), None)
    if not any(sums):
        return []
    return sums if place is None else [*sums[:place], name, *sums[place + 1 :]]


def exact(found: Cost) -> list[Item]:
    return [counted(found, name, heading) for name, heading in HEADINGS.items()]


def rounded(found: Cost) -> list[Item]:
    return [counted(found, name, heading, lambda n: short(n) if n else "") for name, heading in HEADINGS.items()]


# --- a terminal
def show(found: Cost, console: Console, names: Sequence[str] = ()) -> None:
    """Prints the table and the totals; a narrow terminal gets rounded numbers, exact ones in the totals."""
    from rich.text import Text

    made = tables.rich_table(whole(found, exact(found), names, paths=True))
    if tables.narrowest(made, console) > console.width:
        made = tables.rich_table(whole(found, rounded(found), names, paths=True))
        console.width = max(console.width, tables.narrowest(made, console))  # rather wrapped by the terminal than cut
    console.print(Text(title(found), style="bold"), made, sep="\n")
    for text in totals(found):
        console.print(Text(text), soft_wrap=True)
    console.print(Text("counted: " + "\n         ".join(found.counted), style="dim"), soft_wrap=True)


def text(found: Cost, width: int = 120, names: Sequence[str] = ()) -> str:
    """The table as plain text."""
    console, out = tables.plain_console(width)
    show(found, console, names)
    return out.getvalue()


# --- files
def markdown(found: Cost, names: Sequence[str] = ()) -> str:
    """A GitHub table, every counted thing a column unless columns are named."""
    counts = [*exact(found), *(counted(found, name) for name in WORK)]
    return tables.markdown(whole(found, counts, names), totals(found))


def as_json(found: Cost) -> str:
    document = {"archdsl_cost": 1, **found.data(), **found.published.data(), "table": table_data(found.table)}
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
            **({} if line.latency_ms is None else {"latency_ms": line.latency_ms}),
        }
        for line in table.lines
    ]
    return {"columns": words, "lines": lines}


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def as_csv(found: Cost) -> str:
    """A line for each of the table and one of the totals; plain numbers."""
    table, sums = found.table, Work.data(found)
    timed = {} if found.latency is None else {"latency_ms": found.latency.total_ms}
    words = [column for column in table.columns if not column.standard]
    header = [
        "stage",
        "input",
        "operator",
        *(column.word for column in words),
        "repeats",
        "stride",
        "output",
        *sums,
        *timed,
    ]
    rows: list[list[Any]] = []
    for line in table.lines:
        values = [plain_text(line.value(column)) for column in words]
        stride = step(line.stride) if line.stride else ""
        front = [line.stage, times(line.input), line.operator, *values, line.repeats, stride, times(line.output)]
        rows.append([*front, *line.work.data().values(), *([line.latency_ms] if timed else [])])
    rows.append(["total", *[""] * (len(words) + 5), *sums.values(), *timed.values()])
    return tables.as_csv(header, rows)


def plain_text(value: Any) -> Any:
    """A value of a column in a file of plain values: nothing where it does not apply."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return value_text(value) if isinstance(value, (list, tuple)) else value


def html(found: Cost) -> str:
    """The table for a notebook."""
    return tables.html(whole(found, exact(found)), totals(found))


FORMATS = ("text", "md", "latex", "json", "csv")


def written(found: Cost, form: str, columns: Sequence[str] = (), placement: Placement = ANYWHERE) -> str:
    """The table in a format; columns and a placement are for those that people read."""
    from archdsl.backends.cost.paper import latex

    expect_format(form, FORMATS, columns, placement)
    match form:
        case "text":
            return text(found, names=columns)
        case "md":
            return markdown(found, columns)
        case "latex":
            return latex(found, columns, placement)
        case "json":
            return as_json(found)
    return as_csv(found)


def emit(graph: Graph) -> str:
    """The back end `cost`: the Markdown table."""
    return markdown(cost(graph))


__all__ = ["FORMATS", "Cost", "cost", "emit", "html", "show", "totals", "written"]
