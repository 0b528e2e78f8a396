"""`archdsl fmt`: files, folders and stdin."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from archdsl.commands import cli

UNEVEN = "archdsl: 1   # one\nname:   Small\nstages: {a: [relu,sigmoid]}\n"
EVEN = f"archdsl: 1{' ' * 39}# one\nname: Small\nstages: {{a: [relu, sigmoid]}}\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command in an empty folder; gives status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = cli.main(args)
        return status, *capfd.readouterr()

    return call


def test_a_file_is_laid_out_in_its_place_and_keeps_its_rights(run):
    path = Path("net.yaml")
    path.write_text(UNEVEN)
    path.chmod(0o640)
    assert run("fmt", "net.yaml") == (0, "", "net.yaml: formatted\n")
    assert path.read_text() == EVEN
    assert path.stat().st_mode & 0o777 == 0o640
    assert run("fmt", "net.yaml", "--check") == (0, "", "")


def test_what_would_change_is_told_or_shown_and_not_written(run):
    Path("net.yaml").write_text(UNEVEN)
    assert run("fmt", "net.yaml", "--check") == (3, "", "net.yaml: would change\n")
    status, out, _ = run("fmt", "net.yaml", "--diff")
    assert status == 3
    assert "-name:   Small\n" in out
    assert "+name: Small\n" in out
    assert Path("net.yaml").read_text() == UNEVEN


def test_of_a_folder_the_specs_are_laid_out(run):
    for name in ("a.yaml", "deep/b.yml", "deep/.hidden/c.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(UNEVEN)
    Path("other.yaml").write_text("a:   1\n")
    status, _, err = run("fmt", ".")
    assert status == 0
    assert err == "a.yaml: formatted\ndeep/b.yml: formatted\n2 files formatted, 0 files left as they are\n"
    assert Path("other.yaml").read_text() == "a:   1\n"
    assert run("fmt", "other.yaml", "a.yaml", "--specs-only") == (0, "", "")


def test_a_folder_without_specs_is_refused(run):
    Path("empty").mkdir()
    status, _, err = run("fmt", "empty")
    assert status == 2
    assert "there is no spec in 'empty'" in err


def test_stdin_goes_to_stdout(run):
    assert run("fmt", "-", stdin=UNEVEN.encode()) == (0, EVEN, "")
    assert run("fmt", "-", "--check", stdin=UNEVEN.encode())[0] == 3
    status, out, err = run("fmt", "-", stdin=b"a: [1")
    assert (status, out) == (2, "")
    assert err.startswith("<stdin>:1:")


def test_a_file_that_does_not_parse_is_told_and_left_and_the_others_are_laid_out(run):
    Path("broken.yaml").write_text("archdsl:  1\nname: {a\n")
    Path("net.yaml").write_text(UNEVEN)
    status, _, err = run("fmt", ".")
    assert status == 2
    assert err.count("error[") == 1
    assert Path("broken.yaml").read_text() == "archdsl:  1\nname: {a\n"
    assert Path("net.yaml").read_text() == EVEN
