"""Which pages the site has: those of docs/, files beside docs/ that they link to, and the API from docstrings."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files, InclusionLevel

import archdsl

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SOURCE = "source"  # the folder of the site for files beside docs/
FILES = ("CONTRIBUTING.md", "CHANGELOG.md")  # those of the navigation
ASSETS = ("iframe-worker.js", "search.js", "site.css")
FOUND_FIRST = ("language.md", "words.md", "ops.md", "cli.md")  # by the search
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


# --- the navigation
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """`guides/*` in the navigation stands for the pages that match and are not named."""
    config.nav = expanded(config.nav, named(config.nav))
    return config


def named(nav: object) -> set[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        return {nav}
    children = nav.values() if isinstance(nav, dict) else nav
    return {name for child in children for name in named(child)}


def expanded(nav: object, known: set[str]) -> object:
    if isinstance(nav, dict):
        return {title: expanded(item, known) for title, item in nav.items()}
    if isinstance(nav, str):
        return nav
    found: list[object] = []
    for item in nav:
        if isinstance(item, str) and "*" in item:
            matches = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob(f"{item}.md"))
            found += [page for page in matches if page not in known]
        else:
            found.append(expanded(item, known))
    return found


# --- the pages
def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds what is not a file of docs/."""
    made = {f"assets/{name}": (DOCS / "site" / name).read_text(encoding="utf-8") for name in ASSETS}
    made["api.md"] = api()
    made |= {page_of(path): shown(path) for path in beside(files)}
    known = named(config.nav)
    for name, text in made.items():
        level = InclusionLevel.INCLUDED if name in known else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, name, content=text, inclusion=level))
    return files


def beside(files: Files) -> set[Path]:
    """The files that are not in docs/ of the site and that its pages link to, or such files in turn."""
    found: set[Path] = set()
    waiting = [ROOT / name for name in FILES] + [DOCS / file.src_uri for file in files.documentation_pages()]
    while waiting:
        page = waiting.pop()
        if not serves(files, page):
            found.add(page)
        if page.suffix == ".md":
            targets = [(page.parent / link[1]).resolve() for link in LINK.findall(prose(page))]
            waiting += {path for path in targets if path.is_file() and not serves(files, path)} - found
    return found


def serves(files: Files, path: Path) -> bool:
    """Whether the site has this file of docs/."""
    file = files.get_file_from_path(os.path.relpath(path, DOCS))
    return file is not None and file.inclusion.is_included()


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def page_of(path: Path) -> str:
    """The page that shows such a file."""
    name = path.relative_to(ROOT).as_posix()
    return f"{SOURCE}/{name}" if path.suffix == ".md" else f"{SOURCE}/{name}.md"


def shown(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    language = {".yaml": "yaml", ".py": "python", ".toml": "toml"}.get(path.suffix, "text")
    name = path.relative_to(ROOT).as_posix()
    return f'---\nsearch: {{exclude: true}}\n---\n# {name}\n\n````{language} linenums="1"\n{text.rstrip()}\n````\n'


# --- links to and from the files beside docs/
def on_page_markdown(text: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links between files of the repository become links between pages of the site."""
    if page.file.src_uri in FOUND_FIRST:
        page.meta["search"] = {"boost": 2}
    here = PurePosixPath(page.file.src_uri)
    origin = ROOT / here.relative_to(SOURCE) if here.parts[0] == SOURCE else DOCS / here

    def moved(link: re.Match[str]) -> str:
        path = (origin.parent / link[2]).resolve()
        if not path.is_file():
            return link[0]  # which the strict build reports
        target = path.relative_to(DOCS).as_posix() if serves(files, path) else page_of(path)
        return f"{link[1]}{os.path.relpath(target, here.parent)}{link[3]}"

    pieces = re.split(f"({FENCE.pattern})", text, flags=FENCE.flags)
    return "".join(piece if n % 2 else LINK.sub(moved, piece) for n, piece in enumerate(pieces))


# --- the Python API
API = """\
# API reference

Every public name of `archdsl`, from its docstring. [The Python API](python.md) shows how they are used together.
"""


def api() -> str:
    """A page that mkdocstrings fills: the functions, then the classes."""
    public = {name: getattr(archdsl, name) for name in archdsl.__all__ if not name.startswith("_")}
    functions = [name for name, item in public.items() if inspect.isfunction(item)]
    classes = [name for name, item in public.items() if inspect.isclass(item)]
    parts = [API]
    for title, names in (("Functions", functions), ("Classes", classes)):
        parts += [f"## {title}\n", *(f"::: archdsl.{name}\n" for name in names)]
    return "\n".join(parts)
