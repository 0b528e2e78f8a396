"""The back ends: each a function from a Graph to text (or bytes), one file each, none importing another.

`archdsl emit --target NAME` offers those below and those that other packages register under the entry
point group `archdsl.backends`, as `NAME = package.module:function`. What a function takes after the graph are
its options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.expr.given import shown
from archdsl.support.naming import did_you_mean
from archdsl.support.plugins import NOT_OURS, Plugins, blamed

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

Backend: TypeAlias = "Callable[..., str | bytes]"  # of a Graph and options

BUILT_IN = {
    "torch": ".torch:emit",
    "json": ".json:emit",
    "cost": ".cost:emit",
    "svg": ".figures:draw",
    "html": ".figures.interactive:emit",
    "onnx": "archdsl.runtime.onnx:emit",  # from a room below: it runs the module
}
BACKENDS = Plugins("back end", "unknown-backend", "archdsl.backends", __name__, BUILT_IN)


def names() -> list[str]:
    """Every back end there is, our own first."""
    return BACKENDS.names()


def backend(name: str) -> Backend:
    """A back end by name; only its own module is imported."""
    found: Backend = BACKENDS.load(name)
    if not callable(found):
        raise fault("bad-plugin", f"{BACKENDS.said(name)} is {shown(found)}, not a function", help=NOT_OURS)
    return found


def printed(name: str, graph: Graph, options: Mapping[str, Any]) -> str | bytes:
    """What a back end makes of a graph; raises `SpecError` for an option that it has not."""
    emit = backend(name)
    known = list(inspect.signature(emit).parameters)[1:]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) or f"it takes {', '.join(known) or 'none'}"
            raise fault("bad-call", f"the back end '{name}' has no option '{option}'", help=hint)
    who = BACKENDS.said(name)
    if not who:
        return emit(graph, **options)
    with blamed(who, "fails"):
        made = emit(graph, **options)
    if not isinstance(made, (str, bytes)):
        raise fault("bad-plugin", f"{who} gives {shown(made)}, neither text nor bytes", help=NOT_OURS)
    return made
