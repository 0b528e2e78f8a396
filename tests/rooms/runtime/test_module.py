"""The module that `build` gives: torch's own tools take it, it is filled as its spec says, it is what was inferred.

Every shipped spec goes through all of this at 64×64 pixels, with weights that keep signals at their size.
"""

from __future__ import annotations

import copy
import inspect
import io
import json
import math
import os
import pickle
import subprocess
import sys
import textwrap
import traceback
from collections import Counter

import pytest
import torch
from support.nets import (
    SPECS,
    assert_equal,
    exact,
    exact_outputs,
    filled,
    graph_of,
    images,
    outputs,
    run,
    shipped_spec,
    variant_of,
)
from support.proof import network
from torch import nn
from torch.utils._pytree import tree_leaves

import archdsl
from archdsl.expr.evaluate import evaluate
from archdsl.runtime import module
from archdsl.workspace.library import read

VARIANTS = [(name, variant) for name in SPECS for variant in shipped_spec(name).variants]

every_spec = pytest.mark.parametrize("name", SPECS)

# What takes seconds for each network is done for these in every run, for the others with `-m slow`.
ALWAYS = {"espnet", "micronet", "mobilenet_v2", "shufflenet_v2"}
every_spec_in_time = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.slow) for name in SPECS]
)
# What is said of the machinery and of no network: by some that have little in common.
SOME = ["condensenet", "pelee", "shufflenet_v2", "weightnet"]
some_specs = pytest.mark.parametrize("name", SOME)


def emitted_blocks(net):
    """The submodules whose classes stand in the emitted source."""
    return [part for part in net.modules() if type(part).__module__ == type(net).__module__ and part is not net]


# --- copies and files
@some_specs
def test_a_deep_copy_computes_the_same_and_shares_nothing(name):
    net = filled(name)
    other = copy.deepcopy(net)
    assert type(other) is type(net)
    assert_equal(run(other, images(name)), outputs(name))
    shared = {p.data_ptr() for p in net.parameters()} & {p.data_ptr() for p in other.parameters()}
    assert not shared


READER = """
import os, pickle
import torch
from torch.utils._pytree import tree_leaves
torch.set_num_threads(1)
for file in sorted(os.listdir(".")):
    if file.endswith(".pickle"):
        net = pickle.load(open(file, "rb"))
        inputs = torch.load(file + ".in")
        with torch.no_grad():
            torch.save(tree_leaves(net(*inputs)), file + ".out")
"""


def test_a_pickle_of_a_network_or_block_is_read_by_a_fresh_process(tmp_path):
    wanted = {}
    for name in [*SOME, "efficientnet", "espnet"]:
        net = filled(name)
        block, seen = watched(net, images(name))
        for file, part, inputs in ((f"{name}.pickle", net, images(name)), (f"{name}.block.pickle", block, seen)):
            (tmp_path / file).write_bytes(pickle.dumps(part))
            torch.save(inputs, tmp_path / f"{file}.in")
            wanted[file] = run(part, inputs)
    fresh = subprocess.run(
        [sys.executable, "-c", READER], cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ
    )
    assert fresh.returncode == 0, fresh.stderr
    for file, values in wanted.items():
        assert_equal(torch.load(tmp_path / f"{file}.out"), values)


def watched(net, inputs):
    """The first block of the network's own that holds parameters, and what enters it."""
    seen = []
    block = next(part for part in emitted_blocks(net) if any(True for _ in part.parameters()))
    hook = block.register_forward_pre_hook(lambda _, args: seen.append(tuple(a.clone() for a in args)))
    run(net, inputs)
    hook.remove()
    return block, seen[0]


def test_a_pickle_holds_the_source_once():
    net = filled("mobilenet_v2")
    source = inspect.getmodule(type(net)).__loader__.text
    assert pickle.dumps(net).count(source.encode()) == 1


