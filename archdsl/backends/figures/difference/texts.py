"""The words of a difference figure: in boxes, between the columns, over them, and the changes above all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archdsl.analysis.difference import Difference, Side
from archdsl.backends.figures.difference.columns import COLOURS, PASS, Column, Panels
from archdsl.backends.figures.difference.levels import Level, Levels, Slot
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.plan import Rect, Words, centred, remark, text
from archdsl.backends.figures.style import FAINT, INK, SMALL, TEXT
from archdsl.backends.figures.texts import Line, Text
from archdsl.support.tables import short

MARKS: Mapping[str, str] = {"added": "+ ", "removed": "− ", "changed": "", "same": ""}
AIR = 12.0  # between the words above and the columns


def title(found: Difference) -> str:
    return printable(f"{found.before.printed} → {found.after.printed}")


def inside(slot: Slot, other: Slot | None, shapes: Shapes, room: float) -> Text:
    """What a box says; what is another in the same stage of the other network in bold."""
    partner = other if other is not None and other.status == slot.status else None
    mark = MARKS[slot.status]
    heading = text(printable(mark + slot.name), room, TEXT, bold=True) if slot.name else Text()
    strong = partner is not None and partner.lines != slot.lines
    shape = shapes.numbers(slot.output)
    changed = partner is not None and shapes.numbers(partner.output) != shape
    below = Text((Line(shape, SMALL, INK if changed else FAINT, changed),))
    lines = "; ".join(map(printable, slot.lines))
    return heading + text(lines if slot.name else mark + lines, room, bold=strong) + below


def differences(written: Sequence[Text], columns: Sequence[Column], panels: Panels) -> Iterator[Words]:
    """Between the columns: how many more parameters and multiply-adds there are on a level."""
    for place, said in enumerate(written):
        if said.lines:
            cell = columns[1].cells.get(place) or columns[0].cells[place]
            yield Words(cell, centred(said.width, said.height).moved(panels.x(place), panels.y(place)), said)


def delta_of(level: Level) -> Text:
    if not level.is_level:
        return Text()
    lines = [line for name, unit in (("params", "params"), ("macs", "MACs")) if (line := delta(level, name, unit))]
    return Text(tuple(Line(line, SMALL, FAINT) for line in lines))


def delta(level: Level, name: str, unit: str) -> str:
    before, after = (slot.count(name) if slot else 0 for slot in level.slots)
    if before == after:
        return ""
    return f"{'+' if after > before else '−'}{short(abs(after - before))} {unit}"


def heads(
    found: Difference, columns: Sequence[Column], panels: Panels, wide: float, *, stacked: bool
) -> Iterator[Words]:
    """Over each column the network that it is, over the first with what that has in all."""
    for one, side in zip(columns, (found.before, found.after), strict=True):
        name = text(printable(side.printed), wide, TEXT, bold=True)
        sums = sums_of(side, stacked=stacked)
        above = max(AIR + sums.height, (panels.most + 1) * PASS)  # the names are on one line
        for number, start in enumerate(panels.starts):
            said = name if number else name + sums
            low = above - (0 if number else sums.height)
            rect = centred(said.width, said.height).moved(panels.x(start) + one.middle, low + said.height / 2)
            cell = columns[0].cells.get(start) or columns[1].cells[start]
            yield Words(cell, rect, said)


def legend(levels: Levels) -> dict[str, str]:
    """What the colours mean that the figure has."""
    there = {slot.status for level in levels for slot in level.slots if slot is not None}
    return {colour: MARKS[status] + status for status, colour in COLOURS.items() if colour and status in there}


def sums_of(side: Side, *, stacked: bool) -> Text:
    """What a network has in all, in one line or in two."""
    params, macs = f"{short(side.cost.params)} params", f"{short(side.cost.macs)} MACs"
    return remark(params) + remark(macs) if stacked else remark(f"{params}, {macs}")


def wide_of_heads(found: Difference, *, stacked: bool) -> float:
    """How far from middle to middle columns must be, so that these do not touch."""
    return sum(sums_of(side, stacked=stacked).width for side in (found.before, found.after)) / 2 + AIR


def above(said: Sequence[str], first: Cell, words: Sequence[Words], rects: Mapping[Cell, Rect]) -> Iterator[Words]:
    """The changes in words, from the left edge on."""
    low = max(one.rect.high for one in words) + AIR
    left, right = min(rect.left for rect in rects.values()), max(rect.right for rect in rects.values())
    whole = Text()
    for statement in said:
        whole += text(printable(statement), right - left)
    if whole.lines:
        yield Words(first, Rect(left, low, left + whole.width, low + whole.height), whole, "left")
