"""Where a file declares its names, and the names that stand in a value, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.diagnostics.spans import Span
from archdsl.editor.project import File, Project
from archdsl.syntax.reading.values import is_null
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*", re.ASCII)
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")


def block_of(name: str, file: File, project: Project) -> tuple[File, Scalar, Node] | None:
    """The block that a file means by a name: its own, or one of the files that it extends or uses."""
    for base in project.bases(file):
        entry = base.entry("blocks", name)
        if entry is not None and not is_null(entry[1]):
            return base, *entry
    for base in project.bases(file):
        for path in reversed(base.uses):
            used = project.file(path)
            found = within(name, used, project) if used is not None else None
            if found is not None:
                return found
    return None


def within(name: str, used: File, project: Project) -> tuple[File, Scalar, Node] | None:
    """A block of a file that is used, or its network as one."""
    for base in project.bases(used):
        entry = base.entry("blocks", name)
        if entry is not None:
            return base, *entry
    title = used.tree.get("name")
    if isinstance(title, Scalar) and title.text == name and "stages" in used.tree:
        return used, title, used.tree
    return None


def params_of(node: Node) -> dict[str, tuple[Scalar, Node | None]]:
    """The params of a block (or of a network as one): where each is declared, and its default."""
    return declared(node.get("params")) if isinstance(node, Mapping) else {}


def inputs_of(node: Node) -> dict[str, tuple[Scalar, Node | None]]:
    """The further inputs of a block."""
    return declared(node.get("inputs")) if isinstance(node, Mapping) else {}


def declared(node: Node | None) -> dict[str, tuple[Scalar, Node | None]]:
    """Names in any form in which they may be declared."""
    if node is None:
        return {}
    if isinstance(node, Mapping):
        return {key.text: (key, value) for key, value in node.entries}
    if isinstance(node, Scalar):
        return {} if is_null(node) else {node.text: (node, None)}
    found: dict[str, tuple[Scalar, Node | None]] = {}
    for item in node.items:
        if not isinstance(item, Sequence):
            found |= declared(item)
    return found


def declared_in(file: File, section: str) -> list[str]:
    return [key.text for key, _ in entries(file.tree.get(section)) if "." not in key.text]


def entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    return node.entries if isinstance(node, Mapping) else ()


def scalars(node: Node | None) -> Iterator[Scalar]:
    """The leaves of a value."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)
    elif isinstance(node, Mapping):
        for _, value in node.entries:
            yield from scalars(value)


def tensors_in(node: Node | None) -> Iterator[Scalar]:
    """The names that `as:` gives anywhere in a body."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from tensors_in(item)
    elif isinstance(node, Mapping):
        for key, value in node.entries:
            if key.text == "as":
                yield from scalars(value)
            else:
                yield from tensors_in(value)


def words(node: Scalar) -> Iterator[tuple[str, Span]]:
    """The names in an expression with their places, if it stands on one line as it is read."""
    span = node.span
    if span.line != span.end_line or not node.text:
        return
    line = span.source.line(span.line)
    at = line.find(node.text, span.col - 1, span.end_col - 1)
    if at < 0:
        return
    hidden = [found.span() for found in _TEXTS.finditer(node.text)]
    for found in _WORD.finditer(node.text):
        if not any(start <= found.start() < end for start, end in hidden):
            start, end = at + found.start() + 1, at + found.end() + 1
            yield found[0], span._replace(col=start, end_col=end)


def word_span(node: Scalar) -> Span:
    """The place of a name itself, without the quotes around it."""
    return next((span for word, span in words(node) if word == node.text), node.span)
