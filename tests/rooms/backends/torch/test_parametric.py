"""The parametric style beyond the shipped specs: one class for what the params make of a spec, or a fault."""

from __future__ import annotations

import inspect
import json
import re
from random import Random

import pytest
import torch
from support.nets import run
from support.places import DATA
from support.random_specs import Maker

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.runtime.verify import verify
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.yaml.located import from_python

SETTINGS = ({}, {"n": 1}, {"n": 2}, {"n": 3}, {"a": 8}, {"kind": "large"})  # of the params that a Maker gives its specs


def made(source, name="Net"):
    """The class of a source."""
    loaded = {}
    exec(compile(source, "emitted", "exec"), loaded)
    return loaded[name]


def one_class(tree):
    return made(archdsl.emit(tree, style="parametric"), tree["name"])


def assert_alike(whole, network):
    """A module of the one class is the graph of the network that the spec then is, and has its keys in their order."""
    ours = made(archdsl.emit(network), network.name)()
    assert list(whole.state_dict()) == list(ours.state_dict())
    verify(whole, network)


def spec(stages, params, **more):
    return {"name": "Net", "input": [3, 16, 16], "params": params, **more, "stages": stages}


def check(tree, *settings):
    whole = one_class(tree)
    for setting in settings:
        assert_alike(whole(**setting), archdsl.graph(tree, **setting))


def test_a_step_that_no_variant_runs():
    body = [{"conv": {"out": 8, "kernel": 3}}, {"bn": None, "when": "norm"}, "relu"]
    check(spec({"stem": body}, {"norm": False}), {}, {"norm": True})


def test_a_step_that_every_variant_runs():
    body = [{"conv": 16, "when": "wide > 1"}, {"conv": 8}]
    check(spec({"stem": body}, {"wide": 2}, variants={"w3": {"wide": 3}}), {}, {"wide": 1}, {"wide": 5})


def test_a_body_that_no_variant_chooses():
    bodies = {"small": [{"conv": 8}], "large": [{"conv": {"out": 8, "kernel": 3}}, "bn"], "none": [{"conv": 4}]}
    body = [{"choice": "kind", "of": bodies}, {"conv": 4}]
    check(spec({"stem": body}, {"kind": "small"}), {}, {"kind": "large"}, {"kind": "none"})


def test_two_params_that_must_meet():
    body = [{"conv": 8}, {"body": [{"dropout": "rate", "when": "rate > 0"}, {"conv": 8}], "when": "light"}, {"conv": 4}]
    tree = spec({"stem": body}, {"light": False, "rate": 0.0}, variants={"light": {"light": True}})
    check(tree, {}, {"light": True}, {"light": True, "rate": 0.5})


def test_a_loop_that_every_variant_turns_once():
    body = [{"conv": 4}, {"repeat": "depth", "body": [{"conv": 8}, "relu"]}, {"conv": "c_in"}]
    check(spec({"stem": body}, {"depth": 1}), {}, {"depth": 2}, {"depth": 4})


def test_a_param_that_follows_from_others():
    tree = spec({"stem": [{"conv": "hidden"}, {"conv": 8}]}, {"width": 4, "hidden": "width * 2"})
    tree["variants"] = {"wide": {"width": 8}, "odd": {"width": 8, "hidden": 5}}
    check(tree, {}, {"width": 3}, {"hidden": 7}, {"width": 8, "hidden": 5})
    source = archdsl.emit(tree, style="parametric")
    assert "hidden: int | None = None" in source
    loaded = {}
    exec(source, loaded)
    assert loaded["VARIANTS"] == {"wide": {"width": 8}, "odd": {"width": 8, "hidden": 5}}


def test_what_no_network_shows_is_refused():
    blocks = {"Unit": {"params": ["n"], "require": ["n <= 100"], "body": [{"conv": 8}]}}
    stages = {"stem": [{"Unit": "n"}, {"bn": None, "when": "n > 100"}]}
    tree = spec(stages, {"n": 1}, blocks=blocks)
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.emit(tree, style="parametric")
    (item,) = caught.value.diagnostics
    assert item.code == "cannot-print"
    assert (
        item.message == "no variant runs this step, although 'n' would allow it; the shapes in that case are not known"
    )


