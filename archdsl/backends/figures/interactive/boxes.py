"""The size and the words of a box while it is closed. The script draws it; the layout is made from these numbers."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.interactive.kinds import Text
from archdsl.backends.figures.interactive.parts import End, Part, Stack
from archdsl.backends.figures.labels import wrapped
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.wording import op_text
from archdsl.ir.graph import Tensor

Size: TypeAlias = "tuple[int, int]"  # width and height, in px at scale 1

ROW, TITLE, CAPTION = 20, 20, 15  # heights of a line: an op, a name in bold, a small one
SIDE, EDGE = 12, 6  # room beside the words, and above and below them
TOGGLE = 18  # room for the sign that a box opens
MEASURES = {"row": ROW, "title": TITLE, "caption": CAPTION, "edge": EDGE, "toggle": TOGGLE}
TEXT, SMALL = 12, 10.5  # font sizes
GRID = 8  # widths are multiples of it, so that more groups have the same plan
LEAST, WIDEST = 40, 48  # px, and characters of a line that cannot be broken
MOST_LINES = 8
SYMBOL = 26  # a join's circle

_NARROW, _WIDE = frozenset("iljtfr.,:;|!'()[] "), frozenset("mwMW@%—…")


@dataclass(frozen=True)
class Words:
    """What a closed group says."""

    title: str
    lines: tuple[str, ...]
    shape: str


def words(said: Text, exits: Sequence[Tensor], shapes: Shapes) -> Words:
    """A title and lines, broken where they are long, and the shapes that leave."""
    title, texts = said
    lines = [line for text in texts for line in wrapped(text)]
    shown = lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"]
    return Words(clipped(title), tuple(shown), shapes_text(exits, shapes))


def shapes_text(tensors: Sequence[Tensor], shapes: Shapes) -> str:
    """The shapes that leave, each once."""
    return ", ".join(dict.fromkeys(map(shapes.of, tensors[-3:])))


def clipped(text: str) -> str:
    clean = printable(text)
    return clean if len(clean) <= WIDEST else clean[: WIDEST - 1].rstrip() + "…"


def row_texts(stack: Stack, shapes: Shapes) -> list[str]:
    """What each row says."""
    texts = [op_text(node, stack.figure, shapes.fields.get(node.id)) for node in stack.nodes]
    return [clipped(text) or node.op.name for text, node in zip(texts, stack.nodes, strict=True)]


def caption(stack: Stack, shapes: Shapes) -> str:
    """The shape that leaves, where the box changed it."""
    leaves = shapes.of(stack.nodes[-1].outputs[0])
    return leaves if any(shapes.of(tensor) != leaves for tensor in stack.nodes[0].inputs) else ""


def is_symbol(stack: Stack, shapes: Shapes) -> bool:
    """Whether the box is a small circle: `+`."""
    return len(stack.nodes) == 1 and stack.nodes[0].op.role == "join" and len(row_texts(stack, shapes)[0]) <= 2


def closed_size(part: Part, said: Words | None, shapes: Shapes) -> Size:
    """The size of a part; `said`: the words of a group."""
    if isinstance(part, End):
        return fit([(part.name, TEXT, True), (shapes.of(part.tensor), SMALL, False)], TITLE + CAPTION)
    if isinstance(part, Stack):
        return stack_size(part, shapes)
    assert said is not None
    lines = [(said.title, TEXT, True), *((line, SMALL, False) for line in (*said.lines, said.shape))]
    heights = TITLE + CAPTION * (len(said.lines) + bool(said.shape)) + 2 * EDGE
    return fit(lines, heights, 2 * TOGGLE)


def stack_size(stack: Stack, shapes: Shapes) -> Size:
    if is_symbol(stack, shapes):
        return SYMBOL, SYMBOL
    below = caption(stack, shapes)
    lines = [(text, TEXT, False) for text in row_texts(stack, shapes)]
    return fit([*lines, (below, SMALL, False)], ROW * len(stack.nodes) + (CAPTION if below else 0))


def fit(lines: Sequence[tuple[str, float, bool]], height: int, more: int = 0) -> Size:
    widest = max(text_width(text, font, bold) for text, font, bold in lines)
    return max(LEAST, GRID * math.ceil((widest + 2 * SIDE + more) / GRID)), height


def text_width(text: str, font: float, bold: bool = False) -> float:
    """About the width in px in any of the usual sans-serif faces; the script narrows what is wider yet."""
    return font * (1.07 if bold else 1) * sum(map(letter_width, text))


def letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in ("W", "F"):
        return 1.05
    if letter in _NARROW:
        return 0.32
    if letter in _WIDE:
        return 0.88
    return 0.7 if letter.isupper() else 0.58
