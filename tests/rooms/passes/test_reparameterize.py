"""Branches that become one convolution: which, as which, that outputs stay what they are, and what is refused."""

from __future__ import annotations

import copy
import pickle
from random import Random

import pytest
import torch
from support.carried import assert_carried
from support.proof import prove_what_prints
from torch import nn

import archdsl

HEAD = "archdsl: 1\nname: Net\ninput: [8, 9, 9]\n"
PASSES = ["reparameterize"]

# The branches, then the layer that takes their place: its op and what is not as it would be by itself.
MERGED = {
    "RepVGG": ("[conv: {out: 8, kernel: 3}, bn], [conv: 8, bn], bn", "conv", {"kernel": 3}),
    "without norms": ("{conv: {out: 8, kernel: 3, bias: false}}, {conv: 8}, identity", "conv", {"kernel": 3}),
    "depthwise": ("[dwconv: 3, bn], [dwconv: 1, bn], bn", "dwconv", {"kernel": 3}),
    "norms alone": ("bn, [bn, bn], identity", "dwconv", {"kernel": 1}),
    "a mean": (
        "[conv: {out: 8, kernel: 5}, bn], [avg_pool: {kernel: 3, stride: 1, padding: 1}, bn]",
        "conv",
        {"kernel": 5},
    ),
    "a mean and a norm": ("bn, [avg_pool: {kernel: 3, stride: 1, padding: keep}, bn]", "dwconv", {"kernel": 3}),
    "a stride": (
        "[conv: {out: 6, kernel: 3, stride: 2}, bn], [conv: {out: 6, stride: 2}, bn]",
        "conv",
        {"kernel": 3, "stride": 2, "out": 6},
    ),
    "groups in one another": (
        "[conv: {out: 8, kernel: 3, groups: 4}, bn], [conv: {out: 8, groups: 2}, bn], [dwconv: 5, bn], bn",
        "conv",
        {"kernel": 5, "groups": 2},
    ),
    "dense and depthwise": ("[conv: 8, bn], [dwconv: 3, bn]", "conv", {"kernel": 3}),
    "lines of a cross": (
        "[conv: {out: 8, kernel: [1, 5]}, bn], [conv: {out: 8, kernel: [3, 1]}, bn]",
        "conv",
        {"kernel": [3, 5]},
    ),
    "dilation": (
        "[conv: {out: 8, kernel: 3, dilation: 2}, bn], [conv: 8, bn], bn",
        "conv",
        {"kernel": 3, "dilation": 2},
    ),
    "windows without a border": (
        "[conv: {out: 8, kernel: 4, stride: 4, padding: 0}, bn], [conv: {out: 8, kernel: 2, stride: 4, padding: 0}]",
        "conv",
        {"kernel": 4, "stride": 4, "padding": 0},
    ),
    "TensorFlow's padding": (
        (
            "[conv: {out: 8, kernel: 3, stride: 2, padding: same}, bn],"
            "{conv: {out: 8, kernel: 3, stride: 2, padding: same}}"
        ),
        "conv",
        {"kernel": 3, "stride": 2, "padding": "same"},
    ),
    "rows": ("{each: k, in: [1, 3, 5], body: [conv: {out: 8, kernel: k}, bn]}, bn", "conv", {"kernel": 5}),
    "as many as a param says": (
        "{each: n, in: rows, body: [conv: {out: 8, kernel: size}, bn]}, bn",
        "conv",
        {"kernel": 3},
    ),
    "under conditions": (
        (
            "[conv: {out: 8, kernel: size}, {bn: , when: not wide}],"
            "{conv: {out: 8, kernel: 5}, when: wide}, {bn: , when: wide}"
        ),
        "conv",
        {"kernel": 3},
    ),
    "either of two": (
        "[{conv: {out: 8, kernel: 5}, when: wide, else: [conv: 8]}, bn], [conv: 8, {bn: , name: n}]",
        "conv",
        {"kernel": 1},
    ),
    "blocks": (
        "ConvBN: {out: 8, kernel: size}, ConvBN: {out: 8, groups: 2}, {body: [Same, bn], name: skip}",
        "conv",
        {"kernel": 3, "groups": 2},
    ),
    "blocks of what enters": ("ConvBN: {kernel: size}, ConvBN: , bn", "dwconv", {"kernel": 3}),
}
BLOCKS = (
    "params: {wide: false, size: 3, rows: [1, 2]}\n"
    "blocks:\n"
    "  ConvBN:\n"
    "    params: {out: c_in, kernel: 1, groups: c_in}\n"
    "    body: [conv: {out: out, kernel: kernel, groups: groups, bias: false}, bn]\n"
    "  Same: {body: [bn]}\n"
)
VARIANTS = "variants: {narrow: {}, wide: {wide: true, size: 5, rows: [1]}}\n"


