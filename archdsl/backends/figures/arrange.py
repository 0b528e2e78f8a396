"""Block figures laid out as papers draw them: straight columns, cases in level rows, shortcuts at the side.

The engine measures the words; where boxes stand and arrows go is found here, and the engine draws it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from archdsl.backends.figures import in_layers, style
from archdsl.backends.figures.columns import WIDE, Columns, Gaps
from archdsl.backends.figures.dot import box_attributes, digraph, explained, node_names
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.flaws import flaws
from archdsl.backends.figures.labels import arrow_label, group_label, html_like, legend_label
from archdsl.backends.figures.paper import LEAST, room
from archdsl.backends.figures.picture import Arrow, Box, Group, Picture
from archdsl.backends.figures.ranks import Rows
from archdsl.backends.figures.routes import BUS, HEAD, RADIUS, Rect, Router, shared, stem
from archdsl.backends.figures.sheet import (
    Part,
    Sheet,
    Sizes,
    clearances,
    frame_room,
    framed,
    groups,
    margins,
    parts,
    reach,
    with_caption,
)
from archdsl.backends.figures.strands import Chain, Region, Tangle
from archdsl.backends.figures.theme import Look

WORDS = 12.0  # and beside words: more, so that the line is seen above and below
LEGEND_GAP = 12.0
MOST_BOXES = 80  # of a case that is taken apart into strands

SideBySide: TypeAlias = Callable[[Sequence[Part], Sizes], Sheet]


def arranged(picture: Picture, look: Look, gaps: Gaps = WIDE, part: float | None = None) -> Sheet:
    """A block figure laid out: as strands, or in layers where its ways part and meet in no order that strands have.

    `part`: rows of layers that are wider than the page stand in several, each of so much of its width.
    """
    cases = parts(picture)
    sizes = replace(measured(picture, look), gaps=gaps)
    if part is not None and look.width is not None:
        wide = room(look.width, LEAST)
        sizes = replace(sizes, most=(wide, part * wide))
    if all(len(part.flow.boxes) <= MOST_BOXES for part in cases):
        sheet = whole(cases, sizes, look, side_by_side)
        parted = part is not None and sheet.width > sizes.most[0]
        if not parted and not any(flaws(sheet, sizes)):
            return sheet
    return whole(cases, sizes, look, in_layers.side_by_side)


def whole(cases: Sequence[Part], sizes: Sizes, look: Look, beside: SideBySide) -> Sheet:
    """All cases, and the legend below."""
    wide = room(look.width, LEAST) if look.width is not None else float("inf")
    sheet = in_rows(cases, sizes, wide, beside)
    with_legend(sheet, sizes, wide if look.width is not None else sheet.width)
    return sheet


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
def in_rows(cases: Sequence[Part], sizes: Sizes, wide: float, beside: SideBySide) -> Sheet:
    """Cases side by side, in as few rows as the width allows."""
    for number in range(1, len(cases) + 1):
        each = -(-len(cases) // number)
        rows = [beside(cases[start : start + each], sizes) for start in range(0, len(cases), each)]
        if each == 1:
            centred(rows, cases)
        if max(row.width for row in rows) <= wide:
            break
    sheet, width = Sheet(), max(row.width for row in rows)
    for row in rows:
        sheet.add(row, (width - row.width) / 2, sheet.height + (sizes.gaps.cases if sheet.height else 0.0))
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
        Columns(
            part.flow,
            region,
            sizes.boxes,
            sizes.labels,
            margins(part.frames, sizes),
            clearances(part, sizes),
            sizes.gaps,
        )
        for part, region in zip(cases, regions, strict=True)
    ]
    middles, height = heights(cases, rows, columns, sizes)
    sheet = Sheet()
    for part, region, column in zip(cases, regions, columns, strict=True):
        x = sheet.width + (sizes.gaps.cases if sheet.width else 0.0)
        sheet.add(one_case(part, region, column, rows, middles, height, sizes), x, 0.0)
    return sheet


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
    placed = Sheet(rects, routes, bars=set(columns.bars), height=height)
    framed(part.frames, placed, sizes)
    ends, words = reach(placed, sizes), sizes.captions[case][0] / 2 if case is not None else 0.0
    left, right = max(columns.strip.left, -ends[0], words), max(columns.strip.right, ends[1], words)
    sheet = Sheet()
    sheet.add(placed, left, 0.0)
    sheet.width = left + right
    with_caption(sheet, case, left, sizes)
    return sheet


def heights(cases: Sequence[Part], rows: Rows, columns: Sequence[Columns], sizes: Sizes) -> tuple[list[float], float]:
    """The middle of each row, and how high all are."""
    number = max(rows.row.values()) + 1
    tall, gaps = [0.0] * number, [sizes.gaps.rows] * number
    for box, row in rows.row.items():
        tall[row] = max(tall[row], sizes.boxes[box][1])
    for column in columns:
        for arrow in column.flow.arrows:
            if arrow in sizes.labels and arrow not in column.across:
                row, needed = words_gap(arrow, column, rows, sizes)
                gaps[row] = max(gaps[row], needed)
    for row in range(number):
        gaps[row] += max(sum(frame_room(part, rows.row, row, sizes)) for part in cases)
    middles, y = [], 0.0
    for height, gap in zip(tall, gaps, strict=True):
        middles.append(y + height / 2)
        y += height + gap
    return middles, y - gaps[-1]


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
