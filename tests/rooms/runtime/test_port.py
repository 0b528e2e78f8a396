"""Weights that move from other networks: with these at hand, or by order and shapes alone.

`test_parity.py` ports every network that another library has. Here are the cases that must be refused; files are in
`test_port_files.py`, edits of a spec in `test_port_over_edit.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.ports import SPEC, Theirs, agree, alive, refusal, spec
from torch import nn

import archdsl
from archdsl.workspace.library import read, shipped

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
