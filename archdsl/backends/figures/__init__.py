"""Figures of a network and of its blocks: scopes -> boxes (outline) -> arrows -> DOT -> the engine, or a writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.figures import blocks, levels, measure, pictured, stages
from archdsl.backends.figures.asked import (
    FORMATS,
    Asked,
    Blocks,
    expect_look,
    expect_of_one,
    expect_of_several,
    hint,
    named,
)
from archdsl.backends.figures.cases import Case
from archdsl.backends.figures.paper import SMALLER, TALL
from archdsl.backends.figures.picture import Picture
from archdsl.backends.figures.shapes import KINDS, ORDERS, Shapes, numbered
from archdsl.backends.figures.strip import PAGE, Paper
from archdsl.backends.figures.theme import Look, inches
from archdsl.backends.figures.writers import WRITERS
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph

if TYPE_CHECKING:
    from archdsl.analysis.difference import Difference

__all__ = ["FORMATS", "KINDS", "LEVELS", "ORDERS", "PAIRED", "Look", "draw", "draw_difference", "inches", "picture"]

PAIRED = ("svg", "pdf", "png", "dot", *WRITERS)  # of two networks
SUFFIXES = {"tex": "tikz"}  # of files, where they are not the names of formats
LEVELS = tuple(levels.LEVELS)


def draw(
    graphs: Graph | Sequence[Graph],
    *,
    block: Blocks | None = None,
    cases: Sequence[Case] = (),
    level: str = "network",
    format: str = "svg",
    style: str | None = None,
    orient: str | None = None,
    expand: Sequence[str] = (),
    arrange: str | None = None,
    look: Look | None = None,
) -> bytes | str:
    """The figure of a network at a level, or of the inside of a block: bytes for pdf and png, text for all others.

    At the level `network` it is a strip of stages: `style` strip (boxes with text; the default) or blocks (boxes that
    show resolution and channels; the default of tikz), `orient` landscape or portrait (None: landscape where it fits),
    the stages in `expand` opened. Arranged by `resolution` they stand in rows by the resolution of their maps; an
    encoder with its decoder and a detector do where `arrange` is None and nothing is asked for that a strip alone has.
    Several blocks stand side by side, and so do the `cases` of one: conditions on its arguments (`"stride=1"`). The
    blocks inside them that `expand` names are open, at the level `op` all of them.
    Several networks stand side by side, their stages in common rows by resolution.
    As html the interactive page of the whole network (text), opened down to the level, with the block in view.
    """
    look = look or Look()
    asked = Asked(format, named(block), cases, level, style, orient, expand, arrange)
    expect_look(asked, look)
    graph, *others = [graphs] if isinstance(graphs, Graph) else graphs
    if others:
        expect_of_several(asked)
        return stages.several([graph, *others], format, look)
    expect_of_one(asked)
    if format == "html":
        return page(graph, asked, look)
    if asked.is_whole:
        return stages.network(graph, asked, look)
    made = picture(graph, block=block, cases=cases, level=level, expand=expand, look=look)
    return pictured.drawn(made, format, look, aligned=bool(block))


def page(graph: Graph, asked: Asked, look: Look) -> str:
    """The interactive page of a network, opened at the block and level."""
    from archdsl.backends.figures import interactive

    picture(graph, block=asked.block, level=asked.level)  # raises where there are no such ones
    return interactive.draw(graph, block=next(iter(asked.block), None), level=asked.level, look=look)


def picture(
    graph: Graph,
    *,
    block: Blocks | None = None,
    cases: Sequence[Case] = (),
    level: str = "network",
    expand: Sequence[str] = (),
    look: Look | None = None,
) -> Picture:
    """The same before it is drawn: boxes, groups, arrows."""
    wanted = named(block)
    known = tuple(dict.fromkeys(blocks.names_inside(graph.root)))
    for name in wanted:
        if name not in known:
            raise fault("unknown-block", f"'{graph.name}' uses no block '{name}'", help=hint(name, known))
    if cases and len(wanted) != 1:
        raise fault("bad-call", "cases are those of one block", help="give one block with them")
    if level not in LEVELS:
        raise fault("unknown-level", f"there is no level '{level}'", help=hint(level, LEVELS))
    if wanted:
        cases = [cases] if isinstance(cases, (str, Mapping)) else cases
        return blocks.blocks(graph, wanted, cases, expand, deep=level == "op", look=look)
    return levels.network(graph, level, (look or Look()).axes)


def draw_difference(
    found: Difference, format: str = "svg", look: Look | None = None, *, told: bool = True
) -> bytes | str:
    """Two networks beside one another, what was added, removed and changed in colour, and `told` above in words."""
    from archdsl.backends.figures import difference

    if format not in PAIRED:
        raise fault("unknown-format", f"there is no such figure as '{format}'", help=hint(format, PAIRED))
    look = look or Look()
    with measure.in_font(look.font):
        shapes = numbered(look.axes, found.before.graph, found.after.graph)
        paper = stages.paper_of(look)
        made = difference.drawing(found, shapes, paper, told=told)
        instead = SMALLER if paper is None or paper.holds(made) else larger(found, shapes, look, told=told)
        return stages.on_paper(made, format, look, instead)


def larger(found: Difference, shapes: Shapes, look: Look, *, told: bool) -> str:
    """The options for a page on which two networks fit, where that of the look is too small for them."""
    from archdsl.backends.figures import difference

    assert look.width is not None
    wide, high = max(look.width, PAGE), max(look.height or TALL, TALL)
    flags = {"--width": wide}, {"--height": high}, {"--width": wide, "--height": high}
    for given in flags:
        page = Paper.of(given.get("--width", look.width), given.get("--height", look.height))
        if page.holds(difference.drawing(found, shapes, page, told=told)):
            return " ".join(f"{flag} {size:g}in" for flag, size in given.items())
    return SMALLER
