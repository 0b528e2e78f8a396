"""Figures in the shape of a graph: a picture laid out, by our own rules or by the engine, and drawn."""

from __future__ import annotations

from dataclasses import replace

from archdsl.backends.figures import measure
from archdsl.backends.figures.dot import LEGEND_ENTRY, dot, explained, node_names, printable
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.finish import dots, finished, title_of
from archdsl.backends.figures.glyphs import expect_fonts
from archdsl.backends.figures.paper import LEAST, Page, extent, fitted, room
from archdsl.backends.figures.picture import Picture
from archdsl.backends.figures.theme import Look
from archdsl.backends.figures.writers import WRITERS


def drawn(made: Picture, format: str, look: Look, *, aligned: bool) -> bytes | str:
    """A picture in a format; `aligned`: with boxes in places of our own, as inside a block."""
    if format == "dot":
        return dot(made, look)
    if format in WRITERS:
        return written(made, format, look, aligned=aligned)
    text, page, program = laid_out(made, look, aligned=aligned)
    expect_fonts(text, format, look)
    drawing = render(text, format, program, dpi=dots(look, page))
    return finished(drawing, format, printable(made.title), titles(made), look, page)


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


def titles(made: Picture) -> dict[str, str]:
    """What a reader sees who points at a box."""
    return {name: title_of(box) for box, name in node_names(made).items()}
