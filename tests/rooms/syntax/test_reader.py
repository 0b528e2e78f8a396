"""A located tree to a Spec: all forms of a spec, and what is said of those that are none."""

import ast
import gc
import os
import time
from pathlib import Path
from random import Random

import pytest
import yaml
from support.places import BEYOND_FILES, PRELUDE
from support.places import SPEC_FILES as SPECS

from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.expr.nodes import Call, Lit, Name
from archdsl.expr.show import show
from archdsl.syntax.identifiers import _MAPPING, _MODULE, METHODS
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.syntax.spec import (
    ChoiceStep,
    ForkStep,
    JoinStep,
    LoopStep,
    ResidualStep,
    RunningSumStep,
    SequenceStep,
    SplitStep,
    TensorStep,
    UseStep,
)
from archdsl.workspace import library
from archdsl.yaml.located import from_python, open_source

HEAD = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nparams: {growth: 4, kind: small}\n"
STAGES = "stages: {a: [relu]}\n"


def spec_of(text, base=None):
    return read_spec(Source("a.yaml", HEAD + text), base=base)


def steps_of(text):
    """The steps of a block's body, given as the flow or block text after `body:`."""
    return spec_of(f"blocks:\n  B:\n    params: [n, out]\n    body: {text}\n").blocks["B"].body


def faults_of(text, base=None, head=HEAD):
    with pytest.raises(SpecError) as caught:
        read_spec(Source("a.yaml", head + text), base=base)
    return caught.value.diagnostics


def only_fault(text, **rest):
    found = faults_of(text, **rest)
    assert len(found) == 1, [item.message for item in found]
    return found[0]


# --- what is read ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*SPECS, *BEYOND_FILES], ids=lambda path: path.stem)
def test_every_shipped_spec_is_read(path):
    spec = read_spec(open_source(path), base=path)
    assert spec.path == path
    assert spec.stages or spec.blocks


def test_the_parts_of_a_document():
    spec = spec_of(
        "doc: Two words.\npaper: {title: A Net, arxiv: 1602.07360, authors: [A, B]}\n"
        "defaults:\n  conv: {bias: false}\ninit:\n  conv: {weight: {normal: sqrt(2 / fan_out)}}\n"
        "stages:\n  stem: [conv: 8]\n  end: [relu]\noutputs: {y: stem, z: end}\n"
        "variants:\n  '1.0': {}\n  1.00-224: {growth: 8, top1: 71.5}\n  big: {extends: '1.0', input: [3, 16, 16]}\n"
        "expect:\n  default: {params: 10, macs: 1_000}\n  big: {params: 2 * 5}\n"
    )
    assert (spec.name, spec.doc, spec.paper) == (
        "Net",
        "Two words.",
        {"title": "A Net", "arxiv": "1602.07360", "authors": "A, B"},
    )
    assert show(spec.inputs["x"]) == "[3, 8, 8]"
    assert spec.params["kind"].default == Lit("small")
    assert spec.defaults["conv"].values == {"bias": Lit(False)}
    rule = spec.init["conv"].values["weight"]
    assert isinstance(rule, Call)
    assert show(rule) == "normal(sqrt(2 / fan_out))"
    assert spec.outputs == {"y": Name("stem"), "z": Name("end")}
    assert list(spec.variants) == ["1.0", "1.00-224", "big"]
    assert (spec.variants["1.00-224"].values, spec.variants["1.00-224"].top1) == ({"growth": Lit(8)}, 71.5)
    assert (spec.variants["big"].extends, show(spec.variants["big"].inputs["x"])) == ("1.0", "[3, 16, 16]")
    assert (spec.expect["default"].macs, spec.expect["big"].params) == (1000, 10)


def test_several_inputs_keep_their_names():
    head = "name: Net\ninputs: {image: [3, 8, 8], mask: [1, 8, 8]}\n"
    spec = read_spec(Source("a", head + STAGES + "variants: {v: {inputs: {mask: [2, 8, 8]}}}"), base=None)
    assert list(spec.inputs) == ["image", "mask"]
    assert list(spec.variants["v"].inputs) == ["mask"]


