"""The figures of a whole network: its stages, their steps, every op."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.backends.figures.arrows import arrows
from archdsl.backends.figures.forks import add_forks
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.outline import Outline, View
from archdsl.backends.figures.picture import Box, Group, GroupKind, Item, Picture
from archdsl.backends.figures.shapes import ORDERS, Shapes, numbered
from archdsl.ir.graph import Graph, Scope, Tensor


def has_rows(scope: Scope) -> bool:
    """Whether a stage is a table of rows; a block's own table is its own affair."""
    inner = [child for child in scope.children if isinstance(child, Scope) and not child.is_block]
    return any(child.kind == "row" or has_rows(child) for child in inner)


def stage_frame(scope: Scope) -> GroupKind | None:
    return "stage" if scope.kind in ("stage", "row") and (scope.kind == "stage" or not scope.name.isdigit()) else None


def op_frame(scope: Scope) -> GroupKind | None:
    return "block" if scope.is_block and sum(1 for _ in scope.nodes()) > 3 else stage_frame(scope)


NETWORK = View(
    closed=lambda scope: scope.kind == "row" or scope.is_block or (scope.kind == "stage" and not has_rows(scope)),
    frame=lambda scope: "stage" if scope.kind == "stage" else None,
    fold=0,
)
STAGE = View(closed=lambda scope: scope.is_block, frame=stage_frame)
EVERY_OP = View(closed=lambda _: False, frame=op_frame, fold=0)
LEVELS: Mapping[str, View] = {"network": NETWORK, "stage": STAGE, "op": EVERY_OP}


def network(graph: Graph, level: str, order: str = ORDERS[0]) -> Picture:
    """The whole network at one of the levels."""
    graph, shapes = visible(graph), numbered(order, graph)
    title = graph.name if graph.variant is None else f"{graph.name} {graph.variant}"
    inputs = {"input" if len(graph.inputs) == 1 else name: tensor for name, tensor in graph.inputs.items()}
    outputs = {"output" if len(graph.outputs) == 1 else name: tensor for name, tensor in graph.outputs.items()}
    items = Outline(graph, shapes).items(graph.root, LEVELS[level])
    return picture(title, [*ends("input", inputs, shapes), *items, *ends("output", outputs, shapes)], [shapes])


def ends(role: str, tensors: Mapping[str, Tensor], shapes: Shapes) -> list[Item]:
    return [Box(role, (name,), shape=shapes.explained(tensor), tensor=tensor) for name, tensor in tensors.items()]


def picture(title: str, items: list[Item], shapes: Sequence[Shapes]) -> Picture:
    """A figure; `shapes` write those of each case."""
    made = Picture(title, items)
    for region, written in zip(regions(made), shapes, strict=True):
        add_forks(region)
        made.arrows += arrows(region, written)
    return made


def regions(made: Picture) -> list[list[Item]]:
    """Cases of a block are figures of their own: no arrow leads from one to another."""
    cases = [item.items for item in made.items if isinstance(item, Group) and item.kind == "case"]
    return cases or [made.items]
