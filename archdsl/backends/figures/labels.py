"""The words of boxes, frames and arrows, and the HTML-like labels of the engine that say them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import wrap

from archdsl.backends.figures import measure
from archdsl.backends.figures.picture import Arrow, Box, Group
from archdsl.backends.figures.style import FAINT, INK, SMALL, TEXT, Paint
from archdsl.backends.figures.texts import Line, Text

# what XML cannot hold, and what would turn the text around or hide in it
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]+")
WIDEST = 36  # characters; longer lines are broken
MOST_LINES = 4


def end_text(box: Box) -> Text:
    return styled(box.lines[0], TEXT) + styled(box.shape, SMALL, FAINT)


def box_text(box: Box) -> Text:
    """The name in bold, what it does, what leaves it."""
    if box.role in ("input", "output"):
        return end_text(box)
    said = in_space(styled(box.heading, TEXT, bold=True), box.space)
    for line in box.lines:
        said += in_space(styled(line, SMALL if said.lines else TEXT), box.space)
    return said + in_space(styled(box.shape, SMALL, FAINT), box.space)


def in_space(text: Text, space: float | None) -> Text:
    """Lines broken to so many points, where words allow it."""
    if space is None:
        return text
    return Text(
        tuple(
            replace(line, words=words)
            for line in text.lines
            for words in measure.broken(line.words, line.size, space, bold=line.bold)
        )
    )


def group_text(group: Group) -> Text:
    return in_space(styled(group.label, TEXT, bold=group.kind != "case"), group.space)


def arrow_text(arrow: Arrow) -> Text:
    """One line: there is no room for more beside an arrow."""
    said = printable(arrow.label)
    return Text((Line(said, SMALL, FAINT),)) if said else Text()


def box_label(box: Box, faint: str = FAINT) -> str:
    return rows(marked_up(box_text(box), faint))


def group_label(group: Group, *, room: bool = True) -> str:
    """The words of a frame, with as much room beside them: arrows enter at the middle and pass them by."""
    lines = marked_up(group_text(group))
    if group.kind == "case" or not lines or not room:
        return rows(lines)
    wide = int(0.55 * TEXT * min(len(printable(group.label)), WIDEST)) + TEXT
    empty = f'<TD WIDTH="{wide}"></TD>'
    return table("".join(f"<TR>{empty}<TD>{line}</TD></TR>" for line in lines))


def arrow_label(arrow: Arrow, faint: str = FAINT) -> str:
    """A little apart from the line that it belongs to."""
    apart = replace(arrow, label=f"\N{NO-BREAK SPACE}{arrow.label}\N{NO-BREAK SPACE}")
    return "".join(marked_up(arrow_text(apart), faint))


def legend_label(paints: Mapping[str, Paint], columns: int) -> str:
    """What the colours mean, row by row."""
    entries = [
        f'<TD BORDER="1" COLOR="{paint.line}" BGCOLOR="{paint.fill}" FIXEDSIZE="TRUE" WIDTH="16" HEIGHT="10"></TD>'
        f'<TD ALIGN="LEFT">{marked_up(styled(word, SMALL))[0]}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}</TD>'
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


def styled(words: str, size: int, colour: str = INK, *, bold: bool = False) -> Text:
    """Words broken into lines; none of no words."""
    return Text(tuple(Line(line, size, colour, bold) for line in wrapped(words)))


def marked_up(text: Text, faint: str = FAINT) -> list[str]:
    return [
        marked(literal(line.words), line.size, "" if line.colour == INK else faint, bold=line.bold)
        for line in text.lines
    ]


def marked(line: str, size: int = TEXT, colour: str = "", *, bold: bool = False) -> str:
    font = (f' POINT-SIZE="{size}"' if size != TEXT else "") + (f' COLOR="{colour}"' if colour else "")
    line = f"<B>{line}</B>" if bold else line
    return f"<FONT{font}>{line}</FONT>" if font else line


def html_like(markup: str) -> str:
    """As a value of an attribute; what is empty stays a plain empty text."""
    return f"<{markup}>" if markup else ""


def wrapped(words: str) -> list[str]:
    clean = printable(words)
    lines = wrap(clean, WIDEST, break_on_hyphens=False) if len(clean) > WIDEST else [clean] if clean else []
    return [*lines[:MOST_LINES], "…"] if len(lines) > MOST_LINES else lines


def literal(line: str) -> str:
    """A line that means itself inside an HTML-like label."""
    # the engine reads \N and \G, a box's and the figure's name, even here
    return html.escape(line, quote=True).replace("\\", "\\\\")


def printable(words: str) -> str:
    return _UNPRINTABLE.sub(" ", words).strip(" ")