def written(tmp_path, branches, rest=""):
    file = tmp_path / "net.yaml"
    text = f"{HEAD}{BLOCKS}stages:\n  a: [relu]\n  b: [{{reparam: [{branches}]}}, relu]\n{VARIANTS}{rest}"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("case", MERGED)
def test_branches_become_one_layer(case, tmp_path):
    branches, op, fields = MERGED[case]
    file = written(tmp_path, branches)
    found = archdsl.graph(file, "narrow", passes=PASSES)
    assert [node.op.name for node in found.nodes] == ["relu", op, "relu"]
    usual = {"stride": 1, "padding": "keep", "dilation": 1, "bias": True}
    usual |= {"multiplier": 1} if op == "dwconv" else {"out": 8, "groups": 1}
    made = found.nodes[1]
    assert {name: made.fields[name] for name in {**usual, **fields}} == {**usual, **fields}
    assert prove_what_prints(archdsl.graph(file, "wide", passes=PASSES)) == ["specialized", "parametric"]
    for variant in ("narrow", "wide"):
        assert_carried(file, variant, PASSES)


REFUSED = {
    "[conv: 8, bn, relu], bn": "reparam cannot merge a branch that has relu in it",
    "[conv: 8, bn, conv: 8], bn": "reparam cannot merge a branch that has a layer behind another one",
    "[bn, conv: 8], bn": "reparam cannot merge a branch that has a layer behind another one",
    "[max_pool: {kernel: 3, stride: 1, padding: 1}, bn], bn": "reparam cannot merge a branch that has max_pool in it",
    "{running_sum: [conv: 8, conv: 8]}": "reparam has one branch, and adds several",
    "bn, {running_sum: [conv: 8, conv: 8]}": (
        "reparam cannot merge a branch that does not begin with the tensor that the others begin with"
    ),
    "[conv: 8, bn]": "reparam has one branch, and adds several",
    "conv: 8, {bn: , from: input}": (
        "reparam cannot merge a branch that does not begin with the tensor that the others begin with"
    ),
    "conv: {out: 8, stride: 2}, conv: 8": "reparam cannot merge a branch that has another stride",
    "conv: {out: 8, kernel: 3, dilation: size}, conv: {out: 8, kernel: 3}": (
        "reparam cannot merge a branch that has another dilation"
    ),
    "conv: {out: 8, kernel: size, padding: 1}, bn": (
        "reparam cannot merge a branch that may not be aligned with the others"
    ),
    "conv: {out: 8, kernel: 2, stride: 2, padding: 1}, conv: {out: 8, kernel: 4, stride: 2, padding: 0}": (
        "reparam cannot merge a branch that does not lie within the largest window"
    ),
    "conv: {out: 8, kernel: [1, 3]}, conv: {out: 8, kernel: [1, 3, 3]}": (
        "reparam cannot merge a branch that has another number of axes"
    ),
    "[avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}, bn], bn": (
        "reparam cannot merge a branch that leaves its border out of the mean"
    ),
    "conv: {out: 8, kernel: 3, padding_mode: reflect}, bn": "reparam cannot merge a branch that has padding_mode",
    "conv: {out: 8, kernel: 3, standardize: true}, bn": "reparam cannot merge a branch that has standardize",
    "{each: n, in: rows, body: [conv: {out: 8, kernel: n}]}, bn": (
        "reparam cannot merge a branch that reads what differs between its branches or inside of a block"
    ),
    "identity, {avg_pool: {kernel: 3, stride: 1, padding: 1}}": "no branch of this reparam has weights",
    "{conv: 8, when: wide}, {conv: 8, when: not wide}": (
        "reparam needs a convolution that is always there, because it sets the number of output channels"
    ),
}


