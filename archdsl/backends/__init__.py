"""The back ends: each a function from a Graph to text (or bytes), one file each, none importing another.

`archdsl emit --target NAME` offers those below and those that other packages register under the entry
point group `archdsl.backends`, as `NAME = package.module:function`. What a function takes after the graph are
its options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from archdsl.ir.graph import Graph

Backend: TypeAlias = "Callable[..., str | bytes]"  # of a Graph and options

GROUP = "archdsl.backends"
BUILT_IN = {
    "torch": ".torch:emit",
    "json": ".json:emit",
    "cost": ".cost:emit",
    "svg": ".figures:draw",
    "html": ".figures.interactive:emit",
    "onnx": "archdsl.runtime.onnx:emit",  # from a room below: it runs the module
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
        found: Backend = getattr(import_module(module, __name__), function)
        return found
    others = registered()
    if name not in others:
        known = [*BUILT_IN, *sorted(others)]
        hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
        raise fault("unknown-backend", f"there is no back end '{name}'", help=hint)
    loaded: Backend = others[name].load()
    return loaded


def printed(name: str, graph: Graph, options: Mapping[str, Any]) -> str | bytes:
    """What a back end makes of a graph; raises `SpecError` for an option that it has not."""
    emit = backend(name)
    known = list(inspect.signature(emit).parameters)[1:]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) or f"it takes {', '.join(known) or 'none'}"
            raise fault("bad-call", f"the back end '{name}' has no option '{option}'", help=hint)
    return emit(graph, **options)
