"""Learned group convolutions: what they drop and when, and the deployed form that computes the same."""

from __future__ import annotations

import copy
import hashlib
import json

import numpy as np
import pytest
import torch
from support.fingerprint import fill, flat_out
from support.places import GOLDEN as GOLDENS
from torch import nn

import archdsl

GOLDEN = GOLDENS / "reference"
UNIT = json.loads((GOLDEN / "condensenet_lgc_unit.json").read_text(encoding="utf-8"))
NETWORKS = sorted(path.stem.partition("@")[2] for path in GOLDEN.glob("condensenet@*.json"))
LIGHT = "cifar10-50"


def layer_of(case):
    """The layer of a unit vector with its weight, and what stands before it."""
    c, out, groups, condense = (case[key] for key in ("in_channels", "out_channels", "G", "C"))
    step = {"learned_group_conv": {"out": out, "groups": groups, "condense": condense}}
    spec = {"archdsl": 1, "name": "Net", "input": [c, 3, 3], "stages": {"layer": ["bn", "relu", step]}}
    net = archdsl.build(spec).eval()
    norm, _, layer = net.layer
    for key, tensor in (
        ("gamma", norm.weight),
        ("beta", norm.bias),
        ("mean", norm.running_mean),
        ("var", norm.running_var),
    ):
        tensor.data.copy_(torch.tensor(case[key]))
    layer.weight.data.copy_(torch.tensor(case["weight"]).view(out, c, 1, 1))
    return net, layer, spec


def grid(step):
    """The progress at which a step comes first, in 1/240."""
    return round(step["first_progress_on_grid_1_240"] * 240)


def image_of(case):
    x = torch.tensor(case["x"])
    return x.view(1, case["in_channels"], 2, 2)


@pytest.mark.parametrize("case", UNIT["cases"], ids=lambda case: f"{case['in_channels']}-G{case['G']}-C{case['C']}")
def test_each_drop_is_that_of_the_reference_at_its_time(case):
    _, layer, _ = layer_of(case)
    wanted = iter(case["steps"])
    step = next(wanted)
    following = next(wanted, None)
    for k in range(241):
        layer.set_progress(k / 240)
        if following is not None and k == grid(following):
            step, following = following, next(wanted, None)
        assert int(layer.stage) == step["stage"], k
        mask = [layer.mask[group].flatten().int().tolist() for group in range(case["G"])]
        assert mask == step["mask_rows_per_group"]
        if step["stage"] < min(case["G"], case["C"]) - 1:  # the released code ends it with stage G − 1, a slip
            assert layer.lasso().item() == pytest.approx(step["lasso_loss"], rel=1e-5)
    assert following is None
    assert layer.lasso().item() == 0


@pytest.mark.parametrize("case", UNIT["cases"], ids=lambda case: f"{case['in_channels']}-G{case['G']}-C{case['C']}")
def test_the_outputs_before_and_after_deployment_are_those_of_the_reference(case):
    net, layer, spec = layer_of(case)
    x = image_of(case)
    with torch.no_grad():
        for step in case["steps"]:
            layer.set_progress(grid(step) / 240)
            torch.testing.assert_close(net(x).flatten(), torch.tensor(step["y"]).flatten(), atol=2e-5, rtol=2e-5)
        deployed = archdsl.convert(net, spec)
        conv = deployed.layer[2]
        assert conv.index.tolist() == case["converted"]["index"]
        torch.testing.assert_close(conv.conv.weight.flatten(1), torch.tensor(case["converted"]["weight"]))
        torch.testing.assert_close(
            deployed(x).flatten(), torch.tensor(case["converted"]["y"]).flatten(), atol=2e-5, rtol=2e-5
        )


def test_a_jump_drops_all_that_is_due():
    _, layer, _ = layer_of(UNIT["cases"][0])
    layer.set_progress(0.9)
    assert int(layer.stage) == 3
    assert layer.mask[0].sum() == 2  # of 8; the released code would have kept 6


def outputs(net, golden, probe):
    x = torch.from_numpy(np.random.RandomState(0).standard_normal(golden["input"])).float()
    with torch.no_grad():
        flat = flat_out(net.eval()(x))[0].flatten().double()
    return [flat[n].item() for n in probe["idx"]]


def near(found, wanted, tolerance):
    scale = max(map(abs, wanted))
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= tolerance * scale


