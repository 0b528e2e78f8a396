"""The error at the call for images of a size at which the steps of a network do not go together."""

from __future__ import annotations

import pytest
import torch
from torch import fx

import archdsl
from archdsl.analysis import sides
from archdsl.analysis.sides import FREE, Side, sides_taken
from archdsl.backends.torch.size_checks import conditions

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


def test_two_images_are_of_one_size():
    both = {"archdsl": 1, "name": "Net", "inputs": {"one": [3, 16, 24], "two": [3, 16, 24]}}
    both["stages"] = {
        "join": [{"concat": ["one", "two"]}, {"residual": [{"max_pool": 2}, UP]}],
    }
    assert sides_taken(archdsl.graph(both)) == (Side(0, 1, 2, 2), Side(0, 1, 2, 2))
    other = {
        **both,
        "inputs": {"one": [3, 16, 24], "two": [3, 8, 24]},
        "stages": {"a": [{"concat": ["one", [{"from": "two"}, {"upsample": {"size": [16, 24]}}]]}]},
    }
    assert sides_taken(archdsl.graph(other)) == FREE


def test_the_rules_of_an_op_run_once_for_all_sizes_up_to_the_step_at_which_these_part(monkeypatch):
    asked, left = [], sides.left
    monkeypatch.setattr(sides, "left", lambda node, given: asked.append(node.op.name) or left(node, given))
    stem = {"act": "silu"}
    graph = archdsl.graph(joined({"max_pool": 2}, UP, stem=(stem, {"conv": 4})))
    assert sides_taken(graph) == (Side(0, 1, 2, 2), Side(0, 1, 2, 2))
    assert asked.count(graph.nodes[0].op.name) == 3  # of both sides at once, of the heights and of the widths


def test_a_size_over_those_of_a_map_is_computed_for_all_sizes_at_once(monkeypatch):
    asked, left = [], sides.left
    monkeypatch.setattr(sides, "left", lambda node, given: asked.append(node.op.name) or left(node, given))
    pool = {"adaptive_avg_pool": {"size": ["ceil(h_in * 0.5)", "ceil(w_in * 0.5)"]}}
    graph = archdsl.graph(joined(pool, UP))
    assert sides_taken(graph) == (Side(0, 1, 2, 2), Side(0, 1, 2, 2))
    assert asked.count("adaptive_avg_pool") < 10  # and not once for each of hundreds of sizes


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (Side(0, 1, 1, 2), "even"),
        (Side(1, 1, 1, 2), "odd"),
        (Side(1, 1, 1, 4), "1 more than a multiple of 4"),
        (Side(31, 2, 1, 32), "a multiple of 32, or 1 less"),
        (Side(224, 1, 1, 0), "224"),
    ],
)
def test_the_lengths_of_a_side_are_said_in_words(side, said):
    ((condition, words),) = conditions(side, "n")
    assert words == said
    taken = [n for n in range(1, 300) if eval(condition, {"n": n})]
    first, rows = side.start, range(0, 300, side.period) if side.period else [0]
    wanted = {row + first + step * side.step for row in rows for step in range(side.count)}
    assert taken == sorted(n for n in wanted if 1 <= n < 300)
