"""Channel shuffles moved into weights, and steps that pick channels merged: where, where not, and what they compute."""

from __future__ import annotations

import json
from random import Random

import pytest
from support.carried import assert_carried, count
from support.proof import prove_what_prints

import archdsl

HEAD = """archdsl: 1
name: Net
input: [8, 4, 4]
params: {wide: true}
variants: {"yes": {}, "no": {wide: false}}
default: "yes"
blocks:
  CB: {params: {out: , groups: 1}, body: [conv: {out: out, groups: groups, kernel: 3}, bn, relu]}
  Dense: {params: {dense: false}, body: [{CB: [8, 1 if dense else 2]}, channel_shuffle: 2, dwconv: 3, CB: [8, 2]]}
  Under: {params: {dense: false}, body: [{CB: [8, 1 if dense else 2]}, {channel_shuffle: 2, when: wide}, CB: [8, 2]]}
  Mix: {body: [channel_shuffle: 2, CB: 8]}
  Half: {params: [out], let: {part: ceil(out / 2)}, body: [concat: [[conv: part], [conv: part, relu]], take: out]}
  Even:
    params: [out]
    body: [concat: [[conv: out], [conv: out]], {split: 2, as: [p, q]}, add: [[{from: p, relu: }], q]]
stages:
"""

SHUFFLES = {  # what a stage holds, and in how many places channels are shuffled before and after
    "behind a convolution": ("[CB: 8, channel_shuffle: 2, CB: [8, 2]]", 1, 0),
    "before one, through what keeps the order": (
        "[CB: [8, 2], channel_shuffle: 2, bn, prelu, dwconv: 3, max_pool: 2, CB: 4]",
        1,
        0,
    ),
    "between groups": ("[CB: [8, 2], channel_shuffle: 2, CB: [8, 2]]", 1, 1),
    "one after the other": ("[CB: [12, 2], channel_shuffle: 2, relu, channel_shuffle: 3, bn, CB: 8]", 2, 0),
    "before several": ("[CB: [8, 2], channel_shuffle: 2, concat: [[CB: 4], [dwconv: 3, CB: 4]]]", 1, 0),
    "one of which has groups": ("[CB: [8, 2], channel_shuffle: 2, concat: [[CB: 4], [CB: [4, 2]]]]", 1, 1),
    "beside a gate": (
        "[CB: [8, 2], channel_shuffle: 2, mul: [identity, [global_avg_pool, conv: 4, conv: 8, sigmoid]], conv: 5]",
        1,
        0,
    ),
    "beside a gate of one channel": (
        "[CB: [8, 2], channel_shuffle: 2, mul: [identity, [conv: 1, sigmoid]], conv: 5]",
        1,
        0,
    ),
    "in a residual": ("[CB: 8, {residual: [CB: 8, channel_shuffle: 4, dwconv: 3]}, CB: 4]", 1, 0),
    "whose other tensor leaves the stage": ("[{residual: [CB: [8, 2], channel_shuffle: 4]}]", 1, 1),
    "added to what it shuffles": ("[CB: 8, {residual: [channel_shuffle: 4]}, CB: 8]", 1, 1),
    "what leaves the network": ("[CB: [8, 2], channel_shuffle: 2]", 1, 1),
    "a depthwise convolution with two channels for one": (
        "[CB: [8, 2], channel_shuffle: 2, {dwconv: {multiplier: 2}}, CB: 4]",
        1,
        1,
    ),
    "under a condition": (
        "[CB: [8, 2], {channel_shuffle: 2, when: wide}, {when: wide, dwconv: 3, else: [relu]}, CB: 5]",
        1,
        0,
    ),
    "in every run of a block": ("[{repeat: 2, body: [Dense: true]}]", 2, 0),
    "in some runs": ("[Dense: true, Dense: false, Dense: ]", 3, 2),
    "in some runs, under a condition": ("[Under: true, Under: false]", 2, 1),
    "in a block that runs twice": ("[{name: b, Dense: true}, relu, {share: b, Dense: }]", 2, 0),
    "in a block behind a layer that runs twice": ("[{name: c, conv: 8}, Mix, {share: c, conv: }]", 1, 0),
    "beside a layer that runs twice": ("[{name: c, conv: 8}, channel_shuffle: 2, {share: c, conv: }]", 1, 1),
}
GATHERS = {  # what a stage holds, and how many of its steps pick or join channels before and after
    "the first of the first": ("[conv: 12, take: 8, take: 5]", 2, 1),
    "all": ("[concat: [[conv: 4], [conv: 6]], take: 10, conv: 3]", 2, 1),
    "not all": ("[concat: [[conv: 4], [conv: 6]], take: 9]", 2, 2),
    "all, under a condition": ("[concat: [[conv: 4], [conv: 6]], {take: 10, when: wide}, conv: 3]", 2, 1),
    "all in some runs": ("[Half: 4, Half: 7]", 4, 3),
    "split and joined": ("[{split: 2, as: [p, q]}, concat: [p, q], conv: 3]", 2, 0),
    "split and joined in another order": ("[{split: 2, as: [p, q]}, concat: [q, p]]", 2, 2),
    "split, joined and read elsewhere": ("[{split: 2, as: [p, q]}, concat: [p, q], concat: [identity, p]]", 3, 3),
    "joined and split": ("[Even: 4, Even: 6]", 4, 0),
    "joined and split elsewhere": (
        "[concat: [[conv: 4], [conv: 6]], {split: 2, as: [p, q]}, add: [[{from: p, relu: }], q]]",
        2,
        2,
    ),
    "a shuffle and its inverse": ("[conv: 12, channel_shuffle: 3, channel_shuffle: 4, relu]", 2, 0),
    "two shuffles": ("[conv: 12, channel_shuffle: 3, channel_shuffle: 3]", 2, 2),
}
GATHERING = ("channel_shuffle", "take", "split", "concat")
BOTH = ("fold_shuffles", "merge_gathers")
PASSES = {"fold_shuffles": (SHUFFLES, ("channel_shuffle",)), "merge_gathers": (GATHERS, GATHERING)}


