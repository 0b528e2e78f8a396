"""Graph -> the stage table as a paper prints it: a line for each run of equal units, in columns of the spec's words.

Beside what every table has (input, operator, channels c, repeats n, stride s, counts) a network's own columns are those
of the tables in its `stages:` whose values differ over the rows, by the spec's own words. What they show is what the
network really has: the argument of the block that a column reaches, so a width multiplier is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.lines import lines, places
from archdsl.analysis.reach import Reach, stride
from archdsl.analysis.stage_table.features import features
from archdsl.analysis.stage_table.reading import LABEL, Column, Sites, activation, origins
from archdsl.analysis.stage_table.rows import (
    CHANNELS,
    REPEATS,
    SPELLED,
    STRIDE,
    Heading,
    Line,
    StageTable,
    spoken,
)
from archdsl.analysis.stage_table.units import Unit, grouped, units
from archdsl.analysis.trace import Reaches, receptive_fields
from archdsl.analysis.work import Work, total, work
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Node, Scope

if TYPE_CHECKING:
    from archdsl.analysis.latency import Latency
    from archdsl.syntax.spec import Figure


def stage_table(graph: Graph, latency: Latency | None = None) -> StageTable:
    """The table of a graph."""
    sites = Sites(graph)
    found = runs(graph, sites)
    made = [
        line if latency is None else replace(line, latency_ms=latency.of(nodes_of(run))) for (line, _), run in found
    ]
    own = columns([drawn for drawn, _ in found], sites)
    return StageTable(tuple(in_words(own, arguments_of(found), graph.figure)), tuple(made))


def in_words(own: Sequence[Heading], reached: Mapping[str, set[str]], figure: Figure) -> Iterator[Heading]:
    """The columns with the words of figures, where these say one of all that a column reaches, hidden as there."""
    hidden = {word for word, names in reached.items() if names <= figure.hide}
    letters = {spelled: letter for letter, spelled in SPELLED.items() if letter in hidden}
    for column in own:
        said = {figure.labels.get(name, "").rstrip("= ×") for name in reached.get(column.word, ())}
        if column.standard:
            yield replace(column, label=letters.get(column.word, ""))  # nothing else in sight is called so
        else:
            yield replace(column, label=next(iter(said)) if len(said) == 1 else "", hidden=column.word in hidden)


def arguments_of(found: Sequence[tuple[Drawn, list[Unit]]]) -> dict[str, set[str]]:
    """The arguments of blocks that columns reach, `Unit.squeeze`, by the words of the columns."""
    reached: dict[str, set[str]] = {}
    for (_, own), run in found:
        for block in [child.name for child in run[0].children if isinstance(child, Scope)]:
            for column in own:
                reached.setdefault(column.word, set()).add(f"{block}.{column.argument}")
    return reached


def own_values(graph: Graph, also: Sequence[str] = ()) -> dict[Scope, dict[Column, Any]]:
    """The calls in rows of tables with what they have in the columns of the network's own.

    `also`: columns that come first, of a network that this one stands beside.
    """
    sites = Sites(graph)
    found = runs(graph, sites)
    own = [column.word for column in columns([line for line, _ in found], sites) if not column.standard]
    own = [*dict.fromkeys([*also, *own])]
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
    parts = list(lines(graph.root))
    return [
        (drawn(name, place, run, reach, sites, works), run)
        for (name, scope), place in zip(parts, places([name for name, _ in parts]), strict=True)
        for run in grouped(units(scope, graph.figure.labels))
    ]


def nodes_of(run: Iterable[Unit]) -> Iterator[Node]:
    for unit in run:
        for child in unit.children:
            yield from [child] if isinstance(child, Node) else child.nodes()


Drawn: TypeAlias = "tuple[Line, dict[Column, Any]]"  # a line, and beside it what its own columns' arguments are


def drawn(
    name: str, place: str, run: Sequence[Unit], reach: Reaches, sites: Sites, works: Mapping[Node, Work]
) -> Drawn:
    first, last = run[0], run[-1]
    entry, result = first.entry, last.result
    claimed = sites.claimed(first)
    line = Line(
        name,
        place,
        first.text,
        first.main,
        entry.shape if entry else (),
        result.shape if result else (),
        features(result) if result else None,
        len(run),
        stride(entered(first, reach), reach[result] if result else None),
        {column.word: shown for column, (shown, _) in claimed.items()} | sites.alike_arguments(first, claimed),
        total(works[node] for node in nodes_of(run)),
    )
    return line, {column: reached for column, (_, reached) in claimed.items()}


def entered(unit: Unit, reach: Reaches) -> Reach | None:
    """The reach of what enters a unit; of maps that come from several inputs of the network the one of widest steps."""
    known = [found for tensor in unit.entries if (found := reach[tensor]) is not None]
    return max(known, key=lambda found: found.jump, default=None)


# --- columns
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


__all__ = [
    "CHANNELS",
    "REPEATS",
    "STRIDE",
    "Column",
    "Heading",
    "Line",
    "StageTable",
    "activation",
    "own_values",
    "spoken",
    "stage_table",
]
