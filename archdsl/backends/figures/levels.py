"""The figures: the network, its stages, every op, the inside of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.backends.figures.anatomy import entering
from archdsl.backends.figures.arrows import arrows
from archdsl.backends.figures.cases import Case, chosen, letter, meets
from archdsl.backends.figures.forks import add_forks
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.outline import OPEN, Outline, View
from archdsl.backends.figures.picture import Box, Group, GroupKind, Item, Picture
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.ops.base import times


def has_rows(scope: Scope) -> bool:
    """Whether a stage is a table of rows; a block's own table is its own affair."""
    inner = [child for child in scope.children if isinstance(child, Scope) and child.kind != "block"]
    return any(child.kind == "row" or has_rows(child) for child in inner)


def stage_frame(scope: Scope) -> GroupKind | None:
    return "stage" if scope.kind in ("stage", "row") and (scope.kind == "stage" or not scope.name.isdigit()) else None


def op_frame(scope: Scope) -> GroupKind | None:
    return "block" if scope.kind == "block" and sum(1 for _ in scope.nodes()) > 3 else stage_frame(scope)


NETWORK = View(
    closed=lambda scope: scope.kind in ("row", "block") or (scope.kind == "stage" and not has_rows(scope)),
    frame=lambda scope: "stage" if scope.kind == "stage" else None,
    fold=0,
)
STAGE = View(closed=lambda scope: scope.kind == "block", frame=stage_frame)
EVERY_OP = View(closed=lambda _: False, frame=op_frame, fold=0)
LEVELS: Mapping[str, View] = {"network": NETWORK, "stage": STAGE, "op": EVERY_OP}


def network(graph: Graph, level: str) -> Picture:
    """The whole network at one of the levels."""
    graph = visible(graph)
    title = graph.name if graph.variant is None else f"{graph.name} {graph.variant}"
    inputs = {"input" if len(graph.inputs) == 1 else name: tensor for name, tensor in graph.inputs.items()}
    outputs = {"output" if len(graph.outputs) == 1 else name: tensor for name, tensor in graph.outputs.items()}
    items = Outline(graph).items(graph.root, LEVELS[level])
    return picture(title, [*ends("input", inputs), *items, *ends("output", outputs)])


def blocks(graph: Graph, names: Sequence[str], cases: Sequence[Case] = ()) -> Picture:
    """The inside of blocks; their cases stand side by side."""
    outline = Outline(visible(graph, names))
    drawn = [
        (name, text, call)
        for name in names
        for text, call in chosen(name, outline.calls[name], cases or stated(graph, name, outline.calls[name]))
    ]
    title = ", ".join(names)
    if len(drawn) == 1 and not drawn[0][1]:
        return picture(title, block_body(outline, drawn[0][2]))
    if len(names) > 1:  # counted on from block to block, each under its name
        drawn = [(name, relettered(n, name, text), call) for n, (name, text, call) in enumerate(drawn)]
    return picture(title, [Group("case", text, block_body(outline, call)) for _, text, call in drawn])


def stated(graph: Graph, name: str, calls: Sequence[Scope]) -> list[str]:
    """The cases that the spec names; not those that this form of the network has not."""
    return [case for case in graph.figure.cases.get(name, ()) if any(meets(call, case) for call in calls)]


def relettered(index: int, name: str, text: str) -> str:
    said = text.partition(") ")[2]
    return f"({letter(index)}) {name}{', ' if said else ''}{said}"


def block_body(outline: Outline, call: Scope) -> list[Item]:
    nodes = list(call.nodes())
    first = call.inputs[:1]
    inputs = [*first, *(t for t in entering(nodes) if t not in first)]
    outputs = call.output if isinstance(call.output, (list, tuple)) else [call.output]
    return [
        *ends(
            "input",
            {
                "input" if index == 0 else tensor.name or f"input {index + 1}": tensor
                for index, tensor in enumerate(inputs)
            },
        ),
        *outline.items(call, OPEN),
        *ends(
            "output",
            {"output" if index == 0 else f"output {index + 1}": t for index, t in enumerate(outputs) if t is not None},
        ),
    ]


def ends(role: str, tensors: Mapping[str, Tensor]) -> list[Item]:
    return [Box(role, (name,), shape=times(tensor.shape), tensor=tensor) for name, tensor in tensors.items()]


def picture(title: str, items: list[Item]) -> Picture:
    made = Picture(title, items)
    for region in regions(made):
        add_forks(region)
        made.arrows += arrows(region)
    return made


def regions(made: Picture) -> list[list[Item]]:
    """Cases of a block are figures of their own: no arrow leads from one to another."""
    cases = [item.items for item in made.items if isinstance(item, Group) and item.kind == "case"]
    return cases or [made.items]
