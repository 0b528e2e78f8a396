"""The back ends: each a function from a Graph to text (or bytes), one file each, none importing another.

`archdsl emit --to NAME` offers those below and those that other packages register under the entry
point group `archdsl.backends`, as `NAME = package.module:function`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from archdsl.names import did_you_mean
from archdsl.report import fault

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from archdsl.graph import Graph

Backend: TypeAlias = "Callable[[Graph], str | bytes]"

GROUP = "archdsl.backends"
BUILT_IN = {
    "torch": "torch_source:emit",
    "json": "graph_json:emit",
    "cost": "cost:emit",
    "svg": "figures:draw",
    "html": "figures.interactive:emit",
}


def registered() -> dict[str, EntryPoint]:
    """The back ends of other packages."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    """Every back end there is, our own first."""
    return list(dict.fromkeys((*BUILT_IN, *sorted(registered()))))


def backend(name: str) -> Backend:
    """A back end by name; only its own module is imported."""
    if name in BUILT_IN:
        module, function = BUILT_IN[name].split(":")
        found: Backend = getattr(import_module(f"{__name__}.{module}"), function)
        return found
    others = registered()
    if name not in others:
        known = [*BUILT_IN, *sorted(others)]
        hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
        raise fault("unknown-backend", f"there is no back end '{name}'", help=hint)
    loaded: Backend = others[name].load()
    return loaded
