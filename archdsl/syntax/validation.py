"""A located tree against the JSON Schema: what the reader lets pass and the schema, which editors read, does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import Diagnostic, clipped
from archdsl.diagnostics.spans import Span
from archdsl.ops import REGISTRY
from archdsl.syntax.json_schema import build
from archdsl.syntax.reading.values import head
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

VALIDATORS: dict[int, Validator] = {}  # by the edition of the ops


def refused(tree: Node) -> list[Diagnostic]:
    """What the schema does not allow in a file, in the order of the text."""
    found = [diagnostic(error, tree) for error in validator().iter_errors(plain(tree))]
    return sorted(found, key=lambda item: (item.span.line, item.span.col) if item.span else (0, 0))


def validator() -> Validator:
    """The compiled schema with the ops of this process."""
    edition = REGISTRY.edition
    if edition not in VALIDATORS:
        from jsonschema.validators import Draft202012Validator  # 40 ms, which only a whole spec is worth

        VALIDATORS.clear()
        VALIDATORS[edition] = Draft202012Validator(build())
    return VALIDATORS[edition]


def plain(node: Node) -> Any:
    """A tree as JSON data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}


def diagnostic(error: ValidationError, tree: Node) -> Diagnostic:
    """What the schema refuses, at its place."""
    message = f"the schema of spec files does not allow this: {clipped(error.message)}"
    doc = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    return Diagnostic("schema", message, place(error, tree), help=f"it is {doc}" if doc else "")


def place(error: ValidationError, tree: Node) -> Span:
    """The value that is refused, or the key if that is what may not stand there."""
    node = tree
    for step in error.absolute_path:
        if isinstance(node, Mapping):
            node = next(value for key, value in node.entries if key.text == step)
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
    if isinstance(node, Mapping):
        for key, _ in node.entries:
            if key.text in set(keys_of(error)):
                return key.span
    return head(node)


def keys_of(error: ValidationError) -> Iterator[str]:
    """The keys that an error speaks of."""
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        patterns = error.schema.get("patternProperties", {})
        for key in error.instance if isinstance(error.instance, dict) else ():
            if key not in error.schema.get("properties", {}) and not any(re.search(p, key) for p in patterns):
                yield key
    elif isinstance(error.instance, str):  # a name that does not fit `propertyNames`
        yield error.instance
