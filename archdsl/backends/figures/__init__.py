"""Figures of a network and of its blocks: scopes -> boxes (outline) -> arrows -> DOT -> the engine, or a writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeAlias

from archdsl.backends.figures import blocks, levels, measure, strip
from archdsl.backends.figures.cases import Case
from archdsl.backends.figures.dot import LEGEND_ENTRY, dot, explained, node_names, printable
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.paper import LEAST, SMALLER, TALL, Page, exact, extent, fitted, room
from archdsl.backends.figures.picture import Box, Picture
from archdsl.backends.figures.shapes import KINDS, ORDERS, Shapes, numbered
from archdsl.backends.figures.svg import cleaned
from archdsl.backends.figures.theme import DPI, Look, inches
from archdsl.backends.figures.writers import WRITERS
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.given import known_word
from archdsl.ir.graph import Graph
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from archdsl.analysis.difference import Difference

__all__ = ["FORMATS", "KINDS", "LEVELS", "ORDERS", "PAIRED", "Look", "draw", "draw_difference", "inches", "picture"]

FORMATS = ("svg", "pdf", "png", "dot", *WRITERS, "html")
ARRANGEMENTS = ("strip", "resolution")
PAIRED = ("svg", "pdf", "png", "dot", *WRITERS)  # of two networks
SUFFIXES = {"tex": "tikz"}  # of files, where they are not the names of formats
Blocks: TypeAlias = "str | Sequence[str]"
LEVELS = tuple(levels.LEVELS)
WRITTEN = ("shapes", "axes")  # what of a look a page has too


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
    if format not in FORMATS:
        raise fault("unknown-format", f"there is no figure format '{format}'", help=hint(format, FORMATS))
    look = look or Look()
    check_look(look, format)
    check_shapes(look, block, level, format)
    graph, *others = [graphs] if isinstance(graphs, Graph) else graphs
    if others:
        choices = {
            "block": block,
            "cases": cases,
            "style": style,
            "orient": orient,
            "arrange": arrange,
            "expand": expand,
        }
        if format == "html":
            message = "an interactive page shows one network"
            raise fault("bad-call", message, help="give one network, or draw them side by side as svg, pdf or png")
        refuse_several({**choices, "level": level != "network"})
        return several([graph, *others], format, look)
    check_arrangement(arrange, block, level, style, orient, expand, format)
    if format == "html":
        refuse(block, style, orient, expand, format)
        if cases:
            raise fault("bad-call", "a page has no 'cases'", help="it shows every call of a block")
        if len(named(block)) > 1:
            raise fault("bad-call", "a page starts at one block", help="give one block with it")
        picture(graph, block=block, level=level)  # whether there are such
        from archdsl.backends.figures import interactive

        return interactive.draw(graph, block=next(iter(named(block)), None), level=level, look=look)
    if block:
        check_level(level, expand)
    elif level == "network":
        if cases:
            raise fault("bad-call", "cases are those of a block", help="give the block with them")
        return network(graph, style, orient, expand, arrange, format, look)
    refuse(block, style, orient, () if block else expand, format)
    made = picture(graph, block=block, cases=cases, level=level, expand=expand, look=look)
    if format == "dot":
        return dot(made, look)
    if format in WRITERS:
        return written(made, format, look, aligned=bool(block))
    text, page, program = laid_out(made, look, aligned=bool(block))
    drawing = render(text, format, program, dpi=dots(look, page))
    return finished(drawing, format, printable(made.title), titles(made), look, page)


def dots(look: Look, page: Page | None) -> float:
    """Per inch of a png: so many that it comes out as wide as asked for."""
    return look.dpi * (page.correction if page else 1)


def finished(
    drawing: bytes, format: str, title: str, titles: Mapping[str, str], look: Look, page: Page | None
) -> bytes | str:
    """What the engine drew, made exact and the same every time."""
    if format == "svg":
        return cleaned(drawing, title, titles, look)
    return exact(drawing, page) if format == "pdf" else drawing


def laid_out(made: Picture, look: Look, *, aligned: bool) -> tuple[str, Page | None, str]:
    """The text of a figure, its page, and the engine's program for it: `nop2` where boxes have their places already."""
    if aligned:
        from archdsl.backends.figures import narrow, placed  # as much again to import as all other figures take

        return (*placed.text(*narrow.on_page(made, look), look), "nop2")
    return (*on_page(made, look), "dot")


