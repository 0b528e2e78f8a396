"""How the figure of a block gets onto its page: closer, its words over more lines, what is alike drawn once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl.backends.figures.arrange import arranged
from archdsl.backends.figures.columns import CLOSE, WIDE, Gaps
from archdsl.backends.figures.compact import compact, shapes_inside
from archdsl.backends.figures.once import drawn_once
from archdsl.backends.figures.panels import in_panels
from archdsl.backends.figures.paper import HAIR, LEAST, TALL, room
from archdsl.backends.figures.picture import Picture
from archdsl.backends.figures.sheet import Sheet
from archdsl.backends.figures.theme import Look

SPACES = (90.0, 72.0, 58.0)  # points, to which lines of words are broken
LIKED = 6.0  # inches, of the height
LEAST_COST = (0, 2)  # of panels: one line between two
PARTS = (1.0, 0.75)  # of the width of the page, for the rows that a wide one is parted into


@dataclass(frozen=True)
class Way:
    """A picture, and what its layout may do."""

    picture: Picture
    gaps: Gaps = WIDE
    part: float | None = None


def on_page(picture: Picture, look: Look) -> tuple[Picture, Sheet]:
    """A block figure in the first way that fits onto the page, or in the one that comes closest to it, laid out.

    One that is too high in every way stands in panels side by side, if they fit. Where no height is asked for, one that
    leaves room on the page is better than one that fills it.
    """
    if look.width is None:
        return picture, arranged(picture, look)
    found: list[tuple[tuple[float, ...], Way, Sheet]] = []
    for way in ways(picture):
        sheet = arranged(way.picture, look, way.gaps, way.part)
        found.append((lacking(sheet, look), way, sheet))
        if not any(found[-1][0]):
            break
    lack, way, sheet = min(found, key=lambda one: one[0])
    if lack[0] or not lack[1]:
        return way.picture, sheet
    return beside_itself([(way, sheet) for _, way, sheet in found], look) or (way.picture, sheet)


def beside_itself(found: Sequence[tuple[Way, Sheet]], look: Look) -> tuple[Picture, Sheet] | None:
    """A figure that is too high in panels with the fewest lines between them, and as few; None where none fit."""
    best: tuple[tuple[int, int], Picture, Sheet] | None = None
    for way, sheet in found:
        made = in_panels(way.picture, sheet, look, way.gaps)
        if made is not None and (best is None or made[0] < best[0]):
            best = made[0], way.picture, made[1]
            if made[0] == LEAST_COST:
                break
    return best[1:] if best is not None else None


def lacking(sheet: Sheet, look: Look) -> tuple[float, ...]:
    """Whether it is too wide, what it is too large by, and whether it is higher than one would like."""
    assert look.width is not None
    most = look.height or TALL
    across = max(0.0, sheet.width - room(look.width, LEAST) - HAIR)
    down = max(0.0, sheet.height - room(most, LEAST) - HAIR)
    return across > 0, across + down, look.height is None and sheet.height > room(LIKED, LEAST)


def ways(picture: Picture) -> Iterator[Way]:
    """The picture as it is, in less and less room, with branches that are alike drawn once, in more rows."""
    once = drawn_once(picture)
    pictures = [picture] if once is None else [picture, once]
    for each in pictures:
        yield Way(each)
        yield from closer(each)
    for each in pictures:
        inside = shapes_inside(each)
        yield from (Way(compact(inside, space), CLOSE, part) for space in SPACES for part in PARTS)


def closer(picture: Picture) -> Iterator[Way]:
    """With smaller gaps and over more lines; shapes stand inside boxes only where that is not enough."""
    for inside in (picture, shapes_inside(picture)):
        for space in SPACES:
            yield Way(compact(inside, space), CLOSE)
