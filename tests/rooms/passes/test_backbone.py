"""Backbones: a network that gives the maps of chosen stages, with the weights of the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.nets import SPECS, graph_of, images, variant_of

import archdsl
from archdsl.expr.nodes import Lit
from archdsl.passes import pipeline
from archdsl.passes.backbone import backbone
from archdsl.passes.features import pyramid
from archdsl.runtime import module


@pytest.mark.parametrize("name", SPECS)
def test_a_backbone_gives_the_maps_that_the_whole_network_computes(name):
    torch.manual_seed(0)
    shapes = {key: tensor.shape for key, tensor in graph_of(name).inputs.items()}
    graph = archdsl.graph(name, variant_of(name), input=shapes, features_only=True)
    whole = module.build(graph_of(name)).eval()
    with torch.device("meta"):  # it gets the weights of the whole
        net = module.build(graph).eval()
    weights = whole.state_dict()
    assert net.state_dict().keys() <= weights.keys()
    net.load_state_dict({key: weights[key] for key in net.state_dict()}, assign=True)
    stages = pyramid(graph_of(name))
    seen = {}
    for stage in stages:
        try:
            part = whole.get_submodule(stage)
        except AttributeError:  # a stage that is no chain is no module
            continue
        part.register_forward_hook(lambda part, inputs, output, stage=stage: seen.setdefault(stage, output))
    with torch.no_grad():
        whole(*images(name))
        maps = net(*images(name))
    maps = maps if isinstance(maps, tuple) else (maps,)
    assert [tuple(m.shape[1:]) for m in maps] == [t.shape for t in graph.outputs.values()]
    assert len({m.shape[-1] for m in maps}) == len(maps) >= 3
    assert len(seen) >= 1
    for stage, found in zip(stages, maps, strict=True):
        if stage in seen:
            torch.testing.assert_close(found, seen[stage])


SHARED = """archdsl: 1
name: Shared
input: [3, 8, 8]
stages:
  low: [conv: 4, {conv: 4, name: mix}]
  high: {from: input, body: [{conv: {out: 4, stride: 2}}, {conv: , share: low.mix}]}
  both: [upsample: {like: low}, add: [identity, low]]
