"""Figures of a network and of its blocks: scopes -> boxes (outline) -> arrows -> DOT -> the engine."""

from __future__ import annotations

from archdsl.backends.figures import interactive, levels
from archdsl.backends.figures.dot import dot, node_names, printable
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.picture import Box, Picture
from archdsl.backends.figures.svg import cleaned
from archdsl.graph import Graph
from archdsl.names import did_you_mean
from archdsl.report import fault

__all__ = ["FORMATS", "LEVELS", "draw", "picture"]

FORMATS = ("svg", "pdf", "png", "dot", "html")
LEVELS = tuple(levels.LEVELS)


def draw(graph: Graph, *, block: str | None = None, level: str = "network", format: str = "svg") -> bytes | str:
    """The figure of a network at a level, or of the inside of a block: text for svg and dot, bytes for pdf and png.

    As html the interactive page of the whole network (text), opened down to the level, with the block in view.
    """
    if format not in FORMATS:
        raise fault("unknown-format", f"there is no figure format '{format}'", help=hint(format, FORMATS))
    made = picture(graph, block=block, level=level)
    if format == "html":
        return interactive.draw(graph, block=block, level=level)
    text = dot(made)
    if format == "dot":
        return text
    drawing = render(text, format)
    return cleaned(drawing, printable(made.title), titles(made)) if format == "svg" else drawing


def picture(graph: Graph, *, block: str | None = None, level: str = "network") -> Picture:
    """The same before it is drawn: boxes, groups, arrows."""
    if block is not None:
        known = tuple(dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.kind == "block"))
        if block not in known:
            raise fault("unknown-block", f"'{graph.name}' has no block '{block}' in use", help=hint(block, known))
        return levels.block(graph, block)
    if level not in LEVELS:
        raise fault("unknown-level", f"there is no level '{level}'", help=hint(level, LEVELS))
    return levels.network(graph, level)


def hint(word: str, known: tuple[str, ...]) -> str:
    return did_you_mean(word, known) or f"known are {', '.join(known) or 'none'}"


def titles(made: Picture) -> dict[str, str]:
    """What a reader sees who points at a box."""
    return {name: title(box) for box, name in node_names(made).items()}


def title(box: Box) -> str:
    words = ", ".join(filter(None, (box.heading, *box.lines)))
    if not box.nodes:
        return printable(f"{words} {box.shape}")
    first, last = box.nodes[0].path, box.nodes[-1].path
    where = first if first == last else f"{first} … {last}"
    return printable(f"{where}: {words}")
