"""Graph -> JSON: ops with fields, shapes and edges, scopes, and the cost. Same graph, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archdsl.analysis.cost import cost
from archdsl.analysis.work import work
from archdsl.expr.nodes import Expr
from archdsl.expr.show import show
from archdsl.ir.graph import Graph, Node, Scope, Tensor

FORMAT = 1
WIDTH, DEPTH = 120, 4  # of a line; below which nesting a value stays on one


def emit(graph: Graph) -> str:
    """The graph and its cost as one JSON document."""
    return laid_out(document(graph)) + "\n"


def laid_out(value: Any, depth: int = 0) -> str:
    """JSON with what is short on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= WIDTH or not isinstance(value, (dict, list)) or depth == DEPTH:
        return flat
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        parts = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {laid_out(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(parts) + f"\n{pad[2:]}}}"
    return "[\n" + ",\n".join(pad + laid_out(item, depth + 1) for item in value) + f"\n{pad[2:]}]"


def document(graph: Graph) -> dict[str, Any]:
    return {
        "archdsl_graph": FORMAT,
        "name": graph.name,
        "variant": graph.variant,
        "params": {name: plain(value) for name, value in graph.params.items()},
        "paper": {name: plain(value) for name, value in graph.paper.items()},
        "inputs": {name: list(tensor.shape) for name, tensor in graph.inputs.items()},
        "outputs": results(graph.outputs),
        **({"training": results(graph.training)} if graph.training else {}),
        "nodes": [node_data(node) for node in graph.nodes],
        "scopes": scope_data(graph.root),
        "cost": cost(graph).data(),
    }


def results(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Outputs by name, with their shapes."""
    return {name: {**reference(tensor), "shape": list(tensor.shape)} for name, tensor in tensors.items()}


def reference(tensor: Tensor) -> dict[str, Any]:
    """Where a tensor comes from: an input by name, or a node's result."""
    if tensor.node is None:
        return {"input": tensor.name}
    return {"node": tensor.node.id} | ({"index": tensor.index} if tensor.index else {})


def node_data(node: Node) -> dict[str, Any]:
    counted = {key: value for key, value in vars(work(node)).items() if value}
    return {
        "id": node.id,
        "op": node.op.name,
        "path": node.path,
        "fields": {key: plain(value) for key, value in node.fields.items()},
        "inputs": [reference(tensor) for tensor in node.inputs],
        "outputs": [list(tensor.shape) for tensor in node.outputs],
        **({"label": node.label} if node.label else {}),
        **({"training": True} if node.training else {}),
        **({"shared": True} if node.shared else {}),
        "cost": counted,
    }


def plain(value: Any) -> Any:
    """A field's value as JSON has it; an expression (a formula) as its text."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return show(value) if isinstance(value, Expr) else str(value)


def scope_data(scope: Scope) -> dict[str, Any]:
    children = [child.id if isinstance(child, Node) else scope_data(child) for child in scope.children]
    arguments = {key: plain(value) for key, value in scope.arguments.items()}
    return {
        "kind": scope.kind,
        "name": scope.name,
        "path": scope.path,
        **({"arguments": arguments} if arguments else {}),
        **({"shared": True} if scope.shared else {}),
        "children": children,
    }