def test_params_are_a_list_or_a_mapping_and_nothing_means_required():
    text = (
        "blocks:\n  A: {params: [out, kernel: 3], body: [relu]}\n"
        "  B: {params: {out: , k: 3, m: null, h: out // 2}, body: [relu]}\n  C: [relu]\n"
    )
    blocks = spec_of(text).blocks
    assert {name: param.default for name, param in blocks["A"].params.items()} == {"out": None, "kernel": Lit(3)}
    assert blocks["B"].params["out"].default is None
    assert blocks["B"].params["m"].default == Lit(None)
    assert show(blocks["B"].params["h"].default) == "out // 2"
    assert blocks["C"].params == {}


def test_a_word_among_the_params_stands_for_itself_unless_it_names_an_earlier_one():
    head = "name: Net\ninput: [3, 8, 8]\nparams: {a: 1, b: a, c: word, rows: [[stage1, a]], d: \"'x-y'\"}\n"
    spec = read_spec(Source("a", head + STAGES + "variants: {v: {c: other, b: a * 2}}"), base=None)
    assert spec.params["b"].default == Name("a")
    assert spec.params["c"].default == Lit("word")
    assert spec.params["d"].default == Lit("x-y")
    assert show(spec.params["rows"].default) == "[['stage1', a]]"
    assert spec.variants["v"].values["c"] == Lit("other")
    assert show(spec.variants["v"].values["b"]) == "a * 2"


def test_the_forms_of_an_op():
    bare, alone, listed, named = steps_of("[relu, conv: n * 2, B: [1, n], conv: {out: 'max(8, n)', kernel: [3, 1]}]")
    assert isinstance(bare, UseStep)
    assert (bare.target, bare.positional) == ("relu", ())
    assert show(alone.positional[0]) == "n * 2"
    assert (listed.target, listed.positional) == ("B", (Lit(1), Name("n")))
    assert (show(named.named["out"]), show(named.named["kernel"])) == ("max(8, n)", "[3, 1]")
    assert str(named.named_spans["kernel"]) == "a.yaml:8:67"


def test_the_keys_beside_an_op():
    step, read, named = steps_of(
        "[{conv: 8, name: stem, when: n > 1, else: [relu], as: t, label: Stem}, {relu: , from: t}, {as: u}]"
    )
    assert (step.name, step.into, step.label) == ("stem", "t", "Stem")
    assert show(step.when) == "n > 1"
    assert step.other[0].target == "relu"
    assert read.source == Name("t")
    assert (named.target, named.into) == ("identity", "u")


def test_joins_are_those_ops_that_take_branches():
    (join,) = steps_of("[concat: [identity, [conv: 8, relu], {from: input, body: [bn]}, {repeat: 2, body: [relu]}]]")
    assert isinstance(join, JoinStep)
    assert [type(branch) for branch in join.branches] == [UseStep, SequenceStep, SequenceStep, LoopStep]
    assert join.branches[2].source == Name("input")


def test_each_and_running_sum_stand_where_branches_stand():
    (join,) = steps_of("[concat: [running_sum: [{each: d, in: [2, 4], body: [conv: {out: 8, dilation: d}]}]]]")
    (total,) = join.branches
    assert isinstance(total, RunningSumStep)
    (each,) = total.branches
    assert (each.parallel, each.columns, show(each.rows)) == (True, ("d",), "[2, 4]")


def test_residual_in_both_forms_and_in_either_order():
    short, first, last = steps_of(
        "[residual: [conv: 8], residual: {shortcut: [bn], body: [conv: 8]},"
        " residual: {body: [relu], if: n == 1, shortcut: }]"
    )
    assert isinstance(short, ResidualStep)
    assert short.shortcut is None
    assert first.shortcut_first
    assert first.shortcut[0].target == "bn"
    assert (last.shortcut, show(last.condition)) == (None, "n == 1")


