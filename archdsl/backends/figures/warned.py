"""Warnings of figures, at the line outside of the package that asked for the figure."""

from __future__ import annotations

import warnings
from inspect import currentframe

from archdsl.diagnostics.faults import FigureWarning

PACKAGE = __name__.partition(".")[0]


def warn(message: str, category: type[FigureWarning] = FigureWarning) -> None:
    warnings.warn(message, category, stacklevel=1 + frames_inside())


def frames_inside() -> int:
    """How many frames, that of `warn` included, belong to the package."""
    frame, count = currentframe(), -1  # without its own
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PACKAGE:
        frame, count = frame.f_back, count + 1
    return count