def test_a_class_of_the_users_on_top_of_an_emitted_one_is_pickled_as_any_class_is():
    kind = type(filled("mobilenet_v2"))
    mine = type("Mine", (kind,), {"__module__": __name__})
    globals()["Mine"] = mine
    net = mine()
    assert type(copy.deepcopy(net)) is mine
    assert type(pickle.loads(pickle.dumps(net))) is mine


def test_several_outputs_are_pickled_and_copied_with_their_names():
    stages = {
        "trunk": [{"conv": 4}],
        "left": {"from": "trunk", "body": ["relu"]},
        "right": {"from": "trunk", "body": ["sigmoid"]},
    }
    outputs = {"left": "left", "right": "right"}
    net = archdsl.build({"archdsl": 1, "name": "Two", "input": [3, 8, 8], "stages": stages, "outputs": outputs})
    both = net(torch.randn(1, 3, 8, 8))
    assert both._fields == ("left", "right")
    plain = type(both)(*(output.detach() for output in both))
    for other in (copy.deepcopy(plain), pickle.loads(pickle.dumps(plain))):
        assert type(other) is type(both)
        assert all(torch.equal(a, b) for a, b in zip(plain, other, strict=True))


@some_specs
def test_a_state_dict_is_saved_and_loaded_strictly_without_trust(name):
    net, file = filled(name), io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = module.build(graph_of(name)).eval()
    other.load_state_dict(torch.load(file, weights_only=True), strict=True)
    assert_equal(run(other, images(name)), outputs(name))


# --- torch's tools
@every_spec
def test_fx_traces_the_module(name):
    traced = torch.fx.symbolic_trace(filled(name))
    assert_equal(run(traced, images(name)), outputs(name))


@pytest.mark.parametrize("name", ["espnet", "shufflenet_v2"])  # every one is, on its way to ONNX
def test_torch_export_takes_the_module_at_any_batch(name):
    inputs = images(name)
    batch = torch.export.Dim("batch", max=64)
    exported = torch.export.export(filled(name), inputs, dynamic_shapes=tuple({0: batch} for _ in inputs))
    for size in (1, 2, 5):
        given = images(name, size)
        assert_equal(run(exported.module(), given), run(filled(name), given), 1e-4)


@every_spec_in_time
def test_torch_compile_finds_no_graph_break(name):
    torch._dynamo.reset()
    compiled = torch.compile(filled(name), fullgraph=True, backend="eager")
    assert_equal(run(compiled, images(name)), outputs(name), 1e-4)


@pytest.mark.slow
def test_torch_compile_with_inductor_computes_the_same():
    name = "mobilenet_v2"
    torch._dynamo.reset()
    compiled = torch.compile(filled(name), fullgraph=True)
    assert_equal(run(compiled, images(name)), outputs(name), 1e-4)


# --- forms of computing
@every_spec
def test_channels_last_computes_the_same(name):
    net = copy.deepcopy(exact(name))
    for part in net.modules():
        if not isinstance(part, nn.Conv3d):  # of which torch has another format
            for parameter in part.parameters(recurse=False):
                if parameter.dim() == 4:
                    parameter.data = parameter.data.to(memory_format=torch.channels_last)
    turned = tuple(x.double().to(memory_format=torch.channels_last) for x in images(name))
    assert_equal(run(net, turned), exact_outputs(name), 1e-6)


@every_spec
def test_autocast_to_bfloat16_computes_about_the_same(name):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = run(filled(name), images(name))
    for rough, fine in zip(found, outputs(name), strict=True):
        if torch.equal(rough, fine):  # a constant
            continue
        assert rough.dtype == torch.bfloat16
        assert torch.stack([rough.float().flatten(), fine.flatten()]).corrcoef()[0, 1] > 0.7  # depth magnifies rounding


@every_spec
def test_the_size_of_the_batch_does_not_tell(name):
    alone = run(exact(name), tuple(x[:1].double() for x in images(name)))
    assert_equal(alone, [y[:1] for y in exact_outputs(name)], 1e-6)


