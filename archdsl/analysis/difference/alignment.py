"""Two trees of parts side by side: what stood where in one network, and what stands there in the other.

Networks are trees: stages, rows of tables, turns, calls of blocks, branches, ops. Children that the spec names pair by
their names; those that have a place only (the steps of a chain, the turns of a loop, `conv_2`) are aligned as two texts
are, so that what is put between them moves the rest and loses none of it. Of all alignments the one that gains most is
taken; then the one with most equal arguments; then the one that leaves most where it was. The same things in another
order are sorted: of each kind the first pairs with the first. What stands in a branch, or in a turn of a loop, that one
network alone has (a residual, a repeat around steps) pairs with what stands by itself in the other.

What is gained by a pair, and which may be one, an `Aligner` says: `weights` counts numbers that are carried over,
`structure` counts ops.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from archdsl.ir.graph import Graph, Node, Scope
from archdsl.support.naming import snake

Gain: TypeAlias = "tuple[int, int, int]"  # what pairs are worth, equal arguments, unchanged places
Shapes: TypeAlias = "Mapping[str, tuple[int, ...]]"
NOTHING: Gain = (0, 0, 0)
OP = "op"  # the kind of an item that is a node
HOLDERS = ("branch", "turn", "block")  # kinds of what may be put around steps


@dataclass(eq=False)
class Item:
    """A scope or an op of one of the trees."""

    part: Scope | Node
    kind: str  # of a scope, or `op`
    word: str  # the block's, stage's or op's name
    name: str  # its own part of the path
    path: str
    traits: frozenset[Hashable]  # its arguments or fields with their values
    tensors: Shapes = field(default_factory=dict)  # of an op: by key
    items: list[Item] = field(default_factory=list)
    loop: Hashable = None  # of a turn: the same for all of its loop
    size: int = 0  # what all in it is worth
    looks: int = 0  # equal for items that are alike all through, whatever the names in them
    inside: int = 0  # equal where all that is inside is alike
    contents: int = 0  # equal where what is inside pairs in the same way

    @cached_property
    def named(self) -> bool:
        """Whether its name is the spec's own, and no place."""
        if self.kind in ("stage", "row"):
            return bool(self.name) and not self.name.isdigit()
        places = rf"|\d+|branch\d+|gate(_\d+)?|{snake(self.word)}(_\d+)?"
        return re.fullmatch(places, self.name) is None


class Numbers:
    """Equal numbers for what is equal, over the trees that are compared."""

    def __init__(self) -> None:
        self.known: dict[Hashable, int] = {}

    def __call__(self, *key: Hashable) -> int:
        return self.known.setdefault(key, len(self.known))


def below(path: str, above: str) -> str:
    """A path as seen from another one above it."""
    return path[len(above) :].lstrip("._") if path.startswith(above) else path


def frozen(value: Any) -> Hashable:
    """A value that can be a key; 1 and true are two."""
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return isinstance(value, bool), value


def traits_of(values: Mapping[str, Any]) -> frozenset[Hashable]:
    """Arguments or fields with their values."""
    return frozenset((name, frozen(value)) for name, value in values.items())


