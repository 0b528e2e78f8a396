"""Strides as dilations: the same weights, and at each so many-th place the same numbers."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
import torch
from support.proof import prove
from support.random_specs import Maker
from torch.utils._pytree import tree_leaves

import archdsl
from archdsl.commands import cli
from archdsl.runtime import module
from archdsl.runtime.verify import verify


def toy(*steps, size=24, **rest):
    """A spec of one stage behind another."""
    return {"name": "Toy", "input": [4, size, size], "stages": {f"s{n}": body for n, body in enumerate(steps)}, **rest}


def maps_of(spec, limit=None):
    """The graph and the maps of a network with weights that each run gives it anew."""
    graph = archdsl.graph(spec, output_stride=limit)
    net = module.build(graph).double().eval()
    torch.manual_seed(1)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    return graph, net, [torch.randn(2, *tensor.shape).double() for tensor in graph.inputs.values()]


def with_gaps(old, new):
    """The numbers of a map at every n-th place, for each n of each axis that gives a map of the size of another."""
    sizes = zip(old.shape[2:], new.shape[2:], strict=True)
    for steps in product(*([step for step in range(1, m + 1) if -(-m // step) == n] for n, m in sizes)):
        yield new[(..., *(slice(None, None, step) for step in steps))]


def assert_agrees(spec, limit):
    """The maps of a network with and without dilations have the same numbers where both have any."""
    torch.manual_seed(0)
    _, net, inputs = maps_of(spec)
    graph, wide, _ = maps_of(spec, limit)
    wide.load_state_dict(net.state_dict())
    with torch.no_grad():
        pairs = list(zip(tree_leaves(net(*inputs)), tree_leaves(wide(*inputs)), strict=True))
    for old, new in pairs:
        thinned = list(with_gaps(old, new))
        assert thinned
        if not any(torch.allclose(there, old, rtol=1e-9, atol=1e-9) for there in thinned):
            torch.testing.assert_close(thinned[0], old, rtol=1e-9, atol=1e-9)
    return graph, max(new.size(-2) / old.size(-2) for old, new in pairs)


DOWN = {"conv": {"out": 8, "kernel": 3, "stride": 2}}
POOLED = {"add": [[{"conv": {"out": 4, "kernel": 3, "stride": 2}}], [{"avg_pool": 2}, {"conv": 4}]]}
WINDOWS = {
    "a number as padding": [DOWN, {"conv": {"out": 8, "kernel": [3, 5], "padding": [1, 0], "stride": 2}}, DOWN],
    "even kernels": [DOWN, {"conv": {"out": 8, "kernel": 2, "stride": 2}}, {"dwconv": {"kernel": 4, "padding": 1}}],
    "dilated already": [DOWN, {"conv": {"out": 8, "kernel": 3, "dilation": 2, "stride": 2}}, {"dwconv": 5}],
    "max pools": [DOWN, {"max_pool": {"kernel": 3, "stride": 2, "padding": 1}}, {"max_pool": [3, 1]}],
    "mean pools": [DOWN, {"avg_pool": 2}, {"avg_pool": {"kernel": 3, "padding": 1, "count_include_pad": False}}],
    "a pool beside a convolution": [DOWN, POOLED, "relu"],
    "strides on one axis": [{"conv": {"out": 8, "kernel": 3, "stride": [2, 1]}}, DOWN, {"dwconv": 3}],
    "a border of its own": [DOWN, {"pad": {"before": 1, "after": 2}}, {"conv": {"out": 4, "kernel": 4, "stride": 2}}],
    "reflected before": [{"conv": {"out": 4, "kernel": 3, "stride": 4, "padding_mode": "reflect"}}, {"dwconv": 3}],
    "a blurred stride": [{"blur_pool": None}, {"conv": {"out": 4, "kernel": 3, "stride": 2}}],
    "shuffles": [DOWN, {"channel_shuffle": 2}, {"conv": {"out": 8, "kernel": 3, "groups": 2, "stride": 2}}, "bn"],
    "a rounded-up pool that fits": [DOWN, {"max_pool": {"kernel": 2, "stride": 2, "ceil": True}}, {"dwconv": 3}],
    "a blur as it is by default": [{"conv": [4, 3]}, {"blur_pool": {"kernel": 3, "stride": 2}}, DOWN],
    "a shortcut with a stride": [
        DOWN,
        {"residual": {"body": [{"conv": {"out": 6, "kernel": 3, "stride": 2}}], "shortcut": [{"conv": [6, 1, 2]}]}},
        {"dwconv": 3},
    ],
    "same that is keep": [DOWN, DOWN, {"conv": {"out": 4, "kernel": 3, "padding": "same"}}],
}  # fmt: skip


@pytest.mark.parametrize("steps", WINDOWS.values(), ids=WINDOWS)
def test_every_kind_of_window_reads_the_same_with_gaps(steps):
    for size in (24, 28 if POOLED in steps else 23):  # its branches fit at even sizes alone
        graph, larger = assert_agrees(toy(steps, size=size), 2)
        assert larger > 1
    verify(module.build(graph), graph)


MOVED = {
    "a rounded-up pool": [DOWN, {"max_pool": {"kernel": 2, "stride": 2, "ceil": True}}, {"dwconv": 3}],
    "means of two": [DOWN, {"avg_pool": 2}, {"dwconv": 3}],
}


@pytest.mark.parametrize("steps", MOVED.values(), ids=MOVED)
def test_sizes_at_which_a_window_would_move_are_refused_at_the_call(steps):
    _, net, _ = maps_of(toy(steps))
    _, wide, _ = maps_of(toy(steps), 2)
    wide.load_state_dict(net.state_dict())
    refused = []
    for height in range(17, 40):
        image = torch.randn(1, 4, height, 24).double()
        try:
            new = wide(image)
        except AssertionError:
            refused.append(height)
        else:
            assert any(torch.allclose(there, net(image)) for there in with_gaps(net(image), new))
    with pytest.raises(AssertionError, match="the height must be"):
        wide(torch.randn(1, 4, refused[0], 24).double())
    assert refused == [height for height in range(17, 40) if -(-height // 2) % 2]  # the second window's map is odd


BLOCKS = {
    "Unit": {
        "params": {"out": 4, "stride": 1, "k": 3},
        "body": [{"conv": {"out": "out", "kernel": "k", "stride": "stride", "padding": "(k - 1) // 2"}}, "bn", "relu"],
    },
    "Residual": {
        "params": {"out": 4, "stride": 1},
        "body": [
            {
                "residual": {
                    "body": [{"Unit": {"out": "out", "stride": "stride"}}, {"Unit": {"out": "out", "k": 1}}],
                    "shortcut": [{"conv": {"out": "out", "stride": "stride"}, "when": "stride != 1 or c_in != out"}],
                }
            }
        ],
    },
}
TABLE = {
    "for": ["out", "n", "s"],
    "in": [[4, 1, 2], [6, 2, 2], [6, "deep", 1], [8, 3, 2]],
    "body": [{"repeat": "n", "body": [{"Residual": {"out": "out", "stride": "s if first else 1"}}]}],
}


def test_blocks_loops_and_tables_get_one_expression_for_all_of_their_runs():
    variants = {"small": {"deep": 1}, "large": {"deep": 4}}
    spec = toy([TABLE], blocks=BLOCKS, size=32, params={"deep": 2}, variants=variants)
    graph, larger = assert_agrees(spec, 4)
    assert larger == 2
    prove(graph, "specialized")
    names = {}
    exec(archdsl.emit(spec, output_stride=4, style="parametric"), names)
    for variant, arguments in names["VARIANTS"].items():
        whole = archdsl.build(spec, variant, output_stride=4)
        one = names["Toy"](**arguments)
        one.load_state_dict(whole.state_dict())
        x = torch.randn(1, 4, 32, 32)
        torch.testing.assert_close(one.eval()(x), whole.eval()(x))


DECIDING = {  # where other params make other dilations: turns of a loop, a condition, two conditions together
    "n": ([{"repeat": "n", "body": [{"conv": [4, 3, 2]}]}], {"n": 2}),
    "a": ([DOWN, {"conv": [4, 3, "2 if a else 1"]}, {"conv": [4, 3]}], {"a": False}),
    "a and b": ([DOWN, {"conv": [4, 3, "2 if a and b else 1"]}, {"conv": [4, 3]}], {"a": False, "b": False}),
}  # fmt: skip


@pytest.mark.parametrize("names", DECIDING)
def test_a_class_of_all_params_is_refused_where_some_that_were_not_asked_for_decide(names):
    steps, params = DECIDING[names]
    with pytest.raises(archdsl.SpecError, match=f"depend on {names}, which one class cannot express"):
        archdsl.emit(toy(steps, params=params), output_stride=2, style="parametric")


def test_a_class_of_all_variants_is_refused_where_params_decide_about_dilations():
    spec = toy([{"conv": [4, 3, "s"]}, {"conv": [4, 3, 2]}], params={"s": 2})
    assert_agrees(spec, 2)
    with pytest.raises(archdsl.SpecError, match="which one class cannot express"):
        archdsl.emit(spec, output_stride=2, style="parametric")
    with pytest.raises(archdsl.SpecError, match="those of one setting of its params"):
        archdsl.emit(archdsl.graph(spec, output_stride=2), style="parametric")


UNIT = {"conv": {"out": 4, "kernel": 3}}
REFUSED = {
    "conv_transpose has no dilation": [DOWN, DOWN, {"conv_transpose": 4}],
    "upsample has no dilation": [DOWN, DOWN, {"upsample": 2}],
    "pixel_unshuffle cannot become a dilation": [DOWN, {"pixel_unshuffle": 2}],
    "rearrange has no dilation": [DOWN, DOWN, {"rearrange": {"pattern": "c h w -> c w h"}}],
    "merges the axes of a map": [DOWN, DOWN, "flatten", {"linear": 3}],
    "with padding same, the windows begin": [DOWN, {"conv": {"out": 4, "kernel": 3, "stride": 2, "padding": "same"}}],
    "extends beyond the end": [DOWN, {"max_pool": {"kernel": 3, "stride": 2, "ceil": True}}],
    "reflect border": [DOWN, DOWN, {"conv": {"out": 4, "kernel": 3, "padding_mode": "reflect"}}],
    "blur_pool has no dilation": [DOWN, DOWN, {"blur_pool": None}],
    "a stride of 3 makes a map 3 times smaller, which steps over 2": [{"conv": {"out": 4, "kernel": 3, "stride": 3}}],
    "joins maps whose dilations differ": [DOWN, {"concat": [[DOWN], [{"adaptive_avg_pool": 6}, {"dwconv": 1}]]}],
    "it only exists at one size of the map": [DOWN, DOWN, {"Sized": None}],
    "its kernel depends on the size of its map": [DOWN, DOWN, {"Wide": None}],
    "its module runs on maps of several spacings": [
        {"conv": {"out": 4, "kernel": 3, "stride": 2}, "name": "one"},
        {"conv": None, "share": "one"},
    ],
}


SIZED = {
    "Sized": {"body": [{"relu": None, "when": "h_in < 8"}]},
    "Wide": {"body": [{"avg_pool": {"kernel": "3 if h_in < 8 else 5", "stride": 1, "padding": "keep"}}]},
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_have_a_dilation_is_refused_at_its_place(tmp_path, why):
    path = tmp_path / "toy.yaml"
    path.write_text(archdsl.show(toy(REFUSED[why], blocks=SIZED)))
    with pytest.raises(archdsl.SpecError, match=why) as caught:
        archdsl.graph(path, output_stride=2)
    assert all(fault.span is not None for fault in caught.value.diagnostics)


def test_the_mean_of_a_map_is_that_of_the_places_between_too():
    gate = {"mul": ["identity", ["global_avg_pool"]]}
    _, net, inputs = maps_of(toy([DOWN, DOWN, gate, {"dwconv": 3}]))
    _, wide, _ = maps_of(toy([DOWN, DOWN, gate, {"dwconv": 3}]), 2)
    near, wanted = wide(*inputs)[:, :, ::2, ::2], net(*inputs)
    assert 0 < (near - wanted).norm() / wanted.norm() < 0.5


def test_a_backbone_and_every_command_take_it(tmp_path, capfd):
    spec = toy([DOWN], [DOWN], [DOWN, {"dwconv": 3}], ["global_avg_pool", "flatten", {"linear": 3}], size=32)
    net = archdsl.build(spec, features_only=True, output_stride=4)
    assert [info["reduction"] for info in net.feature_info] == [2, 4, 4]
    path = tmp_path / "toy.yaml"
    path.write_text(archdsl.show(spec))
    for words, sign in ((["cost"], "8×8"), (["emit"], "dilation=2"), (["draw", "--level", "op"], "d2")):
        assert cli.main([*words, str(path), "--output-stride", "4"]) == 0
        assert sign in capfd.readouterr().out
    assert archdsl.cost(spec, output_stride=4).stages[2].output == (8, 8, 8)
    with pytest.raises(archdsl.SpecError, match="output_stride is one of 1, 2, 4, 8, 16 and 32, not 12"):
        archdsl.build(spec, output_stride=12)


class Local(Maker):
    """Specs of steps each of which reads a part of a map alone, with many strides."""

    LOCAL = ["conv", "dwconv", "max_pool", "avg_pool", "relu", "bn", "channel_shuffle", "identity"]
    SOUND = ["conv", "conv", "dwconv", "dwconv", "bn", "max_pool", "avg_pool", "channel_shuffle"]
    FUNCTIONAL, JOINS = LOCAL, ["add", "concat", "mul", "max"]

    def pooled(self, name):
        return f"{name}[0]" if self.names[name] else name

    def field(self, item):
        if item.name == "stride":
            return self.pick([1, 2, 2, [2, 1]])
        if item.name == "padding_mode":
            return "zeros"
        return super().field(item)


WHOLE = {"global_avg_pool"}  # what sees all of a map


def agreeing(seeds):
    """How many of the networks of some seeds have dilations, each of which agrees."""
    count = 0
    for seed in seeds:
        spec = Local(Random(seed), 0).spec()
        spec["input"] = [8, 24, 24]
        spec["stages"] |= {name: [DOWN, *spec["stages"][name]] for name in ("s1", "s2")}
        try:
            graph = archdsl.graph(spec, output_stride=2)
        except archdsl.SpecError:
            continue
        before = archdsl.graph(spec)
        known = {node.op.name for node in before.nodes}.isdisjoint(WHOLE)
        if known and [n.fields for n in graph.nodes] != [n.fields for n in before.nodes]:
            assert_agrees(spec, 2)
            count += 1
    return count


def test_random_networks_agree_at_their_places():
    assert agreeing(range(40)) >= 3


@pytest.mark.slow
@pytest.mark.long
def test_many_random_networks_agree_at_their_places():
    assert agreeing(range(150, 1150)) >= 100
