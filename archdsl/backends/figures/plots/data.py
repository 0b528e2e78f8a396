"""What a plot shows, as plain data: points, bars and curves, and the table of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from archdsl.support.tables import Column, Table


@dataclass(frozen=True)
class Axis:
    """What an axis counts, and what its numbers are divided by: `MACs (M)` are millions."""

    name: str
    unit: str = ""
    factor: float = 1

    @property
    def title(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def text(self, number: float) -> str:
        """`300.8 M`."""
        return f"{number / self.factor:,.4g} {self.unit}".rstrip()

    def texts(self, numbers: Sequence[float]) -> list[str]:
        """The numbers of a column, with equal decimals: as many as one of them needs for four figures, two at most."""
        shown = [number / self.factor for number in numbers]
        decimals = max((len(f"{number:.4g}".partition(".")[2]) for number in shown), default=0)
        return [f"{number:,.{min(2, decimals)}f} {self.unit}".rstrip() for number in shown]


@dataclass(frozen=True)
class Mark:
    """A place in a plot, and what it is called."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Series:
    """The networks of one family in a scatter plot."""

    name: str
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Scatter:
    """Networks as points. What is up is better, and so is what is left: the best ones are joined by a line."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    notes: Sequence[str] = ()

    def table(self) -> Table:
        """A row for each point."""
        columns = [
            Column("Network"),
            Column("Variant"),
            Column(self.x.name, right=True),
            Column(self.y.name, right=True),
        ]
        names = [[series.name, mark.name] for series in self.series for mark in series.marks]
        marks = [mark for series in self.series for mark in series.marks]
        numbers = zip(self.x.texts([mark.x for mark in marks]), self.y.texts([mark.y for mark in marks]), strict=True)
        rows = [[*name, *texts] for name, texts in zip(names, numbers, strict=True)]
        return Table(self.title, columns, rows, notes=self.notes)


@dataclass(frozen=True)
class Curve:
    """What grows along a network; `ends` are where its stages end."""

    name: str
    places: Sequence[tuple[float, float]]
    ends: Sequence[Mark]


@dataclass(frozen=True)
class Curves:
    """A curve for each network, and levels that they are held against, each by its name."""

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    levels: Sequence[tuple[str, float]] = ()

    def table(self) -> Table:
        """A row for each stage."""
        columns = [Column("Network"), Column("Stage"), Column(self.x.name, right=True), Column(self.y.name, right=True)]
        rows = [[curve.name, end.name, f"{end.x:,g}", f"{end.y:,g}"] for curve in self.curves for end in curve.ends]
        return Table(self.title, columns, rows)


@dataclass(frozen=True)
class Group:
    """The stages of a network, each with its numbers in the order of the axes.

    `words` are longer names of the rows, which say what those without names do.
    """

    name: str
    rows: Sequence[tuple[str, Sequence[int]]]
    words: Sequence[str]


@dataclass(frozen=True)
class Bars:
    """Bars for each stage, beside each other for each axis."""

    title: str
    axes: Sequence[Axis]
    groups: Sequence[Group]

    def table(self) -> Table:
        """A row for each stage, in exact numbers."""
        columns = [Column("Network"), Column("Stage"), *(Column(axis.name, right=True) for axis in self.axes)]
        rows = [
            [group.name, stage, *(f"{number:,}" for number in numbers)]
            for group in self.groups
            for stage, (_, numbers) in zip(group.words, group.rows, strict=True)
        ]
        return Table(self.title, columns, rows)


Data: TypeAlias = "Scatter | Curves | Bars"


def front(marks: Sequence[Mark]) -> list[Mark]:
    """The marks that no other one beats: none is as far left and higher, or as high and further left."""
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.x, -mark.y)):
        if not found or mark.y > found[-1].y:
            found.append(mark)
    return found
