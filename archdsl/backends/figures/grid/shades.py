"""The colours of several networks: a kind of block has one colour in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.backends.figures.strip.cells import Strip
from archdsl.backends.figures.strip.kinds import BLOCKS, legend


def in_common(strips: Sequence[Strip]) -> dict[str, str]:
    """Gives kinds of blocks their colours, as they come; what the colours mean then."""
    kinds = [cell.kind for strip in strips for cell in strip.cells if cell.kind is not None]
    words = list(dict.fromkeys(kind.word for kind in kinds if kind.colour in BLOCKS))
    colours = {word: BLOCKS[min(place, len(BLOCKS) - 1)] for place, word in enumerate(words)}
    for cell in (cell for strip in strips for cell in strip.cells):
        if cell.kind is not None and cell.kind.colour in BLOCKS:
            cell.kind = replace(cell.kind, colour=colours[cell.kind.word])
    return legend([cell.kind for strip in strips for cell in strip.cells if cell.kind is not None])
