"""Weights that move: from other networks, from files, over an edit of a spec.

`test_parity.py` ports every network that another library has. Here are the cases that must be refused, the files, and
the edits.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils import prune

import archdsl
from archdsl.commands import cli
from archdsl.workspace.library import read, shipped

SPEC = {
    "archdsl": 1,
    "name": "Small",
    "input": [3, 12, 12],
    "params": {"act": "relu"},
    "defaults": {"conv": {"bias": False}},
    "stages": {
        "stem": [{"conv": {"out": 8, "kernel": 3}}, "bn", {"act": "act"}],
        "mixed": [
            {"concat": [[{"conv": {"out": 4, "kernel": 3}}, "bn", "relu"], [{"conv": 6}, "relu"]]},
            "bn",
            {"conv": {"out": 5, "bias": True}},
        ],
        "head": ["global_avg_pool", "flatten", {"linear": 4}],
    },
}  # fmt: skip


class Theirs(nn.Module):
    """`SPEC` as someone else writes it: other names, the second branch first, a linear layer as a convolution."""

    def __init__(self, turned: bool = False, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), act())
        self.right = nn.Sequential(nn.Conv2d(8, 6, 1, bias=False), nn.ReLU())
        self.left = nn.Sequential(nn.Conv2d(8, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.norm = nn.BatchNorm2d(10)
        self.last = nn.Conv2d(10, 5, 1)
        self.classes = nn.Conv2d(5, 4, 1)
        self.turned = turned

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        both = [self.right(x), self.left(x)] if self.turned else [self.left(x), self.right(x)]
        x = self.last(self.norm(torch.cat(both, 1)))
        return self.classes(x.mean((2, 3), keepdim=True)).flatten(1)


def alive(net: nn.Module) -> nn.Module:
    """With weights and statistics that are not those of a fresh network, in eval mode."""
    torch.manual_seed(3)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith("running_var") else tensor.normal_(0, 0.5)
    return net.eval()


def spec(**changed):
    return {**SPEC, **changed}


def agree(theirs: nn.Module, found, network=SPEC) -> bool:
    """Whether the weights found make ours give what theirs gives."""
    mine = archdsl.build(network).eval()
    mine.load_state_dict(found.state)
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        return torch.allclose(theirs(x), mine(x), atol=1e-5)


def refusal(code, *args, **kwargs) -> str:
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.port(*args, **kwargs)
    (found,) = caught.value.diagnostics
    assert found.code == code, found
    return str(caught.value)


# --- with the other network at hand


def test_modules_pair_by_what_enters_them():
    theirs = alive(Theirs())
    found = archdsl.port(theirs.state_dict(), SPEC, reference=theirs)
    pairs = {pair.ours: pair.theirs for pair in found.pairs}
    assert pairs["mixed_branch1.0.weight"] == "left.0.weight"
    assert pairs["mixed_branch2.0.weight"] == "right.0.weight"
    assert pairs["head.2.weight"] == "classes.weight"
    assert found.state["head.2.weight"].shape == (4, 5)
    assert (found.new, found.dropped) == ([], [])
    assert found.proof.relative < 1e-12
    assert agree(theirs, found)


def test_a_concatenation_the_other_way_round_turns_the_weights_that_follow():
    theirs = alive(Theirs(turned=True))
    found = archdsl.port(theirs.state_dict(), SPEC, reference=theirs)
    order = (6, 7, 8, 9, 0, 1, 2, 3, 4, 5)
    assert {pair.ours: pair.order for pair in found.pairs if pair.order} == {
        **{f"mixed_bn.{leaf}": order for leaf in ("weight", "bias", "running_mean", "running_var")},
        "mixed_conv.weight": order,
    }
    assert agree(theirs, found)
    alone = archdsl.port(theirs.state_dict(), SPEC)  # no order of a file can tell
    assert not agree(theirs, alone)
    assert alone.proof is None


def test_the_reference_is_left_as_it_is():
    theirs = Theirs().train()
    before = {name: value.clone() for name, value in theirs.state_dict().items()}
    weights = alive(Theirs()).state_dict()
    found = archdsl.port(weights, SPEC, reference=theirs)
    assert theirs.training
    assert all(torch.equal(before[name], value) for name, value in theirs.state_dict().items())
    assert torch.equal(found.state["head.2.bias"], weights["classes.bias"])


@pytest.mark.parametrize("turned", [False, True])
def test_another_activation_is_refused_and_the_message_says_where(turned):
    theirs = alive(Theirs(turned, act=nn.SiLU))
    told = refusal("unequal-outputs", theirs.state_dict(), SPEC, reference=theirs)
    assert "the input of our 'mixed_branch1.0'" in told
    assert agree(
        theirs, archdsl.port(theirs.state_dict(), SPEC, reference=theirs, act="silu"), spec(params={"act": "silu"})
    )


def test_dead_weights_do_not_hide_which_is_which():
    """With all weights zero every pairing gives equal outputs; the pairs are found with others."""
    theirs = Theirs().eval()
    for value in theirs.state_dict().values():
        value.zero_()
    found = archdsl.port(theirs.state_dict(), SPEC, reference=theirs)
    right = archdsl.port(alive(Theirs()).state_dict(), SPEC, reference=Theirs())
    assert found.pairs == right.pairs
    assert refusal("unequal-outputs", theirs.state_dict(), SPEC, reference=Theirs(act=nn.SiLU))


def test_precision_is_that_of_the_weights():
    theirs = alive(Theirs()).half()
    found = archdsl.port(theirs.state_dict(), SPEC, reference=theirs)
    assert {value.dtype for name, value in found.state.items() if "batches" not in name} == {torch.float16}


@pytest.mark.parametrize("reference", [None, Theirs()], ids=["order", "running"])
def test_a_bias_that_they_lack_is_zero_and_one_that_we_lack_is_refused(reference):
    state = alive(Theirs()).state_dict()
    del state["last.bias"]
    if reference is not None:
        reference.last.bias = None
    found = archdsl.port(state, SPEC, reference=reference)
    assert found.state["mixed_conv.bias"].eq(0).all()
    assert [pair.ours for pair in found.pairs if pair.theirs is None] == ["mixed_conv.bias"]
    more = {**state, "left.0.bias": torch.ones(4)}
    if reference is not None:
        reference.left[0].bias = nn.Parameter(torch.ones(4))
    refusal("unmatched-weights", more, SPEC, reference=reference)


def test_a_bias_that_ours_lacks_is_named():
    """The shapes of the weights, which the message shows, are the same."""
    told = refusal("unmatched-weights", Theirs().state_dict(), biasless(), reference=Theirs())
    assert "their next module without a counterpart is 'last' (5×10×1×1), with a 'bias' that ours has not" in told


def biasless():
    stages = {**SPEC["stages"], "mixed": [*SPEC["stages"]["mixed"][:-1], {"conv": 5}]}
    return spec(stages=stages)


def test_weights_of_another_network_than_the_reference_are_refused():
    told = refusal("unmatched-weights", nn.Linear(3, 3).state_dict(), SPEC, reference=Theirs())
    assert "these are not the weights of Theirs" in told
    assert "classes.weight" in told or "first.0.weight" in told


def test_a_module_of_theirs_too_many_is_refused():
    theirs = alive(nn.Sequential(Theirs(), nn.Linear(4, 4)))
    assert "their '1' (4×4) has no counterpart" in refusal(
        "unmatched-weights", theirs.state_dict(), SPEC, reference=theirs
    )


def test_heads_that_do_not_run_are_named_and_left():
    theirs = alive(Theirs())
    theirs.auxiliary = nn.Linear(5, 4)
    found = archdsl.port(theirs.state_dict(), SPEC, reference=theirs)
    assert found.dropped == ["auxiliary.weight", "auxiliary.bias"]
    assert agree(theirs, found)


def with_a_head(**changed):
    """`SPEC` with a head of training alone, on what leaves the stem."""
    auxiliary = {"training": True, "from": "stem", "body": ["global_avg_pool", "flatten", {"linear": 4}, "bn"]}
    return spec(stages={**SPEC["stages"], "auxiliary": auxiliary, **changed})


class TheirsWithAHead(Theirs):
    """Another head of the same shapes beside it: what enters them tells which is which."""

    def __init__(self, of: str = "stem") -> None:
        super().__init__()
        self.of = of
        self.other, self.other_norm = nn.Linear(8, 4), nn.BatchNorm1d(4)
        self.side, self.side_norm = nn.Linear(8, 4), nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = super().forward(x)
        if not self.training:
            return out
        stem = self.first(x)
        features = {"stem": stem, "twice": 2 * stem}[self.of].mean((2, 3))
        return out, self.other_norm(self.other(3 * stem.mean((2, 3)))), self.side_norm(self.side(features))


def test_heads_of_training_alone_pair_by_what_enters_them_too():
    theirs = alive(TheirsWithAHead())
    found = archdsl.port(theirs.state_dict(), with_a_head(), reference=theirs)
    pairs = {pair.ours: pair.theirs for pair in found.pairs}
    assert pairs["auxiliary.2.weight"] == "side.weight"
    assert pairs["auxiliary.3.running_mean"] == "side_norm.running_mean"
    assert found.new == []
    assert {name.partition(".")[0] for name in found.dropped} == {"other", "other_norm"}
    assert torch.equal(found.state["auxiliary.2.weight"], theirs.side.weight)
    assert not theirs.training


@pytest.mark.parametrize("head", ["twice", "stem"])
def test_a_head_of_training_is_left_where_it_is_not_the_same(head):
    """It is given something else, or makes something else of what it is given."""
    theirs = alive(TheirsWithAHead(head))
    auxiliary = {"training": True, "from": "stem", "body": ["global_avg_pool", "flatten", {"linear": 4}, "bn", "relu"]}
    found = archdsl.port(theirs.state_dict(), with_a_head(auxiliary=auxiliary), reference=theirs)
    assert {name.partition(".")[0] for name in found.new} == {"auxiliary"}
    assert {"side.weight", "side_norm.bias"} <= set(found.dropped)


def test_an_image_that_theirs_cannot_take_is_said_to_be_the_fault():
    told = refusal("bad-input", "pytorchcv:squeezenet_v1_0", "squeezenet", "1.0", input=[3, 64, 64])
    assert "--input" in told


@pytest.mark.parametrize("first", [0, 1, 2])
def test_branches_of_equal_shapes_are_told_by_what_follows(first):
    """Whatever order theirs run in: one pass takes the first that fits, further ones try the others."""
    names = ["relu", "sigmoid", "tanh"]

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3, 4, 1, bias=False) for _ in names)
            self.last = nn.Conv2d(12, 2, 1, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            done = {}
            for index in (first, (first + 2) % 3, (first + 1) % 3):
                done[index] = getattr(torch, names[index])(self.convs[index](x))
            return self.last(torch.cat([done[0], done[1], done[2]], 1))

    branches = [[{"conv": 4}, name] for name in names]
    network = spec(stages={"mixed": [{"concat": branches}], "last": [{"conv": 2}]})
    theirs = alive(Branches())
    found = archdsl.port(theirs.state_dict(), network, reference=theirs)
    assert [pair.theirs for pair in found.pairs][:3] == [f"convs.{index}.weight" for index in range(3)]
    assert agree(theirs, found, network)


def test_branches_of_equal_shapes_are_told_by_their_dilation():
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3, 4, 3, padding=d, dilation=d, bias=False) for d in (4, 2, 3, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([conv(x) for conv in self.convs][::-1], 1).roll(-4, 1)

    rows = [{"conv": {"out": 4, "kernel": 3, "dilation": d}} for d in (3, 2, 4, 1)]
    network = spec(stages={"mixed": [{"concat": rows}]})
    theirs = alive(Branches())
    found = archdsl.port(theirs.state_dict(), network, reference=theirs)
    assert [pair.theirs for pair in found.pairs] == [f"convs.{index}.weight" for index in (2, 1, 0, 3)]
    assert agree(theirs, found, network)


# --- by order and shapes alone


def test_the_order_of_branches_is_told_by_shapes():
    theirs = alive(Theirs())
    found = archdsl.port(theirs.state_dict(), SPEC)
    assert {pair[:3] for pair in found.pairs} == {
        pair[:3] for pair in archdsl.port(theirs.state_dict(), SPEC, reference=theirs).pairs
    }
    assert found.how == "by order and shapes"
    assert agree(theirs, found)


def test_two_branches_of_equal_shapes_are_refused_without_the_network():
    body = [{"concat": [[{"conv": {"out": 4}}, "relu"], [{"conv": {"out": 4}}, "sigmoid"]]}]
    network = spec(stages={"mixed": body})
    state = {"a.weight": torch.randn(4, 3, 1, 1), "b.weight": torch.randn(4, 3, 1, 1)}
    told = refusal("unmatched-weights", state, network)
    assert "may be our 'mixed_branch2.0' (4×3×1×1) or our 'mixed_branch1.0' (4×3×1×1)" in told
    assert "--from" in told

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (nn.Conv2d(3, 4, 1, bias=False) for _ in range(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.b(x).relu(), self.a(x).sigmoid()], 1)

    theirs = Pair().eval()
    assert agree(theirs, archdsl.port(theirs.state_dict(), network, reference=theirs), network)


def reordered(state, *prefixes):
    """A state_dict with its modules in another order."""
    return {name: value for prefix in prefixes for name, value in state.items() if name.startswith(prefix)}


@pytest.mark.parametrize(
    "order",
    [
        ("last", "first", "right", "left", "norm", "classes"),  # before what it reads
        ("first.0", "right", "first.1", "left", "norm", "last", "classes"),  # a branch within the stage before it
        ("first", "left.0", "right", "left.1", "norm", "last", "classes"),  # branches mixed
    ],
)
def test_an_order_in_which_ours_cannot_run_is_refused(order):
    state = alive(Theirs()).state_dict()
    mixed = reordered(state, *order)
    assert len(mixed) == len(state)
    assert "where our network expects" in refusal("unmatched-weights", mixed, SPEC)


def test_a_module_more_or_less_is_refused():
    state = dict(alive(Theirs()).state_dict())
    told = refusal("unmatched-weights", {**state, "more.weight": torch.ones(4, 4)}, SPEC)
    assert "their network has 9 modules with weights, ours has 8" in told
    del state["first.0.weight"]
    told = refusal("unmatched-weights", state, SPEC)
    assert "their network has 7 modules with weights, ours has 8" in told
    assert "the first that differ are their 'first.1' (norm 8) and our 'stem.0' (8×3×3×3)" in told


@pytest.mark.parametrize("name", shipped())
def test_our_own_weights_without_their_names_go_home_or_are_refused(name):
    """Never anywhere else: what is paired by order and shapes is the module that it was."""
    variant = read(name).networks()[0]
    state = archdsl.build(name, variant).state_dict()
    places: dict[str, int] = {}
    bare = {}
    for key, value in state.items():
        path, _, leaf = key.rpartition(".")
        bare[f"{places.setdefault(path, len(places))}.{leaf}"] = value
    try:
        found = archdsl.port(bare, name, variant)
    except archdsl.SpecError as error:
        assert name in {"channelnet", "espnet", "espnet_v2", "pelee"}  # branches of equal shapes
        assert "shapes and order allow both" in str(error)  # noqa: PT017
        return
    assert all(torch.equal(found.state[key], value) for key, value in state.items())
    assert {pair.ours: pair.theirs for pair in found.pairs} == dict(zip(state, bare, strict=True))


# --- files


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def state():
    return alive(Theirs()).state_dict()


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


class Bomb:
    """Code in a pickle: to read it is to run it."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


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


