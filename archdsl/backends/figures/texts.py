"""Words of a figure: lines of one size and colour each, whatever draws them."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.backends.figures.measure import height, width
from archdsl.backends.figures.style import INK, SMALL


@dataclass(frozen=True)
class Line:
    words: str
    size: int = SMALL
    colour: str = INK  # one of `style`
    bold: bool = False

    @property
    def width(self) -> float:
        return width(self.words, self.size, bold=self.bold)

    @property
    def height(self) -> float:
        return height(self.size, bold=self.bold)


@dataclass(frozen=True)
class Text:
    """Lines one below the other."""

    lines: tuple[Line, ...] = ()

    @property
    def width(self) -> float:
        return max((line.width for line in self.lines), default=0)

    @property
    def height(self) -> float:
        return sum(line.height for line in self.lines)

    @property
    def words(self) -> str:
        return " ".join(line.words for line in self.lines)

    def __add__(self, other: Text) -> Text:
        return Text(self.lines + other.lines)
