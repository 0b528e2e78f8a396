"""How wide a text is in a paper: Computer Modern, the widest of the fonts that papers are set in."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

# Widths of cmr10 in thousandths of its size; that of an underscore in the encoding T1, where it is wider.
_WIDTHS: Mapping[int, str] = {
    278: "!',.:;[]`il|",
    306: "fj",
    333: "- ",
    361: "I",
    389: "()t",
    392: "r",
    394: "s",
    444: "cez",
    472: "?",
    500: '"$*/0123456789^ago{}~\u2007–',
    514: "J",
    528: "kqvxy",
    556: "Sbdhnpu",
    611: "Z",
    625: "L",
    653: "F",
    681: "EP",
    708: "B",
    722: "CTw",
    736: "R",
    750: "AHNUVXY",
    764: "D",
    769: "_",
    778: "&+=@KOQ<>×−",
    785: "G",
    833: "#%m✓Δ",
    917: "M",
    1000: "→—…",
    1028: "W",
}
WIDTHS = {mark: width for width, marks in _WIDTHS.items() for mark in marks}
UNKNOWN = 800
RAISED = 0.75  # a superscript beside the text that it stands at
# Small sizes of the font are wider than a reduced copy of the ten-point one.
OPTICAL: Mapping[int, float] = {7: 1.140, 8: 1.0625, 9: 1.028}
BOLD = 1.2


def width_of(text: str, size: int, *, bold: bool = False) -> float:
    """The width of a text in points, in a size of 7 to 10 points."""
    return width_in_thousandths(text) / 1000 * size * OPTICAL.get(size, 1.0) * (BOLD if bold else 1.0)


@lru_cache(maxsize=4096)
def width_in_thousandths(text: str) -> float:
    return sum(map(width_of_mark, text))


def width_of_mark(mark: str) -> float:
    """In thousandths of the size; a superscript has the width of its smaller letter."""
    plain = unicodedata.normalize("NFKC", mark) if mark not in WIDTHS else mark
    factor = RAISED if plain != mark and len(plain) == 1 else 1.0
    return sum(WIDTHS.get(letter, UNKNOWN) for letter in plain) * factor


__all__ = ["width_of"]