# --- other classes and channels


def sized():
    return spec(
        params={"num_classes": 4},
        init={"linear": {"weight": {"constant": 0.5}}},
        stages={
            **SPEC["stages"],
            "stem": SPEC["stages"]["stem"][:2],
            "head": [*SPEC["stages"]["head"][:2], {"linear": "num_classes"}],
        },
    )


@pytest.mark.parametrize("reference", [None, Theirs(act=nn.Identity)], ids=["order", "running"])
def test_weights_of_other_classes_and_channels_are_made_to_fit(reference, state):
    kept = archdsl.port(state, sized(), reference=reference).state
    found = archdsl.port(state, sized(), reference=reference, num_classes=7, in_chans=1)
    assert found.new == ["head.2.weight", "head.2.bias"]
    assert found.dropped == ["classes.weight", "classes.bias"]
    assert found.state["head.2.weight"].eq(0.5).all()
    assert found.remarks == {"stem.0.weight": "summed over 3 channels"}
    torch.testing.assert_close(found.state["stem.0.weight"], kept["stem.0.weight"].sum(1, keepdim=True))
    assert torch.equal(found.state["mixed_conv.weight"], kept["mixed_conv.weight"])
    assert "the checkpoint has 4 classes, this network 7" in found.notes
    archdsl.build(sized(), num_classes=7, in_chans=1).load_state_dict(found.state)
    more = archdsl.port(found.state, sized(), num_classes=0, input=[5, 12, 12])  # ours, by their names
    assert more.remarks == {"stem.0.weight": "1 channel tiled to 5, times 1/5"}
    assert more.dropped == ["head.2.weight", "head.2.bias"]
    torch.testing.assert_close(more.state["stem.0.weight"].sum(1), found.state["stem.0.weight"].sum(1))


