"""The words of boxes that differ in one number: `3×3 Conv`, `3×3 Conv, d2`, … as `3×3 Conv, d = 1, 2, 4`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from archdsl.backends.figures.picture import Box

NUMBER = re.compile(r"\d+")
LETTERED = re.compile(r"([A-Za-z]+)( ?)(\d+)")  # `d2`, `factor 2`
APART = ", "  # between the parts of a line
MOST_LISTED = 6  # numbers; more that follow one another are a range


def lines_of_all(chains: Sequence[Sequence[Box]]) -> list[list[str]] | None:
    """The lines of one branch that stands for all: equal but for one of them, which differs in a number; else None."""
    found: list[list[str]] = []
    different = 0
    for copies in zip(*chains, strict=True):
        lines: list[str] = []
        for texts in zip(*(box.lines for box in copies), strict=True):
            if len(set(texts)) == 1:
                lines.append(texts[0])
                continue
            different += 1
            said = one_line(texts, copies)
            if said is None or different > 1:
                return None
            lines.append(said)
        found.append(lines)
    return found


def one_line(texts: Sequence[str], boxes: Sequence[Box]) -> str | None:
    """One line for several."""
    parts = [text.split(APART) for text in texts]
    longest = max(parts, key=len)
    for place, part in enumerate(longest):
        rest = [*longest[:place], *longest[place + 1 :]]
        own = [one[place] if len(one) == len(longest) else None for one in parts]
        others = [[*one[:place], *one[place + 1 :]] if len(one) == len(longest) else one for one in parts]
        if any(other != rest for other in others):
            continue
        said = of_all(part, own, boxes)
        if said is not None:
            return APART.join([*longest[:place], *said[:1], *longest[place + 1 :], *said[1:]])
    return None


def of_all(part: str, own: Sequence[str | None], boxes: Sequence[Box]) -> list[str] | None:
    """One part of a line for those of all boxes, and what more is said at the end of the line; some may lack it."""
    lettered = LETTERED.fullmatch(part)
    if lettered:
        name, space, _ = lettered.groups()
        values = [given(name, space, one, box) for one, box in zip(own, boxes, strict=True)]
        known = [value for value in values if value is not None]
        return [f"{name}{space or ' = '}{listed(known)}"] if len(known) == len(values) else None
    if None in own or len({NUMBER.sub("#", one) for one in own if one is not None}) > 1:
        return None
    return with_letter(part, [[*map(int, NUMBER.findall(one or ""))] for one in own], boxes[0])


def given(name: str, space: str, part: str | None, box: Box) -> int | None:
    """The number in a part as `d2`; where a box does not say it, that of its op's field."""
    if part is not None:
        found = LETTERED.fullmatch(part)
        return int(found[3]) if found and found.groups()[:2] == (name, space) else None
    fields = box.first_copy[0].fields if box.first_copy and not box.calls else {}
    values = [value for field, value in fields.items() if field.startswith(name) and type(value) is int]
    return values[0] if len(values) == 1 else None


def with_letter(part: str, numbers: Sequence[Sequence[int]], box: Box) -> list[str] | None:
    """`k×k Conv` and `k = 1, 3, 5`, where all numbers that differ are one."""
    differing = [place for place, column in enumerate(zip(*numbers, strict=True)) if len(set(column)) > 1]
    values = [{row[place] for place in differing} for row in numbers]
    if any(len(each) > 1 for each in values):
        return None
    fields = box.first_copy[0].fields if box.first_copy else {}
    letter = "k" if fields.get("kernel") == numbers[0][differing[0]] else "n"
    places = iter(range(len(numbers[0])))
    template = NUMBER.sub(lambda found: letter if next(places) in differing else found[0], part)
    return [template, f"{letter} = {listed([each.pop() for each in values])}"]


def listed(values: Sequence[int]) -> str:
    if len(values) > MOST_LISTED and all(other - one == 1 for one, other in pairwise(values)):
        return f"{values[0]} to {values[-1]}"
    return APART.join(map(str, values))
