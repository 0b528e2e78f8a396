"""A module is proven to be its graph, or it is said where it is another network."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from functools import cache
from random import Random
from types import SimpleNamespace

import pytest
import torch
from support.nets import run, shipped_spec, smallest_of
from support.places import DATA
from support.proof import prove_what_prints
from support.random_specs import Maker
from support.undrawn import Undrawn
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everyone writes it

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.faults import SpecError
from archdsl.ops import REGISTRY
from archdsl.runtime import module, pieces, sizes
from archdsl.runtime.interpret import interpret
from archdsl.runtime.listening import difference
from archdsl.runtime.verify import verify, verify_elsewhere
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.workspace.library import read, shipped
from archdsl.yaml.located import from_python

ONCE_WRONG = json.loads((DATA / "random_specs.json").read_text())
FORMS = [(name, variant) for name in shipped() for variant in shipped_spec(name).networks()]
FIRST = [next(form for form in FORMS if form[0] == name) for name in shipped()]


def in_both_modes(network, graph):
    verify(network, graph, training=True)


# --- every network
@pytest.mark.parametrize("name", shipped())
def test_a_network_is_its_graph(name):
    _, variant = next(form for form in FIRST if form[0] == name)
    graph = archdsl.graph(name, variant)
    in_both_modes(module.build(graph), graph)


def tensors(network):
    return [(key, tensor.shape) for key, tensor in network.state_dict().items()]


@cache
def whole_of(name):
    """The class of all variants of a spec, and what it takes for each."""
    return module.one_of_all(archdsl.graph(name, read(name).networks()[0]))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), FORMS, ids=str)
def test_a_variant_is_its_graph_in_both_styles_and_has_its_shapes_at_full_size(name, variant):
    graph = archdsl.graph(name, variant)
    kind, (whole, arguments) = module.network_class(graph), whole_of(name)
    one = kind()
    with Undrawn():
        other = whole(**arguments.get(variant or "", {}))
    assert tensors(one) == tensors(other)
    other.load_state_dict(one.state_dict(), assign=True)
    in_both_modes(one, graph)
    in_both_modes(other, graph)
    with torch.device("meta"):
        found = run(one.to("meta").eval(), [torch.zeros(1, *tensor.shape) for tensor in graph.inputs.values()])
    assert [tuple(output.shape[1:]) for output in found] == [tensor.shape for tensor in graph.outputs.values()]


def check_random(seed):
    """How many styles a random spec has; in each it is its graph."""
    try:
        graph = elaborate(read_spec(from_python(Maker(Random(seed), 0).spec()), base=None))
    except SpecError:
        return 0
    return len(prove_what_prints(graph))


def test_random_networks_are_their_graphs():
    assert sum(map(check_random, range(150))) > 40


@pytest.mark.parametrize("tree", [pytest.param(tree, id=name) for name, tree in ONCE_WRONG.items()])
def test_random_networks_that_once_came_out_wrong(tree):
    assert prove_what_prints(elaborate(read_spec(from_python(tree), base=None)))


@pytest.mark.slow
@pytest.mark.long
def test_thousands_of_random_networks_are_their_graphs():
    assert sum(map(check_random, range(150, 1300))) > 300


# --- what is told
SPEC = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 32, 32],
    "blocks": {
        "Unit": {"params": ["out"], "body": [{"residual": [{"conv": {"out": "out", "kernel": 3}}, "bn", "relu"]}]},
    },
    "stages": {
        "stem": [
            {"conv": {"out": 8, "kernel": 3, "stride": 2}},
            "bn",
            "relu",
            {"max_pool": {"kernel": 3, "stride": 2}},
        ],
        "body": [{"Unit": 8}, {"dropout": 0.25}, {"dwconv": 3}, {"leaky_relu": 0.3}],
        "head": ["global_avg_pool", "flatten", {"linear": 10}],
    },
}


@pytest.fixture(params=["whole", "on pieces"])
def extent(request, monkeypatch):
    """Whether layers are run on their whole inputs, or all that can be on pieces of them."""
    monkeypatch.setattr(pieces, "LIMIT", 0 if request.param == "on pieces" else math.inf)
    return request.param


@pytest.fixture
def net(extent):
    return archdsl.build(SPEC)


def told(network):
    """The messages of a proof that fails."""
    with pytest.raises(SpecError) as caught:
        verify(network, archdsl.graph(SPEC))
    assert {item.code for item in caught.value.diagnostics} == {"differs"}
    return [item.message for item in caught.value.diagnostics]


def test_what_is_sound_passes_and_stays_as_it_was(net):
    net.head.eval()
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    in_both_modes(net, archdsl.graph(SPEC))
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())
    assert [part.training for part in (net, net.stem[0], net.head, net.head[0])] == [True, True, False, False]
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())


def test_weights_that_are_in_double_precision_stay_as_they_were(net):
    weight = net.double().stem[0].weight
    before = weight.data.mul_(1e-3).clone()  # so faint that the proof makes it louder
    verify(net, archdsl.graph(SPEC))
    assert net.stem[0].weight is weight
    assert torch.equal(weight, before)


CHANGES = {
    "stride": ("stem.0", "stride", (1, 1), "'stem.0', a Conv2d, has stride (1, 1), not (2, 2)"),
    "padding": ("body.0.conv", "padding", (0, 0), "'body.0.conv', a Conv2d, has padding (0, 0), not (1, 1)"),
    "groups": ("body.2", "groups", 4, "'body.2', a Conv2d, has groups 4, not 8"),
    "eps": ("stem.1", "eps", 1e-3, "'stem.1', a BatchNorm2d, has eps 0.001, not 1e-05"),
    "momentum": ("stem.1", "momentum", 0.5, "'stem.1', a BatchNorm2d, has momentum 0.5, not 0.1"),
    "rate": ("body.1", "p", 0.5, "'body.1', a Dropout, has p 0.5, not 0.25"),
    "slope": ("body.3", "negative_slope", 0.1, "'body.3', a LeakyReLU, has negative_slope 0.1, not 0.3"),
    "kernel": ("stem.3", "kernel_size", 2, "'stem.3', a MaxPool2d, has kernel_size 2, not 3"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_argument_that_is_not_that_of_the_node_is_told(net, change):
    path, name, value, message = CHANGES[change]
    setattr(net.get_submodule(path), name, value)
    assert told(net) == [message]


def test_a_place_in_the_spec_is_told(net):
    net.stem[0].stride = (1, 1)
    with pytest.raises(SpecError) as caught:
        verify(net, archdsl.graph(SPEC))
    (item,) = caught.value.diagnostics
    assert item.span is not None
    assert str(item.span).startswith("<dict>:")


def test_another_class_a_missing_module_and_one_too_many_are_told(net):
    net.stem[2] = nn.SiLU()
    net.head.append(nn.Softmax(1))
    del net.body[3]
    assert told(net) == [
        "'stem.2' is a SiLU, in the graph it is ReLU",
        "the module has no 'body.3'",
        "the module has 'head.3', a Softmax, which no step of the graph makes",
    ]


def test_a_parameter_beside_the_modules_is_told(net):
    net.scale = nn.Parameter(torch.ones(5))
    params = archdsl.cost(SPEC).params
    assert told(net) == [f"the module has {params + 5:,} parameters, the graph {params:,}"]


def forward_of(net, forward):
    """The network with another forward."""
    kind = type(net)
    net.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
    return net


def test_where_outputs_first_differ_is_told(net):
    block = net.body[0]
    forward_of(block, lambda self, x: x - self.relu(self.bn(self.conv(x))))
    (message,) = told(net)
    assert message.startswith("what enters 'body.1' is ")
    assert " where the graph gives " in message


def test_an_output_that_differs_alone_is_told(net):
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x))) * (1 + 1e-7))
    (message,) = told(net)
    assert message.startswith("the output is ")


def test_rounding_is_no_difference(net):
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x))) * 3 / 3)
    verify(net, archdsl.graph(SPEC))


def test_an_output_of_another_shape_and_one_too_many_are_told(net):
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x)))[:, :9])
    assert told(net) == ["the output is 9, in the graph it is 10"]
    forward_of(net, lambda self, x: (self.head(self.body(self.stem(x))), x))
    assert told(net) == ["the module gives 2 outputs, the graph 1"]


def test_a_module_that_changes_what_it_is_given_is_told(net):
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x))) + x.mul_(0).sum())
    assert told(net) == ["the module changes the tensor that it is given"]


def test_a_module_that_cannot_run_is_told_with_what_torch_says(net):
    forward_of(net, lambda self, x: self.head(self.stem(x).flatten(1)))
    with pytest.raises(SpecError) as caught:
        verify(net, archdsl.graph(SPEC))
    (item,) = caught.value.diagnostics
    assert "cannot run" in "".join([item.message, *(note.message for note in item.notes)])


def test_work_done_twice_is_told(net):
    forward_of(net, lambda self, x: (self.stem(x), self.head(self.body(self.stem(x))))[1])
    assert told(net) == ["'stem.0' is called 2 times, in the graph once"]


def test_multiply_adds_beside_the_modules_are_told(net):
    weight = torch.ones(1, 3, dtype=torch.double)
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x))) + 0 * F.linear(x.mean((2, 3)), weight))
    (message,) = told(net)
    assert message.startswith("the module has ")
    assert "MACs" in message


def test_what_changes_no_number_in_eval_mode_is_told(net):
    forward_of(net.body, lambda self, x: self[3](self[2](self[0](x))))
    assert told(net) == ["'body.1' is called 0 times, in the graph once"]


def test_one_module_in_the_place_of_two_is_told(net):
    net.body[3] = net.stem[2]
    assert told(net)[0] == "the module has no 'body.3'"


def of_stages(**stages):
    """A graph and its module."""
    graph = archdsl.graph(with_stages([3, 16, 16], **stages))
    return graph, module.build(graph)


HIDING = {
    "a softmax over one channel": [{"conv": 1}, "softmax"],
    "rectifiers that let nothing through": [{"formula": "-a * a"}, "relu"],
    "the greater one": [{"max": ["sigmoid", {"formula": "a * a + 2"}]}],
}


@pytest.mark.parametrize("name", HIDING)
def test_a_difference_that_no_output_shows_is_told(name):
    graph, network = of_stages(a=[{"conv": 4}, "relu", {"conv": 4}], b=HIDING[name])
    verify(network, graph)
    forward_of(network.a, lambda self, x: self[2](self[1](self[0](x)) * 1.1))
    with pytest.raises(SpecError, match=r"what enters 'a\.2' is"):
        verify(network, graph)


def test_dropout_of_everything_hides_nothing():
    graph, network = of_stages(a=[{"conv": 4}, {"dropout": 1}, {"drop_connect": 1.0}, {"conv": 4}])
    in_both_modes(network, graph)
    forward_of(network.a, lambda self, x: self[3](self[2](self[1](self[0](x) + 1e-6))))
    with pytest.raises(SpecError, match=r"what enters 'a\.1' is"):
        in_both_modes(network, graph)


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
def test_a_value_that_is_no_number_hides_no_other(odd):
    wanted = torch.tensor([odd, 1.0, 2.0], dtype=torch.double)
    assert not difference(wanted.clone(), wanted)
    assert difference(torch.tensor([odd, 1.0, 2.1], dtype=torch.double), wanted) == "is 2.1 where the graph gives 2"
    assert difference(torch.tensor([0.0, 1.0, 2.0], dtype=torch.double), wanted)
    assert not difference(torch.tensor([1.1e-80], dtype=torch.double), torch.tensor([1e-80], dtype=torch.double))
    assert difference(wanted, wanted.nan_to_num(0.0))


def test_an_input_that_is_an_output_is_told_where_it_changes():
    spec = with_stages([3, 16, 16], a=["relu"]) | {"outputs": {"image": "input", "left": "a"}}
    graph = archdsl.graph(spec)
    network = module.build(graph)
    in_both_modes(network, graph)
    forward_of(network, lambda self, x: (x + 1, self.a(x)))
    with pytest.raises(SpecError, match="the output is"):
        verify(network, graph)


def test_a_backbone_and_a_network_without_classes_are_proven_too():
    stages = ["stem", "dense.stage2"]
    archdsl.build("peleenet", features_only=stages, verify=True)
    archdsl.build("peleenet", num_classes=0, in_chans=1, verify=True)
    trunk = archdsl.build("peleenet", features_only=stages)
    trunk.dense.stage2[0].branch2[0].conv.stride = (2, 2)
    with pytest.raises(SpecError):
        verify(trunk, archdsl.graph("peleenet", features_only=stages))


def test_what_differs_in_training_alone_is_told(net):
    forward_of(net, lambda self, x: self.head(self.body(self.stem(x))) * (2 if self.training else 1))
    graph = archdsl.graph(SPEC)
    verify(net, graph)
    with pytest.raises(SpecError):
        in_both_modes(net, graph)


def test_build_proves_when_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "prove", lambda network, graph: asked.append((type(network).__name__, graph.name)))
    archdsl.build(SPEC)
    archdsl.build(SPEC, verify=True)
    archdsl.build(archdsl.graph(SPEC), verify=True)
    archdsl.build("mobilenet_v2", num_classes=0, verify=True)
    assert asked == [("Net", "Net"), ("Net", "Net"), ("MobileNetV2", "MobileNetV2")]


BRANCHES = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 16, 16],
    "blocks": {
        "Two": {
            "body": [
                {
                    "concat": [
                        [{"conv": [8, 3]}, "bn", "relu"],
                        [{"conv": [8, 3]}, "bn", {"avg_pool": {"kernel": 3, "stride": 1, "padding": 1}}],
                    ]
                },
                {"conv": 8},
            ]
        }
    },
    "stages": {
        "stem": [{"conv": [8, 3]}, "bn"],
        "body": [{"residual": ["Two"]}, "relu"],
        "head": ["global_avg_pool", "flatten", {"linear": 10}],
    },
}


def joined(self, left, right):
    return self.conv(torch.cat([left, right], 1))


FORWARDS = {
    "nothing": lambda self, x: joined(self, self.branch1(x), self.branch2(x)),
    "wires in the other order": lambda self, x: joined(self, self.branch2(x), self.branch1(x)),
    "a branch that reads the other": lambda self, x: joined(self, y := self.branch1(x), self.branch2(y)),
    "a branch left out": lambda self, x: joined(self, y := self.branch1(x), y),
    "the weight of another layer": lambda self, x: joined(
        self, self.branch1[1:](F.conv2d(x, self.branch2[0].weight, self.branch1[0].bias, padding=1)), self.branch2(x)
    ),
    "a function with another padding": lambda self, x: joined(
        self, self.branch1(x), self.branch2[1:](F.conv2d(F.pad(x, [2, 0, 1, 1]), *self.branch2[0].parameters()))
    ),
    "the greatest for the mean": lambda self, x: joined(
        self, self.branch1(x), F.max_pool2d(self.branch2[:2](x), 3, 1, 1)
    ),
    "no activation": lambda self, x: joined(self, self.branch1[:2](x), self.branch2(x)),
    "an activation too many": lambda self, x: joined(self, self.branch1(x), F.relu(self.branch2(x))),
    "a factor": lambda self, x: joined(self, self.branch1(x), self.branch2(x)) * (1 + 1e-6),
    "a factor before a norm": lambda self, x: joined(
        self, self.branch1[1:](self.branch1[0](x) * 1.01), self.branch2(x)
    ),
    "an addition": lambda self, x: joined(self, self.branch1(x), self.branch2(x)) + 1e-6,
    "a tensor overwritten that is read again": lambda self, x: joined(self, self.branch1(F.relu_(x)), self.branch2(x)),
    "one overwritten that was read": lambda self, x: (
        joined(self, self.branch1(x), self.branch2(x)) + 0 * x.mul_(2).sum()
    ),
    "samples in the other order": lambda self, x: joined(self, self.branch1(x), self.branch2(x)).flip(0),
    "rows and columns exchanged": lambda self, x: joined(self, self.branch1(x), self.branch2(x)).transpose(2, 3),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_a_block_whose_forward_is_another_is_told(extent, name):
    graph = archdsl.graph(BRANCHES)
    network = module.build(graph)
    forward_of(network.body_two, FORWARDS[name])
    if name == "nothing":
        in_both_modes(network, graph)
        return
    with pytest.raises(SpecError):
        verify(network, graph)


LAYERS = {
    "padding and dilation": {"padding": (2, 2), "dilation": (2, 2)},
    "groups": {"groups": 2, "weight": nn.Parameter(torch.ones(8, 4, 3, 3))},
    "padding mode": {"padding_mode": "reflect", "_reversed_padding_repeated_twice": [1, 1, 1, 1]},
    "bias": {"bias": None},
}


@pytest.mark.parametrize("name", LAYERS)
def test_another_layer_that_gives_the_same_shape_is_told(extent, name):
    graph = archdsl.graph(BRANCHES)
    network = module.build(graph)
    for attribute, value in LAYERS[name].items():
        setattr(network.body_two.branch1[0], attribute, value)
    with pytest.raises(SpecError, match=r"branch1\.0"):
        verify(network, graph)


# --- on a piece
def test_a_slow_layer_is_run_on_a_piece_and_what_follows_on_the_whole(monkeypatch):
    graph, network = of_stages(a=[{"conv": {"out": 4, "kernel": 3, "stride": 2}}, "relu", {"conv": 1}])
    seen, plain = [], nn.Conv2d._conv_forward
    monkeypatch.setattr(pieces, "LIMIT", 3000)
    monkeypatch.setattr(
        nn.Conv2d, "_conv_forward", lambda self, x, *rest: seen.append(tuple(x.shape)) or plain(self, x, *rest)
    )
    verify(network, graph)
    assert seen == [(1, 3, 6, 6), (2, 4, 4, 4)]


@pytest.mark.parametrize("name", ["conv", "bn"])
def test_a_layer_that_computes_something_else_on_a_piece_is_told(monkeypatch, name):
    graph, network = of_stages(a=[{"conv": [4, 3]}, "bn", "relu"])
    monkeypatch.setattr(pieces, "LIMIT", 0)
    verify(network, graph)
    plain = REGISTRY[name].compute
    monkeypatch.setattr(REGISTRY[name], "compute", lambda run, x: plain(run, x) * (1 + 1e-6))
    with pytest.raises(SpecError, match=r"the output of 'a\.[01]' is .* for a piece of its input"):
        verify(network, graph)


@pytest.mark.parametrize("field", ["padding", "stride", "dilation"])
def test_a_piece_tells_each_argument_of_a_layer(monkeypatch, field):
    graph, network = of_stages(a=[{"conv": {"out": 6, "kernel": 3, field: 2}}])
    monkeypatch.setattr(pieces, "LIMIT", 0)
    verify(network, graph)
    plain = REGISTRY["conv"].compute
    monkeypatch.setattr(
        REGISTRY["conv"],
        "compute",
        lambda run, x: plain(replace(run, f=SimpleNamespace(**vars(run.f) | {field: 1})), x),
    )
    with pytest.raises(SpecError, match="for a piece of its input"):
        verify(network, graph)


def test_random_networks_are_their_graphs_on_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "LIMIT", 0)
    assert sum(map(check_random, range(60))) > 15


# --- at which size
def size_of(spec):
    return list(smallest_of(archdsl.graph(spec)).values())


def with_stages(input, **stages):
    return {"archdsl": 1, "name": "Net", "input": input, "stages": stages}


def test_the_input_is_the_smallest_that_runs_the_same_graph():
    halved = [{"conv": {"out": 4, "kernel": 3, "stride": 2}}, "relu"]
    assert size_of(with_stages([3, 224, 224], a=halved)) == [(3, 8, 8)]
    assert size_of(with_stages([3, 224, 224], a=[{"repeat": 4, "body": halved}])) == [(3, 24, 24)]  # 2×2 is left
    assert size_of(with_stages([3, 100, 200], a=halved)) == [(3, 4, 8)]
    assert size_of(with_stages([3, 16000], a=halved)) == [(3, 8)]


def test_where_there_is_much_to_compute_each_axis_is_made_shorter_alone(monkeypatch):
    pooled = [{"conv": 4}, {"avg_pool": {"kernel": [32, 8], "stride": [32, 8]}}]
    spec = with_stages([3, 64, 128], a=pooled)
    assert size_of(spec) == [(3, 64, 128)]
    monkeypatch.setattr(sizes, "MANY", 50_000)
    assert size_of(spec) == [(3, 64, 16)]
    graph = archdsl.graph(spec)
    in_both_modes(module.build(graph), graph)
    monkeypatch.setattr(sizes, "MANY", 0)
    assert size_of(with_stages([3, 224, 224], a=[{"conv": {"out": 4, "kernel": 3, "stride": 2}}])) == [(3, 3, 3)]
    flat = [{"conv": 4}, "flatten", {"linear": 5}]
    assert size_of(with_stages([3, 30, 30], a=flat)) == [(3, 30, 30)]


class Turned(nn.Module):
    """Takes the height for the width, which no square image tells."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return F.interpolate(self.a(x), size=(2 * x.size(2), 2 * x.size(2)))


