"""The stages of several networks in one table: a line for each stage, a column for each network where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.analysis.stage_table import CHANNELS, REPEATS, STRIDE, Heading, Line, StageTable, stage_table
from archdsl.backends.cost import cell_of
from archdsl.diagnostics.faults import fault
from archdsl.ops.base import axes_as_printed
from archdsl.support import tables
from archdsl.support.latex import ANYWHERE, Placement, Width, expect_format, latex
from archdsl.support.naming import spaced
from archdsl.support.tables import NOTHING, Column, Table, milliseconds, once, unit_of
from archdsl.workspace.printing import names_of, percents, title

if TYPE_CHECKING:
    from archdsl.workspace.comparison import Comparison, Row

FORMATS = ("text", "md", "latex")
WORDS = {CHANNELS: "Channels", REPEATS: "Repeats", STRIDE: "Stride"}


@dataclass(frozen=True)
class Feature:
    """What the lines of a stage table say, in one column or in one for each network."""

    key: str
    heading: str
    text: Callable[[Line], str]
    right: bool = True
    breaks: bool = False

    @property
    def column(self) -> Column:
        """The column where all networks agree."""
        return Column(self.heading, self.right, self.breaks, key=self.key)


@dataclass(frozen=True)
class SideBySide:
    """The stages of several networks side by side, and the table of them in the formats that people read."""

    networks: Comparison

    def to_text(self, width: int = 120, *, columns: Sequence[str] = ()) -> str:
        """The table for a terminal; `columns` are the columns to show, in order."""
        from rich.text import Text

        console, out = tables.plain_console(width)
        table = self.table(columns)
        made = tables.rich_table(table)
        console.width = max(console.width, tables.narrowest(made, console))
        console.print(Text(title(self.networks), style="bold"), made, *table.below, sep="\n")
        return out.getvalue()

    def to_markdown(self, *, columns: Sequence[str] = ()) -> str:
        """A GitHub table."""
        table = self.table(columns)
        return tables.markdown(table, table.below)

    def to_latex(
        self,
        *,
        width: Width | None = None,
        columns: Sequence[str] = (),
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        """A booktabs tabular that fits a `width`, `"column"` or `"page"`; with a caption it is a float."""
        return latex(self.paper_table(columns), Placement(width, caption, label))

    def paper_table(self, names: Sequence[str] = ()) -> Table:
        """The table, with the names of stages in words."""
        table = self.table(names)
        places = [place for place, column in enumerate(table.columns) if column.key == "stage"]
        rows = [[spaced(cell) if n in places else cell for n, cell in enumerate(row)] for row in table.rows]
        return replace(table, rows=rows)

    def table(self, names: Sequence[str] = ()) -> Table:
        """The table, in the columns named or in all."""
        wanted = tables.chosen(self.features, names, lambda feature: feature.column) if names else self.features
        shown = [column for feature in wanted for column in self.columns(feature)]
        if not names:  # as in papers: first what the networks have in common
            shown.sort(key=lambda item: bool(item[0].over))
        if not any(column.over for column, _ in shown):
            shown += self.macs()
        rows = [list(row) for row in zip(*(cells for _, cells in shown), strict=True)]
        columns = [column for column, _ in shown]
        notes = [f"Latency: {self.networks.timed}"] if self.networks.timed is not None else []
        return Table(title(self.networks), columns, rows, list(self.totals(columns)), below=notes)

    @cached_property
    def stages(self) -> list[StageTable]:
        """The stage tables, whose lines are of the same stages."""
        found = [stage_table(row.made()) for row in self.networks.rows]
        for row, table in zip(self.networks.rows, found, strict=True):
            self.expect_alike(row, table, found[0])
        return condensed(found)

    def expect_alike(self, row: Row, table: StageTable, first: StageTable) -> None:
        """Raises `SpecError` where a table has other lines than the first."""
        ours, theirs = ([line.place for line in found.lines] for found in (first, table))
        if ours != theirs:
            names = f"{full_name(self.networks.rows[0])} and {full_name(row)}"
            message = f"the stages of {names} do not line up: {listed(ours)} and {listed(theirs)}"
            raise fault("bad-call", message, help="archdsl diff compares networks of other stages")

    @cached_property
    def features(self) -> list[Feature]:
        """The columns that there are."""
        own = dict.fromkeys(heading for table in self.stages for heading in table.columns if not heading.hidden)
        front = [
            Feature("stage", "Stage", lambda line: line.place, right=False),
            Feature("output", "Output", lambda line: axes_as_printed(line.output) or NOTHING),
            Feature("operator", "Operator", lambda line: line.main, right=False, breaks=True),
        ]
        return [*front, *(feature_of(heading, self.stages) for heading in own)]

    def columns(self, feature: Feature) -> Iterator[tuple[Column, list[str]]]:
        """The columns of a feature with their cells: one where all networks agree."""
        found = [[feature.text(line) for line in table.lines] for table in self.stages]
        if all(cells == found[0] for cells in found):
            cells = once(found[0]) if feature.key == "stage" else found[0]
            yield feature.column, cells
            return
        for name, cells in zip(self.names, found, strict=True):
            yield Column(name, feature.right, feature.breaks, over=feature.heading, key=feature.key), cells

    def macs(self) -> Iterator[tuple[Column, list[str]]]:
        """A column of multiply-adds for each network, where nothing else tells the networks apart."""
        unit = unit_of([line.work.macs for table in self.stages for line in table.lines])
        for name, table in zip(self.names, self.stages, strict=True):
            column = Column(name, right=True, over=f"MACs ({unit.name})", key="macs")
            yield column, [unit.text(line.work.macs) if line.work.macs else NOTHING for line in table.lines]

    def totals(self, columns: Sequence[Column]) -> Iterator[list[str]]:
        """Parameters, multiply-adds and accuracies, below a column of each network, that of channels if possible."""
        overs = [column.over for column in columns]
        over = WORDS[CHANNELS] if WORDS[CHANNELS] in overs else next(filter(None, overs))
        for heading, cells in self.sums():
            below = iter(cells)
            row = [next(below) if column.over == over else "" for column in columns]
            yield [heading if place == 0 and not overs[0] else text for place, text in enumerate(row)]

    def sums(self) -> Iterator[tuple[str, list[str]]]:
        """The lines of totals: a heading and a cell for each network."""
        rows = self.networks.rows
        for heading, counts in (("Params", [row.params for row in rows]), ("MACs", [row.macs for row in rows])):
            unit = unit_of(counts)
            yield f"{heading} ({unit.name})", list(map(unit.text, counts))
        if self.networks.timed is not None:
            times = [row.latency_ms or 0 for row in rows]
            yield "Latency (ms)", list(map(milliseconds(max(times)), times))
        if any(row.top1 is not None for row in rows):
            yield "Top-1 (%)", list(map(percents(self.networks), rows))

    @cached_property
    def names(self) -> list[str]:
        """The networks: their variants if they are of one family."""
        one = len(names_of(self.networks)) == 1
        return [row.variant or row.name if one else full_name(row) for row in self.networks.rows]


def condensed(found: list[StageTable]) -> list[StageTable]:
    """The tables with what their stages repeat as one line, where the same lines are repeated in each."""
    if any(column.standard == REPEATS for table in found for column in table.columns):
        return found
    fewer = [table.condensed() for table in found]
    said = [[(line.place, line.main, line.repeats) for line in table.lines] for table in fewer]
    return fewer if all(lines == said[0] for lines in said) else found


def feature_of(heading: Heading, found: Sequence[StageTable]) -> Feature:
    """A column between operator and counts; one of words stands left."""
    cell = cell_of(heading)

    def text(line: Line) -> str:
        value: Any = line.value(heading)
        return NOTHING if value is None else cell(line)

    right = not any(isinstance(line.value(heading), str) for table in found for line in table.lines)
    return Feature(heading.word, WORDS.get(heading.standard) or heading.text, text, right)


def full_name(row: Row) -> str:
    return f"{row.name} {row.variant or ''}".strip()


def listed(places: Sequence[str]) -> str:
    """The stages in short, each with its lines: `stem, stage2 (2), head`."""
    counts = {place: places.count(place) for place in places}
    return ", ".join(place if count == 1 else f"{place} ({count})" for place, count in counts.items())


def written(found: SideBySide, form: str, columns: Sequence[str] = (), placement: Placement = ANYWHERE) -> str:
    """The table in a format."""
    expect_format(form, FORMATS, columns, placement)
    if form == "latex":
        return latex(found.paper_table(columns), placement)
    return found.to_markdown(columns=columns) if form == "md" else found.to_text(columns=columns)


__all__ = ["FORMATS", "SideBySide", "written"]
