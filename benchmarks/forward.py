"""One forward of the built module beside torchvision's, with the same weights.

For one network in one process: `forward.py NAME BUDGET FIRST ITSELF`.
"""

from __future__ import annotations

import sys

from common import Row, Spent, alternate, data, deliver, row, timed

BOUND = 1.03
NAMES = ("mobilenet_v2", "shufflenet_v2 x1.0", "efficientnet b0", "efficientnet b4")
BATCHES = (1, 16)
MAKES = ("ours", "peer") * 2  # which module a process makes first: where weights lie in memory is worth 4 %
ITSELF = "mobilenet_v2"  # whose peer runs beside another of the same kind: what a ratio is worth


def measure(budget: float) -> list[Row]:
    """Rows for each network, over several processes."""
    rows = [item for name in NAMES for item in rows_of(name, budget, BOUND)]
    return [*rows, *rows_of(ITSELF, budget, None)]


def rows_of(name: str, budget: float, bound: float | None) -> list[Row]:
    """A row for each batch; without a bound, of the peer beside itself."""
    itself = "" if bound else "itself"
    share = str(budget / len(MAKES))
    parts = [data("forward.py", name, share, make, itself) for make in MAKES]
    rows = []
    for batch in BATCHES:
        pairs = [(Spent(*a), Spent(*b)) for part in parts for a, b in part[str(batch)]]
        what = f"{name}, batch {batch}" if bound else f"torchvision's {name} beside itself, batch {batch}"
        rows.append(row("forward", what, pairs, bound))
    return rows


def main(name: str, budget: float, first: str, itself: str) -> None:
    import torch
    from networks import NETWORKS, copy_weights, stub_ops

    import archdsl

    stub_ops()
    torch.set_num_threads(1)  # what is compared is the work, not who gets a core
    torch.manual_seed(0)
    network = NETWORKS[name]
    makers = {
        "ours": network.peer if itself else lambda: archdsl.build(network.spec, network.variant),
        "peer": network.peer,
    }
    made = {who: makers[who]().eval() for who in sorted(makers, key=lambda who: who != first)}
    ours, peer = made["ours"], made["peer"]
    copy_weights(peer, ours)
    found = {}
    with torch.no_grad():
        for batch in BATCHES:
            x = torch.randn(batch, 3, network.side, network.side)
            mine, theirs = ours(x), peer(x)
            error = (mine - theirs).abs().max().item() / theirs.abs().max().item()
            if not error < 1e-4:
                raise SystemExit(f"{name}: the outputs differ by {error:.1e} of the largest")
            found[batch] = alternate(
                lambda x=x: timed(lambda: ours(x)), lambda x=x: timed(lambda: peer(x)), budget=budget, least=2, most=31
            )
    deliver(found)


if __name__ == "__main__":
    name, budget, first, itself = sys.argv[1:]
    main(name, float(budget), first, itself)
