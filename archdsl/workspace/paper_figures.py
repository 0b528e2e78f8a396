"""The figures of the paper that a spec says how to draw, found by their numbers."""

from __future__ import annotations

import re

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.support.naming import did_you_mean
from archdsl.syntax.spec import PaperFigure
from archdsl.workspace.library import SpecLike, read

_BETWEEN = re.compile(r"\bfig(ure)?\b|[\s().]+", re.ASCII)


def paper_figure(spec: SpecLike | Graph, number: str, *beside: object) -> PaperFigure:
    """What the spec says of a figure, whose number may be short: `2b` is `Figure 2 (b)`.

    `beside` is what else was asked for and the figure itself gives.
    """
    if any(beside):
        message = "a figure of the paper sets the block, the cases and the open parts itself"
        raise fault("bad-call", message, help="leave these out, or leave out the figure")
    of = spec if isinstance(spec, Graph) else read(spec)
    for found in of.figure.paper.values():
        if spelt(found.number) == spelt(number):
            return found
    known = list(of.figure.paper)
    help = did_you_mean(number, known) or f"the spec has {', '.join(known) or 'none'}"
    raise fault("unknown-figure", f"'{of.name}' does not say how to draw '{number}' of its paper", help=help)


def spelt(number: str) -> str:
    return _BETWEEN.sub("", number.lower())
