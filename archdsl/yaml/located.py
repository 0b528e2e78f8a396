"""YAML text -> a tree in which every node knows its place.

Built from the parser's events and not from composed nodes: depth, anchors and tags are refused as
they come by, before anything is expanded, so no text costs more than its length.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Source, Span
from archdsl.support.paths import waits
from archdsl.yaml.slips import syntax_fault, torn_value

MAX_BYTES, MAX_NODES, MAX_DEPTH, MAX_DIGITS = 1_000_000, 50_000, 60, 18


@dataclass(frozen=True, eq=False)
class Scalar:
    """A leaf: its value by the YAML 1.2 core schema, and its text, which keeps `1.0` apart from `1.00`."""

    value: str | int | float | bool | None
    text: str
    quoted: bool
    span: Span

    @property
    def empty(self) -> bool:
        """Nothing written: `out:` (`null` and `~` are written)."""
        return not self.text and not self.quoted


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, eq=False)
class Mapping:
    """Keys and values in the order of the text; no key stands twice."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """The value under `key`."""
        return next((value for name, value in self.entries if name.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """The key itself, for its place."""
        return next((name for name, _ in self.entries if name.text == key), None)

    def keys(self) -> list[str]:
        return [name.text for name, _ in self.entries]

    def __contains__(self, key: str) -> bool:
        return self.key(key) is not None


Node: TypeAlias = Scalar | Sequence | Mapping


# --- sources -----------------------------------------------------------------------------------


def open_source(path: Path, name: str | None = None) -> Source:
    """The text of a file; a fault if it is missing, too large or not UTF-8."""
    name = str(path) if name is None else name
    if waits(path):
        raise fault("missing-file", f"cannot read '{name}': it is a pipe, not a file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (
            "there is no such file"
            if isinstance(error, FileNotFoundError)
            else (getattr(error, "strerror", None) or "it cannot be opened")
        )
        raise fault("missing-file", f"cannot read '{name}': {reason}") from None
    return decoded(data, name)


def keeping(texts: dict[Path, str]) -> Callable[[Path], Source]:
    """What opens files, and keeps their texts by their paths."""

    def load(path: Path) -> Source:
        source = open_source(path)
        texts[path] = source.text
        return source

    return load


def decoded(data: bytes, name: str) -> Source:
    """The text of a file; a fault if it is too large or not UTF-8."""
    if len(data) > MAX_BYTES:
        start = Span(Source(name, ""), 1, 1, 1, 1)
        raise fault("too-large", f"the file is larger than {MAX_BYTES // 1_000_000} MB", start)
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        source = Source(name, data.decode("utf-8-sig", errors="replace"))
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise fault("bad-character", message, _place(source, len(before)), help="save the file as UTF-8") from None


def from_python(obj: Any, name: str = "<dict>") -> Source:
    """A dict as YAML text, so that faults in it have a place to point at."""
    plain = _plain(obj, name, 0)
    return Source(name, yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9))


class _Dumper(yaml.SafeDumper):
    """Writes a value that stands twice twice: anchors are no part of the language."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _plain(obj: Any, name: str, depth: int) -> Any:
    """A copy in dicts, lists and scalars; bounded in depth, so that a cycle ends."""
    if depth > MAX_DEPTH:
        raise fault("too-deep", f"{name} is nested more than {MAX_DEPTH} deep")
    if isinstance(obj, dict):
        return {key if isinstance(key, str) else str(key): _plain(value, name, depth + 1) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [_plain(value, name, depth + 1) for value in obj]
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    message = f"{name} holds a value of the type {type(obj).__name__}"
    raise fault("wrong-type", message, help="a spec is made of dicts, lists, strings, numbers and truth values")


# --- reading -----------------------------------------------------------------------------------


def read(source: Source) -> Node:
    """The located tree of a text; raises `SpecError` at the first thing that YAML or we do not allow."""
    if len(source.text) > MAX_BYTES:
        span = Span(Source(source.name, ""), 1, 1, 1, 1)
        raise fault("too-large", f"the text is larger than {MAX_BYTES // 1_000_000} MB", span)
    _check_characters(source)
    try:
        return _Builder(source).document()
    except yaml.MarkedYAMLError as error:
        raise syntax_fault(source, error) from None
    except yaml.YAMLError as error:
        raise fault("yaml-syntax", f"this is not YAML: {error}", Span(source, 1, 1, 1, 1)) from None
    except RecursionError:
        raise fault("too-deep", f"nested more than {MAX_DEPTH} deep", Span(source, 1, 1, 1, 1)) from None


# Controls, and what is not seen: zero-width spaces, and marks that reverse the text that follows them.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]"
)


def _check_characters(source: Source) -> None:
    found = _CONTROL.search(source.text)
    if found:
        message = f"{_named(found[0])} is not allowed"
        raise fault("bad-character", message, _place(source, found.start()), help="remove it")


def _named(character: str) -> str:
    kind = "control" if unicodedata.category(character) == "Cc" else "invisible"
    return f"the {kind} character U+{ord(character):04X}"


def _place(source: Source, index: int) -> Span:
    """The place of the character at `index`."""
    lines = (source.text[:index] + "x").splitlines()
    return Span(source, len(lines), len(lines[-1]), len(lines), len(lines[-1]) + 1)


