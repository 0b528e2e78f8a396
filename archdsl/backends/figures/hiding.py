"""A graph without what its figures hide, and what does nothing: ops that read its result read what entered it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from archdsl.ir.graph import Graph, Node, Scope, Tensor


def visible(graph: Graph, shown: Sequence[str] = ()) -> Graph:
    """The graph itself where nothing is hidden; else copies of its nodes and scopes, with the same ids and paths.

    `shown` are blocks that are asked for, hidden or not.
    """
    if graph.figure.hide.intersection(shown):
        graph = replace(graph, figure=replace(graph.figure, hide=graph.figure.hide.difference(shown)), _cache={})
    if not any(hidden(graph, part) for scope in graph.root.scopes() for part in (scope, *scope.children)):
        return graph
    view = View(graph)
    root = view.scope(graph.root, None)
    return replace(
        graph,
        nodes=view.nodes,
        root=root,
        inputs={name: view.tensor(tensor) for name, tensor in graph.inputs.items()},
        outputs={name: view.tensor(tensor) for name, tensor in graph.outputs.items()},
        _cache={},
    )


def hidden(graph: Graph, part: Scope | Node) -> bool:
    if isinstance(part, Node):
        is_one = len(part.inputs) == len(part.outputs) == 1
        return part.is_idle or (is_one and part.op.name in graph.figure.hide)
    return part.is_block and part.name in graph.figure.hide and bool(part.inputs)


class View:
    """Copies in order of execution, so that what a node reads is copied before it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.tensors: dict[Tensor, Tensor] = {}  # an old one -> what is read in its place

    def tensor(self, tensor: Tensor) -> Tensor:
        return self.tensors.get(tensor, tensor)

    def scope(self, scope: Scope, parent: Scope | None) -> Scope:
        tensors = {name: self.tensor(tensor) for name, tensor in scope.tensors.items()}
        inputs = tuple(map(self.tensor, scope.inputs))
        made = replace(scope, parent=parent, inputs=inputs, tensors=tensors, children=[])
        for child in scope.children:
            if hidden(self.graph, child):
                self.pass_by(child)
            elif isinstance(child, Node):
                made.children.append(self.node(child, made))
            else:
                made.children.append(self.scope(child, made))
        made.output = self.result(scope.output)
        return made

    def result(self, output: Any) -> Any:
        """What leaves a scope: a tensor, or a list of them."""
        if isinstance(output, list):
            return [self.result(item) for item in output]
        return self.tensor(output) if isinstance(output, Tensor) else output

    def node(self, node: Node, scope: Scope) -> Node:
        made = replace(node, inputs=tuple(map(self.tensor, node.inputs)), scope=scope)
        made.outputs = tuple(replace(tensor, node=made) for tensor in node.outputs)
        self.tensors.update(zip(node.outputs, made.outputs, strict=True))
        self.nodes.append(made)
        return made

    def pass_by(self, part: Scope | Node) -> None:
        entered = self.tensor(part.inputs[0])
        for node in [part] if isinstance(part, Node) else part.nodes():
            self.tensors.update(dict.fromkeys(node.outputs, entered))
