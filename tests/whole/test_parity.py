"""Every variant that another library has too: the same weights give the same outputs.

`data/parity.csv` is the table: a spec's variant, the call that makes the other network, params set over the variant's,
the side of the image (pytorchcv pools over 7×7) or the shape of another input, the convolution of ours that takes a
concatenation in another order, and whether order and shapes alone cannot pair the weights.
`archdsl.port` moves the weights; names play no part. For one variant of each spec in each library it runs both networks
to pair them, and the order and shapes of the state_dict alone must pair the same; for the others order and shapes pair
them where these tell. In double precision what is left of a difference is one of arithmetic.

Not there, because they are other networks: pytorchcv's GhostNet, SqueezeNext, MobileNetV3 small, ESPNetV2 (one more
shortcut from the image), ShuffleNet V2 (but for one width), timm's fbnetv3_b (padded where the released one is not).
"""

from __future__ import annotations

import ast
import csv
import importlib
import math
from contextlib import nullcontext

import pytest
import torch
from support.places import DATA
from support.undrawn import Undrawn
from torch import nn
from torch.utils._pytree import tree_leaves

import archdsl
from archdsl.workspace.library import all_shipped

TABLE = DATA / "parity.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
TOLERANCE = 1e-9  # of the largest output


def label(row):
    return f"{row['spec']}@{row['variant']}-{row['reference']}".replace(" ", "")


def library(row):
    return row["reference"].split(".")[0]


FIRST = {}  # row of each spec in each library, a fast one where there is one
for _row in sorted(ROWS, key=lambda row: bool(row["slow"])):
    FIRST.setdefault((_row["spec"], library(_row)), _row)


def marked(row):
    return pytest.param(row, id=label(row), marks=[pytest.mark.slow] if row["slow"] else [])


# --- the two networks


def params(row):
    return {key: ast.literal_eval(value) for key, value in (p.split("=") for p in row["params"].split())}


def theirs(row):
    """`timm.create_model('mnasnet_100')`: a function by its path, with literals."""
    call = ast.parse(row["reference"], mode="eval").body
    path, _, name = ast.unparse(call.func).rpartition(".")
    literals = [ast.literal_eval(item) for item in call.args]
    named = {item.arg: ast.literal_eval(item.value) for item in call.keywords}
    return getattr(importlib.import_module(path), name)(*literals, **named)


def spread(tensor, mean, deviation):
    """Random numbers; those of a uniform distribution are drawn many times faster than those of a normal one."""
    reach = deviation * math.sqrt(3)
    tensor.uniform_(mean - reach, mean + reach)


