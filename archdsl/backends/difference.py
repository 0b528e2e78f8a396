"""Difference -> what was changed in words, and the stages side by side: a terminal, Markdown, LaTeX, JSON, HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from archdsl.analysis.cost import COUNTED, Cost, StageCost
from archdsl.analysis.difference import FORMAT, Difference, Side
from archdsl.analysis.difference.stages import Row, Stage
from archdsl.analysis.difference.statements import ARROW, Statement
from archdsl.ops.base import times
from archdsl.support import tables
from archdsl.support.latex import ANYWHERE, Placement
from archdsl.support.latex import latex as latex_table
from archdsl.support.latex_fit import fits
from archdsl.support.resources import template
from archdsl.support.tables import NOTHING, Column, Table, Unit, grouped, milliseconds, short, unit_of

if TYPE_CHECKING:
    from rich.console import Console

Cell = Callable[[Row], str]
MARKS = {"same": "", "changed": "~", "added": "+", "removed": "−"}
COUNTS = {"params": "params", "macs": "MACs", "activations": "activations"}
SAME = "nothing was changed: both are the same network"
NAMES_ALONE = "both are the same network, by other words"
OTHER_START = "both are the same network, initialised in another way"
UNTOLD = "the same ops, wired in another way"


# --- words
def title(found: Difference) -> str:
    """`PeleeNet 1.0 → PeleeNet 1.0, growth=24`."""
    return f"{found.before.name} {ARROW} {found.after.name}"


def said(found: Difference) -> list[str]:
    """The statements; of networks that are the same, that they are."""
    lines = [str(statement) for statement in found.changes]
    if found.is_empty:
        kinds = {change.kind for statement in found.changes for change in statement.changes}
        return [SAME if not lines else OTHER_START if "init" in kinds else NAMES_ALONE, *lines]
    return lines or [UNTOLD]


def both(before: str, after: str) -> str:
    """Two texts, or the one that both are."""
    if before == after or not before:
        return after
    return f"{before} {ARROW} {after}" if after else before


def signed(number: float, text: Callable[..., str] = grouped) -> str:
    """`+1,234`; nothing for none."""
    if not number:
        return ""
    return f"{'+' if number > 0 else '−'}{text(abs(number))}"


def percent(before: float, after: float) -> str:
    """` (−12.5 %)`; nothing where there is none to compare with, or no difference."""
    return f" ({after / before - 1:+.1%})".replace("%", " %").replace("-", "−") if before and before != after else ""


def field(size: tuple[int, ...] | None) -> str:
    """A receptive field, of a square one its side."""
    return "×".join(map(str, dict.fromkeys(size))) if size else NOTHING


def totals(found: Difference) -> list[str]:
    """The numbers of both networks, and what of the weights carries over."""
    before, after = found.before.cost, found.after.cost
    parts = [counted(before, after, name) for name in ("params", "buffers", "macs", "activations", "peak")]
    fields = both(*(times(cost.receptive_field or ()) or NOTHING for cost in (before, after)))
    first, second = ", ".join(parts[:3]), ", ".join([*parts[3:], f"receptive field {fields}"])
    return [first, second, *latency(before, after), weights(found)]


def latency(before: Cost, after: Cost) -> list[str]:
    """The latencies of both networks in one line, if a table tells them."""
    if before.latency is None or after.latency is None:
        return []
    one, other = before.latency.total_ms, after.latency.total_ms
    text = milliseconds(max(one, other))
    return [f"latency (ms) {both(text(one), text(other))}{percent(one, other)}; {after.latency.conditions}"]


def counted(before: Cost, after: Cost, name: str) -> str:
    one, other = getattr(before, name), getattr(after, name)
    return f"{COUNTS.get(name, name)} {both(f'{one:,}', f'{other:,}')}{percent(one, other)}"


def weights(found: Difference) -> str:
    """What carries over, in one line."""
    w = found.weights
    tensors = len(w.carried) + len(w.new)
    share = f" ({w.kept / w.total:.1%})".replace("%", " %") if w.total else ""
    numbers = f"{w.kept:,} of {w.total:,} numbers{share}"
    left = f"; {len(w.new)} are new, {len(w.dropped)} are dropped" if w.new or w.dropped else ""
    return f"weights that carry over: {numbers}, {len(w.carried)} of {tensors} tensors{left}"


# --- the table
def name_of(row: Row) -> str:
    names = [stage.cost.name for stage in (row.before, row.after) if stage is not None]
    return both(names[0], names[-1]) if row.touched else names[-1]


def operator_of(row: Row) -> str:
    """`MBConv ×3 → ×4`."""
    before, after = ((stage.cost if stage else None) for stage in (row.before, row.after))
    if before and after and before.operator == after.operator and before.repeats != after.repeats:
        return f"{after.operator} ×{before.repeats} {ARROW} ×{after.repeats}"
    return both(operator(before), operator(after))


def operator(cost: StageCost | None) -> str:
    if cost is None:
        return ""
    return cost.operator if cost.repeats == 1 else f"{cost.operator} ×{cost.repeats}"


def output_of(row: Row) -> str:
    return both(*(times(stage.cost.output) if stage else "" for stage in (row.before, row.after)))


def field_of(row: Row) -> str:
    return both(*(field(stage.receptive_field) if stage else "" for stage in (row.before, row.after)))


def number(stage: Stage | None, name: str) -> int:
    found: int = getattr(stage.cost, name) if stage else 0
    return found


def kept_of(row: Row) -> str:
    """The share of a stage's numbers that carry over."""
    if row.after is None:
        return ""
    total = row.after.cost.params + row.after.cost.buffers
    return f"{100 * row.kept / total:.0f} %" if total and row.kept <= total else "100 %" if total else ""