def network(cases):
    """A network with a stage for each case, each of 8 channels that enter."""
    return HEAD + "".join(f"  s{n}: [conv: 8, {case[0][1:]}\n" for n, case in enumerate(cases.values()))


def counted(graph, names, cases):
    """In how many places of each stage channels are only picked, joined or shuffled."""
    counts = []
    for stage in graph.root.children:
        assert stage.name == f"s{len(counts)}"
        counts.append(count(stage.nodes(), *names))
    return dict(zip(cases, counts, strict=True))


@pytest.mark.parametrize("name", PASSES)
def test_what_only_orders_channels_goes_where_no_output_changes(name, tmp_path):
    cases, ops = PASSES[name]
    file = tmp_path / "net.yaml"
    file.write_text(network(cases), encoding="utf-8")
    assert counted(archdsl.graph(file), ops, cases) == {case: count for case, (_, count, _) in cases.items()}
    made = archdsl.graph(file, passes=[name])
    assert counted(made, ops, cases) == {case: left for case, (_, _, left) in cases.items()}
    assert prove_what_prints(made) == ["specialized", "parametric"]
    for variant, passes in (("yes", [name]), ("no", [name]), ("yes", ["fold_batch_norm", name])):
        assert_carried(file, variant, passes)


def steps(random, depth=2):
    """Random steps on 12 channels, which all of them keep."""
    groups = random.choice((1, 1, 2, 3))
    plain = [
        {"CB": [12, groups]},
        {"conv": {"out": 12, "groups": groups}},
        *({"channel_shuffle": n} for n in (2, 3, 4)),
        *("bn", "relu", "prelu", {"dwconv": 3}, {"take": 12}),
    ]
    return [random.choice([*plain, *joins(random, depth)]) for _ in range(random.randint(1, 4))]


def joins(random, depth):
    """Steps over branches of random steps."""
    if depth == 0:
        return []
    one, other = (steps(random, depth - 1) for _ in range(2))
    return [
        {"residual": one},
        {"mul": [one, [*other, {"conv": 1}, "sigmoid"]]},
        {"concat": [[*one, {"conv": 4}], [*other, {"conv": 8}]]},
    ]


def changed(seeds):
    """How many of the networks of some seeds the passes change, each of which computes the same."""
    many = 0
    for seed in seeds:
        random = Random(seed)
        text = HEAD + "".join(f"  s{n}: {json.dumps([{'conv': 12}, *steps(random)])}\n" for n in range(2))
        before, made = (archdsl.graph(text, passes=passes) for passes in ((), BOTH))
        if len(made.nodes) < len(before.nodes):
            assert_carried(text, None, BOTH)
            many += 1
    return many


def test_random_networks_compute_the_same():
    assert changed(range(6, 10)) >= 3


@pytest.mark.slow
@pytest.mark.long
def test_many_random_networks_compute_the_same():
    assert changed(range(10, 50)) >= 30


@pytest.mark.parametrize(("name", "variant"), [("shufflenet_v1", "g2-x1.0"), ("ghostnet", None)])
def test_what_a_shipped_network_has_of_it_is_gone(name, variant):
    whole, made = (archdsl.graph(name, variant, input=[3, 32, 32], passes=passes) for passes in ((), BOTH))
    assert len(made.nodes) < len(whole.nodes)
    assert_carried(name, variant, BOTH, input=[3, 32, 32])
