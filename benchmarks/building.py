"""`archdsl.build` beside torchvision's constructor of the same network: warm, and in a process that has torch alone.

For one network: `building.py warm NAME BUDGET`, `building.py start NAME ours|peer`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from common import Row, Spent, alternate, child, data, deliver, row, timed

if TYPE_CHECKING:
    from networks import Network
    from torch import nn

BOUND, BOUND_AT_START = 1.0, 2.0
NAMES = ("mobilenet_v2", "shufflenet_v2 x1.0", "efficientnet b0", "efficientnet b4")


def measure(budget: float) -> list[Row]:
    """Rows for each network, each measurement in processes of its own."""
    rows = []
    for name in NAMES:
        rows += [*child("building.py", "warm", name, str(budget)), started(name, budget)]
    return rows


def started(name: str, budget: float) -> Row:
    """From a process that has imported torch to the network: the library's import and its first build."""

    def spent(whose: str) -> Spent:
        return Spent(*data("building.py", "start", name, whose))

    for whose in ("ours", "peer"):
        spent(whose)  # compiled to bytecode, in the page cache
    pairs = alternate(lambda: spent("ours"), lambda: spent("peer"), budget=budget, most=9)
    return row("building", f"{name}, import and first build", pairs, BOUND_AT_START)


def builders(network: Network) -> dict[str, Callable[[], nn.Module]]:
    """Who builds a network; each imports its library when it is called."""

    def ours() -> nn.Module:
        import archdsl

        return archdsl.build(network.spec, network.variant)

    def peer() -> nn.Module:
        return network.peer()

    return {"ours": ours, "peer": peer}


def start(name: str, whose: str) -> None:
    """One import and build."""
    import torch
    from networks import NETWORKS, stub_ops

    stub_ops()
    torch.set_num_threads(1)
    torch.nn.Conv2d(8, 8, 3)  # torch's own first time
    deliver(timed(builders(NETWORKS[name])[whose]))


def warm(name: str, budget: float) -> None:
    """Builds one after another, and the first of a process in which both libraries are loaded."""
    import torch
    from networks import NETWORKS, stub_ops

    import archdsl
    from archdsl.backends.torch import emit
    from archdsl.runtime import module

    stub_ops()
    torch.set_num_threads(1)
    network = NETWORKS[name]
    ours, peer = builders(network).values()
    torch.nn.Conv2d(8, 8, 3)  # torch's own first time
    network.peer  # noqa: B018 - imports torchvision

    def compiled() -> ModuleType:
        """All that comes before initialisation, as if for the first time."""
        graph = archdsl.graph(network.spec, network.variant)
        text = emit(graph)
        before = set(sys.modules)
        found = module.load(text, graph.name)
        for new in set(sys.modules) - before:
            del sys.modules[new]
        return found

    first = (timed(ours), timed(peer))
    for _ in range(2):
        ours()
        peer()
    pairs = alternate(lambda: timed(ours), lambda: timed(peer), budget=budget)
    loaded = type(ours()).__module__
    kept = sys.modules.pop(loaded)  # so that `compiled` compiles
    compile_time = sorted(timed(compiled).wall for _ in range(7))[3]
    sys.modules[loaded] = kept
    note = f"once warm: compile {compile_time * 1e3:.0f} ms"
    rows = [
        row("building", f"{name}, again", pairs, BOUND),
        row("building", f"{name}, first, both imported", [first], note=note),
    ]
    deliver([vars(item) for item in rows])


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start(*sys.argv[2:])
    else:
        warm(sys.argv[2], float(sys.argv[3]))