class Aligner:
    """Finds what of one tree pairs with what of the other, and remembers what it has found of two contents."""

    def __init__(self) -> None:
        self.numbers = Numbers()
        self.gains: dict[tuple[int, int], Gain] = {}  # of what is inside of two items
        self.apart: dict[str, Item | None] = {}  # by their paths, parts that stand for themselves

    # --- what differs between aligners
    def worth(self, item: Item) -> int:
        """What an item is worth without those in it."""
        raise NotImplementedError

    def gain(self, old: Item, new: Item) -> Gain:
        """What is won by a pair itself."""
        raise NotImplementedError

    def may_pair(self, old: Item, new: Item) -> bool:
        """Whether one can be what the other has become."""
        raise NotImplementedError

    def likeness(self, item: Item) -> Hashable:
        """What of an item decides how well that which it is in pairs with another."""
        raise NotImplementedError

    def stays(self, old: Item, new: Item, worth: int) -> bool:
        """Whether a pair that is worth so much takes along most of itself, where its place is another."""
        return old.name == new.name or 2 * worth >= min(old.size, new.size)

    def renamed(self, befores: Sequence[Item], afters: Sequence[Item]) -> list[tuple[Item, Item]]:
        """Of the children that no name pairs those that have another name now."""
        return []

    # --- trees
    def tree_without(
        self, graph: Graph, tensors: Mapping[int, Shapes], paths: Collection[str]
    ) -> tuple[Item, dict[str, Item]]:
        """As `tree`, but for the parts at some paths, which are given apart."""
        self.apart = dict.fromkeys(paths)
        whole = self.tree(graph, tensors)
        apart = {path: item for path, item in self.apart.items() if item is not None}
        self.apart = {}
        return whole, apart

    def tree(self, graph: Graph, tensors: Mapping[int, Shapes], *, whole: bool = False) -> Item:
        """A network as items: of all nodes if `whole`, else of those with tensors, which are given by node and key."""
        return self.of_scope(graph.root, tensors, whole=whole)

    def of_scope(self, scope: Scope, tensors: Mapping[int, Shapes], *, whole: bool) -> Item:
        item = Item(scope, scope.kind, scope.name, "", scope.path, traits_of({**scope.arguments, **scope.row}))
        for child in scope.children:
            inner = self.of_child(child, tensors, scope.path, whole=whole)
            if inner is not None and child.path in self.apart and self.apart[child.path] is None:
                self.apart[child.path] = inner
            elif inner is not None:
                item.items.append(inner)
        item.inside = self.numbers("inside", *(inner.looks for inner in item.items))
        item.contents = self.numbers("contents", *map(self.likeness, item.items))
        item.looks = self.numbers(item.kind, item.traits, item.inside)
        item.size = self.worth(item) + sum(inner.size for inner in item.items)
        return item

    def of_child(self, child: Scope | Node, tensors: Mapping[int, Shapes], above: str, *, whole: bool) -> Item | None:
        """A child of a scope as an item; none if it has no tensors."""
        if isinstance(child, Node):
            return self.of_node(child, tensors.get(child.id, {}), above) if whole or child.id in tensors else None
        known, self.apart = self.apart, {path: item for path, item in self.apart.items() if path != child.path}
        inner = self.of_scope(child, tensors, whole=whole)
        self.apart = known | self.apart
        if not inner.items:
            return None
        inner.name = below(child.path, above)
        inner.loop = ("loop", child.span) if child.kind == "turn" else None
        return collapsed(inner)

    def of_node(self, node: Node, tensors: Shapes, above: str) -> Item:
        name = below(node.path, above)
        item = Item(node, OP, node.op.name, name, node.path, traits_of(node.fields), tensors)
        shapes = ((below(key, item.path), shape) for key, shape in tensors.items())
        item.inside = item.looks = self.numbers(OP, item.word, item.traits, *shapes)
        item.size = self.worth(item)
        return item

    # --- pairs
    def pairs(self, old: Item, new: Item) -> Iterator[tuple[Item, Item]]:
        """A pair and all in it."""
        yield old, new
        for before, after in self.aligned(old, new):
            yield from self.pairs(before, after)

    def whole_gain(self, old: Item, new: Item) -> Gain:
        """What is won by a pair with all in it."""
        key = old.contents, new.contents
        if key not in self.gains:
            self.gains[key] = self.gain_inside(old, new)
        return plus(self.gains[key], self.gain(old, new))

    def gain_inside(self, old: Item, new: Item) -> Gain:
        return self.sum_of(self.aligned(old, new))

    def aligned(self, old: Item, new: Item) -> list[tuple[Item, Item]]:
        """The pairs of their children."""
        return self.sides(old, new).pairs

    def sides(self, old: Item, new: Item) -> Sides:
        """The children of two items, side by side; those of a wrapper in its place where most of it pairs only so."""
        sides = Sides(old.items, new.items, self.in_line(old.items, new.items))
        gain = self.sum_of(sides.pairs)[0]
        for wrapper in [*sides.wrappers()]:
            olds, news = sides.opened(wrapper)
            pairs = self.in_line(olds, news)
            if 2 * (self.sum_of(pairs)[0] - gain) >= wrapper.size:
                sides, gain = Sides(olds, news, pairs), self.sum_of(pairs)[0]
        return sides

    def sum_of(self, pairs: Sequence[tuple[Item, Item]]) -> Gain:
        found = NOTHING
        for before, after in pairs:
            found = plus(found, self.whole_gain(before, after))
        return found

    def in_line(self, olds: Sequence[Item], news: Sequence[Item]) -> list[tuple[Item, Item]]:
        """The pairs of two sequences: first those of a name, then the others as they stand."""
        found = [(before, after) for before, after in of_one_name(olds, news) if self.may_pair(before, after)]
        taken = {item for pair in found for item in pair}
        befores, afters = ([item for item in side if item not in taken] for side in (olds, news))
        if others := self.renamed(befores, afters):
            taken = {item for pair in others for item in pair}
            befores, afters = ([item for item in side if item not in taken] for side in (befores, afters))
            found += others
        while befores and afters and self.alike(befores[0], afters[0]):
            found.append((befores.pop(0), afters.pop(0)))
        while befores and afters and self.alike(befores[-1], afters[-1]):
            found.append((befores.pop(), afters.pop()))
        if self.is_sorted_otherwise(befores, afters):
            return found + self.in_kinds(befores, afters)
        return found + self.best(befores, afters)

    def alike(self, old: Item, new: Item) -> bool:
        """Whether two items are the same all through."""
        return old.looks == new.looks and self.may_pair(old, new)

    def kind_of(self, item: Item) -> tuple[object, ...]:
        """What an item is: of a block or an op its name, and all shapes in it."""
        return item.kind, item.word, item.inside

    def is_sorted_otherwise(self, befores: Sequence[Item], afters: Sequence[Item]) -> bool:
        """Whether two sequences are of the same things, each as often, in another order."""
        one, other = ([self.kind_of(item) for item in side] for side in (befores, afters))
        return one != other and Counter(one) == Counter(other)

    def in_kinds(self, befores: Sequence[Item], afters: Sequence[Item]) -> list[tuple[Item, Item]]:
        """The pairs of two sequences of the same things in another order: of each kind the first is the first."""
        found = []
        for kind in dict.fromkeys(self.kind_of(item) for item in befores):
            pairs = zip(
                *([item for item in side if self.kind_of(item) == kind] for side in (befores, afters)), strict=True
            )
            found += [(old, new) for old, new in pairs if self.may_pair(old, new)]
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
        gain = self.whole_gain(old, new) if self.may_pair(old, new) else NOTHING
        return plus(gain, rest) if gain[0] and self.stays(old, new, gain[0]) else rest


