"""A font of some letters alone: their outlines and widths, without hints, names and layout.

It is what fontTools.subset gives, in half of the time or less: that one loads what knows every kind of table.
"""

from __future__ import annotations

import importlib
from io import BytesIO
from pathlib import Path
from typing import Any

NAMES = "name"
KEPT = ("head", "hhea", "maxp", "OS/2", "hmtx", "cmap", "loca", "glyf", NAMES, "post")  # as files should have them
FIRST = ("glyf", "maxp", "loca", "hmtx")  # of them: others hold what these come to
NO_NAMES = bytes((0, 0, 0, 0, 0, 6))  # an empty table of names: fontTools takes long to load what it makes one with
FIRST_PLANE = 4  # the format of a table of the characters up to U+FFFF
HINTING = (
    "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements",
    "maxSizeOfInstructions",
)  # fmt: skip


def of_letters(file: Path, letters: str) -> bytes:
    """The WOFF of a TrueType font with these letters; those that it lacks are left to the reader's fonts."""
    library: Any = importlib.import_module("fontTools.ttLib")
    with library.TTFont(file, lazy=True, recalcTimestamp=False) as font:
        font.setGlyphOrder([str(n) for n in range(font["maxp"].numGlyphs)])  # their names are not needed
        for tag in set(font.keys()).difference(KEPT, {"GlyphOrder"}) | {NAMES}:
            del font[tag]
        keep_letters(font["cmap"], {ord(letter) for letter in letters})
        keep_outlines(font, {name for table in font["cmap"].tables for name in table.cmap.values()})
        without_hints(font)
        font["post"].formatType, font["post"].extraNames = 3.0, []
        font["OS/2"].recalcUnicodeRanges(font, pruneOnly=True)
        font["OS/2"].recalcCodePageRanges(font, pruneOnly=True)
        return written(font)


def written(font: Any) -> bytes:
    """As WOFF, table by table: to save it whole, fontTools would load what it reads names and layouts with."""
    library: Any = importlib.import_module("fontTools.ttLib.sfnt")
    tables = {NAMES: NO_NAMES}
    for tag in (*FIRST, *KEPT):
        if tag not in tables:
            tables[tag] = font.getTableData(tag)
    made = BytesIO()
    writer = library.SFNTWriter(made, len(tables), font.sfntVersion, "woff")
    for tag in KEPT:
        writer[tag] = tables[tag]
    writer.close()
    return made.getvalue()


def keep_letters(table: Any, codes: set[int]) -> None:
    """Leaves in each table of Unicode these characters; one for all planes goes where the first plane holds all."""
    table.tables = [part for part in table.tables if part.isUnicode()]
    for part in table.tables:
        part.cmap = {code: name for code, name in part.cmap.items() if code in codes}
    plane = {part.platformID: part.cmap for part in table.tables if part.format == FIRST_PLANE}
    table.tables = [
        part
        for part in table.tables
        if part.cmap and (part.format == FIRST_PLANE or part.cmap != plane.get(part.platformID))
    ]
    table.numSubTables = len(table.tables)


def keep_outlines(font: Any, wanted: set[str]) -> None:
    """Leaves the first glyph (that of a missing letter), those wanted, and what they are composed of."""
    outlines, order = font["glyf"], font.getGlyphOrder()
    kept, ahead = {order[0]} | wanted, [order[0], *wanted]
    while ahead:
        parts = outlines.glyphs[ahead.pop()].getComponentNames(outlines)
        ahead += [part for part in parts if part not in kept]
        kept.update(parts)
    left = [name for name in order if name in kept]
    for name in left:
        outlines[name].removeHinting()  # which has it read, so that its parts are known by name
    outlines.glyphs = {name: outlines[name] for name in left}
    outlines.glyphOrder = left
    font["hmtx"].metrics = {name: width for name, width in font["hmtx"].metrics.items() if name in kept}
    font.setGlyphOrder(left)


def without_hints(font: Any) -> None:
    """Nothing is said of a program for small screens that is no longer there."""
    font["maxp"].maxZones = 1
    for name in HINTING:
        setattr(font["maxp"], name, 0)
