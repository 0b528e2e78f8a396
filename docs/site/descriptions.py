"""What a page is about, for search engines and previews of links: the first sentences of the page itself."""

from __future__ import annotations

import html as markup
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
LONGEST = 200  # characters; search engines show no more


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    first = PARAGRAPH.search(html)
    if first:
        page.meta.setdefault("description", shortened(" ".join(markup.unescape(TAG.sub("", first[1])).split())))
    return html


def shortened(text: str) -> str:
    """Whole sentences of a text, as many as fit; a first one that is too long is cut between words."""
    sentences = re.split(r"(?<=[.:?]) (?=[A-Z`])", text)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + 1 + len(sentence) > LONGEST:
            break
        kept += f" {sentence}"
    return kept if len(kept) <= LONGEST else f"{kept[:LONGEST].rsplit(' ', 1)[0]} …"