def test_weights_are_made_to_fit_a_network_without_classes():
    tokens = [{"conv": {"out": "dim", "kernel": 4, "stride": 4}}, {"rearrange": {"pattern": "c h w -> (h w) c"}}]
    stages = {
        "embed": tokens,
        "extra": {"training": True, "body": [{"select": 1}, {"linear": "num_classes"}]},
        "head": {"from": "embed", "body": [{"select": 0}, {"linear": "num_classes"}]},
    }
    network = spec(params={"num_classes": 4, "dim": 6}, stages=stages)  # of features whose number is a param too
    state = archdsl.build(network).state_dict()
    found = archdsl.port(state, network, num_classes=0)
    assert found.dropped == ["head.weight", "head.bias"]
    assert all(torch.equal(value, state[key]) for key, value in found.state.items())
    assert archdsl.graph(network, num_classes=0).outputs["output"].shape == (6,)


def test_what_reads_the_image_otherwise_is_not_made_for_other_channels():
    branches = [[{"conv": {"out": 6, "kernel": 3}}], ["identity"]]
    network = spec(stages={"stem": [{"concat": branches}, {"conv": 5}], "head": SPEC["stages"]["head"]})
    old = archdsl.build(network).state_dict()
    told = refusal("unmatched-weights", old, network, in_chans=6)
    assert "'stem_conv_2.weight' is 5×9×1×1 in the checkpoint and 5×12×1×1 in this network" in told
    assert "no convolution of the image has it" in told


