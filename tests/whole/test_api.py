"""The Python API as its users meet it: what it names, the types that it gives, what a notebook shows, its data."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
from support.checkers import mypy_strict
from support.places import DATA, DOCS

import archdsl
from archdsl.commands import cli

NET = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages:\n  a: [conv: 4, relu]\n  b: [{conv: 2, label: last}]\n"
SCHEMA = json.loads((DOCS / "outputs.schema.json").read_text(encoding="utf-8"))


def test_all_that_is_exported_is_there_and_nothing_else_is_taken_for_it():
    assert all(getattr(archdsl, name) is not None for name in archdsl.__all__)
    assert isinstance(archdsl.cost(NET), archdsl.Cost)
    assert isinstance(archdsl.check(NET), archdsl.Checked)
    assert isinstance(archdsl.graph(NET).nodes[0], archdsl.Node)
    with pytest.raises(AttributeError, match="no attribute 'costs'"):
        _ = archdsl.costs


def test_a_text_of_several_lines_is_a_spec():
    assert archdsl.graph(NET).name == "Net"
    assert archdsl.cost(NET).params == archdsl.cost(archdsl.graph(NET)).params == 26
    assert archdsl.emit(NET).startswith('"""Net.')
    assert [row.spec for row in archdsl.table([NET, "squeezenet"]).rows] == ["Net", "squeezenet"]
    assert archdsl.cost("extends: peleenet.yaml\nname: Mine\nparams: {growth: 16}\n").params == 945_784
    with pytest.raises(archdsl.SpecError, match=r"<text>:5:7: error\[unknown-op\]"):
        archdsl.cost(NET.replace("conv: 4", "con: 4"))


def test_records_are_flat_and_add_up():
    cost = archdsl.cost(NET)
    for by, count in (("stage", 2), ("node", 3)):
        records = cost.to_records(by)
        assert len(records) == count
        assert sum(record["macs"] for record in records) == cost.macs
        assert {record["network"] for record in records} == {"Net"}
    assert [(record["stage"], record["op"]) for record in records] == [("a", "conv"), ("a", "relu"), ("b", "conv")]
    with pytest.raises(archdsl.SpecError, match="no records by 'block'"):
        cost.to_records("block")


def test_a_notebook_shows_a_fault_without_our_frames(capsys, monkeypatch):
    shell = pytest.importorskip("IPython.core.interactiveshell")
    monkeypatch.setattr("IPython.core.history.HistoryManager.enabled", False)
    shell.InteractiveShell().run_cell("import archdsl; archdsl.graph('peleenet', growht=16)")
    said = capsys.readouterr().out
    assert "error[unknown-param]: 'PeleeNet' has no param 'growht'" in said
    assert "did you mean 'growth'?" in said
    assert "Traceback" not in said
    assert "library.py" not in said


# --- JSON
@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("check", ["check", "peleenet", "--format", "json"]),
        ("check", ["check", "wrong.yaml", "--format", "json"]),
        ("check", ["lint", "net.yaml", "--format", "json"]),
        ("cost", ["cost", "peleenet", "--format", "json"]),
        ("diff", ["diff", "net.yaml", "other.yaml", "--format", "json"]),
        ("graph", ["emit", "net.yaml", "--target", "json"]),
        ("list", ["list", "--format", "json"]),
        ("list", ["list", "--variants", "--format", "json"]),
        ("table", ["table", "peleenet", "mobilenet_v2", "--format", "json"]),
    ],
)
def test_json_names_its_version_and_fits_the_schema_of_the_docs(kind, command, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "wrong.yaml").write_text(NET.replace("relu", "rellu"))
    (tmp_path / "other.yaml").write_text(NET.replace("conv: 2", "conv: 5") + "  c: [bn]\n")
    warned = 3 if command[0] == "lint" else 0
    assert cli.main(command) == (2 if "wrong.yaml" in command else warned)
    data = json.loads(capfd.readouterr().out)
    assert data[f"archdsl_{kind}"] == 1
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    known = SCHEMA["$defs"][kind]["properties"]
    assert set(data) <= set(known), "the schema names every key"


def test_each_line_of_a_sweep_fits_the_schema_of_the_docs(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(
        NET.replace("stages:", "params: {width: 4}\nstages:").replace("conv: 4", "conv: width")
    )
    assert cli.main(["sweep", "net.yaml", "--set", "width=2,-1", "--stages", "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [row["code"] for row in rows] == [None, "bad-value"]
    for row in rows:
        jsonschema.Draft202012Validator(SCHEMA).validate(row)
        named = {name for name in row if name != "width" and not name.startswith("stage.")}
        assert named == set(SCHEMA["$defs"]["sweep"]["required"])
        assert named | {"latency_ms"} == set(SCHEMA["$defs"]["sweep"]["properties"]), "the schema names every column"


# --- types
@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_program_of_a_user_is_typed(checker, tmp_path, pytestconfig):
    pytest.importorskip(checker)
    if subprocess.run([sys.executable, "-m", checker, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{checker} cannot be run here: it fetches a part of itself when it is run first")
    (tmp_path / "calls.py").write_text((DATA / "typed_calls.py").read_text())
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    command = mypy_strict(pytestconfig) if checker == "mypy" else pyright
    done = subprocess.run([*command, "calls.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