def test_what_is_right_at_one_size_by_chance_is_told_at_another():
    graph = archdsl.graph(with_stages([3, 8, 8], a=[{"conv": 3}, {"upsample": {"size": ["2 * h_in", "2 * w_in"]}}]))
    right, wrong = module.build(graph), Turned()
    for network in (right, wrong):
        verify(network, graph)
    verify_elsewhere(right, graph)
    with pytest.raises(SpecError, match="18×18, in the graph it is 3×18×20, for an input of 3×9×10"):
        verify_elsewhere(wrong, graph)


def test_what_is_bound_to_its_size_is_proven_at_it():
    flat = [{"conv": {"out": 4, "kernel": 3, "stride": 2}}, "flatten", {"linear": 5}]
    assert size_of(with_stages([3, 30, 30], a=flat)) == [(3, 30, 30)]
    pooled = [{"avg_pool": 15}, "flatten", {"linear": 5}]
    assert size_of(with_stages([3, 30, 30], a=pooled)) == [(3, 30, 30)]


# --- the interpreter
def test_every_tensor_of_the_graph_has_a_value_of_its_shape():
    for name in ("pelee", "shufflenet_v2", "micronet"):
        graph = archdsl.graph(name, FIRST[shipped().index(name)][1])
        network = module.build(graph).eval()
        inputs = [torch.randn(2, *tensor.shape) for tensor in graph.inputs.values()]
        with torch.no_grad():
            values = interpret(
                graph, dict(itertools.chain(network.named_parameters(), network.named_buffers())), inputs
            )
        made = {tensor for node in graph.nodes for tensor in node.outputs}
        assert values.keys() == made | set(graph.inputs.values())
        assert all(tuple(value.shape[1:]) == tensor.shape for tensor, value in values.items())


def test_of_convolutions_that_are_alike_one_computes_and_all_are_as_they_were_afterwards(monkeypatch):
    spec = {"archdsl": 1, "name": "Net", "input": [4, 8, 8], "stages": {"a": {"repeat": 5, "body": [{"conv": [4, 3]}]}}}
    graph, calls = archdsl.graph(spec), []
    network = module.build(graph)
    plain = nn.Conv2d._conv_forward
    monkeypatch.setattr(nn.Conv2d, "_conv_forward", lambda *args: calls.append(args) or plain(*args))
    verify(network, graph)
    assert len(calls) == 1
    assert not any("forward" in vars(part) for part in network.modules())
    with torch.no_grad():
        network(torch.zeros(1, 4, 8, 8))
    assert len(calls) == 6
    network.a[4].forward = other = F.relu
    with pytest.raises(SpecError, match="the output is"):  # whatever is not its class's forward
        verify(network, graph)
    assert network.a[4].forward is other
    network.a[3].dilation = (2, 2)
    with pytest.raises(SpecError, match=r"'a\.3', a Conv2d, has dilation"):  # however alike the others are
        verify(network, graph)
