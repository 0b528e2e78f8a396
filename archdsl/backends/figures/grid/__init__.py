"""Networks on a grid: a row for each resolution of a network that goes down and up again; boxes, then lines between."""

from __future__ import annotations

from archdsl.backends.figures.grid.drawing import Wish, drawn
from archdsl.backends.figures.grid.places import by_resolution
from archdsl.backends.figures.strip.cells import strip
from archdsl.backends.figures.strip.fit import PAGE, Paper
from archdsl.backends.figures.strip.plan import Drawing
from archdsl.ir.graph import Graph

__all__ = ["resolutions"]


def resolutions(graph: Graph, paper: Paper | None = None, *, legend: bool | None = None) -> Drawing:
    """The stages of a network in rows by the resolution of their maps, the highest on top."""
    found = strip(graph, closed=False)
    places = by_resolution(found, len(next(iter(graph.inputs.values())).shape))
    words = found.legend if legend or (legend is None and len(found.legend) > 1) else {}
    return drawn(Wish(found.title, places, found.flows, found.nets, words), paper or Paper.of(PAGE))
