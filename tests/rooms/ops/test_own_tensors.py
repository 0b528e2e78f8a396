"""Tensors of a network's own: counted, filled, saved under one key, and the same for every sample."""

from __future__ import annotations

import pytest
import torch

import archdsl
from archdsl.diagnostics.faults import SpecError
from archdsl.runtime.verify import verify


def spec_of(*steps, **more):
    return {"archdsl": 1, "name": "Small", "input": [4, 6, 6], "stages": {"a": list(steps)}} | more


TOKEN = [
    {"param": {"shape": [4, 6, 1], "init": "normal"}, "as": "token"},
    {"concat": {"axis": "w", "of": ["input", "token"]}},
]


@pytest.mark.parametrize(
    ("init", "mean", "std"),
    [("zeros", 0, 0), ("ones", 1, 0), (0.25, 0.25, 0), ("normal", 0, 0.5), ("trunc_normal", 0, 0.44)],
)
def test_a_tensor_is_filled_as_init_says(init, mean, std):
    step = {"param": {"shape": [4, 60, 60], "init": init, "std": 0.5}, "as": "p"}
    torch.manual_seed(0)
    net = archdsl.build(spec_of(step, {"add": ["input", "p"]}, input=[4, 60, 60]))
    assert net.a_p.shape == (1, 4, 60, 60)
    assert abs(float(net.a_p.mean()) - mean) < 0.02
    assert abs(float(net.a_p.std()) - std) < 0.02


@pytest.mark.parametrize(("op", "params", "buffers"), [("param", 24, 0), ("buffer", 0, 24)])
def test_a_tensor_is_one_key_and_counted_once(op, params, buffers):
    step = {op: {"shape": [4, 6, 1]}, "as": "t"}
    spec = spec_of(step, {"concat": {"axis": "w", "of": ["input", "t"]}})
    cost, net = archdsl.cost(spec), archdsl.build(spec, verify=True)
    assert (cost.params, cost.buffers, cost.macs) == (params, buffers, 0)
    assert list(net.state_dict()) == ["a_t"]
    assert len(list(net.parameters())) == bool(params)


def test_a_tensor_is_the_same_for_every_sample():
    net = archdsl.build(spec_of(*TOKEN), verify=True)
    found = net(torch.randn(3, 4, 6, 6))
    assert torch.equal(found[..., -1:], net.a_token.expand(3, -1, -1, -1))


def test_a_name_is_the_key_before_as():
    step = {"param": {"shape": [4, 1, 1]}, "as": "p", "name": "gamma"}
    assert list(archdsl.build(spec_of(step, {"mul": ["input", "p"]})).state_dict()) == ["a_gamma"]


def test_a_tensor_that_differs_is_told_by_the_proof():
    graph = archdsl.graph(spec_of(*TOKEN))
    for odd in (torch.nn.Parameter(torch.zeros(1, 4, 6, 2)), None):
        net = archdsl.build(graph)
        net.a_token = odd
        with pytest.raises(SpecError) as caught:
            verify(net, graph)
        assert any("a_token" in found.message for found in caught.value.diagnostics)


def test_what_only_lends_its_batch_axis_is_read_by_nothing():
    with pytest.raises(SpecError) as caught:
        archdsl.graph(spec_of({"conv": 4}, *TOKEN))
    assert caught.value.diagnostics[0].code == "unused-step"


def test_passes_carry_a_tensor_over():
    spec = spec_of(*TOKEN, {"conv": 4}, "bn")
    net = archdsl.build(spec).eval()
    folded = archdsl.convert(net, spec, passes=["fold_batch_norm"])
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(folded(x), net(x))


def test_a_tensor_under_a_condition_is_there_if_it_holds():
    gamma = {
        "param": {"shape": ["c_in", 1, 1], "init": 2},
        "name": "gamma",
        "when": "on",
        "else": ["identity"],
        "as": "g",
    }
    unit = {"params": ["on"], "body": [gamma, {"mul": ["input", "g"]}]}
    spec = spec_of({"Unit": True}, {"Unit": False}, blocks={"Unit": unit})
    net = archdsl.build(spec, verify=True)
    assert list(net.state_dict()) == ["a.0.gamma"]
