"""The folders that travel with the package: shipped specs and templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from jinja2 import Environment

Folder: TypeAlias = Literal["specs", "codegen_templates", "docs"]
SPECS: tuple[str, ...] = ("specs", "specs/beyond")  # lightweight networks, and others


@cache
def folder(name: Folder) -> Path:
    """Where one lies: inside the installed package, or beside it in a checkout.

    Installers unpack a wheel, so a path does; importlib.resources gives the same one after 15 ms of imports.
    """
    package = Path(__file__).parents[1]
    inside = package / f"_{name}"
    return inside if inside.is_dir() else package.parent / name


def spec_folders() -> dict[str, Path]:
    """Where the shipped specs lie, in the order in which a name is looked for."""
    return folders_in(folder("specs"))


def folders_in(specs: Path) -> dict[str, Path]:
    """The same of specs that lie elsewhere, with the same folders below."""
    return {name: specs.joinpath(*name.split("/")[1:]) for name in SPECS}


def page(name: str) -> str:
    """A page of the documentation that travels with the package: `language` or `ops`."""
    return (folder("docs") / f"{name}.md").read_text(encoding="utf-8")


def template(name: str, **values: object) -> str:
    """A template of `codegen_templates/`, printed. Templates decide nothing: every value is ready before."""
    return environment().get_template(name).render(values)


@cache
def environment() -> Environment:
    """What compiles templates, each once: HTML escapes itself; LaTeX and Markdown have escapes of their own."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        autoescape=select_autoescape(["html.jinja"], default=False),
        loader=FileSystemLoader(folder("codegen_templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
