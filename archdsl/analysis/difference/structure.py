"""The parts of two networks that are the same part, whatever its place: all scopes and ops, in pairs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from archdsl.analysis.difference.alignment import OP, Aligner, Gain, Item, Sides, is_around, is_renamed
from archdsl.ir.graph import Graph, Node, Scope

Part: TypeAlias = "Scope | Node"
NAMED = ("stage", "row")


def is_idle(part: Part) -> bool:
    """Whether a part does nothing: all ops in it hand on what enters."""
    return part.is_idle if isinstance(part, Node) else all(node.is_idle for node in part.nodes())


class ByStructure(Aligner):
    """Aligns two networks so that most ops find their like."""

    def worth(self, item: Item) -> int:
        return int(item.kind in (OP, "block"))

    def gain(self, old: Item, new: Item) -> Gain:
        return self.worth(old), len(old.traits & new.traits), int(old.name == new.name)

    def gain_inside(self, old: Item, new: Item) -> Gain:
        return (
            super().gain_inside(old, new)[0],
            0,
            0,
        )  # of arguments only a pair's own: networks of other widths are one

    def likeness(self, item: Item) -> Hashable:
        return item.kind, item.word, item.name if item.named else "", item.contents

    def kind_of(self, item: Item) -> tuple[object, ...]:
        return item.kind, item.word if self.worth(item) else "", item.inside

    def may_pair(self, old: Item, new: Item) -> bool:
        """Ops of one kind, calls of one block (or of one by another name), stages that hold the same or most of it."""
        if old.kind != new.kind:
            return is_around(old, new)
        if old.kind in (OP, "block"):
            return old.word == new.word or is_renamed(old, new)
        return True

    def stays(self, old: Item, new: Item, worth: int) -> bool:
        if old.kind in NAMED and old.named and new.named and old.name != new.name:
            return 2 * worth > max(old.size, new.size)
        return super().stays(old, new, worth) or old.kind == "block"


@dataclass(eq=False)
class Gap:
    """What stands in one of the networks alone, between two pairs of one parent."""

    removed: list[Item] = field(default_factory=list)
    added: list[Item] = field(default_factory=list)


@dataclass(eq=False)
class Pair:
    """A part in both networks, its inner pairs in the order of the new network, and what stands between these."""

    old: Item
    new: Item
    pairs: list[Pair]
    gaps: list[Gap]  # in front of each pair, and one behind the last
    moved: bool  # whether the inner pairs stand in another order
    sides: Sides  # the steps that are paired, without the wrappers that stand in one network alone

    def walk(self) -> Iterator[Pair]:
        yield self
        for pair in self.pairs:
            yield from pair.walk()


class Structure:
    """Two networks, paired."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.aligner = ByStructure()
        trees = (self.aligner.tree(graph, {}, whole=True) for graph in (before, after))
        self.root = self.paired(*trees)

    def paired(self, old: Item, new: Item) -> Pair:
        sides = self.aligner.sides(old, new)
        found = {after: before for before, after in sides.pairs}
        places = {item: place for place, item in enumerate(sides.olds)}
        order = [places[found[item]] for item in sides.news if item in found]
        pairs = [self.paired(found[item], item) for item in sides.news if item in found]
        gaps = [Gap() for _ in range(len(pairs) + 1)]
        number = 0
        for item in sides.news:
            if item in found:
                number += 1
            else:
                gaps[number].added.append(item)
        ranks = {pair.old: rank for rank, pair in enumerate(pairs)}
        number = 0
        for item in sides.olds:
            if item in ranks:
                number = ranks[item] + 1
            else:
                gaps[number].removed.append(item)
        return Pair(old, new, pairs, gaps, moved=order != sorted(order), sides=sides)

    @cached_property
    def partners(self) -> dict[Part, Part]:
        """Of each part of the old network the one that it is in the new."""
        return {pair.old.part: pair.new.part for pair in self.root.walk()}
