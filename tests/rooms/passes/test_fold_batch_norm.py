"""Batch norms folded into layers: where, and where not, and that outputs stay what they are."""

from __future__ import annotations

import pickle

import pytest
import torch
from support.carried import assert_carried, count
from support.nets import (
    SPECS,
    assert_equal,
    exact,
    exact_outputs,
    graph_of,
    images,
    livened,
    run,
    shipped_spec,
    smallest_of,
    variant_of,
)
from support.proof import prove_what_prints
from torch import nn

import archdsl
from archdsl.diagnostics.spans import Source
from archdsl.passes.fold_batch_norm import fold_batch_norm
from archdsl.runtime import module
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.workspace.library import elaborated, rewritten

PASSES = ["fold_batch_norm"]
HEAD = "archdsl: 1\nname: Net\ninput: [4, 8, 8]\n"

# A network, how many batch norms it has and how many are left of them.
FOLDED = {
    "after a convolution": ("stages: {a: [{conv: {out: 6, kernel: 3, bias: false}}, bn, relu]}", 1, 0),
    "after one with a bias": ("stages: {a: [{conv: {out: 6, kernel: 3}}, bn: {affine: false, eps: 0.1}]}", 1, 0),
    "after a depthwise convolution": ("stages: {a: [{dwconv: {kernel: 3, multiplier: 2}}, bn]}", 1, 0),
    "after a grouped convolution": ("stages: {a: [{conv: {out: 6, groups: 2, stride: 2}}, bn]}", 1, 0),
    "after a transposed convolution": ("stages: {a: [{conv_transpose: 6}, bn]}", 1, 0),
    "after a transposed convolution in groups": (
        "stages: {a: [{conv_transpose: {out: 6, kernel: 3, padding: 1, groups: 2, bias: false}}, bn]}",
        1,
        0,
    ),
    "after a linear layer": ("stages: {a: [global_avg_pool, flatten, {linear: 5}, bn]}", 1, 0),
    "one after the other": ("stages: {a: [{conv: 6}, bn, bn, relu]}", 2, 0),
    "before a convolution without a border": (
        "stages: {a: [bn, {conv: {out: 6, kernel: 3, padding: 0, bias: false}}]}",
        1,
        0,
    ),
    "before a pointwise convolution in groups": ("stages: {a: [relu, bn, {conv: {out: 6, groups: 2}}]}", 1, 0),
    "before a depthwise convolution": ("stages: {a: [bn, {dwconv: {kernel: 3, padding: 0}}]}", 1, 0),
    "before a linear layer": ("stages: {a: [flatten, bn, {linear: {out: 5, bias: false}}]}", 1, 0),
    "before and after": ("stages: {a: [bn, {conv: 6}, bn, relu]}", 2, 0),
    "between two layers: into the first": ("stages: {a: [{conv: 6}, bn, {conv: 3}]}", 1, 0),
    "in the branches of a join": (
        "stages: {a: [{conv: 4}, {add: [[{conv: 4}, bn], [{dwconv: 3}, bn, relu], identity]}]}",
        2,
        0,
    ),
    "after either of two layers": (
        (
            "params: {wide: true}\n"
            "stages: {a: [{conv: {out: 6, kernel: 3}, when: wide, else: [{conv: {out: 6, bias: false}}]}, bn, relu]}\n"
            "variants: {w: {wide: true}, n: {wide: false}}"
        ),
        1,
        0,
    ),
    "after a list of steps": ("stages: {a: [[relu, {conv: 6}], bn, relu]}", 1, 0),
    "under a condition": (
        (
            "params: {norm: true}\nstages: {a: [{conv: {out: 6, bias: not norm}}, {bn: , when: norm}, relu]}\n"
            "variants: {y: {norm: true}, n: {norm: false}}"
        ),
        1,
        0,
    ),
    "in calls that differ": (
        (
            "blocks: {ConvBNReLU: {params: {out: , kernel: 1, norm: 1}, body: ["
            "conv: {out: out, kernel: kernel, bias: false}, {bn: , when: norm}, relu]}}\n"
            "stages: {a: [ConvBNReLU: 6, ConvBNReLU: {out: 5, kernel: 3, norm: 0}, ConvBNReLU: {out: 5, kernel: 3}]}"
        ),
        2,
        0,
    ),
    "in calls one after another": (
        (
            "blocks: {ConvBN: {params: [out], body: [conv: out, bn]}, BNConv: {body: [bn, conv: 4]}}\n"
            "stages: {a: [ConvBN: 5, ConvBN: 6, relu, BNConv, BNConv, {add: [identity, BNConv]}]}"
        ),
        5,
        0,
    ),
    "under a condition with an else": (
        (
            "blocks: {Unit: {params: [out, batch], body: ["
            "conv: {out: out, bias: false}, {bn: , when: batch == 1, else: [group_norm: 1]}, relu]}}\n"
            "stages: {a: [Unit: [6, 1], Unit: [6, 0]]}"
        ),
        1,
        0,
    ),
    "on either side of a condition": (
        (
            "blocks: {Unit: {params: [out, small], body: ["
            "conv: {out: out, bias: false}, {bn: {eps: 0.5}, when: small > 0, else: [bn]}, relu]}}\n"
            "stages: {a: [Unit: [6, 1], Unit: [6, 0]]}"
        ),
        2,
        0,
    ),
    "alone on its side of a condition, in a chain": (
        "stages: {a: [{repeat: 3, body: [{conv: 4}, {bn: , when: last, else: [relu]}]}]}",
        1,
        0,
    ),
    "without a scale and a shift": ("stages: {a: [conv: 4, bn: {affine: false}, relu]}", 1, 0),
    "behind a border of the map itself": (
        "stages: {a: [conv: {out: 4, kernel: 3, padding_mode: reflect}, bn, dwconv: {padding_mode: circular}, bn]}",
        2,
        0,
    ),
    "in a loop": ("stages: {a: [{repeat: 3, body: [conv: 4, bn, relu]}]}", 3, 0),
    "in a stage that joins, one of them before": (
        "stages: {a: [{conv: 4, as: left}, bn, {conv: 4}, bn, {add: [left, identity]}]}",
        2,
        0,
    ),
    "of which the tensor has a name": ("stages: {a: [{conv: 4}, {bn: , as: t}, relu, {add: [t, identity]}]}", 1, 0),
    "where another child of the chain is tapped by name": (
        "stages:\n  a: [{conv: 4, name: one}, bn, {relu: , name: two}, conv: 4]\n  b: [add: [a.two, identity]]",
        1,
        0,
    ),
}
LEFT = {
    "on what a join gives": "stages: {a: [{concat: [conv: 4, identity]}, bn, relu]}",
    "before a border of zeros": "stages: {a: [relu, bn, {conv: {out: 6, kernel: 3}}]}",
    "before a window that is not known": (
        "blocks: {U: {params: [k], body: [relu, bn, conv: {out: 4, kernel: k}]}}\nstages: {a: [U: 1]}"
    ),
    "before a transposed convolution": "stages: {a: [relu, bn, conv_transpose: 4]}",
    "where the layer's result is read elsewhere": ("stages: {a: [{conv: 4, as: t}, bn, relu, {add: [t, identity]}]}"),
    "where the norm's result is read elsewhere": (
        "stages: {a: [relu, {bn: , as: t}, {conv: 4}, {add: [t, identity]}]}"
    ),
    "where one side of a condition is no layer": (
        "params: {more: true}\nstages: {a: [relu, {conv: 4, when: more}, bn]}\nvariants: {n: {more: false}}"
    ),
    "where the layer's result is read on the same side of the condition": (
        "params: {norm: true}\nstages: {a: [{conv: 4, as: t}, {residual: {if: norm, body: [bn, relu]}}]}"
    ),
    "of a kernel that is a tensor": (
        "inputs: {x: [4, 8, 8], w: [16]}\nstages: {a: [{conv: {out: 4, weight: w}, from: x}, bn]}"
    ),
    "that is a stage": "stages: {a: [conv: 4], b: [bn], c: [relu]}",
    "where the layer is tapped": "stages:\n  a: [{conv: 4, name: one}, bn, relu]\n  b: [add: [a.one, identity]]",
    "where the norm is tapped": "stages:\n  a: [{conv: 4}, {bn: , name: n}, relu]\n  b: [add: [a.n, identity]]",
    "with a dropout between": "stages: {a: [conv: 4, dropout: 0.1, bn]}",
    "of another kind": "stages: {a: [conv: 4, group_norm: 2, conv: 4, instance_norm: {track_running_stats: true}]}",
    "of a kernel that is standardised": "stages: {a: [conv: {out: 4, kernel: 3, standardize: true}, bn]}",
    "of a layer on another axis than the channels": "stages: {a: [linear: {out: 8, axis: w}, bn, relu]}",
    "before a border of the map itself": "stages: {a: [relu, bn, {conv: {out: 6, kernel: 3, padding_mode: reflect}}]}",
}


