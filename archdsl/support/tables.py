"""A table of texts, and how it looks: in a terminal, Markdown, LaTeX, CSV, HTML. Every escape of these is here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from archdsl.support.resources import template

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

NOTHING = "–"  # where a column does not apply
BLANK = "\u2007"  # as wide as a digit
MARKS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"  # of footnotes: there is no raised q
LETTERS = "abcdefghijklmnoprstuvwxyz"
YES = "✓"


@dataclass(frozen=True)
class Column:
    """A heading, the side at which its cells stand, and whether a terminal may break them."""

    heading: str
    right: bool = False
    breaks: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells, and perhaps a last row of totals.

    `notes` are lines for whoever reads the file, `below` lines that belong under the printed table, `strong` the cells
    (row, column) to be set in bold.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
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


# --- numbers
def grouped(number: int) -> str:
    """`2,802,248`; nothing for none."""
    return f"{number:,}" if number else ""


def short(number: int) -> str:
    """`507.8 M`, `0.5 k`: four figures and a unit."""
    for factor, unit in ((10**9, "G"), (10**6, "M")):
        if number >= factor:
            return f"{number / factor:.4g} {unit}"
    return f"{number / 1000:.4g} k"


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


def unit_of(numbers: Sequence[int], smallest: str) -> Unit:
    """The unit of a column, K, M or G, at least `smallest`; a second decimal where the numbers are small in it."""
    factors = {"K": 10**3, "M": 10**6, "G": 10**9}
    names = list(factors)[list(factors).index(smallest) :]
    name = next((name for name in names if max(numbers) < factors[name] * 10**5), names[-1])
    plain = max(numbers) >= 100 * factors[name] and min(numbers) >= 10 * factors[name]
    return Unit(name, factors[name], 1 if plain else 2)


# --- a terminal
def rich_table(table: Table) -> RichTable:
    """The table for a console: only columns that may break are broken."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    made = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, show_footer=bool(table.total), pad_edge=False, collapse_padding=True
    )
    total = table.total or [""] * len(table.columns)
    filled = []
    for column, *texts in zip(table.columns, table.header, total, *table.rows, strict=True):
        widest = max(map(len, texts))
        # Numbers are put to the right here: rich would cut off the blanks behind them.
        heading, last, *cells = [text.rjust(widest) if column.right else text for text in texts]
        made.add_column(
            Text(heading),
            Text(last),
            no_wrap=not column.breaks,
            overflow="fold",
            min_width=min(16, widest) if column.breaks else widest,
        )
        filled.append(cells)
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
        header=[mark_escape(heading) for heading in table.header],
        align=["r" if column.right else "l" for column in table.columns],
        rows=table.cells(mark_escape, "**%**"),
        total=[f"**{mark_escape(cell)}**" if cell else "" for cell in table.total],
        lists=[list(filter(None, part)) for part in (details, table.notes) if part],
    )


def mark_escape(cell: str) -> str:
    """Text with no meaning to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(cell.split()))


# --- LaTeX
def latex(table: Table, packages: Sequence[str] = ("booktabs",)) -> str:
    """A booktabs tabular; the notes are comments below it."""
    cells = [*table.header, *table.total, *(cell for row in table.rows for cell in row)]
    needed = [*packages, *(["amssymb"] if any(YES in cell for cell in cells) else [])]
    return template(
        "table.tex.jinja",
        title=" ".join(table.title.split()),
        packages=",".join(needed),
        align="".join("r" if column.right else "l" for column in table.columns),
        header=[tex_heading(heading) for heading in table.header],
        rows=table.cells(tex_escape, r"\textbf{%}"),
        total=[tex_escape(cell) for cell in table.total],
        below="; ".join(tex_escape(line).replace(r"\rlap", "") for line in table.below),  # marks in front of a text
        notes=[" ".join(note.split()) for note in table.notes],
    )


_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "…": r"\dots{}",
    "−": r"$-$", "·": r"$\cdot$", "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}", "–": "--",
    "→": r"$\to$", "Δ": r"$\Delta$",
    "—": "---", "✓": r"\checkmark{}", BLANK: r"\phantom{0}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
} | {mark: rf"\{mark}" for mark in "&%$#_{}"}  # fmt: skip
# Marks stand beside a number without moving it.
_TEX |= {mark: rf"\rlap{{$^{{\mathrm{{{letter}}}}}$}}" for mark, letter in zip(MARKS, LETTERS, strict=True)}


def tex_escape(cell: str) -> str:
    r"""Text with no meaning to TeX; brackets in braces, for `\\` before one would read it as its argument."""
    return "".join(_TEX.get(mark, mark) for mark in " ".join(cell.split()))


def tex_heading(text: str) -> str:
    """A heading: a lone letter is a symbol, an underscore in a spec's word a space."""
    return f"${text}$" if len(text) == 1 and text.isascii() and text.isalpha() else tex_escape(text.replace("_", " "))


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

    foot = f"<tfoot>{row(table.total, 'th')}</tfoot>" if table.total else ""
    below = f"<p>{'<br>'.join(map(escape, details))}</p>" if details else ""
    return (
        f"<table><caption>{escape(table.title)}</caption><thead>{row(table.header, 'th')}</thead>"
        f"<tbody>{''.join(map(row, table.rows))}</tbody>{foot}</table>{below}"
    )
