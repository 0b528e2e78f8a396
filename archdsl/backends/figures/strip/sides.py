"""At which side of a strip of one row each line runs, so that few cross."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise

Places = tuple[int, ...]  # of the cells that a line joins, in order


def sides(lines: Sequence[Places]) -> list[int]:
    """1 or -1 for each: no two that would cross share a side where that can be, else as few as changing one helps."""
    return parted(len(lines), crossing_pairs(lines))


def crossing_pairs(lines: Sequence[Places]) -> list[tuple[int, int]]:
    """The numbers of the lines that would cross at one side, each pair once."""
    return [(a, b) for a, b in combinations(range(len(lines)), 2) if would_cross(lines[a], lines[b])]


def parted(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """The sides of so many lines of which these pairs would cross."""
    crossed: list[list[int]] = [[] for _ in range(count)]
    for one, other in pairs:
        crossed[one].append(other)
        crossed[other].append(one)
    found: dict[int, int] = {}
    for first in range(count):
        waiting = [] if first in found else [first]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = freer(one, crossed, found)
                waiting += crossed[one]
    while any(change(one, crossed, found) for one in range(count)):
        pass
    return [found[n] for n in range(count)]


def freer(one: int, crossed: Sequence[Sequence[int]], found: dict[int, int]) -> int:
    """The side at which a line crosses fewer of those that have one."""
    return 1 if sum(found.get(other, 0) for other in crossed[one]) <= 0 else -1


def change(one: int, crossed: Sequence[Sequence[int]], found: dict[int, int]) -> bool:
    """Changes the side of a line if it crosses fewer others then; whether it does."""
    if found[one] * sum(found[other] for other in crossed[one]) <= 0:
        return False
    found[one] = -found[one]
    return True


@lru_cache(maxsize=1 << 16)  # orders of stages that are tried have most lines in common
def would_cross(one: Places, other: Places) -> bool:
    """Whether two lines at one side cross: neither lies between two neighbours of the other, or around it."""
    inside = any(all(low <= place <= high for place in other) for low, high in pairwise(one))
    around = all(place <= one[0] or place >= one[-1] for place in other)
    return not (inside or around)