def test_loops_split_fork_and_choice():
    table, turns, split, fork, choice = steps_of(
        "[{for: {name: , k: 3}, in: [[one, 5], [two, odd], [three]], let: {h: k // 2}, body: [conv: h]},"
        " {repeat: n, body: [relu]}, {split: [n, 8], as: [a, b]}, {fork: [a, [relu]], as: both},"
        " {choice: kind, of: {small: [relu], none: []}}]"
    )
    assert table.columns == ("name", "k")
    assert table.column_defaults == {"k": Lit(3)}
    assert show(table.rows) == "[['one', 5], ['two', 'odd'], ['three']]"
    assert show(table.let["h"]) == "k // 2"
    assert turns.count == Name("n")
    assert isinstance(split, SplitStep)
    assert split.into == ("a", "b")
    assert isinstance(fork, ForkStep)
    assert isinstance(fork.branches[0], TensorStep)
    assert isinstance(choice, ChoiceStep)
    assert list(choice.bodies) == ["small", "none"]


def test_tensors_are_named_by_word_index_and_path():
    steps = steps_of("[{split: 2, as: part}, 'part[0]', part, stem.one]")
    assert [show(step.ref) for step in steps[1:]] == ["part[0]", "part", "stem.one"]


def test_the_forms_of_a_stage():
    stages = spec_of(
        "stages:\n"
        "  a: [conv: 8]\n"
        "  b: flatten\n"
        "  c: {when: growth > 1, from: a, let: {h: growth * 2}, body: [conv: h]}\n"
        "  d: {for: [name, n], in: [[one, 1]], let: {m: n + 1}, body: [conv: m]}\n"
        "  e: {conv: 8, when: growth > 1, else: relu}\n"
        "  f: {repeat: 2, body: [relu], when: growth > 1}\n"
    ).stages
    assert stages["b"].body[0].target == "flatten"
    assert (show(stages["c"].when), stages["c"].source, list(stages["c"].let)) == ("growth > 1", Name("a"), ["h"])
    (table,) = stages["d"].body
    assert (list(table.let), stages["d"].let) == (["m"], {})
    (either,) = stages["e"].body
    assert stages["e"].when is None
    assert (show(either.when), either.other[0].target) == ("growth > 1", "relu")
    assert show(stages["f"].when) == "growth > 1"
    assert stages["f"].body[0].when is None


def test_a_dict_is_read_like_a_file():
    spec = {"archdsl": 1, "name": "Net", "input": (3, 8, 8), "stages": {"a": [{"conv": {"out": "max(8, 4)"}}, "relu"]}}
    steps = read_spec(from_python(spec), base=None).stages["a"].body
    assert [step.target for step in steps] == ["conv", "relu"]


