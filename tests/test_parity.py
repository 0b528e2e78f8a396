"""Every variant that another library has too: the same weights give the same outputs.

`data/parity.csv` is the table: a spec's variant, the call that makes the other network, params set over the variant's,
the side of the image (pytorchcv pools over 7×7), the convolution of ours that takes the halves of a concatenation in
the other order. Weights go from the k-th module of a shape to the k-th of that shape, in order of execution, so names
play no part. In double precision what is left of a difference is a difference of arithmetic.

Not there, because they are other networks: pytorchcv's GhostNet, SqueezeNext, MobileNetV3 small, ESPNetV2 (one more
shortcut from the image), ShuffleNet V2 (but for one width), timm's fbnetv3_b (padded where the released one is not).
"""

from __future__ import annotations

import ast
import csv
import importlib
import math
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

import archdsl
from archdsl.library import shipped

TABLE = Path(__file__).parent / "data" / "parity.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
TOLERANCE = 1e-9  # of the largest output


def label(row):
    return f"{row['spec']}@{row['variant']}-{row['reference']}".replace(" ", "")


def marked(row):
    return pytest.param(row, id=label(row), marks=[pytest.mark.slow] if row["slow"] else [])


# --- the two networks


def ours(row):
    params = {key: ast.literal_eval(value) for key, value in (p.split("=") for p in row["params"].split())}
    return archdsl.build(row["spec"], row["variant"], **params)


def theirs(row):
    """`timm.create_model('mnasnet_100')`: a function by its path, with literals."""
    call = ast.parse(row["reference"], mode="eval").body
    path, _, name = ast.unparse(call.func).rpartition(".")
    literals = [ast.literal_eval(item) for item in call.args]
    named = {item.arg: ast.literal_eval(item.value) for item in call.keywords}
    return getattr(importlib.import_module(path), name)(*literals, **named)


def executed(net, x):
    """The modules that hold weights of their own, in order of execution."""
    found = []
    holders = [p for p in net.modules() if [*p.parameters(recurse=False), *p.buffers(recurse=False)]]
    hooks = [part.register_forward_hook(lambda part, *_: found.append(part)) for part in holders]
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    assert len(found) == len(set(found)), "a module runs twice"
    return found


def by_shape(parts):
    """Modules by the shape of their weights, norms apart; a 1×1 convolution is a linear map."""
    found = defaultdict(list)
    for part in parts:
        shape = [*part.weight.shape]
        while len(shape) > 2 and shape[-1] == 1:
            shape.pop()
        found[tuple(shape), getattr(part, "groups", 1), hasattr(part, "running_mean")].append(part)
    return found


@torch.no_grad()
def fill(net):
    """Weights that keep signals at their size, and statistics that are not those of a fresh norm."""
    torch.manual_seed(0)
    for part in net.modules():
        weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            weight.normal_(1, 0.1)
        elif isinstance(weight, nn.Parameter):
            weight.normal_(0, math.sqrt(2 / weight[0].numel()) if weight.dim() > 1 else 0.1)
        if isinstance(bias, nn.Parameter):
            bias.normal_(0, 0.1)


@torch.no_grad()
def copy(source, target):
    """All weights of one module; a bias that the other lacks is nothing."""
    own = dict(source.named_parameters(recurse=False)) | dict(source.named_buffers(recurse=False))
    for name, value in [*target.named_parameters(recurse=False), *target.named_buffers(recurse=False)]:
        assert name in own or name == "bias", f"{type(source).__name__} has no {name}"
        value.copy_(own[name].view_as(value) if name in own else torch.zeros_like(value))


def transfer(source, target, x):
    """The weights of one network in another; both hold the same kinds in the same order."""
    given, taken = (by_shape(executed(net, x)) for net in (source, target))
    assert {key: len(parts) for key, parts in given.items()} == {key: len(parts) for key, parts in taken.items()}
    for key, parts in given.items():
        for mine, other in zip(parts, taken[key], strict=True):
            copy(mine, other)


@torch.no_grad()
def swap_halves(net, number):
    """The two halves of what enters a convolution the other way round: its network concatenates in another order."""
    conv = [part for part in net.modules() if isinstance(part, nn.Conv2d)][number]
    conv.weight.copy_(conv.weight.roll(conv.in_channels // 2, 1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_the_outputs_are_those_of_the_other_library(row):
    torch.manual_seed(0)
    reference, mine = theirs(row).double().eval(), ours(row).double().eval()
    x = torch.randn(2, 3, int(row["side"]), int(row["side"]), dtype=torch.float64)
    fill(reference)
    transfer(reference, mine, x)
    if row["swap"]:
        swap_halves(mine, int(row["swap"]))
    with torch.no_grad():
        wanted, found = tree_leaves(reference(x))[0], tree_leaves(mine(x))[0]
    scale = wanted.abs().max().item()
    assert scale > 1e-3, "an output that tells nothing"
    assert (wanted.flatten(1).std(0) > 1e-3 * scale).any(), "an output that does not depend on the input"
    assert found.flatten(1).shape == wanted.flatten(1).shape
    error = (found.flatten(1) - wanted.flatten(1)).abs().max().item() / scale
    assert error < TOLERANCE, f"differs by {error:.1e} of the largest output"


def test_a_wrong_weight_is_seen():
    """The comparison itself: one weight of hundreds of thousands changed by a thousandth."""
    row = next(row for row in ROWS if row["spec"] == "squeezenet")
    reference, mine = theirs(row).double().eval(), ours(row).double().eval()
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    fill(reference)
    transfer(reference, mine, x)
    with torch.no_grad():
        before = mine(x)
        next(mine.parameters())[0, 0, 0, 0] += 1e-3
        assert (mine(x) - before).abs().max() > TOLERANCE * before.abs().max()


def test_the_table_names_what_there_is():
    assert {row["spec"] for row in ROWS} <= set(shipped())
    assert len({label(row) for row in ROWS}) == len(ROWS)