@every_spec
def test_a_step_of_training_reaches_every_parameter_with_a_finite_gradient_that_is_not_zero(name):
    torch.manual_seed(0)
    net = module.build(graph_of(name))
    assert net.training
    for norm in (part for part in net.modules() if op_of(part) == "bn" and not part.weight.any()):
        nn.init.ones_(norm.weight)  # a branch that begins with a scale of 0 passes on no gradient at first
    means = {key: tensor.clone() for key, tensor in net.named_buffers() if key.endswith("running_mean")}
    found = tree_leaves(net(*images(name, 8)))  # norms of two values pass on no gradient
    sum((output * torch.randn_like(output)).sum() for output in found).backward()
    faults = {
        key: "none" if p.grad is None else "not finite" if not p.grad.isfinite().all() else "zero"
        for key, p in net.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    }
    assert not faults
    assert not [key for key, tensor in net.named_buffers() if key in means and torch.equal(tensor, means[key])]
    torch.optim.SGD(net.parameters(), 1e-6).step()
    run(net.eval(), images(name))


# --- its source
@some_specs
def test_getsource_finds_the_text_of_a_class(name):
    net, text = filled(name), archdsl.emit(graph_of(name))
    for kind in {type(part) for part in [net, *emitted_blocks(net)]}:
        source = inspect.getsource(kind)
        assert source.startswith(f"class {kind.__name__}(")
        assert source in text
    assert inspect.getsource(type(net).forward).lstrip().startswith("def forward(self, ")


@some_specs
def test_a_traceback_shows_the_line_of_the_source(name):
    wrong = tuple(torch.randn(1, 1, 1, 1) for _ in images(name))
    with pytest.raises((RuntimeError, ValueError, IndexError)) as caught:
        filled(name)(*wrong)
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename.startswith("<archdsl>/")]
    lines = archdsl.emit(graph_of(name)).splitlines()
    assert frames
    assert [frame.line for frame in frames] == [lines[frame.lineno - 1].strip() for frame in frames]


def test_linecache_cleared_finds_the_source_again():
    import linecache

    net = filled("mobilenet_v2")
    linecache.clearcache()
    assert inspect.getsource(type(net)).startswith("class MobileNetV2(")


# --- one class for each content
@some_specs
def test_two_builds_share_their_class_and_nothing_else(name):
    torch.manual_seed(3)
    one, two = module.build(graph_of(name)), module.build(graph_of(name))
    assert type(one) is type(two)
    assert not {p.data_ptr() for p in one.parameters()} & {p.data_ptr() for p in two.parameters()}
    random = [(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True) if a.dim() > 1]
    assert all(not torch.equal(a, b) for a, b in random)
    torch.manual_seed(3)
    again = module.build(graph_of(name)).state_dict()
    assert all(torch.equal(again[key], value) for key, value in one.state_dict().items())


def test_variants_with_other_sources_have_other_classes():
    one, two = (archdsl.build("mobilenet_v2", v) for v in ("0.35-224", "0.50-224"))
    assert type(one) is not type(two)
    assert type(one).__name__ == type(two).__name__ == "MobileNetV2"


# Classifiers are told the number of classes in backends/torch/test_classifier, each of them; here some, and the rest.
@pytest.mark.parametrize("name", ["condensenet", "espnet", "espnet_v2", "mobilenet_v2", "pelee"])
def test_num_classes_sets_the_outputs(name):
    net = archdsl.build(name, variant_of(name), num_classes=7).eval()
    graph = archdsl.graph(name, variant_of(name), num_classes=7)
    assert [t.shape for t in graph.outputs.values()] != [
        t.shape for t in archdsl.graph(name, variant_of(name)).outputs.values()
    ]
    found = run(net, [torch.zeros(1, *tensor.shape) for tensor in graph.inputs.values()])
    assert [tuple(output.shape[1:]) for output in found] == [tensor.shape for tensor in graph.outputs.values()]
    built = type(filled(name))(num_classes=7).eval()
    assert {k: v.shape for k, v in built.state_dict().items()} == {k: v.shape for k, v in net.state_dict().items()}


