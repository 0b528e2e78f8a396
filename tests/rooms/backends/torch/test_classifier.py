"""What an emitted classifier offers its users beside its forward: features, another head, other image channels."""

from __future__ import annotations

import copy
import inspect
from functools import cache

import pytest
import torch
from support.nets import SPECS, filled, graph_of, images, run
from torch.nn.functional import interpolate

import archdsl
from archdsl.runtime import module

NO_CLASSIFIERS = {"espnet", "espnet_v2", "pelee"}  # none has an argument for the channels of the image
every_classifier = pytest.mark.parametrize("name", [name for name in SPECS if name not in NO_CLASSIFIERS])


@cache
def kind_of(name):
    return module.network_class(graph_of(name))


def made(name, **arguments):
    torch.manual_seed(0)
    return kind_of(name)(**arguments).eval()


def shaped(name, **arguments):
    """The network without numbers: what it gives has a shape alone."""
    with torch.device("meta"):
        return made(name, **arguments)


def empty(name):
    return tuple(image.to("meta") for image in images(name))


def takes(name, argument):
    return argument in inspect.signature(kind_of(name)).parameters


def test_nearly_all_shipped_networks_are_classifiers():
    texts = {name: archdsl.emit(graph_of(name)) for name in SPECS}
    assert {name for name, text in texts.items() if "in_chans" not in text} == NO_CLASSIFIERS
    assert all("def reset_classifier" in text for name, text in texts.items() if name not in NO_CLASSIFIERS)


@every_classifier
def test_the_forward_is_features_and_head(name):
    net = shaped(name)
    if not hasattr(net, "forward_features"):
        pytest.skip("its head is the whole of it")
    (x,) = empty(name)
    features = net.forward_features(x)
    assert features.dim() >= 3
    assert features.shape[-1] < x.shape[-1]


@every_classifier
def test_another_number_of_classes_is_another_last_layer_and_nothing_else(name):
    net, other = shaped(name), shaped(name, num_classes=7)
    (scores,) = run(other, empty(name))
    assert scores.shape[1] == 7
    mine, theirs = net.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    changed = {key for key in mine if mine[key].shape != theirs[key].shape}
    assert {key.rpartition(".")[2] for key in changed} <= {"weight", "bias", "running_mean", "running_var"}
    with torch.device("meta"):
        net.reset_classifier(7)
    assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in theirs.items()}
    (scores,) = run(net, empty(name))
    assert scores.shape[1] == 7


@every_classifier
def test_without_classes_the_network_gives_what_enters_its_last_layer(name):
    net, bare = copy.deepcopy(filled(name)), shaped(name, num_classes=0)
    dropped = net.state_dict().keys() - bare.state_dict().keys()
    last = [part for path, part in net.named_modules() if path and all(key.startswith(f"{path}.") for key in dropped)][
        -1
    ]
    seen = []
    last.register_forward_hook(lambda layer, inputs, output: seen.append((*inputs, output)))
    (scores,) = run(net, images(name))
    ((entering, given),) = seen
    assert given.shape[1] == scores.shape[1]
    assert sum(p.numel() for p in bare.parameters()) == sum(p.numel() for p in net.parameters()) - sum(
        p.numel() for p in last.parameters()
    )
    wanted = bare.state_dict().keys()
    kept = {k: v for k, v in net.state_dict().items() if k in wanted}
    bare.load_state_dict(kept, strict=True, assign=True)
    (features,) = run(bare, images(name))
    assert features.shape[1] == entering.shape[1]
    net.reset_classifier(0)
    assert torch.equal(run(net, images(name))[0], features)


@every_classifier
def test_images_of_other_channels_change_what_reads_the_image_alone(name):
    net, grey = shaped(name), shaped(name, in_chans=1)
    (x,) = empty(name)
    assert run(grey, (x[:, :1],))[0].shape == run(net, (x,))[0].shape
    before, after = net.state_dict(), grey.state_dict()
    assert before.keys() == after.keys()
    assert 1 <= sum(before[key].shape != after[key].shape for key in before) <= 4


@every_classifier
def test_the_last_pooling_can_be_a_maximum(name):
    if not takes(name, "global_pool"):
        pytest.skip("its last pooling is part of a block")
    peak = shaped(name, global_pool="max")
    peak.load_state_dict(filled(name).state_dict(), assign=True)
    larger = [interpolate(x, scale_factor=2) for x in images(name)]  # a map of several values
    (a,), (b,) = run(filled(name), larger), run(peak, larger)
    assert (a - b).abs().max() > 1e-3 * b.abs().max()
    with pytest.raises(ValueError, match=r"^global_pool is one of avg, max$"):
        shaped(name, global_pool="median")


