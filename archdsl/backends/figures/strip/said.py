"""What a strip says of parts of a network, for other figures that show the same parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.outline import CALLS, brief
from archdsl.backends.figures.strip.cells import Cell, Terse, computes, strip
from archdsl.ir.graph import Graph, Node


def cells_of(
    graph: Graph, parts: Iterable[Iterable[Node]], also: Sequence[str] = (), beside: Graph | None = None
) -> Iterator[Cell | None]:
    """The cell of the strip for each part, by the nodes in it; None for a part that is no cell of its own.

    `also`: columns of tables that are told where no row differs in them.
    `beside`: a network from whose calls of a block those of this one are told apart too.
    """
    cells = [cell for cell in strip(visible(graph), also=also, beside=beside).cells if cell.box.nodes]
    owner = {node.path: cell for cell in cells for node in cell.box.nodes}
    for part in parts:
        paths = {node.path for node in part}
        found = {owner[path] for path in paths if path in owner}
        whole = [cell for cell in found if paths.issuperset(node.path for node in cell.box.nodes)]
        yield whole[0] if len(found) == len(whole) == 1 else None


def operators_of(graph: Graph, parts: Iterable[Iterable[Node]]) -> Iterator[Sequence[str]]:
    """The blocks and operators in each part, one by one, without their arguments: `TwoWayDenseLayer`, `1×1 Conv`."""
    shown = visible(graph)
    boxes = [box for item in Terse(shown, ()).items(shown.root, CALLS) for box in item.boxes() if computes(box)]
    for part in parts:
        paths = {node.path for node in part}
        inside = [box for box in boxes if paths.issuperset(node.path for node in box.nodes)]
        yield [brief(box).partition(",")[0] for box in inside]