class _Builder:
    """Turns the parser's events into nodes."""

    def __init__(self, source: Source) -> None:
        self.source, self.count = source, 0
        self.events: Iterator[Any] = iter(yaml.parse(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))

    def document(self) -> Node:
        next(self.events)  # the stream's start
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            raise self.empty()
        if start.tags:
            raise fault("tags", "a %TAG directive is not allowed", self.span(start))
        node = self.node(next(self.events), 0, flow=False)
        next(self.events)  # the document's end
        again = next(self.events)
        if not isinstance(again, yaml.StreamEndEvent):
            help = "put one spec into each file, and remove the '---'"
            raise fault("several-documents", "a second document starts here", self.span(again), help=help)
        if isinstance(node, Scalar) and node.value is None:
            raise self.empty()
        return node

    def empty(self) -> SpecError:
        help = "start with 'archdsl: 1' and 'name:'"
        return fault("empty-file", "there is nothing in this file", Span(self.source, 1, 1, 1, 1), help=help)

    def span(self, event: Any, end: Any = None) -> Span:
        start, stop = event.start_mark, (end or event).end_mark
        return Span(self.source, start.line + 1, start.column + 1, stop.line + 1, stop.column + 1)

    def node(self, event: Any, depth: int, *, flow: bool) -> Node:
        self.refuse(event, depth)
        self.count += 1
        if self.count > MAX_NODES:
            raise fault("too-large", f"more than {MAX_NODES} values in one file", self.head(event))
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        inside = flow or bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, depth + 1, flow=inside)
        return self.mapping(event, depth + 1, flow=inside)

    def refuse(self, event: Any, depth: int) -> None:
        """What YAML has and the language has not."""
        if isinstance(event, yaml.AliasEvent):
            help = "write the value out, or make it a param or a block"
            raise fault("anchors", f"the alias '*{event.anchor}' is not allowed", self.span(event), help=help)
        if event.anchor is not None:
            help = "write the value out where it is used, or make it a param or a block"
            raise fault("anchors", f"the anchor '&{event.anchor}' is not allowed", self.head(event), help=help)
        if event.tag is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            help = "remove it: a spec is plain data"
            raise fault("tags", f"the tag '{shown}' is not allowed", self.head(event), help=help)
        if depth > MAX_DEPTH:
            raise fault(
                "too-deep",
                f"nested more than {MAX_DEPTH} deep",
                self.head(event),
                help="move the inner part into a block",
            )

    def head(self, event: Any) -> Span:
        """The first character of an event whose end may be far away."""
        span = self.span(event)
        return span if span.line == span.end_line else span._replace(end_line=span.line, end_col=span.col + 1)

    def scalar(self, event: Any) -> Scalar:
        quoted = event.style in ("'", '"', "|", ">")
        span = self.span(event)
        self.visible(event, span)
        return Scalar(event.value if quoted else _core(event.value, span), event.value, quoted, span)

    @staticmethod
    def visible(event: Any, span: Span) -> None:
        r"""Refuses `"\x07"`: what may not stand in a file may not be written as an escape."""
        found = _CONTROL.search(event.value) if event.style == '"' else None
        if found:
            raise fault("bad-character", f"{_named(found[0])} is not allowed", span, help="remove the escape")

    def sequence(self, event: Any, depth: int, *, flow: bool) -> Sequence:
        items: list[Node] = []
        while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(item, depth, flow=flow))
        if flow:
            self.whole(items)
        return Sequence(tuple(items), self.extent(event, item, items))

    def mapping(self, event: Any, depth: int, *, flow: bool) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(item := next(self.events), yaml.MappingEndEvent):
            key = self.key(item, depth, entries)
            entries[key.text] = key, self.node(next(self.events), depth, flow=flow)
        parts = [part for entry in entries.values() for part in entry]
        if flow:
            self.whole(parts)
        return Mapping(tuple(entries.values()), self.extent(event, item, parts))

    def key(self, event: Any, depth: int, entries: dict[str, tuple[Scalar, Node]]) -> Scalar:
        self.refuse(event, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise fault(
                "bad-key", "a key is a word, not a list or a mapping", self.head(event), help="quote it if it is a text"
            )
        span, text = self.span(event), str(event.value)
        self.visible(event, span)
        if text == "<<" and not event.style:
            help = "write the keys out, or make them a block"
            raise fault("merge-key", "the merge key '<<' is not allowed", span, help=help)
        if text in entries:
            note = Note(f"'{text}' is first given here", entries[text][0].span)
            raise fault("duplicate-key", f"'{text}' is given twice", span, notes=(note,), help="keep one of the two")
        quoted = bool(event.style)
        if not text and not quoted:
            raise fault("bad-key", "there is no key before this ':'", span)
        return Scalar(text, text, quoted, span)

    def whole(self, parts: list[Node]) -> None:
        """Refuses `{out: max(8, c)}`, which YAML reads as `out: max(8` and an empty `c)`."""
        for number, part in enumerate(parts):
            if isinstance(part, Scalar) and not part.quoted and part.text.count("(") != part.text.count(")"):
                rest = [other.span for other in parts[number:] if isinstance(other, Scalar) and ")" in other.text]
                raise torn_value(part.span, rest[0] if rest else part.span)

    def extent(self, event: Any, end: Any, parts: list[Node]) -> Span:
        """The place of a collection; a block one ends with its last part, not where the next line starts."""
        if event.flow_style or not parts:
            return self.span(event, end)
        last = parts[-1].span
        return self.span(event)._replace(end_line=last.end_line, end_col=last.end_col)


# --- scalars of the YAML 1.2 core schema -------------------------------------------------------

_WORDS = {"": None, "~": None} | {
    form: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for form in (word, word.capitalize(), word.upper())
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _core(text: str, span: Span) -> str | int | float | bool | None:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise _number(text, span)
    if _DECIMAL.fullmatch(text) or _RADIX.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise _number(text, span)
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise _number(text, span)
        return value
    return text


def _number(text: str, span: Span) -> SpecError:
    shown = text if len(text) <= 24 else text[:21] + "..."
    return fault("bad-value", f"{shown} is not a finite number of a sensible size", span)
