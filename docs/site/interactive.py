"""The interactive page of each family, on its page and in the gallery."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

import archdsl

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

FOLDER = "systems"
PLACE = "\n## Blocks\n"
GALLERY = f"{FOLDER}/gallery.md"
FAMILY = re.compile(r"^## \[(.+)\]\((\w+)\.md\)$", re.MULTILINE)


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
    path = page.file.src_uri
    if path == GALLERY:
        return FAMILY.sub(lambda heading: f"{heading[0]}\n{folded(embedded(heading[2], heading[1]))}", text)
    spec = family(path)
    if spec is None:
        return text
    assert text.count(PLACE) == 1, f"{path} has no place for the interactive page"
    return text.replace(PLACE, f"\n## The network\n\n{embedded(spec, page.title)}\n{PLACE}")


def embedded(spec: str, name: str) -> str:
    """The page in a frame that is loaded when it comes into view, and a link that opens it alone."""
    address = f"{spec}-interactive.html"
    about = f"Open a stage to see its blocks, and a block to see its ops. [Open it as a page of its own]({address})."
    frame = f'<iframe class="interactive" src="{address}" loading="lazy" title="{name}, stage by stage"></iframe>'
    return f"{about}\n\n{frame}"


def folded(content: str) -> str:
    inside = "\n".join(f"    {line}".rstrip() for line in content.splitlines())
    return f'\n??? example "The whole network, to open stage by stage"\n\n{inside}\n'
