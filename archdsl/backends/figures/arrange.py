"""Block figures laid out as papers draw them: straight columns, cases in level rows, shortcuts at the side.

The engine measures the words; where boxes stand and arrows go is found here, and the engine draws it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from archdsl.backends.figures import style
from archdsl.backends.figures.columns import LABEL_GAP, Columns
from archdsl.backends.figures.dot import box_attributes, digraph, explained, node_names
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.labels import arrow_label, group_label, html_like, legend_label
from archdsl.backends.figures.paper import LEAST, room
from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture
from archdsl.backends.figures.ranks import Rows
from archdsl.backends.figures.routes import BUS, HEAD, RADIUS, Rect, Route, Router, shared, stem
from archdsl.backends.figures.strands import Chain, Flow, Region, Tangle
from archdsl.backends.figures.theme import Look

MOST_BOXES = 80  # of a case; the engine lays larger ones out
ROW_GAP = 24.0  # points between rows
WORDS = 12.0  # and beside words: more, so that the line is seen above and below
FRAME = 9.0  # points between a frame and what it holds
CASE_GAP, CAPTION_GAP, LEGEND_GAP = 26.0, 8.0, 12.0

Size = tuple[float, float]


class NotSoError(Exception):
    """The boxes hang together in a way that this layout would draw badly."""


@dataclass
class Sizes:
    """Width and height in points of all that has words."""

    boxes: dict[Box, Size]
    labels: dict[Arrow, Size]
    captions: dict[Group, Size]  # of cases and frames
    legends: list[Size]  # in one column, in two, …


@dataclass
class Sheet:
    """Everything in its place: x to the right, y down."""

    boxes: dict[Box, Rect] = field(default_factory=dict)
    routes: dict[Arrow, Route] = field(default_factory=dict)
    captions: dict[Group, Rect] = field(default_factory=dict)
    frames: dict[Group, Rect] = field(default_factory=dict)
    legend: tuple[int, Rect] | None = None  # its columns and place
    bars: set[Box] = field(default_factory=set)
    width: float = 0.0
    height: float = 0.0

    def add(self, other: Sheet, x: float, y: float) -> None:
        """Another sheet with its top left corner there."""
        self.boxes.update({box: moved(rect, x, y) for box, rect in other.boxes.items()})
        self.captions.update({group: moved(rect, x, y) for group, rect in other.captions.items()})
        self.frames.update({group: moved(rect, x, y) for group, rect in other.frames.items()})
        for arrow, route in other.routes.items():
            label = (route.label[0] + x, route.label[1] + y) if route.label else None
            self.routes[arrow] = Route(tuple((a + x, b + y) for a, b in route.points), label)
        self.bars |= other.bars
        self.width, self.height = max(self.width, x + other.width), max(self.height, y + other.height)


@dataclass(frozen=True)
class Part:
    """One case of the figure, or all of it where there are none, with the frames in it, the inner ones first."""

    case: Group | None
    flow: Flow
    frames: tuple[Group, ...]


def moved(rect: Rect, x: float, y: float) -> Rect:
    return Rect(rect.x + x, rect.y + y, rect.width, rect.height)


def arranged(picture: Picture, look: Look) -> Sheet:
    """A block figure laid out; raises `NotSoError` where the engine does better."""
    cases = parts(picture)
    if any(len(part.flow.boxes) > MOST_BOXES for part in cases):
        raise NotSoError
    sizes = measured(picture, look)
    wide = room(look.width, LEAST) if look.width is not None else float("inf")
    sheet = in_rows(cases, sizes, wide)
    with_legend(sheet, sizes, wide if look.width is not None else sheet.width)
    check(sheet, sizes)
    return sheet


def parts(picture: Picture) -> list[Part]:
    cases = [item for item in picture.items if isinstance(item, Group) and item.kind == "case"]
    inside: list[tuple[Group | None, list[Item]]] = [(case, case.items) for case in cases]
    found = []
    for case, items in inside or [(None, picture.items)]:
        boxes = [box for item in items for box in item.boxes()]
        among = set(boxes)
        flow = Flow(boxes, [arrow for arrow in picture.arrows if arrow.source in among])
        found.append(Part(case, flow, tuple(groups(items))))
    return found


def groups(items: Sequence[Item]) -> Iterator[Group]:
    """Cases and frames, the inner ones first."""
    for item in items:
        if isinstance(item, Group):
            yield from groups(item.items)
            yield item


# --- sizes
def measured(picture: Picture, look: Look) -> Sizes:
    """As the engine sets the words."""
    graph = digraph(look, {})
    names = node_names(picture)
    for box, name in names.items():
        graph.node(name, **box_attributes(box, look))
    plain = {**style.PLAIN, "width": "0", "height": "0"}
    said = [arrow for arrow in picture.arrows if arrow.label]
    cases = list(groups(picture.items))
    paints = explained(picture, look)
    for n, arrow in enumerate(said):
        graph.node(f"a{n}", label=html_like(arrow_label(arrow, look.faint)), **plain)
    for n, case in enumerate(cases):
        graph.node(f"c{n}", label=html_like(caption(case)), **plain)
    for n in range(len(paints)):
        graph.node(f"k{n}", label=html_like(legend_label(paints, n + 1)), **plain)
    answer = json.loads(render(graph.source, "json"))
    found = {item["name"]: (float(item["width"]) * 72, float(item["height"]) * 72) for item in answer["objects"]}
    return Sizes(
        {box: found[name] for box, name in names.items()},
        {arrow: found[f"a{n}"] for n, arrow in enumerate(said)},
        {case: found[f"c{n}"] for n, case in enumerate(cases)},
        [found[f"k{n}"] for n in range(len(paints))],
    )


def caption(group: Group) -> str:
    """The words below a case, and beside a frame."""
    return group_label(group, room=False)


# --- cases
def in_rows(cases: Sequence[Part], sizes: Sizes, wide: float) -> Sheet:
    """Cases side by side, in as few rows as the width allows."""
    for number in range(1, len(cases) + 1):
        each = -(-len(cases) // number)
        rows = [side_by_side(cases[start : start + each], sizes) for start in range(0, len(cases), each)]
        if each == 1:
            centred(rows, cases)
        if max(row.width for row in rows) <= wide:
            break
    sheet, width = Sheet(), max(row.width for row in rows)
    for row in rows:
        sheet.add(row, (width - row.width) / 2, sheet.height + (CASE_GAP if sheet.height else 0.0))
    return sheet


def centred(rows: list[Sheet], cases: Sequence[Part]) -> None:
    """Cases below one another, the first box of each on one line."""
    lines = [row.boxes[part.flow.boxes[0]].x for row, part in zip(rows, cases, strict=True)]
    left, right = max(lines), max(row.width - x for row, x in zip(rows, lines, strict=True))
    for n, (row, x) in enumerate(zip(rows, lines, strict=True)):
        rows[n] = Sheet()
        rows[n].add(row, left - x, 0.0)
        rows[n].width = left + right


def side_by_side(cases: Sequence[Part], sizes: Sizes) -> Sheet:
    """Cases in level rows."""
    flows = [part.flow for part in cases]
    regions = [flow.whole() for flow in flows]
    rows = Rows(flows, regions)
    columns = [
        Columns(part.flow, region, sizes.boxes, sizes.labels, margins(part.frames, sizes))
        for part, region in zip(cases, regions, strict=True)
    ]
    middles, height = heights(cases, rows, columns, sizes)
    sheet = Sheet()
    for part, region, column in zip(cases, regions, columns, strict=True):
        x = sheet.width + (CASE_GAP if sheet.width else 0.0)
        sheet.add(one_case(part, region, column, rows, middles, height, sizes), x, 0.0)
    return sheet


def margins(frames: Sequence[Group], sizes: Sizes) -> dict[Box, tuple[float, float]]:
    """The room that frames take left and right of the boxes in them; their words stand on the right."""
    found: dict[Box, tuple[float, float]] = {}
    for frame in frames:
        for box in frame.boxes():
            left, right = found.get(box, (0.0, 0.0))
            found[box] = left + FRAME, right + FRAME + sizes.captions[frame][0] + LABEL_GAP
    return found


def framed(frames: Sequence[Group], sheet: Sheet, sizes: Sizes) -> None:
    """Each frame around what is in it, its words beside it."""
    for frame in frames:
        inner = [group for group in groups(frame.items) if group is not frame]
        around = enclosing(
            [
                *(sheet.boxes[box] for box in frame.boxes()),
                *(rect for group in inner for rect in (sheet.frames[group], sheet.captions[group])),
            ]
        )
        rect = Rect(around.x, around.y, around.width + 2 * FRAME, around.height + 2 * FRAME)
        width, height = sizes.captions[frame]
        sheet.frames[frame] = rect
        sheet.captions[frame] = Rect(rect.right + LABEL_GAP + width / 2, rect.y, width, height)


def enclosing(rects: Sequence[Rect]) -> Rect:
    left, right = min(rect.left for rect in rects), max(rect.right for rect in rects)
    top, bottom = min(rect.top for rect in rects), max(rect.bottom for rect in rects)
    return Rect((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def one_case(
    part: Part,
    region: Region,
    columns: Columns,
    rows: Rows,
    middles: Sequence[float],
    height: float,
    sizes: Sizes,
) -> Sheet:
    """Boxes, arrows and the words below, with the left edge at 0."""
    case, flow = part.case, part.flow
    caption = sizes.captions[case] if case is not None else (0.0, 0.0)
    left = max(columns.strip.left, caption[0] / 2)
    right = max(columns.strip.right, caption[0] / 2)
    rects: dict[Box, Rect] = {}
    for box in flow.boxes:
        width, tall = sizes.boxes[box]
        x = columns.across[box]
        if box in columns.bars:
            low, high = columns.bars[box]
            x, width = (low + high) / 2, high - low
        rects[box] = Rect(x, middles[rows.row[box]], width, tall)
    spread(region, rects, rows)
    routes = Router(columns, rects).routes()
    placed = Sheet(rects, routes, bars=set(columns.bars), width=left + right, height=height)
    framed(part.frames, placed, sizes)
    sheet = Sheet()
    sheet.add(placed, left, 0.0)
    sheet.width = left + right
    if case is not None:
        sheet.captions[case] = Rect(left, height + CAPTION_GAP + caption[1] / 2, *caption)
        sheet.height = height + CAPTION_GAP + caption[1]
    return sheet


def heights(cases: Sequence[Part], rows: Rows, columns: Sequence[Columns], sizes: Sizes) -> tuple[list[float], float]:
    """The middle of each row, and how high all are."""
    number = max(rows.row.values()) + 1
    tall, gaps = [0.0] * number, [ROW_GAP] * number
    for box, row in rows.row.items():
        tall[row] = max(tall[row], sizes.boxes[box][1])
    for column in columns:
        for arrow in column.flow.arrows:
            if arrow in sizes.labels and arrow not in column.across:
                row, needed = words_gap(arrow, column, rows, sizes)
                gaps[row] = max(gaps[row], needed)
    for row in range(number):
        gaps[row] += max((FRAME + 4) * edges(part, rows, row) for part in cases)
    middles, y = [], 0.0
    for height, gap in zip(tall, gaps, strict=True):
        middles.append(y + height / 2)
        y += height + gap
    return middles, y - gaps[-1]


def edges(part: Part, rows: Rows, row: int) -> int:
    """How many frames end in a row, or begin below it."""
    spans = [[rows.row[box] for box in frame.boxes()] for frame in part.frames]
    return sum((max(span) == row) + (min(span) == row + 1) for span in spans)


def words_gap(arrow: Arrow, columns: Columns, rows: Rows, sizes: Sizes) -> tuple[int, float]:
    """Below which row an arrow's words stand, and the room that they need there."""
    height = sizes.labels[arrow][1]
    if shared(arrow, columns):
        return rows.row[arrow.source], stem(arrow.source, columns) + HEAD + RADIUS
    bent = abs(columns.across[arrow.source] - columns.across[arrow.target]) > 0.5
    if bent and len(columns.flow.entering[arrow.target]) == 1:
        return rows.row[arrow.target] - 1, BUS + HEAD + height + 4
    return rows.row[arrow.source], height + WORDS


