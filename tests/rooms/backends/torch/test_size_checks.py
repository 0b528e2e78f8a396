"""The error at the call for images of a size at which the steps of a network do not go together."""

from __future__ import annotations

import pytest
import torch
from torch import fx

import archdsl
from archdsl.analysis import sides
from archdsl.analysis.sides import ANY, Side, Taken, sizes_taken
from archdsl.backends.torch.size_checks import conditions
from archdsl.runtime.free_size import free_size
from archdsl.runtime.onnx import expect_no_windows

POOL = {"kernel": 3, "stride": 4, "padding": 0}
DOWN, UP = {"conv": {"out": 4, "kernel": 3, "stride": 2}}, {"upsample": {"scale": 2}}


def joined(*around, stem=({"conv": {"out": 4, "kernel": 3}},), **more):
    """A network that adds a map to what steps make of it."""
    stages = {"stem": [*stem, {"residual": list(around)}, {"conv": 2}]}
    return {"archdsl": 1, "name": "Net", "input": [3, 16, 24], **more, "stages": stages}


HALVED = joined({"max_pool": 2}, {"max_pool": 2}, UP, UP)  # rounded down
STRIDED = joined(DOWN, UP, stem=(DOWN,))  # rounded up before the map that is added
FOCUS = joined(DOWN, UP, stem=({"pixel_unshuffle": 2}, DOWN))  # the same of a map that takes even sizes alone
FLAT = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 12, 12],
    "stages": {"a": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}, "flatten", {"linear": 5}]},
}


def runs(network, height, width):
    try:
        network(torch.zeros(1, 3, height, width))
    except (AssertionError, RuntimeError) as error:
        return error
    return None


@pytest.mark.parametrize("spec", [HALVED, STRIDED, FLAT, FOCUS], ids=["halved", "strided", "flat", "focus"])
@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_what_is_refused_is_what_torch_refuses(spec, style, monkeypatch):
    loaded = {}
    exec(archdsl.emit(spec, style=style), loaded)
    network, (_, h, w) = loaded["Net"]().eval(), spec["input"]
    sizes = [size for by in range(-4, 9) for size in ((h + by, w), (h, w + by))]
    found = [runs(network, *size) for size in sizes]
    assert all(error is None or isinstance(error, AssertionError) for error in found)
    monkeypatch.setattr(torch, "_assert", lambda *_: None)
    assert [error is None for error in found] == [runs(network, *size) is None for size in sizes]
    assert {error is None for error in found} == {True, False}


HEAD = {"conv": {"out": 4, "kernel": 3, "stride": 2}}
AUXILIARY = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 32, 32],
    "stages": {
        "a": [HEAD],
        "extra": {"training": True, "body": [{"adaptive_avg_pool": 2}, {"avg_pool": 2}, "flatten"]},
        "fixed": {"training": True, "from": "a", "body": [{"avg_pool": 4}, "flatten", {"linear": 5}]},
        "b": {"from": "a", "body": [HEAD, "global_avg_pool", "flatten"]},
    },
}


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_auxiliary_heads_forbid_sizes_in_training_alone(style):
    loaded = {}
    exec(archdsl.emit(AUXILIARY, style=style), loaded)
    network, x = loaded["Net"](), torch.zeros(2, 3, 48, 48)
    assert network.eval()(x).shape == (2, 4)
    with pytest.raises(AssertionError, match=r"^in training, the height must be 31 to 38$"):
        network.train()(x)
    assert network(x[:, :, :33, :33]).fixed.shape == (2, 5)
    assert free_size(archdsl.graph(AUXILIARY)).multiple == 1
    expect_no_windows(archdsl.graph(AUXILIARY))


def test_the_error_says_which_sizes_there_are():
    network = archdsl.build(HALVED)
    with pytest.raises(AssertionError, match=r"^the height must be a multiple of 4$"):
        network(torch.zeros(1, 3, 18, 24))
    with pytest.raises(AssertionError, match=r"^the width must be a multiple of 4$"):
        network(torch.zeros(1, 3, 16, 25))
    with pytest.raises(AssertionError, match=r"^the height must be 11 to 12$"):
        archdsl.build(FLAT)(torch.zeros(1, 3, 16, 12))
    with pytest.raises(AssertionError, match=r"^the height must be even$"):
        archdsl.build(FOCUS)(torch.zeros(1, 3, 17, 24))


def test_it_can_be_traced_scripted_and_exported_with_free_sizes():
    network, images = archdsl.build(HALVED).eval(), torch.randn(2, 3, 20, 32)
    wanted = network(images)
    assert torch.equal(fx.symbolic_trace(network)(images), wanted)
    loaded = torch.jit.script(network)
    assert torch.equal(loaded(images), wanted)
    with pytest.raises(torch.jit.Error, match="the height must be a multiple of 4"):
        loaded(torch.zeros(1, 3, 18, 24))
    with pytest.raises(Exception, match="the height must be a multiple of 4"):
        torch.compile(network, backend="eager")(torch.zeros(1, 3, 18, 24))
    sides = {0: torch.export.Dim("n"), 2: 4 * torch.export.Dim("h"), 3: 4 * torch.export.Dim("w")}
    program = torch.export.export(network, (torch.zeros(2, 3, 16, 24),), dynamic_shapes=(sides,))
    assert torch.allclose(program.module()(images), wanted, atol=1e-5)


