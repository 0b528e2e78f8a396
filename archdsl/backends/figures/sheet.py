"""What a laid-out block figure is made of: sizes of words, boxes and arrows in their places, the cases to lay out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from archdsl.backends.figures.columns import LABEL_GAP, WIDE, Gaps
from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture
from archdsl.backends.figures.routes import Rect, Route
from archdsl.backends.figures.strands import Flow

FRAME = 9.0  # points between a frame and what it holds
PEN = 1.0  # points beside the middle of a line
EDGE_GAP = 4.0  # points outside a frame
TITLE_GAP, TITLE_DROP = 14.0, 3.0  # points beside and above the words in a frame
CAPTION_GAP = 8.0  # points above the words of a case

Size = tuple[float, float]


@dataclass
class Sizes:
    """Width and height in points of all that has words, and what is between things."""

    boxes: dict[Box, Size]
    labels: dict[Arrow, Size]
    captions: dict[Group, Size]  # of cases and frames
    legends: list[Size]  # in one column, in two, …
    gaps: Gaps = WIDE
    most: tuple[float, float] = (inf, inf)  # the width of a row of layers, and those that a wider one is parted into


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
        self.routes.update({arrow: route.moved(x, y) for arrow, route in other.routes.items()})
        self.bars |= other.bars
        self.width, self.height = max(self.width, x + other.width), max(self.height, y + other.height)


@dataclass(frozen=True)
class Part:
    """One case of the figure, or all of it where there are none, with the frames in it, the inner ones first."""

    case: Group | None
    flow: Flow
    items: Sequence[Item]
    frames: tuple[Group, ...]


def moved(rect: Rect, x: float, y: float) -> Rect:
    return Rect(rect.x + x, rect.y + y, rect.width, rect.height)


def parts(picture: Picture) -> list[Part]:
    cases = [item for item in picture.items if isinstance(item, Group) and item.kind == "case"]
    inside: list[tuple[Group | None, list[Item]]] = [(case, case.items) for case in cases]
    found = []
    for case, items in inside or [(None, picture.items)]:
        boxes = [box for item in items for box in item.boxes()]
        among = set(boxes)
        flow = Flow(boxes, [arrow for arrow in picture.arrows if arrow.source in among])
        found.append(Part(case, flow, items, tuple(groups(items))))
    return found


def groups(items: Sequence[Item]) -> Iterator[Group]:
    """Cases and frames, the inner ones first."""
    for item in items:
        if isinstance(item, Group):
            yield from groups(item.items)
            yield item


def titled(frame: Group) -> bool:
    """Whether a frame has its words inside, at the top left; those of a repeat stand beside it."""
    return frame.kind == "block"


def margins(frames: Sequence[Group], sizes: Sizes) -> dict[Box, tuple[float, float]]:
    """The room that frames take left and right of the boxes in them, with their words."""
    found: dict[Box, tuple[float, float]] = {}
    for frame in frames:
        words = sizes.captions[frame][0]
        for box in frame.boxes():
            left, right = found.get(box, (0.0, 0.0))
            if titled(frame):  # left of the line that enters at the middle of a box
                found[box] = max(left + FRAME, words + TITLE_GAP - sizes.boxes[box][0] / 2), right + FRAME
            else:
                found[box] = left + FRAME, right + FRAME + words + LABEL_GAP
    return found


def framed(frames: Sequence[Group], sheet: Sheet, sizes: Sizes) -> None:
    """Each frame around what is in it, its words inside or beside it."""
    for frame in frames:
        inner = [group for group in groups(frame.items) if group is not frame]
        inside = [sheet.boxes[box] for box in frame.boxes()]
        deeper = [rect for group in inner for rect in (sheet.frames[group], sheet.captions[group])]
        around = enclosing([*inside, *deeper, *lines_inside(frame, sheet, sizes)])
        width, height = sizes.captions[frame]
        left, right, top, bottom = around.left - FRAME, around.right + FRAME, around.top - FRAME, around.bottom + FRAME
        if titled(frame):
            left = min(left, min(rect.x for rect in inside) - width - TITLE_GAP)
            top -= height
            middle = left + LABEL_GAP + width / 2, top + TITLE_DROP + height / 2
        else:
            middle = right + LABEL_GAP + width / 2, (top + bottom) / 2
        sheet.frames[frame] = Rect((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        sheet.captions[frame] = Rect(*middle, width, height)


def lines_inside(frame: Group, sheet: Sheet, sizes: Sizes) -> Iterator[Rect]:
    """What arrows between the boxes of a frame take, with their words."""
    held = set(frame.boxes())
    for arrow, route in sheet.routes.items():
        if arrow.source in held and arrow.target in held:
            yield from taken(arrow, route, sizes)


def taken(arrow: Arrow, route: Route, sizes: Sizes) -> Iterator[Rect]:
    yield from (Rect(x, y, 2 * PEN, 0.0) for x, y in route.points)
    if route.label is not None:
        yield Rect(*route.label, *sizes.labels[arrow])


def reach(sheet: Sheet, sizes: Sizes) -> tuple[float, float]:
    """The left and right end of everything."""
    rects = [*sheet.boxes.values(), *sheet.frames.values(), *sheet.captions.values()]
    for arrow, route in sheet.routes.items():
        rects += taken(arrow, route, sizes)
    return min(rect.left for rect in rects), max(rect.right for rect in rects)


def enclosing(rects: Sequence[Rect]) -> Rect:
    left, right = min(rect.left for rect in rects), max(rect.right for rect in rects)
    top, bottom = min(rect.top for rect in rects), max(rect.bottom for rect in rects)
    return Rect((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def with_caption(sheet: Sheet, case: Group | None, x: float, sizes: Sizes) -> None:
    """The words of a case below it, their middle at `x`."""
    if case is None:
        return
    width, height = sizes.captions[case]
    sheet.captions[case] = Rect(x, sheet.height + CAPTION_GAP + height / 2, width, height)
    sheet.height += CAPTION_GAP + height


def frame_room(part: Part, row: Mapping[Box, int], above: int, sizes: Sizes) -> tuple[float, float]:
    """What frames that end in a row take below it, and those that begin in the next row above that."""
    ending = beginning = 0.0
    for frame in part.frames:
        rows = [row[box] for box in frame.boxes()]
        ending += (FRAME + EDGE_GAP) * (max(rows) == above)
        title = sizes.captions[frame][1] if titled(frame) else 0.0
        beginning += (FRAME + EDGE_GAP + title) * (min(rows) == above + 1)
    return ending, beginning


def clearances(part: Part, sizes: Sizes) -> dict[Arrow, tuple[float, float]]:
    """How far below its box an arrow has left the frames that it leaves, and above its end enters those it enters."""
    frames = [(set(frame.boxes()), sizes.captions[frame][1] if titled(frame) else 0.0) for frame in part.frames]
    edge = FRAME + EDGE_GAP / 2
    return {
        arrow: (
            sum(edge for held, _ in frames if arrow.source in held and arrow.target not in held),
            sum(edge + title for held, title in frames if arrow.target in held and arrow.source not in held),
        )
        for arrow in part.flow.arrows
    }
