"""The layout of a spec: indents, blanks, quotes and the places of comments are made even, and nothing else changes.

Where a line ends is the author's choice, and so are brackets or lines of their own. What is written is read again and
compared, so that no file comes to mean something else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from archdsl.diagnostics.spans import Source
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence, read
from archdsl.yaml.page import Page
from archdsl.yaml.written import Items, Leaf, Pairs, Written, written

INDENT = 2
HEADER = re.compile(r"([|>])([1-9]?)([+-]?)([1-9]?)[ \t]*(#.*)?")  # of a text in lines of its own


def formatted(source: Source) -> str:
    """The text of a spec, laid out; raises `SpecError` if it cannot be read."""
    before = read(source)
    ends = "\r\n" if "\r\n" in source.text else "\n"
    layout = Layout(source.text.replace("\r\n", "\n").replace("\r", "\n"))
    layout.document()
    after = layout.page.text().replace("\n", ends)
    if not same(before, read(Source(source.name, after))):  # also where assertions are off
        raise AssertionError(f"the layout of {source.name} would change its meaning")
    return after


def same(one: Node, other: Node) -> bool:
    """Whether two trees say the same; quotes are a part of what they say."""
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return (one.text, one.value, one.quoted) == (other.text, other.value, other.quoted)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one.items) == len(other.items) and all(map(same, one.items, other.items))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        values = zip(one.entries, other.entries, strict=False)
        return one.keys() == other.keys() and all(same(a, b) for (_, a), (_, b) in values)
    return False


@dataclass(frozen=True)
class Comment:
    """A comment on a line of its own."""

    column: int
    text: str
    apart: bool  # below a blank line
    hanging: bool  # goes on with the comment behind the line above


@dataclass
class Gap:
    """What stands between two parts of a text that mean something."""

    trailing: str = ""  # the comment behind the first of them
    comments: list[Comment] = field(default_factory=list)
    breaks: bool = False  # the second one begins a line
    apart: bool = False  # which stands below a blank line

    @property
    def bare(self) -> bool:
        return not self.trailing and not self.comments


class Layout:
    """Goes through the values of a text, and through what stands between them, and writes both anew."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.page = text, 0, Page()
        self.fresh = True  # at the start of a line
        self.around: list[int] = []  # the old columns of the block collections around this place
        self.ended: list[tuple[int, int]] = []  # of what ends here, the innermost first: the old column and the new one

    # --- the text between values
    def sees(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def take(self, mark: str) -> None:
        assert self.sees(mark), f"no {mark!r} at {self.at}"
        self.move(self.at + len(mark))

    def move(self, place: int, *, fresh: bool = False) -> None:
        """To behind something that has been written."""
        self.at, self.fresh = place, fresh
        self.ended.clear()

    def column(self, place: int) -> int:
        return place - self.text.rfind("\n", 0, place) - 1

    def line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return end if end >= 0 else len(self.text)

    def skip(self) -> Gap:
        """Goes on to what has a meaning; gives what stood before it."""
        gap, ends, hanging = Gap(breaks=self.fresh), int(self.fresh), -1
        while self.at < len(self.text) and self.text[self.at] in " \t\n#":
            if self.sees("#"):
                end, column = self.line_end(), self.column(self.at)
                text = self.text[self.at : end].rstrip()
                if not gap.breaks:
                    gap.trailing, hanging = text, column
                else:
                    hanging = hanging if ends == 1 and column == hanging else -1
                    gap.comments.append(Comment(column, text, ends > 1, hanging >= 0))
                self.at, ends = end, 0
                continue
            if self.sees("\n"):
                ends, gap.breaks = ends + 1, True
            self.at += 1
        self.fresh, gap.apart = False, ends > 1
        return gap

    def copy(self, column: int, *, opening: bool = False) -> Gap:
        """Writes the comments of a gap, those on lines of their own at a column.

        Below what opens a list or mapping there is no blank line.
        """
        gap = self.skip()
        if gap.trailing:
            self.page.remark(gap.trailing)
        for comment in gap.comments:
            if comment.apart and not opening:
                self.page.blank()
            if comment.hanging:
                self.page.start(0)
                self.page.remark(comment.text)
            else:
                self.page.start(self.home(comment.column, column), comment.text)
            opening = False
        gap.apart = gap.apart and not opening
        return gap

    def home(self, old: int, column: int) -> int:
        """Where a comment stands that stood at an old column: as far in as what ends above it, or as what follows."""
        while self.ended and old < self.ended[0][0]:
            self.ended.pop(0)
        return self.ended[0][1] if self.ended else column

    def next_line(self, gap: Gap, column: int) -> None:
        if gap.apart:
            self.page.blank()
        self.page.start(column)

    # --- the whole
    def document(self) -> None:
        root = written(self.text)
        gap = self.copy(0)
        while self.at < root.start:  # directives, and the mark of the start
            self.next_line(gap, 0)
            end = self.line_end() if self.sees("%") else self.at + len("---")
            self.page.put(self.text[self.at : end].rstrip())
            self.move(end)
            gap = self.copy(0)
        if isinstance(root, Leaf) or root.flow:
            self.next_line(gap, 0)
            self.inline(root, 0, INDENT)
        else:
            self.block(root, 0, gap)
        self.copy(0)
        if self.sees("..."):
            self.take("...")
            self.copy(0)

    # --- in lines of their own
    def block(self, node: Items | Pairs, column: int, gap: Gap | None = None, *, dashed: bool = False) -> None:
        """A collection whose parts begin at a column; behind a '-' the first one goes on in its line."""
        old = self.column(node.start)
        indented = not self.around or old > self.around[-1]
        self.around.append(old)
        for number, part in enumerate(node.parts):
            above = gap if gap and number == 0 else self.copy(column, opening=number == 0)
            if dashed and number == 0 and above.bare:
                self.page.put(" ")
            else:
                self.next_line(above, column)
            if isinstance(part, tuple):
                self.pair(*part, column)
            else:
                self.take("-")
                self.page.put("-")
                self.value(part, column + INDENT, dashed=True)
            if not self.ended:
                self.ended.append((old + INDENT, column + INDENT))  # a comment below it, further in, stays further in
        self.around.pop()
        self.ended.append((old if indented else old + 1, column))

    def pair(self, key: Leaf, value: Written, column: int) -> None:
        self.key(key)
        self.page.put(":")
        if self.sees(":"):
            self.take(":")
            self.value(value, column + INDENT)

    def value(self, value: Written, inner: int, *, dashed: bool = False) -> None:
        """What stands behind a '-' or a ':', with `inner` as the column of its own lines."""
        if isinstance(value, Leaf) and value.empty:
            return
        if not isinstance(value, Leaf) and not value.flow:
            self.block(value, inner, dashed=dashed)
            return
        gap = self.copy(inner, opening=True)
        breaks = gap.breaks and not (dashed and gap.bare)
        if breaks:
            self.page.start(inner)
        else:
            self.page.put(" ")
        self.inline(value, inner if dashed or breaks else inner - INDENT, inner)

    # --- within a line
    def inline(self, value: Written, column: int, inner: int) -> None:
        """A value in brackets that close at a column, or a scalar whose further lines begin at `inner`."""
        if isinstance(value, Leaf):
            self.scalar(value, inner)
        elif isinstance(value, Pairs) and not self.sees("{"):
            self.flow_pair(*value.parts[0], column)  # the one of [key: value]
        else:
            self.flow(value, column)

    def flow(self, node: Items | Pairs, base: int) -> None:
        """What is in brackets; its further lines begin where its first part does."""
        opening, closing = "[]" if isinstance(node, Items) else "{}"
        self.take(opening)
        self.page.put(opening)
        gap = self.copy(base + INDENT, opening=True)
        column = base + INDENT if gap.breaks else self.page.column
        for number, part in enumerate(node.parts):
            if gap.breaks:
                self.page.start(column)
            elif number:
                self.page.put(" ")
            if isinstance(part, tuple):
                self.flow_pair(*part, column)
            else:
                self.inline(part, column, column)
            gap = self.comma(column, last=number == len(node.parts) - 1)
        if gap.breaks and not (gap.bare and not node.parts):
            self.page.start(base)
        self.take(closing)
        self.page.put(closing)

    def comma(self, column: int, *, last: bool) -> Gap:
        """What parts two parts; behind the last one there is a comma only at the end of a line."""
        line, gap = self.page.lines[-1], self.copy(column)
        if self.sees(","):
            self.take(",")
            behind = self.copy(column)
            gap = Gap(gap.trailing or behind.trailing, gap.comments + behind.comments, gap.breaks or behind.breaks)
            if not last or gap.breaks:
                line.text += ","
        return gap

    def flow_pair(self, key: Leaf, value: Written, column: int) -> None:
        self.key(key)
        self.page.put(": ")
        if not self.sees(":"):
            return
        self.take(":")
        if isinstance(value, Leaf) and value.empty:
            return
        if not self.copy(column + INDENT).bare:
            self.page.start(column + INDENT)
        self.inline(value, column, column + INDENT)

    # --- scalars
    def key(self, key: Leaf) -> None:
        """A key, up to its ':'. Comments that only a key behind a '?' can have around it go to the end of its line."""
        gaps: list[Gap] = []
        if self.sees("?") and self.at < key.start:
            self.take("?")
            gaps.append(self.skip())
        raw = self.text[key.start : key.end]
        self.page.put(json.dumps(key.value, ensure_ascii=False) if "\n" in raw else requoted(raw))
        self.move(key.end, fresh=key.style in {"|", ">"})
        end, fresh = self.at, self.fresh
        gap = self.skip()
        if self.sees(":"):
            gaps.append(gap)
        else:
            self.at, self.fresh = end, fresh
        for gap in gaps:
            for text in filter(None, (gap.trailing, *(comment.text for comment in gap.comments))):
                self.page.remark(text)

    def scalar(self, leaf: Leaf, inner: int) -> None:
        if leaf.style in {"|", ">"}:
            self.lines(leaf, inner)
            return
        raw = self.text[leaf.start : leaf.end].split("\n")
        first, *others = [trimmed(line, leaf.style) for line in raw[:-1]] + raw[-1:]
        self.page.put(first if others else requoted(first))
        self.page.lines[-1].exact = bool(others)
        for line in others:
            text = line.lstrip(" \t")
            self.page.start(inner if text else 0, text, exact=True)
        self.move(leaf.end)

    def lines(self, leaf: Leaf, inner: int) -> None:
        """A text behind '|' or '>': its lines are moved as a whole."""
        end = self.line_end()
        header = HEADER.fullmatch(self.text[self.at : end])
        assert header is not None, f"no text in lines of its own at {self.at}"
        style, before, chomping, behind, comment = header.groups()
        old = int(before or behind or 0)
        kept, self.at = self.kept_lines(end + 1, old and old + (self.around[-1] if self.around else 0), chomping == "+")
        self.fresh = True
        self.ended.clear()
        given = str(INDENT) if next(filter(None, kept), "").startswith(" ") else ""
        self.page.put(style + given + (chomping if leaf.value.endswith("\n") or not kept else "-"))
        if comment:
            self.page.remark(comment.rstrip())
        for line in kept:
            self.page.start(inner if line else 0, line, exact=True)

    def kept_lines(self, start: int, indent: int, all_blank: bool) -> tuple[list[str], int]:
        """The lines of a text from `start` on, without their indent (0: that of the first one), and where it ends."""
        found: list[str] = []
        end, place = start, start
        for line in self.text[start:].split("\n")[: self.text.count("\n", start) + (self.text[-1] != "\n")]:
            place = min(place + len(line) + 1, len(self.text))
            blanks = len(line) - len(line.lstrip(" "))
            if line.strip(" ") and not indent:
                indent = max(blanks, (self.around[-1] if self.around else 0) + 1)
            if line.strip(" ") and blanks < indent:
                break
            found.append(line[indent:] if indent else "")
            if found[-1] or all_blank:
                end = place
        while found and not found[-1] and not all_blank:
            found.pop()
        return found, end


def trimmed(line: str, style: str | None) -> str:
    """A line of a scalar that goes on in the next one; only blanks that are escaped are a part of it."""
    found = line.rstrip(" \t")
    slashes = len(found) - len(found.rstrip("\\"))
    return line[: len(found) + 1] if style == '"' and slashes % 2 and found != line else found


def requoted(raw: str) -> str:
    """A scalar on one line: in double quotes where single ones would say the same."""
    if raw[:1] != "'" or '"' in raw or "\\" in raw:
        return raw
    return f'"{raw[1:-1].replace(chr(39) * 2, chr(39))}"'