def written(made: Picture, format: str, look: Look, *, aligned: bool) -> bytes | str:
    """A figure by a writer of our own."""
    from archdsl.backends.figures import narrow, picture_scene, placed

    places: picture_scene.Places
    if aligned:
        made, sheet = narrow.on_page(made, look)
        places, page = picture_scene.SheetPlaces(sheet), placed.page_of(made, sheet, look)
    else:
        columns = legend_columns(made, look)
        places = picture_scene.engine_places(made, dot(made, look, columns=columns), columns)
        page = fitted(*places.size, look.width, look.height, printable(made.title)) if look.width is not None else None
    with measure.in_font(look.font):
        return WRITERS[format].written(picture_scene.scene_of(made, places, look, title_of), page)


def legend_columns(made: Picture, look: Look) -> int:
    """So many that the legend is no wider than the page, or than the drawing above it."""
    if look.width is not None:
        return max(1, int(room(look.width, LEAST) / LEGEND_ENTRY))
    if not explained(made, look):
        return 1
    return max(1, int(extent(dot(made, replace(look, legend=False)))[0] / LEGEND_ENTRY))


def on_page(made: Picture, look: Look) -> tuple[str, Page | None]:
    """The text of a figure and its page: of the width asked for, or as large as it comes."""
    columns = legend_columns(made, look)
    text = dot(made, look, columns=columns)
    if look.width is None:
        return text, None
    page = fitted(*extent(text), look.width, look.height, printable(made.title))
    return dot(made, look, page.attributes, columns), page


def network(
    graph: Graph,
    style: str | None,
    orient: str | None,
    expand: Sequence[str],
    arrange: str | None,
    format: str,
    look: Look,
) -> bytes | str:
    """A strip of stages; or the stages in rows by resolution, if asked for or if that suits the network better."""
    deep = format == "tikz"
    paper = strip.Paper.of(look.width, look.height) if look.width is not None else None
    shown, written = visible(graph), numbered(look.axes, graph)

    def drawn(orient: str | None) -> strip.Drawing:
        manner = style or ("blocks" if deep else "strip")
        return strip.strip(shown, manner, orient, expand, deep=deep, paper=paper, legend=look.legend, shapes=written)

    with measure.in_font(look.font):
        if arrange == "resolution":
            made = on_grid(shown, written, paper, look)
            return on_paper(made, format, look, "draw it with --arrange strip")
        made = drawn(orient)
        if arrange is None and not (style or orient or expand or deep):
            made = better(shown, made, lambda: on_grid(shown, written, paper, look), paper)
        if paper is None or paper.holds(made):
            return on_paper(made, format, look)
        turned = next((other for other in strip.ORIENTS if orient not in (None, other)), None)
        fits = turned is not None and paper.holds(drawn(turned))
        return on_paper(made, format, look, f"draw it with --orient {turned}" if fits else SMALLER)


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

    paper = strip.Paper.of(look.width, look.height) if look.width is not None else None
    with measure.in_font(look.font):
        made = grid.side_by_side([*map(visible, graphs)], numbered(look.axes, *graphs), paper, legend=look.legend)
        return on_paper(made, format, look, "draw fewer of them", most=TALL)


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
    return finished(
        render(text, format, strip.as_dot.LAYOUT, dpi=dots(look, page)), format, title, strip_titles(made), look, page
    )


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
        return on_paper(difference.drawing(found, shapes, told=told), format, look)


def strip_titles(made: strip.Drawing) -> dict[str, str]:
    return {
        name: title_of(cell.box) if words is None else printable(" ".join(line.words for line in words.text.lines))
        for name, cell, words in strip.as_dot.names(made)
    }


