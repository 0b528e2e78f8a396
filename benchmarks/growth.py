"""Time and memory per node, from 100 to 20,000 nodes. For one family: `growth.py FAMILY BUDGET`.

The peer of each size is the same family at 100 nodes, run in turn with it.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from common import Row, alternate, child, deliver, row

BOUND = 1.5
SIZES = (1_000, 5_000, 20_000)
SMALL = 100
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


def phases(spec: dict[str, Any], inside: Callable[[Callable[[], Any]], tuple[Any, float]]) -> tuple[int, list[float]]:
    """How many nodes there are, and what `inside` says of each phase."""
    import archdsl

    graph, *found = inside(lambda: archdsl.graph(spec))
    found += [inside(run)[1] for run in (lambda: graph.nx, lambda: archdsl.emit(graph), lambda: archdsl.cost(graph))]
    return len(graph.nodes), found


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start


def peak(run: Callable[[], Any]) -> tuple[Any, float]:
    """The most memory that was held at once beyond what was held before."""
    gc.collect()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    result = run()
    return result, tracemalloc.get_traced_memory()[1] - before


def main(family: str, budget: float) -> None:
    make, ops = FAMILIES[family]
    specs = {size: make(round(size / ops)) for size in (SMALL, *SIZES)}
    phases(make(2), timed)

    def per_node(size: int, inside: Any, parts: list[list[float]]) -> float:
        nodes, found = phases(specs[size], inside)
        parts.append([value / nodes for value in found])
        return sum(found) / nodes

    rows = []
    for size in SIZES:
        large: list[list[float]] = []
        small: list[list[float]] = []
        pairs = alternate(
            lambda size=size, large=large: per_node(size, timed, large),
            lambda small=small: per_node(SMALL, timed, small),
            budget=budget,
            least=5,
        )
        rows.append(
            row(
                "growth",
                f"{family}, {size:,} nodes: time",
                pairs,
                BOUND,
                scale=1e6,
                unit="µs/node",
                note=split(large, 1e6),
            )
        )
    tracemalloc.start()
    for size in SIZES:
        large, small = [], []
        pairs = [(per_node(size, peak, large), per_node(SMALL, peak, small)) for _ in range(2)]
        rows.append(
            row(
                "growth",
                f"{family}, {size:,} nodes: peak",
                pairs,
                BOUND,
                scale=1e-3,
                unit="kB/node",
                note=split(large, 1e-3),
            )
        )
    deliver(rows)


def split(parts: list[list[float]], scale: float) -> str:
    """The phases of a total, by their medians."""
    middle = [sorted(column)[len(column) // 2] * scale for column in zip(*parts, strict=True)]
    return ", ".join(f"{name} {value:.3g}" for name, value in zip(PHASES, middle, strict=True))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