@pytest.mark.parametrize("variant", NETWORKS)
def test_a_condensed_and_deployed_network_computes_what_the_reference_does(variant):
    golden = json.loads((GOLDEN / f"condensenet@{variant}.json").read_text(encoding="utf-8"))
    net = archdsl.build("condensenet", variant).eval()
    fill_as_reference(net, golden)
    near(outputs(net, golden, golden["probe"][0]), golden["probe"][0]["val"], 1e-5)
    net.condense()
    layers = [layer for layer in net.modules() if type(layer).__name__ == "LearnedGroupConv"]
    for layer, wanted in zip(layers, golden["condensed"]["layers"], strict=True):
        index = layer.deployed()["index"].tolist()
        digest = hashlib.sha256(",".join(map(str, index)).encode()).hexdigest()
        assert digest.startswith(wanted["index_sha256"]), wanted["name"]
    probe = golden["condensed"]["probe"][0]
    near(outputs(net, golden, probe), probe["val"], 1e-5)
    deployed = archdsl.convert(net, "condensenet", variant)
    near(outputs(deployed, golden, probe), probe["val"], 1e-5)
    cost = archdsl.cost("condensenet", variant, form="deploy")
    full = golden["converted_full_classifier"]
    assert (cost.params, cost.macs) == (full["params"], full["macs_conv_linear"])
    assert sum(p.numel() for p in deployed.parameters()) == full["params"]


@pytest.mark.parametrize("variant", NETWORKS)
def test_a_halved_classifier_is_that_of_the_reference(variant):
    golden = json.loads((GOLDEN / f"condensenet@{variant}.json").read_text(encoding="utf-8"))
    wanted = golden["converted"]
    net = archdsl.build("condensenet", variant, halved=True).eval()
    fill_as_reference(net, golden)
    net.condense()
    deployed = archdsl.convert(net, "condensenet", variant, halved=True)
    near(outputs(deployed, golden, wanted["probe"][0]), wanted["probe"][0]["val"], 1e-5)
    cost = archdsl.cost("condensenet", variant, form="deploy", halved=True)
    assert (cost.params, cost.macs) == (wanted["params"], wanted["macs_conv_linear"])


def fill_as_reference(net, golden):
    shape = tuple(golden["input"])
    fill(net, torch.from_numpy(np.random.RandomState(0).standard_normal(shape)).float())


def test_weights_that_are_dropped_stay_out_whatever_training_does_to_them():
    torch.manual_seed(0)
    net = archdsl.build("condensenet", LIGHT)
    net.set_progress(0.4)
    before = copy.deepcopy({name: m.mask for name, m in net.named_modules() if hasattr(m, "mask")})
    net(torch.randn(2, 3, 32, 32)).sum().backward()
    for name, layer in net.named_modules():
        if name in before:
            assert not layer.weight.grad[~layer.mask].any()
            assert torch.equal(layer.mask, before[name])
            assert layer.mask.float().mean() == 0.5
    again = archdsl.build("condensenet", LIGHT)
    again.load_state_dict(net.state_dict())
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(net.eval()(x), again.eval()(x))
    again.condense()
    archdsl.convert(again, "condensenet", LIGHT)


def test_what_is_not_condensed_or_not_of_the_spec_is_not_converted():
    net = archdsl.build("condensenet", LIGHT)
    with pytest.raises(archdsl.SpecError, match="not condensed to the end"):
        archdsl.convert(net, "condensenet", LIGHT)
    net.condense()
    with pytest.raises(archdsl.SpecError, match="was not built from that spec"):
        archdsl.convert(net, "condensenet", "cifar10-74")
    with pytest.raises(archdsl.SpecError, match="was not built from that spec"):
        archdsl.convert(nn.Linear(2, 2), "condensenet", LIGHT)


def test_an_unknown_form_is_named():
    with pytest.raises(archdsl.SpecError, match="did you mean 'deploy'"):
        archdsl.graph("condensenet", LIGHT, form="deployed")


def test_the_deployed_source_holds_nothing_of_training():
    text = archdsl.emit("condensenet", LIGHT, form="deploy")
    assert "CondensedConv" in text
    assert "LearnedGroupConv" not in text
    assert "mask" not in text
    archdsl.build("condensenet", LIGHT, form="deploy", verify=True)
