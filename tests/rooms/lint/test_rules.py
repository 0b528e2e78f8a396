"""What is warned of, where, and what is not."""

from __future__ import annotations

import pytest
from support.places import BEYOND_FILES, SPEC_FILES

from archdsl.analysis.elaborate import elaborate, lowered
from archdsl.diagnostics.spans import Source
from archdsl.lint.rules import RULES
from archdsl.lint.rules.limits import in_bytes
from archdsl.lint.run import lint
from archdsl.workspace.library import read, read_from

HEAD = "archdsl: 1\nname: Net\ninput: [3, 64, 64]\n"


def warned(text, path=None):
    spec = read_from(Source("net.yaml", text), path)
    program = lowered(spec)
    return lint([elaborate(spec, variant, program=program) for variant in spec.networks()])


def codes(text):
    return [(item.code, item.span.line) for item in warned(text)]


@pytest.mark.parametrize("code", RULES)
def test_a_rule_speaks_of_its_wrong_example_and_not_of_its_right_one(code):
    rule = RULES[code]
    found = [item for item in warned(HEAD + rule.wrong) if item.code == code]
    assert found
    assert all(item.severity == "warning" and item.help == rule.help and item.span.line > 4 for item in found)
    assert [note.message for note in found[0].notes[1:]] == ([str(rule.paper)] if rule.paper else [])
    assert code not in {item.code for item in warned(HEAD + rule.right)}


STEPS = "stages:\n  a:\n    - conv: {out: 8, kernel: 3}\n"


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("    - relu\n    - relu\n", [("doubled-step", 8)]),
        ("    - sigmoid\n    - concat: [identity, relu]\n", [("doubled-step", 8)]),
        ("    - relu\n    - conv: {out: 8, kernel: 3}\n    - relu\n", []),
        ("    - concat: [sigmoid, identity]\n    - relu\n", []),
        ("    - {act: relu6}\n    - relu6\n", [("doubled-step", 8)]),
        ("    - relu\n    - relu6\n", []),
        ("    - group_norm: 2\n    - group_norm: 2\n", [("doubled-step", 8)]),
        ("    - bn\n    - bn\n", [("bias-before-norm", 6), ("doubled-step", 8)]),
        ("    - add: [bn, identity]\n", []),
        ("    - identity\n", [("dead-step", 7)]),
        ("    - {relu: , when: false, else: [identity]}\n", []),
        ("    - channel_shuffle: 1\n    - upsample: {scale: 1}\n", [("dead-step", 7), ("dead-step", 8)]),
        ("    - pad: 0\n", [("dead-step", 7)]),
        ("    - global_avg_pool\n    - flatten\n    - linear: 10\n", []),
    ],
)  # fmt: skip
def test_steps_are_warned_of_where_they_stand(steps, found):
    assert [item for item in codes(HEAD + STEPS + steps) if item[0] != "element-wise"] == found


def test_a_rate_that_is_a_param_may_be_zero():
    head = HEAD + "params: {rate: 0}\n"
    assert codes(head + STEPS + "    - dropout: rate\n") == []
    assert codes(head + STEPS + "    - dropout: 0\n") == [("dead-step", 8)]


def test_a_step_that_does_something_in_one_call_or_variant_is_not_dead():
    blocks = "blocks:\n  Unit: {params: [k], body: [max_pool: {kernel: k, stride: k}]}\n"
    stages = "stages:\n  a: [conv: {out: 8, kernel: 3}, Unit: 1, Unit: w]\nparams: {w: 1}\n"
    assert codes(HEAD + blocks + stages + "variants: {a: {}}\n") == [("dead-step", 5)]
    assert codes(HEAD + blocks + stages + "variants: {a: {w: 2}}\n") == []


def test_a_step_is_told_once_with_the_run_that_says_most():
    blocks = "blocks:\n  Unit: {params: [out], body: [conv: {out: out, kernel: 3}, relu]}\n"
    (found,) = warned(HEAD + blocks + "stages:\n  a: [Unit: 8, Unit: 12, Unit: 20, Unit: 8]\n")
    assert found.message == "20 output channels take as long as 24"
    assert found.notes[0].message == "this is a.2.conv; the same in 2 of 4 runs"
    assert [note.message for note in found.trail] == ["Unit, called here"]


def test_channels_that_follow_the_outputs_are_not_odd():
    text = HEAD + "params: {n: 21}\nstages:\n  a: [conv: {out: n, kernel: 3}, relu, conv: {out: n, kernel: 3}]\n"
    assert codes(text) == []
    assert codes(text.replace("out: n,", "out: 21,", 1)) == [("odd-channels", 6)]


def test_what_stands_in_a_shipped_file_is_told_at_the_call_of_ones_own():
    text = HEAD + "use: blocks/mbconv.yaml\nstages:\n  a:\n    - ConvBNAct: {out: 8, kernel: 3}\n"
    (found,) = warned(text + "    - ConvBNAct: {out: 16, stride: 2}\n")
    assert (found.code, found.span.line, found.span.source.name) == ("skipped-elements", 8, "net.yaml")


NOISY = HEAD + "stages:\n  a: [conv: {out: 8, kernel: 3}, bn]\n  b:\n    - conv: 8\n    - bn\n  c: [conv: 8, bn]\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (NOISY, [5, 7, 9]),
        (NOISY.replace("bn]\n  b:", "bn]  # lint: ignore\n  b:"), [7, 9]),
        (NOISY.replace("bn]\n  b:", "bn]  # lint: ignore bias-before-norm, odd-channels\n  b:"), [7, 9]),
        (NOISY.replace("bn]\n  b:", "bn]  # lint: ignore odd-channels\n  b:"), [5, 7, 9]),
        (NOISY.replace("  b:", "  # lint: ignore bias-before-norm\n  b:"), [5, 10]),
        ("# lint: ignore bias-before-norm\n" + NOISY, []),
        (NOISY.replace("name: Net", 'name: Net\ndoc: "# lint: ignore"'), [6, 8, 10]),
    ],
)
def test_a_comment_switches_rules_off_where_it_stands(text, lines):
    assert [line for _, line in codes(text)] == lines


def test_a_comment_that_names_no_rule_is_told():
    (found,) = warned(HEAD + "stages:\n  a: [conv: 8]  # lint: ignore ood-channels\n")
    assert (found.code, found.span.line, found.span.col) == ("unknown-rule", 5, 32)
    assert "odd-channels" in found.help


@pytest.mark.parametrize("path", [*SPEC_FILES, *BEYOND_FILES], ids=lambda path: path.stem)
def test_no_shipped_spec_has_dead_or_doubled_steps_or_sums_of_unequal_strides(path):
    spec = read(path)
    found = lint([elaborate(spec, spec.networks()[0])], ["dead-step", "doubled-step", "unequal-strides"])
    assert found == []


@pytest.mark.parametrize(
    ("size", "said"), [(4, "0.0 kB"), (278_528, "278.5 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB")]
)
def test_sizes_are_given_in_the_unit_that_shows_them(size, said):
    assert in_bytes(size) == said
