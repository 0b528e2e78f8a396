"""Options such as `--width` are not broken at their hyphens, on a narrow page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

BLOCK = re.compile(r"(<pre.*?</pre>)", re.DOTALL)
CODE = re.compile(r"<code>(.*?)</code>", re.DOTALL)
OPTION = re.compile(r"(?<!\S)-[\w-]+")


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    pieces = BLOCK.split(html)
    return "".join(piece if n % 2 else CODE.sub(unbroken, piece) for n, piece in enumerate(pieces))


def unbroken(code: re.Match[str]) -> str:
    text = OPTION.sub(r'<span class="option">\g<0></span>', code[1])
    return f"<code>{text}</code>"
