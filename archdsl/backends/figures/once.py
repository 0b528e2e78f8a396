"""A picture with one branch for several that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from archdsl.backends.figures.alike import Branches, alike
from archdsl.backends.figures.picture import Arrow, Box, Group, Item, Picture
from archdsl.backends.figures.sheet import parts


@dataclass
class Merged:
    """What stands for the boxes of branches, and the arrows of the one that is drawn."""

    instead: dict[Box, Box] = field(default_factory=dict)  # the box that a box is part of now
    items: dict[Box, Item | None] = field(default_factory=dict)  # what stands in its place
    arrows: dict[Arrow, Arrow | None] = field(default_factory=dict)


def drawn_once(picture: Picture) -> Picture | None:
    """The picture with each such branch in a frame with their number; None where there are none."""
    around = dict(holders(picture.items))
    made = Merged()
    for branches in (found for part in parts(picture) for found in alike(part.flow)):
        if len({around[box] for box in branches.boxes}) == 1:
            merge(branches, picture.arrows, made)
    return redrawn(picture, made) if made.items else None


def holders(items: Sequence[Item], frame: Group | None = None) -> Iterator[tuple[Box, Group | None]]:
    """Each box with the frame that it stands in."""
    for item in items:
        if isinstance(item, Box):
            yield item, frame
        else:
            yield from holders(item.items, item)


def merge(branches: Branches, arrows: Sequence[Arrow], made: Merged) -> None:
    """One branch in a frame, and one box for the sums."""
    columns = list(zip(*branches.chains, strict=True))
    boxes = [of_all(copies, lines) for copies, lines in zip(columns, branches.lines, strict=True)]
    for copies, box in zip(columns, boxes, strict=True):
        made.instead.update(dict.fromkeys(copies, box))
    made.items.update(dict.fromkeys(branches.boxes))
    made.items[branches.chains[0][0]] = Group("repeat", f"×{len(branches.chains)} in parallel", [*boxes])
    if branches.sums:
        total = sums(branches)
        made.instead.update(dict.fromkeys(branches.sums, total))
        made.items[branches.sums[0]] = total
    for (source, target), same in ways(arrows, branches, made.instead).items():
        made.arrows.update(dict.fromkeys(same))
        if source is not target:
            apart = source is boxes[-1] or (target is boxes[0] and len({arrow.tensor for arrow in same}) > 1)
            said = label(same, apart=apart)
            made.arrows[same[0]] = replace(same[0], source=source, target=target, kind="flow", label=said)


def of_all(copies: Sequence[Box], lines: Sequence[str]) -> Box:
    first = copies[0]
    nodes = tuple(node for box in copies for node in box.nodes)
    calls = tuple(call for box in copies for call in box.calls)
    return replace(first, lines=tuple(lines), nodes=nodes, copy=first.copy, calls=calls)


def sums(branches: Branches) -> Box:
    """The box for all sums: `Running sums of branches 2 to 5`."""
    number, summed = len(branches.chains), len(branches.sums) + 1
    which = f"of branches {number - summed + 1} to {number}"
    nodes = tuple(node for box in branches.sums for node in box.nodes)
    return replace(branches.sums[0], lines=("Running sums", which), nodes=nodes, copy=0, keys=frozenset())


def ways(arrows: Sequence[Arrow], branches: Branches, instead: Mapping[Box, Box]) -> dict[tuple[Box, Box], list[Arrow]]:
    """The arrows of the branches by the boxes that they lie between now; all branches enter the sums, if there are."""
    among, ends = set(branches.boxes), {chain[-1] for chain in branches.chains}
    found: dict[tuple[Box, Box], list[Arrow]] = {}
    for arrow in arrows:
        if arrow.source in among or arrow.target in among:
            target = branches.sums[0] if branches.sums and arrow.source in ends else arrow.target
            way = instead.get(arrow.source, arrow.source), instead.get(target, target)
            found.setdefault(way, []).append(arrow)
    return found


def label(same: Sequence[Arrow], *, apart: bool) -> str:
    """The shape of what goes along arrows that are one now; of different ones each, with its number."""
    if not any(arrow.label for arrow in same):
        return ""
    shapes = list({(arrow.source, arrow.tensor): arrow.shape for arrow in same}.values())
    if len(set(shapes)) == 1:
        return f"each {shapes[0]}" if apart else shapes[0]
    runs = [(shape, sum(1 for _ in run)) for shape, run in groupby(shapes)]
    return ", ".join(f"{number}×({shape})" if number > 1 else shape for shape, number in runs)


def redrawn(picture: Picture, made: Merged) -> Picture:
    def items(old: Sequence[Item]) -> list[Item]:
        new = [made.items[one] if one in made.items else again(one) for one in old]
        return [one for one in new if one is not None]

    def again(one: Item) -> Item:
        return one if isinstance(one, Box) else replace(one, items=items(one.items))

    arrows = [made.arrows.get(arrow, arrow) for arrow in picture.arrows]
    return Picture(picture.title, items(picture.items), [arrow for arrow in arrows if arrow is not None])
