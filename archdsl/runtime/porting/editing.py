"""Carrying weights over an edit of a spec, whose old and new network are aligned as trees."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.analysis.difference import weights
from archdsl.ir.graph import Graph
from archdsl.runtime.porting.ordering import owners_of
from archdsl.runtime.porting.parts import Pair, Shapes, parts_of


def carried(before: Graph, old: Shapes, after: Graph, new: Shapes, renamed: Mapping[str, str]) -> list[Pair]:
    """The tensors of the new network that take those of the old one, in the order of the new."""
    pairs = weights.carried(before, by_node(before, old), after, by_node(after, new), renamed)
    found = {pair.after: Pair(*pair) for pair in pairs}
    return [found[key] for key in new if key in found]


def by_node(graph: Graph, shapes: Shapes) -> dict[int, Shapes]:
    """Tensors by the op whose module has them."""
    parts = parts_of(shapes)
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    for part, node in zip(parts, owners_of(graph, parts), strict=True):
        found.setdefault(node.id, {}).update({part.key(leaf): shape for leaf, shape in part.shapes.items()})
    return dict(found)
