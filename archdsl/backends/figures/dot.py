"""A picture as DOT text."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from archdsl.backends.figures import measure, style
from archdsl.backends.figures.labels import (
    arrow_label,
    box_label,
    group_label,
    html_like,
    legend_label,
    literal,
    marked,
    printable,
)
from archdsl.backends.figures.picture import Arrow, Box, Item, Picture
from archdsl.backends.figures.style import LEGEND, Attributes, Paint
from archdsl.backends.figures.theme import Look

LONGEST_SYMBOL, LONGEST_JOIN = 2, 10  # characters
LEGEND_COLUMNS = 3
LEGEND_ENTRY = 105  # points, about


def dot(picture: Picture, look: Look | None = None, page: Mapping[str, str] | None = None, columns: int = 0) -> str:
    """The text; names in it are counters, so that no word of a spec is ever one.

    `page` are further attributes of the whole, `columns` those of the legend.
    """
    look = look or Look()
    graph = digraph(look, {**legend(picture, look, columns or LEGEND_COLUMNS), **(page or {})})
    names = node_names(picture)
    # arrows first: the engine starts from the order in which it meets the boxes, and this one is that of the branches
    for arrow in picture.arrows:
        graph.edge(names[arrow.source], names[arrow.target], **arrow_attributes(arrow, look))
    place(graph, picture.items, look, names, orderings(picture.arrows), count())
    source: str = graph.source
    return source


def digraph(look: Look, page: Mapping[str, str]) -> Any:
    """An empty one in this look."""
    graphviz: Any = importlib.import_module("graphviz")  # late: `import archdsl` stays light
    ground = {} if look.theme == "light" else {"bgcolor": look.ground}
    return graphviz.Digraph(
        "figure",
        graph_attr={**look.themed(style.GRAPH), **ground, **page},
        node_attr=look.themed(style.NODE),
        edge_attr=look.themed(style.EDGE),
    )


def legend(picture: Picture, look: Look, columns: int) -> Attributes:
    paints = explained(picture, look)
    return {"label": html_like(legend_label(paints, columns)), "labelloc": "b"} if paints else {}


def explained(picture: Picture, look: Look) -> dict[str, Paint]:
    """What the legend names: roles, and what the spec gives a colour of its own.

    None if there is but one colour to tell apart, unless it is asked for.
    """
    boxes = picture.boxes()
    present = {box.colour or box.role for box in boxes}
    found = {LEGEND[role]: look.roles[role] for role in LEGEND if role in present}
    found |= {box.heading or box.lines[0]: look.paint(box.colour) for box in boxes if box.colour.startswith("#")}
    return found if look.legend or (look.legend is None and len(found) > 1) else {}


def node_names(picture: Picture) -> dict[Box, str]:
    return {box: f"n{index}" for index, box in enumerate(picture.boxes())}


def orderings(arrows: Sequence[Arrow]) -> dict[Box, dict[str, str]]:
    """Which boxes keep their arrows in order: those that enter a join, else those that leave a box that parts."""
    entering, leaving = Counter(arrow.target for arrow in arrows), Counter(arrow.source for arrow in arrows)
    parting = {box: {"ordering": "out"} for box, number in leaving.items() if number > 1}
    return parting | {box: {"ordering": "in"} for box, number in entering.items() if number > 1}


def place(
    graph: Any,
    items: Sequence[Item],
    look: Look,
    names: Mapping[Box, str],
    ordered: Mapping[Box, Mapping[str, str]],
    clusters: Iterator[int],
) -> None:
    """Boxes, and frames with all that is in them."""
    for item in items:
        if isinstance(item, Box):
            graph.node(names[item], **box_attributes(item, look), **ordered.get(item, {}))
            continue
        with graph.subgraph(name=f"cluster{next(clusters)}") as inside:
            inside.attr(label=html_like(group_label(item)), **look.themed(style.GROUPS[item.kind]))
            place(inside, item.items, look, names, ordered, clusters)


def arrow_attributes(arrow: Arrow, look: Look) -> Attributes:
    label = {"label": html_like(arrow_label(arrow, look.faint))} if arrow.label else {}
    return {**label, **look.themed(style.ARROWS[arrow.kind])}


def box_attributes(box: Box, look: Look) -> Attributes:
    """Label, form and colour."""
    if box.role == "fork":
        return {"label": "", **look.themed(style.FORK)}
    if box.role in ("input", "output"):
        return {"label": html_like(box_label(box, look.faint)), **look.themed(style.END)}
    paint = look.paint(box.colour or box.role)
    colours = {"fillcolor": paint.fill, "color": paint.line}
    with measure.in_font(look.font):
        label = html_like(box_label(box, look.faint))
    close = style.CLOSE if box.space is not None else {}
    return {"label": label, **colours, **close, **form(box)}


def form(box: Box) -> dict[str, str]:
    """Joins are small and round; a formula is a box."""
    length = len("".join(box.lines))
    if box.role != "join" or box.shape or box.heading or length > LONGEST_JOIN:
        return {}
    return style.SYMBOL if length <= LONGEST_SYMBOL else style.PILL


__all__ = ["digraph", "dot", "html_like", "literal", "marked", "node_names", "printable"]
