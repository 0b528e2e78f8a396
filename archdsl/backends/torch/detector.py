"""`detect` of a detector: from an image to the objects in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from archdsl.backends.torch.layout import Cat, call, keyword
from archdsl.backends.torch.pieces import Line
from archdsl.syntax.spec import Detect

PRELUDE, SEARCH, RESULT = "detections.py", "detections", "Detections"
NUMBERS = [item.name for item in fields(Detect) if item.name not in ("span", "outputs")]


def detect_lines(detect: Detect, output: str, prelude: Mapping[str, str]) -> list[Line]:
    """The body of the method; the search itself is the prelude's."""
    given = [f"output.{name}" for name in detect.outputs.values()]
    search = prelude.get(SEARCH, SEARCH)
    found = call(f"return {search}", *given, *(keyword(name, repr(getattr(detect, name))) for name in NUMBERS))
    return [
        Line(0, "with torch.no_grad():"),
        Line(1, Cat((f"output: {output} = ", "self(image)"))),
        Line(0, found),
    ]
