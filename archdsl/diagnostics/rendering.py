"""Diagnostics as text for people, JSON for programs, workflow commands for GitHub."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from archdsl.diagnostics.faults import Diagnostic, Note
from archdsl.diagnostics.spans import Source, Span

WIDTH, LEAD, MOST, CALLS = 100, 30, 50, 8  # of a source line shown; kept before the span; diagnostics, calls printed

_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "place": "1",
    "message": "1",
    "gutter": "34",
    "caret": "1;31",
    "note": "1;36",
    "help": "1;32",
}


def render_text(diagnostics: Sequence[Diagnostic], color: bool = False) -> str:
    """One paragraph a diagnostic: place, code and message, the line with a caret, notes, help."""
    paint = _Paint(color)
    parts = [_diagnostic(item, paint) for item in diagnostics[:MOST]]
    if len(diagnostics) > MOST:
        parts.append(paint("note", f"... and {len(diagnostics) - MOST} more"))
    return "\n\n".join(parts)


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Lines and columns count from 1, the end column is exclusive."""
    found = {"archdsl_check": 1, "diagnostics": [_object(item) for item in diagnostics]}
    return json.dumps(found, indent=2, ensure_ascii=True)


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """A workflow command a line, which GitHub shows beside the changed lines."""
    return "\n".join(_command(item) for item in diagnostics)


# --- text --------------------------------------------------------------------------------------


class _Paint:
    """Colours a piece of text, or leaves it."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text


def _diagnostic(item: Diagnostic, paint: _Paint) -> str:
    place = paint("place", f"{escape(str(item.span))}: ") if item.span else ""
    lines = [
        f"{place}{paint(item.severity, f'{item.severity}[{item.code}]')}: {paint('message', escape(item.message))}"
    ]
    gutter = " " * len(str(item.span.line)) if item.span else ""
    bar = paint("gutter", f"{gutter} = ")
    if item.span:
        lines += _snippet(item.span, item.label, "^", paint)
    for note in item.notes:
        lines += _note(note, bar, paint)
    lines += _trail(item.trail, bar, paint)
    if item.help:
        lines.append(f"{bar}{paint('help', 'help')}: {escape(item.help)}")
    return "\n".join(lines)


def _trail(trail: Sequence[Note], bar: str, paint: _Paint) -> list[str]:
    """The calls that led there, the innermost first; of a long way, both ends."""
    lines = [
        f"{bar}{paint('note', 'in')}: {escape(call.message)}" + (f" ({escape(str(call.span))})" if call.span else "")
        for call in trail
    ]
    if len(lines) > CALLS:
        hidden = len(lines) - CALLS + 1
        lines[CALLS // 2 : CALLS // 2 + hidden] = [f"{bar}{paint('note', 'in')}: ... {hidden} more calls"]
    return lines


def _note(note: Note, bar: str, paint: _Paint) -> list[str]:
    """A fact under the snippet, or a second place with a snippet of its own."""
    if note.span is None:
        return [f"{bar}{paint('note', 'note')}: {escape(note.message)}"]
    head = f"{paint('place', escape(str(note.span)))}: {paint('note', 'note')}: {escape(note.message)}"
    return [head, *_snippet(note.span, "", "-", paint)]


def _snippet(span: Span, label: str, mark: str, paint: _Paint) -> list[str]:
    """The line of a span with its number, and marks under the part that is meant."""
    line = _lines(span.source)[span.line - 1] if 0 < span.line <= len(_lines(span.source)) else ""
    if not line.strip():
        return []
    last = span.end_col if span.end_line == span.line else len(line) + 1
    start, end = span.col - 1, max(min(last - 1, max(len(line.rstrip()), span.col)), span.col)
    before, inside, after = escape(line[:start]), escape(line[start:end]), escape(line[end:])
    before, inside, after = _cut(before, inside, after)
    number = str(span.line)
    marks = " " * _columns(before) + paint(
        "caret", mark * max(_columns(inside), 1) + (f" {escape(label)}" if label else "")
    )
    empty, filled = paint("gutter", f"{' ' * len(number)} |"), paint("gutter", f"{number} |")
    return [empty, f"{filled} {before}{inside}{after}", f"{empty} {marks}"]


@lru_cache(maxsize=8)
def _lines(source: Source) -> list[str]:
    return source.text.splitlines()


def _cut(before: str, inside: str, after: str) -> tuple[str, str, str]:
    """A long line cut around the part that is meant."""
    if len(before) + len(inside) + len(after) <= WIDTH:
        return before, inside, after
    if len(before) + len(inside) > WIDTH and len(before) > LEAD:
        before = "..." + before[-(LEAD - 3) :]
    if len(inside) > WIDTH - len(before):
        return before, inside[: WIDTH - len(before) - 3] + "...", ""
    room = WIDTH - len(before) - len(inside)
    return before, inside, after if len(after) <= room else after[: max(room - 3, 0)] + "..."


def escape(text: str) -> str:
    """The text with everything that could drive a terminal, or reverse it, written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or character in "\xa0\u202f":
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def _columns(text: str) -> int:
    """How wide a terminal shows it."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


# --- data --------------------------------------------------------------------------------------


def _object(item: Diagnostic) -> dict[str, Any]:
    return {
        "severity": item.severity,
        "code": item.code,
        "message": item.message,
        **_location(item.span),
        "label": item.label,
        "help": item.help,
        "notes": [{"message": note.message, **_location(note.span)} for note in item.notes],
        "trail": [{"message": note.message, **_location(note.span)} for note in item.trail],
    }


def _location(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.col,
        "end_line": span.end_line,
        "end_column": span.end_col,
    }


def _command(item: Diagnostic) -> str:
    fields = {"title": item.code}
    if item.span:
        fields = {"file": item.span.source.name, "line": str(item.span.line), "col": str(item.span.col), **fields}
    listed = ",".join(f"{key}={_property(value)}" for key, value in fields.items())
    message = f"{item.message}\nhelp: {item.help}" if item.help else item.message
    return f"::{item.severity} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """A message: `%` and line ends would end the command; other control characters are written out."""
    kept = "\n".join(escape(line) for line in text.replace("\r\n", "\n").split("\n"))
    return kept.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
