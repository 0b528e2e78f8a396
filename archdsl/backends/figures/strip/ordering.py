"""Another order of execution, in which fewer lines beside the strip cross.

Stages that do not depend on each other may stand in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.backends.figures.arrows import Wire
from archdsl.backends.figures.picture import Box, Item
from archdsl.backends.figures.strip.sides import Places, crossing_pairs, parted

MOST = 40  # items; of more, so many orders would be tried that a figure takes long
Cost = tuple[int, ...]


def reordered(items: Sequence[Item], wires: Sequence[Wire]) -> list[Item]:
    """Items in an order in which fewer lines cross at two sides of a row: one at a time moves while that helps.

    What reads something stays behind it, groups stay whole, inputs come first and outputs last.
    """
    found, lines = list(items), joined(wires)
    needs = dependencies(items, wires)
    least = cost(found, lines)
    while least[0] and len(items) <= MOST:
        better = ((cost(tried, lines), tried) for tried in moved(found, needs))
        change = next((one for one in better if one[0] < least), None)
        if change is None:
            break
        least, found = change
    return found


def joined(wires: Iterable[Wire]) -> list[set[Box]]:
    """The boxes of each line: tensors that the same boxes read share one."""
    readers: dict[object, tuple[Box, set[Box]]] = {}
    for wire in wires:
        readers.setdefault(wire.tensor, (wire.source, set()))[1].add(wire.target)
    lines: dict[frozenset[Box], set[Box]] = {}
    for source, targets in readers.values():
        lines.setdefault(frozenset(targets), set(targets)).add(source)
    return list(lines.values())


def cost(items: Sequence[Item], lines: Sequence[set[Box]]) -> Cost:
    """How many lines cross at two sides, how many pass a box, how many would cross at one side, how long they are."""
    at = {box: place for place, box in enumerate(box for item in items for box in item.boxes())}
    places: list[Places] = [tuple(sorted(at[box] for box in line)) for line in lines]
    beside = [line for line in places if line[-1] - line[0] > 1]
    pairs = crossing_pairs(beside)
    side = parted(len(beside), pairs)
    crossed = sum(side[a] == side[b] for a, b in pairs)
    return crossed, len(beside), len(pairs), sum(line[-1] - line[0] for line in places)


def dependencies(items: Sequence[Item], wires: Iterable[Wire]) -> dict[Item, set[Item]]:
    """What each item has to stand behind."""
    owner = {box: item for item in items for box in item.boxes()}
    needs: dict[Item, set[Item]] = {item: set() for item in items}
    for wire in wires:
        if owner[wire.source] is not owner[wire.target]:
            needs[owner[wire.target]].add(owner[wire.source])
    inputs = {item for item in items if role(item) == "input"}
    inner = {item for item in items if role(item) not in ("input", "output")}
    for item in items:
        needs[item] |= inputs if item in inner else inner | inputs if role(item) == "output" else set()
    return needs


def role(item: Item) -> str:
    return item.role if isinstance(item, Box) else ""


def moved(items: Sequence[Item], needs: Mapping[Item, set[Item]]) -> Iterator[list[Item]]:
    """The orders in which one item stands elsewhere, as far from its place as what it needs and what needs it allow."""
    for place, item in enumerate(items):
        others = [*items[:place], *items[place + 1 :]]
        low = max((n + 1 for n, other in enumerate(others) if other in needs[item]), default=0)
        high = min((n for n, other in enumerate(others) if item in needs[other]), default=len(others))
        yield from ([*others[:n], item, *others[n:]] for n in range(low, high + 1) if n != place)
