"""The proof that a module is its graph beside its first build: graph, source, compiling, initialising."""

from __future__ import annotations

import sys

from common import Row, alternate, child, deliver, row, timed

BOUND = 1.0
NETWORKS = (
    "mobilenet_v2", "shufflenet_v2 x1.0", "peleenet", "efficientnet b0", "efficientnet b4", "efficientnet b7",
    "espnet", "pelee voc-304",
)  # fmt: skip


def measure(budget: float) -> list[Row]:
    """Rows for each network, each in a process of its own."""
    return [item for name in NETWORKS for item in child("proving.py", name, str(budget))]


def main(name: str, budget: float) -> None:
    import torch

    import archdsl
    from archdsl.runtime import module

    torch.set_num_threads(1)
    spec, _, variant = name.partition(" ")

    def build() -> torch.nn.Module:
        before = set(sys.modules)
        found = module.build(archdsl.graph(spec, variant or None))
        for new in set(sys.modules) - before:  # so that the next one compiles
            del sys.modules[new]
        return found

    graph = archdsl.graph(spec, variant or None)
    network = module.build(graph)
    module.prove(network, graph)
    del sys.modules[type(network).__module__]
    build()
    kept = module.build(graph)
    loaded = sys.modules.pop(type(kept).__module__)

    def prove() -> None:
        sys.modules[loaded.__name__] = loaded
        module.prove(kept, graph)
        del sys.modules[loaded.__name__]

    pairs = alternate(lambda: timed(prove), lambda: timed(build), budget=budget)
    deliver([vars(row("proving", name, pairs, BOUND))])


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
