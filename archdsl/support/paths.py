"""What stands at a path. Nothing here raises: not at a link to itself, a name too long or a folder closed to us."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a folder on the way may not be searched


def is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110


def real(path: Path) -> Path:
    """The path without links and dots; one that leads round stays."""
    return Path(os.path.realpath(path))


def kind(path: Path) -> str:
    """What a path that is no file is."""
    if is_folder(path):
        return "it is a folder"
    if os.path.islink(path) and not is_there(path):  # noqa: PTH114
        return "it is a link that leads nowhere"
    return "it is a pipe or a device" if is_there(path) else "it cannot be opened"


def waits(path: Path) -> bool:
    """Whether to open a path is to wait for someone to write to it: a pipe that has a name in a folder.

    One that the process has been given, as `<(command)` gives it, has its writer.
    """
    try:
        pipe = stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return pipe and not str(path).startswith(("/dev/", "/proc/"))