@dataclass(frozen=True, eq=False)
class Sides:
    """The steps of two parts, and which of them are the same."""

    olds: Sequence[Item]
    news: Sequence[Item]
    pairs: list[tuple[Item, Item]]

    @property
    def alone(self) -> tuple[list[Item], list[Item]]:
        """What stands on one side alone."""
        taken = {item for pair in self.pairs for item in pair}
        old, new = ([item for item in side if item not in taken] for side in (self.olds, self.news))
        return old, new

    def wrappers(self) -> Iterator[Item]:
        """What on one side alone holds steps of kinds that stand alone on the other."""
        for mine, other in zip(self.alone, reversed(self.alone), strict=True):
            kinds = {(item.kind, item.word) for item in other}
            for item in mine:
                if item.kind in HOLDERS and any((inner.kind, inner.word) in kinds for inner in item.items):
                    yield item

    def opened(self, wrapper: Item) -> tuple[list[Item], list[Item]]:
        """The steps with those of a wrapper in its place."""
        olds, news = (
            [inner for item in side for inner in (item.items if item is wrapper else [item])]
            for side in (self.olds, self.news)
        )
        return olds, news


def of_one_name(olds: Sequence[Item], news: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    """The children that have one name in both; the runs of a shared module have one together and pair in order."""
    names: dict[str, list[Item]] = {}
    for item in news:
        if item.named:
            names.setdefault(item.name, []).append(item)
    for item in olds:
        if item.named and names.get(item.name):
            yield item, names[item.name].pop(0)


def collapsed(item: Item) -> Item:
    """A turn of one thing is that thing."""
    if item.kind == "turn" and len(item.items) == 1 and item.items[0].path == item.path:
        item.items[0].name, item.items[0].loop = item.name, item.loop
        return item.items[0]
    return item


def is_around(old: Item, new: Item) -> bool:
    """Whether both hold steps, and one of them is a mere branch or turn: the body of a loop may become a block."""
    kinds = {old.kind, new.kind}
    return kinds <= set(HOLDERS) and kinds != {"block"} and not (holds(old, new) or holds(new, old))


def holds(item: Item, other: Item) -> bool:
    """Whether steps of the kind of another item stand in an item."""
    return any((inner.kind, inner.word) == (other.kind, other.word) for inner in item.items)


def is_renamed(old: Item, new: Item) -> bool:
    """Whether two calls of blocks differ in the names of the blocks alone."""
    return old.kind == "block" and old.inside == new.inside


def plus(one: Gain, other: Gain) -> Gain:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