def test_no_classes_are_refused_where_scores_have_no_layer_that_could_be_left_out():
    stages = {"a": [{"conv": 4}], "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}, "bn"]}
    names: dict[str, object] = {}
    exec(archdsl.emit({**SCORED, "stages": stages}), names)
    with pytest.raises(ValueError, match="num_classes must be at least 1"):
        names["Net"](num_classes=0)
    stages["head"][2:] = [{"when": "num_classes > 0", "body": [{"linear": "num_classes"}, "bn"]}]
    exec(
        archdsl.emit({**SCORED, "stages": stages, "variants": {"bare": {"num_classes": 0}}}, style="parametric"), names
    )
    assert names["Net"](num_classes=0).eval()(torch.zeros(2, 4, 8, 8)).shape == (2, 4)


def test_a_network_that_is_no_classifier_has_nothing_of_it():
    spec = {
        "archdsl": 1,
        "name": "Heads",
        "input": [3, 8, 8],
        "params": {"num_classes": 4},
        "stages": {
            "trunk": [{"conv": 8}],
            "scores": [{"conv": "num_classes"}],
            "boxes": [{"from": "trunk", "conv": 4}],
        },
        "outputs": {"scores": "scores", "boxes": "boxes"},
    }
    text = archdsl.emit(spec)
    assert "reset_classifier" not in text
    assert "in_chans" not in text


SCORED = {"archdsl": 1, "name": "Net", "input": [4, 8, 8], "params": {"num_classes": 10}}


def test_a_block_of_the_last_layer_and_a_norm_is_made_anew_as_a_whole():
    blocks = {"Scores": {"params": ["out"], "body": [{"linear": "out"}, "bn"]}}
    stages = {"a": [{"conv": 4}], "head": ["global_avg_pool", "flatten", {"Scores": "num_classes"}]}
    net = archdsl.build({**SCORED, "blocks": blocks, "stages": stages}).eval()
    for classes, width in ((7, 7), (0, 4), (5, 5)):
        net.reset_classifier(classes)
        assert net(torch.zeros(2, 4, 8, 8)).shape == (2, width)


@pytest.mark.parametrize(
    "head",
    [
        ["global_avg_pool", "flatten", {"linear": "num_classes"}, "bn"],
        [{"Head": "num_classes"}],
    ],
    ids=["beside it", "in a block with the pooling"],
)
def test_a_last_layer_is_not_exchanged_without_the_norm_of_its_scores(head):
    blocks = {"Head": {"params": ["out"], "body": ["global_avg_pool", "flatten", {"linear": "out"}, "bn"]}}
    used = blocks if "Head" in head[0] else {}
    spec = {**SCORED, "blocks": used, "stages": {"a": [{"conv": 4}], "head": head}}
    assert not hasattr(archdsl.build(spec), "reset_classifier")
    assert archdsl.build(spec, num_classes=7).eval()(torch.zeros(2, 4, 8, 8)).shape == (2, 7)
    with pytest.raises(archdsl.SpecError):
        archdsl.build(spec, num_classes=0)


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet"])
def test_build_takes_what_the_class_takes(name):
    size = {"input": [3, 64, 64], "num_classes": 0, "dropout": 0}
    net = archdsl.build(name, **size, in_chans=1, global_pool="max").eval()
    whole = archdsl.build(name, input=[3, 64, 64], dropout=0)
    bare = type(whole)(num_classes=0, in_chans=1, global_pool="max").eval()
    bare.load_state_dict(net.state_dict())
    x = torch.randn(2, 1, 64, 64)
    assert torch.equal(net(x), bare(x))
    assert {part.p for part in net.modules() if isinstance(part, torch.nn.Dropout)} == {0}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"in_chans": 1, "num_clases": 7}, "has no param 'num_clases'"),
        ({"input": [3, 64, 64], "in_chan": 1}, "has no param 'in_chan'"),
        ({"features_only": True, "global_pool": "max"}, "has no param 'global_pool'"),
    ],
)
def test_build_refuses_what_neither_spec_nor_class_takes(params, message):
    with pytest.raises(archdsl.SpecError, match=message):
        archdsl.build("squeezenet", **params)


