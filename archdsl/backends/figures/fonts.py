"""Fonts for the engine: the wheel `font-source-sans-pro`, so that figures look the same on every machine.

On a machine without fonts the engine would draw each character as an empty box. It asks fontconfig,
which reads the file that FONTCONFIG_FILE names; ours holds the wheel's folder and includes the user's file.
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
<dir>{fonts}</dir>
<!-- for letters that the wheel lacks; the machine's own fonts.conf may be of a version that the engine warns of -->
<dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir><dir prefix="xdg">fonts</dir>
<dir>/System/Library/Fonts</dir><dir>/Library/Fonts</dir><dir>WINDOWSFONTDIR</dir>
<cachedir>{cache}</cachedir>
<!-- the wheel has each face twice; one of them, always the same -->
<selectfont><rejectfont><glob>{fonts}/*.ttf</glob></rejectfont></selectfont>
<alias binding="weak"><family>Source Sans Pro</family><default><family>sans-serif</family></default></alias>
<!-- glyphs that a face lacks, and families that a spec's reader does not have, come from this one -->
<match target="pattern"><edit name="family" mode="append_last"><string>Source Sans Pro</string></edit></match>
<config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


def folder() -> Path | None:
    """Where the wheel keeps its files; the package itself is not imported."""
    spec = find_spec("font_source_sans_pro")
    places = spec.submodule_search_locations if spec else None
    files = Path(places[0]) / "files" if places else None
    return files if files and files.is_dir() else None


@cache
def config(files: Path, theirs: str | None) -> Path:
    """A fontconfig file for this process: the wheel's folder, what the user's own file says, the machine's fonts."""
    home = Path(tempfile.mkdtemp(prefix="archdsl-fonts-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    include = f'<include ignore_missing="yes">{escape(theirs)}</include>' if theirs else ""
    path = home / "fonts.conf"
    path.write_text(CONFIG.format(include=include, fonts=escape(str(files)), cache=home / "cache"), encoding="utf-8")
    return path


@contextmanager
def known() -> Iterator[None]:
    """While the engine runs fontconfig reads our file; the environment is left as it was."""
    files, before = folder(), os.environ.get("FONTCONFIG_FILE")
    if files is None:
        yield
        return
    os.environ["FONTCONFIG_FILE"] = str(config(files, before))
    try:
        yield
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before
