"""One forward of the built module beside torchvision's, with the same weights.

For one network: `forward.py NAME BUDGET`.
"""

from __future__ import annotations

import sys

from common import Row, alternate, child, deliver, row, timed

BOUND = 1.03
NAMES = ("mobilenet_v2", "shufflenet_v2 x1.0", "efficientnet b0", "efficientnet b4")
BATCHES = (1, 16)


def measure(budget: float) -> list[Row]:
    """Rows for each network, each in a process of its own."""
    return [item for name in NAMES for item in child("forward.py", name, str(budget))]


def main(name: str, budget: float) -> None:
    import torch
    from networks import NETWORKS, copy_weights

    import archdsl

    torch.set_num_threads(1)  # what is compared is the work, not who gets a core
    torch.manual_seed(0)
    network = NETWORKS[name]
    ours, peer = archdsl.build(network.spec, network.variant).eval(), network.peer().eval()
    copy_weights(peer, ours)
    rows = []
    with torch.no_grad():
        for batch in BATCHES:
            x = torch.randn(batch, 3, network.side, network.side)
            mine, theirs = ours(x), peer(x)
            error = (mine - theirs).abs().max().item() / theirs.abs().max().item()
            if not error < 1e-4:
                raise SystemExit(f"{name}: the outputs differ by {error:.1e} of the largest")
            pairs = alternate(
                lambda x=x: timed(lambda: ours(x)), lambda x=x: timed(lambda: peer(x)), budget=budget, most=101
            )
            rows.append(row("forward", f"{name}, batch {batch}", pairs, BOUND, note=f"outputs differ by {error:.0e}"))
    deliver(rows)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
