"""The interactive page: a network whose stages and blocks open and close, in one HTML file.

graph -> parts (what can be opened, what stands in it) -> plans (each group laid out by the engine, alike ones
once) -> data -> a template. A plan places the boxes of one group while all are closed; the page's script makes room
where one is opened. The file asks the network for nothing: style, script and data stand in it, and its own content
security policy refuses anything else, so that no text of a spec can ever run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.interactive.colours import style_sheet
from archdsl.backends.figures.interactive.data import document
from archdsl.backends.figures.theme import Look
from archdsl.ir.graph import Graph
from archdsl.support.resources import folder, template

__all__ = ["draw", "emit"]

DEPTHS = {"network": 0, "stage": 1, "op": 99}  # how many levels of groups a page opens by itself


def emit(graph: Graph) -> str:
    """The back end `html`: the page with everything closed."""
    return draw(graph)


def draw(graph: Graph, *, block: str | None = None, level: str = "network", look: Look | None = None) -> str:
    """The page of a network, opened down to a level, with the first call of a block in view."""
    calls = (scope.path for scope in graph.root.scopes() if scope.is_block and scope.name == block)
    data = document(graph, look) | {"show": next(calls, None), "depth": DEPTHS.get(level, 0)}
    style = style_sheet([*graph.figure.colours.values()]) + asset("page.css")
    script = asset("layout.js") + asset("page.js")
    return template(
        "interactive/page.html.jinja",
        title=printable(graph.called),
        policy=policy(style, script),
        style=trusted(style),
        script=trusted(script),
        data=trusted(as_json(data)),
    )


def asset(name: str) -> str:
    return (folder("codegen_templates") / "interactive" / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Nothing is loaded; one style sheet and one script are in force, which are told by their hashes."""
    return f"default-src 'none'; img-src data:; style-src '{digest(style)}'; script-src '{digest(script)}'"


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def as_json(data: Any) -> str:
    """JSON in ASCII that ends no element: what means something in HTML is written as an escape."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def trusted(text: str) -> Any:
    """Text that the template prints as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own files, and JSON without a sign of HTML
