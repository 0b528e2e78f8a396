"""One network by the Python API: what stands for a spec, what is chosen of it, what is refused."""

import pytest

import archdsl


def test_a_spec_is_a_path_a_name_a_dict_or_a_graph(tmp_path, monkeypatch):
    text = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {only: [relu]}\n"
    (tmp_path / "net.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    as_dict = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"only": ["relu"]}}
    found = [archdsl.graph(spec) for spec in ("net.yaml", tmp_path / "net.yaml", as_dict)]
    assert {graph.name for graph in found} == {"Net"}
    assert archdsl.graph(found[0]) is found[0]
    assert archdsl.graph("peleenet").name == "PeleeNet"


def test_a_file_here_goes_before_a_shipped_spec_and_a_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "peleenet").mkdir()
    assert archdsl.graph("peleenet").name == "PeleeNet"
    (tmp_path / "peleenet").rmdir()
    (tmp_path / "peleenet").write_text("archdsl: 1\nname: Mine\ninput: [3, 8, 8]\nstages: {only: [relu]}\n")
    assert archdsl.graph("peleenet").name == "Mine"


def test_params_variant_and_input_are_keywords():
    wide = archdsl.cost("mobilenet_v2", variant="0.50-224")
    assert archdsl.cost("mobilenet_v2", "0.50-224").params == wide.params == 1968680
    assert archdsl.cost("peleenet", growth=16).params < archdsl.cost("peleenet").params
    assert archdsl.cost("peleenet", input=(3, 32, 32)).inputs == {"x": (3, 32, 32)}
    assert archdsl.cost("peleenet", input={"x": [3, 32, 32]}).inputs == {"x": (3, 32, 32)}


@pytest.mark.parametrize(
    "call",
    [
        lambda: archdsl.graph(3),
        lambda: archdsl.graph("nothing"),
        lambda: archdsl.graph("no\0thing"),
        lambda: archdsl.graph(""),
        lambda: archdsl.graph({}),
        lambda: archdsl.graph({"archdsl": 1, "name": object()}),
        lambda: archdsl.graph("peleenet", "nothing"),
        lambda: archdsl.graph("peleenet", nothing=3),
        lambda: archdsl.graph("peleenet", growth=object()),
        lambda: archdsl.graph("peleenet", input=(3, -1, 3)),
        lambda: archdsl.graph("peleenet", input="3,4,5"),
        lambda: archdsl.graph(archdsl.graph("peleenet"), growth=3),
        lambda: archdsl.draw("peleenet", level="floor"),
    ],
)
def test_a_faulty_call_raises_a_spec_error(call):
    with pytest.raises(archdsl.SpecError) as caught:
        call()
    assert str(caught.value)
    assert caught.value.diagnostics
