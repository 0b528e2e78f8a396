"""Figures of the stages of networks: strips, and rows by resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.backends.figures import measure, still, strip
from archdsl.backends.figures.asked import Asked
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.finish import dots, finished, title_of
from archdsl.backends.figures.glyphs import expect_fonts
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.paper import LEAST, SMALLER, TALL, fitted
from archdsl.backends.figures.shapes import Shapes, numbered
from archdsl.backends.figures.theme import Look
from archdsl.backends.figures.writers import WRITERS
from archdsl.diagnostics.faults import SpecError
from archdsl.ir.graph import Graph


def network(graph: Graph, asked: Asked, look: Look) -> bytes | str:
    """A strip of stages; or the stages in rows by resolution, if asked for or if that suits the network better."""
    deep = asked.format == "tikz"
    paper = paper_of(look)
    shown, written = visible(graph), numbered(look.axes, graph)

    def drawn(orient: str | None) -> strip.Drawing:
        manner = asked.style or ("blocks" if deep else "strip")
        return strip.strip(
            shown, manner, orient, asked.expand, deep=deep, paper=paper, legend=look.legend, shapes=written
        )

    with measure.in_font(look.font):
        if asked.arrange == "resolution":
            made = on_grid(shown, written, paper, look)
            return on_paper(made, asked.format, look, "draw it with --arrange strip")
        made = drawn(asked.orient)
        if asked.arrange is None and not (asked.style or asked.orient or asked.expand):
            made = better(shown, made, lambda: on_grid(shown, written, paper, look), paper)
        if paper is None or paper.holds(made):
            return on_paper(made, asked.format, look)
        turned = next((other for other in strip.ORIENTS if asked.orient not in (None, other)), None)
        fits = turned is not None and paper.holds(drawn(turned))
        return on_paper(made, asked.format, look, f"draw it with --orient {turned}" if fits else SMALLER)


def better(
    graph: Graph, made: strip.Drawing, on_grid: Callable[[], strip.Drawing], paper: strip.Paper | None
) -> strip.Drawing:
    """An encoder with its decoder or a detector on a grid, where that fits and has no more crossings than a strip."""
    from archdsl.backends.figures import grid

    if not grid.is_suited(graph):
        return made
    try:
        other = on_grid()
    except SpecError:  # its lines find no way
        return made
    fits = (paper or strip.Paper.of(strip.PAGE)).holds(other)
    return other if fits and strip.crossings(other.ways) <= strip.crossings(made.ways) else made


def on_grid(graph: Graph, shapes: Shapes, paper: strip.Paper | None, look: Look) -> strip.Drawing:
    """The stages of a network in rows by resolution."""
    from archdsl.backends.figures import grid

    return grid.resolutions(graph, shapes, paper, legend=look.legend)


def several(graphs: Sequence[Graph], format: str, look: Look) -> bytes | str:
    """Networks side by side, their stages in common rows by resolution."""
    from archdsl.backends.figures import grid

    paper = paper_of(look)
    with measure.in_font(look.font):
        made = grid.side_by_side([*map(visible, graphs)], numbered(look.axes, *graphs), paper, legend=look.legend)
        if format == "html":
            return still.page(made.title, str(on_paper(made, "svg", look)), made.rect.width * LEAST, look)
        return on_paper(made, format, look, "draw fewer of them", most=TALL)


def paper_of(look: Look) -> strip.Paper | None:
    """What a figure is to fit; None where it is as large as it comes."""
    return strip.Paper.of(look.width, look.height) if look.width is not None else None


def on_paper(
    made: strip.Drawing, format: str, look: Look, instead: str = SMALLER, *, most: float | None = None
) -> bytes | str:
    """What has its places, drawn; `most`: so high at most, if no height is asked for."""
    extent = made.rect
    title = printable(made.title)
    page = None
    if look.width is not None:
        fits = strip.Paper.of(look.width, look.height).holds(made)
        high = look.height or (TALL if fits else most)
        page = fitted(extent.width, extent.height, look.width, high, title, instead)
    if format in WRITERS:
        titles = {solid.cell: title_of(solid.cell.box) for solid in made.solids}
        return WRITERS[format].written(strip.as_scene.scene_of(made, look, titles), page)
    text = strip.as_dot.dot(made, look, page.attributes if page else {})
    if format == "dot":
        return text
    expect_fonts(text, format, look)
    return finished(
        render(text, format, strip.as_dot.LAYOUT, dpi=dots(look, page)), format, title, strip_titles(made), look, page
    )


def strip_titles(made: strip.Drawing) -> dict[str, str]:
    return {
        name: title_of(cell.box) if words is None else printable(" ".join(line.words for line in words.text.lines))
        for name, cell, words in strip.as_dot.names(made)
    }
