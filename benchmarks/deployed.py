"""One forward of the form `deploy` beside that of the same weights in training's form, both in eval mode.

For one network in one process: `deployed.py NAME BUDGET`.
"""

from __future__ import annotations

import sys

from common import Row, Spent, alternate, data, deliver, row, timed

NAMES = ("mobilenet_v2", "shufflenet_v2", "ghostnet", "igc_v3")
BOUND = 1 / 1.15


def measure(budget: float) -> list[Row]:
    """A row for each network: ours is the form `deploy`."""
    found = []
    for name in NAMES:
        pairs = [(Spent(*a), Spent(*b)) for a, b in data("deployed.py", name, str(budget))]
        found.append(row("deployed", name, pairs, BOUND))
    return found


def main(name: str, budget: float) -> None:
    import torch

    import archdsl

    torch.set_num_threads(1)  # what is compared is the work, not who gets a core
    torch.manual_seed(0)
    trained = archdsl.build(name).eval()
    deployed = archdsl.convert(trained, name)
    shape = next(iter(archdsl.graph(name).inputs.values())).shape
    x = torch.randn(1, *shape)
    with torch.inference_mode():
        for _ in range(3):
            trained(x), deployed(x)
        pairs = alternate(
            lambda: timed(lambda: deployed(x)), lambda: timed(lambda: trained(x)), budget=budget, least=5, most=31
        )
    deliver(pairs)


if __name__ == "__main__":
    name, budget = sys.argv[1:]
    main(name, float(budget))