def test_weights_may_lack_heads_of_training_or_have_them_alone():
    theirs = alive(TheirsWithAHead())
    whole = archdsl.port(theirs.state_dict(), with_a_head(), reference=theirs)
    heads = [key for key in whole.state if key.startswith("auxiliary")]
    bare = {key: value for key, value in whole.state.items() if key not in heads}
    unnamed = {key.replace("stem", "first"): value for key, value in bare.items()}
    for state, network, new, dropped in (
        (bare, with_a_head(), heads, []),
        (unnamed, with_a_head(), heads, []),
        (whole.state, SPEC, [], heads),
        ({key.replace("stem", "first"): value for key, value in whole.state.items()}, SPEC, [], heads),
    ):
        found = archdsl.port(state, network)
        assert (found.new, found.dropped) == (new, dropped)
        assert torch.equal(found.state["head.2.weight"], whole.state["head.2.weight"])


def test_the_last_argument_that_differs_before_the_outputs_do_is_told():
    padded = spec(stages={"a": [{"conv": {"out": 4, "kernel": 3}}, {"conv": 2}]})
    other = alive(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 2, 1, bias=False)))
    told = refusal("unequal-outputs", other.state_dict(), padded, reference=other)
    assert "the padding of our 'a.0' is (1, 1), that of their '0' (0, 0)" in told