def test_a_network_that_takes_every_size_asserts_nothing():
    follows = joined()
    follows["stages"]["stem"] = [{"add": ["input", [{"max_pool": 2}, {"upsample": {"like": "input"}}]]}]
    for spec in ("mobilenet_v2", follows):
        assert "_assert" not in archdsl.emit(spec)


def test_one_class_asserts_what_its_params_do_not_change():
    unet = archdsl.emit("unet", style="parametric")
    assert "if not self.bilinear:\n            torch._assert(x.size(2) % 16 == 0," in unet
    deep = joined({"repeat": "n", "body": [{"max_pool": 2}]}, {"repeat": "n", "body": [UP]}, params={"n": 2})
    assert "_assert" in archdsl.emit(deep)
    assert "_assert" not in archdsl.emit(deep, style="parametric")
    wide = joined({"max_pool": 2}, UP, {"conv": {"out": 4}}, params={"n": 2})
    assert "_assert" in archdsl.emit(wide, style="parametric")


def test_a_param_that_counts_steps_of_one_size_changes_nothing_that_a_class_asserts():
    unit = {"params": {"out": None, "stride": 1}, "body": [{"conv": {"out": "out", "kernel": 3, "stride": "stride"}}]}
    last = {"Unit": {"out": 4}, "when": "n > 1"}
    stem = ({"Unit": {"out": 4, "stride": 2}}, {"repeat": "n", "body": [{"Unit": 4}]}, last)
    more = {
        "params": {"n": 2},
        "blocks": {"Unit": unit},
        "variants": {"one": {"n": 1}, "two": {}},
        "input": [3, 32, 32],
    }
    spec = joined({"max_pool": 2}, UP, stem=stem, **more)
    assert "torch._assert(" in archdsl.emit(spec, "two", style="parametric")
    spec["stages"]["stem"][1]["body"] = [{"Unit": {"out": 4, "stride": 2}}]
    assert "_assert" not in archdsl.emit(spec, "two", style="parametric")


@pytest.mark.parametrize(
    ("second", "asked"), [([UP, {"max_pool": 2}], "low"), ([{"max_pool": 3}, {"upsample": {"scale": 3}}], None)]
)
def test_of_several_flags_the_one_that_decides_is_asked(second, asked):
    params, variants = {"low": True, "high": True}, {"a": {}, "b": {"low": False}}
    spec = joined({"conv": 4}, params=params, variants=variants, input=[3, 18, 24])
    spec["stages"]["more"] = [{"when": "low", "residual": [{"max_pool": 2}, UP]}, {"when": "high", "residual": second}]
    names: dict[str, object] = {}
    exec(archdsl.emit(spec, "a", style="parametric"), names)
    for flags in ((low, high) for low in (True, False) for high in (True, False)):
        network = names["Net"](*flags).eval()
        found = runs(network, 18, 27)
        assert isinstance(found, AssertionError) is (flags[0] and asked == "low")
        assert runs(network, 18, 24) is None
    assert ("if self.low:\n            torch._assert(" in archdsl.emit(spec, "a", style="parametric")) is bool(asked)


def inputs_joined(one, two, *steps):
    stages = {"join": [{"concat": ["one", "two"]}, *steps]}
    return {"archdsl": 1, "name": "Net", "inputs": {"one": one, "two": two}, "stages": stages}


EVEN = Side(0, 1, 2, 2)


def test_inputs_that_are_joined_are_of_one_size():
    both = inputs_joined([3, 16, 24], [3, 16, 24], {"residual": [{"max_pool": 2}, UP]})
    assert sizes_taken(archdsl.graph(both)) == Taken(((EVEN, EVEN),), equal=True)
    network, x = archdsl.build(both).eval(), torch.zeros(1, 3, 20, 26)
    assert torch.jit.script(network)(x, x).shape == fx.symbolic_trace(network)(x, x).shape == (1, 6, 20, 26)
    with pytest.raises(AssertionError, match=r"^the width of one must be even$"):
        network(x[..., :-1], x[..., :-1])
    with pytest.raises(AssertionError, match=r"^two must have the size of one$"):
        network(x, x[..., :-2])


def test_nothing_is_said_of_inputs_whose_sizes_belong_together_in_other_ways():
    other = inputs_joined([3, 16, 24], [3, 8, 24])
    other["stages"]["join"] = [{"concat": ["one", [{"from": "two"}, {"upsample": {"scale": [2, 1]}}]]}]
    spread = inputs_joined([3, 16, 24], [3, 16, 24])
    spread["stages"]["join"] = [{"add": ["one", "two"]}, {"conv": 4}]  # two may also be of size 1
    assert [sizes_taken(archdsl.graph(spec)) for spec in (other, spread)] == [ANY, ANY]


