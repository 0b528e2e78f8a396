"""What the benchmarks share: pairs of runs, rows, the table."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parent.parent


@dataclass
class Row:
    """One measurement beside its peer."""

    group: str
    what: str
    ours: float  # in the unit given
    peer: float
    ratio: float  # the median over pairs, not that of the medians
    low: float  # quartiles of the ratios
    high: float
    pairs: int
    unit: str = "ms"
    bound: float | None = None  # on the ratio; None: for information
    note: str = ""

    @property
    def within(self) -> bool:
        return self.bound is None or self.ratio <= self.bound


def row(
    group: str,
    what: str,
    pairs: Sequence[tuple[float, float]],
    bound: float | None = None,
    *,
    scale: float = 1e3,
    unit: str = "ms",
    note: str = "",
) -> Row:
    """Pairs of (ours, peer) as one row."""
    ratios = [ours / peer for ours, peer in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    ours, peer = (median(column) * scale for column in zip(*pairs, strict=True))
    return Row(group, what, ours, peer, median(ratios), low, high, len(ratios), unit, bound, note)


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call; what it returns is freed after the clock has stopped."""
    start = time.perf_counter()
    kept = run()
    spent = time.perf_counter() - start
    del kept
    return spent


def alternate(
    ours: Callable[[], float], peer: Callable[[], float], *, budget: float, least: int = 7, most: int = 41
) -> list[tuple[float, float]]:
    """Pairs of two measurements, the one that goes first changing, until the budget of seconds is spent."""
    pairs: list[tuple[float, float]] = []
    start = time.perf_counter()
    while len(pairs) < least or (len(pairs) < most and time.perf_counter() - start < budget):
        gc.collect()
        if len(pairs) % 2:
            second, first = peer(), ours()
        else:
            first, second = ours(), peer()
        pairs.append((first, second))
    return pairs


def child(script: str, *arguments: str, timeout: float = 900) -> list[Row]:
    """The rows that a script prints as JSON when run in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).parent / script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{script} {' '.join(arguments)} failed")
    return [Row(**fields) for fields in json.loads(done.stdout.splitlines()[-1])]


def deliver(rows: Sequence[Row]) -> None:
    """Rows for `child`."""
    print(json.dumps([vars(item) for item in rows]))


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    head = ["", "ours", "peer", "", "ratio", "quartiles", "bound", "pairs", ""]
    lines = [head, *map(cells, rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    left = (0, 3, 8)
    texts = [
        "| " + " | ".join(c.ljust(w) if n in left else c.rjust(w) for n, (c, w) in enumerate(zip(line, widths))) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (w + 2) if n in left else "-" * (w + 1) + ":" for n, w in enumerate(widths)) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])


def cells(item: Row) -> list[str]:
    bound = "" if item.bound is None else f"{item.bound:g}" + ("" if item.within else " !")
    spread = f"{item.low:.2f}–{item.high:.2f}"
    numbers = [number(item.ours), number(item.peer), item.unit, f"{item.ratio:.2f}", spread, bound, str(item.pairs)]
    return [item.what, *numbers, item.note]


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
