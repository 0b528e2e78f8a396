"""YAML as it is written: where each value stands in the text, and whether in brackets or in lines of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml


@dataclass(frozen=True)
class Leaf:
    """A scalar; its text lies between two places. One of `style` ``|`` or ``>`` has lines of its own."""

    start: int
    end: int
    style: str | None
    value: str

    @property
    def empty(self) -> bool:
        return self.start == self.end


@dataclass(frozen=True)
class Items:
    """A list; one in brackets is `flow`."""

    start: int
    flow: bool
    parts: tuple[Written, ...]


@dataclass(frozen=True)
class Pairs:
    """A mapping; one in braces is `flow`, and so is the one of `[key: value]`."""

    start: int
    flow: bool
    parts: tuple[tuple[Leaf, Written], ...]


Written: TypeAlias = Leaf | Items | Pairs


def written(text: str) -> Written:
    """The value that a text holds; the text is one that the reader takes."""
    events: Iterator[Any] = iter(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    next(events)  # the stream's start
    next(events)  # the document's
    return node(next(events), events)


def node(event: Any, events: Iterator[Any]) -> Written:
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Written] = []
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            items.append(node(inner, events))
        return Items(place(event), bool(event.flow_style), tuple(items))
    if isinstance(event, yaml.MappingStartEvent):
        pairs: list[tuple[Leaf, Written]] = []
        while not isinstance(inner := next(events), yaml.MappingEndEvent):
            pairs.append((leaf(inner), node(next(events), events)))
        return Pairs(place(event), bool(event.flow_style), tuple(pairs))
    return leaf(event)


def place(event: Any) -> int:
    """Where it starts in the text."""
    return int(event.start_mark.index)


def leaf(event: Any) -> Leaf:
    return Leaf(event.start_mark.index, event.end_mark.index, event.style or None, event.value)


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Where comments begin, and their text; `text` is one that the reader takes."""
    place = 0
    for leaf in (*leaves(written(text)), Leaf(len(text), len(text), None, "")):
        while (start := text.find("#", place, leaf.start)) >= 0:
            end = text.find("\n", start)
            place = end if end >= 0 else len(text)
            yield start, text[start:place].rstrip()
        place = max(place, leaf.end)


def leaves(found: Written) -> Iterator[Leaf]:
    """The scalars of a value, in the order of the text."""
    if isinstance(found, Leaf):
        yield found
        return
    for part in found.parts:
        if isinstance(part, tuple):
            yield part[0]
            yield from leaves(part[1])
        else:
            yield from leaves(part)