# --- libraries


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("torchvision:squeezenet1_2", "did you mean 'squeezenet1_1'?"),
        ("timm:mobilenetv2_10", "did you mean 'mobilenetv2_140'?"),
        ("pytorchcv:squeezenet", "pytorchcv makes no network 'squeezenet'"),
        ("torchvision:squeezenet1_1(open('exploded', 'w'))", "not a call with literals as keyword arguments"),
        ("torchvision:squeezenet1_1(weights=open('exploded', 'w'))", "not a call with literals as keyword arguments"),
        ("torchvision:squeezenet1_1(nothing=1)", "TypeError"),
    ],
)
def test_a_network_that_a_library_has_not_is_said_so(text, told, here):
    assert told in refusal("bad-call", text, "squeezenet", "1.1")
    assert not Path("exploded").exists()


def test_a_library_that_is_not_installed_is_said_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pytorchcv.model_provider", None)
    assert "pip install pytorchcv" in refusal("bad-call", "pytorchcv:squeezenet_v1_0", "squeezenet", "1.0")


def test_arguments_follow_the_name():
    found = archdsl.port(
        "torchvision:squeezenet1_1(num_classes=7)", "squeezenet", "1.1", num_classes=7, input=[3, 64, 64]
    )
    assert found.state["conv10.1.weight"].shape == (7, 512, 1, 1)


# --- over an edit

BLOCKS = """\
archdsl: 1
name: Edited
input: [3, 16, 16]
params: {num_classes: 10}
defaults: {conv: {bias: false}}
blocks:
  Unit:
    params: {out: , kernel: 3, dilation: 1}
    body: [conv: {out: out, kernel: kernel, dilation: dilation}, bn, relu]
  Layer:
    params: [out]
    body: [Unit: {out: out, kernel: 1}, Unit: {out: out}]
stages:
  stem: [Unit: {out: 8}]
  body:
    - Layer: 8
    - Unit: {out: 8, dilation: 2}
    - {repeat: 3, body: [Layer: 12]}
  rows:
    for: [name, c]
    in: [[one, 12], [two, 16]]
    body: [Layer: c]
  head: [global_avg_pool, flatten, linear: num_classes]
"""


def edit(here, *changes: tuple[str, str]) -> str:
    """The spec with these changes, as a file."""
    text = BLOCKS
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    Path("old.yaml").write_text(BLOCKS)
    Path("new.yaml").write_text(text)
    return "new.yaml"


def carried(here, *changes, **params):
    """What an edit leaves of weights: what is ported, moves (old: new), whether every value came along."""
    network = edit(here, *changes)
    old = alive(archdsl.build("old.yaml")).state_dict()
    found = archdsl.port(old, network, before="old.yaml", **params)
    archdsl.build(network, **params).load_state_dict(found.state)
    for pair in found.pairs:
        assert torch.equal(found.state[pair.ours], old[pair.theirs])
    assert {pair.ours for pair in found.pairs} | set(found.new) == set(found.state)
    assert {pair.theirs for pair in found.pairs} | set(found.dropped) == set(old)
    moved = {pair.theirs: pair.ours for pair in found.pairs if pair.theirs != pair.ours}
    return found, moved


def heads(keys) -> set[str]:
    return {".".join(key.split(".")[:2]) for key in keys}


def test_an_edit_that_changes_no_weight_keeps_all(here):
    found, moved = carried(here, ("relu]", "silu]"))
    assert (moved, found.new, found.dropped) == ({}, [], [])


def test_a_block_put_into_the_middle_of_a_stage_loses_nothing(here):
    found, moved = carried(here, ("    - Layer: 8\n", "    - Layer: 8\n    - Unit: {out: 8, kernel: 5}\n"))
    assert found.dropped == []
    assert heads(found.new) == {"body.1"}
    assert {(old.split(".")[1], new.split(".")[1]) for old, new in moved.items()} == {
        ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5"),
    }  # fmt: skip
    assert all(old.split(".")[2:] == new.split(".")[2:] for old, new in moved.items())


def test_a_block_of_equal_shapes_is_told_by_its_arguments(here):
    """The one that is put in has the shapes of the one behind it, and another dilation."""
    found, moved = carried(here, ("    - Unit: {out: 8,", "    - Unit: {out: 8, dilation: 4}\n    - Unit: {out: 8,"))
    assert heads(found.new) == {"body.1"}
    assert moved["body.1.conv.weight"] == "body.2.conv.weight"


def test_a_block_taken_out_moves_the_rest(here):
    found, moved = carried(here, ("    - Unit: {out: 8, dilation: 2}\n", ""))
    assert found.new == []
    assert heads(found.dropped) == {"body.1"}
    assert moved["body.4.unit_2.conv.weight"] == "body.3.unit_2.conv.weight"


