"""The function `draw`, and the command of that name, which say alike what is drawn."""

import pytest

import archdsl
from archdsl.commands import cli

NET = """
archdsl: 1
name: Net
input: [3, 8, 8]
params: {n: 1}
stages: {a: [{conv: n}]}
variants: {b: {n: 2}, c: {n: 3}}
"""


@pytest.fixture
def net(tmp_path) -> str:
    (tmp_path / "net.yaml").write_text(NET)
    return str(tmp_path / "net.yaml")


def test_a_variant_stands_behind_its_spec_or_is_given_and_a_graph_has_its_own(net, capfd):
    wanted = archdsl.draw(archdsl.graph(net, "c"), format="dot")
    assert wanted != archdsl.draw(net, format="dot")
    assert archdsl.draw(f"{net}@c", format="dot") == archdsl.draw(net, variant="c", format="dot") == wanted
    for call in ([f"{net}@c"], [net, "--variant", "c"]):
        assert cli.main(["draw", *call, "--format", "dot"]) == 0
        assert capfd.readouterr().out == wanted


def test_a_variant_that_is_given_twice_is_refused(net, capfd):
    with pytest.raises(archdsl.SpecError, match="the variant is given twice"):
        archdsl.draw([f"{net}@b", net], variant="c")
    assert cli.main(["draw", f"{net}@b", "--variant", "c"]) == 2
    assert "the variant is given twice" in capfd.readouterr().err
