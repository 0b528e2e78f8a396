"""Time and memory per node, from 100 to 20,000 nodes. For one family: `growth.py FAMILY BUDGET`.

The peer is the same family at 100 nodes, run in turn with it. Fixed costs (reading, checking the schema, the text
around the network) weigh on those 100, so 20,000 are compared with 1,000 as well.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any, TypeAlias

from common import Pair, Row, Spent, alternate, child, deliver, row, timed

BOUND = 1.5
SIZES = (5_000, 20_000)
SMALL, MIDDLE = 100, 1_000
PHASES = ("graph", "nx", "emit", "cost")
STEP = {"conv": {"out": 16, "kernel": 3, "bias": False}}


def residual(turns: int) -> dict[str, Any]:
    """Six ops in a block, repeated: the text does not grow."""
    return network([{"repeat": turns, "body": ["Unit"]}])


def written(turns: int) -> dict[str, Any]:
    """The same, each call written out: the text grows with the network."""
    return network(["Unit"] * turns)


def network(stage: list[Any]) -> dict[str, Any]:
    unit = [{"residual": [STEP, "bn", "relu", STEP, "bn"]}]
    stages = {"stem": [STEP], "body": stage, "head": ["global_avg_pool", "flatten", {"linear": 10}]}
    return {"archdsl": 1, "name": "Chain", "input": [3, 32, 32], "blocks": {"Unit": unit}, "stages": stages}


def dense(turns: int) -> dict[str, Any]:
    """Channels grow by 4 in each turn, as in DenseNet."""
    thin = {"conv": {"out": 4, "kernel": 3, "bias": False}}
    layer = [{"concat": ["identity", ["bn", "relu", STEP, "bn", "relu", thin]]}]
    body = [{"repeat": turns, "body": ["Layer"]}]
    stages = {"stem": [STEP], "body": body, "head": ["global_avg_pool", "flatten", {"linear": 10}]}
    return {"archdsl": 1, "name": "Dense", "input": [3, 32, 32], "blocks": {"Layer": layer}, "stages": stages}


FAMILIES = {  # the ops of a turn
    "residual": (residual, 6),
    "dense": (dense, 7),
    "written": (written, 6),
}


def measure(budget: float) -> list[Row]:
    """Rows for each family, each in a process of its own."""
    return [item for name in FAMILIES for item in child("growth.py", name, str(budget))]


Inside: TypeAlias = "Callable[[Callable[[], Any]], tuple[Any, Spent]]"


def phases(spec: dict[str, Any], inside: Inside) -> tuple[int, list[Spent]]:
    """How many nodes there are, and what `inside` says of each phase."""
    import archdsl

    graph, first = inside(lambda: archdsl.graph(spec))
    runs = (lambda: graph.nx, lambda: archdsl.emit(graph), lambda: archdsl.cost(graph))
    return len(graph.nodes), [first, *(inside(run)[1] for run in runs)]


def clock(run: Callable[[], Any]) -> tuple[Any, Spent]:
    kept: list[Any] = []
    spent = timed(lambda: kept.append(run()))
    return kept[0], spent


def peak(run: Callable[[], Any]) -> tuple[Any, Spent]:
    """The most memory that was held at once beyond what was held before."""
    gc.collect()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    result = run()
    return result, Spent(tracemalloc.get_traced_memory()[1] - before)


def main(family: str, budget: float) -> None:
    make, ops = FAMILIES[family]
    specs = {size: make(round(size / ops)) for size in (SMALL, MIDDLE, *SIZES)}
    phases(make(2), clock)
    parts: dict[int, list[list[float]]] = {}

    def per_node(size: int, inside: Inside) -> Spent:
        nodes, found = phases(specs[size], inside)
        parts.setdefault(size, []).append([spent.wall / nodes for spent in found])
        return Spent(*(sum(column) / nodes for column in zip(*found, strict=True)))

    def compare(size: int, peer: int, inside: Inside, budget: float, least: int) -> list[Pair]:
        parts.clear()
        return alternate(lambda: per_node(size, inside), lambda: per_node(peer, inside), budget=budget, least=least)

    rows = []
    for size, peer in [*((size, SMALL) for size in SIZES), (SIZES[-1], MIDDLE)]:
        pairs = compare(size, peer, clock, budget, 3)
        note = f"{size:,}: {split(parts[size], 1e6)}; {peer:,}: {split(parts[peer], 1e6)}"
        rows.append(line(f"{family}, {size:,} by {peer:,} nodes: time", pairs, "µs/node", 1e6, note))
    tracemalloc.start()
    for size, peer in [*((size, SMALL) for size in SIZES), (SIZES[-1], MIDDLE)]:
        pairs = compare(size, peer, peak, 0, 1)
        note = f"{size:,}: {split(parts[size], 1e-3)}; {peer:,}: {split(parts[peer], 1e-3)}"
        rows.append(line(f"{family}, {size:,} by {peer:,} nodes: peak", pairs, "kB/node", 1e-3, note))
    deliver([vars(item) for item in rows])


def line(what: str, pairs: list[Pair], unit: str, scale: float, note: str) -> Row:
    return row("growth", what, pairs, BOUND, scale=scale, unit=unit, note=note)


def split(parts: list[list[float]], scale: float) -> str:
    """The phases of a total, by their medians."""
    middle = [median(column) * scale for column in zip(*parts, strict=True)]
    return ", ".join(f"{name} {value:.3g}" for name, value in zip(PHASES, middle, strict=True))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