def test_a_stage_of_one_step_that_gets_another_keeps_the_first(here):
    found, moved = carried(here, ("[Unit: {out: 8}]", "[Unit: {out: 8}, Unit: {out: 8, kernel: 5}]"))
    assert moved["stem.conv.weight"] == "stem.0.conv.weight"
    assert heads(found.new) == {"stem.1"}
    assert found.dropped == []


def test_a_step_put_first_into_a_block_moves_the_others(here):
    found, moved = carried(
        here, ("body: [Unit: {out: out, kernel: 1}", "body: [Unit: {out: c_in, kernel: 5}, Unit: {out: out, kernel: 1}")
    )
    assert found.dropped == []
    assert moved["rows.two.unit.conv.weight"] == "rows.two.unit_2.conv.weight"
    assert moved["rows.two.unit_2.conv.weight"] == "rows.two.unit_3.conv.weight"
    assert all(key.split(".")[-3] == "unit" for key in found.new)


def test_more_and_fewer_turns_change_the_last_ones(here):
    more, moved = carried(here, ("repeat: 3", "repeat: 5"))
    assert (moved, more.dropped, heads(more.new)) == ({}, [], {"body.5", "body.6"})
    fewer, moved = carried(here, ("repeat: 3", "repeat: 2"))
    assert (moved, fewer.new, heads(fewer.dropped)) == ({}, [], {"body.4"})


def test_rows_with_names_are_found_by_them(here):
    found, moved = carried(here, ("[[one, 12], [two, 16]]", "[[zero, 12], [two, 16], [one, 12]]"))
    assert moved == {}
    assert "rows.zero" in heads(found.new)
    kept = {pair.ours for pair in found.pairs}
    assert "rows.two.unit_2.conv.weight" in kept
    assert "rows.one.unit_2.conv.weight" in kept
    assert "rows.one.unit.conv.weight" in found.new  # 16 channels enter it now


def test_what_is_left_of_a_changed_block_stays(here):
    found, moved = carried(here, ("Unit: {out: out, kernel: 1}", "Unit: {out: out, kernel: 3}"))
    assert moved == {}
    assert found.new == found.dropped == [key for key in found.state if ".unit.conv." in key]


def test_a_block_under_another_name_is_the_same(here):
    found, moved = carried(
        here,
        ("  Layer:\n", "  Pair:\n"), ("- Layer: 8", "- Pair: 8"),
        ("[Layer: 12]", "[Pair: 12]"), ("[Layer: c]", "[Pair: c]"),
    )  # fmt: skip
    assert (moved, found.new, found.dropped) == ({}, [], [])


def test_a_new_width_of_the_head_leaves_the_rest(here):
    found, moved = carried(here, num_classes=3)
    assert moved == {}
    assert found.new == found.dropped == ["head.2.weight", "head.2.bias"]
    assert found.state["head.2.weight"].shape == (3, 16)


def test_new_weights_are_initialised_and_the_same_each_time(here):
    (first, _), (second, _) = (carried(here, ("repeat: 3", "repeat: 4")) for _ in range(2))
    chance = torch.rand(1)
    assert first.new
    assert all(torch.equal(first.state[key], second.state[key]) for key in first.state)
    assert first.state["body.5.unit.conv.weight"].std() > 0
    assert not torch.equal(chance, torch.rand(1))  # the generator of the caller goes on


def test_weights_of_another_spec_are_refused(here):
    network = edit(here)
    told = refusal("unmatched-weights", alive(Theirs()).state_dict(), network, before="old.yaml")
    assert (
        "these are not the weights of the old spec: 'stem.conv.weight' is not there in the checkpoint, 8×3×3×3 in"
        in told
    )
    refusal("bad-call", {"a": torch.ones(1)}, network, before="old.yaml", reference=Theirs())


NAMED = """
archdsl: 1
name: Net
input: [3, 8, 8]
blocks:
  Double: {params: [out], body: [conv: {out: out, kernel: 3}, bn, relu]}
  Twice: {params: [out], body: [Double: out, concat: [identity, Double: out]]}
  Excite: [mul: [identity, [global_avg_pool, conv: c_in, sigmoid]]]
stages:
  stem: [{conv: 4, name: first}]
  excite: [Excite]
  body: [Twice: 4, Twice: 6]
  head: [global_avg_pool, flatten, linear: 5]
"""
EARLIER = {
    "stem.first.": "stem.",
    ".gate.": ".branch2.",
    "double_2.": "double.",
    "double_3.": "double_2.",
}  # now, and as they once were


def of_earlier_keys():
    """The weights of that spec under the keys that it had."""
    found = {}
    for key, value in archdsl.build("named.yaml").state_dict().items():
        now = next((word for word in EARLIER if word in key), "")
        found[key.replace(now, EARLIER.get(now, ""))] = value
    assert {
        "stem.weight",
        "excite.branch2.1.bias",
        "body.0.double.conv.weight",
        "body.1.double_2.bn.weight",
    } <= found.keys()
    return found