def test_a_graph_is_built_as_its_spec_is():
    graph = archdsl.graph("mobilenet_v2")
    assert type(archdsl.build(graph)) is type(archdsl.build("mobilenet_v2"))


# --- how it is filled
STD = {"normal": 1.0, "trunc_normal": 0.8796, "uniform": 1 / math.sqrt(3)}  # of a rule with the number 1
LARGEST = {"trunc_normal": 2.0, "uniform": 1.0}


def op_of(part):
    """The op whose `init:` a module follows."""
    if isinstance(part, nn.modules.conv._ConvNd):
        return "conv"
    if isinstance(part, nn.modules.batchnorm._BatchNorm):
        return "bn"
    return "linear" if isinstance(part, nn.Linear) else None


def rule_of(part, tensor, init):
    """The rule of a tensor, with its number: the spec's, else torch's own."""
    weight, found = part.weight, init.get(op_of(part))
    if found and tensor in found.values:
        rule = found.values[tensor]
        return rule.function, evaluate(rule.args[0], fans(part))
    if op_of(part) == "bn":
        return "constant", 1 if tensor == "weight" else 0
    return "uniform", 1 / math.sqrt(weight[0].numel())


def fans(part):
    """What a rule may read."""
    if isinstance(part, nn.Linear):
        return {"fan_in": part.in_features, "fan_out": part.out_features}
    if op_of(part) == "bn":
        return {}
    taps = math.prod(part.kernel_size)
    fan_in, fan_out = part.in_channels // part.groups * taps, part.out_channels * taps
    return {"fan_in": fan_in, "fan_out": fan_out, "taps": taps, "groups": part.groups}


def init_of(given, graph):
    """The rules that hold for a graph."""
    spec = read(given)
    applies = spec.init_when is None or evaluate(spec.init_when, graph.params)
    return spec.init if applies else {}


def init_fault(values, kind, number):
    """How values differ from a rule; empty if they may have come from it."""
    if kind == "constant":
        return "" if (values == number).all() else f"not all {number}"
    std, n = STD[kind] * number, values.numel()
    slack = 6 / math.sqrt(n)  # of six standard errors at least
    if abs(values.mean().item()) > slack * std:
        return f"mean {values.mean():.2e}, not 0"
    if abs(values.std().item() / std - 1) > slack:
        return f"std {values.std():.3e}, not {std:.3e}"
    if values.abs().max().item() > LARGEST.get(kind, math.inf) * number * 1.0001:
        return f"beyond {LARGEST[kind] * number:.3e}"
    return ""


def own_rules(given, graph):
    """The rules that hold for single modules, by their paths: in the network, or in the calls of a block."""
    spec, found = read(given), {}
    for entry in spec.named_init if init_of(given, graph) else ():
        head, *keys = entry.path
        calls = [scope for scope in graph.root.scopes() if scope.kind == "block" and scope.name == head]
        for scope in calls:
            if entry.when is None or evaluate(entry.when, {**scope.arguments, "c_in": scope.inputs[0].shape[0]}):
                found[".".join([scope.path, *keys])] = entry
        if not calls:
            found[".".join(entry.path)] = entry
    return found


def init_faults(net, init, own):
    """The tensors that differ from their rules, and which kinds of tensors were looked at."""
    checked, faults = Counter(), []
    for key, part in net.named_modules():
        for tensor in ("weight", "bias") if op_of(part) else ():
            values, rules = getattr(part, tensor), init
            if key in own and tensor in own[key].values:
                rules = {op_of(part): own[key]}
            if values is None or (values.numel() < 200 and rule_of(part, tensor, rules)[0] != "constant"):
                continue
            fault = init_fault(values.detach(), *rule_of(part, tensor, rules))
            checked[op_of(part), tensor] += 1
            faults += [f"{key}.{tensor}: {fault}"] if fault else []
    return faults, checked


