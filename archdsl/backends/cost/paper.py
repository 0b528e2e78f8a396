"""The stage table in LaTeX, as a paper prints it: equal lines as one, shapes like 224² × 3, counts in units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.analysis.cost import Cost
from archdsl.analysis.stage_table import Line, StageTable
from archdsl.analysis.work import WORK
from archdsl.backends.cost import Item, filled, latencies, own_columns, picked, published, title
from archdsl.ops.base import as_printed
from archdsl.support import latex as papers
from archdsl.support.latex import ANYWHERE, Placement
from archdsl.support.latex_fit import fits
from archdsl.support.naming import spaced
from archdsl.support.tables import NOTHING, Column, Table, milliseconds, once, to_point, unit_of

COUNTS = {"params": "Params", "macs": "MACs", **{name: name.capitalize() for name in WORK}}
LEFT_OUT = (("stage",), ("stage", "params", "macs", "latency"))  # of a narrow table: the counts are then told below it
SUMS = ("params", "macs")  # the counts that stand in a table unless columns are named


def latex(found: Cost, names: Sequence[str] = (), placement: Placement = ANYWHERE) -> str:
    """A booktabs tabular with the columns of the paper's: what enters, then channels, and counts in units."""
    return papers.latex(fitting(found, names, placement), placement)


def fitting(found: Cost, names: Sequence[str], placement: Placement) -> Table:
    """The table with as many columns as there is room for; all of them if they are named or nothing fits."""
    lines = found.table.condensed()
    whole = printed_table(found, lines, names)
    if placement.width is None or names or fits(whole, placement.width):
        return whole
    for without in LEFT_OUT:
        fewer = printed_table(found, lines, [key for key in whole.keys if key not in without])
        if fits(fewer, placement.width):
            return fewer if fewer.totals else replace(fewer, below=[sums(found)])
    return whole


def sums(found: Cost) -> str:
    """The totals in words, for a table without counts."""
    words = {"params": "parameters", "macs": "MACs"}
    told = [f"{amount.text} {words[name]}" for name, amount in found.published.counts.items()]
    published = f" Published: {', '.join(told)}." if told else ""
    counts = f"{short_unit(found.params)} parameters, {short_unit(found.macs)} MACs"
    if found.latency is None:
        return f"Total: {counts}.{published}"
    time = milliseconds(found.latency.total_ms)(found.latency.total_ms)
    return f"Total: {counts}, {time} ms.{published} {found.latency.note}."


def short_unit(number: int) -> str:
    """`5.48 M`."""
    unit = unit_of([], number)
    return f"{unit.total(number)} {unit.name}"


def table(found: Cost, names: Sequence[str] = ()) -> Table:
    """The table, in the columns named or in those of a paper."""
    return printed_table(found, found.table.condensed(), names)


def printed_table(found: Cost, lines: StageTable, names: Sequence[str]) -> Table:
    labels = iter(once([spaced(line.place) for line in lines.lines]))
    stage = Item(Column("Stage", key="stage"), lambda _: next(labels))
    entering = Item(Column("Input", key="input"), lambda line: as_printed(line.input))
    operator = Item(Column("Operator", breaks=True, key="operator"), lambda line: line.main)
    leaving = Item(Column("Output", key="output"), lambda line: as_printed(line.output))
    own = list(own_columns(lines).values())
    counts = {name: counted(found, lines, name) for name in COUNTS}
    timed = latencies(found, "Latency")
    known = [stage, entering, operator, *own, leaving, *counts.values(), *timed]
    shown = [stage, entering, operator, *own, *(counts[name] for name in SUMS), *timed]
    exact = f"total: {found.params:,} params, {found.macs:,} MACs"
    notes = [exact, *published(found.published), *found.counted]
    chosen = picked(known, names) if names else shown
    made = filled(title(found), lines, chosen, notes, "Total")
    noted = found.latency is not None and any(item.column.key == "latency" for item in chosen)
    return replace(made, below=[found.latency.note]) if noted and found.latency is not None else made


def counted(found: Cost, lines: StageTable, name: str) -> Item:
    """A column of counts in the unit of its total."""
    total = getattr(found, name)
    unit = unit_of([getattr(line.work, name) for line in lines.lines], total)

    def cell(line: Line) -> str:
        number = getattr(line.work, name)
        return unit.text(number) if number else NOTHING

    claimed = found.published.counts.get(name)
    told = to_point(claimed.beside(total, unit.factor, unit.decimals), unit.decimals) if claimed is not None else ""
    return Item(Column(f"{COUNTS[name]} ({unit.name})", right=True, key=name), cell, unit.total(total), told)


__all__ = ["latex", "table"]
