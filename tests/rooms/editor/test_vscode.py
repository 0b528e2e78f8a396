"""The extension of VS Code, loaded by node with a small `vscode` in the place of the editor's."""

import json
import shutil
import subprocess

import pytest
from support.places import ROOT

import archdsl
from archdsl.editor.settings import SPECS

FOLDER = ROOT / "editors" / "vscode"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_extension_starts_the_server_with_its_settings():
    done = subprocess.run(["node", "--test"], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_extension_says_what_archdsl_says():
    manifest = json.loads((FOLDER / "package.json").read_text())
    assert manifest["version"] == archdsl.__version__
    assert [f"*{ending}" for ending in manifest["contributes"]["languages"][0]["extensions"]] == list(SPECS)
    assert (FOLDER / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
