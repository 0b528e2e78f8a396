"""The schema put where editors find it."""

import json
from pathlib import Path

import pytest

from archdsl.commands import cli
from archdsl.diagnostics.faults import SpecError
from archdsl.editor import settings


def test_a_project_gets_the_schema_and_keeps_its_other_settings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".vscode").mkdir()
    own = {"editor.rulers": [88], "yaml.schemas": {"other.json": "x.yaml", "./old/archdsl.schema.json": "*.yaml"}}
    (tmp_path / ".vscode/settings.json").write_text(json.dumps(own, indent=2))
    for _ in range(2):
        assert cli.main(["schema", "--install", "project", "--files", "specs/*.yaml"]) == 0
    text = (tmp_path / ".vscode/settings.json").read_text()
    schemas = {"other.json": "x.yaml", "./.vscode/archdsl.schema.json": ["specs/*.yaml"]}
    assert json.loads(text) == {"editor.rulers": [88], "yaml.schemas": schemas}
    assert text.startswith('{\n  "')
    told = capsys.readouterr().out.splitlines()[-1]
    path = Path(told.removeprefix("# yaml-language-server: $schema=file://"))
    assert json.loads(path.read_text())["$id"] == path.name


def test_a_users_schema_names_its_own_address(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setattr(settings, "code_folder", lambda: tmp_path / "code")
    schema, written = settings.install_for_user()
    assert json.loads(schema.read_text())["$id"] == schema.as_uri()
    assert json.loads(written.read_text())["yaml.schemas"] == {schema.as_uri(): ["*.arch.yaml", "*.arch.yml"]}


@pytest.mark.parametrize("text", ["// mine\n{}", "[]", '{"yaml.schemas": 3}'])
def test_settings_that_cannot_be_kept_whole_are_left_to_their_owner(tmp_path, text):
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text(text)
    with pytest.raises(SpecError, match=r'write into it: "yaml.schemas": \{"./.vscode/archdsl.schema.json"'):
        settings.install_for_project(tmp_path)
    assert (tmp_path / ".vscode/settings.json").read_text() == text
    assert not (tmp_path / ".vscode/archdsl.schema.json").exists()
