"""`python benchmarks/run.py [NAME…] [--budget SECONDS] [--json FILE]`: each measurement beside its peer."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import time
from pathlib import Path

from common import Row, table

GROUPS = {
    "processes": 'whole processes; the peer is `python -c "import torch"`',
    "counting": "archdsl.cost of random params, warm; the peer is the time that the bound leaves, or graph and cost",
    "editing": "what an editor is told after a keystroke, warm; the peer is the time that the bound leaves",
    "building": "archdsl.build; the peer is torchvision's constructor",
    "proving": "the proof that a module is its graph; the peer is its first build",
    "forward": "one forward, eval, one thread; the peer is torchvision's module with the same weights",
    "deployed": "one forward of the form deploy, eval, one thread; the peer is the form in training, its weights",
    "exported": "one run of our ONNX in onnxruntime, one thread; the peer is torch's own export of the module, or 10 s",
    "growth": "graph + nx + emit + cost; the peer is the same family at 100 nodes, per node",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(GROUPS)}; all if none is given")
    parser.add_argument("--budget", type=float, default=10, help="seconds for each measurement [10]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in GROUPS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(GROUPS)}")
    found: list[Row] = []
    for name in options.names or GROUPS:
        start = time.perf_counter()
        rows = importlib.import_module(name).measure(options.budget)
        found += rows
        print(f"\n{name}: {GROUPS[name]} ({time.perf_counter() - start:.0f} s)\n\n{table(rows)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    over = [f"{item.group}: {item.what}" for item in found if not item.within]
    print(f"\nover their bound: {'; '.join(over)}" if over else "\nall within their bounds")
    return 1 if over else 0


def report(rows: list[Row]) -> dict[str, object]:
    from importlib.metadata import version

    versions = {name: version(name) for name in ("torch", "torchvision")}
    return {"python": platform.python_version(), **versions, "rows": [{**vars(r), "within": r.within} for r in rows]}


if __name__ == "__main__":
    sys.exit(main())
