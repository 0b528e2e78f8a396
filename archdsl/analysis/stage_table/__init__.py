"""Graph -> the stage table as a paper prints it: a line for each run of equal units, in columns of the spec's words.

Beside what every table has (input, operator, channels c, repeats n, stride s, counts) a network's own columns are those
of the tables in its `stages:` whose values differ over the rows, by the spec's own words. What they show is what the
network really has: the argument of the block that a column reaches, so a width multiplier is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.lines import lines
from archdsl.analysis.reach import stride
from archdsl.analysis.stage_table.reading import LABEL, Column, Sites, activation, origins
from archdsl.analysis.stage_table.units import Unit, grouped, units
from archdsl.analysis.trace import Reaches, receptive_fields
from archdsl.analysis.work import Work, total, work
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ops.base import Shape

if TYPE_CHECKING:
    from archdsl.analysis.latency import Latency

CHANNELS, REPEATS, STRIDE = "c", "n", "s"
ACRONYMS = frozenset(("se", "nl"))  # words of a spec that papers print in capitals
SPELLED = {CHANNELS: "channels", REPEATS: "repeats", STRIDE: "stride"}  # where a spec means another thing by the letter


@dataclass(frozen=True)
class Heading:
    """A column of the table: `c`, `n` or `s`, which every network may have, or one of its own (no `standard`)."""

    word: str
    standard: str = ""
    label: str = field(default="", compare=False)  # what the spec calls it in figures

    @property
    def text(self) -> str:
        """As papers print it."""
        return self.label or printed(self.word)


@dataclass(frozen=True)
class Line:
    """Units of one kind, one after another."""

    stage: str  # the path of the stage or of the row
    operator: str  # with the norm and the activation that belong to it
    main: str  # without them
    input: Shape
    output: Shape
    repeats: int
    stride: tuple[float, ...] | None  # None where there is no feature map any more
    values: Mapping[str, Any]  # by the words of the columns; absent: it has no such argument
    work: Work
    latency_ms: float | None = None  # by a latency table, if there is one

    @property
    def channels(self) -> int | None:
        return self.output[0] if self.output else None

    @property
    def place(self) -> str:
        """The name of the row if it has one, else that of its stage."""
        parts = [part for part in self.stage.split(".") if not part.isdigit()]
        return parts[-1] if parts else self.stage

    def is_repeated_by(self, other: Line) -> bool:
        """Whether another line says the same again, and costs as much for each unit."""
        return self.said == other.said

    @property
    def said(self) -> tuple[Any, ...]:
        one = self.work.params / self.repeats, self.work.macs / self.repeats
        return self.place, self.main, self.input, self.output, self.stride, self.values, one

    def value(self, column: Heading) -> Any:
        """What stands in a column; None where it does not apply."""
        standard = {CHANNELS: self.channels, REPEATS: self.repeats, STRIDE: self.stride}
        return standard[column.standard] if column.standard else self.values.get(column.word)


@dataclass(frozen=True)
class StageTable:
    """The lines, and the columns between operator and counts: those of the standard that differ, and its own."""

    columns: tuple[Heading, ...]
    lines: tuple[Line, ...]

    def condensed(self) -> StageTable:
        """The table with equal neighbours of one stage as one line, whose repeats are counted."""
        lines: list[Line] = []
        for line in self.lines:
            if lines and lines[-1].is_repeated_by(line):
                both = lines[-1].repeats + line.repeats
                work, times = total([lines[-1].work, line.work]), (lines[-1].latency_ms, line.latency_ms)
                lines[-1] = replace(lines[-1], repeats=both, work=work, latency_ms=summed(times))
            else:
                lines.append(line)
        has = any(column.standard == REPEATS for column in self.columns)
        if has or len(lines) == len(self.lines):
            return StageTable(self.columns, tuple(lines))
        taken = any(column.word == REPEATS for column in self.columns)
        repeats = Heading(SPELLED[REPEATS] if taken else REPEATS, REPEATS)
        return StageTable((*self.columns, repeats), tuple(lines))


def summed(times: Iterable[float | None]) -> float | None:
    """The sum of times that are all known, or all not."""
    known = [time for time in times if time is not None]
    return sum(known) if known else None


def stage_table(graph: Graph, latency: Latency | None = None) -> StageTable:
    """The table of a graph."""
    sites = Sites(graph)
    found = runs(graph, sites)
    made = [
        line if latency is None else replace(line, latency_ms=latency.of(nodes_of(run))) for (line, _), run in found
    ]
    own = columns([drawn for drawn, _ in found], sites)
    said = labels(found, graph.figure.labels)
    return StageTable(
        tuple(column if column.standard else replace(column, label=said.get(column.word, "")) for column in own),
        tuple(made),
    )


def labels(found: Sequence[tuple[Drawn, list[Unit]]], known: Mapping[str, str]) -> dict[str, str]:
    """What the spec calls columns in figures, by their words, where it calls the arguments that they reach alike."""
    said: dict[str, set[str]] = {}
    for (_, own), run in found:
        for block in [child.name for child in run[0].children if isinstance(child, Scope)]:
            for column in own:
                said.setdefault(column.word, set()).add(known.get(f"{block}.{column.argument}", "").rstrip("= ×"))
    return {word: next(iter(texts)) for word, texts in said.items() if len(texts) == 1}


def own_values(graph: Graph) -> dict[Scope, dict[Column, Any]]:
    """The calls in rows of tables with what they have in the columns of the network's own."""
    sites = Sites(graph)
    found = runs(graph, sites)
    own = [column.word for column in columns([line for line, _ in found], sites) if not column.standard]
    return {
        child: in_order(sites.claimed(unit), own)
        for _, run in found
        for unit in run
        for child in unit.children
        if isinstance(child, Scope)
    }