# --- what is said of slips ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "code", "message", "help"),
    [
        ("dwcon: {kernel: 3}", "unknown-op", "'dwcon' is not an op", "did you mean 'dwconv'?"),
        ("rleu", "unknown-op", "'rleu' is not an op", "did you mean 'relu'?"),
        ("conv(64)", "bad-step", "not a step", "write 'conv: 64'"),
        ("conv:64", "bad-step", "not a step", "a space after the ':'"),
        ("5", "wrong-type", "not '5'", ""),
        ("", "wrong-type", "not nothing", ""),
        ("when: growth", "when-alone", "only 'when'", "write {conv: 8, when: growth}"),
        ("{conv: 8, bn: }", "two-ops", "'conv' and 'bn'", "'- bn: ...'"),
        ("{conv: 8, whn: x}", "unknown-key", "'whn' cannot stand beside 'conv'", "did you mean 'when'?"),
        ("conv:\n      out: 8", "not-under", "'out' is beside 'conv'", "indent it further"),
        ("residual:\n      body: [relu]", "not-under", "'body' is beside 'residual'", "indent"),
        ("{relu: , else: bn}", "else-alone", "needs a 'when'", "when:"),
        ("name: x", "no-op", "no op", ""),
        ("in: [1]", "no-op", "needs for or each", ""),
        ("concat", "missing-value", "'concat' needs branches", ""),
        ("concat: 5", "wrong-type", "a list of branches", "concat: [identity, ...]"),
        ("concat: []", "empty-body", "'concat' has no branches", "concat: [identity, ...]"),
        ("repeat: 3", "missing-key", "'repeat' has no body", ""),
        ("{for: [a], body: [relu]}", "missing-key", "'for' has no rows", ""),
        ("{repeat: 3, in: [1], body: [relu]}", "unknown-key", "'in' cannot stand beside 'repeat'", "for and each"),
        ("residual: {if: growth}", "missing-key", "no body", ""),
        ("residual: {body: [relu], iff: growth}", "unknown-key", "'iff'", "did you mean 'if'?"),
        ("choice: kind", "missing-key", "no bodies", "of:"),
        ("conv: {out: }", "missing-value", "'out' has no value", ""),
        ("conv: {out: {a: 1}}", "wrong-type", "a mapping", ""),
        ("conv: n +", "bad-expression", "cannot read", ""),
        ("conv: {out: 8, kernel: 3x1}", "bad-expression", "cannot read '3x1'", "write [3, 1]"),
        ("conv: __import__('os')", "unknown-function", "not a function", ""),
        ("conv: (1).real", "bad-expression", "not part", ""),
        ("{relu: , from: 1 + 2}", "bad-tensor", "the name of a tensor", ""),
        ("{relu: , as: [a, a]}", "bad-name", "must be different", ""),
        ("{relu: , as: class}", "bad-name", "a Python keyword", ""),
        ("{relu: , as: relu}", "bad-name", "it is an op", ""),
        ("{relu: , name: forward}", "bad-name", "torch's modules", ""),
        ("{relu: , name: _x}", "bad-name", "underscore", ""),
        ("{relu: , name: 'x; import os'}", "bad-name", "letters, digits", "write 'x_import_os'"),
        ("{relu: , name: " + "x" * 65 + "}", "bad-name", "longer than 64", ""),
        ("{relu: , name: naïve}", "bad-name", "letters a to z, digits", ""),
    ],
)
def test_a_slip_in_a_step_gets_its_own_message(step, code, message, help):
    found = only_fault(f"stages:\n  s:\n    - conv: 8\n    - {step}\n")
    assert found.code == code
    assert message in found.message
    assert help in found.help
    assert found.span.line in (8, 9)


