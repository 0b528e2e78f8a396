"""A located tree as YAML text: on one line what the author wrote on one, and the places that each line comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.diagnostics.spans import Span
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

WIDTH = 110
# A plain text that would be read as something else: inside brackets, and anywhere.
_IN_FLOW = re.compile(r"[,\[\]{}]")
_ANYWHERE = re.compile(r"^[!&*?|>@`\"'%#,\[\]{}]|^[-?:](\s|$)|:(\s|$)|\s#|\n|^\s|\s$")


@dataclass(frozen=True)
class Line:
    """A line of text, and the places of what stands in it."""

    text: str
    spans: tuple[Span, ...] = ()

    def origins(self) -> list[tuple[str, int]]:
        """The files that it comes from, each with the first line."""
        found: dict[str, int] = {}
        for span in self.spans:
            found.setdefault(span.source.name, span.line)
        return list(found.items())


def lines_of(node: Node) -> list[Line]:
    """A tree as lines of block style."""
    return list(block(node, 0))


def scalar(node: Scalar, *, flow: bool) -> str:
    """A leaf, quoted where it was, or where it would be read as something else."""
    if node.empty:
        return ""
    torn = _ANYWHERE.search(node.text) or (flow and _IN_FLOW.search(node.text))
    quoted = node.quoted or (torn and isinstance(node.value, str))
    return json.dumps(node.text, ensure_ascii=False) if quoted else node.text


def flow(node: Node) -> str:
    """A node on one line."""
    if isinstance(node, Scalar):
        return scalar(node, flow=True)
    if isinstance(node, Sequence):
        return f"[{', '.join(map(item, node.items))}]"
    return f"{{{', '.join(pair(key, value) for key, value in node.entries)}}}"


def item(node: Node) -> str:
    """An item of a list on one line; a single pair needs no braces."""
    lone = isinstance(node, Mapping) and len(node.entries) == 1
    if lone and isinstance(node, Mapping) and not (isinstance(value := node.entries[0][1], Scalar) and value.empty):
        return pair(*node.entries[0])
    return flow(node) or "null"


def pair(key: Scalar, value: Node) -> str:
    return f"{scalar(key, flow=True)}: {flow(value)}"


def spans(node: Node) -> Iterator[Span]:
    """The places of all leaves."""
    if isinstance(node, Scalar):
        yield node.span
        return
    parts = node.items if isinstance(node, Sequence) else [part for entry in node.entries for part in entry]
    for part in parts:
        yield from spans(part)


def fits(node: Node, room: int) -> bool:
    """Whether a node stands on one line: there is room, and its author wrote it on one."""
    if isinstance(node, Scalar):
        return True
    parts = node.items if isinstance(node, Sequence) else node.entries
    alone = node.span.line == node.span.end_line
    return not parts or (alone and len(flow(node)) <= room)


def block(node: Node, indent: int) -> Iterator[Line]:
    """A node on lines of its own."""
    if isinstance(node, Mapping) and node.entries:
        for key, value in node.entries:
            yield from entry(key, value, indent)
    elif isinstance(node, Sequence) and node.items:
        for part in node.items:
            yield from dashed(part, indent)
    else:
        text = scalar(node, flow=False) if isinstance(node, Scalar) else flow(node)
        yield Line(" " * indent + text, tuple(spans(node)))


def entry(key: Scalar, value: Node, indent: int) -> Iterator[Line]:
    """`key: value`, or the key and its value below it."""
    start = f"{' ' * indent}{scalar(key, flow=False)}:"
    if isinstance(value, Scalar):
        yield Line(f"{start} {scalar(value, flow=False)}".rstrip(), (key.span, value.span))
    elif fits(value, WIDTH - len(start)):
        yield Line(f"{start} {flow(value)}", (key.span, *spans(value)))
    else:
        yield Line(start, (key.span,))
        yield from block(value, indent + 2)


def dashed(node: Node, indent: int) -> Iterator[Line]:
    """An item of a list: behind a dash."""
    if isinstance(node, Mapping) and len(node.entries) == 1 and fits(node.entries[0][1], WIDTH - indent - 20):
        found = list(entry(*node.entries[0], 0))
    elif fits(node, WIDTH - indent - 2):
        text = scalar(node, flow=False) if isinstance(node, Scalar) else flow(node)
        found = [Line(text or "null", tuple(spans(node)))]
    else:
        found = list(block(node, 0))
    for number, line in enumerate(found):
        lead = "  " if number else "- "
        yield Line(" " * indent + lead + line.text, line.spans)
