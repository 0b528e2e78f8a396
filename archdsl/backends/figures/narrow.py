"""How the figure of a block gets onto its page: as it is, closer, its words over more lines, what is alike drawn once."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from archdsl.backends.figures.arrange import arranged
from archdsl.backends.figures.columns import CLOSE, WIDE, Gaps
from archdsl.backends.figures.compact import compact, shapes_inside
from archdsl.backends.figures.once import drawn_once
from archdsl.backends.figures.paper import HAIR, LEAST, TALL, room
from archdsl.backends.figures.picture import Picture
from archdsl.backends.figures.sheet import Sheet
from archdsl.backends.figures.theme import Look

ROOMS = (inf, 90.0, 72.0, 58.0)  # points, to which lines of words are broken


def on_page(picture: Picture, look: Look) -> tuple[Picture, Sheet]:
    """A block figure in the first way that fits onto the page, or in the one that comes closest to it, laid out."""
    if look.width is None:
        return picture, arranged(picture, look)
    wide, high = room(look.width, LEAST), room(look.height or TALL, LEAST)
    found: list[tuple[tuple[float, float], Picture, Sheet]] = []
    for made, gaps in ways(picture):
        sheet = arranged(made, look, gaps)
        lacking = max(0.0, sheet.width - wide - HAIR), max(0.0, sheet.height - high - HAIR)
        found.append((lacking, made, sheet))
        if not any(lacking):
            break
    _, made, sheet = min(found, key=lambda one: one[0])
    return made, sheet


def ways(picture: Picture) -> Iterator[tuple[Picture, Gaps]]:
    """The picture as it is, then in less and less room, at last with branches that are alike drawn once."""
    yield picture, WIDE
    yield from closer(picture)
    once = drawn_once(picture)
    if once is not None:
        yield once, WIDE
        yield from closer(once)


def closer(picture: Picture) -> Iterator[tuple[Picture, Gaps]]:
    """With smaller gaps and over more lines; shapes stand inside boxes only where that is not enough."""
    for inside in (picture, shapes_inside(picture)):
        for space in ROOMS:
            yield compact(inside, space), CLOSE
