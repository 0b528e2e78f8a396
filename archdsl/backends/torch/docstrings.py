"""The docstrings of emitted classes: one line, and more below it where a text has more."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from archdsl.ir.graph import Graph, Tensor
from archdsl.ops.base import times

WIDTH = 88
INDENT = 4
QUOTES = '"""'
ROOM = WIDTH - INDENT - 2 * len(QUOTES)  # between the quotes of a docstring of one line
ONE_PLACE = r"(Figure|Table|Section|Algorithm|Equation) [\w.]+( \(\w\))?"
PLACE = re.compile(rf"{ONE_PLACE}(, {ONE_PLACE})*(?P<side>, (left|right|middle))?", re.ASCII)  # and nothing else
WORD = re.compile(r"(a|[a-z]{2,}(-[a-z]+)*)[,;:]?", re.ASCII)  # not the letter of a number, nor a name with capitals
END = re.compile(r"(?<=[^\s.])[.;:](?=\s)")  # where a text may be parted


def plain(text: str) -> str:
    """Text that may stand in a docstring: on one line, nothing in it ends it."""
    text = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    return text.replace('"', "'") if '"' in (text[:1], text[-1:]) else text


def sentence(text: str) -> str:
    """A text as a sentence: a capital in front, a full stop behind."""
    place = PLACE.fullmatch(text)
    text = f"{text}{',' if place['side'] else ''} of the paper" if place else text
    first = text.split(" ", 1)[0]
    if WORD.fullmatch(first):
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def class_lines(text: str, shapes: str = "") -> list[str]:
    """The docstring of a class as its lines; empty if there is nothing to say."""
    text = plain(sentence(" ".join(text.split())))
    first, *rest = parted(text or shapes)
    below = [line for part in (*rest, *([shapes] if text and shapes else [])) for line in ("", *wrapped(part))]
    if not first:
        return []
    closing = 0 if below else len(QUOTES)  # what is one line with them stands on one
    lines = wrapped(QUOTES + first, closing)
    return [lines[0] + QUOTES] if len(lines) == 1 and not below else [*lines, *below, QUOTES]


def wrapped(text: str, less: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDTH - INDENT - less, break_long_words=False, break_on_hyphens=False)


def parted(text: str) -> list[str]:
    """A text as its first sentence and what is left of it, if it is too long for a line; whole if it has but one."""
    if len(text) > ROOM:
        ends = [found.start() for found in END.finditer(text) if found.start() < ROOM]
        if ends:
            return [f"{text[: ends[-1]]}.", sentence(text[ends[-1] + 1 :].strip())]
    return [text]


def shapes_of(graph: Graph) -> str:
    """The shapes that a network takes and gives: `N×3×224×224 in, N×1000 out.`."""
    more = f"; in training {listed(graph.training, named=True)} too" if graph.training else ""
    return f"{listed(graph.inputs)} in, {listed(graph.outputs)} out{more}."


def listed(tensors: Mapping[str, Tensor], *, named: bool = False) -> str:
    """The shapes of tensors, with their names where they are several."""
    shapes = {name: f"N×{times(tensor.shape)}" for name, tensor in tensors.items()}
    if len(shapes) == 1 and not named:
        return next(iter(shapes.values()))
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
