"""Fonts for the engine: the wheels of Source Sans and Source Serif, so that figures look the same on every machine.

On a machine without fonts the engine would draw each character as an empty box. It asks fontconfig,
which reads the file that FONTCONFIG_FILE names; ours holds the wheels' folders and includes the user's file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{include}
{fonts}
<!-- for letters that the wheels lack; the machine's own fonts.conf may be of a version that the engine warns of -->
<dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir><dir prefix="xdg">fonts</dir>
<dir>/System/Library/Fonts</dir><dir>/Library/Fonts</dir><dir>WINDOWSFONTDIR</dir>
<cachedir>{cache}</cachedir>
<alias binding="weak"><family>Source Sans Pro</family><default><family>sans-serif</family></default></alias>
<!-- glyphs that a face lacks, and families that a spec's reader does not have, come from this one -->
<match target="pattern"><edit name="family" mode="append_last"><string>Source Sans Pro</string></edit></match>
<config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


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
    path.write_text(CONFIG.format(include=include, fonts=fonts, cache=home / "cache"), encoding="utf-8")
    return path


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
