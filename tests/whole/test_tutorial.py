"""The tutorial and the guides, from top to bottom in an empty folder: what they show is what happens."""

from __future__ import annotations

import re
import sys

import pytest
from support.pages import Reader, shows
from support.places import DOCS

GUIDES = sorted((DOCS / "guides").glob("*.md"))


def test_a_text_of_the_page_is_compared_line_by_line():
    assert shows("a\n...\nd\n", "a\nb  \nc\nd\n")
    assert shows("epoch 1: 90.0%\n", "epoch 1: 8.5%\n", loosely=True)
    assert not shows("epoch 1: 90.0%\n", "epoch 1: 8.5%\n")
    assert not shows("a\n...\nd\n", "a\nd\n"), "nothing was left out"
    assert not shows("a\n", "a\nb\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, whose Python files can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("mine", "tiny"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(folder, capfd):
    reader = Reader(DOCS / "tutorial.md", capfd)
    reader.follow(every=True)
    assert reader.ran == ["new", "cost", "check", "check", "diff", "draw", "emit", "python", "python"]
    assert reader.names["accuracy"] > 0.8
    assert re.search("h-swish.*SE", (folder / "block.svg").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_does_what_it_says(page, folder, capfd):
    reader = Reader(page, capfd)
    reader.follow(every=False)
    assert reader.ran
