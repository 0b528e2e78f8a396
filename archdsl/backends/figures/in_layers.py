"""Cases in layers, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures.layers import Layers
from archdsl.backends.figures.sheet import Part, Sheet, Sizes, framed, reach, with_caption
from archdsl.backends.figures.wires import Wires


def side_by_side(cases: Sequence[Part], sizes: Sizes) -> Sheet:
    sheet = Sheet()
    for part in cases:
        sheet.add(one_case(part, sizes), sheet.width + (sizes.gaps.cases if sheet.width else 0.0), 0.0)
    return sheet


def one_case(part: Part, sizes: Sizes) -> Sheet:
    """Boxes, lines and the words below, with the left edge at 0."""
    layers = Layers(part, sizes)
    wires = Wires(layers)
    placed = Sheet(wires.rects(), wires.routes(), bars={box for box in layers.flow.boxes if layers.is_bar(box)})
    framed(part.frames, placed, sizes)
    left, right = reach(placed, sizes)
    sheet = Sheet()
    sheet.add(placed, -left, 0.0)
    sheet.width, sheet.height = right - left, wires.height
    wide = sizes.captions[part.case][0] if part.case is not None else 0.0
    if wide > sheet.width:
        wider = Sheet()
        wider.add(sheet, (wide - sheet.width) / 2, 0.0)
        wider.width, sheet = wide, wider
    with_caption(sheet, part.case, sheet.width / 2, sizes)
    return sheet