@pytest.mark.parametrize("branches", REFUSED)
def test_what_does_not_become_one_layer_is_refused(branches, tmp_path):
    file = written(tmp_path, branches)
    for form in ("train", "deploy"):
        with pytest.raises(archdsl.SpecError) as caught:
            archdsl.graph(file, "narrow", form=form)
        (found,) = caught.value.diagnostics
        assert (found.code, found.message) == ("bad-reparam", REFUSED[branches])
        assert found.span.line == 12
        assert found.help


@pytest.mark.parametrize("branches", ["[conv: {out: 8, kernel: 3, stride: 2}], bn", "conv: 12, bn"])
def test_what_is_at_fault_in_training_is_no_network_once_deployed(branches, tmp_path):
    file = written(tmp_path, branches)
    for made in (archdsl.graph, archdsl.cost):
        with pytest.raises(archdsl.SpecError, match="reparam takes tensors of the same shape"):
            made(file, "narrow", form="deploy")


@pytest.mark.parametrize("other", ["[5, 1]", "3"])
def test_kernels_of_which_no_number_is_the_greatest_are_at_fault_where_the_sum_stands(other, tmp_path):
    file = tmp_path / "net.yaml"
    rep = "Rep: {params: {k: 3, j: 3}, body: [reparam: [conv: {out: 8, kernel: k}, conv: {out: 8, kernel: j}], relu]}"
    file.write_text(f"{HEAD}blocks:\n  {rep}\nstages: {{a: [Rep: [[1, 5], {other}]]}}\n", encoding="utf-8")
    archdsl.graph(file)
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.graph(file, form="deploy")
    (found,) = caught.value.diagnostics
    assert found.message == "cannot compute 'max(k, j)': max compares numbers, and here is a list"
    assert rep in found.span.source.line(found.span.line)


def test_the_norms_may_be_folded_before_or_after(tmp_path):
    file = written(tmp_path, MERGED["RepVGG"][0])
    for passes in (["fold_batch_norm", *PASSES], [*PASSES, "fold_batch_norm"], ["deploy"]):
        assert [type(part) for part in assert_carried(file, "wide", passes).children()] == [nn.ReLU, nn.Conv2d, nn.ReLU]


def random_spec(seed):
    """A block of random branches that fit, called with and without a stride, and each branch with its conditions."""
    at = Random(seed)
    groups = at.choice(["1", "2", "c_in", "g"])
    kernel = at.choice(["3", "k", "[3, 1]"])

    def norms():
        return at.choice([", bn", ", bn", ", bn: {eps: 0.01, affine: false}", ", bn, bn", ", {bn: , when: more}", ""])

    def conv(kernel):
        own = f"conv: {{out: 8, kernel: {kernel}, stride: s, groups: {groups}, bias: {at.choice(['true', 'false'])}}}"
        return at.choice([own, f"ConvBN: [8, {kernel}, s, {groups}]"])

    branches = [f"[{conv(kernel)}{norms()}]"]
    for _ in range(at.randint(1, 3)):
        mean = "[avg_pool: {kernel: 3, stride: s, padding: 1}, bn]"
        body = at.choice([f"[{conv(1)}{norms()}]", f"[{conv(kernel)}{norms()}]", mean, "bn", "identity"])
        fits = "s == 1" if body in ("bn", "identity") else at.choice(["", "more", "not more", "k > 3"])
        named = {"bn": "bn: ", "identity": "identity: "}.get(body, f"body: {body}")
        branches.append(f"{{{named}, when: {fits}}}" if fits else body)
    at.shuffle(branches)
    return (
        f"{HEAD}blocks:\n"
        "  ConvBN:\n    params: [out, kernel, stride, groups]\n"
        "    body: [conv: {out: out, kernel: kernel, stride: stride, groups: groups, bias: false}, bn]\n"
        f"  Rep:\n    params: {{s: 1, k: 3, g: 4, more: true}}\n    body: [reparam: [{', '.join(branches)}], relu]\n"
        "stages:\n  a: [Rep, Rep: {s: 2, k: 5, more: false}]\n  b: [Rep: {g: 8, k: 1, more: 1}, Rep: {k: 5}]\n"
    )


