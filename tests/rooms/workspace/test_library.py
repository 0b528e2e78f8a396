"""What a user calls a spec, and the file that is meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.places import BEYOND_FILES, SPEC_FILES

import archdsl
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.library import all_shipped, locate, read, shipped, stamp

TEXT = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {only: [relu]}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder with one spec in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(TEXT)
    return tmp_path


def said(name):
    """The message and the help for a name that leads nowhere."""
    with pytest.raises(SpecError) as caught:
        locate(name)
    (found,) = caught.value.diagnostics
    return found.message, found.help


def test_the_shipped_specs_are_the_files_of_their_folder():
    assert shipped() == [path.stem for path in SPEC_FILES]
    assert shipped("specs/beyond") == [path.stem for path in BEYOND_FILES]
    assert [locate(name) for name in all_shipped()] == [*SPEC_FILES, *BEYOND_FILES]
    assert len(set(all_shipped())) == len(all_shipped())


def test_a_bare_name_is_a_shipped_spec_and_a_path_of_that_name_is_not():
    assert locate("peleenet").name == "peleenet.yaml"
    assert said(Path("peleenet"))[0] == "there is no spec 'peleenet', neither here nor among the shipped ones"


@pytest.mark.parametrize(
    ("name", "message", "help"),
    [
        ("nett.yaml", "there is no file 'nett.yaml'", "did you mean 'net.yaml'?"),
        ("peleent", "there is no spec 'peleent', neither here nor among the shipped ones", "did you mean 'peleenet'?"),
        ("resnett", "there is no spec 'resnett', neither here nor among the shipped ones", "did you mean 'resnet'?"),
        ("a/resnet.yaml", "there is no file 'a/resnet.yaml'", "'resnet' is a shipped spec: give its bare name"),
        ("a/peleenet.yaml", "there is no file 'a/peleenet.yaml'", "'peleenet' is a shipped spec: give its bare name"),
        (".", "'.' is a folder, not a spec", "there are net.yaml in it"),
        ("net\0.yaml", "there is no file 'net\\x00.yaml'", ""),
    ],
)  # fmt: skip
def test_a_name_that_leads_nowhere_is_told_what_is_near(name, message, help):
    assert said(name) == (message, help)


def test_a_link_that_leads_nowhere_is_called_so(here):
    (here / "gone.yaml").symlink_to("nothing.yaml")
    assert said("gone.yaml")[0] == "'gone.yaml' is not a file: it is a link that leads nowhere"


def test_all_files_that_a_spec_is_made_of_are_noted_with_what_tells_a_change(here):
    (here / "blocks.yaml").write_text("archdsl: 1\nname: Blocks\nblocks: {Unit: {body: [relu]}}\n")
    (here / "net.yaml").write_text(TEXT.replace("stages: {only: [relu]}", "use: [blocks.yaml]\nstages: {only: [Unit]}"))
    files = {}
    read("net.yaml", files)
    assert {path.name for path in files} == {"net.yaml", "blocks.yaml"}
    (changed,) = (path for path in files if path.name == "blocks.yaml")
    os.utime(changed, ns=(0, 0))
    assert stamp(changed) != files[changed]
    changed.unlink()
    assert stamp(changed) is None


def test_a_graph_is_its_own_and_takes_nothing_more():
    graph = archdsl.graph("net.yaml")
    assert archdsl.graph(graph) is graph
    with pytest.raises(SpecError, match="a Graph is already a specific network"):
        archdsl.graph(graph, input=[3, 4, 4])
