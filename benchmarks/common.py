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
from typing import Any, NamedTuple, TypeAlias

ROOT = Path(__file__).parent.parent


class Spent(NamedTuple):
    """What a run took: wall time in seconds (or another amount, such as bytes), and CPU time where it is known."""

    wall: float
    cpu: float = 0.0


Pair: TypeAlias = "tuple[Spent, Spent]"  # ours, the peer's


@dataclass
class Row:
    """One measurement beside its peer."""

    group: str
    what: str
    ours: float  # in the unit given
    peer: float
    ratio: float  # the median over pairs, not the ratio of the medians
    low: float  # quartiles of the ratios
    high: float
    cpu: float | None  # the same ratio of CPU times: what others do on the machine matters less to it
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
    pairs: Sequence[Pair],
    bound: float | None = None,
    *,
    scale: float = 1e3,
    unit: str = "ms",
    note: str = "",
) -> Row:
    """Pairs as one row."""
    ratios = [ours.wall / peer.wall for ours, peer in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    cpu = median(ours.cpu / peer.cpu for ours, peer in pairs) if all(peer.cpu for _, peer in pairs) else None
    ours, peer = (median(spent.wall for spent in column) * scale for column in zip(*pairs, strict=True))
    return Row(group, what, ours, peer, median(ratios), low, high, cpu, len(pairs), unit, bound, note)


def timed(run: Callable[[], object]) -> Spent:
    """One call; what it returns is freed after the clock has stopped."""
    start, used = time.perf_counter(), time.process_time()
    kept = run()
    spent = Spent(time.perf_counter() - start, time.process_time() - used)
    del kept
    return spent


def alternate(
    ours: Callable[[], Spent], peer: Callable[[], Spent], *, budget: float, least: int = 5, most: int = 41
) -> list[Pair]:
    """Pairs until the budget of seconds is spent, each of them A B and B A.

    Who runs second finds memory that the other has freed: in runs of A B alone that is up to 15 % of a build.
    """
    pairs: list[Pair] = []
    start = time.perf_counter()
    while len(pairs) < least or (len(pairs) < most and time.perf_counter() - start < budget):
        gc.collect()
        first = ours(), peer()
        gc.collect()
        second = peer(), ours()
        pairs.append((middle(first[0], second[1]), middle(first[1], second[0])))
    return pairs


def middle(a: Spent, b: Spent) -> Spent:
    return Spent((a.wall + b.wall) / 2, (a.cpu + b.cpu) / 2)


def environment(**more: str) -> dict[str, str]:
    """Of a process that imports this checkout as it would an installed package: with its bytecode written and read."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def child(script: str, *arguments: str) -> list[Row]:
    """The rows that a script delivers when run in a process of its own."""
    return [Row(**fields) for fields in data(script, *arguments)]


def data(script: str, *arguments: str, timeout: float = 900) -> Any:
    """What a script delivers when run in a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / script), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{script} {' '.join(arguments)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def deliver(found: object) -> None:
    """Prints what `data` reads."""
    print(json.dumps(found))


HEAD = ("", "ours", "peer", "", "ratio", "quartiles", "of CPU", "bound", "pairs", "")
LEFT = (0, 3, 9)


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [HEAD, *map(cells, rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width if n in LEFT else "-" * (width - 1) + ":" for n, width in enumerate(widths)]
    aligned = [
        [
            cell.ljust(width) if n in LEFT else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [aligned[0], rule, *aligned[1:]])


def cells(item: Row) -> tuple[str, ...]:
    bound = "" if item.bound is None else f"{item.bound:g}" + ("" if item.within else " !")
    spread = f"{item.low:.2f}–{item.high:.2f}" if item.pairs > 1 else ""
    cpu = "" if item.cpu is None else f"{item.cpu:.2f}"
    amounts = (number(item.ours), number(item.peer), item.unit, f"{item.ratio:.2f}")
    return (item.what, *amounts, spread, cpu, bound, str(item.pairs), item.note)


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