def spec_of(text):
    head = HEAD.replace("input: [4, 8, 8]\n", "") if text.startswith("inputs:") else HEAD
    return read_spec(Source("net.yaml", head + text), base=None)


def graph(spec, variant=None, passes=PASSES):
    return elaborated(spec, variant, {}, None, rewritten(passes=passes))


def norms(found):
    return count(found.nodes, "bn")


@pytest.mark.parametrize("case", FOLDED)
def test_a_norm_is_folded(case, tmp_path):
    text, many, left = FOLDED[case]
    spec, file = spec_of(text), tmp_path / "net.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    assert norms(graph(spec, passes=())) == many
    assert norms(graph(spec)) == left
    for variant in spec.networks():
        assert prove_what_prints(graph(spec, variant)) == ["specialized", "parametric"]
        assert_carried(file, variant, PASSES)


@pytest.mark.parametrize("case", LEFT)
def test_a_norm_stays_as_it_is(case):
    spec = spec_of(LEFT[case])
    whole = graph(spec, passes=())
    assert norms(graph(spec)) == norms(whole)
    assert archdsl.emit(graph(spec)) == archdsl.emit(whole)


@pytest.mark.parametrize("name", SPECS)
def test_the_outputs_of_a_shipped_network_stay_what_they_are(name):
    inputs, net = [x.double() for x in images(name)], exact(name)
    shapes = {key: tensor.shape for key, tensor in graph_of(name).inputs.items()}
    folded = archdsl.convert(net, name, variant_of(name), input=shapes, passes=PASSES)
    assert_equal(run(folded, inputs), exact_outputs(name), 1e-5)
    made = archdsl.graph(name, variant_of(name), input=shapes, passes=PASSES)
    assert sum(p.numel() for p in folded.parameters()) == archdsl.cost(made).params
    assert norms(made) < norms(graph_of(name)) or norms(made) == norms(graph_of(name)) == KEPT.get(name, 0)


