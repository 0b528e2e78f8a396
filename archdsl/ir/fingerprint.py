"""What tells a network from others: its ops with their arguments, who reads whom, and the size of its inputs.

Names play no part, nor does the order of what runs side by side. An argument that has its default is left out, so that
a later version of an op, which takes one more, leaves the fingerprints as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Expr
from archdsl.expr.show import show

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph, Node, Tensor

DIGITS = 11  # of a fingerprint, in hexadecimal; with a letter in front it is a word to every reader of YAML
FIRST = "g"


def fingerprint(graph: Graph) -> str:
    """`g4be81c20d1f`."""
    tensors: dict[Tensor, str] = {
        tensor: digest("input", place, tensor.shape) for place, tensor in enumerate(graph.inputs.values())
    }
    made: dict[Node, str] = {}
    modules: dict[str, str] = {}  # by path: what ran first
    readers: dict[Tensor, list[str]] = {}
    for node in graph.nodes:
        shared = modules.get(node.path) if node.shared else None
        made[node] = found = digest(*said(node), shared, [tensors[tensor] for tensor in node.inputs])
        modules.setdefault(node.path, found)
        tensors.update((tensor, digest(found, tensor.index)) for tensor in node.outputs)
        for tensor in node.inputs:
            readers.setdefault(tensor, []).append(found)
    nodes = sorted(digest(made[node], *(read_by(readers, tensor) for tensor in node.outputs)) for node in graph.nodes)
    results = [[tensors[tensor] for tensor in part.values()] for part in (graph.outputs, graph.training)]
    entering = [tensors[tensor] for tensor in graph.inputs.values()]
    return FIRST + digest(entering, nodes, results)[:DIGITS]


def said(node: Node) -> tuple[Any, ...]:
    """What a node says of itself."""
    return node.op.name, sorted(arguments(node)), [tensor.shape for tensor in node.outputs], node.training


def arguments(node: Node) -> Iterable[tuple[str, Any]]:
    """The arguments that are not their defaults; of a tensor, that it is given."""
    for item in (*node.op.fields, *node.op.derived):
        value = node.fields.get(item.name)
        if item.kind == "tensor":
            value, default = value is not None, False
        else:
            default = item.default
        if item.required or plain(value) != plain(default):
            yield item.name, plain(value)


def plain(value: Any) -> Any:
    """A value as data; a number is the same whether it is whole by its kind or by chance."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return sorted((name, plain(item)) for name, item in value.items())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return show(value) if isinstance(value, Expr) else value


def read_by(readers: Mapping[Tensor, list[str]], tensor: Tensor) -> list[str]:
    return sorted(readers.get(tensor, []))


def digest(*parts: Any) -> str:
    """A hash of data."""
    text = json.dumps(parts, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
