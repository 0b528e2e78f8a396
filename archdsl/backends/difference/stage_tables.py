"""The stages of two networks side by side as a table: in full, and as a paper prints it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.analysis.cost import COUNTED, Cost, StageCost
from archdsl.analysis.difference import Difference
from archdsl.analysis.difference.phrases import became
from archdsl.analysis.difference.stages import Row, Stage
from archdsl.analysis.difference.statements import ARROW
from archdsl.analysis.lines import places
from archdsl.analysis.stage_table.words import Operator, in_words, operators
from archdsl.backends.difference.words import COUNTS, both, signed, title, title_in_print, totals
from archdsl.ops.base import as_printed, times
from archdsl.support.naming import spaced
from archdsl.support.tables import NOTHING, Column, Table, Unit, grouped, milliseconds, once, short, unit_of

Cell = Callable[[Row], str]
STAGE, OPERATOR, OUTPUT = "stage", "operator", "output"  # keys of columns that a narrow table may lack
MARKS = {"same": "", "changed": "~", "added": "+", "removed": "−"}


# --- cells
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


def field(size: tuple[int, ...] | None) -> str:
    """A receptive field, of a square one its side."""
    return "×".join(map(str, dict.fromkeys(size))) if size else NOTHING


def number(stage: Stage | None, name: str) -> int:
    found: int = getattr(stage.cost, name) if stage else 0
    return found


def kept_of(row: Row) -> str:
    """The share of a stage's numbers that carry over."""
    if row.after is None:
        return ""
    total = row.after.cost.params + row.after.cost.buffers
    return f"{100 * row.kept / total:.0f} %" if total and row.kept <= total else "100 %" if total else ""


# --- columns
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


# --- as a paper has it
def paper_table(found: Difference) -> Table:
    """The table in the words of a paper: rows without names by what they do, counts in units."""
    units = {name: unit_for(found, name) for name in ("params", "macs")}
    columns: list[tuple[Column, Cell]] = [
        (Column("Output", key=OUTPUT), printed_output),
    ]
    sums = [""]
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
    front = Column("Stage", breaks=True, key=STAGE), Column("Operator", breaks=True, key=OPERATOR)
    rows = [
        [name, operator, *(cell(row) for _, cell in columns)]
        for name, operator, row in zip(once(printed_names(found)), printed_operators(found), found.rows, strict=True)
    ]
    notes = [*found.phrases, *totals(found)]
    below = [] if found.after.cost.latency is None else [found.after.cost.latency.note]
    return Table(
        title_in_print(found), [*front, *(column for column, _ in columns)], rows, [["Total", "", *sums]], notes, below
    )


def printed_names(found: Difference) -> list[str]:
    """What stages and rows are called in print; a row without a name as its stage."""
    sides: list[list[str | None]] = []
    for side in ((row.before for row in found.rows), (row.after for row in found.rows)):
        paths = [stage.cost.name if stage else None for stage in side]
        names = iter(places([path for path in paths if path is not None]))
        sides.append([spaced(next(names)) if path is not None else None for path in paths])
    return [both(before or "", after or "") for before, after in zip(*sides, strict=True)]


def printed_operators(found: Difference) -> list[str]:
    """What stages do in print."""
    olds, news = operators(found.before.graph, found.after.graph)
    pairs = [(row.before, row.after) for row in found.rows]
    return [
        between(olds.get(old.cost.name, []) if old else [], news.get(new.cost.name, []) if new else [])
        for old, new in pairs
    ]


def between(olds: Sequence[Operator], news: Sequence[Operator]) -> str:
    """What a stage does in both networks; of an operator of both what is another: `MBConv ×3 → ×4, k5`."""
    if len(olds) != 1 or len(news) != 1 or olds[0].name != news[0].name:
        return both(in_words(olds), in_words(news))
    (old,), (new,) = olds, news
    times = f" ×{new.repeats}" if new.repeats > 1 else ""
    if old.repeats != new.repeats:
        times = f" ×{old.repeats} {ARROW} ×{new.repeats}"
    words = dict.fromkeys([*new.values, *old.values])
    values = ((old.values.get(word, ""), new.values.get(word, "")) for word in words)
    said = (after if before == after else became(before, after) for before, after in values)
    return ", ".join([new.name + times, *said])


def printed_output(row: Row) -> str:
    return both(*(as_printed(stage.cost.output) if stage else "" for stage in (row.before, row.after)))


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