def test_when_in_a_flow_list_is_a_step_of_its_own_and_the_help_joins_it():
    found = only_fault("stages: {s: [conv: 8, when: growth]}")
    assert (found.code, found.help) == ("when-alone", "write {conv: 8, when: growth}")


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("stage: {a: [relu]}\nblocks: {A: [relu]}", "unknown-key", "did you mean 'stages'?"),
        ("stages: [relu]", "wrong-type", "give each stage a name"),
        ("stages: {}", "empty-body", "under it"),
        ("stages: {a: }", "empty-body", "list of steps"),
        ("stages: {a: {when: growth}}", "empty-body", "body:"),
        ("stages: {a: [relu], b: {after: a, body: [relu]}}", "unknown-key", "move the stage"),
        ("stages: {relu: [relu]}", "bad-name", "another name"),
        ("stages: {append: [relu]}", "bad-name", "another name"),
        ("blocks: {foo: [relu]}", "bad-name", "write 'Foo'"),
        ("blocks: {Net: [relu]}", "bad-name", ""),
        ("blocks: {A: relu}", "wrong-type", "params: and body:"),
        ("blocks: {A: {body: [relu], parms: [a]}}", "unknown-key", "did you mean 'params'?"),
        ("blocks: {A: {params: [a]}}", "missing-key", "body:"),
        ("blocks: {A: {params: [a, a], body: [relu]}}", "duplicate-key", ""),
        ("blocks: {A: {params: [len], body: [relu]}}", "bad-name", "another name"),
        ("blocks: {A: {params: [c_in], body: [relu]}}", "bad-name", "another name"),
        ("blocks: {A: {let: {first: 1}, body: [relu]}}", "bad-name", "another name"),
        ("blocks: {A: {inputs: {image: maybe}, body: [relu]}}", "bad-word", "optional"),
        ("blocks: {}\nvariants: {a: {growht: 3}}", "unknown-param", "did you mean 'growth'?"),
        ("blocks: {}\nvariants: {a: {extends: b}, c: {}}", "unknown-variant", "the variants are a, c"),
        ("blocks: {}\nvariants: {a: {extends: b}, b: {extends: a}}", "recursive-variant", ""),
        ("blocks: {}\nvariants: {'a b': {}}", "bad-name", ""),
        ("blocks: {}\nvariants: {a: {input: 3.5}}", "wrong-type", "[3, 224, 224]"),
        ("blocks: {}\nexpect: {params: 3}", "unknown-variant", "default:"),
        ("blocks: {}\nexpect: {default: {params: 1.5}}", "wrong-type", ""),
        ("blocks: {}\ndefaults: {con: {bias: false}}", "unknown-op", "did you mean 'conv'?"),
        ("blocks: {}\ndefaults: {conv: {bais: false}}", "unknown-argument", "did you mean 'bias'?"),
        ("blocks: {}\ninit: {conv: {weight: {normal: 1, zeros: }}}", "wrong-type", "such as"),
        ("blocks: {}\nuntil: a", "missing-key", ""),
    ],
)
def test_a_slip_in_the_document_gets_its_own_message(text, code, help):
    found = only_fault(text)
    assert found.code == code
    assert help in found.help


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name: net\ninput: [3]\n" + STAGES, "bad-name"),
        ("name: Tensor\ninput: [3]\n" + STAGES, "bad-name"),
        ("input: [3]\n" + STAGES, "missing-key"),
        ("name: Net\n" + STAGES, "missing-key"),
        ("name: Net\ninput: []\n" + STAGES, "wrong-type"),
        ("name: Net\ninput: [3]\ninputs: {a: [3]}\n" + STAGES, "wrong-type"),
        ("name: Net\ninput: [3]\narchdsl: 2\n" + STAGES, "version"),
        ("name: Net\ninput: [3]\n", "missing-key"),
        ("name: Net\ninput: [3]\nparams: {top1: 3}\n" + STAGES, "bad-name"),
        ("- a\n- b\n", "wrong-type"),
        ("just words", "wrong-type"),
    ],
)
def test_a_spec_without_what_it_needs_is_refused(text, code):
    assert only_fault(text, head="").code == code


def test_all_independent_faults_are_found_in_one_run():
    found = faults_of(
        "blocks:\n  A: [rleu, conv: '(']\n  b: [relu]\nstages:\n  s: [foo, relu, {conv: 8, bn: }]\n"
        "variants: {v: {x: 1}, w: {y: 2}}\n"
    )
    assert [item.code for item in found] == [
        "unknown-op", "bad-expression", "bad-name", "unknown-op", "two-ops", "unknown-param", "unknown-param",
    ]  # fmt: skip
    assert [item.span.line for item in found] == sorted(item.span.line for item in found)


def test_a_fault_in_a_param_does_not_bring_others_with_it():
    head = "name: Net\ninput: [3, 8, 8]\nparams: {self: 3}\n"
    found = only_fault(STAGES + "variants: {v: {self: 4}}", head=head)
    assert found.code == "bad-name"


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  a:\n" + "".join(f"    - con{i}\n" for i in range(20_000)),
        "variants: {"
        + ",".join(f"a{i}: {{extends: a{i + 1}}}" for i in range(900))
        + ", a900: {extends: a0}}\n"
        + STAGES,
        "stages: {" + ",".join(f"a{i}: [relu]" for i in range(5000)) + "}\n",
        "stages: {a: [" + "a" * 900_000 + "]}\n",
        "stages: {a: [conv: " + "-" * 1900 + "1]}\n",
        "variants: {a: {" + ",".join(f"a{i}: 1" for i in range(20_000)) + "}}\n" + STAGES,
    ],
)
def test_a_hostile_spec_is_refused_within_a_second(text):
    gc.disable()  # what other tests left in memory is not this spec's to look through
    try:
        start = time.process_time()
        assert faults_of(text)
        assert time.process_time() - start < 1
    finally:
        gc.enable()