def spread(region: Region, rects: dict[Box, Rect], rows: Rows) -> None:
    """A short branch beside a long one stands evenly between its ends, unless a box of it is level with another."""
    level = {*rows.one.values(), *rows.one}
    tangled = any(isinstance(strand, Tangle) for strand in region.strands)
    for strand in region.strands:
        if not isinstance(strand, Chain):
            continue
        for inner in strand.regions:
            spread(inner, rects, rows)
        start, end, boxes = region.start, region.end, strand.boxes
        if (
            tangled
            or start is None
            or end is None
            or level & set(boxes)
            or not all(straight(inner) for inner in strand.regions)
        ):
            continue
        if rows.row[end] - rows.row[start] - 1 > len(boxes):
            free = rects[end].top - rects[start].bottom - sum(rects[box].height for box in boxes)
            y = rects[start].bottom
            for box in boxes:
                y += free / (len(boxes) + 1)
                rects[box] = Rect(rects[box].x, y + rects[box].height / 2, rects[box].width, rects[box].height)
                y += rects[box].height


def straight(region: Region) -> bool:
    """Whether but one arrow lies between two boxes."""
    return len(region.strands) <= 1 and not any(isinstance(strand, (Chain, Tangle)) for strand in region.strands)


def with_legend(sheet: Sheet, sizes: Sizes, wide: float) -> None:
    """Below everything, in as many columns as fit."""
    if not sizes.legends:
        return
    columns = max((n for n, size in enumerate(sizes.legends, 1) if size[0] <= wide), default=1)
    width, height = sizes.legends[columns - 1]
    shift = max(0.0, (width - sheet.width) / 2)
    if shift:
        wider = Sheet()
        wider.add(sheet, shift, 0.0)
        sheet.__dict__.update(wider.__dict__)
        sheet.width += shift
    sheet.legend = columns, Rect(sheet.width / 2, sheet.height + LEGEND_GAP + height / 2, width, height)
    sheet.height += LEGEND_GAP + height


# --- checks
def check(sheet: Sheet, sizes: Sizes) -> None:
    """Nothing covers anything: no box or words another, no arrow a box and no frame what it does not hold."""
    words = dict(word_rects(sheet, sizes))
    things = [*sheet.boxes.values(), *words.values(), *sheet.captions.values()]
    if any(one.meets(other, -0.5) for one, other in combinations(things, 2)):
        raise NotSoError
    for arrow, route in sheet.routes.items():
        others = [rect for box, rect in sheet.boxes.items() if box not in (arrow.source, arrow.target)]
        if any(rect.crossed(one, other) for one, other in pairwise(route.points) for rect in others):
            raise NotSoError
    for frame, rect in sheet.frames.items():
        held = set(frame.boxes())
        if any(rect.meets(other) for box, other in sheet.boxes.items() if box not in held):
            raise NotSoError


def word_rects(sheet: Sheet, sizes: Sizes) -> Iterator[tuple[Arrow, Rect]]:
    for arrow, route in sheet.routes.items():
        if route.label is not None:
            yield arrow, Rect(*route.label, *sizes.labels[arrow])
