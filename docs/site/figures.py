"""The figures of the site carry the letters that they use: a picture in a page sees no font of the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools import subset
from fontTools.ttLib import TTFont
from mkdocs.structure.files import File, Files

from archdsl.backends.figures.fonts import folder

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

FAMILY = "Source Sans Pro"
WEIGHTS = {"Regular": 400, "Bold": 700}
FACE = '@font-face{{font-family:"{family}";font-weight:{weight};src:url(data:font/woff;base64,{data})}}'


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Puts one small font, with the letters of all figures, into each of them."""
    texts = {file: file.content_string for file in files if file.src_uri.endswith(".svg")}
    style = f"<style>{faces(set().union(*texts.values()))}</style>"
    for file, text in texts.items():
        start = text.index(">", text.index("<svg")) + 1
        files.remove(file)
        files.append(File.generated(config, file.src_uri, content=f"{text[:start]}{style}{text[start:]}"))
    return files


def faces(letters: set[str]) -> str:
    """The rules that load the font, one for each weight."""
    home = folder()
    assert home is not None, "the package font-source-sans-pro is not installed"
    found = {weight: part(home / f"SourceSansPro-{name}.otf", letters) for name, weight in WEIGHTS.items()}
    return "".join(FACE.format(family=FAMILY, weight=weight, data=data) for weight, data in found.items())


def part(path: Path, letters: set[str]) -> str:
    """A font with these letters alone, as base64."""
    font = TTFont(path)
    options = subset.Options(hinting=False, layout_features=["kern"])
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(letters))
    cutter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    return base64.b64encode(written.getvalue()).decode()