def counts(name: str, text: Callable[[int], str] = grouped) -> list[tuple[Column, Cell]]:
    """What there is now, and the difference."""
    return [
        (Column(COUNTS[name], right=True), lambda row: text(number(row.after, name))),
        (Column("Δ", right=True), lambda row: signed(number(row.after, name) - number(row.before, name), text)),
    ]


def latencies(found: Difference, heading: str) -> list[tuple[Column, Cell, str]]:
    """The columns of latencies, what there is now and the difference, each with its total; none without a table."""
    if found.before.cost.latency is None or found.after.cost.latency is None:
        return []
    one, other = found.before.cost.latency.total_ms, found.after.cost.latency.total_ms
    text = milliseconds(max(one, other))
    return [
        (Column(f"{heading} (ms)", right=True), lambda row: text(time_of(row.after)), text(other)),
        (
            Column("Δ", right=True),
            lambda row: signed(time_of(row.after) - time_of(row.before), text),
            signed(other - one, text),
        ),
    ]


def time_of(stage: Stage | None) -> float:
    return (stage.cost.latency_ms or 0) if stage else 0


FRONT: Sequence[tuple[Column, Cell]] = (
    (Column(""), lambda row: MARKS[row.status]),
    (Column("stage"), name_of),
    (Column("operator", breaks=True), operator_of),
    (Column("output"), output_of),
)
BACK: Sequence[tuple[Column, Cell]] = (
    (Column("receptive field", right=True), field_of),
    (Column("weights kept", right=True), kept_of),
)


def whole(
    found: Difference, text: Callable[[int], str] = grouped, *, back: Sequence[tuple[Column, Cell]] = BACK
) -> Table:
    """The table; `text` says how numbers are written."""
    numbers = [column for name in COUNTS for column in counts(name, text)]
    timed = latencies(found, "latency")
    columns = [*FRONT, *numbers, *((column, cell) for column, cell, _ in timed), *back]
    before, after = found.before.cost, found.after.cost
    sums = [
        cell
        for name in COUNTS
        for cell in (text(getattr(after, name)), signed(getattr(after, name) - getattr(before, name), text))
    ]
    return Table(
        title(found),
        [column for column, _ in columns],
        [[cell(row) for _, cell in columns] for row in found.rows],
        [["", "total", "", "", *sums, *(total for _, _, total in timed), *[""] * len(back)]],
        COUNTED,
    )


