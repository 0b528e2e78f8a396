"""What a shell may complete: specs, variants, params, blocks, stages, passes, back ends, words.

A shell asks at each press of a key, so nothing is said of faults: a spec that cannot be read offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from archdsl.diagnostics.faults import SpecError

if TYPE_CHECKING:
    from archdsl.syntax.spec import Spec

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[str]]"


def starting(found: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in found if word.startswith(incomplete)]


def words(*known: str) -> Completer:
    """Offers some words."""
    return lambda _, __, incomplete: starting(known, incomplete)


def specs(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Shipped specs, folders, and the YAML files of the folder that is typed."""
    from archdsl.workspace.library import all_shipped

    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    here = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [str(path) for path in here if path.suffix in {".yaml", ".yml"}]
    folders = [f"{path}/" for path in here if path.is_dir() and not path.name.startswith(".")]
    return starting([*all_shipped(), *files, *folders], incomplete)


def specs_and_variants(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The same, and behind an @ the variants."""
    name, at, _ = incomplete.partition("@")
    if not at:
        return specs(context, parameter, incomplete)
    found = read(name)
    return starting([f"{name}@{variant}" for variant in found.variants] if found else [], incomplete)


def read(name: str | None) -> Spec | None:
    """The spec of a name; nothing where it has faults."""
    from archdsl.workspace import library
    from archdsl.workspace.comparison import halves

    try:
        return library.read(halves(name)[0]) if name else None
    except SpecError:
        return None


def of_spec(names: Callable[[Spec], Iterable[str]]) -> Completer:
    """Offers names of the spec that the line has named already."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        # Behind an option that still lacks its value, click has not come to the arguments: they are left over.
        named = context.params.get("spec") or next(iter([*(context.params.get("specs") or ()), *context.args]), None)
        found = read(named)
        return starting(names(found), incomplete) if found else []

    return complete


variants = of_spec(lambda spec: spec.variants)
params = of_spec(lambda spec: [f"{name}=" for name in spec.params])
paper_figures = of_spec(lambda spec: spec.figure.paper)
stages = of_spec(lambda spec: spec.stages)
blocks = of_spec(lambda spec: [*spec.blocks, *(name for used in spec.uses for name in used.blocks)])


def passes(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from archdsl.passes import names

    return starting(names(), incomplete)


def targets(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from archdsl.backends import names

    return starting(names(), incomplete)


def ops(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from archdsl.ops import REGISTRY

    return starting(sorted(REGISTRY), incomplete)


tables = words("text", "md", "latex", "json", "csv")
spec_argument = partial(click.argument, shell_complete=specs)
