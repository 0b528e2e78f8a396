"""The table of a comparison of networks, in every format that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from archdsl.ops.base import as_printed
from archdsl.support import tables
from archdsl.support.latex import ANYWHERE, Placement, expect_format, latex
from archdsl.support.latex_fit import fits
from archdsl.support.naming import spaced
from archdsl.support.tables import (
    BLANK,
    BLANK_MARK,
    MARKS,
    NOTHING,
    Column,
    Table,
    milliseconds,
    once,
    to_point,
    unit_of,
)

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.support.tables import Unit
    from archdsl.workspace.comparison import Comparison, Row

FORMATS = ("text", "md", "latex", "json", "csv")


@dataclass(frozen=True)
class Item:
    """A column and its cell in the row of a network; one of a `score` has a best."""

    column: Column
    cell: Callable[[Row], str]
    score: Callable[[Row], float] | None = None


# --- columns
def front(found: Comparison) -> list[Item]:
    """The columns that say which network it is: its name unless all have one, its variant if one has any."""
    variants = any(row.variant for row in found.rows)
    network = Item(Column("network", key="network"), lambda row: row.name)
    variant = Item(Column("variant", key="variant"), lambda row: row.variant or NOTHING)
    settings = Item(Column("settings", breaks=True, key="settings"), lambda row: row.set or NOTHING)
    entering = Item(Column("input", key="input"), lambda row: row.input)
    return [
        *([network] if len(names_of(found)) > 1 or not variants else []),
        *([variant] if variants else []),
        *([settings] if any(row.settings for row in found.rows) else []),
        entering,
    ]


def names_of(found: Comparison) -> list[str]:
    """The networks, each once."""
    return list(dict.fromkeys(row.name for row in found.rows))


def title(found: Comparison) -> str:
    return ", ".join(names_of(found))


def accuracies(found: Comparison) -> bool:
    return any(row.top1 is not None for row in found.rows)


def percents(found: Comparison) -> Callable[[Row], str]:
    """Accuracies as published, one decimal at least, with a blank where another has one more: points stay in line."""
    most = max((len(decimals(row.top1)) for row in found.rows if row.top1 is not None), default=0)

    def cell(row: Row) -> str:
        return NOTHING if row.top1 is None else decimal(row.top1) + BLANK * (most - len(decimals(row.top1)))

    return cell


def decimal(value: float) -> str:
    """`71.8`, `60.38`, `75.0`."""
    text = f"{value:.2f}"
    return text.removesuffix("0")


def decimals(value: float) -> str:
    """The digits behind the point."""
    return decimal(value).partition(".")[2]


def best_accuracy(row: Row) -> float:
    return -(row.top1 or 0)


# --- tables
def exact(found: Comparison, names: Sequence[str] = (), *, bold: bool = False) -> Table:
    """Every digit, and the source of each accuracy in words."""
    items = front(found)
    for name, heading in (("params", "params"), ("macs", "MACs")):
        items += [exact_count(name, heading), *published(found, name, f"published {heading}", as_published(name))]
    items += latencies(found, "latency")
    if accuracies(found):
        items += [
            Item(Column("top-1", right=True, key="top1"), percents(found), best_accuracy),
            Item(Column("source of top-1", breaks=True, key="source"), lambda row: row.source or ""),
        ]
    chosen = picked(items, names)
    return built(found, chosen, bold=bold, notes=conditions(found, chosen))


def rounded(found: Comparison, names: Sequence[str] = (), *, bold: bool = False) -> Table:
    """As a paper prints it: counts in units, sources as notes, and said once what all rows have in common."""
    items = [named(item, found) for item in front(found)]
    items += [*counted(found, "params", "Params"), *counted(found, "macs", "MACs")]
    items += latencies(found, "Latency")
    top1, notes = accuracy(found) if accuracies(found) else (None, [])
    items += [top1] if top1 is not None else []
    inputs = {as_papers(row) for row in found.rows} if len(found.rows) > 1 else set()
    alike = len(inputs) == 1 and not names
    chosen = picked([item for item in items if not (alike and item.column.key == "input")], names)
    shown = {item.column.key for item in chosen}
    below = ["publ.: as published, where it differs"] if any(item.column.heading == "publ." for item in chosen) else []
    below += [f"Input: {inputs.pop()}"] if len(inputs) == 1 and "input" not in shown else []
    below += notes if "top1" in shown else []
    return built(found, chosen, bold=bold, below=below + conditions(found, chosen))


def conditions(found: Comparison, items: Sequence[Item]) -> list[str]:
    """What the latencies hold for, if some are shown."""
    shown = found.timed is not None and any(item.column.key == "latency" for item in items)
    return [f"Latency: {found.timed}"] if shown else []


def latencies(found: Comparison, heading: str) -> list[Item]:
    """The column of latencies, if there are any."""
    if found.timed is None:
        return []
    text = milliseconds(max(map(latency_of, found.rows)))
    column = Column(f"{heading} (ms)", right=True, key="latency")
    return [Item(column, lambda row: text(latency_of(row)), latency_of)]


def latency_of(row: Row) -> float:
    return row.latency_ms or 0


def fitting(found: Comparison, names: Sequence[str], placement: Placement, *, bold: bool = False) -> Table:
    """The table for a paper, with the variants below the names of their networks if it fits in no other way."""
    whole = rounded(found, names, bold=bold)
    if placement.width is None or fits(whole, placement.width):
        return whole
    narrow = by_network(whole)
    return narrow if fits(narrow, placement.width) else whole


def by_network(table: Table) -> Table:
    """The table with networks and variants in one column."""
    if table.keys[:2] != ["network", "variant"]:
        return table
    rows: list[list[str]] = []
    strong = set[tuple[int, int]]()
    for n, (network, variant, *rest) in enumerate(table.rows):
        if network and variant != NOTHING:
            rows.append([network, *("" for _ in rest)])
        strong |= {(len(rows), place - 1) for row, place in table.strong if row == n}
        rows.append([network if variant == NOTHING else BLANK + variant, *rest])
    return replace(table, columns=[table.columns[0], *table.columns[2:]], rows=rows, strong=frozenset(strong))


def named(item: Item, found: Comparison) -> Item:
    """A column of the front in a paper; a network that has several rows is named in the first."""
    column = replace(item.column, heading=item.column.heading.capitalize())
    if column.key == "input":
        return Item(column, as_papers)
    if column.key == "network":
        names = iter(once([row.name for row in found.rows]))
        return Item(column, lambda _: next(names))
    return Item(column, item.cell)


def as_papers(row: Row) -> str:
    """The input as papers print it; several by name."""
    shapes = {name: as_printed(shape) for name, shape in row.inputs.items()}
    words = {spaced(name): text for name, text in shapes.items()}
    return ", ".join(words.values() if len(words) == 1 else [f"{name} {text}" for name, text in words.items()])


def counted(found: Comparison, name: str, heading: str) -> list[Item]:
    """The columns of a count in one unit: ours, and beside it what was published if that differs somewhere."""
    number = attrgetter(name)
    unit = unit_of([number(row) for row in found.rows])
    whole = f"{heading} ({unit.name})"
    theirs = published(found, name, "publ.", in_unit(found, name, unit), over=whole)
    column = Column("ours", right=True, over=whole, key=name) if theirs else Column(whole, right=True, key=name)
    return [Item(column, lambda row: unit.text(number(row)), number), *theirs]


def as_published(name: str) -> Callable[[Row], str]:
    return lambda row: row.published[name].text


def in_unit(found: Comparison, name: str, unit: Unit) -> Callable[[Row], str]:
    """The text of a published count, in the unit of ours, with points in line."""

    def text(row: Row) -> str:
        return row.published[name].beside(getattr(row, name), unit.factor, unit.decimals)

    most = max((len(text(row).partition(".")[2]) for row in found.rows if name in row.published), default=0)
    return lambda row: to_point(text(row), most)


def exact_count(name: str, heading: str) -> Item:
    """A column of a count, with every digit."""
    number = attrgetter(name)
    return Item(Column(heading, right=True, key=name), lambda row: f"{number(row):,}", number)


def published(found: Comparison, name: str, heading: str, text: Callable[[Row], str], *, over: str = "") -> list[Item]:
    """The column of a count as published, empty where it is ours; none if nothing differs."""
    if not any(name in row.published for row in found.rows):
        return []
    column = Column(heading, right=True, over=over, key=name)
    return [Item(column, lambda row: text(row) if name in row.published else "")]


def accuracy(found: Comparison) -> tuple[Item, list[str]]:
    """The column of accuracies and the notes on their sources, which are marked if there are several."""
    percent = percents(found)
    told = attrgetter("reference" if len(names_of(found)) > 1 else "source")
    sources = list(dict.fromkeys(filter(None, map(told, found.rows))))
    marks = dict(zip(sources, MARKS, strict=False)) if len(sources) > 1 else {}
    column = Column("Top-1 (%)", right=True, key="top1")
    none = BLANK_MARK if marks else ""
    item = Item(column, lambda row: percent(row) + marks.get(told(row), none), best_accuracy)
    return item, [f"{marks.get(source, '')}{source}" for source in sources] if marks else [f"Top-1: {sources[0]}"]


def picked(items: Sequence[Item], names: Sequence[str]) -> list[Item]:
    """The columns of these names, in their order; all if none is named."""
    return tables.chosen(items, names, lambda item: item.column) if names else list(items)


def built(
    found: Comparison, items: Sequence[Item], *, bold: bool, below: Sequence[str] = (), notes: Sequence[str] = ()
) -> Table:
    rows = [[item.cell(row) for item in items] for row in found.rows]
    best = frozenset(winners(found, items)) if bold else frozenset()
    return Table(title(found), [item.column for item in items], rows, notes=notes, below=below, strong=best)


def winners(found: Comparison, items: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """Row and column of the best: the fewest parameters and multiply-adds, the highest accuracy."""
    for place, item in enumerate(items):
        if item.score is not None:
            least = min(map(item.score, found.rows))
            yield from ((n, place) for n, row in enumerate(found.rows) if item.score(row) == least)


# --- formats
def show(found: Comparison, console: Console, names: Sequence[str] = ()) -> None:
    """Prints the table."""
    from rich.text import Text

    whole = exact(found, names)
    made = tables.rich_table(whole)
    console.width = max(console.width, tables.narrowest(made, console))  # rather wrapped by the terminal than cut
    console.print(Text(title(found), style="bold"), made, sep="\n")
    for form in dict.fromkeys(row.elsewhere for row in found.rows if row.elsewhere):
        names = ", ".join(f"{row.name} {row.variant or ''}".strip() for row in found.rows if row.elsewhere == form)
        console.print(Text(f"published of the form '{form}' (--form {form}): {names}", style="dim"), soft_wrap=True)
    for note in whole.notes:
        console.print(Text(note, style="dim"), soft_wrap=True)


def written(
    found: Comparison,
    form: str,
    columns: Sequence[str] = (),
    placement: Placement = ANYWHERE,
    *,
    bold: bool = False,
) -> str:
    """The table in a format; columns and a placement are for those that people read."""
    expect_format(form, FORMATS, columns, placement)
    match form:
        case "text":
            return found.to_text(columns=columns)
        case "md":
            return found.to_markdown(bold=bold, columns=columns)
        case "latex":
            return latex(fitting(found, columns, placement, bold=bold), placement)
        case "json":
            return found.to_json()
    return found.to_csv()


__all__ = ["FORMATS", "exact", "rounded", "show", "written"]