@torch.no_grad()
def fill(net):
    """Weights that keep signals at their size, and statistics that are not those of a fresh norm."""
    torch.manual_seed(0)
    for part in net.modules():
        weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            spread(part.running_mean, 0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            spread(weight, 1, 0.1)
        elif isinstance(weight, nn.Parameter):
            spread(weight, 0, math.sqrt(2 / weight[0].numel()) if weight.dim() > 1 else 0.1)
        if isinstance(bias, nn.Parameter):
            spread(bias, 0, 0.1)
        for name, tensor in part.named_parameters(recurse=False):
            if name not in ("weight", "bias"):  # zeros of a class token, or a scale of 1e-6, would hide what they touch
                spread(tensor, 0, min(0.1, tensor.shape[-1] ** -0.5))


def shape(row):
    sizes = [int(size) for size in row["side"].split("x")]
    return sizes if len(sizes) > 1 else [3, *sizes * 2]


def filled_reference(row):
    """The other network."""
    with Undrawn():
        reference = theirs(row).double().eval()
    fill(reference)
    return reference


def ours(row):
    """The arguments that make our network."""
    return (row["spec"], row["variant"]), {"input": shape(row), **params(row)}


def ported(row, reference, *, run=True):
    """The weights of the other network for ours; it is run to pair them, or not."""
    name, given = ours(row)
    with nullcontext() if run else Undrawn():  # to run a network means to fill it
        return archdsl.port(reference.state_dict(), *name, reference=reference if run else None, **given)


def filled(row, state):
    """Our network with these weights."""
    name, given = ours(row)
    with Undrawn():
        mine = archdsl.build(*name, **given).double().eval()
    mine.load_state_dict(state)
    return mine


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", [marked(row) for row in ROWS])
def test_the_outputs_are_those_of_the_other_library(row):
    reference = filled_reference(row)
    both = row is FIRST[row["spec"], library(row)]  # how weights are paired is the same for further variants
    found = ported(row, reference, run=both or bool(row["ambiguous"]))
    mine = filled(row, found.state)
    turned = {pair.ours for pair in found.pairs if pair.order is not None}
    convs = [name for name, part in mine.named_modules() if isinstance(part, nn.Conv2d)]
    assert turned == ({f"{convs[int(row['swap'])]}.weight"} if row["swap"] else set())
    x = torch.randn(2, *shape(row), dtype=torch.float64)
    with torch.no_grad():
        wanted, given = tree_leaves(reference(x))[0], tree_leaves(mine(x))[0]
    scale = wanted.abs().max().item()
    assert scale > 1e-3, "an output that tells nothing"
    assert (wanted.flatten(1).std(0) > 1e-3 * scale).any(), "an output that does not depend on the input"
    assert given.flatten(1).shape == wanted.flatten(1).shape
    error = (given.flatten(1) - wanted.flatten(1)).abs().max().item() / scale
    assert error < TOLERANCE, f"differs by {error:.1e} of the largest output"
    if row["ambiguous"]:
        with pytest.raises(archdsl.SpecError, match=r"shapes and order allow both|where our network expects"):
            ported(row, reference, run=False)
    elif both:
        alone = ported(row, reference, run=False)
        assert {pair[:3] for pair in alone.pairs} == {pair[:3] for pair in found.pairs}, "order and shapes pair others"


def test_a_wrong_weight_is_seen():
    """The comparison itself: one weight of hundreds of thousands changed by a thousandth."""
    row = next(row for row in ROWS if row["spec"] == "squeezenet")
    reference = filled_reference(row)
    mine = filled(row, ported(row, reference).state)
    x = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        before = mine(x)
        next(mine.parameters())[0, 0, 0, 0] += 1e-3
        assert (mine(x) - before).abs().max() > TOLERANCE * before.abs().max()


def test_the_table_names_what_there_is():
    assert {row["spec"] for row in ROWS} <= set(all_shipped())
    assert len({label(row) for row in ROWS}) == len(ROWS)


# --- single layers
LAYERS = {  # the layer of another library, and the step with the same keys
    "timm.layers.StdConv2d(8, 6, 3, stride=2, padding=1, groups=2, bias=True)": {
        "conv": {"out": 6, "kernel": 3, "stride": 2, "groups": 2, "standardize": True}
    },
    "timm.layers.LayerNorm2d(8, eps=1e-6)": {"layer_norm": 1e-6},
    "timm.layers.RmsNorm2d(8)": {"rms_norm": 1e-6},
    "timm.layers.grn.GlobalResponseNorm(8, channels_last=False)": "grn",
    "timm.layers.BlurPool2d(8)": "blur_pool",
    "timm.layers.BlurPool2d(8, filt_size=4, stride=3)": {"blur_pool": [4, 3]},
    "timm.layers.GELUTanh()": {"gelu": "tanh"},
}


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_that_torch_lacks_is_that_of_another_library(call):
    other = theirs({"reference": call}).double().eval()
    with torch.no_grad():
        for tensor in other.parameters():
            tensor.uniform_(0.5, 1.5)
    spec = {"archdsl": 1, "name": "Layer", "input": [8, 9, 10], "stages": {"a": [LAYERS[call]]}}
    net = archdsl.build(spec).double().eval()
    net.load_state_dict({f"a.{key}": tensor for key, tensor in other.state_dict().items()})
    x = torch.randn(2, 8, 9, 10, dtype=torch.double)
    torch.testing.assert_close(net(x), other(x), rtol=1e-12, atol=1e-12)
