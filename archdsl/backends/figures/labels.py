"""The words of boxes, frames and arrows as the HTML-like labels of the engine."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from textwrap import wrap

from archdsl.backends.figures.picture import Arrow, Box, Group
from archdsl.backends.figures.style import FAINT, SMALL, TEXT, Paint

# what XML cannot hold, and what would turn the text around or hide in it
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]+")
WIDEST = 36  # characters; longer lines are broken
MOST_LINES = 4


def end_label(box: Box, faint: str = FAINT) -> str:
    return rows([*styled(box.lines[0]), *styled(box.shape, SMALL, faint)])


def box_label(box: Box, faint: str = FAINT) -> str:
    """The name in bold, what it does, what leaves it."""
    said = styled(box.heading, bold=True)
    for line in box.lines:
        said += styled(line, SMALL if said else TEXT)
    return rows([*said, *styled(box.shape, SMALL, faint)])


def group_label(group: Group, *, room: bool = True) -> str:
    """The words of a frame, with as much room beside them: arrows enter at the middle and pass them by."""
    lines = styled(group.label, bold=group.kind != "case")
    if group.kind == "case" or not lines or not room:
        return rows(lines)
    wide = int(0.55 * TEXT * min(len(printable(group.label)), WIDEST)) + TEXT
    empty = f'<TD WIDTH="{wide}"></TD>'
    return table("".join(f"<TR>{empty}<TD>{line}</TD></TR>" for line in lines))


def arrow_label(arrow: Arrow, faint: str = FAINT) -> str:
    """A little apart from the line that it belongs to."""
    return "".join(styled(f"\N{NO-BREAK SPACE}{arrow.label}\N{NO-BREAK SPACE}", SMALL, faint))


def legend_label(paints: Mapping[str, Paint], columns: int) -> str:
    """What the colours mean, row by row."""
    entries = [
        f'<TD BORDER="1" COLOR="{paint.line}" BGCOLOR="{paint.fill}" FIXEDSIZE="TRUE" WIDTH="16" HEIGHT="10"></TD>'
        f'<TD ALIGN="LEFT">{styled(word, SMALL)[0]}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}</TD>'
        for word, paint in paints.items()
    ]
    lines = ["".join(entries[start : start + columns]) for start in range(0, len(entries), columns)]
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="0">'
        f"{''.join(f'<TR>{line}</TR>' for line in lines)}</TABLE>"
    )


def rows(lines: Sequence[str]) -> str:
    if len(lines) < 2:
        return "".join(lines)
    return table("".join(f"<TR><TD>{line}</TD></TR>" for line in lines))


def table(content: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{content}</TABLE>'


def styled(words: str, size: int = TEXT, colour: str = "", *, bold: bool = False) -> list[str]:
    """Lines of markup; none of no words."""
    return [marked(line, size, colour, bold=bold) for line in escaped(words)]


def marked(line: str, size: int = TEXT, colour: str = "", *, bold: bool = False) -> str:
    font = (f' POINT-SIZE="{size}"' if size != TEXT else "") + (f' COLOR="{colour}"' if colour else "")
    line = f"<B>{line}</B>" if bold else line
    return f"<FONT{font}>{line}</FONT>" if font else line


def html_like(markup: str) -> str:
    """As a value of an attribute; what is empty stays a plain empty text."""
    return f"<{markup}>" if markup else ""


def escaped(words: str) -> list[str]:
    """Lines of text that mean themselves inside an HTML-like label."""
    clean = printable(words)
    lines = wrap(clean, WIDEST, break_on_hyphens=False) if len(clean) > WIDEST else [clean] if clean else []
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "…"]
    return [literal(line) for line in lines]


def literal(line: str) -> str:
    # the engine reads \N and \G, a box's and the figure's name, even here
    return html.escape(line, quote=True).replace("\\", "\\\\")


def printable(words: str) -> str:
    return _UNPRINTABLE.sub(" ", words).strip(" ")
