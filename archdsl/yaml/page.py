"""Lines that are being written, with comments behind them that stand level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLUMN, APART = 49, 2  # where comments stand behind short lines; how far behind longer ones


@dataclass
class Line:
    """A line, and the comment behind it; that alone continues the one of the line above."""

    text: str
    comment: str = ""
    exact: bool = False  # blanks at its end mean something

    @property
    def empty(self) -> bool:
        return not self.text and not self.comment


class Page:
    """What is written so far; text goes to the end of the last line."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    @property
    def column(self) -> int:
        """Where the next text will stand."""
        return len(self.lines[-1].text)

    def put(self, text: str) -> None:
        self.lines[-1].text += text

    def start(self, column: int, text: str = "", *, exact: bool = False) -> None:
        """A new line."""
        self.lines.append(Line(" " * column + text, exact=exact))

    def blank(self) -> None:
        """A blank line: never the first one, never two."""
        if self.lines and not self.lines[-1].empty:
            self.lines.append(Line(""))

    def remark(self, comment: str) -> None:
        """A comment behind the last line."""
        line = self.lines[-1]
        line.comment = f"{line.comment} {comment}" if line.comment else comment

    def text(self) -> str:
        """All of it, with one line end at the end."""
        for line in self.lines:
            if not line.exact:
                line.text = line.text.rstrip(" ")
        shown: list[str] = []
        for run in runs(self.lines):
            beside = APART + max(len(line.text) for line in run)
            for line in run:
                column = COLUMN if len(line.text) <= COLUMN - APART else beside
                shown.append(f"{line.text:{column}}{line.comment}" if line.comment else line.text)
        return "\n".join(shown) + "\n"


def runs(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines; those are together that follow one another with a comment behind each."""
    found: list[list[Line]] = []
    commented = False
    for line in lines:
        if commented and line.comment:
            found[-1].append(line)
        else:
            found.append([line])
        commented = bool(line.comment)
    return found