def test_keys_that_were_once_derived_in_another_way_are_carried_over(here):
    Path("named.yaml").write_text(NAMED)
    old = of_earlier_keys()
    found = archdsl.port(old, "named.yaml", before="named.yaml")
    assert (found.new, found.dropped) == ([], [])
    assert all(torch.equal(found.state[pair.ours], old[pair.theirs]) for pair in found.pairs)
    assert {pair.ours for pair in found.pairs if pair.theirs == "body.1.double.conv.weight"} == {
        "body.1.double_2.conv.weight"
    }
    Path("longer.yaml").write_text(NAMED.replace("Twice: 6]", "Twice: 6, conv: 7]"))
    edited = archdsl.port(old, "longer.yaml", before="named.yaml")
    assert set(edited.new) == {"body.2.weight", "body.2.bias", "head.2.weight"}


HEADS = """
archdsl: 1
name: Net
input: [3, 8, 8]
blocks:
  Boxes: [conv: 4, flatten]
  Scores: [conv: 6, flatten]
stages:
  small: [conv: 5]
  large: [{conv: {out: 5, stride: 2}}]
  predict:
"""
ONE_BY_ONE = """
    - {from: small, fork: [Boxes, Scores], as: [b1, s1]}
    - {from: large, fork: [Boxes, Scores], as: [b2, s2]}
    - {concat: [b1, b2], as: boxes}
    - {concat: [s1, s2], as: scores}
outputs: {boxes: predict.boxes, scores: predict.scores}
"""
SIDE_BY_SIDE = """
    - {concat: {name: boxes, each: f, in: [small, large], body: [{from: f, Boxes: }]}, as: boxes}
    - {concat: {name: scores, each: f, in: [small, large], body: [{from: f, Scores: }]}, as: scores}
outputs: {boxes: predict.boxes, scores: predict.scores}
"""


def test_numbered_heads_are_carried_into_lists_of_them(here):
    Path("numbered.yaml").write_text(HEADS + ONE_BY_ONE)
    Path("listed.yaml").write_text(HEADS + SIDE_BY_SIDE)
    theirs, ours = archdsl.build("numbered.yaml").eval(), archdsl.build("listed.yaml").eval()
    found = archdsl.port(theirs.state_dict(), "listed.yaml", before="numbered.yaml")
    assert (found.new, found.dropped) == ([], [])
    assert ("predict_boxes_2.conv.weight", "predict_boxes.1.conv.weight") in {(p.theirs, p.ours) for p in found.pairs}
    ours.load_state_dict(found.state)
    x = torch.randn(2, 3, 8, 8)
    assert all(torch.equal(one, other) for one, other in zip(theirs(x), ours(x), strict=True))


def test_keys_of_other_words_are_of_another_spec(here):
    Path("named.yaml").write_text(NAMED)
    old = {key.replace("stem", "trunk"): value for key, value in of_earlier_keys().items()}
    refusal("unmatched-weights", old, "named.yaml", before="named.yaml")
    refusal("unmatched-weights", dict(sorted(of_earlier_keys().items())), "named.yaml", before="named.yaml")


@pytest.mark.parametrize("name", shipped())
def test_a_spec_that_is_not_edited_moves_nothing(name):
    variant = read(name).networks()[0]
    old = archdsl.build(name, variant).state_dict()
    found = archdsl.port(old, name, variant, before=name)
    assert [(pair.theirs, pair.ours) for pair in found.pairs] == [(key, key) for key in old]
    assert (found.new, found.dropped) == ([], [])


def test_a_long_network_is_aligned_at_once():
    """3000 blocks, one put between."""
    network = {"archdsl": 1, "name": "Long", "input": [3, 4, 4], "stages": {"a": [{"conv": 4}] * 1000}}
    longer = {**network, "stages": {"a": [{"conv": 4}] * 500 + ["bn"] + [{"conv": 4}] * 500}}
    old = archdsl.build(network).state_dict()
    found = archdsl.port(old, longer, before=network)
    assert not found.dropped
    assert all(key.startswith("a.500.") for key in found.new)


def test_parts_with_other_names_are_matched_by_what_is_in_them(here):
    new = edit(
        here,
        ("  body:\n", "  trunk:\n"),
        ("[[one, 12], [two, 16]]", "[[first, 12], [second, 16]]"),
    )
    old = archdsl.build("old.yaml").state_dict()
    found = archdsl.port(old, new, before="old.yaml")
    assert (found.new, found.dropped) == ([], [])
    moved = {pair.ours: pair.theirs for pair in found.pairs if pair.ours != pair.theirs}
    assert moved["trunk.1.conv.weight"] == "body.1.conv.weight"
    assert moved["rows.second.unit.conv.weight"] == "rows.two.unit.conv.weight"


def test_a_part_that_was_renamed_and_edited_is_named_by_the_user(here):
    new = edit(here, ("  body:\n", "  trunk:\n"), ("repeat: 3", "repeat: 2"))
    old = archdsl.build("old.yaml").state_dict()
    assert any(key.startswith("trunk") for key in archdsl.port(old, new, before="old.yaml").new)
    found = archdsl.port(old, new, before="old.yaml", map={"body": "trunk"})
    assert found.new == []
    assert ("body.0.unit.conv.weight", "trunk.0.unit.conv.weight") in {pair[:2] for pair in found.pairs}
    assert {key.rpartition(".unit")[0] for key in found.dropped} == {"body.4"}
    assert "no part with weights has the path 'bodies'" in refusal(
        "bad-call", old, new, before="old.yaml", map={"bodies": "trunk"}
    )


