"""What a shell completes, what a command says while it works, and the examples of its help."""

from __future__ import annotations

import io
import shlex
import time

import click
import pytest
from click.shell_completion import ShellComplete

from archdsl.commands import cli, progress
from archdsl.commands.examples import EXAMPLES


def offered(*words):
    """What is offered for the last word."""
    *typed, incomplete = words
    completer = ShellComplete(cli.archdsl, {}, "archdsl", "_ARCHDSL_COMPLETE")
    return [item.value for item in completer.get_completions(typed, incomplete)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["che"], ["check"]),
        (["cost", "mobilenet_v"], ["mobilenet_v1", "mobilenet_v2", "mobilenet_v3", "mobilenet_v4"]),
        (["cost", "n"], ["net.yaml"]),
        (["cost", "nets/"], ["nets/other.yml"]),
        (["build", "ne"], ["net.yaml", "nets/"]),
        (["cost", "squeezenet", "--variant", "1.1"], ["1.1", "1.1-simple-bypass"]),
        (["cost", "net.yaml", "--set", ""], ["width="]),
        (["draw", "peleenet", "--block", "T"], ["TwoWayDenseLayer", "Transition"]),
        (["draw", "mobilenet_v2@1.00-224", "--block", "I"], ["InvertedResidual"]),
        (["draw", "peleenet", "--expand", ""], ["stem", "dense", "head"]),
        (["draw", "peleenet", "--format", "p"], ["pdf", "png", "pptx"]),
        (["emit", "peleenet", "--target", "to"], ["torch"]),
        (["emit", "peleenet", "--pass", "fold"], ["fold_batch_norm", "fold_shuffles"]),
        (["table", "squeezenet@1.1"], ["squeezenet@1.1", "squeezenet@1.1-simple-bypass"]),
        (["cost", "wrong.yaml", "--variant", ""], []),
        (["ops", "conv_"], ["conv_transpose"]),
    ],
)
def test_a_shell_completes_what_a_spec_has(line, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets/other.yml").touch()
    (tmp_path / "net.yaml").write_text("name: N\ninput: [3]\nparams: {width: 8}\nstages: {a: [linear: width]}\n")
    (tmp_path / "wrong.yaml").write_text("name: [")
    assert offered(*line) == [*found, *(["nets/"] if line == ["cost", "n"] else [])]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_command_are_calls_of_it(name, capfd):
    assert cli.main([name, "--help"]) == 0
    shown = capfd.readouterr().out
    for line in EXAMPLES[name]:
        assert f"  {line}\n" in shown
        program, command, *words = shlex.split(line)
        assert (program, command) == ("archdsl", name)
        context = click.Context(cli.archdsl.commands[name])
        cli.archdsl.commands[name].make_parser(context).parse_args(words)  # raises for an option that there is not


def test_the_help_of_emit_lists_the_back_ends(capfd):
    assert cli.main(["emit", "--help"]) == 0
    assert "Back ends: torch, json," in capfd.readouterr().out


def test_quiet_and_verbose_say_less_and_more(capfd):
    assert cli.main(["-q", "cost", "fbnet"]) == 0
    assert capfd.readouterr().err == ""
    assert cli.main(["-v", "cost", "fbnet"]) == 0
    assert capfd.readouterr().err.startswith("archdsl: reading fbnet: 0.")
    assert cli.main(["cost", "fbnet"]) == 0
    assert capfd.readouterr().err == "archdsl: fbnet is built as its default variant, a\n"


def test_long_work_is_told_on_a_terminal_and_leaves_no_line(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0.02)
    with progress.working("proving"):
        time.sleep(0.2)
    assert "proving (0 s)" in screen.getvalue()
    assert screen.getvalue().endswith(progress.CLEAR)
    monkeypatch.setattr("sys.stderr", file := io.StringIO())
    with progress.working("proving"):
        time.sleep(0.1)
    assert not file.getvalue()
