"""What is in the stages of a network in the words of its stage table: operators with their values, `MBConv, k5, SE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from archdsl.analysis.lines import spelled
from archdsl.analysis.stage_table import activation, stage_table
from archdsl.analysis.stage_table.rows import Heading, Line
from archdsl.ir.graph import Graph
from archdsl.support.naming import spaced


class Operator(NamedTuple):
    """An operator, how often it comes one after another, and what stands in columns, by their words."""

    name: str
    repeats: int
    values: Mapping[str, str]


def operators(*graphs: Graph) -> list[dict[str, list[Operator]]]:
    """What each stage or row of the networks does, by its path; what one has a column for is told of all."""
    tables = [*map(stage_table, graphs)]
    own = [column for table in tables for column in table.columns if not column.standard and not column.hidden]
    columns = [*{column.word: column for column in own}.values()]
    return [
        {
            stage: [Operator(line.main, line.repeats, values(line, columns)) for line in lines if line.main]
            for stage, lines in groupby(table.lines, lambda line: line.stage)
        }
        for table in tables
    ]


def in_words(found: Sequence[Operator]) -> str:
    """`InvertedResidual ×3, t6`; of several `TwoWayDenseLayer ×3 (bottleneck 1); 1×1 Conv`."""
    texts = [(spelled([(one.name, one.repeats)]), ", ".join(one.values.values())) for one in found]
    if len(texts) == 1:
        return ", ".join(filter(None, texts[0]))
    return spelled([(f"{text} ({said})" if said else text, 1) for text, said in texts])


def values(line: Line, columns: Sequence[Heading]) -> dict[str, str]:
    """What stands in columns, of what is not called by its size anyway (`3×3 Conv`)."""
    shown = columns if "×" not in line.main else ()
    return {column.word: said for column in shown if (said := worded(column.text, line.value(column)))}


def worded(name: str, value: Any) -> str:
    """`k5`, `exp 72`, `g=4`; a truth is its name, a word is itself, and of what is false or 0 there is none."""
    if not value:
        return ""
    if value is True:
        return name
    if isinstance(value, str):
        words = spaced(value)
        return activation(value) or (words if words.replace(" ", "").isalpha() else value)  # `k3_e6` is a paper's name
    close = len(name) == 1 or not name[-1].isalnum()
    return f"{name}{'' if close else ' '}{number_text(value)}"


def number_text(value: Any) -> str:
    """A number, or several: `3×5`."""
    if isinstance(value, (list, tuple)):
        return "×".join(map(number_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