OTHERS = [
    (name, variant) for name in SPECS for variant in shipped_spec(name).networks()[2::6]
]  # what is folded is symbolic


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), OTHERS)
def test_the_outputs_of_other_variants_stay_what_they_are(name, variant):
    torch.manual_seed(0)
    whole = archdsl.graph(name, variant)
    entering = smallest_of(whole)
    inputs = [torch.randn(8, *shape) for shape in entering.values()]
    net = livened(archdsl.graph(name, variant, input=entering), inputs).double()
    folded = archdsl.convert(net, name, variant, input=entering, passes=PASSES)
    assert_equal(run(folded, [x.double() for x in inputs]), run(net, [x.double() for x in inputs]), 1e-5)
    archdsl.build(archdsl.graph(name, variant, input=entering, passes=PASSES), verify=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_the_class_of_all_variants_is_folded_too(name):
    assert module.one_of_all(archdsl.graph(name, variant_of(name), passes=PASSES))


KEPT = {"condensenet": 49}  # every norm is on a concatenation or after a learned group convolution


def test_a_layer_keeps_its_key_and_the_norm_has_none():
    keys = archdsl.build("mobilenet_v2", passes=PASSES).state_dict()
    assert {"stem.conv.weight", "stem.conv.bias", "bottlenecks.0.0.project.bias"} <= keys.keys()
    assert not any("bn" in key or "running" in key for key in keys)


def test_a_block_without_its_norm_is_named_for_what_it_is():
    found = archdsl.graph("mobilenet_v2", passes=PASSES)
    assert {scope.name for scope in found.root.scopes() if scope.kind == "block"} == {"ConvReLU6", "InvertedResidual"}
    assert "class ConvReLU6(nn.Sequential):" in archdsl.emit(found)


def test_no_other_block_has_the_new_name_of_one():
    spec = spec_of(
        "blocks: {ConvBN: {params: [out], body: [conv: out, bn]}, Conv: {params: [out], body: [conv: out, relu]},"
        " BNReLU: {body: [bn, relu]}, ConvBn: {body: [conv: 3, bn]}, BNeck: {body: [conv: 3, bn]}}\n"
        "stages: {a: [ConvBN: 3, Conv: 3, BNReLU, ConvBn, BNeck]}"
    )
    assert [f.name for f in graph(spec).origin.program.functions] == [
        "Conv_2",
        "Conv",
        "BNReLU",
        "Conv_3",
        "BNeck",
        "Net",
    ]


def test_what_a_spec_says_of_the_figures_of_a_block_holds_under_its_new_name():
    spec = spec_of(
        "blocks: {ConvBN: {params: [out], body: [conv: out, bn]}}\nstages: {a: [ConvBN: 3, relu]}\n"
        "figure: {labels: {ConvBN: pointwise}, hide: [ConvBN.out]}"
    )
    figure = graph(spec).figure
    assert figure.labels["Conv"] == "pointwise"
    assert "Conv.out" in figure.hide


@pytest.mark.parametrize(
    ("bias", "condition", "printed"),
    [
        ("not norm", "norm", ""),
        ("norm", "not norm", ""),
        ("true", "norm", ""),
        ("false", "norm", ", bias=True if norm else False"),
        ("false", "c_in > 4", ", bias=c_in > 4"),
        ("norm", "c_in > 4", ", bias=norm or c_in > 4"),
    ],
)
def test_a_layer_has_a_bias_where_it_had_one_or_a_norm(bias, condition, printed):
    found = spec_of(
        f"blocks: {{Unit: {{params: {{norm: true}}, body: [conv: {{out: 5, bias: {bias}}}, {{bn: , when: {condition}}},"
        " relu]}}\nstages: {a: [Unit: false, Unit: true, Unit: false]}"
    )
    assert f"self.conv = nn.Conv2d(c_in, 5, 1{printed})" in archdsl.emit(graph(found))


def test_the_parametric_class_has_no_norm_in_any_variant():
    found = archdsl.graph("mobilenet_v2", "0.35-224", passes=PASSES)
    whole, variants = module.one_of_all(found)
    assert "1.40-224" in variants
    assert not any(isinstance(part, nn.BatchNorm2d) for part in whole(**variants["1.40-224"]).modules())


def test_a_rewritten_graph_is_pickled_and_emits_the_same():
    found = archdsl.graph("ghostnet", passes=PASSES)
    assert archdsl.emit(pickle.loads(pickle.dumps(found))) == archdsl.emit(found)


def test_the_program_that_is_given_stays_as_it_is():
    program = archdsl.graph("ghostnet").origin.program
    before = pickle.dumps(program)
    fold_batch_norm(program)
    assert pickle.dumps(program) == before


def test_float32_and_the_mode_are_kept():
    net = archdsl.build("squeezenext", "1.0-23").train()
    made = archdsl.convert(net, "squeezenext", "1.0-23", passes=PASSES)
    assert made.training
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    assert not archdsl.convert(net.eval(), "squeezenext", "1.0-23", passes=PASSES).training


def test_each_tensor_keeps_its_own_precision():
    text = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {a: [conv: 4, bn, relu, bn, relu]}\n"
    net = archdsl.build(text).bfloat16()
    net.a[3].float()
    made = archdsl.convert(net, text, passes=PASSES)
    kinds = {type(part): {tensor.dtype for tensor in part.parameters()} for part in made.a}
    assert kinds[nn.BatchNorm2d] == {torch.float32}
    assert kinds[nn.Conv2d] == {torch.bfloat16}


PARAMS = "params: {out: 4, eps: 0.1, rate: 0.1}\nstages: {a: [{conv: {out: out}}, bn: {eps: eps}, dropout: rate]}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": 5}, "'a.0.weight' is 4×4×1×1, in the spec it is 5×4×1×1"),
        ({"eps": 0.2}, "'a.1', a BatchNorm2d, has eps 0.1, not 0.2"),
    ],
)
def test_a_module_of_another_network_is_refused(given, message, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(HEAD + PARAMS, encoding="utf-8")
    with pytest.raises(archdsl.SpecError, match="was not built from that spec") as error:
        archdsl.convert(archdsl.build(file), file, passes=PASSES, **given)
    assert message in str(error.value)


def without_statistics(norm):
    norm.running_mean = norm.running_var = None


@pytest.mark.parametrize(
    ("change", "message", "help"),
    [
        (without_statistics, "'a.1' has no running statistics", "train the network with track_running_stats=True"),
        (lambda norm: setattr(norm, "track_running_stats", False), "though it has statistics", "set it to True"),
        (nn.SyncBatchNorm.convert_sync_batchnorm, "'a.1' is a SyncBatchNorm", "load its weights into a network that"),
    ],
)
def test_a_norm_that_was_changed_is_told_with_what_to_do(change, message, help, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(HEAD + PARAMS, encoding="utf-8")
    net = archdsl.build(file)
    net.a[1] = change(net.a[1]) or net.a[1]
    with pytest.raises(archdsl.SpecError, match=message) as error:
        archdsl.convert(net, file, passes=PASSES)
    assert error.value.diagnostics[0].help.startswith(help)


def test_a_module_that_computes_another_thing_with_the_same_layers_is_refused(tmp_path):
    net, other = tmp_path / "net.yaml", tmp_path / "other.yaml"
    net.write_text(HEAD + "stages: {a: [{add: [[conv: 4, bn], identity]}]}", encoding="utf-8")
    other.write_text(HEAD + "stages: {a: [{max: [[conv: 4, bn], identity]}]}", encoding="utf-8")
    names = {}
    exec(archdsl.emit(net), names)  # the class as from a file that was written before
    made = archdsl.convert(names["Net"](), net, passes=PASSES)
    assert list(made.state_dict()) == ["a.0.weight", "a.0.bias"]
    with pytest.raises(
        archdsl.SpecError, match="not built from that spec: with the same weights it gives other outputs"
    ):
        archdsl.convert(names["Net"](), other, passes=PASSES)


@pytest.mark.parametrize(("path", "named"), [("stem.conv", "'stem.conv'"), ("", "this module")])
def test_a_hook_is_not_lost_in_silence(path, named):
    net = archdsl.build("mobilenet_v2", "0.35-224")
    net.get_submodule(path).register_forward_hook(lambda module, args, output: output + 1)
    with pytest.raises(archdsl.SpecError, match=f"{named} has a hook"):
        archdsl.convert(net, "mobilenet_v2", "0.35-224", passes=PASSES)


def test_rates_that_training_has_changed_do_not_matter(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(HEAD + PARAMS, encoding="utf-8")
    net = archdsl.build(file)
    net.a[1].momentum, net.a[2].p = 0.5, 0.5
    assert archdsl.convert(net, file, passes=PASSES).a[1].p == 0.1


def test_a_network_without_its_classes_is_folded_too():
    assert_carried("mobilenet_v2", "0.35-224", PASSES, num_classes=0, input=[3, 64, 64])


def test_a_norm_whose_layer_was_taken_off_is_refused(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(
        f"{HEAD}params: {{num_classes: 5}}\nstages: {{a: [conv: 4, relu], head: [global_avg_pool, flatten, bn, "
        "linear: num_classes]}",
        encoding="utf-8",
    )
    net = archdsl.build(file, num_classes=0)
    with pytest.raises(archdsl.SpecError, match="is not in this module"):
        archdsl.convert(net, file, num_classes=0, passes=PASSES)
