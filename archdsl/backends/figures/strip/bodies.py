"""How large the parts of a cell are, by style: a box with its text inside, or a solid that shows the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

from archdsl.backends.figures.measure import width
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.kinds import BLOCKS
from archdsl.backends.figures.strip.plan import Point, Rect, Words, centred, heading, remark, tapped, text
from archdsl.backends.figures.style import SMALL, TEXT
from archdsl.backends.figures.texts import Text
from archdsl.ops.base import Shape, times

MARGINS = {False: (6.0, 7.0), True: (8.0, 4.0)}  # between the outline of a box and its text, by portrait
BETWEEN = " · "  # what a column says on one line
LARGEST, SMALLEST = 110.0, 7.0  # sides of solids
THICKEST, THINNEST = 64.0, 4.0  # of solids, along the strip
FAR_ABOVE = 1.4  # heights of boxes in a row
CHANNEL = 1.6  # the thickness of one channel; of n it is √n times as much
DEPTH = (0.34, 0.25)  # of a solid, to the right and up, in sides
TIGHT = 0.65  # smaller gaps, in usual ones
CLOSE = 2.0  # between a solid and what is written at its sides


@dataclass(frozen=True)
class Manner:
    """How a strip is drawn."""

    blocks: bool = False  # boxes show resolution and channels, instead of text
    portrait: bool = False  # downwards instead of to the right
    deep: bool = False  # solids in perspective
    closed: bool = False  # a stage that is a table of rows is one box
    tight: bool = False  # smaller gaps
    both: bool = False  # lines run at both sides of rows, and shapes stand inside the boxes
    shapes: Shapes = field(default_factory=Shapes)  # how they are written

    def gap(self, points: float) -> float:
        """A distance between things."""
        return points * (TIGHT if self.tight else 1)


@dataclass
class Body:
    """A cell around the middle of its box: what is in it, what is at its sides, the text that goes below or beside."""

    cell: Cell
    solid: Rect
    depth: Point = (0, 0)
    text: Text = field(default_factory=Text)
    notes: list[Words] = field(default_factory=list)
    aside: Text = field(default_factory=Text)
    stretch: float = 0  # further room at both sides, for the label of a border around it


def bodies(cells: Sequence[Cell], manner: Manner, room: float) -> list[Body]:
    """One for each cell; lines of text are broken to the room."""
    if not manner.blocks:
        return [boxed(cell, manner, room) for cell in cells]
    scale = Scale(cells)
    before = [None, *cells]
    return [solid(cell, last, scale, manner, room) for last, cell in zip(before, cells, strict=False)]


# --- text in boxes
def boxed(cell: Cell, manner: Manner, room: float) -> Body:
    if cell.end:
        return words_alone(cell, manner)
    inside = said(cell, manner, room) + (shapes(cell, manner) if manner.both else Text())
    margin = [manner.gap(points) for points in MARGINS[manner.portrait]]
    wide, high = (inside.width + 2 * margin[0], inside.height + 2 * margin[1])
    shown = centred(max(wide, needed(cell, manner)), max(high, TEXT + 2 * margin[1]))
    return Body(cell, shown, text=inside, aside=Text() if manner.both else shapes(cell, manner))


def words_alone(cell: Cell, manner: Manner) -> Body:
    inside = text(cell.lines[0], float("inf"), TEXT) + remark(manner.shapes.of(cell.output))
    return Body(cell, centred(inside.width + 4, inside.height + 2), text=inside)


def needed(cell: Cell, manner: Manner) -> float:
    """Side by side the shape below a box is part of its column."""
    return 0 if manner.portrait or manner.both else shapes(cell, manner).width


def level(found: Sequence[Body], manner: Manner) -> None:
    """Boxes with text get as high as each other in a row, but for those that are much higher; in a column, as wide."""
    boxed = [body for body in found if body.text.lines and not body.cell.end]
    wide, high = max((body.solid.width for body in boxed), default=0), common_height(boxed)
    for body in boxed:
        own = body.solid
        body.solid = centred(wide, own.height) if manner.portrait else centred(own.width, max(own.height, high))


def common_height(found: Sequence[Body]) -> float:
    """That of the highest box that is not far above the middle; a stem or head does not stretch the blocks."""
    blocks = [body for body in found if body.cell.colour in BLOCKS] or found
    heights = sorted(body.solid.height for body in blocks)
    return max((h for h in heights if h <= FAR_ABOVE * heights[(len(heights) - 1) // 2]), default=0)


def said(cell: Cell, manner: Manner, room: float) -> Text:
    """The name and what it does: of a row a line each, of a column as much on a line as fits."""
    whole = heading(cell.name, room)
    for line in packed(cell.lines, room) if manner.portrait else cell.lines:
        whole += text(line, room)
    return whole


def packed(words: Sequence[str], room: float) -> list[str]:
    found: list[str] = []
    for word in words:
        joined = f"{found[-1]}{BETWEEN}{word}" if found else word
        if found and width(joined, SMALL) <= room:
            found[-1] = joined
        else:
            found.append(word)
    return found


def shapes(cell: Cell, manner: Manner) -> Text:
    """C×H×W that leaves, and what else others read."""
    whole = remark(manner.shapes.of(cell.output))
    for tap in cell.taps:
        whole += tapped(f"tap {manner.shapes.of(tap)}")
    return whole


# --- solids
class Scale:
    """Sides and thicknesses: roots of resolutions and channels, so that 7 and 224 fit on one page."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        maps = [cell.output.shape for cell in cells if len(cell.output.shape) > 1]
        self.largest = max((length for shape in maps for length in sides(shape)), default=1)
        most = max((shape[0] for shape in maps), default=1)
        self.channel = min(CHANNEL, THICKEST / sqrt(max(1, most)))

    def side(self, length: int) -> float:
        return max(SMALLEST, LARGEST * sqrt(min(1, length / self.largest)))

    def thickness(self, channels: int) -> float:
        return min(THICKEST, max(THINNEST, self.channel * sqrt(channels)))


