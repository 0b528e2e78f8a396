"""Fonts inside a file: of each face the letters that the file shows, as a style sheet that any page may hold."""

from __future__ import annotations

import importlib
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from archdsl.backends.figures import fonts
from archdsl.backends.figures.theme import FONTS

UNUSED = ("BASE", "GDEF", "GPOS", "GSUB", "gasp")  # tables: words are placed letter by letter
FACES = {False: ("Regular", 400), True: ("Bold", 700)}  # by bold: of a file of the wheel, and in a style sheet


def style_sheet(family: str, letters: Mapping[bool, str]) -> str:
    """The rules that bring a family of `theme.FONTS`, by bold with these letters; none without the wheel of fonts."""
    rules = ((weight_of(bold), subset(family, bold, letters[bold])) for bold in sorted(letters))
    return "".join(
        f"@font-face{{font-family:'{FONTS[family]}';font-weight:{weight};"
        f"src:url(data:font/ttf;base64,{b64encode(font).decode()}) format('truetype')}}"
        for weight, font in rules
        if font
    )


def weight_of(bold: bool) -> int:
    return FACES[bold][1]


@lru_cache(maxsize=64)
def subset(family: str, bold: bool, letters: str) -> bytes:
    """A TrueType font of these letters alone, without hints; those that it lacks are left to the reader's fonts."""
    folder = fonts.folder(fonts.WHEELS[list(FONTS).index(family)])
    if folder is None:
        return b""
    harfbuzz: Any = importlib.import_module("uharfbuzz")  # late: only files that carry their font need it
    file = folder / f"{FONTS[family].replace(' ', '')}-{FACES[bold][0]}.ttf"
    wanted, flags = harfbuzz.SubsetInput(), harfbuzz.SubsetFlags
    wanted.flags = flags.NO_HINTING | flags.NO_LAYOUT_CLOSURE | flags.NO_BIDI_CLOSURE | flags.NOTDEF_OUTLINE
    wanted.unicode_set.update(map(ord, letters))
    wanted.name_id_set.clear()  # an empty table: browsers take no font without one
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in UNUSED)
    made: bytes = harfbuzz.subset(harfbuzz.Face(harfbuzz.Blob.from_file_path(str(file))), wanted).blob.data
    return made