def rounded(value: int) -> str:
    return short(value) if value else ""


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
    if placement.width is not None and not fits(table, placement.width):
        table = without_output(table)
    return latex_table(table, placement)


def without_output(table: Table) -> Table:
    """A narrower table: the second column is left out."""
    rows, totals = ([[*row[:1], *row[2:]] for row in part] for part in (table.rows, table.totals))
    return replace(table, columns=[table.columns[0], *table.columns[2:]], rows=rows, totals=totals)


def paper_table(found: Difference) -> Table:
    units = {name: unit_for(found, name) for name in ("params", "macs")}
    columns: list[tuple[Column, Cell]] = [
        (Column("Stage", breaks=True), name_of),
        (Column("Output"), output_of),
    ]
    sums = ["Total", ""]
    for name, word in (("params", "Params"), ("macs", "MACs")):
        unit = units[name]
        columns += [
            (Column(f"{word} ({unit.name})", right=True), shown(name, unit.text)),
            (Column("Δ", right=True), changed(name, unit.text)),
        ]
        before, after = (getattr(cost, name) for cost in sides(found))
        sums += [unit.text(after), signed(after - before, unit.text)]
    for column, cell, total in latencies(found, "Latency"):
        columns.append((column, cell))
        sums.append(total)
    rows = [[cell(row) for _, cell in columns] for row in found.rows]
    notes = [*said(found), *totals(found)]
    below = [] if found.after.cost.latency is None else [found.after.cost.latency.note]
    return Table(title(found), [column for column, _ in columns], rows, [sums], notes, below)


def unit_for(found: Difference, name: str) -> Unit:
    """The unit in which a count is written, for both networks."""
    most = max(getattr(cost, name) for cost in sides(found))
    return unit_of([number(row.after, name) for row in found.rows], most)


def shown(name: str, text: Callable[[int], str]) -> Cell:
    return lambda row: text(number(row.after, name)) if number(row.after, name) else NOTHING


def changed(name: str, text: Callable[[int], str]) -> Cell:
    return lambda row: signed(number(row.after, name) - number(row.before, name), text)


def sides(found: Difference) -> tuple[Cost, Cost]:
    return found.before.cost, found.after.cost


def as_json(found: Difference) -> str:
    return json.dumps(data(found), indent=2, ensure_ascii=False) + "\n"


def data(found: Difference) -> dict[str, Any]:
    """As plain data."""
    w = found.weights
    return {
        "archdsl_diff": FORMAT,
        "equal": found.is_empty,
        "before": side_data(found.before),
        "after": side_data(found.after),
        "changes": [statement_data(statement) for statement in found.changes],
        "stages": [row_data(row) for row in found.rows],
        "weights": {
            "kept": w.kept,
            "total": w.total,
            "carried": [{"before": old, "after": new, "shape": list(shape)} for old, new, shape in w.carried],
            "new": list(w.new),
            "dropped": list(w.dropped),
        },
    }


def side_data(side: Side) -> dict[str, Any]:
    numbers = {name: value for name, value in side.cost.data().items() if name not in ("stages", "counted")}
    return {"called": side.name, **numbers}


def statement_data(statement: Statement) -> dict[str, Any]:
    return {
        "where": statement.where,
        "text": str(statement),
        "before": list(statement.before),
        "after": list(statement.after),
        "changes": [
            {
                "kind": change.kind,
                "subject": change.subject,
                "what": change.what,
                "before": plain(change.before),
                "after": plain(change.after),
                "text": said_of,
            }
            for change, said_of in zip(statement.changes, statement.texts, strict=True)
        ],
    }


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def row_data(row: Row) -> dict[str, Any]:
    return {
        "status": row.status,
        "stage": row.name,
        "before": stage_data(row.before),
        "after": stage_data(row.after),
        "kept": row.kept,
    }


def stage_data(stage: Stage | None) -> dict[str, Any] | None:
    if stage is None:
        return None
    reach = stage.receptive_field
    return {**stage.cost.data(), "receptive_field": list(reach) if reach else None}


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

__all__ = ["FORMATS", "html", "page", "show"]
