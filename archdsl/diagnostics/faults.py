"""What is wrong and what to say of it: diagnostics, the one exception, the collector of several faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from archdsl.diagnostics.spans import Span

Severity: TypeAlias = Literal["error", "warning"]

MAX_TEXT = 600  # characters of a message
NUMBER = re.compile(r"(?<![\w'.])\d+(\.\d+)?(?!\w)")  # by itself, in no name


@dataclass(frozen=True)
class Note:
    """A second place or fact that belongs to a fault."""

    message: str
    span: Span | None = None


ELSEWHERE = Note("other calls or variants have this error too, with other numbers")


@dataclass(frozen=True)
class Diagnostic:
    """An error or warning: a code, a message, its place, and what to do."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    trail: tuple[Note, ...] = ()
    severity: Severity = "error"


class FigureWarning(UserWarning):
    """A warning that a figure came out otherwise than one would like."""


class FontWarning(FigureWarning):
    """A warning that a figure has letters that no font of the machine can show."""


class SpecError(Exception):
    """An error in a spec or a call. `diagnostics` holds it as data, `str()` gives it as text."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        from archdsl.diagnostics.rendering import render_text

        return render_text(self.diagnostics)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the diagnostics, without the frames of archdsl."""
        return str(self).splitlines()


def fault(
    code: str, message: str, span: Span | None = None, *, label: str = "", notes: tuple[Note, ...] = (), help: str = ""
) -> SpecError:
    """A `SpecError` of one diagnostic, ready to raise; what a hostile spec makes endless is cut."""
    return SpecError(Diagnostic(code, clipped(message), span, label, notes, clipped(help)))


def placed(error: SpecError, span: Span | None) -> SpecError:
    """The error, at a place if it is a fault of a plug-in: an op that fails does not know where in a spec it stands."""
    if not any(item.code == "bad-plugin" and item.span is None for item in error.diagnostics):
        return error
    found = (replace(d, span=span) if d.code == "bad-plugin" and d.span is None else d for d in error.diagnostics)
    made = SpecError(*found)
    made.__cause__ = error.__cause__
    return made


@contextmanager
def at(span: Span | None) -> Iterator[None]:
    """Gives the faults of plug-ins that are raised inside a place."""
    try:
        yield
    except SpecError as error:
        raise placed(error, span) from error.__cause__


def clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def place(item: Diagnostic) -> tuple[str, int, int]:
    """Where a fault stands; those of no place come first."""
    return (item.span.source.name, item.span.line, item.span.col) if item.span else ("", 0, 0)


def told_once(found: dict[str, Diagnostic]) -> Diagnostic:
    """The first of faults that differ in numbers alone, by their messages; it says that there are others."""
    first = next(iter(found.values()))
    return first if len(found) == 1 or ELSEWHERE in first.notes else replace(first, notes=(*first.notes, ELSEWHERE))


@dataclass
class Collector:
    """Gathers independent faults so that one run reports all of them."""

    found: list[Diagnostic] = field(default_factory=list)
    clean: bool = True  # whether no piece had to be left

    def ordered(self) -> list[Diagnostic]:
        """What was gathered, in the order of the text; those of one place that differ in numbers alone are one."""
        alike: dict[tuple[str, str, Span | None], dict[str, Diagnostic]] = {}
        for item in self.found:
            alike.setdefault((item.code, NUMBER.sub("#", item.message), item.span), {}).setdefault(item.message, item)
        return sorted(map(told_once, alike.values()), key=place)

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Runs one independent piece of work; its faults are kept and the next piece goes on."""
        try:
            yield
        except SpecError as error:
            self.keep(error)

    def keep(self, error: SpecError) -> None:
        """Gathers the faults of what was refused."""
        self.found.extend(error.diagnostics)
        self.clean = False

    def finish(self) -> None:
        """Raises what was gathered, in the order of the text, each fault once."""
        if self.found:
            raise SpecError(*self.ordered())
