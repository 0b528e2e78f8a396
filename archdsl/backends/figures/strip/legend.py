"""The legend below a strip: patches of colour with their meaning, in rows as wide as the strip."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backends.figures.strip.plan import Key, Rect, text
from archdsl.backends.figures.texts import Text

PATCH = (16.0, 10.0)
NEAR = 5.0  # from a patch to its words
APART = 14.0  # from one entry to the next
LEAD = 3.0  # between rows
BELOW = 10.0  # the strip


def rows(words: Mapping[str, str], wide: float) -> list[list[tuple[str, Text]]]:
    """The entries in rows that are not wider than allowed, where one is not too wide by itself."""
    found: list[list[tuple[str, Text]]] = []
    for colour, word in words.items():
        entry = (colour, text(word, float("inf")))
        if found and length([*found[-1], entry]) <= wide:
            found[-1].append(entry)
        else:
            found.append([entry])
    return found


def length(row: list[tuple[str, Text]]) -> float:
    return sum(PATCH[0] + NEAR + words.width for _, words in row) + APART * (len(row) - 1)


def height(words: Mapping[str, str], wide: float) -> float:
    """What a legend takes below a strip."""
    made = rows(words, wide)
    return BELOW + sum(tall(row) for row in made) + LEAD * (len(made) - 1) if made else 0


def tall(row: list[tuple[str, Text]]) -> float:
    return max(words.height for _, words in row)


def placed(words: Mapping[str, str], strip: Rect, wide: float) -> list[Key]:
    """The entries below a strip, in its middle."""
    found: list[Key] = []
    top = strip.low - BELOW
    for row in rows(words, wide):
        left, high = strip.centre[0] - length(row) / 2, tall(row)
        for colour, said in row:
            middle = top - high / 2
            patch = Rect(left, middle - PATCH[1] / 2, left + PATCH[0], middle + PATCH[1] / 2)
            start = patch.right + NEAR
            found.append(Key(colour, patch, said, Rect(start, top - high, start + said.width, top)))
            left = start + said.width + APART
        top -= high + LEAD
    return found
