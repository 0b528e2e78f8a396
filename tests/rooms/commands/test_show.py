"""`archdsl show` and `archdsl new`: what results of a spec, and a spec to start from."""

from __future__ import annotations

import re

import pytest

from archdsl.commands import cli
from archdsl.workspace.checking import check
from archdsl.workspace.library import read


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command in an empty folder; gives status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*args):
        status = cli.main(args)
        return status, *capfd.readouterr()

    return call


def test_what_builds_another_network_is_not_shown(run, monkeypatch):
    monkeypatch.setattr("archdsl.workspace.showing.with_params", lambda tree, spec, params: tree)
    status, text, err = run("show", "peleenet", "--set", "growth=16")
    assert (status, text) == (1, "")
    assert "what would be shown of PeleeNet builds another network" in err


def test_show_prints_the_spec_of_a_variant_with_settings_and_origins(run, tmp_path):
    status, text, _ = run("show", "squeezenet", "--set", "conv10.conv.out=7", "-v", "1.1", "--origin")
    assert status == 0
    assert re.search(r"^  conv10: \[.*conv: \{out: 7\}.*\].*# squeezenet.yaml:\d+, --set$", text, re.MULTILINE)
    assert "variants:" not in text
    (tmp_path / "less.yaml").write_text("extends: squeezenet\nvariants: {1.0-complex-bypass: null}\n")
    assert run("check", "less.yaml")[0] == 0  # though a figure of the paper is of it
    assert run("show", "squeezenet", "-o", "shown.yaml")[:2] == (0, "")
    assert read(tmp_path / "shown.yaml").networks() == read("squeezenet").networks()
    status, out, err = run("show", "squeezenet", "--set", "conv10.cov.out=7")
    assert (status, out) == (2, "")
    assert "--set:1:8: error[unknown-override]" in err
    assert run("show", "squeezenet", "--set", "num_clases=7")[2].startswith("--set:1:1: error[unknown-param]")


@pytest.mark.parametrize("base", ["peleenet", "mnasnet"])
def test_every_line_of_a_new_spec_can_be_used(run, tmp_path, base):
    assert run("new", "my-net.yaml", "--from", base)[:2] == (0, f"wrote my-net.yaml, which extends {base}\n")
    file = tmp_path / "my-net.yaml"
    text = file.read_text()
    assert check(file).name == read(file).name == "MyNet"
    head, *rest = text.split("\n\n")
    assert len(rest) >= 4
    for part in rest:
        _, section, *lines = (line.removeprefix("# ") for line in part.splitlines())
        assert lines
        for line in lines:
            file.write_text(f"{head}\n{section}\n{line}\n")
            assert check(file).variants


def test_a_copy_stands_alone_and_keeps_its_comments(run, tmp_path):
    assert run("new", "mine.yaml", "--from", "peleenet", "--copy", "--name", "Own")[0] == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert text.startswith("# Own starts as a copy of PeleeNet (peleenet.yaml).\narchdsl: 1\nname: Own\n")
    assert "# Figure 1" in text
    assert "expect:" not in text
    assert check("mine.yaml").name == "Own"
    assert run("new", "pelee2.yaml", "--from", "pelee", "--copy")[0] == 0
    assert "extends" not in (tmp_path / "pelee2.yaml").read_text()
    assert check("pelee2.yaml").name == "Pelee2"
    assert run("new", "mnas.yaml", "--from", "mnasnet", "--copy")[0] == 0
    text = (tmp_path / "mnas.yaml").read_text()
    assert "  a1-1.0: {}\n  a1-1.4: {width: 1.4}\n" in text  # what was published is of the original


def test_a_spec_of_the_project_is_extended_by_its_path(run, tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "base").mkdir()
    (tmp_path / "configs").mkdir()
    (tmp_path / "base" / "net.yaml").write_text("name: Net\ninput: [3, 8, 8]\nstages: {a: [relu], b: [conv: 3]}\n")
    assert run("new", "configs/mine.yaml", "--from", "base/net.yaml")[0] == 0
    assert "extends: ../base/net.yaml\n" in (tmp_path / "configs" / "mine.yaml").read_text()


def test_a_new_spec_overwrites_nothing_and_has_a_name(run, tmp_path):
    (tmp_path / "there.yaml").write_text("mine")
    assert "already exists" in run("new", "there.yaml", "--from", "peleenet")[2]
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert "cannot name a network" in run("new", "3.yaml", "--from", "peleenet")[2]
    assert "a spec is a .yaml file" in run("new", "mine", "--from", "peleenet")[2]
    assert "did you mean 'peleenet'?" in run("new", "mine.yaml", "--from", "pelenet")[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.yaml"]


def test_a_new_spec_is_not_written_where_there_is_no_folder(run, tmp_path):
    status, _, err = run("new", "there/mine.yaml", "--from", "peleenet")
    assert status == 2
    assert "there is no folder 'there'" in err
    assert not (tmp_path / "there").exists()
