"""Bad specs, each with the message that it must give standing on top of it, below the command that gives it.

After a change of messages `ARCHDSL_REWRITE=1 pytest tests/test_errors.py` writes them anew: read every line of the
diff as the user will. A new bad spec starts with its command alone: `# $ archdsl check its-name.yaml`.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from archdsl import cli
from archdsl.codes import CODES

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "errors"
BAD = sorted(FOLDER.glob("*.yaml"))
REWRITE = bool(os.environ.get("ARCHDSL_REWRITE"))


# --- the corpus --------------------------------------------------------------------------------


def halves(path: Path) -> tuple[list[str], str]:
    """The comment on top of a file and the rest."""
    lines = path.read_text().splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return [line[1:].removeprefix(" ").rstrip() for line in lines[:count]], "".join(lines[count:])


def shown(command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What a command says on stderr, in the folder of the bad specs."""
    words = shlex.split(command)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    if "PATH" in command:
        monkeypatch.setitem(sys.modules, "pygraphviz", None)  # the engine is the program, not the library
    monkeypatch.chdir(FOLDER)
    capfd.readouterr()
    status = cli.main(words[1:])
    out, err = capfd.readouterr()
    assert (status, out) == (2, ""), err
    return [line.rstrip() for line in err.splitlines()]


def rewrite(path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The message moves the lines it speaks of, so it is written until it holds."""
    for _ in range(5):
        (command, *told), body = halves(path)
        found = shown(command.removeprefix("$ "), monkeypatch, capfd)
        if found == told:
            return
        path.write_text("".join(f"# {line}".rstrip() + "\n" for line in [command, *found]) + body)
    pytest.fail(f"{path.name} never comes to rest")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_spec_gives_the_message_on_top_of_it(path, monkeypatch, capfd):
    if REWRITE:
        rewrite(path, monkeypatch, capfd)
    (command, *told), _ = halves(path)
    assert command.startswith("$ archdsl ") or command.startswith("$ PATH=")
    assert path.name in command or path.stem.startswith("call-")
    assert shown(command.removeprefix("$ "), monkeypatch, capfd) == told
