"""Faults, and parts of them, that several modules of this room raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.support.naming import nearest

RENAME = "choose another name"


class Skip(SpecError):
    """A fault already reported elsewhere makes this piece meaningless; it carries none of its own."""


def declared(name: str, known: Iterable[str], places: Mapping[str, Span | None]) -> tuple[Note, ...]:
    """Where the known name that is like this one is declared, if a spec declares it."""
    near = nearest(name, known)
    place = places.get(near) if near is not None else None
    return (Note(f"'{near}' is declared here", place),) if place is not None else ()


def no_module(name: str, span: Span) -> SpecError:
    message = f"'{name}' names no module: this step makes none of its own"
    return fault("bad-name", message, span, help="write as: to name its tensor, or name a step that it holds")


def too_deep(span: Span) -> SpecError:
    return fault(
        "too-deep", "blocks and lists are nested too deeply", span, help="call fewer blocks inside one another"
    )
