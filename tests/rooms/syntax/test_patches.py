"""Patches of a spec that extends another, and of a call: what they change, and what they leave."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl import graph
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.settings import given as settings_of
from archdsl.workspace.showing import show

BASE = """\
archdsl: 1
name: Base
input: [3, 16, 16]
params: {width: 8, rows: [[8, 1], [16, 2]], deep: false}
defaults: {conv: {bias: false}}
init: {tail.2: {weight: {normal: 0.1}}, Unit.conv_2: {weight: {normal: 0.2}}, Unit.bn: {weight: {constant: 0}}}
blocks:
  Unit:
    params: [out, kernel]
    body:
      - conv: [out, 1]
      - {relu: , when: kernel == 3}
      - conv: {out: out, kernel: kernel}
      - bn
  Join:
    let: {half: c_in // 2}
    body:
      - concat:
          - identity
          - - conv: half
            - relu
      - residual: [conv: c_in, relu]
stages:
  stem: {conv: {out: width, kernel: 3}, when: not deep}
  table:
    for: {name: , n: , k: 3, wide: false}
    in:
      - [a, 1]
      - [b, 2, 1]
      - [c, 3, 3, true]
    body:
      - repeat: n
        body: [Unit: [8, k]]
  plain: {for: [c, n], in: rows, body: [{repeat: n, body: [conv: c]}]}
  join: [Join]
  tail: [bn, relu, conv: 4, {name: last, dropout: 0.1}]
variants:
  small: {width: 4}
  0.5: {rows: [[4, 1]]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def changed(**sections):
    """The spec that results of patches, as plain data."""
    over = {"archdsl": 1, "extends": "base.yaml", **sections}
    Path("over.yaml").write_text(yaml.safe_dump(over, sort_keys=False), encoding="utf-8")
    return yaml.safe_load(show("over.yaml", None, {}))


def refused(**sections):
    with pytest.raises(SpecError) as caught:
        changed(**sections)
    return caught.value.diagnostics[0]


def table(found):
    return found["stages"]["table"]["in"]


# --- tables
@pytest.mark.parametrize(
    ("patches", "rows"),
    [
        ({"table.b": {"n": 5}}, [["a", 1], ["b", 5, 1], ["c", 3, 3, True]]),
        ({"table.b.n": 5, "table.0.n": "2 * 2"}, [["a", "2 * 2"], ["b", 5, 1], ["c", 3, 3, True]]),
        ({"table.a": {"wide": True, "k": 1}}, [["a", 1, 1, True], ["b", 2, 1], ["c", 3, 3, True]]),
        ({"table.a.wide": True}, [["a", 1, 3, True], ["b", 2, 1], ["c", 3, 3, True]]),
        ({"table.b": ["x", 1]}, [["a", 1], ["x", 1], ["c", 3, 3, True]]),
        ({"table.a": None, "table.1": {"n": 9}}, [["b", 9, 1], ["c", 3, 3, True]]),
        ({"table.a": {"after": "c"}}, [["b", 2, 1], ["c", 3, 3, True], ["a", 1]]),
        ({"table.c": {"before": "first", "n": 1}, "table.2.k": 1}, [["c", 1, 1, True], ["a", 1], ["b", 2, 1]]),
        ({"table.d": {"after": "a", "n": 4}, "table.e": {"after": "d", "n": 5}, "table.b": None, "table.c": None},
         [["a", 1], ["d", 4], ["e", 5]]),
        ({"table.d": {"after": "last", "n": 4, "wide": True}, "table.a": None, "table.b": None},
         [["c", 3, 3, True], ["d", 4, 3, True]]),
    ],
)  # fmt: skip
def test_a_patch_changes_rows_and_cells(folder, patches, rows):
    found = changed(stages=patches)
    assert table(found) == rows
    found["stages"]["table"]["in"] = table(yaml.safe_load(BASE))
    assert found == {**yaml.safe_load(BASE), "variants": {"small": {"width": 4}, 0.5: {"rows": [[4, 1]]}}}


def test_a_table_of_a_param_is_patched_where_it_is_stated(folder):
    found = changed(params={"rows.1": {"n": 7}}, variants={"0.5.rows.0.0": 6, "small.width": 5})
    assert found["params"]["rows"] == [[8, 1], [16, 7]]
    assert found["variants"] == {"small": {"width": 5}, 0.5: {"rows": [[6, 1]]}}
    assert "variants: {0.5.rows.1: ...}" in refused(stages={"plain.1": {"n": 7}}).help


def test_a_row_that_variants_state_is_named_where_it_stands(folder):
    named = BASE.replace("[[8, 1], [16, 2]]", "[[x, 1], [y, 2]]").replace("[[4, 1]]", "[[x, 1], [w, 3], [z, 4]]")
    Path("base.yaml").write_text(
        named.replace("plain: {for: [c, n]", "plain: {for: [name, n]").replace("conv: c}", "conv: n}")
    )
    assert "variants: {0.5.rows.2: ...}" in refused(stages={"plain.z": {"n": 7}}).help
    assert "params: {rows.1: ...}" in refused(stages={"plain.y.n": 7}).help
    assert "no step 'v'" in refused(stages={"plain.v": {"n": 7}}).message


def test_columns_params_and_values_are_laid_on_those_there_are(folder):
    found = changed(
        stages={"table.for": {"se": False, "wide": None}, "stem.when": "deep"},
        blocks={"Unit.params": {"r": 16}, "Join.let.half": "c_in // 4", "Join.params": ["r"]},
    )
    assert found["stages"]["table"]["for"] == {"name": None, "n": None, "k": 3, "se": False}
    assert found["stages"]["stem"]["when"] == "deep"
    assert found["blocks"]["Unit"]["params"] == {"out": None, "kernel": None, "r": 16}
    assert found["blocks"]["Join"]["let"] == {"half": "c_in // 4"}


# --- steps
UNIT = yaml.safe_load(BASE)["blocks"]["Unit"]["body"]


@pytest.mark.parametrize(
    ("patches", "body"),
    [
        ({"Unit.relu": "silu"}, [UNIT[0], {"silu": None, "when": "kernel == 3"}, *UNIT[2:]]),
        ({"Unit.relu": {"when": None}}, [UNIT[0], {"relu": None}, *UNIT[2:]]),
        ({"Unit.bn": ["relu", {"dropout": 0.1}]}, [*UNIT[:3], "relu", {"dropout": 0.1}]),
        ({"Unit.bn": {"eps": 0.01}}, [*UNIT[:3], {"bn": {"eps": 0.01}}]),
        ({"Unit.bn.eps": 0.01, "Unit.bn.name": "norm"}, [*UNIT[:3], {"bn": {"eps": 0.01}, "name": "norm"}]),
        ({"Unit.conv[0]": {"bias": True}}, [{"conv": {"out": "out", "kernel": 1, "bias": True}}, *UNIT[1:]]),
        ({"Unit.conv[1].kernel": None}, [*UNIT[:2], {"conv": {"out": "out"}}, UNIT[3]]),
        ({"Unit.conv[*]": "identity"}, ["identity", UNIT[1], "identity", UNIT[3]]),
        ({"Unit.conv[0]": 16}, [{"conv": 16}, *UNIT[1:]]),
        ({"Unit.bn": None, "Unit.2": None}, UNIT[:2]),
        ({"Unit.bn": {"after": "relu"}}, [*UNIT[:2], "bn", UNIT[2]]),
        ({"Unit.se": {"before": 1, "mul": ["identity", "sigmoid"]}, "Unit.3": "relu"},
         [UNIT[0], {"mul": ["identity", "sigmoid"]}, *UNIT[1:3], "relu"]),
        ({"Unit.two": {"after": "last", "body": ["relu", "relu6"]}}, [*UNIT, ["relu", "relu6"]]),
    ],
)  # fmt: skip
def test_a_patch_changes_a_step(folder, patches, body):
    assert changed(blocks=patches)["blocks"]["Unit"]["body"] == body


def test_a_step_in_a_step_is_found(folder):
    found = changed(
        blocks={"Join.concat.1.relu": ["bn", "silu"], "Join.residual.conv": {"kernel": 3}, "Join.concat.0": "relu"}
    )
    concat, residual = found["blocks"]["Join"]["body"]
    assert concat == {"concat": ["relu", [{"conv": "half"}, "bn", "silu"]]}
    assert residual == {"residual": [{"conv": {"out": "c_in", "kernel": 3}}, "relu"]}


CHOICE = """\
archdsl: 1
name: Base
input: [3, 8, 8]
params: {op: a}
stages:
  cell: [{choice: op, of: {a: [conv: 4, relu], b: [conv: 5, bn]}}, relu6]
"""


@pytest.mark.parametrize(
    ("patches", "bodies"),
    [
        ({"cell.choice.a": ["silu"]}, {"a": ["silu"], "b": [{"conv": 5}, "bn"]}),
        ({"cell.0.b": ["silu"]}, {"a": [{"conv": 4}, "relu"], "b": ["silu"]}),
        ({"cell.choice.b.conv": 7, "cell.choice.a.relu": None}, {"a": [{"conv": 4}], "b": [{"conv": 7}, "bn"]}),
        ({"cell.choice.b.act": {"after": "bn", "silu": None}},
         {"a": [{"conv": 4}, "relu"], "b": [{"conv": 5}, "bn", "silu"]}),
    ],
)  # fmt: skip
def test_a_body_of_a_choice_is_found_by_its_name(folder, patches, bodies):
    Path("base.yaml").write_text(CHOICE)
    assert changed(stages=patches)["stages"]["cell"] == [{"choice": "op", "of": bodies}, "relu6"]


def test_a_body_of_a_choice_is_a_list_of_steps(folder):
    Path("base.yaml").write_text(CHOICE)
    assert "'a' is a body of the choice" in refused(stages={"cell.choice.a": "silu"}).message
    assert "no step 'a'" in refused(stages={"cell.a": ["silu"]}).message


@pytest.mark.parametrize("path", ["Join.concat.identity", "Join.concat.0"])
def test_several_steps_for_a_branch_stay_one_branch(folder, path):
    (concat, _) = changed(blocks={path: ["relu", "bn"]})["blocks"]["Join"]["body"]
    assert concat["concat"] == [["relu", "bn"], [{"conv": "half"}, "relu"]]


def test_several_steps_for_a_branch_that_is_a_list_stay_one_branch(folder):
    (concat, _) = changed(blocks={"Join.concat.1": ["bn", "silu"]})["blocks"]["Join"]["body"]
    assert concat["concat"] == ["identity", ["bn", "silu"]]


def test_the_steps_of_stages_are_patched_too(folder):
    found = changed(
        stages={
            "stem.conv": {"kernel": 5}, "table.repeat": "n + 1", "table.Unit.kernel": 5, "tail.last.p": 0.5,
            "tail.extra": {"before": "dropout", "relu": None}, "plain.norm": {"after": "conv", "bn": None},
        }
    )["stages"]  # fmt: skip
    assert found["stem"] == {"conv": {"out": "width", "kernel": 5}, "when": "not deep"}
    assert found["table"]["body"] == [{"repeat": "n + 1", "body": [{"Unit": {"out": 8, "kernel": 5}}]}]
    assert found["tail"][2:] == [{"conv": 4}, "relu", {"name": "last", "dropout": {"p": 0.5}}]
    assert found["plain"]["body"] == [{"repeat": "n", "body": [{"conv": "c"}, "bn"]}]


def test_a_stage_moves_by_its_place_alone(folder):
    found = changed(stages={"join": {"before": "first"}, "stem": {"after": "last"}})
    assert list(found["stages"]) == ["join", "table", "plain", "tail", "stem"]
    assert found["stages"]["join"] == ["Join"]


def test_calls_change_every_step_of_the_base_and_none_of_the_file_itself(folder):
    found = changed(
        calls={"relu": "silu", "conv": {"bias": True}, "dropout": None},
        blocks={"Own": ["relu"], "Unit.bn": ["relu"]},
        stages={"own": {"after": "tail", "body": ["Own"]}},
    )
    assert found["blocks"]["Unit"]["body"] == [
        {"conv": {"out": "out", "kernel": 1, "bias": True}},
        {"silu": None, "when": "kernel == 3"},
        {"conv": {"out": "out", "kernel": "kernel", "bias": True}},
        "relu",
    ]
    assert found["blocks"]["Own"] == ["relu"]
    assert found["stages"]["tail"] == ["bn", "silu", {"conv": {"out": 4, "bias": True}}]


def test_a_block_in_the_place_of_another_has_its_arguments(folder):
    found = changed(blocks={"Unit2": {"params": ["out", "kernel"], "body": [{"conv": "out"}]}}, calls={"Unit": "Unit2"})
    assert found["stages"]["table"]["body"] == [{"repeat": "n", "body": [{"Unit2": [8, "k"]}]}]


@pytest.mark.parametrize(
    ("sections", "rules"),
    [
        ({"stages": {"tail.bn": None}}, {"tail.1", "Unit.conv_2", "Unit.bn"}),
        ({"stages": {"tail.bn": ["bn", "relu"]}}, {"tail.3", "Unit.conv_2", "Unit.bn"}),
        ({"stages": {"tail.conv": {"before": "first"}}}, {"tail.0", "Unit.conv_2", "Unit.bn"}),
        ({"stages": {"tail.conv": "relu"}}, {"Unit.conv_2", "Unit.bn"}),
        ({"blocks": {"Unit.conv[0]": None, "Unit.bn": None}}, {"tail.2", "Unit.conv"}),
        ({"blocks": {"Unit.extra": {"before": "first", "conv": 3}}}, {"tail.2", "Unit.conv_3", "Unit.bn"}),
        ({"calls": {"bn": "relu"}}, {"tail.2", "Unit.conv_2"}),
        ({"blocks": {"Unit.body": ["bn"]}}, {"tail.2"}),
    ],
)
def test_rules_of_initialisation_follow_their_modules(folder, sections, rules):
    assert set(changed(**sections)["init"]) == rules


# --- what hits nothing
@pytest.mark.parametrize(
    ("sections", "message", "help"),
    [
        ({"stages": {"table.bb": {"n": 1}}}, "no row or step 'bb'", "a, b, c"),
        ({"stages": {"table.7": {"n": 1}}}, "no row 7: its 3 rows are numbered from 0", "a, b, c"),
        ({"stages": {"table.a": {"nn": 1}}}, "no column 'nn'", "did you mean 'n'?"),
        ({"stages": {"table.d": {"after": "a", "k": 1}}}, "comes after 'n', which this row leaves out", "give 'n' too"),
        ({"stages": {"table.d": {"after": "a"}}}, "the new row 'd' has no 'n'", ""),
        ({"stages": {"table.d": {"after": "z", "n": 1}}}, "no row 'z'", "its rows are a, b, c"),
        ({"stages": {"tabel.a": {"n": 1}}}, "no stage 'tabel'", "did you mean 'table'?"),
        ({"stages": {"tail.rule": "silu"}}, "no step 'rule'", "its steps are bn, relu, conv, last"),
        ({"blocks": {"Unit.conv": {"bias": True}}}, "2 steps 'conv'", "conv[0] to conv[1], or all of them, conv[*]"),
        ({"blocks": {"Unit.conv[2]": 3}}, "has 2 steps 'conv'", ""),
        ({"blocks": {"Unit.relu[1]": "silu"}}, "has one step 'relu'", "write relu"),
        ({"blocks": {"Unit.relu": "sliu"}}, "'sliu' is not an op", "did you mean 'silu'?"),
        ({"blocks": {"Unit.se": {"after": "bn", "eps": 3}}}, "is new here, but has no step", ""),
        ({"blocks": {"Join.concat.relu.when.x": 1}}, "no part named", ""),
        ({"blocks": {"Unit.params": {"r": 1}, "Unit": ["relu"]}}, "given as a whole too", ""),
        ({"blocks": {"Unit": {"relu": "silu"}}}, "the block 'Unit' has no body", "Unit.STEP: ..."),
        ({"blocks": {"Unit..bn": "relu"}}, "is not a path", "dense.stage3.layers"),
        ({"calls": {"rulu": "silu"}}, "the spec that this one extends has no step 'rulu'", "did you mean 'relu'?"),
        ({"calls": {"relu": {"after": "bn", "silu": None}}}, "changes steps in their place", ""),
        ({"params": {"width.0": 3}}, "is not a list of rows", ""),
        ({"stages": {"join.Join": None}}, "the only step there", "identity"),
        ({"stages": {"table.a": None, "table.a.n": 3}}, "no row or step 'a'", ""),
        ({"stages": {"table.a": None, "table.0.n": 3}}, "removed by another patch", ""),
    ],
)  # fmt: skip
def test_a_patch_that_hits_nothing_says_what_there_is(folder, sections, message, help):
    found = refused(**sections)
    assert message in found.message
    assert help in found.help
    assert found.span is not None
    assert found.span.source.name == "over.yaml"


# --- files in use:
DEEP = """\
archdsl: 1
defaults: {conv: {bias: false}}
blocks:
  Gate: {params: {r: 4}, body: [mul: [identity, [global_avg_pool, conv: c_in // r, relu, conv: c_in, sigmoid]]]}
"""
PARTS = """\
archdsl: 1
use: deep.yaml
blocks:
  Unit: {params: [out, kernel], body: [conv: [out, kernel], bn, relu, Gate]}
  Unused: [elu]
"""
TRUNK = """\
archdsl: 1
name: Trunk
input: [3, 32, 32]
use: parts.yaml
stages:
  stem: [conv: {out: 8, kernel: 3}, relu]
  table: {for: {name: , n: 1}, in: [[a, 1], [b, 2]], body: [{repeat: n, body: [Unit: [8, 3]]}]}
  last: [bn]
"""
USING = """\
archdsl: 1
name: Net
input: [3, 32, 32]
use: [trunk.yaml, parts.yaml]
init: {Unit.conv: {weight: {normal: 0.1}}, Unit.bn: {weight: {constant: 0}}, linear: {bias: {constant: 0}}}
stages: {trunk: [Trunk], more: [Unit: [16, 1]], head: [conv: 10]}
"""


@pytest.fixture
def using(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"deep": DEEP, "parts": PARTS, "trunk": TRUNK, "base": USING}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def facts(spec):
    """What a spec builds, and what its text in full does."""
    Path("shown.yaml").write_text(show(spec, None, {}), encoding="utf-8")
    return [
        [(node.op.name, node.path, str(node.fields)) for node in graph(name).nodes] for name in (spec, "shown.yaml")
    ]


def test_patches_reach_the_blocks_and_networks_of_files_in_use(using):
    blocks = {"Unit.conv": {"kernel": 5}, "Unit.bn": None, "Gate.params": {"r": 2}, "Trunk.table.b.n": 1,
              "Trunk.neck": {"after": "stem", "elu": None}, "Trunk.last": None}  # fmt: skip
    shown = changed(blocks=blocks, calls={"relu": "hard_swish", "Unit": {"out": 12}})
    gate = ["global_avg_pool", {"conv": "c_in // r"}, "hard_swish", {"conv": "c_in"}, "sigmoid"]
    assert shown["blocks"] == {
        "Unit.body": [{"conv": {"out": "out", "kernel": 5}}, "hard_swish", "Gate"],
        "Trunk.last": None,
        "Trunk.stem": [{"conv": {"out": 8, "kernel": 3}}, "hard_swish"],
        "Trunk.neck": {"after": "stem", "elu": None},
        "Trunk.table": {
            "for": {"name": None, "n": 1}, "in": [["a", 1], ["b", 1]],
            "body": [{"repeat": "n", "body": [{"Unit": {"out": 12, "kernel": 3}}]}],
        },
        "Gate.params": {"r": 2},
        "Gate.body": [{"mul": ["identity", gate]}],
    }  # fmt: skip
    assert list(shown["init"]) == ["linear", "Unit.conv"]  # the rule of the norm went with it
    built, built_as_shown = facts("over.yaml")
    assert built == built_as_shown
    assert not {node.op.name for node in graph("base.yaml").nodes} & {"hard_swish", "elu"}  # which has its own blocks


def test_a_call_reaches_files_in_use_without_extends(using):
    found = graph("base.yaml", set={"Gate.relu": "silu", "Trunk.stem.conv.kernel": 5})
    assert [node.op.name for node in found.nodes].count("silu") == 4
    assert next(iter(found.nodes)).fields["kernel"] == 5
    text = show("base.yaml", None, settings_of({}, {"Gate.relu": "silu"}), origin=True)
    assert any("silu" in line and "# deep.yaml:4, set:1" in line for line in text.splitlines())


def test_patches_of_patches_of_a_file_in_use_stand_one_on_another(using):
    (using / "mid.yaml").write_text("extends: base.yaml\nblocks: {Gate.relu: silu}\n", encoding="utf-8")
    (using / "over.yaml").write_text("extends: mid.yaml\nblocks: {Gate.silu: elu}\n", encoding="utf-8")
    built, built_as_shown = facts("over.yaml")
    assert built == built_as_shown
    assert "elu" in {node.op.name for node in graph("over.yaml").nodes}


@pytest.mark.parametrize(
    ("sections", "message", "help"),
    [
        ({"blocks": {"Unut.relu": "silu"}}, "there is no block 'Unut'", "did you mean 'Unit'?"),
        ({"blocks": {"Unit.rulu": "silu"}}, "the block 'Unit' has no step 'rulu'", "did you mean 'relu'?"),
        ({"blocks": {"Trunk.tabel.b.n": 1}}, "the network 'Trunk' has no stage 'tabel'", "did you mean 'table'?"),
        ({"calls": {"hard_swish": "relu"}}, "the spec that this one extends has no step 'hard_swish'", "Gate"),
    ],
)
def test_a_patch_that_hits_nothing_in_use_points_into_the_file_that_has_it(using, sections, message, help):
    found = refused(**sections)
    assert message in found.message
    assert help in found.help
    assert found.span is not None
    assert found.span.source.name == "over.yaml"


def test_a_block_of_which_there_are_two_is_not_shown(using):
    (using / "own.yaml").write_text("blocks: {Gate: [sigmoid]}\n", encoding="utf-8")
    found = refused(use=["own.yaml"], calls={"sigmoid": "relu"})
    assert (
        found.message
        == "the block 'Gate' of 'deep.yaml' is changed here, and cannot be shown: another one has its name"
    )
    assert "relu" in {node.op.name for node in graph("over.yaml").nodes}


# --- by hand
ROWS = {name: [name, *cells] for name, *cells in table(yaml.safe_load(BASE))}
NAMES = st.sampled_from("abcd")
EDITS = st.one_of(
    st.tuples(st.just("cell"), NAMES, st.integers(1, 9)),
    st.tuples(st.just("out"), NAMES, st.none()),
    st.tuples(st.just("move"), NAMES, st.sampled_from([("after", n) for n in "abc"] + [("before", n) for n in "abc"])),
    st.tuples(st.just("new"), st.just("d"), st.sampled_from([("after", n) for n in "abc"])),
)


def by_hand(rows, edits):
    """What a reader would write; None where a path would hit nothing."""
    for kind, name, value in edits:
        names = [row[0] for row in rows]
        placed = isinstance(value, tuple)
        if (name in names) == (kind == "new") or (placed and (value[1] not in names or value[1] == name)):
            return None
        if kind == "cell":
            rows = [[name, value, *row[2:]] if row[0] == name else row for row in rows]
            continue
        row = [name, 7] if kind == "new" else rows[names.index(name)]
        rows = [other for other in rows if other[0] != name]
        if kind != "out":
            at = [other[0] for other in rows].index(value[1]) + (value[0] == "after")
            rows = [*rows[:at], row, *rows[at:]]
    return rows or None


@given(st.lists(EDITS, min_size=1, max_size=4, unique_by=lambda edit: edit[:2]))
@settings(max_examples=40, deadline=None)
def test_patches_make_what_one_would_write_by_hand(edits):
    wanted = by_hand([*ROWS.values()], edits)
    patches = {}
    for kind, name, value in edits:
        path = f"table.{name}.n" if kind == "cell" else f"table.{name}"
        place = {value[0]: value[1]} if isinstance(value, tuple) else None
        patches[path] = value if place is None else {**place, "n": 7} if kind == "new" else place
    places = [value for _, _, value in edits if isinstance(value, tuple)]
    if len(patches) < len(edits) or len(set(places)) < len(places):  # one key, or one place, of two patches
        return
    whole = yaml.safe_load(BASE)
    whole["stages"]["table"]["for"] = ["name", "n", {"k": 3}, {"wide": False}]
    try:
        found = yaml.safe_load(show(whole, None, settings_of({}, patches)))
    except SpecError:
        assert wanted is None
    else:
        assert table(found) == wanted
