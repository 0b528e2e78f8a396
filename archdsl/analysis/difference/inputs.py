"""Which ops read what other ones make: of two networks, whose parts are paired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from archdsl.analysis.difference.structure import Structure
from archdsl.ir.graph import Node, Scope, Tensor

Origin: TypeAlias = "tuple[Node | str, int]"  # what makes a tensor, or the name of an input; and which result it is


class Read(NamedTuple):
    """What an op no longer reads and what it reads now; if only the order is another one, both orders."""

    lost: Sequence[Origin] = ()
    gained: Sequence[Origin] = ()
    before: Sequence[Origin] = ()
    after: Sequence[Origin] = ()


class Inputs:
    """Finds ops that are wired otherwise: what is put between two ops, or taken out there, changes the way of none.

    Nor do steps in another order: that is told of the part that they stand in.
    """

    def __init__(self, structure: Structure) -> None:
        self.partners = {
            old: new for old, new in structure.partners.items() if isinstance(old, Node) and isinstance(new, Node)
        }
        self.paired = set(self.partners.values())
        moved = (pair.new.part for pair in structure.root.walk() if pair.moved)
        self.shuffled: set[Node | str] = {node for part in moved if isinstance(part, Scope) for node in part.nodes()}
        self.known: dict[tuple[Node, bool], frozenset[Origin]] = {}

    def changed(self, old: Node, new: Node) -> Read:
        """What two ops that are paired read, as parts of the new network."""
        olds, news = ([origin(tensor) for tensor in node.reads] for node in (old, new))
        there = [source for source in map(self.partner, olds) if source is not None]
        if there == news or new in self.shuffled:
            return Read()
        reached = [self.reached(source, old=True) for source in olds]
        now = [self.reached(source, old=False) for source in news]
        gained = [source for source in news if self.is_paired(source) and source not in frozenset().union(*reached)]
        lost = [source for source in there if source not in frozenset().union(*now)]
        gained, lost = ([source for source in side if source[0] not in self.shuffled] for side in (gained, lost))
        if not gained and not lost and Counter(there) == Counter(news):
            return Read(before=there, after=news)
        return Read(lost, gained)

    def partner(self, source: Origin) -> Origin | None:
        """What a source of the old network is in the new one."""
        node, index = source
        if not isinstance(node, Node):
            return source
        return (self.partners[node], index) if node in self.partners else None

    def is_paired(self, source: Origin) -> bool:
        return not isinstance(source[0], Node) or source[0] in self.paired

    def reached(self, source: Origin, *, old: bool) -> frozenset[Origin]:
        """A source, or of one that stands in one network alone what it is made of; as parts of the new network."""
        node = source[0]
        there = self.partner(source) if old else source if self.is_paired(source) else None
        if there is not None:
            return frozenset([there])
        assert isinstance(node, Node)
        if (node, old) not in self.known:
            inputs = (self.reached(origin(tensor), old=old) for tensor in node.reads)
            self.known[node, old] = frozenset().union(*inputs)
        return self.known[node, old]


def origin(tensor: Tensor) -> Origin:
    return (tensor.node, tensor.index) if tensor.node is not None else (tensor.name, 0)
