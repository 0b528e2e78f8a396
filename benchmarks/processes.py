"""Whole processes of the command line beside `python -c "import torch"`."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

from common import Row, Spent, alternate, environment, row

BOUND = 0.35
BOUNDS = {"diff efficientnet@b6 @b7": 0.5}  # two networks
PEER = ["-c", "import torch"]
COMMANDS = {
    "check peleenet": ["check", "peleenet"],
    "cost peleenet": ["cost", "peleenet"],
    "emit peleenet": ["emit", "peleenet"],
    "draw peleenet": ["draw", "peleenet"],
    "check efficientnet (all variants)": ["check", "efficientnet"],
    "cost efficientnet@b4": ["cost", "efficientnet", "--variant", "b4"],
    "emit efficientnet@b4": ["emit", "efficientnet", "--variant", "b4"],
    "draw efficientnet@b4": ["draw", "efficientnet", "--variant", "b4"],
    "diff efficientnet@b6 @b7": ["diff", "efficientnet@b6", "@b7"],
}


def measure(budget: float) -> list[Row]:
    """A row for each command."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:  # away from the checkout, so that nothing is found by chance
        for what, arguments in COMMANDS.items():
            ours = ["-m", "archdsl", *arguments]
            process(ours, folder)  # compiled to bytecode, in the page cache
            process(PEER, folder)
            pairs = alternate(
                lambda ours=ours: process(ours, folder), lambda: process(PEER, folder), budget=budget, most=15
            )
            rows.append(row("processes", what, pairs, BOUNDS.get(what, BOUND)))
    return rows


def process(arguments: list[str], folder: str) -> Spent:
    """A python process from its start to its end."""
    before, start = cpu(), time.perf_counter()
    command, around = [sys.executable, *arguments], environment(NO_COLOR="1")
    subprocess.run(command, cwd=folder, env=around, stdout=subprocess.DEVNULL, check=True, timeout=120)
    return Spent(time.perf_counter() - start, cpu() - before)


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
