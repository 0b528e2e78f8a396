"""A table of texts, and how it looks: in a terminal, Markdown, CSV, HTML; `latex` has the one of papers.

Every escape of these is here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from math import floor, log10
from typing import TYPE_CHECKING, Any, TypeVar

from archdsl.diagnostics.faults import fault
from archdsl.support.naming import did_you_mean, spaced
from archdsl.support.resources import template

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

C = TypeVar("C")

NOTHING = "–"  # where a column does not apply
BLANK = "\u2007"  # as wide as a digit
BLANK_MARK = "\u200a"  # as wide as a mark
BLANK_POINT = "\u2008"  # as wide as a point
MARKS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"  # of footnotes: there is no raised q
LETTERS = "abcdefghijklmnoprstuvwxyz"
YES = "✓"
UNIT = re.compile(r" \((K|M|G|ms|%)\)$")  # of a heading


@dataclass(frozen=True)
class Column:
    """A heading, the side at which its cells stand, and whether they may be broken.

    `over` is a heading that it has in common with its neighbours, `key` the word by which it is chosen.
    """

    heading: str
    right: bool = False
    breaks: bool = False
    over: str = ""
    key: str = ""

    @property
    def whole(self) -> str:
        """The heading where there is one line of them."""
        return f"{self.over} {self.heading}".strip()


@dataclass(frozen=True)
class Table:
    """Rows of cells, and perhaps rows of totals below them.

    `notes` are lines for whoever reads the file, `below` lines that belong under the printed table, `strong` the cells
    (row, column) to be set in bold.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    totals: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()
    below: Sequence[str] = ()
    strong: frozenset[tuple[int, int]] = frozenset()

    def cells(self, escaped: Callable[[str], str], bold: str) -> list[list[str]]:
        """The rows escaped, the strong cells put into `bold` in the place of its %."""
        return [
            [
                bold.replace("%", escaped(cell)) if (n, place) in self.strong else escaped(cell)
                for place, cell in enumerate(row)
            ]
            for n, row in enumerate(self.rows)
        ]

    @property
    def header(self) -> list[str]:
        return [column.heading for column in self.columns]

    @property
    def full_header(self) -> list[str]:
        """The headings where there is one line of them."""
        return [column.whole for column in self.columns]

    @property
    def keys(self) -> list[str]:
        """The words by which columns are chosen, each once."""
        return list(dict.fromkeys(column.key for column in self.columns if column.key))

    def of(self, keys: Sequence[str]) -> Table:
        """The same rows with the columns of these keys alone."""
        places = [place for place, column in enumerate(self.columns) if column.key in keys]
        return replace(
            self,
            columns=[self.columns[place] for place in places],
            rows=[[row[place] for place in places] for row in self.rows],
            totals=[[row[place] for place in places] for row in self.totals],
            strong=frozenset((n, places.index(place)) for n, place in self.strong if place in places),
        )

    def spans(self) -> list[tuple[str, int]]:
        """The headings over the columns, each with how many it spans; none over a column of its own."""
        return [(over, len(list(group))) for over, group in groupby(column.over for column in self.columns)]


# --- numbers
def grouped(number: int) -> str:
    """`2,802,248`; nothing for none."""
    return f"{number:,}" if number else ""


WHOLE = 10_000  # numbers below it are written in full


def short(number: int, of: str = "") -> str:
    """`507.8 M`, `20.99 k`, `4,440`: four figures and a unit, here of what `of` stands for (`54.66 MB`, `960 B`)."""
    for factor, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= max(factor, WHOLE):
            return f"{number / factor:.4g} {unit}{of}"
    return f"{number:,} {of}".rstrip()


def milliseconds(most: float) -> Callable[[float], str]:
    """How times are written in a column whose largest one this is: with three digits of it, at least."""
    decimals = 2 if most >= 1 else 4
    return lambda number: f"{number:.{decimals}f}"


@dataclass(frozen=True)
class Unit:
    """What the numbers of one column are divided by, so that all have equal decimals."""

    name: str
    factor: int
    decimals: int

    def text(self, number: int) -> str:
        """`1,281.0`; what would round to nothing is less than the last decimal, `<0.1`."""
        least = 10**-self.decimals
        if 0 < number / self.factor < least / 2:
            return f"<{least:g}"
        return f"{number / self.factor:,.{self.decimals}f}"

    def total(self, number: int) -> str:
        """Three figures, `5.48`, `217`, with blanks for the decimals that the numbers above have."""
        decimals = min(figures(number / self.factor, 3), self.decimals)
        return to_point(f"{number / self.factor:,.{decimals}f}", self.decimals)


def to_point(number: str, decimals: int) -> str:
    """A number with blanks for the decimals that others of its column have, so that their points stand in line."""
    _, point, after = number.partition(".")
    blanks = BLANK * (decimals - len(after))
    return number + (BLANK_POINT if blanks and not point else "") + blanks


FACTORS = {"K": (10**3, 0), "M": (10**6, 10**6), "G": (10**9, 10**10)}  # and the number from which one is taken


