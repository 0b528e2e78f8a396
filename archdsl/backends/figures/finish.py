"""What every figure ends with: exact bytes from what the engine drew, and what a reader sees who points at a box."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.paper import Page, exact
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.svg import cleaned
from archdsl.backends.figures.theme import Look


def finished(
    drawing: bytes, format: str, title: str, titles: Mapping[str, str], look: Look, page: Page | None
) -> bytes | str:
    """What the engine drew, made exact and the same every time."""
    if format == "svg":
        return cleaned(drawing, title, titles, look)
    return exact(drawing, page) if format == "pdf" else drawing


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