def refuse(block: Blocks | None, style: str | None, orient: str | None, expand: Sequence[str], format: str) -> None:
    """What only a strip has."""
    asked = {"style": style is not None, "orient": orient is not None, "expand": bool(expand)}
    for word, given in asked.items():
        if given:
            what = "a page" if format == "html" else "a block" if block else "this level"
            raise fault("bad-call", f"{what} has no '{word}'", help="it belongs to the figure of the network")


def refuse_several(choices: Mapping[str, object]) -> None:
    """What only the figure of one network has."""
    for word in (word for word, given in choices.items() if given):
        raise fault("bad-call", f"several networks have no '{word}'", help="draw one network with it")


def check_arrangement(
    arrange: str | None,
    block: Blocks | None,
    level: str,
    style: str | None,
    orient: str | None,
    expand: Sequence[str],
    format: str,
) -> None:
    """Only the figure of a whole network has an arrangement; one by resolution has no other choices of a strip."""
    if arrange is None:
        return
    known_word("arrangement", arrange, ARRANGEMENTS)
    if format == "html":
        message = "an interactive page has an arrangement of its own"
        raise fault("bad-call", message, help=f"leave out 'arrange', or draw it by {arrange} as svg, pdf or png")
    what = "a block" if block else "this level" if level != "network" else ""
    if what:
        raise fault("bad-call", f"{what} has no 'arrange'", help="it belongs to the figure of the network")
    given = {"style": style is not None, "orient": orient is not None, "expand": bool(expand)}
    for word in (word for word, there in given.items() if there and arrange == "resolution"):
        raise fault("bad-call", f"a figure arranged by resolution has no '{word}'", help="it belongs to a strip")


def check_level(level: str, expand: Sequence[str]) -> None:
    """Inside a block all blocks are open, or those that are named."""
    if level == "stage":
        raise fault("bad-call", "a block has no level 'stage'", help="the level op opens every block inside it")
    if level == "op" and expand:
        raise fault("bad-call", "the level op opens every block", help="give the level, or the blocks")


def check_shapes(look: Look, block: Blocks | None, level: str, format: str) -> None:
    """Only the inside of a block has symbolic shapes."""
    if look.shapes != KINDS[0] and not block and format != "html":
        what = "a strip" if level == "network" else "this level"
        raise fault("bad-call", f"{what} has no symbolic shapes", help="the figure of a block has: give --block")


def check_look(look: Look, format: str) -> None:
    """A page looks one way but for its shapes, and only a png has dots."""
    for item in fields(look) if format == "html" else ():
        if item.name not in WRITTEN and getattr(look, item.name) != item.default:
            raise fault("bad-call", f"a page has no '{item.name}'", help="all other formats have")
    if format in WRITERS and look.dpi != DPI:
        raise fault("bad-call", f"{WRITERS[format].what} has no 'dpi'", help="a png has")


def named(block: Blocks | None) -> tuple[str, ...]:
    return (block,) if isinstance(block, str) else tuple(block or ())


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
    known = tuple(dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.kind == "block"))
    for name in wanted:
        if name not in known:
            raise fault("unknown-block", f"'{graph.name}' has no block '{name}' in use", help=hint(name, known))
    if cases and len(wanted) != 1:
        raise fault("bad-call", "cases are those of one block", help="give one block with them")
    if level not in LEVELS:
        raise fault("unknown-level", f"there is no level '{level}'", help=hint(level, LEVELS))
    if wanted:
        cases = [cases] if isinstance(cases, (str, Mapping)) else cases
        return blocks.blocks(graph, wanted, cases, expand, deep=level == "op", look=look)
    return levels.network(graph, level, (look or Look()).axes)


def hint(word: str, known: tuple[str, ...]) -> str:
    return did_you_mean(word, known) or f"known are {', '.join(known) or 'none'}"


def titles(made: Picture) -> dict[str, str]:
    """What a reader sees who points at a box."""
    return {name: title_of(box) for box, name in node_names(made).items()}


def title_of(box: Box) -> str:
    words = ", ".join(filter(None, (box.heading, *box.lines)))
    if not box.nodes:
        return printable(f"{words} {box.shape}")
    first, last = box.nodes[0].path, box.nodes[-1].path
    where = first if first == last else f"{first} … {last}"
    return printable(f"{where}: {words}")