def test_an_input_has_sizes_of_its_own_where_nothing_of_it_is_a_map_that_others_join():
    halved = [{"residual": [{"max_pool": 2}, UP]}, "global_avg_pool"]
    spec = inputs_joined([3, 16, 24], [3, 9, 9], "flatten", {"linear": 5})
    spec["stages"]["join"][0] = {"concat": [{"from": "one", "body": halved}, {"from": "two", "body": halved[1:]}]}
    assert sizes_taken(archdsl.graph(spec)) == Taken(((EVEN, EVEN), ()))
    network, small = archdsl.build(spec).eval(), torch.zeros(1, 3, 7, 5)
    assert network(torch.zeros(1, 3, 6, 8), small).shape == (1, 5)
    with pytest.raises(AssertionError, match=r"^the height of one must be even$"):
        network(small, small)


@pytest.mark.parametrize("style", ["specialized", "parametric"])
@pytest.mark.parametrize(
    ("sides", "wrong", "said"),
    [((16,), 0, "length"), ((8, 16, 16), 0, "depth"), ((8, 16, 16), 2, "width"), ((16, 1), 1, "width")],
)
def test_signals_videos_and_images_of_one_column_are_checked_too(style, sides, wrong, said):
    steps = [{"residual": [{"max_pool": 2}, UP]}] if 1 not in sides else ["flatten", {"linear": 5}]
    spec = {"archdsl": 1, "name": "Net", "input": [3, *sides], "stages": {"a": steps}}
    names: dict[str, object] = {}
    exec(archdsl.emit(spec, style=style), names)
    network, longer = names["Net"]().eval(), [n + (axis == wrong) for axis, n in enumerate(sides)]
    network(torch.zeros(1, 3, *sides))
    with pytest.raises(AssertionError, match=f"^the {said} must be"):
        network(torch.zeros(1, 3, *longer))


def test_sizes_in_rows_that_are_not_alike_are_all_said():
    once = [{"add": [[{"conv": {"out": 4, "kernel": 3, "stride": 4}}], [{"conv": 4}, {"max_pool": POOL}]]}]
    twice = [{"conv": 4}, {"add": [[{"max_pool": 4}], [{"max_pool": 8}, UP]]}]
    steps = [{"concat": [[*once, "global_avg_pool"], [*twice, "global_avg_pool"]]}, "flatten", {"linear": 5}]
    network = archdsl.build({"archdsl": 1, "name": "Net", "input": [3, 16, 16], "stages": {"a": steps}}).eval()
    taken = [size for size in range(13, 30) if runs(network, size, 16) is None]
    assert taken == [16, 19, 24, 27]
    error = runs(network, 18, 16)
    assert str(error) == "the height must be a multiple of 8, or 3 more than a multiple of 8"
    images = torch.zeros(1, 3, 19, 16)
    assert torch.jit.script(network)(images).shape == fx.symbolic_trace(network)(images).shape == (1, 5)


def test_the_rules_of_an_op_run_once_for_all_sizes_up_to_the_step_at_which_these_part(monkeypatch):
    asked, left = [], sides.left
    monkeypatch.setattr(sides, "left", lambda node, *given: asked.append(node.op.name) or left(node, *given))
    stem = {"act": "silu"}
    graph = archdsl.graph(joined({"max_pool": 2}, UP, stem=(stem, {"conv": 4})))
    assert sizes_taken(graph) == Taken(((EVEN, EVEN),))
    assert asked.count(graph.nodes[0].op.name) == 3  # of both sides at once, of the heights and of the widths


def test_a_size_over_those_of_a_map_is_computed_for_all_sizes_at_once(monkeypatch):
    asked, left = [], sides.left
    monkeypatch.setattr(sides, "left", lambda node, *given: asked.append(node.op.name) or left(node, *given))
    pool = {"adaptive_avg_pool": {"size": ["ceil(h_in * 0.5)", "ceil(w_in * 0.5)"]}}
    graph = archdsl.graph(joined(pool, UP))
    assert sizes_taken(graph) == Taken(((EVEN, EVEN),))
    assert asked.count("adaptive_avg_pool") < 10  # and not once for each of hundreds of sizes


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (Side(0, 1, 1, 2), "even"),
        (Side(1, 1, 1, 2), "odd"),
        (Side(1, 1, 1, 4), "1 more than a multiple of 4"),
        (Side(31, 2, 1, 32), "a multiple of 32, or 1 less"),
        (Side(224, 1, 1, 0), "224"),
        (Side(1, 1, 1, 8, (Side(4, 2, 1, 8),)), "1, or 4 to 5 more than a multiple of 8"),
    ],
)
def test_the_lengths_of_a_side_are_said_in_words(side, said):
    ((condition, words),) = conditions(side, "n")
    assert words == said
    taken = [n for n in range(1, 300) if eval(condition, {"n": n})]
    periods = range(0, 300, side.period) if side.period else [0]
    rows = [(row.start, row.step, row.count) for row in (side, *side.also)]
    wanted = {by + start + n * step for by in periods for start, step, count in rows for n in range(count)}
    assert taken == sorted(n for n in wanted if 1 <= n < 300)
