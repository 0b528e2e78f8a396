"""`archdsl.cost` and `archdsl.sweep` in a warm process, over random params; the peer is the time that the bound leaves.

For one network: `counting.py NAME BUDGET`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

from common import Row, Spent, alternate, child, deliver, row, timed

BOUND = 1.0
DRAWS = 20  # in one measurement: the draws differ in what they repeat of earlier ones
NETWORKS: dict[str, tuple[int, Callable[[Random], dict[str, Any]]]] = {  # at least so many a second; their params
    "mobilenet_v2": (300, lambda random: {"width": random.uniform(0.3, 3)}),
    "peleenet": (150, lambda random: {"growth": 2 * random.randrange(4, 400)}),
}


SWEPT = 10_000  # settings of a network that are counted in a second, at least
SWEEPS: dict[str, tuple[str, list[Any]]] = {  # a param and its values in one measurement
    "mobilenet_v2": ("width", [0.3 + n / 3000 for n in range(8192)]),
    "peleenet": ("growth", list(range(8, 8 + 2 * 8192, 2))),
}


def measure(budget: float) -> list[Row]:
    """Rows for each network, each in a process of its own."""
    return [item for name in NETWORKS for item in child("counting.py", name, str(budget))]


def on_core(spent: Spent, times: int) -> Spent:
    """The time of a core for each: what is bounded is how many a core does in a second."""
    return Spent(spent.cpu / times, spent.cpu / times)


def main(name: str, budget: float) -> None:
    import archdsl

    least, draw = NETWORKS[name]
    random = Random(0)

    def count() -> Spent:
        drawn = [draw(random) for _ in range(DRAWS)]
        return on_core(timed(lambda: [archdsl.cost(name, **params) for params in drawn]), DRAWS)

    def count_graphs() -> Spent:
        drawn = [draw(random) for _ in range(3)]
        return on_core(timed(lambda: [archdsl.cost(archdsl.graph(name, **params)) for params in drawn]), 3)

    count()
    allowed = Spent(1 / least, 1 / least)
    pairs = alternate(count, lambda: allowed, budget=budget)
    by_graph = alternate(count, count_graphs, budget=budget)
    rate = 1 / median(ours.cpu for ours, _ in pairs)
    note = f"{rate:.0f} a second and core"
    param, values = SWEEPS[name]
    archdsl.sweep(name, **{param: values})

    def sweep() -> Spent:
        return on_core(timed(lambda: archdsl.sweep(name, **{param: values})), len(values))

    by_sweep = alternate(sweep, lambda: Spent(1 / SWEPT, 1 / SWEPT), budget=budget)
    of_sweep = f"{1 / median(ours.cpu for ours, _ in by_sweep):.0f} a second and core"
    rows = [
        row("counting", f"{name}, {least} a second", pairs, BOUND, note=note),
        row("counting", f"{name}, by way of its graph", by_graph),
        row("counting", f"{name}, a sweep, {SWEPT} a second", by_sweep, BOUND, note=of_sweep),
    ]
    deliver([vars(item) for item in rows])


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
