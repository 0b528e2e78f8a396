"""Weights that move over an edit of a spec."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.ports import Theirs, alive, edit, refusal

import archdsl
from archdsl.workspace.library import read, shipped


def carried(here, *changes, **params):
    """What an edit leaves of weights: what is ported, moves (old: new), whether every value came along."""
    network = edit(here, *changes)
    old = alive(archdsl.build("old.yaml")).state_dict()
    found = archdsl.port(old, network, before="old.yaml", **params)
    archdsl.build(network, **params).load_state_dict(found.state)
    for pair in found.pairs:
        assert torch.equal(found.state[pair.ours], old[pair.theirs])
    assert {pair.ours for pair in found.pairs} | set(found.new) == set(found.state)
    assert {pair.theirs for pair in found.pairs} | set(found.dropped) == set(old)
    moved = {pair.theirs: pair.ours for pair in found.pairs if pair.theirs != pair.ours}
    return found, moved


def heads(keys) -> set[str]:
    return {".".join(key.split(".")[:2]) for key in keys}


def test_an_edit_that_changes_no_weight_keeps_all(here):
    found, moved = carried(here, ("relu]", "silu]"))
    assert (moved, found.new, found.dropped) == ({}, [], [])


def test_a_block_put_into_the_middle_of_a_stage_loses_nothing(here):
    found, moved = carried(here, ("    - Layer: 8\n", "    - Layer: 8\n    - Unit: {out: 8, kernel: 5}\n"))
    assert found.dropped == []
    assert heads(found.new) == {"body.1"}
    assert {(old.split(".")[1], new.split(".")[1]) for old, new in moved.items()} == {
        ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5"),
    }  # fmt: skip
    assert all(old.split(".")[2:] == new.split(".")[2:] for old, new in moved.items())


def test_a_block_of_equal_shapes_is_told_by_its_arguments(here):
    """The one that is put in has the shapes of the one behind it, and another dilation."""
    found, moved = carried(here, ("    - Unit: {out: 8,", "    - Unit: {out: 8, dilation: 4}\n    - Unit: {out: 8,"))
    assert heads(found.new) == {"body.1"}
    assert moved["body.1.conv.weight"] == "body.2.conv.weight"


def test_a_block_taken_out_moves_the_rest(here):
    found, moved = carried(here, ("    - Unit: {out: 8, dilation: 2}\n", ""))
    assert found.new == []
    assert heads(found.dropped) == {"body.1"}
    assert moved["body.4.unit_2.conv.weight"] == "body.3.unit_2.conv.weight"


def test_a_stage_of_one_step_that_gets_another_keeps_the_first(here):
    found, moved = carried(here, ("[Unit: {out: 8}]", "[Unit: {out: 8}, Unit: {out: 8, kernel: 5}]"))
    assert moved["stem.conv.weight"] == "stem.0.conv.weight"
    assert heads(found.new) == {"stem.1"}
    assert found.dropped == []


def test_a_step_put_first_into_a_block_moves_the_others(here):
    found, moved = carried(
        here, ("body: [Unit: {out: out, kernel: 1}", "body: [Unit: {out: c_in, kernel: 5}, Unit: {out: out, kernel: 1}")
    )
    assert found.dropped == []
    assert moved["rows.two.unit.conv.weight"] == "rows.two.unit_2.conv.weight"
    assert moved["rows.two.unit_2.conv.weight"] == "rows.two.unit_3.conv.weight"
    assert all(key.split(".")[-3] == "unit" for key in found.new)


def test_more_and_fewer_turns_change_the_last_ones(here):
    more, moved = carried(here, ("repeat: 3", "repeat: 5"))
    assert (moved, more.dropped, heads(more.new)) == ({}, [], {"body.5", "body.6"})
    fewer, moved = carried(here, ("repeat: 3", "repeat: 2"))
    assert (moved, fewer.new, heads(fewer.dropped)) == ({}, [], {"body.4"})


def test_rows_with_names_are_found_by_them(here):
    found, moved = carried(here, ("[[one, 12], [two, 16]]", "[[zero, 12], [two, 16], [one, 12]]"))
    assert moved == {}
    assert "rows.zero" in heads(found.new)
    kept = {pair.ours for pair in found.pairs}
    assert "rows.two.unit_2.conv.weight" in kept
    assert "rows.one.unit_2.conv.weight" in kept
    assert "rows.one.unit.conv.weight" in found.new  # 16 channels enter it now


def test_what_is_left_of_a_changed_block_stays(here):
    found, moved = carried(here, ("Unit: {out: out, kernel: 1}", "Unit: {out: out, kernel: 3}"))
    assert moved == {}
    assert found.new == found.dropped == [key for key in found.state if ".unit.conv." in key]


def test_a_block_under_another_name_is_the_same(here):
    found, moved = carried(
        here,
        ("  Layer:\n", "  Pair:\n"), ("- Layer: 8", "- Pair: 8"),
        ("[Layer: 12]", "[Pair: 12]"), ("[Layer: c]", "[Pair: c]"),
    )  # fmt: skip
    assert (moved, found.new, found.dropped) == ({}, [], [])


def test_a_new_width_of_the_head_leaves_the_rest(here):
    found, moved = carried(here, num_classes=3)
    assert moved == {}
    assert found.new == found.dropped == ["head.2.weight", "head.2.bias"]
    assert found.state["head.2.weight"].shape == (3, 16)


def test_new_weights_are_initialised_and_the_same_each_time(here):
    (first, _), (second, _) = (carried(here, ("repeat: 3", "repeat: 4")) for _ in range(2))
    chance = torch.rand(1)
    assert first.new
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)
    assert first.state["body.5.unit.conv.weight"].std() > 0
    assert not torch.equal(chance, torch.rand(1))  # the generator of the caller goes on


def test_weights_of_another_spec_are_refused(here):
    network = edit(here)
    told = refusal("unmatched-weights", alive(Theirs()).state_dict(), network, before="old.yaml")
    assert (
        "these are not the weights of the old spec: 'stem.conv.weight' is not there in the checkpoint, 8×3×3×3 in"
        in told
    )
    refusal("bad-call", {"a": torch.ones(1)}, network, before="old.yaml", reference=Theirs())


NAMED = """
archdsl: 1
name: Net
input: [3, 8, 8]
blocks:
  Double: {params: [out], body: [conv: {out: out, kernel: 3}, bn, relu]}
  Twice: {params: [out], body: [Double: out, concat: [identity, Double: out]]}
  Excite: [mul: [identity, [global_avg_pool, conv: c_in, sigmoid]]]
