"""Places: cells one after another, in rows as long as a page is wide; borders around them; lines beside them.

All of it is computed along the strip (`u`) and across it (`v`, towards the side where lines run), then
turned: a landscape strip runs to the right with lines above it, a portrait one downwards with lines at its left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from archdsl.backends.figures.picture import GroupKind
from archdsl.backends.figures.strip.bodies import Body, Manner, level
from archdsl.backends.figures.strip.cells import Cell, Frame, Part, Strip
from archdsl.backends.figures.strip.plan import Border, Rect, around, inner_borders, text
from archdsl.backends.figures.style import FAINT, INK, TEXT
from archdsl.backends.figures.texts import Text

ARROW = 15.0  # from box to box
APART = 8.0  # from text to text
ASIDE = {False: 4.0, True: 7.0}  # from a box to the text below, or, in a column, beside it
LOWER = 2.0  # the label of a border than the text in it
PAD = 5.0  # from a border to what is in it
FAR = float("inf")
LABEL = 190.0  # in a column: so wide is the label of a border
TRIES = 3  # cells that are stretched may go to another row


@dataclass
class Slot:
    """A body in place: where its middle is."""

    body: Body
    row: int = 0
    u: float = 0
    v: float = 0


@dataclass
class Side:
    """What part of the strip something takes before and behind its middle."""

    before: float = 0
    behind: float = 0


@dataclass
class Layout:
    """Cells in rows, without their lines; all rows begin at 0 and lie around v = 0 still."""

    manner: Manner
    slots: dict[Cell, Slot]
    rows: list[list[Cell]]
    items: list[list[Cell | Border]]  # of each row; rectangles in (u, v)
    asides: dict[Cell, Rect]
    notes: dict[Cell, list[Rect]]
    extents: list[Rect] = field(default_factory=list)  # of each row

    @property
    def length(self) -> float:
        return max(extent.right for extent in self.extents)


def turned(rect: Rect, manner: Manner) -> Rect:
    """From x and y to u and v, of what lies around a middle; its own inverse for portrait strips."""
    return Rect(-rect.high, -rect.right, -rect.low, -rect.left) if manner.portrait else rect


def size_along(words: Text, manner: Manner) -> float:
    return words.height if manner.portrait else words.width


def size_across(words: Text, manner: Manner) -> float:
    return words.width if manner.portrait else words.height


# --- one after another
def boxes_side(body: Body, manner: Manner) -> Side:
    """How long the box is, with what is written at its sides."""
    rects = [turned(rect, manner) for rect in (body.solid, *(note.rect for note in body.notes))]
    whole = around(rects)
    return Side(-whole.left, whole.right)


def aside_side(body: Body, manner: Manner) -> Side:
    half = size_along(body.aside, manner) / 2
    return Side(half, half)


def wide(body: Body, manner: Manner) -> Side:
    box, aside = boxes_side(body, manner), aside_side(body, manner)
    return Side(max(box.before, aside.before) + body.stretch, max(box.behind, aside.behind) + body.stretch)


def step(one: Body, other: Body, borders: float, manner: Manner) -> float:
    """From the middle of a cell to that of the next, with so much room for borders between them."""
    if borders:  # both cells whole on their side of the border
        return wide(one, manner).behind + borders + wide(other, manner).before
    arrow, apart = manner.gap(ARROW), manner.gap(APART)
    gap = max(arrow, boxes_side(one, manner).behind + arrow + boxes_side(other, manner).before)
    texts = aside_side(one, manner).behind + apart + aside_side(other, manner).before
    return max(gap, texts if one.aside.lines and other.aside.lines else 0)


def depths(items: Sequence[Part], above: tuple[Frame, ...] = ()) -> dict[Cell, tuple[Frame, ...]]:
    """Each cell with the frames around it, the outermost first."""
    found: dict[Cell, tuple[Frame, ...]] = {}
    for item in items:
        found |= depths(item.items, (*above, item)) if isinstance(item, Frame) else {item: above}
    return found


def crossed(one: Sequence[Frame], other: Sequence[Frame], manner: Manner) -> float:
    """The room that the borders between two neighbours take."""
    shared = sum(a is b for a, b in zip(one, other, strict=False))
    closing, opening = one[shared:], other[shared:]
    if not closing and not opening:
        return 0
    labels = sum(label_room(frame) for frame in opening) if manner.portrait else 0
    return manner.gap(PAD * (len(closing) + len(opening)) + (APART if closing and opening else ARROW - PAD)) + labels


def label_room(frame: Frame) -> float:
    """In a column the label of a frame stands at its top, beside the arrow that enters."""
    return label(frame, LABEL).height


def label(frame: Frame, room: float) -> Text:
    bold = frame.kind != "repeat"
    return text(frame.label, room, TEXT, INK if bold else FAINT, bold=bold)


# --- rows
def split(bodies: Sequence[Body], steps: Sequence[float], manner: Manner, most: float) -> list[int]:
    """Where rows begin: as few rows as fit, of lengths as equal as can be."""
    ends = [wide(body, manner) for body in bodies]
    if not bodies:
        return [0]
    best = starts(ends, steps, most)
    low, high = max(end.before + end.behind for end in ends), most
    for _ in range(20):
        middle = (low + high) / 2
        tried = starts(ends, steps, middle)
        low, high = (middle, high) if len(tried) > len(best) else (low, middle)
        best = tried if len(tried) == len(best) else best
    return best


def starts(ends: Sequence[Side], steps: Sequence[float], most: float) -> list[int]:
    found, long = [0], ends[0].before
    for place, (gap, end) in enumerate(zip(steps, ends[1:], strict=True), start=1):
        long += gap
        if long + end.behind > most:
            found.append(place)
            long = end.before
    return found


def lay(strip: Strip, bodies: Sequence[Body], manner: Manner, most: float) -> Layout:
    """All cells in place; those in a border that is too short for its label are stretched."""
    made = laid(strip, bodies, manner, most)
    for _ in range(TRIES):
        if not stretched(made):
            break
        made = laid(strip, bodies, manner, most)
    return made


def stretched(made: Layout) -> bool:
    """Whether a border was wider than what is in it; its cells then get more room."""
    found = False
    for border in (border for row in made.items for border in inner_borders(row)):
        inner = around(covered(item, made) for item in border.items)
        cells = border_cells(border)
        edges = [made.slots[cell] for cell in (cells[0], cells[-1])]
        left = edges[0].u - wide(edges[0].body, made.manner).before
        right = edges[1].u + wide(edges[1].body, made.manner).behind
        lacking = border.label.width - max(inner.width, right - left)
        if not made.manner.portrait and lacking > 0.01:
            found = True
            for slot in edges:
                slot.body.stretch += lacking / 2
    return found


def border_cells(border: Border) -> list[Cell]:
    return [c for item in border.items for c in (border_cells(item) if isinstance(item, Border) else [item])]


def laid(strip: Strip, bodies: Sequence[Body], manner: Manner, most: float) -> Layout:
    frames = depths(strip.items)
    steps = [step(a, b, crossed(frames[a.cell], frames[b.cell], manner), manner) for a, b in pairwise(bodies)]
    begins = split(bodies, steps, manner, most)
    slots: dict[Cell, Slot] = {}
    at = 0.0
    for place, body in enumerate(bodies):
        row = sum(begin <= place for begin in begins) - 1
        edge = sum(opening(frame, body.cell, manner) for frame in frames[body.cell])
        at = wide(body, manner).before + edge if place in begins else at + steps[place - 1]
        slots[body.cell] = Slot(body, row, at)
    rows = [[slot.body.cell for slot in group] for _, group in groupby(slots.values(), key=lambda slot: slot.row)]
    for cells in rows:
        level([slots[cell].body for cell in cells], manner)
    asides, notes = beside(slots, rows, manner)
    made = Layout(manner, slots, rows, [], asides, notes)
    for cells in rows:
        items = bordered(strip.items, set(cells), made)
        made.items.append(flush(items, manner.gap(PAD)) if manner.portrait else items)
        made.extents.append(around(covered(item, made) for item in made.items[-1]))
    return made


def opening(frame: Frame, cell: Cell, manner: Manner) -> float:
    """What a frame takes before a cell that a row begins with."""
    return manner.gap(PAD) + (label_room(frame) if manner.portrait and begins(frame, cell) else 0)


def begins(frame: Frame, cell: Cell) -> bool:
    return next(frame.cells()) is cell


def beside(
    slots: Mapping[Cell, Slot], rows: Sequence[Sequence[Cell]], manner: Manner
) -> tuple[dict[Cell, Rect], dict[Cell, list[Rect]]]:
    """Texts below the boxes of a row, or right of those of a column, all from one line on; notes at their boxes.

    Of boxes that hold text, each has its own below it, however high others are.
    """
    asides: dict[Cell, Rect] = {}
    notes: dict[Cell, list[Rect]] = {}
    for row in rows:
        bodies = [slots[cell].body for cell in row]
        rects = [turned(rect, manner) for body in bodies for rect in (body.solid, *(note.rect for note in body.notes))]
        top = around(rects).low - manner.gap(ASIDE[manner.portrait])
        for body in bodies:
            u, half = slots[body.cell].u, size_along(body.aside, manner) / 2
            if not (manner.blocks or manner.portrait):
                top = body.solid.low - manner.gap(ASIDE[False])
            notes[body.cell] = [turned(note.rect, manner).moved(u, 0) for note in body.notes]
            if body.aside.lines:
                asides[body.cell] = Rect(u - half, top - size_across(body.aside, manner), u + half, top)
    return asides, notes


def whole(cell: Cell, made: Layout) -> Rect:
    """A cell with all its text."""
    slot = made.slots[cell]
    box = turned(slot.body.solid, made.manner).moved(slot.u, 0)
    texts = [made.asides[cell]] if cell in made.asides else []
    return around([box, *texts, *made.notes[cell]])


def covered(item: Cell | Border, made: Layout) -> Rect:
    return item.rect if isinstance(item, Border) else whole(item, made)


# --- borders
def bordered(items: Sequence[Part], row: set[Cell], made: Layout) -> list[Cell | Border]:
    """What of these items stands in a row."""
    found: list[Cell | Border] = []
    for item in items:
        if isinstance(item, Cell):
            found += [item] if item in row else []
            continue
        inner = bordered(item.items, row, made)
        if inner:
            found.append(border(item, inner, made))
    return found


def border(frame: Frame, items: list[Cell | Border], made: Layout) -> Border:
    inner = around(covered(item, made) for item in items)
    kind: GroupKind = frame.kind
    pad, first = made.manner.gap(PAD), begins(frame, first_cell(items[0]))  # of several parts the first has the label
    if made.manner.portrait:
        words = label(frame, LABEL) if first else Text()
        held = Rect(inner.left - words.height, min(inner.low, -words.width - 2 * pad), inner.right, inner.high)
        place = Rect(held.left, held.low, held.left + words.height, held.low + words.width)
    else:
        words = label(frame, inner.width) if first else Text()
        half, middle = max(inner.width, words.width) / 2, (inner.left + inner.right) / 2
        low = inner.low - words.height - (LOWER if words.lines else 0)
        held = Rect(middle - half, low, middle + half, inner.high)
        place = Rect(middle - words.width / 2, low, middle + words.width / 2, low + words.height)
    return Border(kind, held.grown(pad), words, place, items)


def first_cell(item: Cell | Border) -> Cell:
    return first_cell(item.items[0]) if isinstance(item, Border) else item


def flush(items: list[Cell | Border], pad: float) -> list[Cell | Border]:
    """The borders of a column as wide as each other."""
    held = [item.rect for item in items if isinstance(item, Border)]
    if held:
        widen(items, min(rect.low for rect in held), max(rect.high for rect in held), pad)
    return items


def widen(items: Sequence[Cell | Border], low: float, high: float, pad: float) -> None:
    for item in items:
        if isinstance(item, Border):
            item.label_rect = item.label_rect.moved(0, low - item.rect.low)
            item.rect = Rect(item.rect.left, low, item.rect.right, high)
            widen(item.items, low + pad, high - pad, pad)
