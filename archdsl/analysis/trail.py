"""Where a run is: the step at work and the calls that led there, which every fault tells."""

from __future__ import annotations

from dataclasses import replace

from archdsl.diagnostics.faults import Note, SpecError
from archdsl.diagnostics.spans import Span
from archdsl.ir import program as ir


class Trail:
    """The step at work, and the calls around it, the outermost first."""

    def __init__(self) -> None:
        self.here: Span | None = None
        self.calls: list[tuple[ir.Function, Span]] = []

    def placed(self, error: SpecError, notes: tuple[Note, ...] = ()) -> SpecError:
        """The error with the calls that led here, and further notes."""
        calls = tuple(Note(f"{block.name}, called here", span) for block, span in reversed(self.calls))
        return SpecError(
            *(replace(d, notes=(*d.notes, *notes), trail=d.trail or calls) for d in error.diagnostics),
        )
