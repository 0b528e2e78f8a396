"""`detect` of a detector: from an image to the objects in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from archdsl.backends.torch import syntax as py
from archdsl.expr.nodes import Lit, Name
from archdsl.syntax.spec import Detect

PRELUDE, SEARCH, RESULT = "detections.py", "detections", "Detections"
NUMBERS = [item.name for item in fields(Detect) if item.name not in ("span", "outputs")]


def detect_body(detect: Detect, output: str, prelude: Mapping[str, str]) -> list[py.Statement]:
    """The body of the method; the search itself is the prelude's."""
    given = [Name(f"output.{name}") for name in detect.outputs.values()]
    named = [py.Keyword(name, Lit(getattr(detect, name))) for name in NUMBERS]
    run = py.Assign(Name("output"), py.call("self", Name("image")), Name(output))
    found = py.call(prelude.get(SEARCH, SEARCH), *given, *named)
    return [py.With(py.call("torch.no_grad"), [run]), py.Return(found)]