def sides(shape: Shape) -> tuple[int, int]:
    """Height and width; of a sequence its length and 1, of a vector 1 and 1."""
    return (shape[-2], shape[-1]) if len(shape) > 2 else (shape[1] if len(shape) == 2 else 1, 1)


def solid(cell: Cell, before: Cell | None, scale: Scale, manner: Manner, room: float) -> Body:
    if cell.box.role == "output":
        return words_alone(cell, manner)
    shape = cell.output.shape
    high, wide = (scale.side(length) for length in sides(shape))
    thick = scale.thickness(shape[0])
    front, deep = ((wide, thick), high) if manner.portrait else ((thick, high), wide)
    depth = (DEPTH[0] * deep, DEPTH[1] * deep) if manner.deep else (0.0, 0.0)
    made = Body(cell, centred(front[0] + depth[0], front[1] + depth[1]), depth)
    lines = said(cell, manner, room)
    if manner.deep and not manner.portrait:
        written = sides(shape) != (sides(before.output.shape) if before else None)
        return replace(made, notes=notes(made, written=written), aside=lines + shapes_tapped(cell, manner))
    return replace(made, aside=lines + shapes(cell, manner))


def shapes_tapped(cell: Cell, manner: Manner) -> Text:
    return Text(shapes(cell, manner).lines[1:])


def notes(body: Body, *, written: bool) -> list[Words]:
    """Channels below the front, and, where it changes, the size at its left, turned."""
    shape, rect, (dx, _) = body.cell.output.shape, body.solid, body.depth
    front = (rect.left + rect.right - dx) / 2
    channels = remark(str(shape[0]))
    below = centred(channels.width, channels.height).moved(front, rect.low - CLOSE - channels.height / 2)
    found = [Words(body.cell, below, channels)]
    if written and len(shape) > 1:
        extent = remark(times(shape[1:]))
        top = min(-CLOSE - 2, rect.low + extent.width)  # below the arrow that enters at the middle
        left = min(rect.left, below.left) - CLOSE
        turned = Rect(left - extent.height, top - extent.width, left, top)
        found.append(Words(body.cell, turned, extent, turned=True))
    return found
