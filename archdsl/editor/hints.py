"""Shapes beside the text: what leaves the last step of each line, and each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.editor.analysis import Analysis
from archdsl.editor.hover import shape_of
from archdsl.editor.project import File
from archdsl.ir.graph import Node, Scope
from archdsl.ops.base import times

SHOWN = 3  # shapes of a step that runs at several


@dataclass(frozen=True)
class Hint:
    """A text at the end of a line (from 1)."""

    line: int
    text: str
    tip: str


def hints(file: File, analyses: Sequence[Analysis], first: int, last: int) -> list[Hint]:
    """The hints of some lines; of the networks in which the file takes part the first one speaks."""
    name, found = str(file.path), []
    for line in range(first, last + 1):
        for analysis in analyses:
            shapes = at(analysis, name, line)
            if shapes:
                more = f" +{len(shapes) - SHOWN}" if len(shapes) > SHOWN else ""
                network = analysis.graph.name if analysis.graph is not None else ""
                found.append(Hint(line, ", ".join(shapes[:SHOWN]) + more, f"C×H×W in {network}"))
                break
    return found


def at(analysis: Analysis, file: str, line: int) -> list[str]:
    """The shapes that leave a line: of the step that begins last on it, in all of its runs."""
    scopes, nodes = analysis.scopes.get((file, line), []), analysis.nodes.get((file, line), [])
    last = max([*map(column, scopes), *map(column, nodes)], default=0)
    shapes = [shape_of(scope) for scope in scopes if column(scope) == last]
    shapes += [times(node.shape) for node in nodes if column(node) == last]
    return list(dict.fromkeys(shape for shape in shapes if shape))


def column(item: Node | Scope) -> int:
    return item.span.col if item.span is not None else 0