@every_spec
def test_weights_are_drawn_as_the_spec_says(name):
    torch.manual_seed(0)
    net, init = module.build(graph_of(name)), init_of(name, graph_of(name))
    faults, checked = init_faults(net, init, own_rules(name, graph_of(name)))
    assert not faults
    assert {op_of(part) for part in net.modules()} - {None} == {op for op, _ in checked}


NAMED = {  # a network with three ways to name a module, whose channels of the image may be others
    "archdsl": 1,
    "name": "Named",
    "input": [3, 8, 8],
    "params": {"zero": True, "deep": False},
    "variants": {"one": {}, "other": {"zero": False, "deep": True}},
    "blocks": {
        "ConvBN": {"params": {"out": 8, "stride": 1}, "body": [{"conv": ["out", 3, "stride"]}, "bn"]},
        "Unit": {
            "params": {"out": 8, "stride": 1},
            "body": [
                {"residual": {"if": "stride == 1 and c_in == out", "body": [{"ConvBN": ["out", "stride"]}, "bn"]}},
                {"relu": None},
                {"when": "stride == 2", "bn": None, "name": "last"},
            ],
        },
    },
    "init": {
        "conv": {"weight": {"normal": "sqrt(2 / fan_out)"}, "bias": {"constant": 0}},
        "bn": {"weight": {"constant": 0.5}},
        "stem.0": {"weight": {"normal": 0.01}, "bias": {"constant": 2}},
        "body.2.conv": {"weight": {"trunc_normal": "1 / fan_in"}},
        "tail.pair.0.conv": {"weight": {"uniform": "1 / fan_in"}},
        "side": {"weight": {"constant": 3}, "when": "deep"},
        "Unit.bn": {"weight": {"constant": 0}, "when": "stride == 1 and c_in == out"},
        "Unit.conv_bn.bn": {"bias": {"constant": 4}},
        "Unit.last": {"bias": {"constant": 5}},
    },
    "stages": {
        "stem": [{"conv": {"out": 8, "kernel": 3}}, "relu"],
        "body": [{"Unit": 8}, {"Unit": [16, 2]}, {"ConvBN": 48}],
        "tail": [{"body": [{"ConvBN": 48}, "relu"], "name": "pair"}, "relu"],
        "side": [{"residual": [{"conv": 48}]}],
        "head": ["global_avg_pool", "flatten", {"linear": 4}],
    },
}