stages:
  stem: [{conv: 4, name: first}]
  excite: [Excite]
  body: [Twice: 4, Twice: 6]
  head: [global_avg_pool, flatten, linear: 5]
"""
EARLIER = {
    "stem.first.": "stem.",
    ".gate.": ".branch2.",
    "double_2.": "double.",
    "double_3.": "double_2.",
}  # now, and as they once were


def of_earlier_keys():
    """The weights of that spec under the keys that it had."""
    found = {}
    for key, value in archdsl.build("named.yaml").state_dict().items():
        now = next((word for word in EARLIER if word in key), "")
        found[key.replace(now, EARLIER.get(now, ""))] = value
    assert {
        "stem.weight",
        "excite.branch2.1.bias",
        "body.0.double.conv.weight",
        "body.1.double_2.bn.weight",
    } <= found.keys()
    return found


def test_keys_that_were_once_derived_in_another_way_are_carried_over(here):
    Path("named.yaml").write_text(NAMED)
    old = of_earlier_keys()
    found = archdsl.port(old, "named.yaml", before="named.yaml")
    assert (found.new, found.dropped) == ([], [])
    assert all(torch.equal(found.state[pair.ours], old[pair.theirs]) for pair in found.pairs)
    assert {pair.ours for pair in found.pairs if pair.theirs == "body.1.double.conv.weight"} == {
        "body.1.double_2.conv.weight"
    }
    Path("longer.yaml").write_text(NAMED.replace("Twice: 6]", "Twice: 6, conv: 7]"))
    edited = archdsl.port(old, "longer.yaml", before="named.yaml")
    assert set(edited.new) == {"body.2.weight", "body.2.bias", "head.2.weight"}


HEADS = """
archdsl: 1
name: Net
input: [3, 8, 8]
blocks:
  Boxes: [conv: 4, flatten]
  Scores: [conv: 6, flatten]
stages:
  small: [conv: 5]
  large: [{conv: {out: 5, stride: 2}}]
  predict:
"""
ONE_BY_ONE = """
    - {from: small, fork: [Boxes, Scores], as: [b1, s1]}
    - {from: large, fork: [Boxes, Scores], as: [b2, s2]}
    - {concat: [b1, b2], as: boxes}
    - {concat: [s1, s2], as: scores}
outputs: {boxes: predict.boxes, scores: predict.scores}
"""
SIDE_BY_SIDE = """
    - {concat: {name: boxes, each: f, in: [small, large], body: [{from: f, Boxes: }]}, as: boxes}
    - {concat: {name: scores, each: f, in: [small, large], body: [{from: f, Scores: }]}, as: scores}
outputs: {boxes: predict.boxes, scores: predict.scores}
"""


def test_numbered_heads_are_carried_into_lists_of_them(here):
    Path("numbered.yaml").write_text(HEADS + ONE_BY_ONE)
    Path("listed.yaml").write_text(HEADS + SIDE_BY_SIDE)
    theirs, ours = archdsl.build("numbered.yaml").eval(), archdsl.build("listed.yaml").eval()
    found = archdsl.port(theirs.state_dict(), "listed.yaml", before="numbered.yaml")
    assert (found.new, found.dropped) == ([], [])
    assert ("predict_boxes_2.conv.weight", "predict_boxes.1.conv.weight") in {(p.theirs, p.ours) for p in found.pairs}
    ours.load_state_dict(found.state)
    x = torch.randn(2, 3, 8, 8)
    assert all(torch.equal(one, other) for one, other in zip(theirs(x), ours(x), strict=True))


def test_keys_of_other_words_are_of_another_spec(here):
    Path("named.yaml").write_text(NAMED)
    old = {key.replace("stem", "trunk"): value for key, value in of_earlier_keys().items()}
    refusal("unmatched-weights", old, "named.yaml", before="named.yaml")
    refusal("unmatched-weights", dict(sorted(of_earlier_keys().items())), "named.yaml", before="named.yaml")


@pytest.mark.parametrize("name", shipped())
def test_a_spec_that_is_not_edited_moves_nothing(name):
    variant = read(name).networks()[0]
    old = archdsl.build(name, variant).state_dict()
    found = archdsl.port(old, name, variant, before=name)
    assert [(pair.theirs, pair.ours) for pair in found.pairs] == [(key, key) for key in old]
    assert (found.new, found.dropped) == ([], [])


def test_a_long_network_is_aligned_at_once():
    """3000 blocks, one put between."""
    network = {"archdsl": 1, "name": "Long", "input": [3, 4, 4], "stages": {"a": [{"conv": 4}] * 1000}}
    longer = {**network, "stages": {"a": [{"conv": 4}] * 500 + ["bn"] + [{"conv": 4}] * 500}}
    old = archdsl.build(network).state_dict()
    found = archdsl.port(old, longer, before=network)
    assert not found.dropped
    assert all(key.startswith("a.500.") for key in found.new)


def test_parts_with_other_names_are_matched_by_what_is_in_them(here):
    new = edit(
        here,
        ("  body:\n", "  trunk:\n"),
        ("[[one, 12], [two, 16]]", "[[first, 12], [second, 16]]"),
    )
    old = archdsl.build("old.yaml").state_dict()
    found = archdsl.port(old, new, before="old.yaml")
    assert (found.new, found.dropped) == ([], [])
    moved = {pair.ours: pair.theirs for pair in found.pairs if pair.ours != pair.theirs}
    assert moved["trunk.1.conv.weight"] == "body.1.conv.weight"
    assert moved["rows.second.unit.conv.weight"] == "rows.two.unit.conv.weight"


def test_a_part_that_was_renamed_and_edited_is_named_by_the_user(here):
    new = edit(here, ("  body:\n", "  trunk:\n"), ("repeat: 3", "repeat: 2"))
    old = archdsl.build("old.yaml").state_dict()
    assert any(key.startswith("trunk") for key in archdsl.port(old, new, before="old.yaml").new)
    found = archdsl.port(old, new, before="old.yaml", map={"body": "trunk"})
    assert found.new == []
    assert ("body.0.unit.conv.weight", "trunk.0.unit.conv.weight") in {pair[:2] for pair in found.pairs}
    assert {key.rpartition(".unit")[0] for key in found.dropped} == {"body.4"}
    assert "no part with weights has the path 'bodies'" in refusal(
        "bad-call", old, new, before="old.yaml", map={"bodies": "trunk"}
    )