INITIALISED = {
    **SCORED,
    "params": {"num_classes": 10, "dropout": 0.5, "plain": False, "aux": False},
    "init": {
        "when": "not plain",
        "linear": {"weight": {"normal": 0.5}, "bias": {"constant": 3}},
        "scores.3": {"weight": {"constant": 2}},
    },
    "stages": {
        "a": [{"conv": 64}, "bn"],
        "scores": [
            "global_avg_pool",
            "flatten",
            {"dropout": "dropout"},
            {"linear": {"out": "num_classes", "bias": "not plain"}},
        ],
        "end": ["softmax"],
        "extra": {"from": "a", "training": True, "when": "aux", "body": ["global_avg_pool", {"conv": "num_classes"}]},
    },
    "variants": {"one": {}, "plain": {"plain": True}, "aux": {"aux": True}},
}


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_a_new_last_layer_has_the_initialisation_the_type_and_the_mode_of_the_network(style):
    names: dict[str, object] = {}
    exec(archdsl.emit(INITIALISED, "one", style=style), names)
    net = names["Net"]().bfloat16().eval()
    net.reset_classifier(7)
    layer = net.get_classifier()
    assert layer is net.scores[-1]
    assert (layer.weight.dtype, layer.training, layer.weight.shape) == (torch.bfloat16, False, (7, net.num_features))
    assert torch.all(layer.weight == 2)
    assert torch.all(layer.bias == 3)
    net.train().reset_classifier(5)
    assert net.scores[-1].training
    if style == "parametric":
        plain = names["Net"](plain=True)
        plain.reset_classifier(7)
        assert plain.scores[-1].bias is None
        assert plain.scores[-1].weight.std() < 0.2


@pytest.mark.parametrize("variant", ["one", "aux"])
def test_without_classes_there_are_no_probabilities_either(variant):
    net = archdsl.build(INITIALISED, variant, num_classes=0).eval()
    x = torch.randn(2, 4, 8, 8)
    features = net.forward_features(x).mean((2, 3))
    assert torch.equal(net(x), features)
    torch.testing.assert_close(net.forward_head(net.forward_features(x)), features)
    net.reset_classifier(7)
    torch.testing.assert_close(net(x).sum(1), torch.ones(2))
    net.reset_classifier(0)
    assert torch.equal(net(x), features)
    assert not any(part.training for part in net.modules())


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_auxiliary_heads_keep_their_classes_where_there_are_to_be_none(style):
    names: dict[str, object] = {}
    exec(archdsl.emit(INITIALISED, "aux", style=style), names)
    arguments = names["VARIANTS"]["aux"] if style == "parametric" else {}
    net, reset = names["Net"](**{**arguments, "num_classes": 0}), names["Net"](**arguments)
    reset.reset_classifier(0)
    port = archdsl.port(names["Net"](**arguments).state_dict(), INITIALISED, "aux", num_classes=0)
    graph = archdsl.graph(INITIALISED, "aux", num_classes=0)
    same = archdsl.build(graph, verify=True)
    for other in (same, reset, archdsl.build(INITIALISED, "aux", num_classes=0)):
        other.load_state_dict(port.state)
    net.load_state_dict(port.state)
    assert net(torch.randn(2, 4, 8, 8)).extra.shape == (2, 10, 1, 1)
    assert sum(p.numel() for p in net.parameters()) == archdsl.cost(INITIALISED, "aux", num_classes=0).params
    assert names["Net"](**{**arguments, "num_classes": 7})(torch.randn(2, 4, 8, 8)).extra.shape == (2, 7, 1, 1)


def test_a_param_of_the_number_of_classes_is_that_of_auxiliary_heads_too():
    stages = {
        "a": [{"conv": 8}],
        "extra": {"from": "a", "training": True, "body": ["global_avg_pool", "flatten", {"linear": "wide"}]},
        "head": {"from": "a", "body": ["global_avg_pool", "flatten", {"linear": "num_classes"}]},
    }
    spec = {**SCORED, "params": {**SCORED["params"], "wide": "num_classes * 2"}, "stages": stages}
    names: dict[str, object] = {}
    exec(archdsl.emit(spec, style="parametric"), names)
    built = archdsl.build(spec, num_classes=0)
    names["Net"](num_classes=0).load_state_dict(built.state_dict())
    assert built.extra[-1].out_features == archdsl.graph(spec).params["wide"] > 0


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_the_features_of_a_network_of_tokens_are_the_tokens_that_enter_its_head(style):
    tokens = {"rearrange": {"pattern": "c h w -> (h w) c"}}
    stages = {
        "embed": [{"conv": {"out": 8, "kernel": 4, "stride": 4, "padding": 0}}, tokens],
        "blocks": [{"residual": [{"layer_norm": {"axis": "w"}}, {"linear": {"out": 8, "axis": "w"}}]}],
        "head": [{"select": 0}, {"linear": "num_classes"}],
    }
    names: dict[str, object] = {}
    exec(archdsl.emit({**SCORED, "stages": stages}, style=style), names)
    net, x = names["Net"]().eval(), torch.randn(2, 4, 8, 8)
    features = net.forward_features(x)
    assert features.shape == (2, 4, 8)
    assert torch.equal(net.forward_head(features), net(x))


