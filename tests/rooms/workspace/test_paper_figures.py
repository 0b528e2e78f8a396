"""The figures of the paper that a spec says how to draw."""

import pytest

import archdsl
from archdsl.backends.figures import draw
from archdsl.commands import cli
from archdsl.workspace.library import all_shipped, read
from archdsl.workspace.paper_figures import paper_figure, spelt

NET = """
archdsl: 1
name: Net
input: [3, 32, 32]
params: {layout: ours, n: 1}
figure:
  paper:
    Figure 2 (b): {block: Unit, cases: "out=8", params: {layout: theirs}, differs: The paper draws no batch norm.}
    Figure 3: {variant: deep}
blocks:
  Unit:
    params: [out]
    body: [{relu: , when: layout == 'theirs'}, conv: out, bn]
stages:
  a: [Unit: 8, {repeat: n, body: [Unit: 16]}]
variants:
  flat: {n: 1}
  deep: {n: 3}
"""


@pytest.mark.parametrize("number", ["Figure 2 (b)", "2b", "2 (b)", "fig. 2b"])
def test_a_figure_is_found_by_its_number_however_it_is_written(number):
    assert paper_figure(NET, number).block == ("Unit",)


def test_a_figure_is_drawn_with_what_the_spec_gives_it():
    graph = archdsl.graph(NET, "flat", layout="theirs")
    assert archdsl.draw(NET, figure="2b", format="dot") == draw(graph, block="Unit", cases=["out=8"], format="dot")
    assert archdsl.draw(NET, figure="3", format="dot") == draw(archdsl.graph(NET, "deep"), format="dot")


def test_what_is_asked_for_beside_the_figure_goes_before_it():
    assert "ReLU" in archdsl.draw(NET, figure="2b", format="dot")
    assert "ReLU" not in archdsl.draw(NET, figure="2b", format="dot", layout="ours")
    assert "ReLU" not in archdsl.draw(NET, figure="2b", format="dot", set={"layout": "ours"})
    changed = archdsl.draw(NET, figure="2b", format="dot", set={"Unit.conv.kernel": 7})
    assert "ReLU" in changed
    assert "7×7" in changed


def test_a_figure_can_show_another_spec_and_the_deployed_form(tmp_path):
    other = NET.replace("name: Net", "name: Other").replace("bn]", "bn, sigmoid]")
    (tmp_path / "other.yaml").write_text(other)
    entry = "    Figure 4: {spec: other.yaml, block: Unit, cases: out=16, form: deploy}\n"
    (tmp_path / "net.yaml").write_text(NET.replace("blocks:\n", f"{entry}blocks:\n", 1))
    (tmp_path / "longer.yaml").write_text("archdsl: 1\nname: Longer\nextends: net.yaml\nvariants: {deep: null}\n")
    wanted = draw(archdsl.graph(other, form="deploy"), block="Unit", cases=["out=16"], format="dot")
    assert "Sigmoid" in wanted
    assert "BN" not in wanted
    for name in ("net", "longer"):
        assert archdsl.draw(tmp_path / f"{name}.yaml", figure="4", format="dot") == wanted
    assert archdsl.draw(archdsl.graph(tmp_path / "net.yaml"), figure="4", format="dot") == wanted
    out = str(tmp_path / "4.dot")
    assert cli.main(["draw", f"{tmp_path / 'net.yaml'}@flat", "--figure", "4", "-o", out]) == 0
    assert (tmp_path / "4.dot").read_text() == wanted


def test_a_graph_knows_the_figures_too():
    assert archdsl.draw(archdsl.graph(NET), figure="2b", format="dot")


@pytest.mark.parametrize(
    ("given", "code"), [({"figure": "9"}, "unknown-figure"), ({"figure": "2b", "block": "Unit"}, "bad-call")]
)
def test_a_figure_that_there_is_not_and_one_that_is_asked_for_twice_are_refused(given, code):
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.draw(NET, **given)
    assert caught.value.diagnostics[0].code == code


def test_the_command_draws_it(tmp_path, capfd):
    (tmp_path / "net.yaml").write_text(NET)
    assert cli.main(["draw", str(tmp_path / "net.yaml"), "--figure", "2b", "--format", "dot"]) == 0
    assert capfd.readouterr().out == archdsl.draw(NET, figure="2b", format="dot")


def test_the_figures_of_a_file_in_use_are_those_of_another_paper(tmp_path):
    (tmp_path / "net.yaml").write_text(NET)
    text = "archdsl: 1\nname: Mine\ninput: [3, 8, 8]\nuse: net.yaml\nstages: {a: [Net]}\n"
    (tmp_path / "mine.yaml").write_text(text)
    (tmp_path / "longer.yaml").write_text("archdsl: 1\nname: Longer\nextends: net.yaml\n")
    assert not read(tmp_path / "mine.yaml").figure.paper
    assert [*read(tmp_path / "longer.yaml").figure.paper] == ["Figure 2 (b)", "Figure 3"]


def test_no_two_figures_of_a_shipped_spec_are_asked_for_alike():
    for name in all_shipped():
        numbers = [spelt(number) for number in read(name).figure.paper]
        assert len({*numbers}) == len(numbers)
