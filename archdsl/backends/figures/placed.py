"""A laid-out block figure as DOT with positions, for the engine to draw as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from archdsl.backends.figures import style
from archdsl.backends.figures.arrange import caption
from archdsl.backends.figures.dot import arrow_attributes, box_attributes, digraph, explained, node_names
from archdsl.backends.figures.labels import html_like, legend_label
from archdsl.backends.figures.paper import HAIR, LEAST, TALL, Page, fitted, room
from archdsl.backends.figures.picture import Box, Item, Picture
from archdsl.backends.figures.routes import Rect, spline
from archdsl.backends.figures.sheet import Sheet, enclosing
from archdsl.backends.figures.theme import Look


def page_of(picture: Picture, sheet: Sheet, look: Look) -> Page | None:
    if look.width is None:
        return None
    fits = sheet.width <= room(look.width, LEAST) + HAIR and sheet.height <= room(TALL, LEAST) + HAIR
    high = TALL if fits and look.height is None else look.height  # no higher than a page, where that can be avoided
    return fitted(sheet.width, sheet.height, look.width, high, picture.title)


def text(picture: Picture, sheet: Sheet, look: Look) -> tuple[str, Page | None]:
    """The sheet as DOT with positions, for the engine's `nop2`."""
    page = page_of(picture, sheet, look)
    graph = digraph(look, page.attributes if page else {})
    names = node_names(picture)
    clusters = count()
    place(graph, picture.items, names, clusters, sheet, look)
    whole = Rect(sheet.width / 2, sheet.height / 2, sheet.width, sheet.height)
    with graph.subgraph(name=f"cluster{next(clusters)}") as inside:  # of the size of all, so that nothing is cut off
        label = html_like(legend_label(explained(picture, look), sheet.legend[0])) if sheet.legend else ""
        inside.attr(color="transparent", **placed_label(label, sheet.legend[1] if sheet.legend else whole, whole))
    for arrow in picture.arrows:
        route = sheet.routes[arrow]
        # what goes straight down in its column passes nothing by
        kind = "flow" if arrow.kind == "skip" and len(route.points) == 2 else arrow.kind
        attributes = arrow_attributes(replace(arrow, kind=kind), look)
        head = attributes.get("arrowhead") != "none"
        at = {"lp": f"{route.label[0]:.2f},{-route.label[1]:.2f}"} if route.label else {}
        graph.edge(names[arrow.source], names[arrow.target], pos=spline(route.points, head), **at, **attributes)
    source: str = graph.source
    return source, page


def place(
    graph: Any, items: Sequence[Item], names: Mapping[Box, str], clusters: Iterator[int], sheet: Sheet, look: Look
) -> None:
    """Boxes, and cases and frames with all that is in them."""
    for item in items:
        if isinstance(item, Box):
            node(graph, item, names[item], sheet, look)
            continue
        with graph.subgraph(name=f"cluster{next(clusters)}") as inside:
            around = [*(sheet.boxes[box] for box in item.boxes()), sheet.captions[item]]
            extent = sheet.frames[item] if item in sheet.frames else enclosing(around)
            drawn = look.themed(style.GROUPS[item.kind])
            inside.attr(**drawn, **placed_label(html_like(caption(item)), sheet.captions[item], extent))
            place(inside, item.items, names, clusters, sheet, look)


def placed_label(label: str, at: Rect, frame: Rect) -> Mapping[str, str]:
    return {
        "bb": f"{frame.left:.2f},{-frame.bottom:.2f},{frame.right:.2f},{-frame.top + 0.0:.2f}",
        "bgcolor": "transparent",
        **({"label": label, "lp": f"{at.x:.2f},{-at.y:.2f}"} if label else {}),
        **({"lwidth": f"{at.width / 72:.4f}", "lheight": f"{at.height / 72:.4f}"} if label else {}),
    }


def node(graph: Any, box: Box, name: str, sheet: Sheet, look: Look) -> None:
    rect = sheet.boxes[box]
    attributes = dict(box_attributes(box, look))
    if box in sheet.bars:
        attributes |= {"shape": "box", "style": style.NODE["style"], "fixedsize": "true"}
    attributes |= {"width": f"{rect.width / 72:.5f}", "height": f"{rect.height / 72:.5f}"}
    graph.node(name, pos=f"{rect.x:.2f},{-rect.y:.2f}", **attributes)
