"""Carrying weights over an edit of a spec: what stood where in the old network, and what stands there now.

Both networks are trees: stages, rows of tables, turns, calls of blocks, branches, ops. Children that the spec names
pair by their names; those that have a place only (the steps of a chain, the turns of a loop, `conv_2`) are aligned as
two texts are, so that what is put between them moves the rest and loses none of it. Of all alignments the one that
carries most numbers is taken; then the one with most equal arguments; then the one that leaves most where it was. The
same things in another order are sorted: of each kind the first takes the weights of the first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.ir.graph import Graph, Node, Scope
from archdsl.runtime.porting.ordering import owners_of
from archdsl.runtime.porting.parts import COUNTER, Pair, Shapes, parts_of
from archdsl.support.naming import snake

Gain: TypeAlias = tuple[int, int, int]  # numbers carried, equal arguments, unchanged places
NOTHING: Gain = (0, 0, 0)


@dataclass(eq=False)
class Item:
    """A scope or an op that has weights somewhere in it."""

    kind: str  # of a scope, or `op`
    word: str  # the block's, stage's or op's name
    name: str  # its own part of the path
    traits: str  # its arguments
    tensors: Shapes = field(default_factory=dict)  # of an op: by key
    path: str = ""
    items: list[Item] = field(default_factory=list)
    looks: tuple[object, ...] = ()  # equal for items that are alike all through
    size: int = 0  # numbers in all its tensors

    @property
    def named(self) -> bool:
        """Whether its name is the spec's own, and no place."""
        if self.kind in ("stage", "row"):
            return bool(self.name) and not self.name.isdigit()
        places = rf"|\d+|branch\d+|gate(_\d+)?|{snake(self.word)}(_\d+)?"
        return re.fullmatch(places, self.name) is None

    @property
    def inside(self) -> tuple[object, ...]:
        return tuple(item.looks for item in self.items)


def carried(before: Graph, old: Shapes, after: Graph, new: Shapes) -> list[Pair]:
    """The tensors of the new network that take those of the old one, in the order of the new."""
    found = {pair.ours: pair for pair in Aligner().pairs(tree(before, old), tree(after, new))}
    return [found[key] for key in new if key in found]


# --- trees


def tree(graph: Graph, shapes: Shapes) -> Item:
    """A network as items."""
    parts = parts_of(shapes)
    tensors: dict[int, dict[str, tuple[int, ...]]] = {}
    for part, node in zip(parts, owners_of(graph, parts), strict=True):
        tensors.setdefault(node.id, {}).update({part.key(leaf): shape for leaf, shape in part.shapes.items()})
    return of_scope(graph.root, tensors)


def of_scope(scope: Scope, tensors: dict[int, dict[str, tuple[int, ...]]]) -> Item:
    item = Item(scope.kind, scope.name, "", repr(sorted(scope.arguments.items())), path=scope.path)
    for child in scope.children:
        if isinstance(child, Node):
            if child.id in tensors:
                item.items.append(of_node(child, tensors[child.id], scope.path))
            continue
        inner = of_scope(child, tensors)
        if inner.items:
            inner.name = below(child.path, scope.path)
            item.items.append(collapsed(inner))
    item.looks = (item.kind, item.traits, item.inside)
    item.size = sum(inner.size for inner in item.items)
    return item


def of_node(node: Node, tensors: Shapes, above: str) -> Item:
    traits = repr(sorted((name, str(value)) for name, value in node.fields.items()))
    item = Item("op", node.op.name, below(node.path, above), traits, tensors, node.path)
    item.size = sum(math.prod(shape) for shape in tensors.values())
    item.looks = (item.word, item.traits, *((leaf, shape) for leaf, _, shape in leaves(item)))
    return item


def below(path: str, above: str) -> str:
    return path[len(above) :].lstrip("._") if path.startswith(above) else path


def collapsed(item: Item) -> Item:
    """A turn of one thing is that thing."""
    if item.kind == "turn" and len(item.items) == 1 and item.items[0].path == item.path:
        item.items[0].name = item.name
        return item.items[0]
    return item


