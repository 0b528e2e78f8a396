"""The JSON Schema put where editors find it: its file, and the setting `yaml.schemas` of VS Code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.support.output import write
from archdsl.syntax.json_schema import FILE, text

SPECS = ("*.arch.yaml", "*.arch.yml")
SETTING = "yaml.schemas"


def install_for_project(folder: Path, globs: Sequence[str] = SPECS) -> list[Path]:
    """Writes the schema and the setting into `.vscode` of a project, where a repository may keep both."""
    home = folder / ".vscode"
    settings = home / "settings.json"
    found = with_schema(settings, f"./.vscode/{FILE.name}", globs)
    return written({home / FILE.name: text(), settings: found})


def install_for_user(globs: Sequence[str] = SPECS) -> list[Path]:
    """Writes the schema into the user's data and the setting into the user's settings of VS Code."""
    schema, settings = data_folder() / FILE.name, code_folder() / "settings.json"
    found = with_schema(settings, schema.as_uri(), globs)
    return written({schema: text(schema.as_uri()), settings: found})


def written(files: dict[Path, str]) -> list[Path]:
    for path, data in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise fault("cannot-write", f"cannot write '{path}': {error.strerror}") from None
        write(path, data)
    return list(files)


def modeline(schema: Path) -> str:
    """The first line of a spec with which any editor that speaks to the YAML language server finds the schema."""
    return f"# yaml-language-server: $schema={schema.resolve().as_uri()}"


def with_schema(path: Path, schema: str, globs: Sequence[str]) -> str:
    """The text of a settings file with the schema in it; all else stays, and what is no plain JSON as it is."""
    settings = settings_of(path, schema, globs)
    schemas = settings.setdefault(SETTING, {})
    if not isinstance(schemas, dict):
        raise by_hand(path, f"its '{SETTING}' is not an object", schema, globs)
    for address in [address for address in schemas if address.rpartition("/")[2] == FILE.name]:
        del schemas[address]  # of an earlier call
    schemas[schema] = list(globs)
    return json.dumps(settings, indent=indent_of(path), ensure_ascii=False) + "\n"


def settings_of(path: Path, schema: str, globs: Sequence[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        raise by_hand(path, "it has comments, or cannot be read", schema, globs) from None
    if not isinstance(found, dict):
        raise by_hand(path, "it is not an object", schema, globs)
    return found


def by_hand(path: Path, why: str, schema: str, globs: Sequence[str]) -> SpecError:
    entry = json.dumps({SETTING: {schema: list(globs)}})[1:-1]
    return fault("cannot-write", f"'{path}' is left as it is: {why}", help=f"write into it: {entry}")


def indent_of(path: Path) -> int | str:
    """As a file is indented already; VS Code's own four spaces for a new one."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    first = next((line for line in lines if line[:1] in (" ", "\t") and line.strip()), "    ")
    return first[: len(first) - len(first.lstrip())] or 4


def data_folder() -> Path:
    """Where the data of a user's programs lies."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "archdsl"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/archdsl"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "archdsl"


def code_folder() -> Path:
    """Where VS Code keeps a user's settings."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "Code/User"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Code/User"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "Code/User"
