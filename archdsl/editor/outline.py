"""The parts of a spec as a tree: its params, blocks, stages and variants."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.diagnostics.spans import Span
from archdsl.editor.declared import declared, entries, params_of
from archdsl.editor.project import File
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True)
class Part:
    """A part of a spec: its name, its kind, all of it and the name alone, and what is in it."""

    name: str
    kind: str  # network, section, param, block, stage, variant
    span: Span
    head: Span
    detail: str = ""
    parts: list[Part] = field(default_factory=list)


def outline(file: File) -> list[Part]:
    """The sections of a file that hold names, in its order."""
    found = []
    for key, value in file.tree.entries:
        parts = inside(key.text, value)
        if parts:
            found.append(Part(key.text, "section", joined(key, value), key.span, parts=parts))
        elif key.text == "name" and isinstance(value, Scalar):
            found.append(Part(value.text, "network", joined(key, value), value.span))
    return found


def inside(section: str, node: Node) -> list[Part]:
    if section == "params":
        return [param(key, value) for key, value in declared(node).values()]
    if section == "blocks":
        return [block(key, value) for key, value in entries(node)]
    if section == "stages":
        return [Part(key.text, "stage", joined(key, value), key.span, steps(value)) for key, value in entries(node)]
    if section == "variants":
        return [Part(key.text, "variant", joined(key, value), key.span) for key, value in entries(node)]
    return []


def block(key: Scalar, node: Node) -> Part:
    params = params_of(node)
    inner = [param(name, default) for name, default in params.values()]
    return Part(key.text, "block", joined(key, node), key.span, ", ".join(params), inner)


def param(key: Scalar, value: Node | None) -> Part:
    whole = joined(key, value) if value is not None and value.span.line == key.span.line else key.span
    return Part(key.text, "param", whole, key.span, value.text if isinstance(value, Scalar) else "")


def steps(node: Node) -> str:
    """The steps of a stage in a few words."""
    items = node.items if isinstance(node, Sequence) else [node]
    words = [item.text if isinstance(item, Scalar) else "[...]" for item in items if not isinstance(item, Mapping)]
    words += [item.keys()[0] for item in items if isinstance(item, Mapping) and item.entries]
    return ", ".join(words[:4]) + (", ..." if len(words) > 4 else "")


def joined(key: Scalar, value: Node) -> Span:
    """From a key to the end of its value."""
    end = max((key.span.end_line, key.span.end_col), (value.span.end_line, value.span.end_col))
    return key.span._replace(end_line=end[0], end_col=end[1])