def test_a_last_layer_is_kept_where_the_probabilities_of_its_scores_stand_in_a_block():
    blocks = {"End": {"body": ["softmax"]}}
    stages = {"a": [{"conv": 4}], "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}, "End"]}
    spec = {**SCORED, "blocks": blocks, "stages": stages}
    assert not hasattr(archdsl.build(spec), "reset_classifier")
    with pytest.raises(archdsl.SpecError):
        archdsl.build(spec, num_classes=0)


def test_every_function_takes_what_build_takes(tmp_path):
    given = {"in_chans": 1, "num_classes": 0, "global_pool": "max"}
    net = archdsl.build(INITIALISED, "one", **given).eval()
    graph = archdsl.graph(INITIALISED, "one", **given)
    assert (graph.inputs["x"].shape, graph.outputs["output"].shape) == ((1, 8, 8), (64,))
    same = archdsl.build(graph, verify=True).eval()
    same.load_state_dict(net.state_dict())
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(same(x), net(x))
    names: dict[str, object] = {}
    exec(archdsl.emit(INITIALISED, "one", **given), names)
    assert names["Net"]().state_dict().keys() == net.state_dict().keys()
    assert archdsl.cost(INITIALISED, "one", **given).params == sum(p.numel() for p in net.parameters())
    assert "64" in archdsl.draw(INITIALISED, variant="one", **given)
    state = archdsl.port(net.state_dict(), INITIALISED, "one", **given).state
    assert all(torch.equal(state[key], value) for key, value in net.state_dict().items())
    archdsl.export_onnx(INITIALISED, tmp_path / "net.onnx", "one", weights=state, **given)
    assert archdsl.cost(INITIALISED, "one", num_classes=10, dropout=0).params == archdsl.cost(INITIALISED, "one").params
    backbone = archdsl.build(INITIALISED, "one", features_only=True, in_chans=2)
    assert backbone.a[0].in_channels == 2


def every_variant(spec):
    """The class of all variants, as each of them emits it, with the arguments that make each."""
    for emitted in spec["variants"]:
        names: dict[str, object] = {}
        exec(archdsl.emit(spec, emitted, style="parametric"), names)
        for variant, arguments in names["VARIANTS"].items():
            yield variant, names["Net"](**arguments).eval()


POOLED = ["global_avg_pool"]
OPTIONAL_STEPS = {
    "before it": [*POOLED, {"when": "more", "body": [{"conv": 9}, "relu"]}, {"conv": "num_classes"}, "flatten"],
    "behind it": [*POOLED, {"conv": "num_classes"}, {"when": "more", "flatten": None}],
}


@pytest.mark.parametrize("place", OPTIONAL_STEPS)
def test_the_last_layer_is_found_beside_steps_that_only_some_variants_have(place):
    spec = {
        **SCORED,
        "params": {"num_classes": 10, "more": False},
        "stages": {"a": [{"conv": 8}], "head": OPTIONAL_STEPS[place]},
        "variants": {"plain": {}, "more": {"more": True}},
    }
    x = torch.randn(2, 4, 8, 8)
    for variant, net in every_variant(spec):
        assert (net.get_classifier().out_channels, net.num_features) == (10, net.get_classifier().in_channels)
        net.reset_classifier(7)
        graph = archdsl.build(spec, variant, num_classes=7).eval()
        graph.load_state_dict(net.state_dict())
        assert torch.equal(net(x), graph(x))


def test_a_last_layer_that_stands_at_another_place_in_each_variant_is_not_exchanged():
    steps = [*POOLED, {"when": "more", "conv": 9}, {"conv": "num_classes"}, {"when": "flat", "flatten": None}]
    spec = {
        **SCORED,
        "params": {"num_classes": 10, "more": False, "flat": False},
        "stages": {"a": [{"conv": 8}], "head": steps},
        "variants": {"plain": {}, "more": {"more": True}, "flat": {"flat": True}},
    }
    for _, net in every_variant(spec):
        assert not hasattr(net, "reset_classifier")


def test_scores_without_a_layer_of_their_own_have_features_and_channels_of_the_image_too():
    along = [
        {"rearrange": {"pattern": "(n c) h w -> n c h w", "n": 1}},
        {"conv": {"out": 1, "kernel": ["c_in - num_classes + 1", "h_in", "w_in"], "padding": 0}},
        "flatten",
    ]
    pooled = [*POOLED, "flatten", {"linear": "num_classes"}]
    spec = {
        **SCORED,
        "params": {"num_classes": 10, "width": 16, "along": False},
        "blocks": {"Along": {"body": along}, "Pooled": {"body": pooled}},
        "stages": {
            "a": [{"conv": "width"}],
            "head": [{"when": "along", "Along": None}, {"when": "not along", "Pooled": None}],
        },
        "variants": {"pooled": {}, "along": {"along": True}},
    }
    x = torch.randn(2, 4, 8, 8)
    for variant, net in every_variant(spec):
        own = archdsl.build(spec, variant).eval()
        own.load_state_dict(net.state_dict())
        assert torch.equal(net(x), own(x))
        assert torch.equal(net.forward_head(net.forward_features(x)), own.forward_head(own.forward_features(x)))
        grey = [type(one)(in_chans=1).eval()(x[:, :1]).shape for one in (net, own)]
        assert grey == [(2, 10), (2, 10)]
        assert hasattr(own, "reset_classifier") is (variant == "pooled")
        assert "or its features" in type(own).forward_head.__doc__ or variant == "along"


WIDE = {"linear": {"out": "num_classes", "bias": False}}
OTHER_LAYERS = {
    "in a chain": {"when": "kind == 'bare'", **WIDE, "else": [{"linear": "num_classes"}]},
    "of another op": {
        "when": "kind == 'bare'",
        "learned_linear": {"out": "num_classes", "condense": 2},
        "else": [{"linear": "num_classes"}],
    },
}


@pytest.mark.parametrize("kind", OTHER_LAYERS)
def test_a_last_layer_of_another_kind_in_some_variants_is_exchanged_for_one_of_its_kind(kind):
    spec = {
        **SCORED,
        "params": {"num_classes": 10, "kind": "plain"},
        "init": {"linear": {"weight": {"constant": 2}, "bias": {"constant": 3}}},
        "stages": {"a": [{"conv": 8}], "head": [*POOLED, "flatten", OTHER_LAYERS[kind]]},
        "variants": {"plain": {}, "bare": {"kind": "bare"}},
    }
    x = torch.randn(2, 4, 8, 8)
    for variant, net in every_variant(spec):
        layer, others = net.get_classifier(), [7, 0, 5]
        for classes in others:
            net.reset_classifier(classes)
            graph = archdsl.build(spec, variant, num_classes=classes).eval()
            assert repr(net.get_classifier()) == repr(graph.head[-1])
            assert all(map(torch.equal, initialised(net.head[-1]), initialised(graph.head[-1])))
            graph.load_state_dict(net.state_dict())
            assert torch.equal(net(x), graph(x))
        assert (type(layer), layer.in_features) == (type(net.get_classifier()), net.num_features)


def initialised(layer):
    return [tensor for part in layer.modules() if isinstance(part, torch.nn.Linear) for tensor in part.parameters()]


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_a_block_that_compares_its_channels_takes_those_of_the_image_too(style):
    block = {"params": ["out"], "body": [{"residual": {"if": "c_in == out", "body": [{"conv": "out"}]}}, "relu"]}
    stages = {"a": [{"Unit": 5}, {"Unit": 5}], "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}]}
    spec = {**SCORED, "blocks": {"Unit": block}, "stages": stages, "variants": {"one": {}}}
    names: dict[str, object] = {}
    exec(archdsl.emit(spec, "one", style=style), names)
    for channels in (1, 5):
        net = names["Net"](in_chans=channels).eval()
        graph = archdsl.build(spec, in_chans=channels).eval()
        graph.load_state_dict(net.state_dict())
        x = torch.randn(2, channels, 8, 8)
        assert torch.equal(net(x), graph(x))


@pytest.mark.parametrize("stage", ["head", "end"])
def test_probabilities_that_only_some_variants_give_come_and_go_with_the_classes(stage):
    soft = {"when": "soft", "softmax": None}
    stages = {"a": [{"conv": 8}], "head": [*POOLED, "flatten", {"linear": "num_classes"}]}
    stages[stage] = [*stages.get(stage, []), soft]
    spec = {
        **SCORED,
        "params": {"num_classes": 10, "soft": False},
        "stages": stages,
        "variants": {"plain": {}, "soft": {"soft": True}},
    }
    x = torch.randn(2, 4, 8, 8)
    for variant, net in every_variant(spec):
        for classes in (7, 0, 5):
            net.reset_classifier(classes)
            graph = archdsl.build(spec, variant, num_classes=classes).eval()
            graph.load_state_dict(net.state_dict())
            assert torch.equal(net(x), graph(x))
        assert torch.allclose(net(x).sum(1), torch.ones(2)) == (variant == "soft")
