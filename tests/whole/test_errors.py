"""Bad specs, each with the message that it must give standing on top of it, below the command that gives it.

After a change of messages `ARCHDSL_REWRITE=1 pytest tests/whole/test_errors.py` writes them anew: read every line of
the diff as the user will. A new bad spec starts with its command alone: `# $ archdsl check its-name.yaml`.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from support.places import DOCS, ROOT
from support.places import ERRORS as FOLDER

import archdsl
from archdsl.commands import cli
from archdsl.diagnostics.codes import CODES, GROUPS, OURS, PYTHON
from archdsl.workspace.library import read

PAGES = DOCS / "errors"
BAD = sorted(FOLDER.glob("*.yaml"))
REWRITE = bool(os.environ.get("ARCHDSL_REWRITE"))


# --- the corpus --------------------------------------------------------------------------------


def halves(path: Path) -> tuple[list[str], str]:
    """The comment on top of a file and the rest."""
    lines = path.read_text().splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return [line[1:].removeprefix(" ").rstrip() for line in lines[:count]], "".join(lines[count:])


def words_of(command: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of `$ PATH=nowhere archdsl draw peleenet`, once the environment is set."""
    words = shlex.split(command.removeprefix("$ "))
    if words[0].startswith("PATH="):
        set_path(words.pop(0).removeprefix("PATH="), monkeypatch)
    return words[1:]


def set_path(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the programs of one folder, and without the packages of figures and of ONNX."""
    monkeypatch.setenv("PATH", path)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)  # the engine is the program, not the library
    monkeypatch.setitem(sys.modules, "onnx", None)


def shown(command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What a command says on stderr, in the folder of the bad specs."""
    monkeypatch.chdir(FOLDER)
    capfd.readouterr()
    status = cli.main(words_of(command, monkeypatch))
    out, err = capfd.readouterr()
    assert (status, out) == (2, ""), err
    return [line.rstrip() for line in err.splitlines()]


TOLD = [code for code in CODES if code not in {**GROUPS[OURS], **GROUPS[PYTHON]}]  # by the command line, of a spec


def rewrite(path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The message moves the lines it speaks of, so it is written until it holds."""
    for _ in range(5):
        (command, *told), body = halves(path)
        found = shown(command, monkeypatch, capfd)
        if found == told:
            return
        path.write_text("".join(f"# {line}".rstrip() + "\n" for line in [command, *found]) + body)
    pytest.fail(f"{path.name} never comes to rest")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_spec_gives_the_message_on_top_of_it(path, monkeypatch, capfd):
    if REWRITE:
        rewrite(path, monkeypatch, capfd)
    (command, *told), _ = halves(path)
    assert command.startswith(("$ archdsl ", "$ PATH="))
    assert path.name in command or path.stem.startswith("call-")
    assert shown(command, monkeypatch, capfd) == told


def test_every_code_has_a_bad_spec():
    found = {code for path in BAD for code in re.findall(r"error\[([a-z-]+)\]", "\n".join(halves(path)[0]))}
    assert found == set(TOLD)


def test_no_bad_spec_gives_more_than_a_screenful():
    assert max(len(halves(path)[0]) for path in BAD) < 45


# --- the table of codes ------------------------------------------------------------------------


def raised(path: Path) -> set[str]:
    """The codes that a source file gives to `fault`, `Diagnostic` and, second there, `Plugins`."""
    place = {"fault": 0, "Diagnostic": 0, "Plugins": 1}
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args)
    named = ((getattr(call.func, "id", ""), call.args) for call in calls)
    codes = [args[place[name]] for name, args in named if name in place]
    words = (part.value for code in codes for part in ast.walk(code) if isinstance(part, ast.Constant))
    return {word for word in words if isinstance(word, str)}


def test_the_table_of_codes_holds_those_that_are_raised_and_no_others():
    assert set().union(*(raised(path) for path in (ROOT / "archdsl").rglob("*.py"))) == set(CODES)


# --- the pages ---------------------------------------------------------------------------------


def index() -> str:
    """The table of contents of the error pages."""
    parts = [
        "# Errors",
        "",
        "A message begins with its place and its code, `specs/my.yaml:14:23: error[unknown-op]: ...`, then shows",
        "the line, and ends with what to do. All independent errors of a file are reported in one run. Each code",
        "has a page that explains it, with a wrong and a right example.",
    ]
    for heading, codes in GROUPS.items():
        parts += ["", f"## {heading}", "", "| code | meaning |", "|---|---|"]
        parts += [f"| [{code}]({code}.md) | {meaning} |" for code, meaning in codes.items()]
    return "\n".join(parts) + "\n"


def examples(code: str) -> dict[str, dict[str, str]]:
    """The blocks of a page: `wrong` and `right`, each a spec (`yaml`), a command (`console`) or both."""
    text = (PAGES / f"{code}.md").read_text()
    assert text.startswith(f"# {code}\n\n")
    wrong, right = text.split("\nWrong:\n")[1].split("\nRight:\n")
    blocks = re.compile(r"```(yaml|console)\n(.*?)```", re.DOTALL)
    return {"wrong": dict(blocks.findall(wrong)), "right": dict(blocks.findall(right))}


def run_example(example: dict[str, str], folder: Path, monkeypatch, capfd) -> tuple[int, str]:
    """Status and stderr of a page's command, by default `archdsl check net.yaml`."""
    monkeypatch.chdir(folder)
    if "yaml" in example:
        (folder / "net.yaml").write_text(example["yaml"])
    (folder / "broken").mkdir(exist_ok=True)
    (folder / "broken" / "dot").write_text("#!/bin/sh\nexit 1\n")
    (folder / "broken" / "dot").chmod(0o755)
    words = words_of(example.get("console", "$ archdsl check net.yaml"), monkeypatch)
    return cli.main(words), capfd.readouterr().err


@pytest.mark.parametrize("code", GROUPS[PYTHON])
def test_what_a_page_of_python_calls_wrong_gives_its_code_and_what_it_calls_right_runs(code):
    text = (PAGES / f"{code}.md").read_text()
    wrong, right = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    with pytest.raises(archdsl.SpecError) as caught:
        exec(wrong, {"archdsl": archdsl})
    assert [item.code for item in caught.value.diagnostics] == [code]
    exec(right, {"archdsl": archdsl})


MACHINES = {"engine": "broken", "no-engine": "nowhere", "no-package": "nowhere"}  # code -> the PATH of its page


@pytest.mark.parametrize("code", TOLD)
def test_what_a_page_calls_wrong_gives_its_code_and_what_it_calls_right_is_built(code, tmp_path, monkeypatch, capfd):
    found = examples(code)
    if code in MACHINES:
        set_path(MACHINES[code], monkeypatch)
    status, told = run_example(found["wrong"], tmp_path, monkeypatch, capfd)
    assert (status, set(re.findall(r"error\[([a-z-]+)\]", told))) == (2, {code}), told
    assert run_example(found["right"], tmp_path, monkeypatch, capfd) == (0, "")
    if "yaml" in found["right"]:
        (variant, *_) = [*read("net.yaml").variants, None]
        ast.parse(archdsl.emit("net.yaml", variant))


def test_the_index_and_the_pages_are_those_of_the_table():
    if REWRITE:
        (PAGES / "index.md").write_text(index())
    assert (PAGES / "index.md").read_text() == index()
    assert {path.stem for path in PAGES.glob("*.md")} == {*CODES, "index"}
