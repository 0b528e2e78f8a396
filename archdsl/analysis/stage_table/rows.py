"""The lines and columns of a stage table, and the shorter table of a paper, in which what is repeated stands once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from archdsl.analysis.lines import spelled
from archdsl.analysis.work import Work, total
from archdsl.ops.base import Shape

CHANNELS, REPEATS, STRIDE = "c", "n", "s"
SPELLED = {CHANNELS: "channels", REPEATS: "repeats", STRIDE: "stride"}  # where a spec means another thing by the letter
ACRONYMS = frozenset(("se", "nl"))  # words of a spec that papers print in capitals
VERBS = ("use", "with", "has", "is")  # that names of truths begin with, and papers do not say
LONGEST = 4  # lines that one line of a paper stands for where they take turns


def printed(word: str) -> str:
    """The word of a column as papers print it."""
    return word.upper() if word in ACRONYMS else word


def spoken(name: str) -> str:
    """The name of a param as papers say it: `reduction ratio`, and `SE` of `se` and `use_se`."""
    verb, _, rest = name.partition("_")
    return " ".join(map(printed, (rest if rest and verb in VERBS else name).split("_")))


@dataclass(frozen=True)
class Heading:
    """A column of the table: `c`, `n` or `s`, which every network may have, or one of its own (no `standard`)."""

    word: str
    standard: str = ""
    label: str = field(default="", compare=False)  # what the spec calls it in figures
    hidden: bool = field(default=False, compare=False)  # by `figure: hide`: of the data alone

    @property
    def text(self) -> str:
        """As papers print it."""
        return self.label or printed(self.word)


@dataclass(frozen=True)
class Line:
    """Units of one kind, one after another."""

    stage: str  # the path of the stage or of the row
    place: str  # the words for it: the name of the row if it has one, else that of its stage
    operator: str  # with the norm and the activation that belong to it
    main: str  # without them
    input: Shape
    output: Shape
    channels: int | None  # of the output, or its features where its axes are tokens × features
    repeats: int
    stride: tuple[float, ...] | None  # None where there is no feature map any more
    values: Mapping[str, Any]  # by the words of the columns; absent: it has no such argument
    work: Work
    latency_ms: float | None = None  # by a latency table, if there is one

    @property
    def said(self) -> tuple[Any, ...]:
        """What the line says, and what each unit costs: it is alike in a line that says the same again."""
        one = self.work.params / self.repeats, self.work.macs / self.repeats
        return self.place, self.main, self.input, self.output, self.stride, self.values, one

    def value(self, column: Heading) -> Any:
        """What stands in a column; None where it does not apply."""
        standard = {CHANNELS: self.channels, REPEATS: self.repeats, STRIDE: self.stride}
        return standard[column.standard] if column.standard else self.values.get(column.word)


@dataclass(frozen=True)
class StageTable:
    """The lines, and the columns between operator and counts: those of the standard that differ, and its own."""

    columns: tuple[Heading, ...]
    lines: tuple[Line, ...]

    def condensed(self) -> StageTable:
        """The table with what one stage repeats as one line, whose repeats are counted.

        These are equal neighbours (`3×3 Conv`), and lines that take turns (`RepMixer; ConvFFN`).
        """
        lines: list[Line] = []
        for line in self.lines:
            if lines and lines[-1].said == line.said:
                lines[-1] = joined([lines[-1], line], lines[-1].repeats + line.repeats)
            else:
                lines.append(line)
        lines = list(turned(lines, self.columns))
        has = any(column.standard == REPEATS for column in self.columns)
        if has or len(lines) == len(self.lines):
            return StageTable(self.columns, tuple(lines))
        taken = any(column.word == REPEATS for column in self.columns)
        repeats = Heading(SPELLED[REPEATS] if taken else REPEATS, REPEATS)
        return StageTable((*self.columns, repeats), tuple(lines))


def turned(lines: Sequence[Line], columns: Sequence[Heading]) -> Iterator[Line]:
    """The lines, those that take turns as one."""
    start = 0
    while start < len(lines):
        ways = [(length, turns(lines[start:], length, columns)) for length in range(2, LONGEST + 1)]
        length, times = max(ways, key=lambda way: (way[1] > 1, way[0] * way[1]))
        run = lines[start : start + length * times] if times > 1 else lines[start : start + 1]
        yield in_turns(run, times) if times > 1 else run[0]
        start += len(run)


def turns(lines: Sequence[Line], length: int, columns: Sequence[Heading]) -> int:
    """How often the first lines come one after another; 1 where they differ in a column, so no line can be for all."""
    first = [line.said for line in lines[:length]]
    told = {repr([line.place, *(line.value(column) for column in columns)]) for line in lines[:length]}
    if len(told) > 1 or any(line.repeats > 1 for line in lines[:length]):
        return 1
    times = 1
    while [line.said for line in lines[times * length : (times + 1) * length]] == first:
        times += 1
    return times


def in_turns(run: Sequence[Line], times: int) -> Line:
    """The line of several that take turns so many times: `RepMixer; ConvFFN`."""
    texts = [line.main for line in run[: len(run) // times]]
    text = spelled([(text, len(list(equal))) for text, equal in groupby(texts)])
    return replace(joined(run, times), main=text, operator=text, output=run[-1].output)


def joined(lines: Sequence[Line], repeats: int) -> Line:
    """The first of the lines with the costs of all of them."""
    return replace(
        lines[0],
        repeats=repeats,
        work=total(line.work for line in lines),
        latency_ms=summed(line.latency_ms for line in lines),
    )


def summed(times: Iterable[float | None]) -> float | None:
    """The sum of times that are all known, or all not."""
    known = [time for time in times if time is not None]
    return sum(known) if known else None
