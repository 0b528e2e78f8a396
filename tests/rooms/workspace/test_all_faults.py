"""All independent faults of a spec in one run, and none that only follows from another."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.workspace.checking import check

HEAD = "archdsl: 1\nname: Net\ninput: [3, 32, 32]\n"
CASES = {
    "a name in another step than the one that cannot be read": (
        "stages:\n  a: [bnn, conv: wdith]\n",
        ["5:7 unknown-op", "5:18 unknown-name"],
    ),
    "a tensor that a step names which cannot be read": (
        "stages:\n  a: [{bnn: , as: kept}, conv: 3, add: [input, kept]]\n",
        ["5:8 unknown-op"],
    ),
    "names of a split that cannot be read": (
        "stages:\n  a: [conv: 8, {splitt: 2, as: [one, two]}, concat: [one, two], conv: {out: 8, kernl: 3}]\n",
        ["5:17 unknown-op", "5:80 unknown-argument"],
    ),
    "a join that cannot be read after a split": (
        "stages:\n  a: [conv: 8, {split: 2, as: [one, two]}, {concatt: [one, two]}, conv: wdith]\n",
        ["5:45 unknown-op", "5:73 unknown-name"],
    ),
    "params of a block under a key that is none": (
        "blocks:\n  Unit:\n    parms: [out]\n    body: [conv: out, rleu]\nstages:\n  a: [Unit: {out: 8}, Unit: wd]\n",
        ["6:5 unknown-key", "7:23 unknown-op", "9:29 unknown-name"],
    ),
    "a block whose name cannot be one": (
        "blocks:\n  Con v: [relu]\nstages:\n  a: [Conv: , Cnov: ]\n",
        ["5:3 bad-name", "7:15 unknown-block"],
    ),
    "a param whose name cannot be one": (
        "params: {num classes: 10}\nstages:\n  a: [conv: num_classes, conv: ten]\nvariants:\n  b: {num_classes: 3}\n",
        ["4:10 bad-name", "6:32 unknown-name"],
    ),
    "a let that cannot be read": (
        "blocks:\n  Unit: {params: [out], let: {half: 'out //'}, body: [conv: half, conv: n]}\nstages:\n  a: [relu]\n",
        ["5:37 bad-expression", "5:73 unknown-name"],
    ),
    "params of the network under a key that is none": (
        "parms: {width: 8}\nstages:\n  a: [conv: width]\n  b: [conv: widht]\nvariants:\n  wide: {width: 16}\n",
        ["4:1 unknown-key", "7:13 unknown-name"],
    ),
    "a default that may have given an argument": (
        "defaults:\n  max_pool: {kernl: 2}\nstages:\n  a: [conv: 8, max_pool, relu: 3]\n",
        ["5:14 unknown-argument", "7:32 surplus-argument"],
    ),
    "a path into a stage that is at fault": (
        "stages:\n  a: [{conv: 8, name: one}, conv: wdith]\n  b: [{from: a.one, relu: }]\n  c: [{from: d.e, relu: }]\n",
        ["5:35 unknown-name", "7:14 unknown-tensor"],
    ),
    "all that an op has not": (
        "stages:\n  a: [conv: {out_channels: 8, kernel_size: wdith, groups: wdith}]\n",
        ["5:14 unknown-argument", "5:31 unknown-argument", "5:59 unknown-name"],
    ),
    "an argument that is missing beside a name that is not there": (
        "stages:\n  a: [flatten, linear: {bias: wdith}]\n",
        ["5:16 missing-argument", "5:31 unknown-name"],
    ),
    "all that a block needs": (
        "blocks:\n  Unit: {params: [out, kernel], body: [conv: {out: out, kernel: kernel}]}\nstages:\n  a: [Unit: ]\n",
        ["7:7 missing-argument", "7:7 missing-argument"],
    ),
    "numbers in a stage before one that cannot be read": (
        "stages:\n  a: [conv: {out: 8, groups: 3, bias: 2}, dropout: 7]\n  b: [bnn]\n",
        ["5:30 shape", "5:39 bad-value", "5:52 bad-value", "6:7 unknown-op"],
    ),
    "numbers in a stage before one whose block is at fault": (
        "blocks:\n  U: {let: {m: otu // 2}, body: [conv: m]}\nstages:\n  a: [conv: {out: 8, groups: 2}]\n  b: [U: ]\n",
        ["5:16 unknown-name", "7:30 shape"],
    ),
    "no numbers behind a stage that cannot be read": (
        "stages:\n  a: [conv: 8]\n  b: {for: [n], in: [[16]], bdy: [conv: n]}\n  c: [conv: {out: 8, groups: 16}]\n",
        ["6:29 unknown-key"],
    ),
    "a split whose names cannot be read": (
        "stages:\n  a: [conv: 8, {split: 2, as: [on e, two]}, two, conv: {kernl: 3}]\n",
        ["5:32 bad-name", "5:57 unknown-argument"],
    ),
    "a key that may name the file of all blocks": (
        "us: blocks.yaml\nstages:\n  a: [Unit: 8]\n",
        ["4:1 unknown-key"],
    ),
    "a list of tensors whose step is at fault": (
        "stages:\n  a: [conv: 8, {splitt: 2, as: part}, concat: ['part[0]', 'part[1]'], conv: n]\n",
        ["5:17 unknown-op", "5:77 unknown-name"],
    ),
    "results of a block that is at fault": (
        "blocks:\n  Two: [bnn, fork: [conv: 4, conv: 2]]\nstages:\n  a: [Two: ]\n  b: [concat: ['a[0]', 'a[1]']]\n",
        ["5:9 unknown-op"],
    ),
    "a block that is at fault in a table that counts its turns": (
        "blocks:\n  Uint: [relu]\nstages:\n  a: {for: c, in: [6, 8], body: [Unit: , conv: c * turn]}\n",
        ["7:34 unknown-block"],
    ),
    "a column whose default cannot be read": (
        "stages:\n  a: {for: {c: , n: 2 +}, in: [[8], [4]], body: [conv: c * n]}\n",
        ["5:21 bad-expression"],
    ),
    "inputs under a key that is none": (
        "inptus: {image: [3, 8, 8]}\nstages:\n  a: [concat: [image, {from: image, conv: 3}], bnn]\n",
        ["4:1 unknown-key", "6:48 unknown-op"],
    ),
    "an input of a block whose name cannot be one": (
        "blocks:\n  U: {inputs: [a b], body: [conv: c_ab, add: [input, ab], bnn]}\nstages:\n  a: [conv: 3]\n",
        ["5:16 bad-name", "5:59 unknown-op"],
    ),
    "no numbers where defaults could not be read": (
        "defaults:\n  conv: {kernl: 40}\nstages:\n  a: [conv: {out: 8, groups: 2}, bnn]\n",
        ["5:10 unknown-argument", "7:34 unknown-op"],
    ),
    "what does not fit a tensor that does not fit": (
        "stages:\n  a: [global_avg_pool, flatten, conv: 8, bn, max_pool: 2, dropout: 3]\n",
        ["5:33 shape", "5:68 bad-value"],
    ),
    "what depends on a value that may not stand there": (
        "stages:\n  a: [conv: {out: 8, stride: 0}, flatten, linear: 8, conv: 3, dropout: 3]\n",
        ["5:30 bad-value", "5:72 bad-value"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_run_tells_all_that_is_at_fault_and_nothing_else(case, tmp_path):
    text, expected = CASES[case]
    path = tmp_path / "net.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(archdsl.SpecError) as caught:
        check(path)
    found = [f"{item.span.line}:{item.span.col} {item.code}" for item in caught.value.diagnostics]
    assert found == expected, str(caught.value)


def test_a_fault_of_a_block_is_told_once_however_often_it_is_called(tmp_path):
    block = "blocks:\n  Unit: {params: [out], body: [conv: {out: out, groups: 2}]}\n"
    body = f"{block}stages:\n  a: [Unit: 4, Unit: 4, Unit: 3]\n"
    (tmp_path / "net.yaml").write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(archdsl.SpecError) as caught:
        check(tmp_path / "net.yaml")
    (found,) = caught.value.diagnostics
    assert found.message == "groups 2 does not divide the channels (3 -> 4)"
    assert "other calls or variants have this error too, with other numbers" in [note.message for note in found.notes]


@pytest.mark.parametrize("given", [(224, 224), (224,), (1, 3, 224, 224)])
def test_an_input_of_another_number_of_axes_is_one_fault(given):
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.graph("squeezenet", input=given)
    (found,) = caught.value.diagnostics
    assert found.code == "bad-input"
    assert found.message.startswith("the input of 'SqueezeNet' has 3 numbers (C, H, W), not ")
