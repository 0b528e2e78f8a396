"""Weights that move from files, and under names that tools put around them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from support.ports import SPEC, Bomb, Theirs, agree, alive, refusal, spec
from torch import nn
from torch.nn.utils import prune

import archdsl

# --- files


def test_what_is_saved_is_read_again(here, state):
    found = archdsl.port(state, SPEC)
    for name in ("net.safetensors", "net.pth", "net.pt", "net.weights"):
        found.save(name)
        again = archdsl.port(name, SPEC)
        assert again.how == "by their names, which are ours"
        assert all(torch.equal(again.state[key], value) for key, value in found.state.items())
    assert set(safetensors.torch.load_file("net.weights")) == set(found.state)
    assert list(torch.load("net.pt", weights_only=True)) == list(archdsl.build(SPEC).state_dict())
    assert sorted(path.name for path in here.iterdir()) == ["net.pt", "net.pth", "net.safetensors", "net.weights"]


def test_a_checkpoint_is_looked_into(here, state):
    parallel = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "optimizer": {"state": {}, "groups": [1]}, "model": parallel}, "one.pth")
    torch.save({"model": parallel, "ema": state}, "two.pth")
    plain = archdsl.port(state, SPEC)
    for found in (
        archdsl.port("one.pth", SPEC),
        archdsl.port("two.pth", SPEC, key="ema"),
        archdsl.port("one.pth", SPEC, reference=Theirs()),
    ):
        assert all(torch.equal(found.state[name], value) for name, value in plain.state.items())
    assert "choose one: --key model" in refusal("bad-weights", "two.pth", SPEC)
    assert "no entry 'emma'" in refusal("bad-weights", "two.pth", SPEC, key="emma")
    assert "holds no weights" in refusal("bad-weights", "one.pth", SPEC, key="epoch")


def test_what_a_checkpoint_holds_beside_the_weights_is_told(here, state):
    plain = archdsl.port(state, SPEC)
    averaged = {"decay": 0.9, "shadow": {f"module.{name}": value for name, value in state.items()}}
    for checkpoint, key in (
        ({**state, "epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(1)}}, "param_groups": []}}, None),
        ({"epoch": 3, "optimizer": {}, "ema": averaged}, None),
        ({"epoch": 3, "optimizer": {}, "ema": averaged}, "ema.shadow"),
        ({"epoch": torch.tensor(3), "optimizer": {}, "model": state}, None),
    ):
        torch.save(checkpoint, "one.pth")
        found = archdsl.port("one.pth", SPEC, key=key)
        assert all(torch.equal(found.state[name], value) for name, value in plain.state.items())
        assert found.notes == ["of the checkpoint, not used: epoch, optimizer"]
    torch.save({"run": {"model": state, "ema": state}}, "two.pth")
    assert "choose one: --key run.model" in refusal("bad-weights", "two.pth", SPEC)
    assert archdsl.port("two.pth", SPEC, key="run.ema").notes == []
    over = archdsl.port({"epoch": 3, "optimizer": {}, "model": plain.state}, SPEC, before=SPEC)
    assert over.notes == ["of the checkpoint, not used: epoch, optimizer"]


def test_a_file_without_order_needs_one_that_has_it(here, state):
    safetensors.torch.save_file(dict(state), "net.safetensors")
    torch.save(state, "net.pth")
    ordered = archdsl.port("net.pth", SPEC)
    for found in (
        archdsl.port("net.safetensors", SPEC, reference="net.pth"),
        archdsl.port("net.safetensors", SPEC, reference=Theirs()),
        archdsl.port("net.safetensors", SPEC),  # all shapes differ
    ):
        assert {pair[:3] for pair in found.pairs} == {pair[:3] for pair in ordered.pairs}
    twice = spec(stages={"a": [{"conv": 3}, "relu", {"conv": 3}]})
    safetensors.torch.save_file({f"{name}.weight": torch.randn(3, 3, 1, 1) for name in "ab"}, "twice.safetensors")
    assert "does not keep the order" in refusal("unmatched-weights", "twice.safetensors", twice)
    told = refusal("unmatched-weights", "twice.safetensors", twice, reference="twice.safetensors")
    assert "does not keep the order" in told
    assert "timm:NAME" in refusal("missing-file", "net.safetensors", SPEC, reference="squeezenet1_1")
    torch.save({**state, "more": torch.ones(1)}, "more.pth")
    assert "'more' is not the same" in refusal("unmatched-weights", "net.safetensors", SPEC, reference="more.pth")


def test_norms_without_counters_are_those_of_an_old_file(state):
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    for reference in (None, Theirs()):
        found = archdsl.port(old, SPEC, reference=reference)
        assert found.state["stem.1.num_batches_tracked"] == 0
        assert torch.equal(found.state["stem.1.weight"], state["first.1.weight"])


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize(
    "what", [lambda state: {**state, "more": Bomb()}, lambda state: Bomb()], ids=["entry", "whole"]
)
def test_code_in_a_pickle_is_not_run(what, legacy, here, state):
    torch.save(what(state), "bomb.pth", _use_new_zipfile_serialization=not legacy)
    assert "contains more than weights" in refusal("bad-weights", "bomb.pth", SPEC)
    Path("plain.pth").write_bytes(pickle.dumps(Bomb()))
    refusal("bad-weights", "plain.pth", SPEC)
    assert not Path("exploded").exists()


def test_a_pickled_module_is_no_weights(here):
    torch.save(nn.Conv2d(3, 8, 3), "module.pth")
    told = refusal("bad-weights", "module.pth", SPEC)
    assert "torch.nn.modules.conv.Conv2d" in told
    assert "model.state_dict()" in told


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "net.pth"),
        (b"hello", "net.pth"),
        (b"PK\x03\x04 cut off", "net.pt"),
        (b"\x80\x02}q\x00.", "net.pth"),
        (b'\x10\x00\x00\x00\x00\x00\x00\x00{"a": 1}        ', "net.safetensors"),
        (b"\xff\xff\xff\xff\x00\x00\x00\x00{}", "net.safetensors"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_weights_is_said_to_be_none(data, name, here):
    Path(name).write_bytes(data)
    refusal("bad-weights", name, SPEC)


@pytest.mark.parametrize(
    "value", [{}, {"epoch": 3}, [torch.ones(1)], torch.ones(3), {"a": {"b": {"c": {"d": torch.ones(1)}}}}]
)
def test_a_file_without_tensors_by_name_is_refused(value, here):
    torch.save(value, "net.pth")
    refusal("bad-weights", "net.pth", SPEC)


# --- names


def wrapped(state, how):
    """A state_dict as the tools of training write it."""
    return {
        "compiled": {f"_orig_mod.{name}": value for name, value in state.items()},
        "parallel and compiled": {f"module._orig_mod.{name}": value for name, value in state.items()},
        "in parts": {name.replace(".", "._checkpoint_wrapped_module.", 1): value for name, value in state.items()},
        "averaged": {"n_averaged": torch.tensor(3), **{f"module.{name}": value for name, value in state.items()}},
        "lightning": {
            "epoch": 3,
            "state_dict": {
                **{f"model.{name}": value for name, value in state.items()},
                "criterion.weight": torch.ones(4),
            },
        },
    }[how]


@pytest.mark.parametrize("how", ["compiled", "parallel and compiled", "in parts", "averaged", "lightning"])
def test_names_that_tools_of_training_put_around_are_taken_off(how):
    theirs = alive(Theirs())
    plain = archdsl.port(theirs.state_dict(), SPEC, reference=theirs).state
    found = archdsl.port(wrapped(theirs.state_dict(), how), SPEC, reference=theirs)
    again = archdsl.port(wrapped(plain, how), SPEC)
    over = archdsl.port(wrapped(plain, how), SPEC, before=SPEC)
    assert again.how == "by their names, which are ours"
    for each in (found, again, over):
        assert all(torch.equal(each.state[name], value) for name, value in plain.items())
    if how == "lightning":
        assert found.notes == again.notes == ["of the checkpoint, not used: epoch", "left out criterion.weight"]


def test_the_weights_of_a_pruned_network_are_what_its_masks_leave(state):
    network = archdsl.build(SPEC).eval()
    network.load_state_dict(archdsl.port(state, SPEC, reference=Theirs()).state)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            prune.l1_unstructured(part, "weight", 0.5)
    bare = archdsl.build(SPEC).eval()
    bare.load_state_dict(archdsl.port(nn.DataParallel(network).state_dict(), SPEC).state)
    x = torch.randn(1, *SPEC["input"])
    assert torch.equal(bare(x), network(x))


def test_a_reference_may_be_wrapped_too():
    theirs = alive(Theirs())
    averaged = torch.optim.swa_utils.AveragedModel(nn.DataParallel(theirs))
    assert agree(theirs, archdsl.port(averaged.state_dict(), SPEC, reference=averaged))


def test_one_of_two_networks_is_chosen_by_its_prefix(state):
    both = {f"{side}.{name}": value for side in ("student", "teacher") for name, value in state.items()}
    assert "choose one: --key student" in refusal("bad-weights", both, SPEC, reference=Theirs())
    found = archdsl.port(both, SPEC, key="teacher", reference=Theirs())
    assert torch.equal(found.state["head.2.bias"], state["classes.bias"])


def test_other_names_than_those_of_the_reference_are_taken_in_its_order(here, state):
    theirs = alive(Theirs())
    other = {name.replace("first", "stem").replace("classes", "fc"): value for name, value in state.items()}
    found = archdsl.port(other, SPEC, reference=theirs)
    assert agree(theirs, found)
    assert found.notes == [
        "7 names of the checkpoint differ from those of Theirs; taken in order, 'stem.0.weight' as 'first.0.weight'"
    ]
    swapped = {**other, "left.0.weight": state["right.0.weight"], "right.0.weight": state["left.0.weight"]}
    told = refusal("unmatched-weights", swapped, SPEC, reference=theirs)
    assert "'first.0.weight' is not there in the checkpoint, 8×3×3×3 in the network" in told
    safetensors.torch.save_file(other, "other.safetensors")  # which keeps no order
    refusal("unmatched-weights", "other.safetensors", SPEC, reference=theirs)
    found = archdsl.port("other.safetensors", SPEC, reference=theirs, map={"stem": "first", "fc": "classes"})
    assert agree(theirs, found)
    assert "begins with 'head'" in refusal("bad-call", other, SPEC, map={"head": "classes"})
    assert "two weights have the same name" in refusal("bad-call", other, SPEC, map={"left": "right"})
