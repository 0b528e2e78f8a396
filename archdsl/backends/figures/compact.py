"""A block figure for a narrow page: little room around words, which stand over more lines, shapes inside the boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture


def rebuilt(picture: Picture, box: Callable[[Box], Box], arrow: Callable[[Arrow], Arrow] = lambda one: one) -> Picture:
    """A picture with other boxes and arrows in the places of its own, which it leaves alone."""
    made = {one: box(one) for one in picture.boxes()}

    def items(old: Sequence[Item]) -> list[Item]:
        return [made[one] if isinstance(one, Box) else Group(one.kind, one.label, items(one.items)) for one in old]

    arrows = [replace(arrow(one), source=made[one.source], target=made[one.target]) for one in picture.arrows]
    return Picture(picture.title, items(picture.items), arrows)


def compact(picture: Picture, space: float) -> Picture:
    """Little room around the words of boxes, which are broken to so many points where words allow it."""
    return rebuilt(picture, lambda box: replace(box, space=space))


def shapes_inside(picture: Picture) -> Picture:
    """What is said beside arrows is said in the boxes that they leave, where it is the same of all; not in joins."""
    said: dict[Box, list[str]] = {}
    for arrow in picture.arrows:
        if arrow.label:
            said.setdefault(arrow.source, []).append(arrow.label)
    inside = {box for box, labels in said.items() if box.role != "join" and not box.shape and len(set(labels)) == 1}

    def saying(box: Box) -> Box:
        if box not in inside:
            return replace(box)
        labels = said[box]
        return replace(box, shape=labels[0] if len(labels) == 1 else f"each {labels[0]}")

    return rebuilt(picture, saying, lambda arrow: replace(arrow, label="") if arrow.source in inside else arrow)
