"""How the ops of a part hang together, for telling what is alike."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from archdsl.ir.graph import Node, Tensor

Anatomy = tuple[object, ...]


def anatomy(nodes: Sequence[Node]) -> Anatomy:
    """Ops, windows, strides and wiring, without widths: equal for the parts that a paper draws as one figure."""
    place = {node: index for index, node in enumerate(nodes)}
    outside: dict[Tensor, int] = {}
    return tuple(
        (node.op.name, node.label, window(node), tuple(source(t, place, outside) for t in node.inputs))
        for node in nodes
    )


def window(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    rank = max(len(node.inputs[0].shape) - 1, 0) if node.inputs else 0
    return node.op.window(SimpleNamespace(**node.fields), rank)


def source(tensor: Tensor, place: dict[Node, int], outside: dict[Tensor, int]) -> tuple[int, int]:
    """Which op inside made it and which result, or (-1, n): the n-th that comes from outside."""
    if tensor.node is not None and tensor.node in place:
        return place[tensor.node], tensor.index
    return -1, outside.setdefault(tensor, len(outside))


def entering(nodes: Sequence[Node]) -> list[Tensor]:
    """The tensors that these ops read from outside, in order."""
    inside = set(nodes)
    found = {t: t for node in nodes for t in node.reads if t.node is None or t.node not in inside}
    return list(found.values())


class Readers:
    """Who reads the results of a node."""

    def __init__(self, nodes: Sequence[Node], outputs: Sequence[Tensor]) -> None:
        self.by_node: dict[Node, list[Node]] = {}
        for node in nodes:
            for tensor in node.reads:
                if tensor.node is not None:
                    self.by_node.setdefault(tensor.node, []).append(node)
        self.leaves = {tensor.node for tensor in outputs if tensor.node is not None}

    def only(self, node: Node, reader: Node) -> bool:
        """Whether `reader` alone takes what `node` makes, once, and nothing else."""
        return self.by_node.get(node) == [reader] and node not in self.leaves and len(reader.inputs) == 1

    def within(self, nodes: Sequence[Node], parts: Sequence[Node]) -> bool:
        """Whether what `nodes` make is read nowhere but in `parts` (and in themselves)."""
        allowed = {*nodes, *parts}
        return all(
            node not in self.leaves and all(reader in allowed for reader in self.by_node.get(node, ()))
            for node in nodes
        )
