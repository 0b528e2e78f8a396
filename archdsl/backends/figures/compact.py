"""A block figure for a narrow page: little room around words, which stand over more lines, shapes inside the boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf

from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture

CASE = 72.0  # points, at least, for the words below a case


def rebuilt(
    picture: Picture,
    box: Callable[[Box], Box],
    *,
    arrow: Callable[[Arrow], Arrow] = lambda one: one,
    group: Callable[[Group], Group] = lambda one: one,
) -> Picture:
    """A picture with others in the places of its boxes, arrows and frames, which it leaves alone."""
    made = {one: box(one) for one in picture.boxes()}

    def items(old: Sequence[Item]) -> list[Item]:
        return [made[one] if isinstance(one, Box) else replace(group(one), items=items(one.items)) for one in old]

    arrows = [replace(arrow(one), source=made[one.source], target=made[one.target]) for one in picture.arrows]
    return Picture(picture.title, items(picture.items), arrows)


def compact(picture: Picture, space: float) -> Picture:
    """Little room around the words of boxes, which are broken to so many points where words allow it.

    So are the words beside frames; those of joins, which have a row for themselves, are not, and below cases is more
    room.
    """
    spaces = {"repeat": space, "case": max(space, CASE)}
    return rebuilt(
        picture,
        lambda box: replace(box, space=inf if box.role == "join" else space),
        group=lambda one: replace(one, space=spaces.get(one.kind)),
    )


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

    return rebuilt(picture, saying, arrow=lambda one: replace(one, label="") if one.source in inside else one)
