"""Which network is meant where no variant is given."""

from __future__ import annotations

import json

import pytest

import archdsl
from archdsl.commands import cli
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.library import all_shipped, read

STAGES = "stages: {a: [conv: width]}\n"
TWO = "variants: {small: {width: 4}, large: {width: 8}}\n"


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """Writes a spec with these lines, and gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(*lines):
        (tmp_path / "net.yaml").write_text("archdsl: 1\nname: Net\ninput: [3, 8, 8]\n" + "\n".join(lines))
        return "net.yaml"

    return write


def test_every_shipped_spec_is_a_network_as_it_is():
    named = {name: archdsl.cost(name).variant for name in all_shipped()}
    assert (named["fbnet"], named["regnet"], named["resnet"]) == ("a", "x-400mf", None)


@pytest.mark.parametrize(
    ("lines", "params", "meant"),
    [
        (["params: {width: }", TWO], {}, ("small", 16)),  # the first, since a param has no value otherwise
        (["params: {width: }", "default: large", TWO], {}, ("large", 32)),
        (["params: {width: }", TWO], {"width": 2}, (None, 8)),  # it has one
        (["params: {width: 1}", TWO], {}, (None, 4)),
        (["params: {width: 1}", "default: large", TWO], {}, ("large", 32)),
        (["params: {width: 1}", "default: large", TWO], {"width": 2}, ("large", 8)),
        (["params: {width: 1}", "default: '1.0'", "variants: {'1.0': {width: 5}}"], {}, ("1.0", 20)),
    ],
)
def test_the_variant_meant_is_the_default_or_the_first_that_is_needed(spec, lines, params, meant):
    file = spec(*lines, STAGES)
    found, made = archdsl.cost(file, **params), archdsl.graph(file, **params)
    assert (found.variant, found.params) == meant
    assert (made.variant, archdsl.cost(made).params) == meant
    assert f"Net {meant[0]}" in archdsl.emit(made) if meant[0] else "small" not in archdsl.emit(made)


def test_a_spec_that_extends_another_takes_its_default_variant(spec, tmp_path):
    spec("params: {width: }", "default: large", TWO, STAGES)
    (tmp_path / "over.yaml").write_text("extends: net.yaml\nname: Over\n")
    assert archdsl.cost(tmp_path / "over.yaml").variant == "large"
    (tmp_path / "over.yaml").write_text("extends: net.yaml\nname: Over\nvariants: {large: null}\n")
    with pytest.raises(SpecError, match="there is no variant 'large'"):
        read(tmp_path / "over.yaml")
    (tmp_path / "over.yaml").write_text("extends: net.yaml\nname: Over\ndefault: small\nvariants: {large: null}\n")
    assert archdsl.cost(tmp_path / "over.yaml").variant == "small"


@pytest.mark.parametrize(
    ("lines", "says", "helps"),
    [
        (["default: larg", TWO], "there is no variant 'larg'", "did you mean 'large'?"),
        (["default: {conv: {bias: false}}"], "default: names a variant", "arguments of ops stand in defaults:"),
        (["default: large", "expect: {default: {params: 3}}", TWO], "this spec has a default one", "default: names"),
    ],
)
def test_a_default_that_is_none_is_told(spec, lines, says, helps):
    with pytest.raises(SpecError) as caught:
        read(spec("params: {width: 1}", *lines, STAGES))
    (found,) = caught.value.diagnostics
    assert says in found.message
    assert helps in found.help


def test_commands_say_which_variant_they_have_taken(spec, capfd, tmp_path):
    file = spec("params: {width: }", "default: large", TWO, STAGES)
    assert cli.main(["cost", file]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("Net large, input")
    assert err == "archdsl: net.yaml is built as its default variant, large\n"
    assert cli.main(["cost", file, "--variant", "large"]) == 0
    assert capfd.readouterr().err == ""
    assert cli.main(["check", file]) == 0
    assert "Net: 2 configurations" in capfd.readouterr().out
    assert cli.main(["build", file]) == 0
    assert (tmp_path / "build/net-large/net.py").exists()
    assert [(row.variant, row.params) for row in archdsl.table([file, file]).rows] == [("large", 32)] * 2


def test_list_says_which_variant_is_the_default(capfd):
    assert cli.main(["list"]) == 0
    out = capfd.readouterr().out
    assert "a*, b, c, samsung-s8, iphone-x" in out
    assert "* is built if you choose no variant" in out
    assert cli.main(["list", "--format", "json"]) == 0
    listed = {item["spec"]: item["default"] for item in json.loads(capfd.readouterr().out)["specs"]}
    assert (listed["fbnet"], listed["resnet"], listed["hrnet"]) == ("a", "50", "w18")
