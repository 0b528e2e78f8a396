"""Fonts inside a file: of each face the letters that the file shows, as a style sheet that any page may hold."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache

from archdsl.backends.figures import fonts
from archdsl.backends.figures.font_of_letters import of_letters
from archdsl.backends.figures.theme import FONTS

FACES = {False: ("Regular", 400), True: ("Bold", 700)}  # by bold: of a file of the wheel, and in a style sheet


def style_sheet(family: str, letters: Mapping[bool, str]) -> str:
    """The rules that bring a family of `theme.FONTS`, by bold with these letters; none without the wheel of fonts."""
    rules = ((weight_of(bold), subset(family, bold, letters[bold])) for bold in sorted(letters))
    return "".join(
        f"@font-face{{font-family:'{FONTS[family]}';font-weight:{weight};"
        f"src:url(data:font/woff;base64,{b64encode(font).decode()}) format('woff')}}"
        for weight, font in rules
        if font
    )


def weight_of(bold: bool) -> int:
    return FACES[bold][1]


@lru_cache(maxsize=64)
def subset(family: str, bold: bool, letters: str) -> bytes:
    """A font of these letters alone, without hints, as WOFF; those that the font lacks are left to the reader's."""
    folder = fonts.folder(fonts.WHEELS[list(FONTS).index(family)])
    if folder is None:
        return b""
    return of_letters(folder / f"{FONTS[family].replace(' ', '')}-{FACES[bold][0]}.ttf", letters)
