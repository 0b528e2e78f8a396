"""Which maps a backbone gives where a call names none, or names them by number: the last map of each resolution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TypeAlias

from archdsl.analysis.noting import IMAGE
from archdsl.diagnostics.faults import fault
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node, Scope, Tensor

Maps: TypeAlias = "list[tuple[Scope, tuple[int, ...]]]"
OF_SCORES = ("softmax", "sigmoid", "hard_sigmoid")  # activations that may follow the scores of a map


def chosen_features(features: Sequence[str | int] | bool, whole: Graph) -> list[str]:
    """The names of the maps that a call asks for; a number is a place in `pyramid`, below 0 from its end."""
    if isinstance(features, bool):
        return pyramid(whole)
    maps = pyramid(whole) if any(isinstance(item, int) for item in features) else []
    found = []
    for item in features:
        if isinstance(item, int):
            if not -len(maps) <= item < len(maps):
                known = ", ".join(f"{number}: {name}" for number, name in enumerate(maps))
                raise fault("bad-call", f"'{whole.name}' has no map {item}", help=f"its maps are {known}")
            item = maps[item]
        found.append(item)
    words = [name.replace(".", "_") for name in found]
    if len(set(words)) < len(words):
        twice = next(name for name, word in zip(found, words, strict=True) if words.count(word) > 1)
        raise fault("bad-call", f"the map '{twice}' is named twice", help="name each once")
    return found


def pyramid(graph: Graph) -> list[str]:
    """The last map of each resolution, the largest first, none of them scores: what heads take from a classifier."""
    rank = max(len(tensor.shape) for tensor in graph.inputs.values())
    maps = [(scope, scope.output.shape) for scope in parts(graph.root) if isinstance(scope.output, Tensor)]
    maps = [(scope, shape) for scope, shape in maps if max(shape[1:], default=1) > 1 and is_whole(scope)]
    alike = [(scope, shape) for scope, shape in maps if len(shape) == rank]
    found: dict[tuple[int, ...], str] = {}
    for scope, shape in without_scores(alike or maps, graph):
        found[shape[1:]] = scope.path
    return [found[size] for size in sorted(found, key=math.prod, reverse=True)]


def is_whole(part: Scope) -> bool:
    """Whether all that a stage or row computes leads to its map; what gives others beside it cannot be left out."""
    inside = {node.id for node in part.nodes()}
    ahead = [part.output.node] if isinstance(part.output, Tensor) else []
    while ahead:
        node = ahead.pop()
        if node is not None and node.id in inside:
            inside.remove(node.id)
            ahead += [tensor.node for tensor in node.inputs]
    return not inside


def without_scores(maps: Maps, graph: Graph) -> Maps:
    """The maps that are made before the last layer, and whose channels do not depend on the number of its scores."""
    layer = last_layer(graph)
    if layer is None:
        return maps
    origin = origin_of(graph)
    made = {node.stage: node.out.id for node in origin.function.region.nodes if node.stage is not None}

    def behind(scope: Scope) -> frozenset[str]:
        while scope.parent is not None and scope.parent.parent is not None:
            scope = scope.parent
        seen = origin.facts.seen.get((made.get(scope.name, -1), "c"))
        return seen.deps if seen is not None else frozenset()

    classes = origin.output_deps - {IMAGE} - (behind(maps[0][0]) if maps else frozenset())
    kept = [
        (scope, shape)
        for scope, shape in maps
        if isinstance(scope.output, Tensor)
        and scope.output.node is not None
        and scope.output.node.id < layer.id
        and not behind(scope) & classes
    ]
    return kept or maps


def last_layer(graph: Graph) -> Node | None:
    """The layer that makes the scores, of a network of one output; none where a norm follows it."""
    if len(graph.outputs) != 1:
        return None
    (output,) = graph.outputs.values()
    node, is_map = output.node, max(output.shape[1:], default=1) > 1
    if is_map and not origin_of(graph).output_deps - {IMAGE}:  # what an encoder gives
        return None
    while node is not None and not has_weights(node):
        hidden = is_map and node.op.role == "act" and node.op.name not in OF_SCORES
        node = node.inputs[0].node if len(node.inputs) == 1 and not hidden else None
    return node if node is not None and node.op.role in ("conv", "linear") else None


def has_weights(node: Node) -> bool:
    """Whether the module of a node has parameters."""
    return node.op.params(SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape) > 0


def parts(root: Scope) -> Iterator[Scope]:
    """Stages, and of a table its rows instead, in order; none that runs in training alone."""
    for stage in (child for child in root.children if isinstance(child, Scope)):
        if any(node.training for node in stage.nodes()):
            continue
        inner = [child for child in stage.children if isinstance(child, Scope) and child.kind in ("stage", "row")]
        rows = [row for part in inner for row in (parts(stage) if part.kind == "stage" else [part])]
        yield from rows or [stage]
