"""`detect` of a detector: from an image to the objects in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.layout import Group, lines
from archdsl.backends.torch.prelude import ours, prelude_parts
from archdsl.expr.nodes import Lit, Name
from archdsl.syntax.spec import Detect

PRELUDE, RESULT = "detections.py", "Detections"
RUN, SEARCH = "evaluated", "detections"
CHOSEN = ("confidence", "keep")  # at each call
NUMBERS = [item.name for item in fields(Detect) if item.name not in ("span", "outputs")]


def detect_body(detect: Detect, output: str, prelude: Mapping[str, str]) -> list[py.Statement]:
    """The body of the method; the search itself is the prelude's."""
    given = [Name(f"output.{name}") for name in detect.outputs.values()]
    values = {name: Name(name) if name in CHOSEN else Lit(getattr(detect, name)) for name in NUMBERS}
    run = py.call(prelude.get(RUN, RUN), Name("self"), Name("image"))
    named = [py.Keyword(name, value) for name, value in values.items()]
    found = py.call(prelude.get(SEARCH, SEARCH), *given, *named)
    return [py.Assign(Name("output"), run, Name(output)), py.Return(found)]


def detect_signature(detect: Detect, prelude: Mapping[str, str]) -> list[str]:
    """Its arguments: what a call may choose is what the spec says by default."""
    arguments = ("self", "image: Tensor", f"confidence: float = {detect.confidence}", f"keep: int = {detect.keep}")
    return lines(Group("def detect", arguments), 4, f" -> list[{prelude.get(RESULT, RESULT)}]:")


def prelude_text() -> list[str]:
    """What a file with such a method has of the prelude."""
    found = dict(part for name in (RUN, SEARCH) for part in prelude_parts(ours(PRELUDE), name))
    return list(found.values())
