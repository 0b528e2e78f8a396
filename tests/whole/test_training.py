"""Networks learn: a small one of each family, on scikit-learn's handwritten digits, to 90 % of those held out."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from support.nets import SPECS
from torch import nn
from torch.nn.functional import cross_entropy, interpolate

import archdsl
from archdsl.workspace.library import read

SIDE, BATCH, EPOCHS, HELD_OUT, ENOUGH = 64, 50, 12, 450, 0.9
SMALL = {  # variants that are cheap, where the first is not
    "channelnet": "v1-0.50",
    "condensenet": "cifar10-50",
    "efficientnet": "b0",
    "espnet_v2": "x0.5",
    "ghostnet": "0.5",
    "igc_v1": "plain-d8-l24m2",
    "igc_v2": "0.25",
    "igc_v3": "d-0.7",
    "mnasnet": "b1-0.5",
    "mobilenet_v1": "0.25-128",
    "mobilenet_v2": "0.35-224",
    "mobilenet_v3": "small-0.50",
    "shufflenet_v1": "g3-x0.5",
    "shufflenet_v2": "x0.5",
    "weightnet": "shufflenet_v2-x0.5",
}
FEW_UNITS = {"set": {f"units.stage{number}.repeats": 2 for number in range(2, 5)}}
SHORT = {  # fewer blocks of the same kinds, or narrower ones, where the smallest variant takes long
    "condensenet": {"rows": [[4, 8], [4, 16], [4, 32]]},
    "efficientnet": {"width": 0.5, "depth": 0.4},
    "fbnet": {
        "last": 512,
        "rows": [
            [16, 1, ["k3_e1"]],
            [24, 2, ["k3_e3"]],
            [32, 2, ["k5_e6"]],
            [64, 2, ["k5_e1_g2"]],
            [112, 1, ["k3_e3"]],
            [184, 2, ["k5_e6"]],
            [352, 1, ["k5_e6"]],
        ],
    },
    "igc_v3": {"set": {f"blocks.{row}.n": 2 if row == 1 else 1 for row in range(1, 6)}},
    "peleenet": {"set": {f"dense.stage{number}.layers": 2 for number in range(1, 5)}},
    "shufflenet_v1": FEW_UNITS,
    "shufflenet_v2": FEW_UNITS,
    "squeezenext": {"depths": [2, 2, 2, 1]},
    "weightnet": FEW_UNITS,
}
CAREFUL = {"squeezenet"}  # no norms keep its signals at their size: with the others' optimizer it learns nothing
SEEDS = {"squeezenet": 1}  # its last layer starts small and a rectifier follows: after some starts no score ever rises
SIDES = {"igc_v1": 16, "condensenet": 16}  # made for small images
NO_CLASSIFIERS = {"espnet", "pelee"}  # they give maps and boxes; their families' classifiers stand beside them
CLASSIFIERS = [name for name in SPECS if name not in {*NO_CLASSIFIERS, "condensenet"}]  # which condenses at it, below


@cache
def digits(side):
    """Images N×3×side×side and their digits: those to learn from, then those held out."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = torch.tensor(found.images, dtype=torch.float32)[:, None] / 8 - 1
    x = interpolate(x, size=(side, side), mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    y = torch.tensor(found.target)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    learn, test = order[HELD_OUT:], order[:HELD_OUT]
    return (x[learn], y[learn]), (x[test], y[test])


def settle(net: nn.Module, x: torch.Tensor) -> None:
    """Gives norms the statistics of the images: with some papers' momentum they take longer than this training."""
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all that comes
    net.train()
    with torch.no_grad():
        for part in x.split(BATCH)[:10]:
            net(part)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def accuracy(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    net.eval()
    with torch.no_grad():
        right = sum(
            (net(part).argmax(1) == wanted).sum().item()
            for part, wanted in zip(x.split(150), y.split(150), strict=True)
        )
    return right / len(y)


def optimizer_of(net: nn.Module, *, careful: bool) -> torch.optim.Optimizer:
    if careful:
        return torch.optim.AdamW(net.parameters(), 1e-3)
    return torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)


def train(net: nn.Module, side: int, epochs: int = EPOCHS, progress=None, *, careful: bool = False) -> float:
    """Trains until enough is right; the share of held-out digits that is.

    Where `progress` is told how far it has come, it comes to the end.
    """
    (x, y), held_out = digits(side)
    optimizer = optimizer_of(net, careful=careful)
    steps = epochs * (len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, optimizer.defaults["lr"], total_steps=steps)
    torch.manual_seed(0)
    done, found = 0, 0.0
    for epoch in range(1, epochs + 1):
        for part in torch.randperm(len(y)).split(BATCH):
            if len(part) < BATCH:
                continue
            if progress is not None:
                progress(done / steps)
            net.train()
            optimizer.zero_grad()
            cross_entropy(net(x[part]), y[part]).backward()
            optimizer.step()
            schedule.step()
            done += 1
        if progress is not None and epoch < epochs:
            continue
        settle(net, x)
        found = accuracy(net, *held_out)
        if found >= ENOUGH:
            break
    return found


def small(name: str) -> nn.Module:
    side = SIDES.get(name, SIDE)
    torch.manual_seed(SEEDS.get(name, 0))
    variant = SMALL.get(name) or next(iter(read(name).variants))
    return archdsl.build(name, variant, num_classes=10, input=[3, side, side], **SHORT.get(name, {}))


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_small_network_of_each_family_learns_digits(name):
    careful = name in CAREFUL
    found = train(small(name), SIDES.get(name, SIDE), 3 * EPOCHS if careful else EPOCHS, careful=careful)
    assert found >= ENOUGH, f"{name}: {found:.1%} of the held-out digits"


@pytest.mark.slow
@pytest.mark.long
def test_a_network_condenses_while_it_learns_and_computes_the_same_deployed():
    net = small("condensenet")
    found = train(net, SIDES["condensenet"], EPOCHS // 3, net.set_progress)
    assert found >= ENOUGH, f"{found:.1%} of the held-out digits"
    assert all(layer.mask.float().mean() == 1 / layer.condense_by for layer in net.learned())
    changes = SHORT["condensenet"]
    deployed = archdsl.convert(net, "condensenet", SMALL["condensenet"], num_classes=10, **changes).eval()
    _, (x, y) = digits(SIDES["condensenet"])
    with torch.no_grad():
        before, after = net.eval()(x), deployed(x)
    assert (before - after).abs().max() <= 1e-5 * before.abs().max()
    assert accuracy(deployed, x, y) == accuracy(net, x, y) >= ENOUGH
