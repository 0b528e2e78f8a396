"""A picture as DOT text."""

from __future__ import annotations

import html
import importlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from textwrap import wrap
from typing import Any

from archdsl.backends.figures import style
from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture
from archdsl.backends.figures.style import FAINT, SMALL, TEXT

# what XML cannot hold, and what would turn the text around or hide in it
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]+")
WIDEST = 36  # characters; longer lines are broken
MOST_LINES = 4
LONGEST_SYMBOL, LONGEST_JOIN = 2, 10  # characters


def dot(picture: Picture) -> str:
    """The text; names in it are counters, so that no word of a spec is ever one."""
    graphviz: Any = importlib.import_module("graphviz")  # late: `import archdsl` stays light
    graph = graphviz.Digraph("figure", graph_attr=style.GRAPH, node_attr=style.NODE, edge_attr=style.EDGE)
    names = node_names(picture)
    # arrows first: the engine starts from the order in which it meets the boxes, and this one is that of the branches
    for arrow in picture.arrows:
        label = {"label": html_like(arrow_label(arrow))} if arrow.label else {}
        graph.edge(names[arrow.source], names[arrow.target], **label, **style.ARROWS[arrow.kind])
    place(graph, picture.items, names, orderings(picture.arrows), count())
    source: str = graph.source
    return source


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
    names: Mapping[Box, str],
    ordered: Mapping[Box, Mapping[str, str]],
    clusters: Iterator[int],
) -> None:
    """Boxes, and frames with all that is in them."""
    for item in items:
        if isinstance(item, Box):
            graph.node(names[item], **box_attributes(item), **ordered.get(item, {}))
            continue
        with graph.subgraph(name=f"cluster{next(clusters)}") as inside:
            inside.attr(label=html_like(group_label(item)), **style.GROUPS[item.kind])
            place(inside, item.items, names, ordered, clusters)


def box_attributes(box: Box) -> dict[str, str]:
    """Label, form and colour."""
    if box.role == "fork":
        return {"label": "", **style.FORK}
    if box.role in ("input", "output"):
        return {"label": html_like(end_label(box)), **style.END}
    paint = style.ROLES.get(box.role, style.ROLES["other"])
    colours = {"fillcolor": paint.fill, "color": paint.line}
    return {"label": html_like(box_label(box)), **colours, **form(box)}


def form(box: Box) -> dict[str, str]:
    """Joins are small and round; a formula is a box."""
    length = len("".join(box.lines))
    if box.role != "join" or box.shape or box.heading or length > LONGEST_JOIN:
        return {}
    return style.SYMBOL if length <= LONGEST_SYMBOL else style.PILL


def end_label(box: Box) -> str:
    return rows([*styled(box.lines[0]), *styled(box.shape, SMALL, FAINT)])


def box_label(box: Box) -> str:
    """The name in bold, what it does, what leaves it."""
    said = styled(box.heading, bold=True)
    for line in box.lines:
        said += styled(line, SMALL if said else TEXT)
    return rows([*said, *styled(box.shape, SMALL, FAINT)])


def group_label(group: Group) -> str:
    """The words of a frame, with as much room beside them: arrows enter at the middle and pass them by."""
    lines = styled(group.label, bold=group.kind != "case")
    if group.kind == "case" or not lines:
        return rows(lines)
    room = int(0.55 * TEXT * min(len(printable(group.label)), WIDEST)) + TEXT
    empty = f'<TD WIDTH="{room}"></TD>'
    return table("".join(f"<TR>{empty}<TD>{line}</TD></TR>" for line in lines))


def arrow_label(arrow: Arrow) -> str:
    """A little apart from the line that it belongs to."""
    return "".join(styled(f"\N{NO-BREAK SPACE}{arrow.label}\N{NO-BREAK SPACE}", SMALL, FAINT))


def rows(lines: Sequence[str]) -> str:
    if len(lines) < 2:
        return "".join(lines)
    return table("".join(f"<TR><TD>{line}</TD></TR>" for line in lines))


def table(content: str) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{content}</TABLE>'


def styled(words: str, size: int = TEXT, colour: str = "", *, bold: bool = False) -> list[str]:
    """Lines of markup; none of no words."""
    return [marked(line, size, colour, bold=bold) for line in escaped(words)]


def marked(line: str, size: int = TEXT, colour: str = "", *, bold: bool = False) -> str:
    font = (f' POINT-SIZE="{size}"' if size != TEXT else "") + (f' COLOR="{colour}"' if colour else "")
    line = f"<B>{line}</B>" if bold else line
    return f"<FONT{font}>{line}</FONT>" if font else line


def html_like(markup: str) -> str:
    """As a value of an attribute; what is empty stays a plain empty text."""
    return f"<{markup}>" if markup else ""


def escaped(words: str) -> list[str]:
    """Lines of text that mean themselves inside an HTML-like label."""
    clean = printable(words)
    lines = wrap(clean, WIDEST, break_on_hyphens=False) if len(clean) > WIDEST else [clean] if clean else []
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "…"]
    return [literal(line) for line in lines]


def literal(line: str) -> str:
    # the engine reads \N and \G, a box's and the figure's name, even here
    return html.escape(line, quote=True).replace("\\", "\\\\")


def printable(words: str) -> str:
    return _UNPRINTABLE.sub(" ", words).strip(" ")
