"""Faults, and parts of them, that several modules of this room raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.lowering.forms import word_of
from archdsl.support.naming import nearest
from archdsl.syntax import spec as s

RENAME = "choose another name"


class Skip(SpecError):
    """A fault already reported elsewhere makes this piece meaningless; it carries none of its own."""


def declared(name: str, known: Iterable[str], places: Mapping[str, Span | None]) -> tuple[Note, ...]:
    """Where the known name that is like this one is declared, if a spec declares it."""
    near = nearest(name, known)
    place = places.get(near) if near is not None else None
    return (Note(f"'{near}' is declared here", place),) if place is not None else ()


def no_module(name: str, step: s.Step) -> SpecError:
    """The fault of a `name:` at a step that makes no module of its own."""
    message, span = f"'{name}' cannot name this step: '{word_of(step)}' has no module of its own", step.span
    return fault("bad-name", message, span, help="write as: to name its tensor, or name a step that it holds")


def no_chain(name: str, step: s.Step) -> SpecError:
    """The fault of a `name:` at steps of which one is more than a module on the tensor before it."""
    if step.into is not None:
        what = "names its tensor"
    elif step.source is not None:
        what = "reads a named tensor"
    else:
        what = "shares a module" if step.share is not None else "takes or gives several tensors"
    message = f"'{name}' cannot name these steps: they are not a simple sequence, because '{word_of(step)}' {what}"
    return fault("bad-name", message, step.span, help="make these steps a block, or give a step of them the name")


def too_deep(span: Span) -> SpecError:
    return fault(
        "too-deep", "blocks and lists are nested too deeply", span, help="call fewer blocks inside one another"
    )
