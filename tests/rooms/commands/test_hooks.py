"""The hooks for pre-commit: what they run, and how it ends where pre-commit hands them all YAML files of a commit."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from support.places import ROOT

from archdsl.commands import cli

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
GOOD = "archdsl: 1\nname: Net\ninput: [3, 16, 16]\nstages:\n  a: [conv: {out: 8, kernel: 3, bias: false}, bn]\n"
BAD = {
    "archdsl-fmt": GOOD.replace("name: Net", "name:  Net"),
    "archdsl-check": GOOD.replace("conv", "cnv"),
    "archdsl-lint": GOOD.replace(", bias: false", ""),
}


@pytest.mark.parametrize("hook", BAD)
def test_a_hook_passes_good_specs_and_other_files_and_stops_at_bad_ones(hook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, *words = shlex.split(HOOKS[hook]["entry"])
    files = ["ci.yaml", "net.yaml"]
    Path("ci.yaml").write_text("on:   [push,  {a: &b 1}]\n")
    Path("net.yaml").write_text(GOOD)
    assert (command, HOOKS[hook]["types"]) == ("archdsl", ["yaml"])
    assert cli.main([*words, *files]) == 0
    assert [Path(name).read_text() for name in files] == ["on:   [push,  {a: &b 1}]\n", GOOD]
    Path("net.yaml").write_text(BAD[hook])
    assert cli.main([*words, *files]) != 0 or Path("net.yaml").read_text() != BAD[hook]


def test_every_hook_is_tested():
    assert set(HOOKS) == set(BAD)
