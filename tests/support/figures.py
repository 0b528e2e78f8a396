"""What is drawn in the tests of figures: shipped networks, small ones, words as bad as can be."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import archdsl
from support.places import GOLDEN as GOLDENS
from support.places import ROOT

GOLDEN = GOLDENS / "figures"
HOSTILE = [
    '"] evil [label="',
    "<b>bold</b> & &amp; &#65; <!-- x -->",
    "\\N \\G \\l \\n back\\",
    "</FONT>>]; n0 -> n1 [label=<",
    "]]> <script>alert(1)</script>",
    "x" * 4000,
    "-->",
    "∀ 漢字 é",
    "<>",
    "\u202eright to left\u200b and \x07bell",
]

KINDS = {  # of figures, of `toy`
    "block": {"block": "Unit", "expand": ["Pair"]},
    "strip": {},
    "portrait": {"style": "blocks", "orient": "portrait"},
    "op": {"level": "op"},
}


def graph_of(name: str) -> archdsl.Graph:
    return archdsl.graph(ROOT / "specs" / f"{name}.yaml", variant=variant_of(ROOT / "specs" / f"{name}.yaml"))


def blocks_of(graph: archdsl.Graph) -> list[str]:
    """The names of the blocks in use."""
    return list(dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.is_block))


def variant_of(path: Path) -> str | None:
    """A network whose params have no defaults is drawn in its first variant."""
    try:
        archdsl.graph(path)
    except archdsl.SpecError:
        from archdsl.workspace.library import read

        return next(iter(read(path).variants))
    return None


def small(*steps, **blocks) -> archdsl.Graph:
    spec = {"archdsl": 1, "name": "Small", "input": [8, 16, 16], "stages": {"body": list(steps)}}
    if blocks:
        spec["blocks"] = blocks
    return archdsl.graph(spec)


def run(code: str, **environment: str) -> bytes:
    """The output of Python code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return done.stdout


@cache
def toy() -> archdsl.Graph:
    """A block with a block inside, and a line past a stage."""
    branches = [[{"conv": 4}], [{"conv": {"out": 4, "kernel": 3}}, "relu"], [{"conv": 2}]]
    return archdsl.graph(
        {
            "archdsl": 1,
            "name": "Toy",
            "input": [8, 16, 16],
            "blocks": {
                "Pair": {"body": [{"concat": branches}]},
                "Unit": {"body": [{"add": ["identity", ["Pair", {"conv": 8}]]}, "relu"]},
            },
            "stages": {
                "stem": ["Unit", "Unit"],
                "middle": [{"conv": 8}, "relu"],
                "last": [{"concat": ["stem", "middle"]}],
            },
        }
    )
