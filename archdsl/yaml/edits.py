"""Values put into a YAML text where they belong; all that is not changed stays as it is written, comments too."""

from __future__ import annotations

import json
from collections.abc import Mapping as Values
from collections.abc import Sequence as Several
from typing import TypeAlias

from archdsl.diagnostics.spans import Source, Span
from archdsl.yaml.located import Mapping, Scalar, read

Edit: TypeAlias = "tuple[int, int, str]"  # from where to where in the text, and what stands there then
INDENT = "  "


def with_numbers(text: str, section: str, numbers: Values[str, Values[str, int | str]]) -> str:
    """The text with these values under `section:`, by key and by word: `expect: {small: {params: 122}}`.

    A value that is there is replaced, others are added at the end of what they belong to.
    """
    tree = read(Source("<text>", text))
    under = tree.get(section) if isinstance(tree, Mapping) else None
    if not isinstance(under, Mapping) or not under.entries:
        rows = "".join(f"{INDENT}{key_text(key)}: {flow(values)}\n" for key, values in numbers.items())
        return f"{text.rstrip()}\n\n{section}:\n{rows}" if under is None else replaced(text, under.span, f"\n{rows}")
    edits: list[Edit] = []
    new = {}
    for key, values in numbers.items():
        value = under.get(key)
        if isinstance(value, Mapping) and value.entries:
            edits += in_mapping(text, value, {word: str(number) for word, number in values.items()})
        elif value is not None:
            edits.append((*extent(text, value.span), flow(values)))
        else:
            new[key_text(key)] = flow(values)
    return edited(text, [*edits, *in_mapping(text, under, new)])


def in_mapping(text: str, mapping: Mapping, values: Values[str, str]) -> list[Edit]:
    """The edits that give a mapping these values, each as text."""
    edits: list[Edit] = []
    new = []
    for word, value in values.items():
        old = mapping.get(word)
        if old is None:
            new.append(f"{word}: {value}")
        else:
            edits.append((*extent(text, old.span), value))
    if new:
        edits.append(added(text, mapping, new))
    return edits


def added(text: str, mapping: Mapping, entries: Several[str]) -> Edit:
    """Entries at the end of a mapping, on its line or, in a block, on lines of their own."""
    key, last = mapping.entries[-1]
    start, _ = extent(text, mapping.span)
    _, end = extent(text, last.span)
    if text[start] == "{":
        return end, end, "".join(f", {entry}" for entry in entries)
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    pad = " " * (key.span.col - 1)
    return line, line, "".join(f"\n{pad}{entry}" for entry in entries)


def extent(text: str, span: Span) -> tuple[int, int]:
    """A span as places in the text."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts[span.line - 1] + span.col - 1, starts[span.end_line - 1] + span.end_col - 1


def replaced(text: str, span: Span, value: str) -> str:
    return edited(text, [(*extent(text, span), value)])


def edited(text: str, edits: Several[Edit]) -> str:
    """The text after edits; of several at one place the first comes to stand first."""
    for _, (start, end, value) in sorted(enumerate(edits), key=lambda item: (item[1][0], item[0]), reverse=True):
        text = text[:start] + value + text[end:]
    return text


def key_text(key: str) -> str:
    """A key as it is written: what would be a number is quoted."""
    plain = read(Source("<key>", f"a: {key}"))
    value = plain.get("a") if isinstance(plain, Mapping) else None
    return key if isinstance(value, Scalar) and value.value == key else json.dumps(key)


def flow(values: Values[str, int | str]) -> str:
    return "{" + ", ".join(f"{word}: {value}" for word, value in values.items()) + "}"


__all__ = ["with_numbers"]