def leaves(item: Item) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The tensors of an op: what their key is below it, the key, the shape."""
    for key, shape in item.tensors.items():
        yield below(key, item.path), key, shape


# --- alignment


class Aligner:
    """Finds what of one tree takes the weights of the other, and remembers what it has found of two items."""

    def __init__(self) -> None:
        self.gains: dict[tuple[Item, Item], Gain] = {}

    def pairs(self, old: Item, new: Item) -> Iterator[Pair]:
        """The tensors that go over from one item to another."""
        if old.kind == "op":
            yield from (Pair(*keys) for keys in carried_tensors(old, new))
        for before, after in self.aligned(old, new):
            yield from self.pairs(before, after)

    def gain(self, old: Item, new: Item) -> Gain:
        """What is won by having one item take the weights of another."""
        key = old, new
        if key not in self.gains:
            found = (0, int(old.traits == new.traits), int(old.path == new.path))
            if old.kind == "op":
                found = plus(found, (sum(math.prod(shape) for *_, shape in carried_tensors(old, new)), 0, 0))
            for before, after in self.aligned(old, new):
                found = plus(found, self.gain(before, after))
            self.gains[key] = found
        return self.gains[key]

    def aligned(self, old: Item, new: Item) -> list[tuple[Item, Item]]:
        """The pairs of their children: first those of a name, then the others as they stand."""
        names = {item.name: item for item in new.items if item.named}
        found = [(item, names[item.name]) for item in old.items if item.named and item.name in names]
        found = [(before, after) for before, after in found if may_pair(before, after)]
        taken = {item for pair in found for item in pair}
        befores, afters = ([item for item in side.items if item not in taken] for side in (old, new))
        while befores and afters and alike(befores[0], afters[0]):
            found.append((befores.pop(0), afters.pop(0)))
        while befores and afters and alike(befores[-1], afters[-1]):
            found.append((befores.pop(), afters.pop()))
        if is_sorted_otherwise(befores, afters):
            return found + self.in_kinds(befores, afters)
        return found + self.best(befores, afters)

    def in_kinds(self, befores: Sequence[Item], afters: Sequence[Item]) -> list[tuple[Item, Item]]:
        """The pairs of two sequences of the same things in another order: of each kind the first is the first."""
        found = []
        for kind in dict.fromkeys(kind_of(item) for item in befores):
            pairs = zip(*([item for item in side if kind_of(item) == kind] for side in (befores, afters)), strict=True)
            found += [(old, new) for old, new in pairs if may_pair(old, new)]
        return found

    def best(self, befores: Sequence[Item], afters: Sequence[Item]) -> list[tuple[Item, Item]]:
        """The alignment of two sequences that gains most; on a tie the one that pairs earlier."""
        rows, columns = len(befores), len(afters)
        table = [[NOTHING] * (columns + 1) for _ in range(rows + 1)]
        for row in reversed(range(rows)):
            for column in reversed(range(columns)):
                paired = self.with_pair(befores[row], afters[column], table[row + 1][column + 1])
                table[row][column] = max(paired, table[row + 1][column], table[row][column + 1])
        found, row, column = [], 0, 0
        while row < rows and column < columns:
            here = table[row][column]
            if here > table[row + 1][column + 1] and here == self.with_pair(
                befores[row], afters[column], table[row + 1][column + 1]
            ):
                found.append((befores[row], afters[column]))
                row, column = row + 1, column + 1
            elif here == table[row][column + 1]:
                column += 1
            else:
                row += 1
        return found

    def with_pair(self, old: Item, new: Item, rest: Gain) -> Gain:
        """The gain if these two pair; what has moved must take along most of itself, or it is another thing."""
        gain = self.gain(old, new) if may_pair(old, new) else NOTHING
        stays = old.name == new.name or 2 * gain[0] >= min(old.size, new.size)
        return plus(gain, rest) if gain[0] and stays else rest


def kind_of(item: Item) -> tuple[object, ...]:
    """What an item is: of a block or an op its name, and all shapes in it."""
    return item.kind, item.word, item.inside or item.looks


def is_sorted_otherwise(befores: Sequence[Item], afters: Sequence[Item]) -> bool:
    """Whether two sequences are of the same things, each as often, in another order."""
    one, other = ([kind_of(item) for item in side] for side in (befores, afters))
    return one != other and Counter(one) == Counter(other)


def plus(one: Gain, other: Gain) -> Gain:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def alike(old: Item, new: Item) -> bool:
    """Whether two items are the same all through."""
    return old.looks == new.looks and may_pair(old, new)


def may_pair(old: Item, new: Item) -> bool:
    """Whether one can be what the other has become: ops of one kind, calls of one block (or of one by another name)."""
    if old.kind != new.kind or (old.named and new.named and old.name != new.name):
        return False
    return old.kind in ("stage", "row", "branch", "turn", "network") or old.word == new.word or is_renamed(old, new)


def is_renamed(old: Item, new: Item) -> bool:
    return old.kind == "block" and old.inside == new.inside


def carried_tensors(old: Item, new: Item) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The keys of tensors that are there in both with one shape; the counter of a norm goes with the others."""
    there = {leaf: (key, shape) for leaf, key, shape in leaves(old)}
    found = [(leaf, key, shape) for leaf, key, shape in leaves(new) if leaf in there and there[leaf][1] == shape]
    if any(leaf != COUNTER for leaf, *_ in found):
        yield from ((there[leaf][0], key, shape) for leaf, key, shape in found)
