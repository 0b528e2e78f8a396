"""Fonts for the engine: the wheels of Source Sans and Source Serif, so that figures look the same on every machine.

On a machine without fonts the engine would draw each character as an empty box. It asks fontconfig,
which reads the file that FONTCONFIG_FILE names; ours holds the wheels' folders and includes the user's file.
"""

from __future__ import annotations

import atexit
import importlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape, unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{include}
{fonts}
<!-- for letters that the wheels lack; the machine's own fonts.conf may be of a version that the engine warns of -->
{machine}
<cachedir>{cache}</cachedir>
<alias binding="weak"><family>Source Sans Pro</family><default><family>sans-serif</family></default></alias>
<!-- glyphs that a face lacks, and families that a spec's reader does not have, come from this one -->
<match target="pattern"><edit name="family" mode="append_last"><string>Source Sans Pro</string></edit></match>
<config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


# Where machines keep their fonts: Linux, macOS, Windows. A folder that is not there does no harm.
MACHINE = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "fonts"),  # noqa: PTH118, PTH111
    "/System/Library/Fonts",
    "/Library/Fonts",
    str(Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"),
)
KINDS = (".ttf", ".otf", ".ttc", ".otc")  # of files of fonts
DIR = re.compile(r"<dir[^>]*>([^<]+)</dir>")

# A wheel's folder; it has each face twice: one of them, always the same.
FOLDER = "<dir>{files}</dir><selectfont><rejectfont><glob>{files}/*.ttf</glob></rejectfont></selectfont>"
WHEELS = ("font_source_sans_pro", "font_source_serif_pro")


def folder(wheel: str = WHEELS[0]) -> Path | None:
    """Where a wheel keeps its files; the package itself is not imported."""
    spec = find_spec(wheel)
    places = spec.submodule_search_locations if spec else None
    files = Path(places[0]) / "files" if places else None
    return files if files and files.is_dir() else None


@cache
def config(folders: tuple[Path, ...], theirs: str | None) -> Path:
    """A fontconfig file for this process: the wheels' folders, what the user's own file says, the machine's fonts."""
    home = Path(tempfile.mkdtemp(prefix="archdsl-fonts-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    include = f'<include ignore_missing="yes">{escape(theirs)}</include>' if theirs else ""
    path = home / "fonts.conf"
    fonts = "\n".join(FOLDER.format(files=escape(str(files))) for files in folders)
    machine = "".join(f"<dir>{escape(place)}</dir>" for place in MACHINE)
    path.write_text(
        CONFIG.format(include=include, fonts=fonts, machine=machine, cache=home / "cache"), encoding="utf-8"
    )
    return path


def machine_files() -> Iterator[Path]:
    """The files of fonts of this machine, and of the folders that the user's own file of fontconfig names."""
    theirs = Path(os.environ.get("FONTCONFIG_FILE", ""))
    own = DIR.findall(theirs.read_text(encoding="utf-8", errors="replace")) if theirs.is_file() else []
    for place in (*MACHINE, *map(unescape, own)):
        for path in sorted(Path(place).rglob("*")) if Path(place).is_dir() else ():
            if path.suffix.lower() in KINDS:
                yield path


@cache
def lacking(letters: frozenset[str]) -> frozenset[str]:
    """Of these letters those that no font of the machine has."""
    harfbuzz: Any = importlib.import_module("uharfbuzz")  # late: few figures have such letters
    left = {ord(letter) for letter in letters}
    for path in machine_files():
        try:
            left -= set(harfbuzz.Face(harfbuzz.Blob.from_file_path(str(path))).unicodes)
        except (OSError, harfbuzz.HarfBuzzError):  # a file that is none of ours to read
            continue
        if not left:
            break
    return frozenset(map(chr, left))


@contextmanager
def known() -> Iterator[None]:
    """While the engine runs fontconfig reads our file; the environment is left as it was."""
    folders, before = tuple(filter(None, map(folder, WHEELS))), os.environ.get("FONTCONFIG_FILE")
    if not folders:
        yield
        return
    os.environ["FONTCONFIG_FILE"] = str(config(folders, before))
    try:
        yield
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before
