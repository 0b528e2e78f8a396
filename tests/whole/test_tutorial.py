"""The tutorial, from top to bottom in an empty folder: its commands print what it shows, its Python runs and learns."""

from __future__ import annotations

import re
import shlex
import sys

import pytest
from support.places import DOCS

from archdsl.commands import cli
from archdsl.commands.status import FAULT, OK

PAGE = DOCS / "tutorial.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shows(shown, printed, *, loosely=False):
    """Whether a text of the page is what was printed: line by line, where `...` stands for any lines."""
    lines = [".*\n(?:.*\n)*?" if line == "..." else f"{re.escape(line.rstrip())}\n" for line in shown.splitlines()]
    pattern = "".join(lines)
    if loosely:
        pattern = re.sub(r"\d+\\\.\d%", r"\\d+\\.\\d%", pattern)  # an accuracy differs from machine to machine
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


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
    sys.modules.pop("mine", None)


def test_the_tutorial_does_what_it_says(folder, capfd):
    ran, names, printed = [], {}, None
    for language, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if language == "text":
            assert printed is not None, f"nothing printed this:\n{text}"
            assert shows(text, printed, loosely=ran[-1] == "python"), f"the page has\n{text}\nbut this is\n{printed}"
            printed = None
            continue
        assert not printed, f"the page does not show\n{printed}"
        if language == "yaml":
            (folder / re.match(r"# (\w+\.yaml)\n", text)[1]).write_text(text, encoding="utf-8")
        elif language == "sh":
            (line,) = text.splitlines()
            program, *words = shlex.split(line)
            assert program == "archdsl"
            status = cli.main(words)
            printed = "".join(capfd.readouterr())
            assert status == (FAULT if "error[" in printed else OK), printed
            ran.append(words[0])
        elif "nn.Module)" in text:
            assert text in (folder / "mine.py").read_text(encoding="utf-8")
        else:
            assert language == "python"
            exec(compile(text, PAGE.name, "exec", dont_inherit=True), names)
            printed = "".join(capfd.readouterr())
            ran.append("python")
    assert not printed, f"the page does not show\n{printed}"
    assert ran == ["new", "cost", "check", "check", "diff", "draw", "emit", "python", "python"]
    assert names["accuracy"] > 0.8
    assert re.search("h-swish.*SE", (folder / "block.svg").read_text(encoding="utf-8"), re.DOTALL)
