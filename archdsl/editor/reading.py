"""The node of a tree under a cursor, and the keys that lead to it."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics.spans import Span
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True)
class Under:
    """A scalar under the cursor: as a key or a value, and the way to it from the top, its own key among it."""

    node: Scalar
    path: tuple[str | int, ...]
    is_key: bool


def under(tree: Node, line: int, column: int) -> Under | None:
    """What stands at a line and column, from 1."""
    return _search(tree, (), line, column)


def holds(span: Span, line: int, column: int) -> bool:
    return (span.line, span.col) <= (line, column) <= (span.end_line, span.end_col)


def _search(node: Node, path: tuple[str | int, ...], line: int, column: int) -> Under | None:
    if isinstance(node, Scalar):
        return Under(node, path, is_key=False) if holds(node.span, line, column) else None
    if isinstance(node, Sequence):
        parts = ((item, (*path, number)) for number, item in enumerate(node.items))
        return next((found for item, way in parts if (found := _search(item, way, line, column))), None)
    return _entry(node, path, line, column)


def _entry(node: Mapping, path: tuple[str | int, ...], line: int, column: int) -> Under | None:
    for key, value in node.entries:
        if holds(key.span, line, column):
            return Under(key, (*path, key.text), is_key=True)
        found = _search(value, (*path, key.text), line, column)
        if found is not None:
            return found
    return None
