"""The extension of VS Code, loaded by node with a small `vscode` in the place of the editor's, and by VS Code."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from support.browser import started
from support.places import ROOT

import archdsl
from archdsl.editor.settings import SPECS

FOLDER = ROOT / "editors" / "vscode"
SPEC = """\
archdsl: 1
name: Net
input: [3, 16, 16]
stages:
  stem: [conv: {out: 8, stride: 2}]
  head: [global_avg_pool, flatten, linear: 10]
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_extension_starts_the_server_with_its_settings():
    done = subprocess.run(["node", "--test"], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_extension_says_what_archdsl_says():
    manifest = json.loads((FOLDER / "package.json").read_text())
    assert manifest["version"] == archdsl.__version__
    assert [f"*{ending}" for ending in manifest["contributes"]["languages"][0]["extensions"]] == list(SPECS)
    assert (FOLDER / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@contextmanager
def vs_code(folder):
    """VS Code with the extension, and `folder` open; the address that a browser shows it at."""
    extensions, data = folder / ".extensions", folder / ".data"
    shutil.copytree(FOLDER, extensions / f"archdsl.archdsl-{archdsl.__version__}")
    settings = {"archdsl.command": [sys.executable, "-m", "archdsl"], "security.workspace.trust.enabled": False}
    (data / "User").mkdir(parents=True)
    (data / "User" / "settings.json").write_text(json.dumps(settings))
    (folder / "config.yaml").write_text("auth: none\nbind-addr: 127.0.0.1:0\ncert: false\n")
    places = ["--config", folder / "config.yaml", "--user-data-dir", data, "--extensions-dir", extensions]
    words = ["code-server", *places, "--disable-telemetry", "--disable-update-check", folder]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            lines = iter(server.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("code-server") is None, reason="code-server is not installed")
@pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="npm ci was not run in editors/vscode")
def test_vs_code_shows_faults_shapes_and_counts(tmp_path):
    (tmp_path / "good.yaml").write_text(SPEC)
    (tmp_path / "bad.arch.yaml").write_text(SPEC.replace("linear", "linaer"))
    with vs_code(tmp_path) as address, started() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 700})
        page.set_default_timeout(60_000)
        page.goto(f"{address}/?folder={tmp_path}")
        for name, shown in (("bad.arch.yaml", ".squiggly-error"), ("good.yaml", "text=8×8×8")):
            page.wait_for_selector(f'.explorer-folders-view [aria-label^="{name}"]').dblclick()
            page.wait_for_selector(shown)
        page.locator(".view-line span span", has_text="linear").first.hover()
        page.wait_for_selector(".monaco-hover >> text=90 parameters, 80 MACs")