def in_order(claimed: Mapping[Column, tuple[Any, Any]], own: Sequence[str]) -> dict[Column, Any]:
    """What to show of the columns that are among these words, in their order."""
    shown = {column: value for column, (value, _) in claimed.items() if column.word in own}
    return dict(sorted(shown.items(), key=lambda item: own.index(item[0].word)))


def runs(graph: Graph, sites: Sites) -> list[tuple[Drawn, list[Unit]]]:
    """The lines of the table, each with the units that it stands for."""
    reach = receptive_fields(graph)
    works = {node: work(node) for node in graph.nodes}
    return [
        (drawn(name, run, reach, sites, works), run)
        for name, scope in lines(graph.root)
        for run in grouped(units(scope, graph.figure.labels))
    ]


def nodes_of(run: Iterable[Unit]) -> Iterator[Node]:
    for unit in run:
        for child in unit.children:
            yield from [child] if isinstance(child, Node) else child.nodes()


Drawn: TypeAlias = "tuple[Line, dict[Column, Any]]"  # a line, and beside it what its own columns' arguments are


def drawn(name: str, run: Sequence[Unit], reach: Reaches, sites: Sites, works: Mapping[Node, Work]) -> Drawn:
    first, last = run[0], run[-1]
    entry, result = first.entry, last.result
    claimed = sites.claimed(first)
    line = Line(
        name,
        first.text,
        first.main,
        entry.shape if entry else (),
        result.shape if result else (),
        len(run),
        stride(*(reach[tensor] if tensor is not None else None for tensor in (entry, result))),
        {column.word: shown for column, (shown, _) in claimed.items()} | sites.alike_arguments(first, claimed),
        total(works[node] for node in nodes_of(run)),
    )
    return line, {column: reached for column, (_, reached) in claimed.items()}


# --- columns
def printed(word: str) -> str:
    """The word of a column as papers print it."""
    return word.upper() if word in ACRONYMS else word


def columns(found: Sequence[Drawn], sites: Sites) -> tuple[Heading, ...]:
    """The columns in the order of the spec's tables, `c`, `n` and `s` in the place of those that mean them."""
    order = [heading(word, table, found) for table in sites.tables for word in table.columns if word != LABEL]
    own = {column.word for column in order if column is not None and not column.standard}
    standard = [Heading(letter, letter) for letter in (CHANNELS, REPEATS, STRIDE)]
    shown = dict.fromkeys([*filter(None, order), *standard])
    return tuple(
        Heading(SPELLED[column.word], column.standard) if column.standard and column.word in own else column
        for column in shown
        if not column.standard or varied(line.value(column) for line, _ in found)
    )


MEANINGS: Mapping[str, Callable[[Line, Any], bool]] = {
    CHANNELS: lambda line, value: value == line.channels,
    STRIDE: lambda line, value: line.stride is not None and set(line.stride) == {value},
    "": lambda line, value: bool(line.input) and value == line.input[0],
}


def heading(word: str, table: ir.Loop, found: Sequence[Drawn]) -> Heading | None:
    """What a column of a spec is in the table: itself, one of `c`, `n`, `s`, or nothing if no row differs in it."""
    if counts_turns(word, table):
        return Heading(REPEATS, REPEATS)
    reads = [(line, column, value) for line, own in found for column, value in own.items() if column.word == word]
    for letter, means in MEANINGS.items():
        if reads and all(not column.kind and means(line, value) for line, column, value in reads):
            return Heading(letter, letter) if letter else None
    return Heading(word) if varied(line.values.get(word) for line, _, _ in reads) else None


def counts_turns(word: str, table: ir.Loop) -> bool:
    """Whether a column says how often something is repeated."""
    loops = [node for node in table.body.walk() if isinstance(node, ir.Loop) and node.count is not None]
    return any(word in origins(loop.count, table.let) for loop in loops if loop.count is not None)


def varied(values: Iterable[Any]) -> bool:
    """Whether values differ."""
    return len({repr(value) for value in values}) > 1


__all__ = ["Column", "Heading", "Line", "StageTable", "activation", "own_values", "printed", "stage_table"]
