"""What every figure ends with: exact bytes from what the engine drew, and what a reader sees who points at a box."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.paper import Page, exact
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.svg import cleaned
from archdsl.backends.figures.theme import Look

HEADER = 33  # bytes of a png: its signature and its first chunk


def finished(
    drawing: bytes, format: str, title: str, titles: Mapping[str, str], look: Look, page: Page | None
) -> bytes | str:
    """What the engine drew, made exact and the same every time."""
    if format == "svg":
        return cleaned(drawing, title, titles, look)
    if format == "png":
        return with_dots(drawing, look.dpi)
    return exact(drawing, page) if format == "pdf" else drawing


def with_dots(png: bytes, dpi: int) -> bytes:
    """With its dots per inch, from which programs that show it know its width."""
    metre = round(dpi / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", metre, metre, 1)
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:HEADER] + framed + png[HEADER:]


def dots(look: Look, page: Page | None) -> float:
    """Per inch of a png: so many that it comes out as wide as asked for."""
    return look.dpi * (page.correction if page else 1)


def title_of(box: Box) -> str:
    words = ", ".join(filter(None, (box.heading, *box.lines)))
    if not box.nodes:
        return printable(f"{words} {box.shape}")
    first, last = box.nodes[0].path, box.nodes[-1].path
    where = first if first == last else f"{first} … {last}"
    return printable(f"{where}: {words}")
