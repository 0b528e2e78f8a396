"""A strip as DOT text in which everything has its place: the engine `nop2` draws it and moves nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import ceil, hypot
from typing import Any

from archdsl.backends.figures import style
from archdsl.backends.figures.dot import digraph, html_like, literal, marked
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.plan import Border, Drawing, Point, Rect, Solid, Way, Words
from archdsl.backends.figures.texts import Text
from archdsl.backends.figures.theme import Look

LAYOUT = "nop2"
INCH = 72
ROUND = 4.0  # radius of corners
HEAD = 6.0  # length of an arrow's head


def dot(drawing: Drawing, chosen: Look | None = None, page: Mapping[str, str] | None = None) -> str:
    """The text; boxes are `n` and the place of the cell, the words beside them `n` and that place and a letter.

    `page` are further attributes of the whole.
    """
    chosen = chosen or Look()
    graph = digraph(chosen, {"layout": LAYOUT, "bb": box(drawing.rect), **(page or {})})
    solids = {solid.cell: solid for solid in drawing.solids}
    beside = by_cell(drawing.words)
    place(graph, drawing.items, solids, beside, count(), chosen)
    for number, key in enumerate(drawing.keys):
        graph.node(f"k{number}", label="", **painted(key.colour, chosen), **placed(key.patch))
        graph.node(f"k{number}a", label=label(key.text, chosen), **(style.PLAIN | placed(key.rect)))
    for way in drawing.ways:
        graph.edge(
            name(way.source),
            name(way.target),
            pos=curve(way),
            **without(chosen.themed(style.ARROWS[way.kind]), "weight"),
        )
    text: str = graph.source
    return text


def name(cell: Cell, letter: str = "") -> str:
    return f"n{cell.place}{letter}"


def by_cell(words: Sequence[Words]) -> dict[Cell, list[Words]]:
    found: dict[Cell, list[Words]] = {}
    for one in words:
        found.setdefault(one.cell, []).append(one)
    return found


def names(drawing: Drawing) -> Iterator[tuple[str, Cell, Words | None]]:
    """Every node of the text with the cell that it belongs to, and what it says beside the cell's box."""
    for solid in drawing.solids:
        yield name(solid.cell), solid.cell, None
    for cell, words in by_cell(drawing.words).items():
        for letter, one in zip("abcdef", words, strict=False):
            yield name(cell, letter), cell, one


def place(
    graph: Any,
    items: Sequence[Cell | Border],
    solids: dict[Cell, Solid],
    beside: dict[Cell, list[Words]],
    clusters: Iterator[int],
    chosen: Look,
) -> None:
    """Boxes with their words, and borders with all that is in them."""
    for item in items:
        if isinstance(item, Cell):
            solid = solids[item]
            graph.node(name(item), **(look(solid, chosen) | placed(solid.rect)))
            for letter, words in zip("abcdef", beside.get(item, ()), strict=False):
                graph.node(name(item, letter), **(style.PLAIN | placed(whole(words))), label=written(words, chosen))
            continue
        with graph.subgraph(name=f"cluster{next(clusters)}") as inside:
            inside.attr(**bordered(item, chosen))
            place(inside, item.items, solids, beside, clusters, chosen)


def look(solid: Solid, chosen: Look) -> dict[str, str]:
    words = label(solid.text, chosen)
    if solid.cell.end and solid.text.lines:
        return {"label": words, **chosen.themed(style.END)}
    shape = {} if solid.text.lines else {"style": "filled"}
    return {"label": words, **painted(solid.cell.colour, chosen), **shape}


def painted(colour: str, chosen: Look) -> dict[str, str]:
    paint = chosen.paint(colour)
    return {"fillcolor": paint.fill, "color": paint.line}


def bordered(border: Border, chosen: Look) -> dict[str, str]:
    kind = without(chosen.themed(style.GROUPS[border.kind]), "margin", "labeljust", "labelloc") | {
        "bb": box(border.rect)
    }
    if not border.label.lines:
        return kind
    size = {"lwidth": inches(border.label.width), "lheight": inches(border.label.height)}
    return {**kind, "label": label(border.label, chosen), "lp": point(border.label_rect.centre), **size}


def without(attributes: Mapping[str, str], *names: str) -> dict[str, str]:
    """What the engine needs only where it is to find places itself is left out."""
    return {key: value for key, value in attributes.items() if key not in names}


def whole(words: Words) -> Rect:
    """A table is a whole number of points wide; one that is read from the left keeps its left."""
    left = words.rect.left
    return replace(words.rect, right=left + ceil(words.rect.width)) if words.align == "left" else words.rect


def written(words: Words, chosen: Look) -> str:
    return label(words.text, chosen, f' WIDTH="{ceil(words.rect.width)}"' if words.align == "left" else "")


def label(text: Text, chosen: Look, width: str = "") -> str:
    """Lines of a text, one below the other: in the middle, or, if a width is given, at the left of it."""
    lines = [marked(literal(line.words), line.size, shade(line.colour, chosen), bold=line.bold) for line in text.lines]
    if len(lines) < 2 and not width:
        return html_like("".join(lines))
    side = ' ALIGN="LEFT"' if width else ""
    rows = "".join(f"<TR><TD{side}>{line}</TD></TR>" for line in lines)
    return html_like(f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"{width}>{rows}</TABLE>')


def shade(colour: str, chosen: Look) -> str:
    return "" if colour == style.INK else chosen.recoloured(colour)


# --- numbers
def placed(rect: Rect) -> dict[str, str]:
    size = {"width": inches(rect.width), "height": inches(rect.height), "fixedsize": "shape", "margin": "0"}
    return {"pos": point(rect.centre), **size}


def inches(points: float) -> str:
    return f"{points / INCH:.4f}"


def point(at: Point) -> str:
    return f"{at[0] + 0.0:.2f},{at[1] + 0.0:.2f}"


def box(rect: Rect) -> str:
    return f"{point((rect.left, rect.low))},{point((rect.right, rect.high))}"


# --- lines
def curve(way: Way) -> str:
    """The engine's form of a line: Bézier curves through rounded corners, then where the head's point is."""
    *before, last = way.points
    tip = towards(last, before[-1], HEAD)
    points = [*before, tip]
    curves = [points[0]]
    for one, corner, other in zip(points, points[1:], points[2:], strict=False):
        radius = min(ROUND, distance(one, corner) / 2, distance(corner, other) / 2)
        into, out = towards(corner, one, radius), towards(corner, other, radius)
        curves += [*straight(curves[-1], into), corner, corner, out]
    curves += straight(curves[-1], points[-1])
    return f"e,{point(last)} {' '.join(map(point, curves))}"


def straight(one: Point, other: Point) -> list[Point]:
    """A line as a curve, after its first point."""
    return [one, other, other]


def distance(one: Point, other: Point) -> float:
    return hypot(other[0] - one[0], other[1] - one[1])


def towards(one: Point, other: Point, far: float) -> Point:
    """The point so far from `one` on the way to `other`."""
    share = min(1, far / max(distance(one, other), 1e-9))
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
