"""Tracks: at which heights the lines between two rows of boxes go across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

NEAR = 4.0  # points; vertical lines that are less apart would look like one
MOST_ORDERS = 5  # so many lines are tried in every order
CONFLICT = 1000  # crossings; two lines upon each other are worse than any number of them


@dataclass(frozen=True)
class Bend:
    """A tensor that moves across between two rows: down at `top`, across, and down at each of `ends`."""

    top: float
    ends: tuple[float, ...]

    @property
    def span(self) -> tuple[float, float]:
        return min(self.top, *self.ends), max(self.top, *self.ends)

    def covers(self, x: float) -> bool:
        low, high = self.span
        return low - NEAR < x < high + NEAR


def tracks(bends: Sequence[Bend]) -> list[int]:
    """The track of each, counted from the top: so that lines cross as rarely as can be, and none lies upon another."""
    level = [0] * len(bends)
    order = ordered(bends)
    for place, n in enumerate(order):
        before = [level[other] + 1 for other in order[:place] if meet(bends[other], bends[n])]
        level[n] = max(before, default=0)
    return level


def clash(bends: Sequence[Bend]) -> tuple[int, float] | None:
    """One of the bends and its end that lies upon another in whatever order, if there is such."""
    order = ordered(bends)
    for place, one in enumerate(order):
        for other in order[place + 1 :]:
            for end in bends[one].ends:
                if abs(end - bends[other].top) < NEAR:
                    return one, end
    return None


def ordered(bends: Sequence[Bend]) -> list[int]:
    """From the top down; of many lines an order in which none gains by giving way to its neighbour."""
    prices = [[price(upper, lower) for lower in bends] for upper in bends]
    if len(bends) <= MOST_ORDERS:
        return list(min((cost(prices, order), order) for order in permutations(range(len(bends))))[1])
    found = list(range(len(bends)))
    for _ in bends:
        for n in range(len(found) - 1):
            one, other = found[n], found[n + 1]
            if prices[other][one] < prices[one][other]:
                found[n], found[n + 1] = other, one
    return found


def cost(prices: Sequence[Sequence[int]], order: tuple[int, ...]) -> int:
    return sum(prices[one][other] for n, one in enumerate(order) for other in order[n + 1 :])


def price(upper: Bend, lower: Bend) -> int:
    """The crossings of two lines if one is above the other: of its ends with that, and of the other's top with it."""
    crossings = sum(lower.covers(end) for end in upper.ends) + upper.covers(lower.top)
    upon = any(abs(end - lower.top) < NEAR for end in upper.ends)
    return crossings + CONFLICT * upon


def meet(one: Bend, other: Bend) -> bool:
    """Whether they need tracks of their own."""
    (a, b), (c, d) = one.span, other.span
    return a < d + 2 * NEAR and c < b + 2 * NEAR