"""


def test_a_stage_that_runs_the_module_of_another_is_cut_off_with_it_or_not_at_all(tmp_path):
    path = tmp_path / "shared.yaml"
    path.write_text(SHARED)
    net = archdsl.build(path, features_only=["low", "high"])
    assert list(net.state_dict()) == [f"{key}.{name}" for key in KEYS for name in ("weight", "bias")]
    with pytest.raises(archdsl.SpecError, match="'high' runs a module of 'low', which leads to none of these maps"):
        archdsl.build(path, features_only=["high"])


KEYS = ("low_conv", "low_mix", "high")
MIDDLES = {("pelee", "res19")}  # reads the middle of a row of which the rest would be idle


@pytest.mark.parametrize("name", SPECS)
def test_a_backbone_of_one_map_holds_what_leads_to_it_and_no_more(name):
    whole = graph_of(name)
    paths = {node.path: node.shape for node in whole.nodes}
    shapes = {key: tensor.shape for key, tensor in whole.inputs.items()}
    for stage in pyramid(whole):
        if (name, stage) in MIDDLES:
            continue
        part = archdsl.graph(name, variant_of(name), input=shapes, features_only=[stage])
        assert all(paths[node.path] == node.shape for node in part.nodes)
        (output,) = part.outputs.values()
        read = {id(tensor) for node in part.nodes for tensor in node.inputs} | {id(output)}
        assert all(any(id(made) in read for made in node.outputs) for node in part.nodes)


def test_what_runs_in_training_alone_is_no_feature():
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": [3, 32, 32],
        "stages": {
            "a": [{"conv": {"out": 4, "stride": 2}}],
            "extra": {"from": "a", "training": True, "body": [{"conv": 2}]},
            "b": {"from": "a", "body": [{"conv": {"out": 8, "stride": 2}}]},
        },
    }
    assert list(archdsl.graph(spec, features_only=True).outputs) == ["a", "b"]


def test_chosen_stages_alone_are_built():
    net = archdsl.build("mobilenet_v2", features_only=["stem", "bottlenecks.1"])
    assert len(net.bottlenecks) == 2
    assert not hasattr(net, "head")
    maps = net(torch.randn(1, 3, 64, 64))
    assert maps._fields == ("stem", "bottlenecks_1")
    assert [tuple(m.shape) for m in maps] == [(1, 32, 32, 32), (1, 24, 16, 16)]
    assert "class MobileNetV2Output(NamedTuple):" in archdsl.emit(
        "mobilenet_v2", features_only=["stem", "bottlenecks.1"]
    )


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["dens"], "did you mean 'dense'"),
        (["dense.stage9"], "there is no step 'stage9'"),
        ([], "at least one map"),
    ],
)
def test_a_stage_that_is_not_there_is_named(features, message):
    with pytest.raises(archdsl.SpecError, match=message):
        archdsl.graph("peleenet", features_only=features)


def test_an_input_that_leads_to_no_map_is_named_with_what_to_choose():
    stages = {"a": [{"conv": 8}], "b": {"from": "mask", "body": [{"conv": 8}]}, "c": [{"add": ["a", "b"]}]}
    tree = {"name": "Net", "inputs": {"image": [3, 8, 8], "mask": [1, 8, 8]}, "stages": stages}
    for features, message in (
        (["a"], "nothing reads the input 'mask' in a backbone"),
        (["mask"], "is an input of 'Net'"),
    ):
        with pytest.raises(archdsl.SpecError, match=message):
            archdsl.graph(tree, features_only=features)
    with pytest.raises(archdsl.SpecError) as error:
        archdsl.graph(tree, features_only=["b"])
    assert error.value.diagnostics[0].help == "name the maps, and among them one that this input leads to: a, c"
    assert list(archdsl.graph(tree, features_only=["a", "b"]).outputs) == ["a", "b"]


def test_a_stage_with_further_results_is_none_of_all_maps():
    stages = {"a": [{"conv": {"out": 8, "stride": 2}}], "b": [{"conv": {"out": 8, "stride": 2}}]}
    stages["heads"] = [{"fork": [{"conv": 4}, {"from": "a", "conv": 4}], "as": ["low", "high"]}, "low"]
    tree = {"name": "Net", "input": [3, 16, 16], "stages": stages}
    tree["outputs"] = {"low": "heads.low", "high": "heads.high"}
    assert list(archdsl.graph(tree, features_only=True).outputs) == ["a", "b"]


INNER = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 32, 32],
    "params": {"num_classes": 10},
    "blocks": {"Unit": {"params": ["out"], "body": [{"conv": {"out": "out", "kernel": 3}}, "bn", "relu"]}},
    "stages": {
        "stem": [{"conv": {"out": 4, "stride": 2}}, "relu"],
        "body": {
            "for": ["out", "n"],
            "in": [[8, 2], [12, 3], [16, 3]],
            "body": [
                {"repeat": "n", "body": [{"Unit": "out"}, {"drop_connect": "turn / turns"}]},
                {"max_pool": 2, "when": "not last"},
                {"conv": "out"},
            ],
        },
        "scores": [{"dropout": 0.5}, {"conv": "num_classes"}, "relu"],
        "pool": ["global_avg_pool", "flatten"],
    },
}


@pytest.mark.parametrize("features", [["body.1.3"], ["body.1.6", "body.0"], ["body.0.0"], ["stem.0"]])
def test_a_step_or_turn_inside_of_a_stage_is_a_feature_with_nothing_behind_it(features):
    torch.manual_seed(0)
    whole, part = archdsl.build(INNER).eval(), archdsl.build(INNER, features_only=features, verify=True).eval()
    weights, seen = whole.state_dict(), {}
    assert part.state_dict().keys() < weights.keys()
    part.load_state_dict({key: weights[key] for key in part.state_dict()})
    for feature in features:
        whole.get_submodule(feature).register_forward_hook(
            lambda module, inputs, output, feature=feature: seen.update({feature: output.clone()})
        )
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        whole(x)
        for feature, found in zip(features, part(x), strict=True):
            torch.testing.assert_close(found, seen[feature])
    nodes = {chosen: archdsl.graph(INNER, features_only=chosen or False).nodes for chosen in ((), tuple(features))}
    all_rates, rates = (
        {n.path: n.fields["p"] for n in found if n.op.name == "drop_connect"} for found in nodes.values()
    )
    assert rates.items() <= all_rates.items()


def test_what_follows_a_map_and_cannot_be_left_out_is_refused_at_its_place():
    steps = {**INNER["stages"]["body"], "body": [{"repeat": "n", "body": [{"Unit": "out"}, {"conv": "out"}]}]}
    spec = {**INNER, "stages": {**INNER["stages"], "body": steps}}
    assert list(archdsl.graph(spec, features_only=["body.0.2"]).outputs) == ["body_0_2"]
    with pytest.raises(archdsl.SpecError, match=r"the steps after a map in body\.1\.2 cannot"):
        archdsl.graph(spec, features_only=["body.1.2"])


@pytest.mark.parametrize("passes", [(), ("fold_batch_norm",)])
def test_a_backbone_that_would_be_another_network_is_refused_with_the_step(monkeypatch, passes):
    def wrong(spec, features, whole):
        found = backbone(spec, features, whole)
        return replace(found, params={**found.params, "width": replace(found.params["width"], default=Lit(12))})

    tree = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "params": {"width": 4}}
    tree["stages"] = {"a": [{"conv": "width"}, "bn"], "b": ["global_avg_pool", "flatten", {"linear": 2}]}
    monkeypatch.setattr(pipeline, "backbone", wrong)
    with pytest.raises(archdsl.SpecError, match=r"'a\.0' would be another step in this backbone than in 'Net'"):
        archdsl.graph(tree, features_only=["a"], passes=passes)


def test_maps_are_ordered_by_stride_numbered_and_never_those_of_the_classifier():
    graph = archdsl.graph(INNER, features_only=True)
    assert [(name, t.shape) for name, t in graph.outputs.items()] == [
        ("stem", (4, 16, 16)),
        ("body_0", (8, 8, 8)),
        ("body_2", (16, 4, 4)),
    ]
    assert list(archdsl.graph(INNER, features_only=True, out_indices=[-1, 0]).outputs) == ["body_2", "stem"]
    assert list(archdsl.graph(INNER, features_only=[1, "stem"]).outputs) == ["body_0", "stem"]
    espnet = archdsl.graph("espnet", "q3", features_only=True).outputs.values()
    assert [tensor.shape[-1] for tensor in espnet] == sorted((t.shape[-1] for t in espnet), reverse=True)
    assert [tensor.shape[0] for tensor in espnet] == [19, 131, 256]
    for wrong, text in (
        ({"features_only": [3]}, "'Net' has no map 3"),
        ({"out_indices": [0]}, "give features_only=True"),
        ({"features_only": ["stem", 0]}, "named twice"),
    ):
        with pytest.raises(archdsl.SpecError, match=text):
            archdsl.graph(INNER, **wrong)


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_a_backbone_says_what_its_maps_are(style):
    names: dict[str, object] = {}
    exec(archdsl.emit("peleenet", features_only=True, growth=24, style=style), names)
    assert names["PeleeNet"]().feature_info == [
        {"module": name, "num_chs": channels, "reduction": reduction}
        for name, channels, reduction in (
            ("stem", 32, 4),
            ("dense.stage1", 104, 8),
            ("dense.stage2", 200, 16),
            ("dense.stage4", 536, 32),
        )
    ]


@pytest.mark.parametrize("resized", ["adaptive_avg_pool", "adaptive_max_pool", "upsample"])
def test_the_tensor_that_gives_a_map_its_size_gives_it_no_reduction(resized):
    steps = [{"conv": {"out": 4, "stride": 8}, "as": "small"}, {"upsample": 4}, {resized: {"like": "small"}}]
    spec = {"archdsl": 1, "name": "Net", "input": [3, 32, 32], "stages": {"a": steps}}
    assert archdsl.build(spec, features_only=["a"]).feature_info == [{"module": "a", "num_chs": 4, "reduction": 8}]


def test_cost_and_draw_take_what_build_takes():
    cost, graph = archdsl.cost(INNER, features_only=True), archdsl.graph(INNER, features_only=True)
    assert [stage.name for stage in cost.stages] == ["stem", "body.0", "body.1", "body.2"]
    assert cost.params == sum(p.numel() for p in archdsl.build(graph).parameters())
    assert "scores" not in archdsl.draw(INNER, features_only=True, out_indices=[0, 1])
