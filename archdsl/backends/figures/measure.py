"""How wide words are, from the metrics of the carried font, and lines broken to a width."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import ceil, inf
from typing import Any

from archdsl.backends.figures import fonts
from archdsl.backends.figures.theme import FONTS

PIXEL = 0.75  # points; the engine makes what is above and below the base of a line whole pixels
UNKNOWN = 1.0  # of a letter that the font lacks: another font draws it, an ideograph as wide as it is high
_FACES = {False: "Regular", True: "Bold"}
# before the next word of a CamelCase name: Mobile|ViT|Block, Rep|VGG|Block
_CAMEL = (
    r"(?<=[a-z0-9])(?=[A-Z](?![A-Z][a-z]))"
    r"|(?:(?<=[a-z][A-Z])|(?<=[a-z][A-Z]{2})|(?<=[a-z][A-Z]{3}))(?=[A-Z][a-z])"
)
_SPACE = re.compile(r"(?<=\S)(?=\s)")
# where a line may break: after a semicolon or comma, else at a space, else before the next word of a name, or anywhere
_BREAKS = (re.compile(r"(?<=;)(?=\s)"), re.compile(r"(?<=,)(?=\s)"), _SPACE, re.compile(_CAMEL))
NAMES = (_SPACE, re.compile(r"(?<=_)(?=.)"))  # the same of names of networks and variants: at a space, else behind `_`


@dataclass(frozen=True)
class Face:
    """A font at a size of 1."""

    letters: Mapping[int, float]  # widths
    unknown: float  # that of a letter which is not there
    above: float  # the base of a line
    below: float


_FONT: ContextVar[str] = ContextVar("font", default="sans")  # in which words are measured


@contextmanager
def in_font(font: str) -> Iterator[None]:
    """Words are measured in this one of `theme.FONTS`."""
    token = _FONT.set(font)
    try:
        yield
    finally:
        _FONT.reset(token)


def face(bold: bool) -> Face:
    return face_of(_FONT.get(), bold)


@cache
def face_of(family: str, bold: bool) -> Face:
    folder = fonts.folder(fonts.WHEELS[list(FONTS).index(family)])
    if folder is None:  # the package without its wheel of fonts: a guess on the safe side
        return Face({}, 0.6, 1.0, 0.3)
    harfbuzz: Any = importlib.import_module("uharfbuzz")  # late: `import archdsl` stays light
    file = folder / f"{FONTS[family].replace(' ', '')}-{_FACES[bold]}.otf"
    read = harfbuzz.Face(harfbuzz.Blob.from_file_path(str(file)))
    font, units = harfbuzz.Font(read), read.upem
    letters = {code: font.get_glyph_h_advance(font.get_nominal_glyph(code)) / units for code in read.unicodes}
    lines = font.get_font_extents("ltr")
    return Face(letters, UNKNOWN, lines.ascender / units, -lines.descender / units)


def width(words: str, size: float, *, bold: bool = False) -> float:
    """Points; kerning, which only narrows, is left out."""
    font = face(bold)
    return size * sum(font.letters.get(ord(letter), font.unknown) for letter in words)


def height(size: float, *, bold: bool = False) -> float:
    """Points from one line to the next."""
    font = face(bold)
    return PIXEL * (ceil(font.above * size / PIXEL) + ceil(font.below * size / PIXEL))


def broken(
    words: str, size: float, room: float, breaks: Sequence[re.Pattern[str]] = _BREAKS, *, bold: bool = False
) -> list[str]:
    """Lines that fit into `room` points, as far as words can be broken; a word of more than three rooms is torn."""
    if room == inf:
        return [words] if words else []
    lines: list[str] = []
    line = ""
    for piece in pieces(words, size, room, breaks, bold=bold):
        if line and width(line + piece, size, bold=bold) > room:
            lines.append(line)
            line = piece.lstrip()
        else:
            line += piece if line else piece.lstrip()
    return [*lines, line] if line else lines


def pieces(words: str, size: float, room: float, breaks: Sequence[re.Pattern[str]], *, bold: bool) -> list[str]:
    """What a line is made of, spaces before their words: the largest parts that fit into the room."""
    if width(words.strip(), size, bold=bold) <= room:
        return [words]
    if breaks:
        return [found for part in breaks[0].split(words) for found in pieces(part, size, room, breaks[1:], bold=bold)]
    letters = max(1, int(len(words) * min(1, 3 * room / width(words, size, bold=bold))))
    return [words[at : at + letters] for at in range(0, len(words), letters)]
