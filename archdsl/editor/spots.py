"""Where a cursor stands in a YAML text that may be broken: the keys and lists around it, told line by line.

A parser gives up at the first fault, and a text that is being written has one; so this reads no more than structure:
indents, dashes, keys, brackets. What stands behind the cursor is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Where: TypeAlias = Literal["key", "value", "item"]

_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#\[\]{},"'&*!|>%@`-][^\s#:]*(?:[ :]+[^\s#:]+)*?)\s*:(?=\s|$)"""
)
_COMMENT = re.compile(r"(?:^|\s)#")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(#.*)?$")


@dataclass
class Level:
    """A mapping or a list around the cursor."""

    is_list: bool
    column: int | None = None  # of its keys or dashes, if it is written in lines
    key: str = ""  # of the value in which the cursor stands; nothing where a key is being written
    index: int = 0  # of the item, in a list
    entries: dict[str, str] = field(default_factory=dict)  # the keys before it, with the text of their values
    is_pair: bool = False  # `conv: 8` in brackets, a mapping without braces


@dataclass
class Spot:
    """The place of a cursor: what is around it, from the outside in, and the word before it."""

    levels: list[Level]
    where: Where
    word: str
    fresh: bool  # whether a value begins on a line of its own, where a mapping may too

    @property
    def path(self) -> list[str]:
        """The keys that lead there."""
        return [level.key for level in self.levels if not level.is_list and level.key]


def spot(text: str, line: int, column: int) -> Spot | None:
    """The place at a line and column, from 0; None in a comment or a text of several lines."""
    return _Scanner(text, line, column).run()


class _Scanner:
    def __init__(self, text: str, line: int, column: int) -> None:
        lines = text.split("\n")[: line + 1]
        lines[-1] = lines[-1][:column]
        self.lines = [part.rstrip("\r") for part in lines]
        self.levels: list[Level] = []
        self.token = ""  # what was written since the last separator
        self.quote = ""  # that is open
        self.text_indent: int | None = None  # of a text in lines (`|`, `>`), that of its key
        self.raw: list[tuple[Level, str]] = []  # values in brackets whose text is being noted

    def run(self) -> Spot | None:
        for line in self.lines[:-1]:
            self.line(line)
        return self.last(self.lines[-1])

    @property
    def flow(self) -> bool:
        return bool(self.levels) and self.levels[-1].column is None

    # --- lines
    def line(self, line: str) -> None:
        if self.flow:
            self.brackets(line + "\n")
            return
        if not line.strip() or line.lstrip().startswith("#") or self.in_text(line):
            return
        self.structure(line)

    def last(self, line: str) -> Spot | None:
        """The line of the cursor, as far as the cursor."""
        if not self.flow and line.strip() and (line.lstrip().startswith("#") or self.in_text(line)):
            return None
        if self.flow:
            inside = self.brackets(line)
            return self.in_brackets() if inside else None
        if not line.strip():
            self.close(len(line), dash=False)
            return self.beginning(len(line), "")
        return self.structure(line)

    def in_text(self, line: str) -> bool:
        if self.text_indent is None:
            return False
        if len(line) - len(line.lstrip()) > self.text_indent:
            return True
        self.text_indent = None
        return False

    def close(self, indent: int, *, dash: bool) -> None:
        """Leaves what a line with this indent no longer belongs to."""
        while self.levels and self.levels[-1].column is not None:
            top = self.levels[-1]
            assert top.column is not None
            if top.column < indent or (top.column == indent and (dash or not top.is_list)):
                break
            self.levels.pop()

    def structure(self, line: str) -> Spot | None:
        """Dashes, a key, a value; gives the place at the end of it."""
        at = len(line) - len(line.lstrip())
        self.close(at, dash=line.startswith("-", at))
        while line.startswith("-", at) and line[at + 1 : at + 2] in ("", " "):
            self.dash(at)
            at += 1
            at += len(line[at:]) - len(line[at:].lstrip())
        found = _KEY.match(line, at)
        if not found:
            return self.value(line[at:], at)
        key = _bare(found["key"])
        top = self.levels[-1] if self.levels else None
        if top is None or top.is_list or top.column != at:
            top = Level(is_list=False, column=at)
            self.levels.append(top)
        top.key = key
        rest = line[found.end() :]
        top.entries[key] = _COMMENT.split(rest, maxsplit=1)[0].strip()
        if _BLOCK.match(rest.strip()):
            self.text_indent = at
            return None
        return self.value(rest.lstrip(), None, spaced=rest[:1] == " ")

    def dash(self, at: int) -> None:
        top = self.levels[-1] if self.levels else None
        if top is not None and top.is_list and top.column == at:
            top.index += 1
        else:
            self.levels.append(Level(is_list=True, column=at))

    def value(self, rest: str, at: int | None, *, spaced: bool = True) -> Spot | None:
        """A value behind a key (`at` is None) or on its own."""
        if rest[:1] in ("[", "{"):
            inside = self.brackets(rest)
            return self.in_brackets() if self.flow and inside else None
        if _COMMENT.search(rest):
            return None
        if at is not None:
            return self.beginning(at, rest)
        return Spot(self.levels, "value", rest, fresh=False) if spaced else None

    def beginning(self, at: int, word: str) -> Spot:
        """What begins at a column: an item, a key beside others, or the value of the key above."""
        top = self.levels[-1] if self.levels else None
        if top is None or (not top.is_list and top.column == at):
            if top is None:
                self.levels.append(Level(is_list=False, column=at))
            self.levels[-1].key = ""
            return Spot(self.levels, "key", word, fresh=True)
        return Spot(self.levels, "item" if top.is_list else "value", word, fresh=True)

    # --- brackets
    def brackets(self, text: str) -> bool:
        """Reads on inside of brackets; whether its end is no comment."""
        before = ""
        for number, letter in enumerate(text):
            self.raw = [(level, raw + letter) for level, raw in self.raw]
            if self.quote:
                self.token += letter
                self.quote = "" if letter == self.quote else self.quote
            elif letter in "\"'" and not self.token.strip():
                self.token, self.quote = self.token + letter, letter
            elif letter == "#" and before in ("", " ", "\n"):
                return text.endswith("\n")
            else:
                self.letter(letter, text[number + 1 : number + 2])
            if not self.levels or (not self.flow and not self.raw and letter in "]}"):
                return True  # what follows is behind the brackets
            before = letter
        return True

    def letter(self, letter: str, following: str) -> None:
        top = self.levels[-1] if self.levels else None
        if letter in "[{":
            self.levels.append(Level(is_list=letter == "["))
            self.token = ""
        elif letter in "]}":
            self.ends_entry()
            if self.flow:
                self.levels.pop()
            self.token = ""
        elif letter == ",":
            self.ends_entry()
            if self.flow and self.levels[-1].is_list:
                self.levels[-1].index += 1
        elif (
            letter == ":" and following in ("", " ", "\n", "[", "{", "]", "}", ",") and top is not None and not top.key
        ):
            if top.is_list:
                top = Level(is_list=False, is_pair=True)
                self.levels.append(top)
            top.key = _bare(self.token.strip())
            top.entries[top.key] = ""
            self.raw.append((top, ""))
            self.token = ""
        else:
            self.token += letter

    def ends_entry(self) -> None:
        top = self.levels[-1] if self.levels else None
        if top is not None and self.flow and not top.is_list:
            for level, raw in self.raw:
                if level is top:
                    top.entries[top.key] = raw[:-1].strip()
            self.raw = [entry for entry in self.raw if entry[0] is not top]
            top.key = ""
            if top.is_pair:
                self.levels.pop()
        self.token = ""

    def in_brackets(self) -> Spot | None:
        if self.quote:
            return None
        top = self.levels[-1]
        where: Where = "item" if top.is_list else "value" if top.key else "key"
        return Spot(self.levels, where, self.token.lstrip(), fresh=False)


def _bare(key: str) -> str:
    return key[1:-1] if key[:1] in ("'", '"') and key[-1:] == key[:1] and len(key) > 1 else key
