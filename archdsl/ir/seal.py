"""Whether a graph still is what its program gave.

Source and modules are printed from the program, costs and figures are read from the graph. In a graph that was edited,
or made by hand, they would be two networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph, Node

Seal: TypeAlias = "tuple[tuple[tuple[str, Any], ...], list[tuple[Any, ...]]]"  # of the whole, and of each node

WHOLE = ("name", "variant", "params", "inputs", "outputs", "training")
HELP = "edit the spec, set its params, or write a pass"


def seal(graph: Graph) -> Seal:
    """All of a graph that says which network it is, as it is now."""
    return tuple((name, frozen(getattr(graph, name))) for name in WHOLE), [of_node(node) for node in graph.nodes]


def of_node(node: Node) -> tuple[Any, ...]:
    shapes = tuple(tensor.shape for tensor in node.outputs)
    kind = node.training, node.functional, node.shared
    return node.op, frozen(node.fields), node.inputs, node.outputs, shapes, node.path, *kind


def frozen(value: Any) -> Any:
    """A copy that does not follow when the value is changed."""
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return tuple((name, frozen(item)) for name, item in value.items()) if isinstance(value, Mapping) else value


def refuse_edited(graph: Graph) -> None:
    """Raises `SpecError` unless the graph is as it was made from a spec."""
    if graph.origin is None or graph.origin.seal is None:
        raise edited("this graph was made by hand: there is no spec that its source could be printed from")
    now, made = seal(graph), graph.origin.seal
    for (name, value), (_, before) in zip(now[0], made[0], strict=True):
        if value != before:
            raise edited(f"'{name}' of this graph is no longer what its spec gives")
    if len(now[1]) != len(made[1]):
        raise edited(f"this graph has {len(now[1])} nodes, its spec gives {len(made[1])}")
    for node, value, before in zip(graph.nodes, now[1], made[1], strict=True):
        if value != before:
            raise edited(f"the node '{node.path}' ({node.op.name}) of this graph is not what its spec gives")
    if list(graph.root.nodes()) != list(graph.nodes):
        raise edited("the scopes of this graph do not hold its nodes, each once and in their order")


def edited(message: str) -> SpecError:
    return fault("edited-graph", message, help=HELP)
