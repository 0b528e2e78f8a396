"""The page: how large a figure comes out, and its text on it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil

from archdsl.backends.figures.engine import render
from archdsl.backends.figures.style import SMALL, TEXT
from archdsl.backends.figures.warned import warn
from archdsl.diagnostics.faults import fault

POINTS = 72  # an inch
TALL = 9.0  # inches: the height of a page
LARGEST, SMALLEST = 9.0, 7.0  # points, of the text of a figure whose final width is given
HAIR = 0.02  # points, that numbers are rounded by
PAD = 7.2  # points around a drawing, before it is scaled
MOST, LEAST = LARGEST / TEXT, SMALLEST / SMALL  # the scales at which the larger text has 9, the smaller 7 points

SMALLER = "show less of it"  # what else to do where a figure is too large

_BOX = re.compile(rb"/MediaBox \[ 0 0 (\d+) (\d+) \]")
_DATE = re.compile(rb"/CreationDate \(D:[^)]*\)")


@dataclass(frozen=True)
class Page:
    """A drawing's margins (before it is scaled), the whole in the engine's whole points, and the true width.

    The engine rounds a page to points; what is lost so the formats make good each in its way.
    """

    pad: tuple[float, float]
    size: tuple[int, int]
    inches: float

    @property
    def attributes(self) -> dict[str, str]:
        """As the engine takes them."""
        return {
            "pad": ",".join(f"{length / POINTS:.9g}" for length in self.pad),
            "size": ",".join(f"{length / POINTS:.9g}" for length in self.size) + "!",
        }

    @property
    def correction(self) -> float:
        """The true width as a part of that in whole points."""
        return self.inches * POINTS / self.size[0]


def room(width: float, scale: float) -> float:
    """The points that a drawing may be wide, before it is scaled, to fill so many inches."""
    return width * POINTS / scale - 2 * PAD


def fitted(across: float, down: float, width: float, height: float | None, what: str, instead: str = SMALLER) -> Page:
    """A drawing of so many points on a page of so many inches, its text of 7 to 9 points; the rest is margin.

    The page is as wide as given, and no higher. Without a height it is as high as it comes, with a warning if that is
    more than a page. `instead` is what else would do where the drawing is larger.
    """
    sizes = (("--width", across, width), ("--height", down, height))
    lacking = [(flag, points) for flag, points, most in sizes if most and points > room(most, LEAST) + HAIR]
    if lacking:
        page = f"{width:g} in" if height is None else f"{width:g} in × {height:g} in"
        raise fault(
            "too-narrow",
            f"{what} does not fit in {page} with text of {SMALLEST:g} points",
            help=f"give it {' '.join(f'{flag} {needed(points):.2f}in' for flag, points in lacking)}, or {instead}",
        )
    scale = min(MOST, *(most * POINTS / (points + 2 * PAD) for _, points, most in sizes if most))
    size = round(width * POINTS), ceil((down + 2 * PAD) * scale)
    if height is None and size[1] > TALL * POINTS + 1:
        warn(f"{what} is {size[1] / POINTS:.1f} in high, higher than a page of {TALL:g} in: widen it, or {instead}")
    scale *= size[0] / (width * POINTS)
    return Page(((size[0] / scale - across) / 2, (size[1] / scale - down) / 2), size, width)


def needed(points: float) -> float:
    """The inches for so many points of a drawing, before it is scaled, at the smallest text."""
    return (points + 2 * PAD) * LEAST / POINTS + 0.005


def extent(text: str) -> tuple[float, float]:
    """How many points wide and high the engine lays a DOT text out."""
    _, _, across, down = map(float, json.loads(render(text, "json"))["bb"].split(","))
    return across, down


def exact(pdf: bytes, page: Page | None) -> bytes:
    """A pdf without the hour it was made, and of the width asked for, which the engine rounds to points.

    Both stand in the file as plain text; what replaces them is as long, so that nothing moves.
    """
    pdf = _DATE.sub(lambda found: b"/CreationDate (D:19700101000000Z)".ljust(len(found[0])), pdf)
    if page is None:
        return pdf
    across, down = page.inches * POINTS, page.size[1]

    def box(found: re.Match[bytes]) -> bytes:
        texts = (f"/MediaBox [0 0 {round(across, digits):g} {down}]".encode() for digits in (3, 2, 1, 0))
        return next(text.ljust(len(found[0])) for text in texts if len(text) <= len(found[0]))

    return _BOX.sub(box, pdf)
