"""A table of texts as LaTeX that goes into a paper as it is. Every escape of LaTeX is here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.support.latex_fit import ROOM, Layout, fitted, stacked
from archdsl.support.latex_letters import command
from archdsl.support.naming import did_you_mean, spaced
from archdsl.support.resources import template
from archdsl.support.tables import BLANK, BLANK_MARK, BLANK_POINT, LETTERS, MARKS, YES, Table

LABEL = re.compile(r"[\w:.+/-]+", re.ASCII)  # what \label takes without a surprise
LENGTHS = {"column": r"\columnwidth", "page": r"\textwidth"}


Width: TypeAlias = Literal["column", "page"]


@dataclass(frozen=True)
class Placement:
    """How a table stands in a paper: what it has to fit, and the caption and label of its float."""

    width: Width | None = None
    caption: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if self.width is not None and self.width not in ROOM:
            hint = did_you_mean(self.width, ROOM) or "a table fits a column or a page"
            raise fault("bad-call", f"there is no width '{self.width}'", help=hint)
        if self.label is not None and self.caption is None:
            raise fault("bad-call", "a label needs a caption", help="LaTeX numbers the caption; the label refers to it")
        if self.label is not None and not LABEL.fullmatch(self.label):
            hint = "a label consists of letters, digits and :.+/_-, as in tab:stages"
            raise fault("bad-call", f"'{self.label}' is not a label", help=hint)


ANYWHERE = Placement()
PRINTED = ("text", "md", "latex")  # the formats whose columns can be chosen


def expect_format(form: str, known: Sequence[str], columns: Sequence[str], placement: Placement) -> None:
    """Raises `SpecError` for a format that there is not, or that has no such columns or placement."""
    if form not in known:
        help = did_you_mean(form, known) or f"choose from {', '.join(known)}"
        raise fault("unknown-format", f"there is no table format '{form}'", help=help)
    if columns and form not in PRINTED:
        raise fault("bad-call", f"{form} has all columns", help=f"columns are chosen of {', '.join(PRINTED)}")
    if form != "latex" and placement != ANYWHERE:
        raise fault(
            "bad-call", f"{form} has no width, caption or label", help="these are of --format latex, and of -o FILE.tex"
        )


def latex(table: Table, placement: Placement = ANYWHERE) -> str:
    """A booktabs tabular, in a float if it has a caption; the notes are comments below it."""
    layout = Layout() if placement.width is None else fitted(table, placement.width)
    headers = [[tex_heading(part) for part in line] for line in stacked(table, layout)]
    totals = [[tex_escape(cell) for cell in row] for row in table.totals]
    lines = aligned([*headers, *table.cells(tex_escape, r"\textbf{%}"), *totals])
    heads, rows = len(headers), len(table.rows)
    begin, end = environment(table, layout, placement)
    before, after = surroundings(layout, placement)
    return template(
        "table.tex.jinja",
        title=" ".join(table.title.split()),
        packages=",".join(packages(table, layout)),
        before=before,
        begin=begin,
        groups=groups(table),
        header=lines[:heads],
        rows=lines[heads : heads + rows],
        totals=lines[heads + rows :],
        end=end,
        below="; ".join(map(tex_escape, table.below)),
        after=after,
        notes=[" ".join(note.split()) for note in table.notes],
    )


def packages(table: Table, layout: Layout) -> list[str]:
    """What the preamble has to load."""
    cells = [*table.header, *(cell for row in (*table.totals, *table.rows) for cell in row)]
    wanted = {"booktabs": True, "tabularx": layout.broken is not None, "amssymb": any(YES in cell for cell in cells)}
    return [name for name, needed in wanted.items() if needed]


def environment(table: Table, layout: Layout, placement: Placement) -> tuple[str, str]:
    """What begins and ends the rows: a tabularx if a column is broken, for it takes the room that is left."""
    sides = "".join("r" if column.right else "l" for column in table.columns)
    if layout.broken is None:
        return rf"\begin{{tabular}}{{@{{}}{sides}@{{}}}}", r"\end{tabular}"
    spread = sides[: layout.broken] + r">{\raggedright\arraybackslash}X" + sides[layout.broken + 1 :]
    return rf"\begin{{tabularx}}{{{LENGTHS[placement.width or 'column']}}}{{@{{}}{spread}@{{}}}}", r"\end{tabularx}"


def surroundings(layout: Layout, placement: Placement) -> tuple[list[str], list[str]]:
    """The lines before and after the rows: the float, and the size of the text."""
    size = [rf"\{layout.size}", rf"\setlength{{\tabcolsep}}{{{layout.gap}pt}}"] if layout.size else []
    if placement.caption is None:
        return (["{" + "".join(size) + r"\noindent"], ["}"]) if size else ([], [])
    name = "table*" if placement.width == "page" else "table"
    label = [rf"\label{{{placement.label}}}"] if placement.label else []
    caption = rf"\caption{{{tex_escape(placement.caption)}}}"
    gap = r"\setlength{\abovetopsep}{4pt}"  # below the caption, where the class of the paper leaves none
    return [rf"\begin{{{name}}}[t]", r"\centering", caption, *label, *size, gap], [rf"\end{{{name}}}"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows whose ampersands stand below each other, so that a file is read and edited with ease."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [" & ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def groups(table: Table) -> list[str]:
    """The line of headings that span several columns, and the rules below them; nothing if there are none."""
    if not any(column.over for column in table.columns):
        return []
    cells, rules, place = [], [], 1
    for over, length in table.spans():
        cells.append(rf"\multicolumn{{{length}}}{{c}}{{{tex_heading(over)}}}" if over else " & " * (length - 1))
        rules += [rf"\cmidrule(lr){{{place}-{place + length - 1}}}"] if over else []
        place += length
    return [" & ".join(cells).strip() + r" \\", "".join(rules)]


# --- escapes
_TEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "…": r"\dots{}",
    "−": r"$-$", "·": r"$\cdot$", "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}", "–": "--",
    "→": r"$\to$", "Δ": r"$\Delta$", "²": "$^2$", "³": "$^3$",
    "—": "---", "✓": r"\checkmark{}", BLANK: r"\phantom{0}", BLANK_POINT: r"\phantom{.}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
} | {mark: rf"\{mark}" for mark in "&%$#_{}"}  # fmt: skip
_TEX |= {mark: rf"$^{{\mathrm{{{letter}}}}}$" for mark, letter in zip(MARKS, LETTERS, strict=True)}
_TEX[BLANK_MARK] = rf"\phantom{{{_TEX[MARKS[0]]}}}"
_MATHS = {"×": r"\times", "²": "^2", "³": "^3"}
WHITE = re.compile(r"[^\S\u2007\u2008\u200a]+")  # blanks as wide as a digit, point or mark are kept
FORMULA = re.compile(r"\d+[²³]? × [\d²³× ]*\d")


def tex_escape(cell: str) -> str:
    r"""Text with no meaning to TeX; brackets in braces, for `\\` before one would read it as its argument."""
    words = " ".join(WHITE.split(cell)).strip(" ")
    if FORMULA.fullmatch(words):  # 224² × 3
        return f"${''.join(_MATHS.get(mark, mark) for mark in words)}$"
    text = "".join(_TEX.get(mark) or set_letter(mark) for mark in words)
    return text.replace(r"\phantom{.}\phantom{0}", r"\phantom{.0}")


def set_letter(letter: str) -> str:
    """A letter as it stands where LaTeX reads it from a file, as those with accents; others by their command."""
    taken = letter.isascii() or (letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN"))
    return letter if taken else command(letter) or letter


def tex_heading(text: str) -> str:
    """A heading: a lone letter is a symbol, an underscore in a spec's word a space."""
    return f"${text}$" if len(text) == 1 and text.isascii() and text.isalpha() else tex_escape(spaced(text))


__all__ = ["Placement", "latex", "tex_escape"]
