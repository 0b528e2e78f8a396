"""How the weights of a network's convolutions lie in memory."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.layout import slower_channels_last
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.initialize import MODULE
from archdsl.expr.nodes import Name
from archdsl.ir.graph import Graph

CONV = "nn.Conv2d"


def channels_last_body(graphs: Sequence[Graph], classes: Sequence[ClassSource]) -> list[py.Statement]:
    """Statements that lay out the weights of 2-D convolutions by channels: what they compute then lies so, too."""
    made = any(CONV in kinds for source in classes for kinds in source.modules.values())
    if not made or any(slower_channels_last(graph.nodes) for graph in graphs):
        return []
    moved = py.Evaluate(py.call(f"{MODULE.id}.to", py.Keyword("memory_format", Name("torch.channels_last"))))
    chosen = py.If(py.call("isinstance", MODULE, Name(CONV)), [moved])
    return [py.For(MODULE, py.call("self.modules"), [chosen])]
