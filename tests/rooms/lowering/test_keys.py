"""Where modules stand: the keys of the state_dict, which follow from the spec alone, before any number is known."""

from __future__ import annotations

import pytest

import archdsl

CONV = {"conv": 8}
NAMED = {"conv": 8, "name": "mix"}
SQUEEZED = ["global_avg_pool", CONV, "sigmoid"]
RESIDUAL = {"residual": [CONV, "bn"]}


def keys(*steps, blocks=None, **stages):
    """The keys of the modules of a network whose first stage `s` has these steps; joins have none."""
    spec = {"archdsl": 1, "name": "Net", "input": [8, 8, 8], "stages": {"s": list(steps), **stages}}
    graph = archdsl.graph(spec | ({"blocks": blocks} if blocks else {}))
    return [node.path for node in graph.nodes if not node.op.many]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        pytest.param([CONV, "bn", "relu"], ["s.0", "s.1", "s.2"], id="steps have their places"),
        pytest.param([CONV], ["s"], id="a stage of one module is that module"),
        pytest.param([NAMED], ["s.mix"], id="but not where it has a name"),
        pytest.param([CONV, NAMED, "relu"], ["s.0", "s.mix", "s.2"], id="a name leaves the other places as they are"),
        pytest.param([{"repeat": 2, "body": [CONV, "bn"]}], ["s.0", "s.1", "s.2", "s.3"], id="turns go on counting"),
        pytest.param([{**CONV, "when": "true"}, "bn"], ["s.0", "s.1"], id="a step under a condition has its place"),
    ],
)
def test_steps_of_a_chain_have_names_or_places(steps, found):
    assert keys(*steps) == found


def test_steps_of_a_stage_that_joins_are_the_networks_with_the_name_of_the_stage():
    assert keys(RESIDUAL, "relu") == ["s_conv", "s_bn", "s_relu"]
    assert keys(RESIDUAL, RESIDUAL) == ["s_conv", "s_bn", "s_conv_2", "s_bn_2"]


def test_a_branch_of_several_steps_has_its_place_in_the_join_and_one_of_a_step_is_that():
    assert keys({"concat": [[CONV, "bn"], [CONV]]}) == ["s_branch1.0", "s_branch1.1", "s_conv"]
    assert keys({"concat": [[CONV], [CONV, "bn"]]}) == ["s_conv", "s_branch2.0", "s_branch2.1"]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([{"mul": ["identity", SQUEEZED]}], "gate"),
        ([{"conv": 8, "as": "wide"}, {"mul": [SQUEEZED, "wide"]}], "gate"),
        ([{"mul": ["identity", SQUEEZED, [CONV, "bn"]]}], "branch2"),
        ([{"add": ["identity", [CONV, "bn"]]}], "branch2"),
    ],
)
def test_what_alone_is_computed_of_a_product_is_its_gate(steps, found):
    assert f"s.{found}.1" in keys("Unit", blocks={"Unit": {"body": steps}})


def test_modules_of_a_block_have_the_names_of_what_they_are():
    blocks = {"ConvBN": {"body": [CONV, "bn"]}, "Pair": {"body": [{"residual": ["ConvBN", "ConvBN", "relu"]}]}}
    found = keys("Pair", "relu", blocks=blocks)
    assert found == ["s.0.conv_bn.conv", "s.0.conv_bn.bn", "s.0.conv_bn_2.conv", "s.0.conv_bn_2.bn", "s.0.relu", "s.1"]


@pytest.mark.parametrize("steps", [[CONV, "bn"], [RESIDUAL]], ids=["a chain", "a join"])
def test_a_further_stage_renames_nothing(steps):
    alone = keys(*steps)
    assert keys(*steps, t=[CONV, RESIDUAL, "relu"])[: len(alone)] == alone
