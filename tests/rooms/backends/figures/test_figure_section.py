"""`figure:` in a spec: words, colours, cases of blocks, and what is hidden."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import Look
from archdsl.backends.figures.picture import Group
from archdsl.commands import cli

SPEC = {
    "archdsl": 1,
    "name": "Net",
    "input": [8, 16, 16],
    "blocks": {
        "Gate": {
            "params": ["squeeze"],
            "body": [{"mul": ["identity", ["global_avg_pool", {"conv": "squeeze"}, {"conv": "c_in"}, "sigmoid"]]}],
        },
        "Unit": {
            "params": ["out", "stride", "squeeze"],
            "body": [
                {
                    "residual": {
                        "if": "stride == 1 and c_in == out",
                        "body": [
                            {"conv": {"out": "out", "kernel": 3, "stride": "stride"}},
                            "bn",
                            "relu",
                            {"Gate": "squeeze"},
                            {"dropout": 0.1},
                        ],
                    }
                }
            ],
        },
    },
    "stages": {"a": [{"Unit": [8, 2, 2]}, {"Unit": [8, 1, 4]}, {"Unit": [12, 1, 4]}], "b": [{"dropout": 0.2}, "relu"]},
}


def graph(**figure) -> archdsl.Graph:
    return archdsl.graph({**SPEC, "figure": figure})


def words(picture) -> list[str]:
    return [" / ".join(filter(None, (box.heading, *box.lines))) for box in picture.boxes() if box.nodes]


def unit(**figure):
    return figures.picture(graph(**figure), block="Unit", cases=["stride=1, out=c_in"])


def test_without_it_the_spec_speaks_for_itself():
    gate = ["GAP", "1×1 Conv", "1×1 Conv / Sigmoid", "Mul"]
    assert words(unit()) == ["3×3 Conv / BN, ReLU", *gate, "Dropout 0.1", "Add"]


def test_labels_are_the_words_of_ops_and_blocks():
    found = words(unit(labels={"Gate": "SE", "bn": "BatchNorm"}))
    assert found[:2] == ["3×3 Conv / BatchNorm, ReLU", "SE / squeeze 4"]


def test_a_block_labelled_as_the_op_that_it_is_says_so_once():
    layer = {"params": ["stride"], "body": [{"conv": {"out": 8, "kernel": 3, "stride": "stride"}}, "bn", "relu"]}
    blocks = {"Layer": layer, "Pair": {"body": [{"Layer": 1}, {"Layer": 2}]}}
    figure = {"labels": {"Layer": "3×3 Conv"}}
    spec = {**SPEC, "blocks": blocks, "stages": {"a": ["Pair"]}, "figure": figure}
    found = words(figures.picture(archdsl.graph(spec), block="Pair"))
    assert found == ["3×3 Conv / BN, ReLU", "3×3 Conv, s2 / BN, ReLU"]


def test_a_block_that_holds_one_block_alone_has_the_name_of_that():
    blocks = {"Pair": {"body": [{"conv": 8}, {"conv": 8}]}, "Outer": {"body": ["Pair"]}}
    spec = {**SPEC, "blocks": blocks, "stages": {"a": ["Outer", "relu"]}}
    assert words(figures.picture(archdsl.graph(spec), level="stage"))[:1] == ["Pair"]


def test_the_label_of_a_step_goes_before_that_of_its_kind():
    spec = {**SPEC, "figure": {"labels": {"relu": "rectified"}}, "stages": {"a": [{"relu": None, "label": "mine"}]}}
    assert words(figures.picture(archdsl.graph(spec), level="op")) == ["mine"]


def test_what_is_hidden_is_passed_by():
    picture = unit(hide=["dropout", "Gate.squeeze"], labels={"Gate": "SE"})
    assert words(picture) == ["3×3 Conv / BN, ReLU", "SE", "Add"]
    gate, add = picture.boxes()[2:4]
    assert [arrow.target for arrow in picture.arrows if arrow.source is gate] == [add]
    assert words(unit(hide=["Gate", "dropout"])) == ["3×3 Conv / BN, ReLU", "Add"]


def test_a_block_that_is_hidden_can_be_drawn_itself():
    assert "GAP" in words(figures.picture(graph(hide=["Gate"]), block="Gate"))


@pytest.mark.parametrize("level", figures.LEVELS)
def test_hidden_ops_are_in_no_box_and_all_others_in_one(level):
    whole = graph(hide=["dropout", "Gate"])
    picture = figures.picture(whole, level=level)
    found = sorted(node.id for box in picture.boxes() for node in box.nodes)
    gates = {n.id for s in whole.root.scopes() if s.name == "Gate" for n in s.nodes()}
    assert found == [n.id for n in whole.nodes if n.op.name != "dropout" and n.id not in gates]
    reached = {arrow.target for arrow in picture.arrows}
    assert all(box in reached for box in picture.boxes() if box.role != "input")


def test_hiding_leaves_the_graph_as_it_is():
    whole = graph(hide=["dropout"])
    before = [(node.id, node.path, node.inputs) for node in whole.nodes]
    figures.draw(whole, level="op", format="dot")
    assert [(node.id, node.path, node.inputs) for node in whole.nodes] == before
    assert archdsl.emit(whole) == archdsl.emit(graph())


@pytest.mark.parametrize(
    ("look", "fill", "line"),
    [
        (Look(), "#ffd0a0", "#8c7258"),
        (Look("dark"), "#665340", "#ffd0a0"),
        (Look(palette="grey"), "#d7d7d7", "#767676"),
    ],
    ids=["light", "dark", "grey"],
)
def test_a_colour_of_its_own_fits_the_theme(look, fill, line):
    text = figures.draw(graph(colours={"Gate": "#FFD0A0"}), block="Unit", cases=["all"], look=look)
    assert f'fill="{fill}" stroke="{line}"' in text
    assert text.count(">Gate<") == 3  # in two cases, and in the legend


def test_the_colour_of_a_role_can_be_taken():
    text = figures.draw(graph(colours={"Gate": "pool"}), block="Unit")
    assert figures.Look().roles["pool"].fill in text
    assert "Pooling" in text


def test_cases_are_those_of_the_spec_unless_others_are_asked_for():
    whole = graph(cases={"Unit": ["stride=2", "out=12", "out=999"]})
    labels = [item.label for item in figures.picture(whole, block="Unit").items if isinstance(item, Group)]
    assert labels == ["(a) stride 2", "(b) out 12"]
    asked = figures.picture(whole, block="Unit", cases=["stride=1"])
    assert [item.label for item in asked.items] == ["stride 1"]


def test_a_used_file_speaks_for_its_blocks_and_the_spec_over_it(tmp_path):
    (tmp_path / "gates.yaml").write_text(
        "archdsl: 1\nfigure: {labels: {Gate: SE, relu: R}, hide: [dropout]}\n"
        "blocks: {Gate: {params: [n], body: [relu, {conv: n}, dropout: 0.1]}}\n"
    )
    (tmp_path / "net.yaml").write_text(
        "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nuse: gates.yaml\nfigure: {labels: {relu: ReLU!}}\n"
        "stages: {a: [{Gate: 4}, {Gate: 5}]}\n"
    )
    whole = archdsl.graph(tmp_path / "net.yaml")
    assert words(figures.picture(whole, block="Gate")) == ["ReLU!", "1×1 Conv"]
    assert words(figures.picture(whole, level="stage"))[0].startswith("SE")


def test_an_extending_spec_lays_each_part_on_that_of_its_base(tmp_path):
    (tmp_path / "base.yaml").write_text(
        "archdsl: 1\nname: Base\ninput: [3, 8, 8]\nfigure: {labels: {relu: R, bn: B}, hide: [dropout]}\n"
        "stages: {a: [conv: 4, bn, relu, dropout: 0.1]}\n"
    )
    (tmp_path / "net.yaml").write_text("extends: base.yaml\nfigure: {labels: {relu: Z}}\n")
    assert words(figures.picture(archdsl.graph(tmp_path / "net.yaml"), level="op")) == ["1×1 Conv / B, Z"]


def test_the_figures_of_shipped_specs_use_it(capsys):
    words_ = "draw efficientnet --variant b0 --block MBConv --format dot"
    assert cli.main(words_.split()) == 0
    told = capsys.readouterr().out
    assert "SE" in told
    assert "Drop connect" in told
    assert "Drop connect 0" not in told
    assert "squeeze=" not in told
