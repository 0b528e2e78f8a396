"""The settings of editors in the docs: Neovim starts the server with those for its version, Helix's are TOML."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from support.places import ROOT

PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
SPEC = """\
archdsl: 1
name: Net
input: [3, 16, 16]
stages: {stem: [conv: {out: 8, stride: 2}], head: [global_avg_pool, flatten, linaer: 10]}
"""
SAY = """
vim.wait(20000, function() return #vim.diagnostic.get(0) > 0 end, 50)
for _, found in ipairs(vim.diagnostic.get(0)) do print(found.lnum + 1, found.message) end
local place = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 3, character = 16 } }
for _, answer in pairs(vim.lsp.buf_request_sync(0, "textDocument/hover", place, 20000) or {}) do
  print(answer.result.contents.value)
end
vim.cmd("qall!")
"""


def settings(editor, language):
    """The examples of a section of the page."""
    section = PAGE.partition(f"### {editor}\n")[2].partition("\n##")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.mark.skipif(shutil.which("nvim") is None, reason="nvim is not installed")
def test_neovim_shows_faults_and_shapes(tmp_path):
    version = subprocess.run(["nvim", "--version"], capture_output=True, text=True, check=True).stdout
    newest = tuple(map(int, re.match(r"NVIM v(\d+)\.(\d+)", version).groups())) >= (0, 11)
    newer, older = settings("Neovim", "lua")
    for name, text in {"init.lua": newer if newest else older, "say.lua": SAY, "net.yaml": SPEC}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "archdsl").write_text(f'#!/bin/sh\nexec {sys.executable} -m archdsl "$@"\n')
    (tmp_path / "archdsl").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    words = ["nvim", "--headless", "-u", "init.lua", "net.yaml", "-c", "luafile say.lua"]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert "4 'linaer' is not an op" in said.replace("\t", " "), said
    assert "**conv**(out" in said


def test_the_settings_of_helix_are_toml():
    tomllib = pytest.importorskip("tomllib")
    languages, config = map(tomllib.loads, settings("Helix", "toml"))
    (language,) = languages["language"]
    assert languages["language-server"]["archdsl"] == {"command": "archdsl", "args": ["lsp"]}
    assert (language["name"], language["language-servers"][0]) == ("yaml", "archdsl")
    assert config == {"editor": {"lsp": {"display-inlay-hints": True}}}
