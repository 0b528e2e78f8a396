"""The words of calls: the columns of tables as papers print them, arguments where there is no table."""

from __future__ import annotations

import re

import pytest
from support.places import ROOT

import archdsl
from archdsl.analysis.stage_table import spoken
from archdsl.analysis.stage_table.words import worded
from archdsl.backends import figures
from archdsl.backends.figures.strip.cells import strip
from archdsl.backends.figures.words import told

SPEC = {
    "archdsl": 1,
    "name": "Net",
    "input": [8, 16, 16],
    "blocks": {
        "Gate": {"params": ["squeeze"], "body": [{"mul": ["identity", ["global_avg_pool", {"conv": "c_in"}]]}]},
        "Unit": {
            "params": {"hidden": None, "kernel": None, "out": None, "squeeze": 0, "act": "relu", "spare": 0},
            "body": [
                {"conv": "hidden"},
                {"dwconv": "kernel"},
                {"act": "act"},
                {"Gate": "squeeze", "when": "squeeze > 0"},
                {"conv": "out"},
            ],
        },
    },
    "stages": {
        "stem": [{"conv": {"out": 8, "stride": 2}}, "bn", "relu"],
        "body": {
            "for": ["k", "exp", "c", "se", "nl", "n"],
            "in": [
                [3, 16, 8, False, "relu", 1],
                [5, 72, 8, True, "hard_swish", 2],
                [5, 72, 8, False, "relu", 1],
            ],
            "body": [{"repeat": "n", "body": [{"Unit": ["exp", "k", "c", "c_in // 4 if se else 0", "nl"]}]}],
        },
        "head": ["global_avg_pool", "flatten", {"dropout": 0.1}, {"linear": 10}],
    },
}


def said(**figure) -> list[list[str]]:
    found = strip(archdsl.graph({**SPEC, "figure": figure}))
    return [[cell.name, *cell.lines] for cell in found.cells[1:]]


def test_rows_are_told_apart_by_the_columns_of_their_table_in_its_order():
    assert said()[1:4] == [
        ["Unit", "k3, exp 16, ReLU"],
        ["Unit ×2", "k5, exp 72, SE, h-swish"],
        ["Unit", "k5, exp 72, ReLU"],  # with squeeze=0, which is no SE
    ]


def test_a_label_is_the_word_of_a_column_and_what_is_hidden_is_left_out():
    found = said(labels={"Unit.hidden": "#exp", "Unit.kernel": "k=", "Unit": "U"}, hide=["Unit.act"])
    assert found[2] == ["U ×2", "k=5, #exp 72, SE"]


def test_what_computes_nothing_has_no_line():
    assert said()[-1] == ["head", "GAP", "FC"]


def test_the_level_of_stages_uses_the_same_words():
    boxes = [box.lines for box in figures.picture(archdsl.graph(SPEC), level="stage").boxes() if box.calls]
    assert boxes[0] == ("k3, exp 16, ReLU",)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("k", 5, "k5"),
        ("exp", 72, "exp 72"),
        ("g=", 4, "g=4"),
        ("k", [3, 1], "k3×1"),
        ("SE", True, "SE"),
        ("SE", False, ""),
        ("squeeze", 0, ""),
        ("nl", "hard_swish", "h-swish"),
        ("op", "k3_e6", "k3_e6"),
        ("mode", "wide_path", "wide path"),
        ("rate", 0.25, "rate 0.25"),
    ],
)
def test_values_are_words(name, value, words):
    assert worded(name, value) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [("reduction_ratio", "reduction ratio"), ("se", "SE"), ("se_ratio", "SE ratio"), ("use_se", "SE"), ("use", "use")],
)
def test_params_are_said_spoken(name, words):
    assert spoken(name) == words


def test_a_truth_is_there_or_is_not():
    assert told(spoken("use_se"), True) == "with SE"
    assert told(spoken("with_shortcut"), False) == "without shortcut"


def test_no_strip_of_a_shipped_network_has_an_argument_as_code():
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        for cell in strip(archdsl.graph(path)).cells:
            assert not [line for line in cell.lines if re.search(r"\w{3,}=|true|false", line)], path.stem


def test_an_argument_that_is_not_there_has_no_label():
    with pytest.raises(archdsl.SpecError) as caught:
        said(labels={"Unit.hiden": "h"})
    assert [(one.code, one.help) for one in caught.value.diagnostics] == [
        ("unknown-argument", "did you mean 'hidden'?")
    ]


