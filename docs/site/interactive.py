"""The interactive page of each family, on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

import archdsl

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

FOLDER = "systems"
PLACE = "\n## Blocks\n"


def family(path: str) -> str | None:
    """The spec that a page is about."""
    folder, _, name = path.rpartition("/")
    spec = name.removesuffix(".md")
    return spec if folder == FOLDER and spec in archdsl.specs() else None


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for spec in filter(None, [family(file.src_uri) for file in files.documentation_pages()]):
        text = archdsl.draw(spec, format="html")
        files.append(File.generated(config, f"{FOLDER}/{spec}-interactive.html", content=text))
    return files


def on_page_markdown(text: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    spec = family(page.file.src_uri)
    if spec is None:
        return text
    assert text.count(PLACE) == 1, f"{page.file.src_uri} has no place for the interactive page"
    address = f"{spec}-interactive.html"
    frame = f'<iframe class="interactive" src="{address}" loading="lazy" title="The network, stage by stage"></iframe>'
    about = f"Open a stage to see its blocks, and a block to see its ops. [As a page of its own]({address})."
    return text.replace(PLACE, f"\n## The network\n\n{about}\n\n{frame}\n{PLACE}")