@pytest.mark.parametrize("variant", ["one", "other"])
@pytest.mark.parametrize("style", ["specialized", "parametric"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_module_is_filled_by_the_rules_for_its_name(variant, style, channels):
    torch.manual_seed(0)
    graph = archdsl.graph(NAMED, variant, input=[channels, 8, 8])
    net = network(graph, style)
    state = net.state_dict()
    assert abs(state["stem.0.weight"].std() / 0.01 - 1) < 0.2
    assert (state["stem.0.bias"] == 2).all()
    assert state["body.2.conv.weight"].abs().max() <= 2.001 / (16 * 9)
    assert abs(state["body.2.conv.weight"].std() * 16 * 9 / 0.8796 - 1) < 0.1
    assert state["tail.pair.0.conv.weight"].abs().max() <= 1 / (48 * 9)
    side = state["side.weight"]
    assert (side == 3).all() if variant == "other" else abs(side.std() * math.sqrt(24) - 1) < 0.1
    zero = {"body.0.bn"}  # the one beside a shortcut
    for key, part in net.named_modules():
        if isinstance(part, nn.BatchNorm2d):
            assert (part.weight == (0 if key in zero else 0.5)).all(), key
            assert (
                part.bias == (5 if key.endswith("last") else 4 if key.startswith("body") and "conv_bn" in key else 0)
            ).all()


def test_a_rule_goes_with_the_module_that_a_pass_takes_away():
    assert "m.conv_bn.bn.bias" in archdsl.emit(NAMED, "one")
    source = archdsl.emit(NAMED, "one", passes=["fold_batch_norm"])
    assert "conv_bn.bn" not in source
    assert "self.stem[0]" in source
    assert "self.body[2].conv" in source


def test_a_backbone_has_the_rules_of_its_own_modules():
    torch.manual_seed(0)
    cut = archdsl.build(NAMED, "one", features_only=["stem"]).state_dict()
    assert abs(cut["stem.0.weight"].std() / 0.01 - 1) < 0.2


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["shufflenet_v1", "shufflenet_v2", "weightnet"])
def test_the_first_convolution_is_filled_alike_whatever_the_image(name, channels):
    torch.manual_seed(0)
    net = archdsl.build(name, variant_of(name), in_chans=channels)
    first = next(part for part in net.modules() if isinstance(part, nn.Conv2d))
    assert abs(first.weight.std() / 0.01 - 1) < 0.25


CONVS = [{"conv": 240}, {"conv": {"out": 240, "bias": False}}, {"conv": {"out": 240, "groups": 4, "kernel": 3}}]
TRANSPOSED = {"conv_transpose": {"out": 400, "kernel": 2, "stride": 2}}
INITS = {
    "one bound for both": (
        {"conv": {"weight": {"uniform": "1 / sqrt(fan_in)"}, "bias": {"uniform": "1 / sqrt(fan_in)"}}},
        CONVS,
    ),
    "bias first": ({"conv": {"bias": {"normal": "1 / fan_out"}, "weight": {"normal": "sqrt(2 / fan_out)"}}}, CONVS),
    "bias alone": ({"conv": {"bias": {"constant": 0.25}}}, CONVS[:1]),
    "by groups": ({"conv": {"weight": {"normal": "sqrt(groups / fan_out)"}, "bias": {"constant": 1}}}, CONVS),
    "kaiming": ({"conv": {"weight": {"normal": "sqrt(2 / fan_out)"}}}, CONVS),
    "kaiming of a transposed one": ({"conv": {"weight": {"normal": "sqrt(2 / fan_out)"}}}, [*CONVS, TRANSPOSED]),
    "truncated": ({"conv": {"weight": {"trunc_normal": 0.02}}}, CONVS),
    "linear": (
        {"linear": {"weight": {"normal": "1 / (fan_in + fan_out)"}, "bias": {"uniform": "1 / fan_in"}}},
        ["global_avg_pool", "flatten", {"linear": 300}, {"linear": {"out": 300, "bias": False}}, {"linear": 300}],
    ),
    "norms": ({"bn": {"weight": {"constant": 0.5}, "bias": {"constant": "1e-4"}}}, [*CONVS, "bn"]),
    "all": (
        {
            "conv": {"weight": {"normal": "sqrt(1 / fan_in)"}, "bias": {"constant": 0}},
            "bn": {"bias": {"constant": 1}},
            "linear": {"weight": {"uniform": "2 / sqrt(fan_out)"}},
        },
        [*CONVS, "bn", "global_avg_pool", "flatten", {"linear": 300}, "bn"],
    ),
    "of what is not there": ({"linear": {"weight": {"constant": 1}}}, CONVS),
}


@pytest.mark.parametrize("name", INITS)
def test_every_form_of_rule_is_followed(name):
    init, steps = INITS[name]
    given = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "init": init, "stages": {"body": steps}}
    torch.manual_seed(0)
    faults, _ = init_faults(archdsl.build(given), read(given).init, {})
    assert not faults


def test_init_holds_only_when_it_says_so():
    torch.manual_seed(0)
    assert not init_of("shufflenet_v2", archdsl.graph("shufflenet_v2", "torchvision-x1.0"))
    assert init_faults(archdsl.build("shufflenet_v2", "torchvision-x1.0"), {}, {})[0] == []


