"""Whether the 2-D convolutions of a network lie channels last in memory."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

from archdsl.ir.graph import Graph, Node


def lies_channels_last(graph: Graph) -> bool:
    """Whether a network was asked to lie so, and has no layer that is slower for it."""
    asked = graph.origin is not None and graph.origin.function.channels_last
    return asked and not slower_channels_last(graph.nodes)


def slower_channels_last(nodes: Iterable[Node]) -> bool:
    """Whether any of these is slower where maps lie channels last."""
    return any(node.op.slower_channels_last(SimpleNamespace(**node.fields), node.inputs[0].shape) for node in nodes)
