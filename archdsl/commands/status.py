"""Exit statuses, and what is said where archdsl itself is at fault."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from archdsl import __version__
from archdsl.commands.terminal import complain
from archdsl.diagnostics.faults import Diagnostic

OK, INTERNAL, FAULT, CHANGES, INTERRUPTED = 0, 1, 2, 3, 130  # CHANGES: sound, but something is to be changed
ISSUES = "the issue tracker of archdsl's repository"
NOT_YOURS = f"This is a fault of archdsl {__version__}, not of your spec. Please report it to {ISSUES}"


def status_of(found: Sequence[Diagnostic]) -> int:
    """The exit status for faults: a module that differs from its graph is one of archdsl itself, which is then said."""
    if not any(item.code == "differs" for item in found):
        return FAULT
    complain(f"{NOT_YOURS},\nwith the spec and the command.")
    return INTERNAL


def internal(error: Exception) -> int:
    """A fault of archdsl itself: says so, and what to send where."""
    if os.environ.get("ARCHDSL_DEBUG"):
        raise error
    place = f" ({where(error)})" if where(error) else ""
    complain(
        f"archdsl: internal error: {type(error).__name__}: {error}{place}\n"
        f"{NOT_YOURS},\nwith the spec, the command, and what ARCHDSL_DEBUG=1 in front of it prints."
    )
    return INTERNAL


def where(error: BaseException) -> str:
    """File and line of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
