"""Joins that one network alone has around steps that both have: a residual put around a stage, or taken from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from archdsl.analysis.difference.alignment import Item
from archdsl.ir.graph import Node, Tensor


@dataclass(frozen=True, eq=False)
class Wrap:
    """A join, the steps that it was put around, and those that came with it, as the shortcut of a residual."""

    join: Item
    around: list[Item]
    beside: list[Item]

    @property
    def items(self) -> list[Item]:
        """What stands in one network alone."""
        return [self.join, *self.beside]


def wraps(items: Sequence[Item], alone: Collection[Item]) -> Iterator[Wrap]:
    """The joins among the steps of one network that stand in it alone, around steps that stand in both."""
    taken: set[Item] = set()
    for place, item in enumerate(items):
        if item not in alone or not isinstance(item.part, Node) or not item.part.op.many:
            continue
        inside = [other for other in enclosed(items[:place], item.part) if other not in taken]
        around = [other for other in inside if other not in alone]
        if around:
            found = Wrap(item, around, [other for other in inside if other in alone])
            taken.update(found.items)
            yield found


def enclosed(before: Sequence[Item], join: Node) -> list[Item]:
    """The steps from the one tensor that all branches of a join begin with up to the join."""
    inside: list[Item] = []
    nodes: set[Node | None] = set()
    for item in reversed(before):
        inside.insert(0, item)
        nodes.update([item.part] if isinstance(item.part, Node) else item.part.nodes())
        read = [tensor for node in nodes if node is not None for tensor in node.reads]
        entering = {tensor for tensor in read if tensor.node not in nodes}
        if len(entering) == 1 and outside(join, nodes) <= entering:
            return inside
    return []


def outside(join: Node, nodes: Collection[Node | None]) -> set[Tensor]:
    return {tensor for tensor in join.inputs if tensor.node not in nodes}
