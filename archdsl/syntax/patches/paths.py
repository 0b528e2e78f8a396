"""Paths of patches: `dense.stage3.layers`, `Unit.conv[1]`, `calls.relu`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.support.naming import did_you_mean
from archdsl.syntax.reading.values import clip
from archdsl.yaml.located import Scalar

_PART = re.compile(r"(?P<word>\w+)(\[(?P<place>\d{1,4}|\*)\])?", re.ASCII)
MAX_PARTS = 20


@dataclass(frozen=True)
class Part:
    """A word of a path; of several steps of that name the one meant, counted from 0, or all of them."""

    key: Scalar  # the word, at its place
    place: int | None = None
    every: bool = False

    @property
    def text(self) -> str:
        return self.key.text

    @property
    def span(self) -> Span:
        return self.key.span

    def number(self) -> int | None:
        """The place that it is, where it is one."""
        return int(self.text) if self.text.isdigit() and len(self.text) < 5 else None


def parts_of(key: Scalar) -> list[Part]:
    """The words of a path, each at its place."""
    found: list[Part] = []
    column = int(key.quoted)
    for text in key.text.split("."):
        match = _PART.fullmatch(text)
        if match is None or len(found) >= MAX_PARTS:
            message = f"'{clip(key.text)}' is not a path"
            help = "a path is made of names and numbers: dense.stage3.layers, Unit.conv[1]"
            raise fault("bad-name", message, key.span, help=help)
        word, place = match["word"], match["place"]
        span = within(key.span, column, len(text))
        found.append(Part(Scalar(word, word, False, span), None if place in (None, "*") else int(place), place == "*"))
        column += len(text) + 1
    return found


def within(span: Span, column: int, length: int) -> Span:
    """A stretch of a place in one line."""
    if span.line != span.end_line:
        return span
    return span._replace(col=span.col + column, end_col=span.col + column + length)


def missed(
    part: Part, what: str, known: Iterable[str], listed: str, place: Span | None = None, said: str = ""
) -> SpecError:
    """What to say of a word of a path that meets nothing: what is there, and where."""
    known = list(dict.fromkeys(known))
    hint = did_you_mean(part.text, known) if len(part.text) <= 64 else ""
    there = f"{listed} {', '.join(known[:20])}" if known else ""
    notes = (Note("these are its parts", place),) if place is not None else ()
    help = " ".join(filter(None, (hint, there if not hint or len(known) < 8 else "", said)))
    return fault("unknown-override", f"{what} '{clip(part.text)}'", part.span, notes=notes, help=help)
