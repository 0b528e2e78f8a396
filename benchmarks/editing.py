"""What an editor is told after a keystroke in a shipped spec, warm; the peer is the time that the bound leaves."""

from __future__ import annotations

import sys
from pathlib import Path

from common import ROOT, Row, Spent, alternate, child, deliver, row, timed

BOUND, ALLOWED = 1.0, 0.1  # seconds, from the keystroke to the faults
SPECS = ("espnet_v2", "efficientnet", "micronet", "beyond/hrnet")  # the largest, and those of most ops


def measure(budget: float) -> list[Row]:
    """Rows for each spec: as it stands, and with a fault in its last stage."""
    return [item for name in SPECS for item in child("editing.py", name, str(budget))]


def main(name: str, budget: float) -> None:
    from archdsl.editor.analysis import analyse
    from archdsl.editor.project import Project

    path, project = ROOT / "specs" / f"{name}.yaml", Project()
    sound = path.read_text(encoding="utf-8")
    before, linear, after = sound.rpartition("linear")
    rows = []
    for what, text in {"sound": sound, "with a fault": f"{before}linaer{after}" if linear else f"{sound}x"}.items():
        pairs = alternate(told(analyse, path, text, project), lambda: Spent(ALLOWED, ALLOWED), budget=budget / 2)
        rows.append(row("editing", f"{name}, {what}", pairs, BOUND))
    deliver([vars(item) for item in rows])


def told(analyse, path: Path, text: str, project):
    """The time of a core: what else runs on the machine is not what the bound is on."""

    def run() -> Spent:
        used = timed(lambda: analyse(path, text, project.load)).cpu
        return Spent(used, used)

    run()
    return run


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