def unit_of(numbers: Sequence[int], total: int = 0) -> Unit:
    """The unit of a column by its total, or its largest number: 365 K, 5.48 M, 1,177 M, 37.7 G.

    The number in the middle has three figures, two below a total, which then has three itself.
    """
    most = max(total, *numbers, 0)
    name = next(name for name in reversed(FACTORS) if most >= FACTORS[name][1])
    factor = FACTORS[name][0]
    some = sorted(number for number in numbers if number) or [most]
    middle, least = some[len(some) // 2] / factor, some[0] / factor
    if total:
        return Unit(name, factor, min(3, max(figures(total / factor, 3), figures(middle, 2))))
    return Unit(name, factor, min(2, max(figures(middle, 3), figures(least, 2))))


def figures(number: float, wanted: int) -> int:
    """The decimals with which a number has so many figures: 2 for 5.48, 3 for 0.0348 with two."""
    before = floor(log10(number)) + 1 if number else 1
    return max(0, wanted - before)


# --- columns
def once(names: Sequence[str]) -> list[str]:
    """Names of which neighbours have the same: said in the first of them alone."""
    return [name if n == 0 or name != names[n - 1] else "" for n, name in enumerate(names)]


def chosen(columns: Sequence[C], names: Sequence[str], said: Callable[[C], Column]) -> list[C]:
    """The columns of these names, in their order; raises `SpecError` if there is no such column."""
    keys = chosen_keys([said(column) for column in columns], names)
    return [column for key in keys for column in columns if said(column).key == key]


def chosen_keys(columns: Sequence[Column], names: Sequence[str]) -> list[str]:
    """The keys of the columns that are named: each by its key, or by its heading without the unit, in any case.

    Raises `SpecError`, which lists the columns, if there is no such column.
    """
    keys = list(dict.fromkeys(column.key for column in columns))
    headings = {column.key: UNIT.sub("", column.over or column.heading) for column in reversed(columns)}
    known = {plain(headings[key]): key for key in reversed(keys)} | {plain(key): key for key in keys}
    for name in names:
        if plain(name) not in known:
            each = [key if plain(key) == plain(headings[key]) else f"{key} ({headings[key]})" for key in keys]
            hint = did_you_mean(name, [*keys, *headings.values()])
            help = f"{hint} The columns are {', '.join(each)}" if hint else f"the columns are {', '.join(each)}"
            raise fault("bad-call", f"there is no column '{name}'", help=help)
    return list(dict.fromkeys(known[plain(name)] for name in names))


def plain(name: str) -> str:
    """A key or heading without unit and regard to case, and with a blank for an underscore."""
    return spaced(UNIT.sub("", name)).strip().casefold()


# --- a terminal
def rich_table(table: Table) -> RichTable:
    """The table for a console: only columns that may break are broken."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, show_footer=bool(table.totals), pad_edge=False, collapse_padding=True
    )
    totals = len(table.totals)
    filled = []
    for column, *texts in zip(table.columns, table.full_header, *table.totals, *table.rows, strict=True):
        widest = max(map(len, texts))
        # Numbers are put to the right here: rich would cut off the blanks behind them.
        heading, *cells = [text.rjust(widest) if column.right else text for text in texts]
        made.add_column(
            Text(heading),
            Text("\n".join(cells[:totals])),
            no_wrap=not column.breaks,
            overflow="fold",
            min_width=min(16, widest) if column.breaks else widest,
        )
        filled.append(cells[totals:])
    for row in zip(*filled, strict=True):
        made.add_row(*map(Text, row))
    return made


def narrowest(made: RichTable, console: Console) -> int:
    """The columns of a terminal that a table needs."""
    return console.measure(made, options=console.options.update(width=10_000)).minimum


def plain_console(width: int) -> tuple[Console, io.StringIO]:
    """A console without colours, and what it prints to."""
    from rich.console import Console

    out = io.StringIO()
    return Console(file=out, width=width, color_system=None, markup=False, emoji=False, highlight=False), out


# --- Markdown
def markdown(table: Table, details: Sequence[str] = ()) -> str:
    """A GitHub table; `details` and then the notes are lists below it."""
    return template(
        "table.md.jinja",
        header=[mark_escape(heading) for heading in table.full_header],
        align=["r" if column.right else "l" for column in table.columns],
        rows=table.cells(mark_escape, "**%**"),
        totals=[[f"**{mark_escape(cell)}**" if cell else "" for cell in row] for row in table.totals],
        lists=[list(filter(None, part)) for part in (details, table.notes) if part],
    )


def mark_escape(cell: str) -> str:
    """Text with no meaning to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(cell.split()))


# --- CSV, HTML
def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lines of plain values."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([list(map(formula_safe, row)) for row in (header, *rows)])
    return out.getvalue()


def formula_safe(cell: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def html(table: Table, details: Sequence[str] = ()) -> str:
    """The table for a notebook, `details` below it."""

    def row(cells: Sequence[str], tag: str = "td") -> str:
        sides = ("right" if column.right else "left" for column in table.columns)
        joined = "".join(
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for cell, side in zip(cells, sides, strict=True)
        )
        return f"<tr>{joined}</tr>"

    foot = f"<tfoot>{''.join(row(cells, 'th') for cells in table.totals)}</tfoot>" if table.totals else ""
    below = f"<p>{'<br>'.join(map(escape, details))}</p>" if details else ""
    return (
        f"<table><caption>{escape(table.title)}</caption><thead>{row(table.full_header, 'th')}</thead>"
        f"<tbody>{''.join(map(row, table.rows))}</tbody>{foot}</table>{below}"
    )
