"""Files appear whole or not at all: written beside their place, then renamed. Nothing else in a folder is touched."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from archdsl.diagnostics.faults import SpecError, fault


def write(path: Path, data: str | bytes) -> None:
    """One file; an existing one is replaced."""
    try:
        target = Path(os.path.realpath(path))  # a link stays a link
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(encoded(data))  # a device or pipe cannot be replaced
            return
        replace(target, stage(target, data))
    except (OSError, ValueError) as error:  # a name may hold what no file's can
        raise unwritable(path, error) from None


def write_all(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Several files below a folder; none takes its place before all are written."""
    staged: list[tuple[Path, Path]] = []
    try:
        for name, data in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.append((target, stage(target, data)))
        while staged:
            target, temporary = staged.pop(0)
            replace(target, temporary)
    except (OSError, ValueError) as error:
        raise unwritable(folder, error) from None
    finally:
        for _, temporary in staged:
            temporary.unlink(missing_ok=True)


def stage(target: Path, data: str | bytes) -> Path:
    """A temporary file beside the target, with the rights that any new file gets."""
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(encoded(data))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def replace(target: Path, temporary: Path) -> None:
    try:
        os.replace(temporary, target)  # noqa: PTH105 - Path.replace is the same, this says what is meant
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def encoded(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def unwritable(path: Path, error: OSError | ValueError) -> SpecError:
    reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        reason = f"there is no folder '{path.parent}'"
    return fault("cannot-write", f"cannot write '{path}': {reason[:1].lower()}{reason[1:]}")