def test_one_style_leaves_no_trace_in_the_other():
    tree = json.loads((DATA / "random_specs.json").read_text())["one style after the other"]
    graph = elaborate(read_spec(from_python(tree), base=None))
    alone = archdsl.emit(archdsl.graph(tree), style="parametric")
    specialized = archdsl.emit(graph)
    assert archdsl.emit(graph, style="parametric") == alone
    assert archdsl.emit(graph) == specialized


def test_a_last_block_is_made_anew_from_the_params_that_it_reads():
    whole = made(archdsl.emit("micronet", "m0", style="parametric"), "MicroNet")(features=96)
    whole.reset_classifier(7)
    assert run(whole.eval(), [torch.randn(2, 3, 64, 64)])[0].shape == (2, 7)


def test_what_a_condition_says_is_not_asked_again_inside():
    body = [{"conv": {"out": "8 if wide else 4"}}, {"conv": 16, "when": "wide"}, {"bn": None, "when": "wide"}]
    tree = spec({"stem": body, "head": [{"conv": 4}]}, {"wide": False})
    source = archdsl.emit(tree, style="parametric")
    assert source.count("if wide:") == 1
    assert "nn.Conv2d(8, 16, 1)" in source  # not `8 if wide else 4`
    check(tree, {}, {"wide": True})


def check_random(seed):
    """Of a random spec: for how many settings its one class is the network that the spec then is."""
    try:
        read = read_spec(from_python(Maker(Random(seed), 0).spec()), base=None)
        whole = made(archdsl.emit(elaborate(read), style="parametric"))
    except archdsl.SpecError:
        return 0
    arguments, found = inspect.signature(whole).parameters, 0
    for setting in SETTINGS:
        try:
            network = elaborate(read, None, setting)
            archdsl.emit(network)
        except archdsl.SpecError:
            continue
        if setting.keys() <= arguments.keys():
            assert_alike(whole(**setting), network)
            found += 1
    return found


def test_random_specs_as_one_class():
    assert sum(map(check_random, range(200))) > 40


@pytest.mark.slow
@pytest.mark.long
def test_hundreds_of_random_specs_as_one_class():
    assert sum(map(check_random, range(200, 800))) > 130


ROWS = [["c1", 8], ["c2", 16]]
MORE_ROWS = [["c0", 4], ["c1", 6], ["c2", 12]]


def rows_then(*stages, body=({"conv": {"out": "c", "stride": 2}},)):
    trunk = {"for": ["name", "c"], "in": "rows", "body": list(body)}
    return spec({"trunk": trunk, **dict(stages)}, {"rows": ROWS}, variants={"more": {"rows": MORE_ROWS}})


def test_a_row_of_a_table_that_comes_as_an_argument_is_tapped():
    joined = [{"concat": [{"from": "trunk", "upsample": {"like": "side"}}, "side"]}]
    tree = rows_then(("side", {"from": "trunk.c1", "body": [{"conv": 4}]}), ("all", joined))
    check(tree, {}, {"rows": MORE_ROWS}, {"rows": [["c3", 5], ["c1", 7]]})
    assert 'nn.Conv2d(next(c for name, c in rows if name == "c1"), 4, 1)' in archdsl.emit(tree, style="parametric")


def test_a_step_of_a_row_that_comes_as_an_argument_is_tapped():
    body = [{"conv": "2 * c"}, {"conv": "c + 1", "name": "deep"}]
    up = {"from": "trunk.c1.deep", "body": [{"conv": 4}, {"concat": ["identity", "trunk.c2"]}, {"conv": 3}]}
    check(rows_then(("up", up), body=body), {}, {"rows": MORE_ROWS})


