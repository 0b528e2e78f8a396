"""`archdsl lint`: warnings in every format, and what a project switches off; `archdsl check` of folders and stdin."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from archdsl.commands import cli

NET = "archdsl: 1\nname: Net\ninput: [3, 16, 16]\nstages:\n  a: [conv: {out: 8, kernel: 3}, bn]\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command in an empty folder; gives status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = cli.main(args)
        return status, *capfd.readouterr()

    return call


def test_warnings_are_told_in_each_format_and_by_the_exit_status(run):
    Path("net.yaml").write_text(NET)
    status, out, err = run("lint", "net.yaml")
    assert (status, out) == (3, "net.yaml: 1 warning\n")
    assert err.startswith("net.yaml:5:7: warning[bias-before-norm]: conv has a bias, which the bn after it removes\n")
    assert "(arXiv 1502.03167)" in err
    assert run("lint", "net.yaml", "--format", "github")[1].startswith(
        "::warning file=net.yaml,line=5,col=7,title=bias"
    )
    status, out, _ = run("lint", "-", "--format", "json", stdin=NET)
    assert status == 3
    assert [(item["severity"], item["file"]) for item in json.loads(out)["diagnostics"]] == [("warning", "<stdin>")]
    Path("net.yaml").write_text(NET.replace("kernel: 3", "kernel: 3, bias: false"))
    assert run("lint", "net.yaml") == (0, "net.yaml: no warnings\n", "")


def test_a_fault_of_one_spec_hides_no_warning_of_another(run):
    Path("net.yaml").write_text(NET)
    Path("wrong.yaml").write_text(NET.replace("conv", "cnv"))
    status, out, err = run("lint", ".")
    assert status == 2
    assert out == "net.yaml: 1 warning\n"
    assert "error[unknown-op]" in err
    assert "warning[bias-before-norm]" in err


def test_the_rules_are_listed(run):
    status, out, _ = run("lint", "--list")
    assert status == 0
    assert "memory-peak" in out
    assert run("lint")[0] == 2


def test_a_project_says_which_rules_are_on(run):
    Path("deep").mkdir()
    Path("deep/net.yaml").write_text(NET)
    project = Path("pyproject.toml")
    project.write_text('[tool.archdsl.lint]\nignore = ["bias-before-norm"]\n')
    assert run("lint", "deep/net.yaml")[0] == 0
    project.write_text('[tool.archdsl.lint]\nselect = ["bias-before-norm"]\n')
    assert run("lint", "deep/net.yaml")[0] == 3
    Path("deep/pyproject.toml").write_text('[tool.other]\na = "b"\n')
    assert run("lint", "deep/net.yaml")[0] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[tool.archdsl.lint]\nignore = ["bias-befor-norm"]\n',
            "pyproject.toml:2:11: error[bad-call]: lint has no rule",
        ),
        (
            "[tool.archdsl.lint]\nignor = []\n",
            "pyproject.toml:2:1: error[bad-call]: [tool.archdsl.lint] has no 'ignor'",
        ),
        ("[tool.archdsl.lint]\nignore = 3\n", "error[bad-call]: 'ignore' must be a list of codes"),
        ("[tool.archdsl]\nlint = 3\n", "error[bad-call]: [tool.archdsl.lint] must be a table"),
        ("[tool\n", "pyproject.toml' is not valid TOML"),
    ],
)
def test_what_means_nothing_in_a_project_is_refused_at_its_place(run, text, said):
    Path("net.yaml").write_text(NET)
    Path("pyproject.toml").write_text(text)
    status, _, err = run("lint", "net.yaml")
    assert status == 2
    assert said in err


def test_a_folder_and_stdin_are_checked(run):
    Path("deep").mkdir()
    Path("deep/net.yaml").write_text(NET)
    Path("wrong.yaml").write_text(NET.replace("conv", "cnv"))
    Path("ci.yaml").write_text("on: push\n")
    status, out, err = run("check", ".")
    assert status == 2
    assert out.startswith("deep/net.yaml: ok (Net: ")
    assert err.count("error[") == 1
    assert run("check", "ci.yaml", "deep/net.yaml", "--specs-only")[0] == 0
    Path("used.yaml").write_text("archdsl: 1\nblocks:\n  Unit: [relu]\n")
    assert run("check", "-", stdin=NET.replace("stages", "use: used.yaml\nstages").replace("bn", "Unit"))[0] == 0
    status, _, err = run("check", "-", stdin=NET.replace("conv", "cnv"))
    assert status == 2
    assert err.startswith("<stdin>:5:7: error[unknown-op]")