# --- arguments, where there is no table
CALLS = {
    "archdsl": 1,
    "name": "Calls",
    "input": [3, 16, 16],
    "blocks": {
        "Unit": {
            "params": {"out": 8, "width": "out // 2", "stride": 1, "kernel": 3, "use_se": False},
            "body": [
                {"conv": "width"},
                {"conv": {"out": "out", "kernel": "kernel", "stride": "stride"}},
                {"dwconv": 3, "when": "use_se"},
            ],
        },
        "Pair": [{"Unit": {"kernel": 7}}, {"Unit": {"kernel": 7}}],
    },
    "stages": {
        "stem": [{"conv": 8}],
        "first": [{"Unit": {}}, {"Unit": {"use_se": True}}, {"Unit": {"kernel": 5}}, {"Unit": {"kernel": 5}}],
        "second": [{"Unit": {"out": 16, "stride": 2}}, "Pair"],
        "third": [{"Unit": {"out": 16}}],
    },
}


def cells_of_calls(expand=(), **given) -> list[list[str]]:
    return [[cell.name, *cell.lines] for cell in strip(archdsl.graph({**CALLS, **given}), expand).cells[2:]]


def test_calls_outside_tables_are_told_apart_by_the_arguments_that_the_figure_does_not_show_anyway():
    assert cells_of_calls() == [
        ["first", "Unit ×4", "kernel 3", "kernel 3, SE", "kernel 5 ×2"],
        ["second", "Unit (kernel 3)", "Pair"],
        ["third", "Unit", "kernel 3"],
    ]


def test_so_are_those_of_an_opened_stage():
    assert cells_of_calls(["first"])[:3] == [["Unit", "kernel 3"], ["Unit", "kernel 3, SE"], ["Unit", "kernel 5"]]


def test_labels_and_hidden_arguments_are_those_of_the_figure():
    figure = {"labels": {"Unit.use_se": "gate", "Unit.width": "w"}, "hide": ["Unit.kernel"]}
    assert cells_of_calls(figure=figure)[0] == ["first", "Unit", "Unit (gate)", "Unit ×2"]


def test_what_is_inside_closed_blocks_tells_nothing_apart():
    stages = {"stem": [{"conv": 8}], "body": [{"Unit": {}}, "Pair"]}
    assert cells_of_calls(stages=stages)[0] == ["body", "Unit", "Pair"]


def test_a_block_figure_says_the_strides_of_the_calls_inside():
    blocks = {**CALLS["blocks"], "Pair": [{"Unit": {"stride": 2}}, {"Unit": {}}]}
    graph = archdsl.graph({**CALLS, "blocks": blocks, "figure": {"labels": {"Unit": "U"}}})  # which keeps it closed
    said = [line for box in figures.picture(graph, block="Pair").boxes() if box.calls for line in box.lines]
    assert ["stride 2" in line for line in said] == [True, False]


def test_calls_are_told_apart_from_those_of_a_network_beside_theirs():
    one, other = (
        archdsl.graph({**CALLS, "stages": {"stem": [{"conv": 8}], "body": [{"Unit": {"kernel": k}}]}}) for k in (3, 5)
    )
    assert [cell.lines for cell in strip(one).cells][2] == ["Unit"]
    assert [[cell.lines for cell in strip(a, beside=b).cells][2] for a, b in ((one, other), (other, one))] == [
        ["Unit", "kernel 3"],
        ["Unit", "kernel 5"],
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [({}, "(1×1 Conv, 3×3 Conv, Add, ReLU) ×3"), ({"name": "unit"}, "DeepUnit ×3")],
    ids=["without a name", "with a name"],
)
def test_the_body_of_a_loop_that_is_no_chain_is_told_by_what_it_does_unless_the_loop_has_a_name(name, wanted):
    body = [{"conv": "c_in", "as": "x"}, {"conv": {"out": "c_in", "kernel": 3}, "as": "y"}, {"add": ["x", "y"]}, "relu"]
    stages = {"deep": [{"repeat": 3, "body": body, **name}]}
    graph = archdsl.graph({"archdsl": 1, "name": "Net", "input": [8, 16, 16], "stages": stages})
    assert [cell.lines for cell in strip(graph).cells[1:]] == [[wanted]]
    operator = archdsl.cost(graph).stages[0].operator
    assert operator == ("DeepUnit" if name else "1×1 Conv; 3×3 Conv; Add; ReLU")
    assert "DeepLayer" not in archdsl.draw(graph, level="op")
