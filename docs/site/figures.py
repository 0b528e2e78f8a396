"""The figures of the site: their size stands beside them, and they are loaded when a reader comes near."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

IMAGE = re.compile(r'<img alt="[^"]*" src="([^":]+\.svg)"')
SIZE = re.compile(r'<svg[^>]*? width="(\d+)pt" height="(\d+)pt"')
PIXELS = 4 / 3  # of a point


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """`--width` is what the style sheet needs to say how small a figure may become on a phone."""
    folder = posixpath.dirname(page.file.src_uri)

    def sized(image: re.Match[str]) -> str:
        width, height = size(posixpath.normpath(posixpath.join(folder, image[1])), files)
        return f'{image[0]} width="{width}" height="{height}" style="--width: {width}px" loading="lazy"'

    return IMAGE.sub(sized, html)


def size(path: str, files: Files) -> tuple[int, int]:
    """Width and height of a figure in pixels."""
    file = files.get_file_from_path(path)
    assert file is not None, f"{path} is not in the site"
    found = SIZE.search(file.content_string)
    assert found, f"{path} does not say its size"
    return round(int(found[1]) * PIXELS), round(int(found[2]) * PIXELS)