def test_a_tapped_row_whose_channels_hang_on_those_before_it_is_refused():
    body = [{"conv": "c_in + c"}]
    tree = rows_then(("up", {"from": "trunk.c1", "body": [{"conv": 4}, {"concat": ["identity", "trunk"]}]}), body=body)
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.emit(tree, style="parametric")
    assert [(item.code, item.span is not None) for item in caught.value.diagnostics] == [("cannot-print", True)]


def test_what_one_class_cannot_express_is_told_at_its_step(tmp_path):
    path = tmp_path / "turned.yaml"
    path.write_text(
        "archdsl: 1\nname: Turned\ninput: [3, 8, 8]\nparams: {width: 8}\nstages:\n  a: [{conv: width}]\n"
        '  b: [{repeat: 2, body: [{rearrange: {pattern: "c h w -> w h c"}}]}]\n  c: [flatten, {linear: 5}]\n'
        "variants: {one: {}, two: {width: 12}}\n"
    )
    with pytest.raises(archdsl.SpecError, match=r"turned.yaml:7:8: error\[cannot-print\]: 'w_in' differs"):
        archdsl.emit(path, style="parametric")


def test_bodies_of_a_choice_with_other_strides_before_a_linear_layer():
    bodies = {
        "k2": [{"conv": {"out": "c", "stride": 2}}],
        "k4": [{"conv": {"out": "c", "stride": 4}}],
        "k1": [{"conv": "c"}],
    }
    stages = {"stem": [{"choice": "kind", "of": bodies}, {"max_pool": None, "when": "pool"}]}
    stages |= {"body": {"repeat": 2, "body": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}]}}
    stages |= {"head": [{"conv": "c"}, "flatten", {"linear": 5}]}
    variants = {"b": {"kind": "k4"}, "c": {"kind": "k1", "pool": False}}
    tree = spec(stages, {"kind": "k2", "c": 8, "pool": True}, variants=variants)
    check(tree, {}, {"kind": "k4"}, {"kind": "k1", "c": 3}, {"kind": "k4", "pool": False})


def test_a_size_that_a_stride_or_the_input_decides():
    tree = spec({"stem": [{"conv": {"out": 4, "stride": "s"}}, "flatten", {"linear": 5}]}, {"s": 1})
    tree["variants"] = {"half": {"s": 2}, "wide": {"input": [3, 8, 24]}}
    check(tree, {}, {"s": 2}, {"s": 3})
    source = archdsl.emit(tree, style="parametric")
    assert "4 * ((image_size[0] - 1) // s + 1) * ((image_size[1] - 1) // s + 1), 5" in source
    assert '"wide": {"image_size": (8, 24)}' in source


def test_a_size_behind_a_param_is_no_constant_though_no_variant_changes_it():
    check(spec({"stem": [{"conv": {"out": 4, "stride": "s"}}, "flatten", {"linear": 5}]}, {"s": 2}), {"s": 1}, {"s": 3})
    tokens = {"rearrange": "c h w -> (h w) c"}
    tree = spec({"patches": [{"conv": {"out": 4, "kernel": "p", "stride": "p", "padding": 0}}, tokens]}, {"p": 8})
    inner = [{"linear": {"out": 6, "axis": "w"}}, {"linear": {"out": "c_in", "axis": "w"}}]
    tree["blocks"] = {"Mix": [{"rearrange": "l c -> c l"}, *inner]}
    tree["stages"]["mixer"] = ["Mix"]
    check(tree, {"p": 4}, {"p": 2})


def test_a_rate_or_a_word_behind_a_param_does_not_hide_the_size_of_the_last_axis():
    mlp = [
        {"linear": {"out": "n", "axis": "w"}},
        {"act": "kind"},
        {"dropout": "p"},
        {"linear": {"out": "w_in", "axis": "w"}},
    ]
    stages = {"a": [{"rearrange": "c h w -> (h w) c"}, {"Mlp": 6}, {"rearrange": "l c -> c l"}, {"Mlp": 7}]}
    tree = spec(stages, {"p": 0.1, "kind": "gelu"}, blocks={"Mlp": {"params": ["n"], "body": mlp}})
    check(tree, {}, {"p": 0.0, "kind": "silu"})
    assert "nn.Linear(n, w_in)" in archdsl.emit(tree)


