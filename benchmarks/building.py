"""`archdsl.build` beside torchvision's constructor of the same network.

For one network: `building.py NAME BUDGET`.
"""

from __future__ import annotations

import sys
from statistics import median
from types import ModuleType

from common import Row, alternate, child, deliver, row, timed

BOUND = 1.0
NAMES = ("mobilenet_v2", "shufflenet_v2 x1.0", "efficientnet b0", "efficientnet b4")


def measure(budget: float) -> list[Row]:
    """Rows for each network, each in a process of its own, so that the first build is the first."""
    return [item for name in NAMES for item in child("building.py", name, str(budget))]


def main(name: str, budget: float) -> None:
    import torch
    from networks import NETWORKS

    import archdsl
    from archdsl.backends.torch import emit
    from archdsl.runtime import module

    torch.set_num_threads(1)
    network = NETWORKS[name]
    torch.nn.Conv2d(8, 8, 3)  # torch's own first time

    def ours() -> torch.nn.Module:
        return archdsl.build(network.spec, network.variant)

    def compiled() -> ModuleType:
        """All that comes before initialisation, as if for the first time."""
        graph = archdsl.graph(network.spec, network.variant)
        text = emit(graph)
        before = set(sys.modules)
        found = module.load(text, graph.name)
        for new in set(sys.modules) - before:
            del sys.modules[new]
        return found

    first = (timed(ours), timed(network.peer))
    for _ in range(2):
        ours()
        network.peer()
    warm = alternate(lambda: timed(ours), lambda: timed(network.peer), budget=budget)
    loaded = type(ours()).__module__
    kept = sys.modules.pop(loaded)  # so that `compiled` compiles
    compile_time = median(timed(compiled).wall for _ in range(7))
    sys.modules[loaded] = kept
    initialise = median(pair[0].wall for pair in warm)
    share = compile_time / (compile_time + initialise)
    note = f"compile {compile_time * 1e3:.0f} ms = {share:.0%}, initialise {initialise * 1e3:.0f} ms"
    rows = [
        row("building", f"{name}, again", warm, BOUND),
        row("building", f"{name}, first in the process", [first], note=f"once warm: {note}"),
    ]
    deliver([vars(item) for item in rows])


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
