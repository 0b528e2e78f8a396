"""Quick fixes: what the help of a diagnostic says to write, where it says it word for word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl.diagnostics.faults import Diagnostic
from archdsl.diagnostics.spans import Span

_MEANT = re.compile(r"did you mean '([^']+)'\?")
_WRITE = re.compile(r"write '([^']+)'(, with a space after the ':')?")


@dataclass(frozen=True)
class Fix:
    """A change of the text that mends a fault."""

    title: str
    span: Span
    text: str


def fix(item: Diagnostic) -> Fix | None:
    """The change that the help of a diagnostic names, if it stands for all of what is marked."""
    if item.span is None or item.span.line != item.span.end_line:
        return None
    marked = item.span.source.line(item.span.line)[item.span.col - 1 : item.span.end_col - 1]
    meant, write = _MEANT.match(item.help), _WRITE.fullmatch(item.help)
    if meant:
        inner = marked[1:-1] if marked[:1] in "\"'" else marked
        text = marked.replace(inner, meant[1]) if inner else meant[1]
        return Fix(f"Change to '{meant[1]}'", item.span, text)
    if write and item.code in ("bad-step", "bad-name", "missing-file"):
        return Fix(f"Write '{write[1]}'", item.span, write[1])
    return None
