"""How the weights of a network's convolutions lie in memory."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.initialize import MODULE
from archdsl.expr.nodes import Name
from archdsl.ir.graph import Graph, Node

CONV = "nn.Conv2d"
MANY = 4  # groups: measured on the shipped networks, those with more are as fast or faster as torch has them


def channels_last_body(graphs: Sequence[Graph], classes: Sequence[ClassSource]) -> list[py.Statement]:
    """Statements that lay out the weights of 2-D convolutions by channels: what they compute then lies so, too."""
    made = any(CONV in kinds for source in classes for kinds in source.modules.values())
    if not made or any(is_slower(node) for graph in graphs for node in graph.nodes):
        return []
    moved = py.Evaluate(py.call(f"{MODULE.id}.to", py.Keyword("memory_format", Name("torch.channels_last"))))
    chosen = py.If(py.call("isinstance", MODULE, Name(CONV)), [moved])
    return [py.For(MODULE, py.call("self.modules"), [chosen])]


def is_slower(node: Node) -> bool:
    """Whether a convolution has many groups of several channels, or gathers its channels by index."""
    if node.op.name == "learned_group_conv":
        return True
    groups = node.fields.get("groups", 1) if node.op.name == "conv" else 1
    return MANY < groups < node.inputs[0].shape[0]
