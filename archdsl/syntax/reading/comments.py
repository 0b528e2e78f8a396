"""What a comment beside a block says of it."""

from __future__ import annotations

import re

from archdsl.diagnostics.spans import Span
from archdsl.yaml.located import Node, Scalar

BESIDE = re.compile(r"\s*:?\s*#+\s*(?P<text>\S.*)")
ABOVE = re.compile(r"(?P<indent>\s*)#+\s*(?P<text>\w.*)")  # no line that parts sections: `# ---`


def comment_on(key: Scalar, value: Node) -> str:
    """The comment on the line of a key, behind what stands there; else the lines of comment right above it."""
    line = key.span.source.line(key.span.line)
    end = value.span.end_col if value.span.line == key.span.line else key.span.end_col
    found = BESIDE.fullmatch(line[end - 1 :])
    return found["text"].strip() if found else comment_above(key.span)


def comment_above(span: Span) -> str:
    """The lines of comment right above a place, as far in as it is."""
    texts: list[str] = []
    for number in range(span.line - 1, 0, -1):
        found = ABOVE.fullmatch(span.source.line(number))
        if found is None or len(found["indent"]) != span.col - 1:
            break
        texts.insert(0, found["text"].strip())
    return " ".join(texts)