def test_a_map_that_is_never_the_smaller_one_says_the_channels_of_a_formula():
    weights = [{"param": {"shape": [2, 1, 1], "init": 1}}, {"split": 2, "as": ["a", "b"]}]
    fuse = [*weights, {"formula": "input * a + other * b"}, {"conv": 8}]
    stages = {"a": [{"conv": "w", "as": "p"}, {"conv": "w", "as": "q"}, {"Fuse": {"other": "q"}, "from": "p"}]}
    tree = spec(stages, {"w": 4}, blocks={"Fuse": {"inputs": ["other"], "body": fuse}}, variants={"b": {"w": 6}})
    check(tree, {}, {"w": 6}, {"w": 5})


def test_a_backbone_is_refused_where_another_variant_computes_more_than_leads_to_its_maps():
    table = {"for": "c", "in": "rows", "body": [{"conv": {"out": "c", "stride": 2}}]}
    tree = spec({"a": table}, {"rows": [4]}, variants={"one": {}, "two": {"rows": [4, 8]}})
    with pytest.raises(archdsl.SpecError, match="another variant has steps that none of the maps"):
        archdsl.emit(tree, "one", style="parametric", features_only=["a.0"])


def test_a_param_of_the_file_that_is_always_what_another_one_is_comes_once():
    source = archdsl.emit("mobilenet_v3", style="parametric")
    assert "self.expand = ConvBNAct(c_in, hidden, norm, padding=padding, act=act)" in source
    assert "padding_2" not in source


def test_a_word_that_is_none_of_a_choice_is_refused_by_the_class():
    bodies = {"a": [{"conv": 4}], "b": [{"conv": {"out": 4, "kernel": 3}}], "c": ["relu", {"conv": 4}]}
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": [3, 8, 8],
        "params": {"kind": "a"},
        "blocks": {"Unit": {"params": ["kind"], "body": [{"choice": "kind", "of": bodies}]}},
        "stages": {"a": [{"Unit": "kind"}], "b": [{"relu": None}]},
        "variants": {word: {"kind": word} for word in bodies},
    }
    names: dict[str, object] = {}
    exec(archdsl.emit(spec, "a", style="parametric"), names)
    assert names["Net"](kind="b").a.b.kernel_size == (3, 3)
    with pytest.raises(ValueError, match="kind is one of a, b, c"):
        names["Net"](kind="d")
    rows = ((16, 1, ("skip",)), (24, 2, ("k3_e3",)), (24, 1, ("k7_e6", "typo")), (352, 2, ("k5_e6",)))
    exec(archdsl.emit("fbnet", "a", style="parametric"), names)
    with pytest.raises(ValueError, match=r"op is one of k3_e1, .*, skip$"):
        names["FBNet"](rows=rows)


@pytest.mark.parametrize("conditions", [("more", "more"), ("more", "not more"), ("not more", "more")])
def test_steps_side_by_side_under_one_condition_or_its_opposite_are_made_under_one_if(conditions):
    steps = [{"when": condition, "conv": width} for condition, width in zip(conditions, (6, 7), strict=True)]
    tree = spec({"a": [{"conv": 4}, *steps]}, {"more": False}, variants={"plain": {}, "more": {"more": True}})
    text = archdsl.emit(tree, "plain", style="parametric")
    assert len(re.findall("if (not )?more:", text)) == 1
    assert ("else:" in text) == (conditions[0] != conditions[1])
    check(tree, {}, {"more": True})


def test_no_classes_are_refused_by_a_class_that_is_a_classifier_in_some_variants_alone():
    names: dict[str, object] = {}
    exec(archdsl.emit("espnet_v2", style="parametric"), names)
    with pytest.raises(ValueError, match="num_classes must be at least 1"):
        names["ESPNetV2"](num_classes=0)