@pytest.mark.parametrize("seed", range(24))
def test_random_branches_are_merged_with_the_same_outputs(seed, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(random_spec(seed), encoding="utf-8")
    made = assert_carried(file, passes=PASSES)
    assert [type(part).__name__ for part in made.modules() if not [*part.children()]] == ["Conv2d", "ReLU"] * 4
    if seed % 6 == 0:
        prove_what_prints(archdsl.graph(file, passes=PASSES))


def test_the_source_is_that_of_the_plain_network(tmp_path):
    text = (
        f"{HEAD}blocks:\n  Rep:\n    doc: RepVGG's block.\n    params: {{out: , stride: 1}}\n    body:\n"
        "      - reparam:\n"
        "          - [conv: {out: out, kernel: 3, stride: stride, bias: false}, bn]\n"
        "          - [conv: {out: out, stride: stride, bias: false}, bn]\n"
        "          - {bn: , when: stride == 1 and c_in == out}\n"
        "      - relu\n"
        "stages: {a: [Rep: [6, 2], Rep: 6, Rep: 12]}\n"
    )
    file = tmp_path / "net.yaml"
    file.write_text(text, encoding="utf-8")
    source = archdsl.emit(file, form="deploy")
    wanted = (
        "class Rep(nn.Sequential):\n"
        '    """RepVGG\'s block; the branches are merged into one convolution."""\n\n'
        "    def __init__(self, c_in: int, out: int, stride: int = 1) -> None:\n"
        "        super().__init__()\n"
        "        self.conv = nn.Conv2d(c_in, out, 3, stride, 1)\n"
        "        self.relu = nn.ReLU(inplace=True)\n"
    )
    assert wanted in source
    assert archdsl.cost(file, form="deploy").params == sum(
        p.numel() for p in archdsl.build(file, form="deploy").parameters()
    )
    found = archdsl.graph(file, form="deploy")
    assert archdsl.emit(pickle.loads(pickle.dumps(found))) == archdsl.emit(copy.deepcopy(found)) == source


def test_an_auxiliary_head_is_merged_too(tmp_path):
    rest = "  aux: {training: true, body: [reparam: [[conv: 8, bn], bn], global_avg_pool, flatten, linear: 2]}\n"
    file = tmp_path / "net.yaml"
    file.write_text(f"{HEAD}stages:\n  a: [conv: 8]\n{rest}", encoding="utf-8")
    made = archdsl.build(file, form="deploy").train()
    assert not any(isinstance(part, nn.BatchNorm2d) for part in made.modules())
    archdsl.convert(archdsl.build(file), file)


def test_the_mode_and_the_precision_are_kept(tmp_path):
    file = written(tmp_path, MERGED["RepVGG"][0])
    made = archdsl.convert(archdsl.build(file, "wide").half().train(), file, "wide", passes=PASSES)
    assert made.training
    assert {tensor.dtype for tensor in made.parameters()} == {torch.float16}
