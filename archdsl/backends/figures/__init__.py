"""Figures of a network and of its blocks: scopes -> boxes (outline) -> arrows -> DOT -> the engine."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures import interactive, levels, strip
from archdsl.backends.figures.dot import dot, node_names, printable
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.picture import Box, Picture
from archdsl.backends.figures.svg import cleaned
from archdsl.graph import Graph
from archdsl.names import did_you_mean
from archdsl.report import fault

__all__ = ["FORMATS", "LEVELS", "draw", "picture"]

FORMATS = ("svg", "pdf", "png", "dot", "tikz", "html")
SUFFIXES = {"tex": "tikz"}  # of files, where they are not the names of formats
LEVELS = tuple(levels.LEVELS)


def draw(
    graph: Graph,
    *,
    block: str | None = None,
    level: str = "network",
    format: str = "svg",
    style: str | None = None,
    orient: str = "landscape",
    expand: Sequence[str] = (),
) -> bytes | str:
    """The figure of a network at a level, or of the inside of a block: bytes for pdf and png, text for all others.

    At the level `network` it is a strip of stages: `style` strip (boxes with text; the default) or blocks (boxes that
    show resolution and channels; the default of tikz), `orient` landscape or portrait, the stages in `expand` opened.
    As html the interactive page of the whole network (text), opened down to the level, with the block in view.
    """
    if format not in FORMATS:
        raise fault("unknown-format", f"there is no figure format '{format}'", help=hint(format, FORMATS))
    if format == "html":
        refuse(block, style, orient, expand, format)
        picture(graph, block=block, level=level)  # whether there are such
        return interactive.draw(graph, block=block, level=level)
    if block is None and level == "network":
        return network(graph, style, orient, expand, format)
    refuse(block, style, orient, expand, format)
    made = picture(graph, block=block, level=level)
    text = dot(made)
    if format == "dot":
        return text
    drawing = render(text, format)
    return cleaned(drawing, printable(made.title), titles(made)) if format == "svg" else drawing


def network(graph: Graph, style: str | None, orient: str, expand: Sequence[str], format: str) -> bytes | str:
    """A strip of stages."""
    tikz = format == "tikz"
    made = strip.strip(graph, style or ("blocks" if tikz else "strip"), orient, expand, deep=tikz)
    if tikz:
        return strip.as_tikz.tikz(made)
    text = strip.as_dot.dot(made)
    if format == "dot":
        return text
    drawing = render(text, format, strip.as_dot.LAYOUT)
    return cleaned(drawing, printable(made.title), strip_titles(made)) if format == "svg" else drawing


def strip_titles(made: strip.Drawing) -> dict[str, str]:
    return {
        name: title(cell.box) if words is None else printable(" ".join(line.words for line in words.text.lines))
        for name, cell, words in strip.as_dot.names(made)
    }


def refuse(block: str | None, style: str | None, orient: str, expand: Sequence[str], format: str) -> None:
    """What only a strip has."""
    asked = {"style": style is not None, "orient": orient != "landscape", "expand": bool(expand)}
    for word, given in {**asked, "format tikz": format == "tikz"}.items():
        if given:
            what = "a page" if format == "html" else "a block" if block is not None else "this level"
            raise fault("bad-call", f"{what} has no '{word}'", help="it belongs to the figure of the network")


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