# --- the command


@pytest.fixture
def run(here, capfd):
    def call(*args: str) -> tuple[int, str, str]:
        status = cli.main(["port", *args])
        return (status, *capfd.readouterr())

    return call


def test_the_command_tells_each_pair_and_what_is_proven(run):
    status, out, err = run(
        "torchvision:squeezenet1_1", "squeezenet", "-v", "1.1", "--input", "3,64,64", "-o", "net.safetensors"
    )
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["features.0.weight", "->", "conv1.0.weight", "64×3×3×3"]
    assert lines[51].split() == ["classifier.1.bias", "->", "conv10.1.bias", "1000"]
    assert lines[52:54] == ["", "52 tensors, paired by running both networks"]
    assert lines[54].startswith("outputs are equal on random images: they differ by at most ")
    assert lines[55:] == ["wrote net.safetensors"]
    state = safetensors.torch.load_file("net.safetensors")
    archdsl.build("squeezenet", "1.1").load_state_dict(state)


def test_the_command_says_that_nothing_is_proven_without_the_network(run):
    torch.save(archdsl.port("torchvision:squeezenet1_1", "squeezenet", "1.1", input=[3, 64, 64]).state, "own.pth")
    own = torch.load("own.pth", weights_only=True)
    state = {f"layer{n // 2}.{key.rpartition('.')[2]}": value for n, (key, value) in enumerate(own.items())}
    torch.save(state, "net.pth")
    status, out, _ = run("net.pth", "squeezenet", "-v", "1.1", "-o", "again.pt")
    assert status == 0
    assert out.splitlines()[-3:] == [
        "52 tensors, paired by order and shapes",
        "outputs were not compared; to compare them, name the network that the weights come from with --from",
        "wrote again.pt",
    ]
    status, out, _ = run("own.pth", "squeezenet", "-v", "1.1", "-o", "again.pt")
    assert out.splitlines()[-2:] == ["52 tensors, paired by their names, which are ours", "wrote again.pt"]


def test_the_command_tells_what_an_edit_moved(run, here):
    network = edit(here, ("    - Layer: 8\n", "    - Unit: {out: 4}\n    - Layer: 8\n"), ("repeat: 3", "repeat: 2"))
    torch.save(archdsl.build("old.yaml").state_dict(), "old.pth")
    status, out, err = run("old.pth", "--between", "old.yaml", network, "-o", "new.pth")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "kept     44 tensors",
        "moved    body.0 -> body.1 (11 tensors)",
        "moved    body.1 -> body.2 (6 tensors)",
        "moved    body.2 -> body.3 (12 tensors)",
        "new      body.0 (6 tensors)",
        "new      body.1.unit.conv (1 tensor)",
        "dropped  body.0.unit.conv (1 tensor)",
        "dropped  body.3 (12 tensors)",
        "wrote new.pth",
    ]


def test_the_command_tells_both_shapes_of_what_an_edit_changed(run, here):
    network = edit(here, ("  body:\n", "  trunk:\n"), ("repeat: 3", "repeat: 2"), ("num_classes: 10", "num_classes: 7"))
    torch.save(archdsl.build("old.yaml").state_dict(), "old.pth")
    args = ("--map", "body=trunk", "--set", "in_chans=1")
    status, out, err = run("old.pth", "--between", "old.yaml", network, *args, "-o", "new.pth")
    assert (status, err) == (0, "")
    assert "changed  stem.conv.weight (summed over 3 channels)" in out.splitlines()
    assert "new      head.2.weight (7×16, before 10×16)" in out.splitlines()


@pytest.mark.parametrize(
    "args",
    [
        ("torchvision:squeezenet1_1", "squeezenet", "-v", "1.0", "--input", "3,64,64"),
        ("torchvision:mobilenet_v3_small", "mobilenet_v3", "-v", "small-1.00", "--input", "3,64,64"),
        ("bomb.pth", "squeezenet"),
        ("none.pth", "squeezenet"),
        ("bomb.pth",),
        ("bomb.pth", "squeezenet", "--between", "old.yaml", "new.yaml"),
        ("bomb.pth", "--from", "timm:fbnetc_100", "--between", "old.yaml", "new.yaml"),
    ],
)
def test_what_is_refused_is_not_written(args, run, here):
    edit(here)
    torch.save(Bomb(), "bomb.pth")
    Path("out.safetensors").write_text("as it was")
    before = sorted(here.iterdir())
    status, out, err = run(*args, "-o", "out.safetensors")
    assert (status, out) == (2, "")
    assert err.startswith("error[")
    assert Path("out.safetensors").read_text() == "as it was"
    assert sorted(here.iterdir()) == before