def test_the_names_that_break_a_module_are_those_that_torch_has():
    nn = pytest.importorskip("torch.nn")
    there = {name for name in {*dir(nn.Sequential()), *vars(nn.Sequential())} if not name.startswith("_")}
    assert there <= _MODULE | {"float"}
    mapping = {name for name in dir(nn.ModuleDict()) if not name.startswith("_")}
    assert mapping <= _MODULE | {"float"} | _MAPPING


def test_the_methods_that_a_network_may_have_are_those_of_its_base():
    text = (PRELUDE / "learned_groups.py").read_text()
    (base,) = (n for n in ast.parse(text).body if isinstance(n, ast.ClassDef) and n.name == "Condensing")
    assert {n.name for n in base.body if isinstance(n, ast.FunctionDef)} <= METHODS


# --- use and extends ---------------------------------------------------------------------------

BASE = """\
name: Base
input: [3, 8, 8]
params: {growth: 4, width: 1}
defaults: {bn: {eps: 1.0e-5, momentum: 0.1}}
blocks:
  Unit: {params: [out], body: [conv: out, bn]}
stages:
  stem: [Unit: growth]
  mid: [Unit: 8]
  head: [Unit: width]
variants: {small: {growth: 2}}
expect: {default: {params: 1}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "common.yaml").write_text("blocks:\n  Act: [relu]\n")
    return tmp_path


def composed(folder, text):
    path = folder / "net.yaml"
    path.write_text(text)
    return read_spec(open_source(path), base=path)


def refused(folder, text):
    with pytest.raises(SpecError) as caught:
        composed(folder, text)
    (found,) = caught.value.diagnostics
    return found


def test_use_gives_the_blocks_and_the_network_of_each_file(folder):
    spec = composed(folder, f"name: Net\ninput: [3, 8, 8]\nuse: [common.yaml, base.yaml: {{until: mid}}]\n{STAGES}")
    common, base = spec.uses
    assert list(common.blocks) == ["Act"]
    assert (common.name, common.until) == ("Common", None)
    assert (base.name, base.until, list(base.stages)) == ("Base", "mid", ["stem", "mid", "head"])


def test_until_at_the_top_cuts_the_network_in_use(folder):
    spec = composed(folder, f"name: Net\ninput: [3, 8, 8]\nuse: [common.yaml, base.yaml]\nuntil: stem\n{STAGES}")
    assert [used.until for used in spec.uses] == [None, "stem"]


def test_a_file_used_twice_is_read_once(folder):
    (folder / "other.yaml").write_text("use: common.yaml\nblocks:\n  B: [Act]\n")
    spec = composed(folder, f"name: Net\ninput: [3, 8, 8]\nuse: [common.yaml, other.yaml]\n{STAGES}")
    assert spec.uses[1].uses[0] is spec.uses[0]


def test_extends_takes_a_spec_and_overrides_by_name(folder):
    spec = composed(
        folder,
        "name: Net\nextends: base.yaml\nparams: {growth: 16, depth: 2}\ndefaults: {bn: {eps: 1.0e-3}}\n"
        "blocks:\n  Neck: [relu]\nvariants: {small: null, large: {growth: 32}}\n"
        "stages:\n  head: [Unit: depth]\n  mid: null\n  neck: {after: stem, body: [Neck]}\n"
        "  first: {before: stem, body: [relu]}\n",
    )
    assert (spec.name, list(spec.stages)) == ("Net", ["first", "stem", "neck", "head"])
    assert {name: param.default for name, param in spec.params.items()} == {
        "growth": Lit(16), "width": Lit(1), "depth": Lit(2),
    }  # fmt: skip
    assert spec.defaults["bn"].values == {"eps": Lit(1e-3), "momentum": Lit(0.1)}
    assert (list(spec.variants), spec.expect) == (["large"], {})
    assert spec.stages["stem"].span.source.name.endswith("base.yaml")
    assert spec.stages["head"].span.source.name.endswith("net.yaml")


def test_extends_up_to_a_stage(folder):
    assert list(composed(folder, "extends: {base.yaml: {until: mid}}\nname: Net\n").stages) == ["stem", "mid"]


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("extends: base.yaml\nparams: {growht: 3}\n", "unknown-override", "did you mean 'growth'?"),
        ("extends: base.yaml\nparams: {some: null}\n", "unknown-override", "it has growth, width"),
        ("extends: base.yaml\nblocks: {Unti: [relu]}\n", "unknown-override", "did you mean 'Unit'?"),
        ("extends: base.yaml\nstages: {hed: [relu]}\n", "unknown-override", "did you mean 'head'?"),
        ("extends: base.yaml\nstages: {neck: [relu]}\n", "unknown-override", "after: or before:"),
        ("extends: base.yaml\nstages: {neck: null}\n", "unknown-override", ""),
        (
            "extends: base.yaml\nstages: {neck: {after: sten, body: [relu]}}\n",
            "unknown-override",
            "did you mean 'stem'?",
        ),
        ("extends: base.yaml\nuntil: midd\n", "unknown-override", "did you mean 'mid'?"),
        ("extends: [base.yaml, common.yaml]\n", "wrong-type", "use:"),
        ("extends: bas.yaml\n", "missing-file", "did you mean 'base.yaml'?"),
        ("extends: base\n", "missing-file", "'base.yaml'"),
        ("extends: net.yaml\n", "file-cycle", ""),
        ("use: [net.yaml]\nblocks: {A: [relu]}\n", "file-cycle", ""),
        ("use: [../x.yaml]\nblocks: {A: [relu]}\n", "outside", "same folder"),
        ("use: [/etc/passwd]\nblocks: {A: [relu]}\n", "outside", ""),
        ("use: ['a\\..\\x.yaml']\nblocks: {A: [relu]}\n", "outside", ""),
        ("use: [base.yaml: {till: mid}]\nblocks: {A: [relu]}\n", "unknown-key", "until: stage"),
        ("use: [base.yaml: {until: midd}]\nblocks: {A: [relu]}\n", "unknown-override", "did you mean 'mid'?"),
    ],
)
def test_a_slip_in_use_or_extends_gets_its_own_message(folder, text, code, help):
    found = refused(folder, text)
    assert found.code == code
    assert help in found.help


def test_a_link_does_not_lead_out_of_the_folder(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text("blocks: {A: [relu]}")
    (folder / "link.yaml").symlink_to(secret)
    assert refused(folder, "use: link.yaml\nblocks: {B: [relu]}\n").code == "outside"


def test_a_fault_in_a_used_file_also_shows_where_it_is_named(folder):
    (folder / "bad.yaml").write_text("blocks:\n  B: [rleu]\n")
    found = refused(folder, "use: [bad.yaml]\nblocks: {A: [relu]}\n")
    assert found.span.source.name.endswith("bad.yaml")
    assert [note.message for note in found.trail] == ["'bad.yaml', named here"]
    assert found.trail[0].span.source.name.endswith("net.yaml")


@pytest.mark.parametrize(("file", "stage"), [("peleenet.yaml", "dense"), ("densenet.yaml", "dense")])
def test_shipped_specs_can_be_used_from_anywhere(tmp_path, file, stage):
    spec = composed(tmp_path, f"name: Net\nextends: {file}\nparams: {{growth: 16}}\n")
    assert spec.params["growth"].default == Lit(16)
    assert stage in spec.stages


def test_a_spec_beside_the_one_that_extends_it_comes_before_a_shipped_one(tmp_path):
    (tmp_path / "densenet.yaml").write_text("archdsl: 1\nname: Mine\ninput: [3, 8, 8]\nstages: {own: [relu]}\n")
    assert list(composed(tmp_path, "name: Net\nextends: densenet.yaml\n").stages) == ["own"]


# --- nothing that stands in a file can make the reader fail otherwise than with a diagnostic ------

PIECES = [
    "",
    "null",
    "[]",
    "{}",
    "3",
    "[[1]]",
    "{a: {b: [c]}}",
    "relu",
    "'('",
    "x: 1",
    "a.b",
    "-1.5",
    "'part[0]'",
    "[relu, {}]",
]

WORDS = ["body", "when", "for", "in", "of", "let", "x", "Relu", "as", "from", "repeat", "each", "choice", "residual"]


def mutated(node, random, rate):
    """The data with some parts replaced, renamed or dropped."""
    if random.random() < rate:
        return yaml.safe_load(random.choice(PIECES))
    if isinstance(node, dict):
        keys = [random.choice(WORDS) if random.random() < rate else key for key in node]
        return {key: mutated(value, random, rate) for key, value in zip(keys, node.values(), strict=True)}
    if isinstance(node, list):
        return [mutated(item, random, rate) for item in node if random.random() > rate]
    return node


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_mutilated_spec_is_read_or_refused_but_never_breaks_the_reader(path):
    random, data = Random(path.stem), yaml.safe_load(path.read_text())
    for round_ in range(20):  # whole/test_fuzz.py has more kinds of edits, and builds what is read
        source = from_python(mutated(data, random, 0.002 * (1 + round_)))
        try:
            read_spec(source, base=None)
        except SpecError as error:
            placed = [item.span is not None for item in error.diagnostics]
            if not all(placed) or not str(error):
                raise AssertionError(error.diagnostics) from error


# --- what is no file ----------------------------------------------------------------------------


def no_files(folder):
    """Names of what stands in a folder and is no file, with what is said of each."""
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "one.yaml").symlink_to("two.yaml")
    (folder / "two.yaml").symlink_to("one.yaml")
    (folder / "gone.yaml").symlink_to("nothing.yaml")
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    nowhere = "is not a file: it is a link that leads nowhere"
    return {
        **dict.fromkeys(("loop.yaml", "one.yaml", "two.yaml", "gone.yaml"), nowhere),
        "folder.yaml": "is not a file: it is a folder",
        "pipe.yaml": "is not a file: it is a pipe or a device",
        "n" * 300 + ".yaml": "there is no file 'nnn",
    }


@pytest.mark.parametrize("word", ["use", "extends"])
def test_what_is_named_and_is_no_file_is_a_fault_at_its_name(word, tmp_path):
    for name, said in no_files(tmp_path).items():
        (tmp_path / "net.yaml").write_text(f"name: Net\n{word}: {name}\ninput: [3, 8, 8]\nstages: {{a: [conv: 3]}}\n")
        with pytest.raises(SpecError) as caught:
            library.read(tmp_path / "net.yaml")
        (fault,) = caught.value.diagnostics
        assert fault.code == "missing-file"
        assert said in fault.message
        assert (fault.span.line, fault.span.col) == (2, len(word) + 3)


def test_a_spec_that_is_no_file_is_a_fault(tmp_path):
    for name in no_files(tmp_path):
        with pytest.raises(SpecError) as caught:
            library.read(tmp_path / name)
        assert caught.value.diagnostics[0].code == "missing-file"
    with pytest.raises(SpecError, match="larger than 1 MB"):
        library.read("/dev/zero")


def test_a_file_that_may_not_be_read_is_a_fault_where_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed.yaml").write_text("name: A\n")
    (tmp_path / "net.yaml").write_text("name: Net\nuse: closed.yaml\ninput: [3, 8, 8]\nstages: {a: [conv: 3]}\n")
    opened = Path.open

    def closed(path, *args, **kwargs):
        if path.name == "closed.yaml":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(SpecError, match=r"net\.yaml:2:6: error\[missing-file\]: cannot read '.*': Permission denied"):
        library.read(tmp_path / "net.yaml")
    with pytest.raises(SpecError, match=r"cannot read '.*': Permission denied"):
        library.read(tmp_path / "closed.yaml")
