"""What forges read as Markdown and Python-Markdown does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


def on_page_markdown(text: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A folded part holds Markdown."""
    return text.replace("<details>", '<details markdown="1">')