def test_the_rules_of_papers_reach_the_weights():
    torch.manual_seed(0)
    shuffle = archdsl.build("shufflenet_v2")
    assert all((m.bias == 1e-4).all() for m in shuffle.modules() if isinstance(m, nn.BatchNorm2d))
    mobile = archdsl.build("mobilenet_v2")
    last = mobile.head[0].conv.weight  # 320 to 1280 channels
    assert last.std().item() == pytest.approx(math.sqrt(2 / 1280), rel=0.01)
    assert mobile.head[-1].weight.std().item() == pytest.approx(0.01, rel=0.01)
    assert not mobile.head[-1].bias.any()
    pelee = archdsl.build("peleenet")
    assert not pelee.head[-1].bias.any()


# --- what is let in
def test_the_same_text_is_loaded_once():
    text = archdsl.emit("mobilenet_v2")
    assert module.load(text, "MobileNetV2") is module.load(text, "MobileNetV2")


def test_text_that_fails_leaves_no_module_behind():
    before = set(sys.modules)
    with pytest.raises(NameError):
        module.load("class A(Missing):\n    pass\n", "A")
    assert set(sys.modules) == before


HOSTILE = [
    "print('x')\n",
    "import os\n",
    "from subprocess import run\n",
    "import torch, os\n",
    "import torchvision\n",
    "from . import secrets\n",
    "x = 1\n",
    "class A:\n    import os\n",
    "class A:\n    print('x')\n",
    "class A:\n    x = open('f')\n",
    "def f():\n    import os\n",
    "def f():\n    return eval('1')\n",
    "def f(x=__import__('os')):\n    return x\n",
    "def f(x):\n    return x.__class__.__bases__\n",
    "@print\ndef f():\n    pass\n",
    "class A(metaclass=print):\n    pass\n",
    "def f():\n    global x\n    x = 1\n",
    "if True:\n    pass\n",
    "import torch\n'text'\n",
    "async def f():\n    pass\n",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_source_that_does_more_than_define_is_refused(text):
    with pytest.raises(AssertionError, match="emitted source"):
        module.load(text, "Hostile")


def test_source_is_refused_where_assertions_are_off_too():
    code = textwrap.dedent("""
        import json
        from archdsl.runtime.module import load
        refused = 0
        for text in json.loads(input()):
            try:
                load(text, "Hostile")
            except AssertionError:
                refused += 1
        print(refused)
    """)
    given = json.dumps(HOSTILE)
    found = subprocess.run(
        [sys.executable, "-O", "-c", code], input=given, capture_output=True, text=True, check=True
    ).stdout
    assert int(found) == len(HOSTILE)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ModuleNotFoundError("no", name="torchvision"), "which is not installed"),
        (
            RuntimeError("operator torchvision::nms does not exist"),
            "which cannot be imported: operator torchvision::nms",
        ),
    ],
    ids=["missing", "of another torch"],
)
def test_a_package_that_an_op_needs_is_named_at_its_step(error, why, monkeypatch):
    def refuse(name):
        raise error

    monkeypatch.setattr(module.importlib, "import_module", refuse)
    stages = {"a": {"from": "x", "body": [{"deform_conv": {"out": 4, "offset": "o"}}]}}
    spec = {"archdsl": 1, "name": "Net", "inputs": {"x": [4, 9, 9], "o": [18, 9, 9]}, "stages": stages}
    assert archdsl.cost(spec).macs == 4 * 4 * 9 * 81
    with pytest.raises(archdsl.SpecError, match=f"the op 'deform_conv' needs the package torchvision, {why}") as caught:
        archdsl.build(spec)
    (fault,) = caught.value.diagnostics
    assert fault.code == "no-package"
    assert fault.span is not None
    assert fault.help == "pip install torchvision"
