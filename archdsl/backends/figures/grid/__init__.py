"""Networks on a grid of rows by resolution: one that goes down and up again, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archdsl.backends.figures.grid.drawing import Wish, drawn
from archdsl.backends.figures.grid.places import FORMS, Place, aligned, by_resolution
from archdsl.backends.figures.grid.shades import in_common
from archdsl.backends.figures.grid.suited import suited
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell, rank_of, strip
from archdsl.backends.figures.strip.fit import PAGE, Paper
from archdsl.backends.figures.strip.plan import Drawing
from archdsl.ir.graph import Graph

__all__ = ["is_suited", "resolutions", "side_by_side"]


def is_suited(graph: Graph) -> bool:
    """Whether a network is drawn by resolution when nothing else is asked for."""
    return suited(strip(graph), rank_of(graph))


def resolutions(graph: Graph, shapes: Shapes, paper: Paper | None = None, *, legend: bool | None = None) -> Drawing:
    """The stages of a network in rows by the resolution of their maps, the highest on top."""

    def made(allowed: Paper, *, levelled: bool, closed: bool) -> Drawing:
        found = strip(graph, levelled=levelled, closed=closed, ends_in_map=True)
        words = found.legend if legend or (legend is None and len(found.legend) > 1) else {}
        places: list[dict[Cell, Place]] = []
        for one in (by_resolution(found, rank_of(graph), form) for form in FORMS):
            places += [] if one in places else [one]
        wishes = [Wish(found.title, one, found.flows, found.nets, words, shapes=shapes) for one in places]
        return drawn(wishes, allowed)

    return fitted(made, paper or Paper.of(PAGE))


def side_by_side(
    graphs: Sequence[Graph], shapes: Shapes, paper: Paper | None = None, *, legend: bool | None = None
) -> Drawing:
    """Several networks as columns, their stages in common rows by the resolution of their maps."""

    def made(allowed: Paper, *, levelled: bool, closed: bool) -> Drawing:
        found = [strip(graph, levelled=levelled, closed=closed, ends_in_map=True) for graph in graphs]
        for place, cell in enumerate(cell for one in found for cell in one.cells):
            cell.place = place  # each has another one, by which it is known
        common = aligned(found, graphs)
        colours = in_common(found)
        wish = Wish(
            ", ".join(one.title for one in found),
            common.places,
            [flow for one in found for flow in one.flows],
            [net for one in found for net in one.nets],
            colours if legend or (legend is None and len(colours) > 1) else {},
            heads=[(*columns, one.title) for columns, one in zip(common.columns, found, strict=True)],
            sides=common.sides,
            alone="draw each alone with --arrange resolution",
            shapes=shapes,
        )
        return drawn([wish], allowed)

    return fitted(made, paper or Paper.of(PAGE))


class Made(Protocol):
    """A drawing for a paper, with tables as `strip` has them: a box for each row, each resolution or each table."""

    def __call__(self, allowed: Paper, *, levelled: bool, closed: bool) -> Drawing: ...


def fitted(made: Made, paper: Paper) -> Drawing:
    """The tables of stages are closed where it does not fit otherwise, if that will do to a box for each resolution.

    If nothing fits it is what lacks the least.
    """
    found: list[Drawing] = []
    for levelled, closed in ((False, False), (True, False), (False, True)):
        found.append(made(paper, levelled=levelled, closed=closed))
        if paper.holds(found[-1]):
            return found[-1]
    return min(found, key=lambda one: paper.lacking(one.rect.width, one.rect.height))
