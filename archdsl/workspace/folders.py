"""The specs in folders, told from other YAML files by their `archdsl:` line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from archdsl.diagnostics.faults import fault
from archdsl.support.paths import is_file, is_folder, waits
from archdsl.yaml.located import MAX_BYTES

SUFFIXES = (".yaml", ".yml")
STDIN = "-"
MARK = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?archdsl["']?[ \t]*:""", re.MULTILINE)


def gathered(named: Iterable[str], *, specs_only: bool = False) -> list[str]:
    """What a call names, with the specs in a folder in its place; `specs_only` leaves out files that are none."""
    found: list[str] = []
    for name in named:
        path = Path(name)
        if is_folder(path) and name != STDIN:
            found += specs_in(path)
        elif not (specs_only and is_file(path) and not is_spec(path)):
            found.append(name)
    return list(dict.fromkeys(found))


def specs_in(folder: Path) -> list[str]:
    """The specs in a folder and those below it, hidden ones left out."""
    found = sorted(str(path) for path in files_below(folder) if is_spec(path))
    if not found:
        help = "a file in a folder is taken for a spec if it has a line 'archdsl: 1'"
        raise fault("missing-file", f"there is no spec in '{folder}'", help=help)
    return found


def files_below(folder: Path) -> Iterator[Path]:
    """The YAML files below a folder, through no link to another one."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise fault("missing-file", f"cannot read the folder '{folder}': {error.strerror}") from None
    for path in entries:
        if path.name.startswith("."):
            continue
        if is_folder(path):
            if not path.is_symlink():
                yield from files_below(path)
        elif path.suffix in SUFFIXES and is_file(path):
            yield path


def is_spec(path: Path) -> bool:
    """Whether a file says that it is a spec; one that cannot be read may be."""
    if waits(path):
        return True
    try:
        with path.open("rb") as file:
            return MARK.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return True
