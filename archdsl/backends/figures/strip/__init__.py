"""The figure of a network as a strip of stages: cells -> places -> DOT with places, or a scene."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip import as_dot, as_scene
from archdsl.backends.figures.strip.bodies import Manner
from archdsl.backends.figures.strip.crossings import crossings
from archdsl.backends.figures.strip.fit import PAGE, Paper, drawing
from archdsl.backends.figures.strip.plan import Drawing
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.support.naming import did_you_mean

STYLES = ("strip", "blocks")
ORIENTS = ("landscape", "portrait")


def strip(
    graph: Graph,
    style: str,
    orient: str | None = None,
    expand: Sequence[str] = (),
    *,
    deep: bool = False,
    paper: Paper | None = None,
    legend: bool | None = None,
    shapes: Shapes | None = None,
) -> Drawing:
    """A strip with everything in its place. `deep`: solids in perspective. Without an orientation one that fits."""
    known("style", style, STYLES)
    known("orient", orient or ORIENTS[0], ORIENTS)
    blocks = style == "blocks"
    manner = Manner(blocks=blocks, portrait=orient == "portrait", deep=deep and blocks, shapes=shapes or Shapes())
    return drawing(graph, manner, expand, paper, turns=orient is None, legend=legend)


def known(what: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        hint = did_you_mean(word, words) or f"choose from {', '.join(words)}"
        raise fault("bad-call", f"there is no {what} '{word}'", help=hint)


__all__ = ["ORIENTS", "PAGE", "STYLES", "Drawing", "Paper", "as_dot", "as_scene", "crossings", "strip"]
