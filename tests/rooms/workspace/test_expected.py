"""What a spec states of its networks holds of those alone."""

from __future__ import annotations

import shutil

import pytest

import archdsl
from archdsl.commands import cli
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.library import locate
from archdsl.workspace.restating import update

MINE = """\
archdsl: 1
name: Mine    # a comment
input: [3, 16, 16]
params: {width: 8}
stages:
  stem: [conv: {out: width, kernel: 3}, relu]
variants:
  "1.0": {top1: 51.5}
  wide:
    width: 16   # another
    top1: {value: 52, source: my own run}
"""


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of a shipped spec in which this stands instead of that."""
    monkeypatch.chdir(tmp_path)

    def write(old, new):
        shutil.copy(locate("peleenet"), "copy.yaml")
        text = (tmp_path / "copy.yaml").read_text()
        assert old in text
        (tmp_path / "copy.yaml").write_text(text.replace(old, new))
        return "copy.yaml"

    return write


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("bn, relu]", "bn, hard_swish]", "other-network"),  # the counts are the same
        ("[stage3, 8,", "[stage3, 12,", "unexpected-count"),
        (", graph: gfe00bee0866", "", "unbound-accuracy"),
    ],
)
def test_the_accuracy_of_a_paper_is_not_that_of_an_edited_copy(copied, old, new, code, tmp_path):
    file = copied(old, new)
    for call in (archdsl.check, archdsl.table):
        with pytest.raises(SpecError) as caught:
            call(file)
        assert {item.code for item in caught.value.diagnostics} == {code}
    assert cli.main(["build", file]) == (0 if code == "unbound-accuracy" else 2)
    assert (tmp_path / "build").exists() == (code == "unbound-accuracy")
    assert archdsl.table(file, growth=16).rows[0].top1 is None


def test_an_accuracy_is_never_bound_to_another_network(copied, tmp_path):
    for old, new in (("bn, relu]", "bn, hard_swish]"), ("[stage3, 8,", "[stage3, 12,")):
        file = copied(old, new)
        before = (tmp_path / file).read_text()
        with pytest.raises(SpecError) as caught:
            update(file)
        assert "72.6 was measured on the stated network" in str(caught.value)
        assert (tmp_path / file).read_text() == before
    file = copied('1.0": {top1: 72.6}', '1.0": {growth: 16}')
    assert update(file) == ["1.0"]
    assert 'expect:\n  "1.0": {params: 945784, macs: 174510080, graph: g' in (tmp_path / file).read_text()


def test_an_accuracy_of_ones_own_is_bound_by_update(tmp_path, capfd):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    assert cli.main(["check", "--update", str(file)]) == 0
    said = capfd.readouterr().out
    assert "1.0 (its top1, 51.5, is now that of g" in said
    text = file.read_text()
    assert text.startswith(MINE)
    rows = archdsl.table(file).rows
    assert [(row.variant, row.top1) for row in rows] == [("1.0", 51.5), ("wide", 52.0)]
    assert cli.main(["check", "--update", str(file)]) == 0
    assert file.read_text() == text
    assert "wrote" not in capfd.readouterr().out
    assert cli.main(["build", str(file), "--out", str(tmp_path / "out")]) == 0


def test_a_published_accuracy_follows_the_network_and_not_the_call():
    graph = archdsl.graph("peleenet")
    assert archdsl.table([graph, archdsl.graph("peleenet", growth=16)]).rows[0].top1 == 72.6
    assert [row.top1 for row in archdsl.table(["peleenet", "squeezenet@1.0"], num_classes=1000).rows] == [72.6, 57.5]
    assert archdsl.table("peleenet", num_classes=10).rows[0].top1 is None
    assert archdsl.table("peleenet", passes=["fold_batch_norm"]).rows[0].top1 is None


def test_numbers_that_are_stated_are_held_against_what_is_built(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE + "expect: {'1.0': {params: 1}}\n")
    assert cli.main(["build", "mine.yaml"]) == 2  # the network as it stands is that variant
    assert "Mine 1.0 has 224 params, but expect: states 1" in capfd.readouterr().err
    assert not (tmp_path / "build").exists()
    assert cli.main(["build", "mine.yaml", "--set", "width=4"]) == 0
