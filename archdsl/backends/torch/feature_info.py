"""What a backbone says of its maps: the module, the channels and the reduction of each, as `feature_info`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.analysis.trace import receptive_fields
from archdsl.backends.torch import syntax as py
from archdsl.expr.nodes import Constant, Expr, Lit, wrap
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

ATTRIBUTE = "feature_info"


def reductions_of(graph: Graph) -> list[Constant]:
    """How many elements of the input lie between two neighbours of each map; a list where axes differ.

    Nothing of a network that is no backbone, or that gives tokens, which have no place in the image.
    """
    ranks = {len(tensor.shape) for tensors in (graph.inputs, graph.outputs) for tensor in tensors.values()}
    if not origin_of(graph).spec.features or len(ranks) > 1:
        return []
    reaches = receptive_fields(graph)
    found: list[Constant] = []
    for tensor in graph.outputs.values():
        reach = reaches[tensor]
        jumps = [int(n) if n == int(n) else n for n in reach.jump] if reach is not None else [1]
        found.append(jumps[0] if len(set(jumps)) == 1 else jumps)
    return found


def feature_info(writer: Writer, reductions: Sequence[Constant]) -> list[py.Statement]:
    """The statement that keeps it; none where the channels of a map have no expression in the constructor."""
    items: list[py.Tree] = []
    outputs = writer.function.outputs if reductions else {}
    for feature, output, reduction in zip(writer.origin.spec.features, outputs, reductions, strict=False):
        channels = channels_of(output, writer)
        if channels is None:
            return []
        entries = (("module", Lit(feature)), ("num_chs", channels), ("reduction", wrap(reduction)))
        items.append(py.Dict(tuple((Lit(key), value) for key, value in entries)))
    return [py.assign(f"self.{ATTRIBUTE}", py.List(tuple(items)))] if items else []


def channels_of(output: str, writer: Writer) -> Expr | None:
    """The channels of an output over the names that are there at the end of the constructor."""
    operand = writer.resolve(writer.function.outputs[output])
    found = writer.channels.outside(writer.channels.of(operand))
    return None if any(name.startswith("@") for name in found.mentioned) else writer.numbers.shown(found)
