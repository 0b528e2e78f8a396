"""What was changed between two networks, one thing at a time: values, steps, repeats, names, ways of tensors.

What follows from another change is none: a width that comes of a param which differs, channels that enter. `sources`
tells. Steps that are there or not are always told, whatever decides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from archdsl.analysis.difference.alignment import OP, Item, frozen
from archdsl.analysis.difference.initialisation import rules
from archdsl.analysis.difference.inputs import Inputs, Origin
from archdsl.analysis.difference.sources import Source, Sources
from archdsl.analysis.difference.structure import NAMED, Gap, Pair, Part, Structure
from archdsl.analysis.difference.wrapping import Wrap, wraps
from archdsl.analysis.lines import runs, spelled
from archdsl.analysis.trace import is_operator
from archdsl.expr.show import show
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ops.base import times

Kind: TypeAlias = Literal[
    "setting", "value", "repeats", "added", "removed", "replaced", "renamed", "order", "inputs", "init"
]
BESIDE = ("renamed", "init")  # changes that leave a network what it is
MOST_NAMES = 3  # of stages in a row that are spelled out


@dataclass(frozen=True)
class Place:
    """Where a change is: in the body of a block, whose call is at these paths, or (no block) in a stage or row."""

    block: str
    before: str
    after: str

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole network."""
        return not self.before and not self.after


@dataclass(frozen=True, eq=False)
class Parts:
    """What a change is about, in the old network and in the new one, and what stands around it."""

    before: tuple[Part, ...] = ()
    after: tuple[Part, ...] = ()
    near: Part | None = None  # the step before what was added; the op that reads what it did not
    wrap: Wrap | None = None


@dataclass(frozen=True)
class Change:
    """One thing that differs. `subject` is what it is said of (an op, a block, a param), `what` which value of it."""

    kind: Kind
    place: Place
    subject: str
    what: str = ""
    before: Any = None
    after: Any = None
    near: str = ""  # of what was added: the step before it
    plainly: tuple[str, str] = ("", "")  # before and after without what may differ from place to place, numbers
    parts: Parts = field(default=Parts(), compare=False, repr=False)


def changes(before: Graph, after: Graph, structure: Structure) -> list[Change]:
    """All changes, in the order of the new network, those of the whole first.

    Where all differences seem to follow from others, none of which is seen, they are told themselves.
    """
    found = [*Changes(before, after, structure).found()]
    if any(change.kind not in BESIDE for change in found) or before.fingerprint == after.fingerprint:
        return found
    return [*Changes(before, after, structure, all_values=True).found()]


class Changes:
    """Walks over what is paired."""

    def __init__(self, before: Graph, after: Graph, structure: Structure, *, all_values: bool = False) -> None:
        self.before, self.after, self.structure, self.all_values = before, after, structure, all_values
        self.old, self.new = Sources(before), Sources(after)
        self.inputs = Inputs(structure)

    def found(self) -> Iterator[Change]:
        yield from self.settings()
        yield from self.inside(self.structure.root, Place("", "", ""))

    # --- the whole
    def settings(self) -> Iterator[Change]:
        """Params of the network and inputs."""
        whole = Place("", "", "")
        tables = self.old.tables() & self.new.tables()
        for name, value in self.after.params.items():
            if name not in tables and name in self.before.params and differ(self.before.params[name], value):
                yield Change("setting", whole, name, "", self.before.params[name], value)
        olds, news = ({n: t.shape for n, t in graph.inputs.items()} for graph in (self.before, self.after))
        names = list(dict.fromkeys([*olds, *news]))
        for name in names:
            if olds.get(name) != news.get(name):
                old, new = (times(side[name]) if name in side else None for side in (olds, news))
                yield Change("setting", whole, "input" if len(names) == 1 else f"input {name}", "", old, new)
        for name in dict.fromkeys([*self.before.outputs, *self.after.outputs]):
            there = [name in graph.outputs for graph in (self.before, self.after)]
            if not all(there):
                yield Change("added" if there[1] else "removed", whole, f"output {name}")
        olds_of, news_of = rules(self.before), rules(self.after)
        for name in dict.fromkeys([*olds_of, *news_of]):
            if olds_of.get(name) != news_of.get(name):
                yield Change("init", whole, name, "", olds_of.get(name), news_of.get(name))

    # --- one pair
    def inside(self, pair: Pair, place: Place) -> Iterator[Change]:
        """What differs in a pair, and in all that it holds."""
        yield from self.names(pair, place)
        yield from self.values(pair, place)
        within = self.place_in(pair, place)
        yield from self.repeats(pair, within)
        if pair.moved:
            before, after = (", ".join(map(name_of, side.items)) for side in (pair.old, pair.new))
            parts = Parts(parts_of(pair.old.items), parts_of(pair.new.items))
            yield Change("order", within, "", "", before, after, parts=parts)
        told = self.counted_turns(pair)
        for wrap, change in self.wraps(pair, within, told):
            yield change
            told.update(wrap.items)
        for number, gap in enumerate(pair.gaps):
            yield from self.gap(without(gap, told), pair, number, within)
            if number < len(pair.pairs):
                yield from self.inside(pair.pairs[number], within)
        if isinstance(pair.old.part, Node) and isinstance(pair.new.part, Node):
            yield from self.reads(pair.old.part, pair.new.part, place)

    def place_in(self, pair: Pair, place: Place) -> Place:
        """The place of what stands in a pair."""
        old, new = pair.old, pair.new
        if new.kind == "block" and is_operator(new.word):
            return Place(new.word, old.path, new.path)
        if new.kind in NAMED and not place.block:
            return Place("", old.path or old.word, new.path or new.word)
        return place

    def names(self, pair: Pair, place: Place) -> Iterator[Change]:
        old, new = pair.old, pair.new
        if old.kind == "block" and old.word != new.word and is_operator(new.word):
            yield Change("renamed", Place("", "", ""), "block", "", old.word, new.word)
        elif old.kind in NAMED and old.named and new.named and old.name != new.name:
            yield Change("renamed", Place("", "", ""), old.kind, "", old.path, new.path)
        elif old.named and new.named and old.name != new.name and old.kind not in ("network", "turn"):
            yield Change("renamed", place, "step", "", old.name, new.name)

    def values(self, pair: Pair, place: Place) -> Iterator[Change]:
        """Fields, arguments and columns whose values differ, and come of other expressions."""
        old, new = pair.old.part, pair.new.part
        if isinstance(old, Scope) and isinstance(new, Scope):
            if old.shared != new.shared:
                parts = Parts((old,), (new,))
                yield Change("value", place, new.name, "shared", old.shared, new.shared, parts=parts)
            if pair.old.word == pair.new.word:
                yield from self.differing(old, new, old.arguments, new.arguments, self.place_of_call(pair, place))
            number = self.number_of(old), self.number_of(new)
            for name, value in new.row.items():
                if name in old.row and differ(old.row[name], value):
                    sources = self.old.column(old, name, number[0]), self.new.column(new, name, number[1])
                    if self.all_values or sources[0] is None or sources[0] != sources[1] or not sources[0].mentioned:
                        yield Change("value", self.place_in(pair, place), "", name, old.row[name], value)
        elif isinstance(old, Node) and isinstance(new, Node):
            for name in ("training", "shared"):
                if getattr(old, name) != getattr(new, name):
                    values = getattr(old, name), getattr(new, name)
                    yield Change("value", place, new.op.name, name, *values, parts=Parts((old,), (new,)))
            yield from self.differing(old, new, old.fields, new.fields, place)

    def place_of_call(self, pair: Pair, place: Place) -> Place:
        """Where a call says its arguments: those of calls in the network belong to the block that is called."""
        if place.block or not is_operator(pair.new.word):
            return place
        return Place(pair.new.word, pair.old.path, pair.new.path)

    def differing(
        self, old: Part, new: Part, before: Mapping[str, Any], after: Mapping[str, Any], place: Place
    ) -> Iterator[Change]:
        called = place.after == new.path and isinstance(new, Scope)
        subject = "" if called else new.op.name if isinstance(new, Node) else new.name
        for name, value in after.items():
            if name in before and differ(before[name], value):
                sources = self.old.value(old, name), self.new.value(new, name)
                if self.all_values or not self.follows(new, *sources):
                    plainly, parts = texts_of(*sources), Parts((old,), (new,))
                    yield Change("value", place, subject, name, before[name], value, plainly=plainly, parts=parts)

    def follows(self, new: Part, one: Source | None, other: Source | None) -> bool:
        """Whether a difference of values comes of another one: both are said by the same expression over names."""
        if one is None or other is None or one != other:
            return False
        hidden = self.new.hidden(new) - set(self.after.params)
        return bool(one[1].mentioned) and hidden.isdisjoint(one[1].mentioned)

    @staticmethod
    def number_of(row: Scope) -> int:
        """Which of the rows of its table a row is."""
        siblings = row.parent.children if row.parent is not None else []
        same = [child for child in siblings if isinstance(child, Scope) and child.span == row.span]
        return same.index(row) if row in same else 0

    # --- repeats
    def repeats(self, pair: Pair, place: Place) -> Iterator[Change]:
        """Loops that turn another number of times."""
        for old, new in self.loops(pair):
            if len(old) != len(new):
                parts = Parts(parts_of(old[:1]), parts_of(new[:1]))
                yield Change("repeats", place, called(new[:1]), "", len(old), len(new), parts=parts)

        for side in (pair.old, pair.new):
            for turns in self.split_turns(side, pair):
                counts = (1, len(turns)) if side is pair.new else (len(turns), 1)
                turn = parts_of(turns[:1])
                yield Change("repeats", place, f"[{called(turns[:1])}]", "", *counts, parts=Parts(turn, turn))

    @staticmethod
    def split_turns(side: Item, pair: Pair) -> list[list[Item]]:
        """The turns of each loop of which one alone is in the other network, where it is no loop."""
        there = pair.sides.olds if side is pair.old else pair.sides.news
        return [
            turns for turns in turns_of(side).values() if len(turns) > 1 and sum(t not in there for t in turns) == 1
        ]

    def loops(self, pair: Pair) -> list[tuple[list[Item], list[Item]]]:
        """The turns of each loop that is in both."""
        olds, news = turns_of(pair.old), turns_of(pair.new)
        links: dict[Any, Any] = {}
        for inner in pair.pairs:
            if inner.old.loop is not None and inner.new.loop is not None:
                links.setdefault(inner.old.loop, inner.new.loop)
        return [(olds[old], news[new]) for old, new in links.items()]

    def counted_turns(self, pair: Pair) -> set[Item]:
        loops = [*self.loops(pair), *(self.split_turns(side, pair) for side in (pair.old, pair.new))]
        return {item for loop in loops for side in loop for item in side}

    # --- what stands in one alone
    def wraps(self, pair: Pair, place: Place, turns: set[Item]) -> Iterator[tuple[Wrap, Change]]:
        """Joins around steps that are in both."""
        kinds: tuple[Kind, Kind] = "removed", "added"
        for kind, items, alone in zip(kinds, (pair.sides.olds, pair.sides.news), pair.sides.alone, strict=True):
            for wrap in wraps(items, set(alone) - turns):
                yield wrap, wrapped(kind, wrap, items, pair, place)

    def gap(self, gap: Gap, pair: Pair, number: int, place: Place) -> Iterator[Change]:
        removed, added = gap.removed, gap.added
        last = pair.pairs[number - 1].new if number else None
        for old, new in replaced(removed, added):
            plainly = in_words([old]), in_words([new])
            texts = called([old]), called([new])
            before, after = texts if texts[0] != texts[1] else plainly
            parts = Parts(parts_of([old]), parts_of([new]))
            yield Change("replaced", place, "", "", before, after, plainly=plainly, parts=parts)
            removed = [item for item in removed if item is not old]
            added = [item for item in added if item is not new]
        if removed:
            parts = Parts(parts_of(removed))
            yield Change("removed", place, *called_apart(removed), plainly=(in_words(removed), ""), parts=parts)
        if added:
            near = "" if last is None else name_of(last)
            parts = Parts((), parts_of(added), None if last is None else last.part)
            yield Change("added", place, *called_apart(added), near=near, plainly=("", in_words(added)), parts=parts)

    # --- the ways of tensors
    def reads(self, old: Node, new: Node, place: Place) -> Iterator[Change]:
        """An op that reads what another one makes, or in another order."""
        lost, gained, before, after = self.inputs.changed(old, new)
        if lost or gained:
            parts = Parts(nodes_among(lost), nodes_among(gained), new)
            yield Change("inputs", place, new.op.name, "", *told(lost, gained, place), parts=parts)
        elif before:
            parts = Parts(near=new)
            yield Change("order", place, new.op.name, "inputs", *told(before, after, place), parts=parts)


# --- words
def wrapped(kind: Kind, wrap: Wrap, items: Sequence[Item], pair: Pair, place: Place) -> Change:
    """A join around steps: of `add`, a residual."""
    assert isinstance(wrap.join.part, Node)
    is_residual = wrap.join.word == "add"
    whole = len(wrap.around) + len(wrap.items) == len(items) and pair.new.kind in NAMED
    around = f"the whole {pair.new.kind}" if whole else called(wrap.around)
    word = "residual" if is_residual else called([wrap.join])
    others = f", {'with the shortcut' if is_residual else 'beside'} {called(wrap.beside)}" if wrap.beside else ""
    text = f"{word} around {around}{others}"
    plainly = f"{word} around {in_words([*wrap.around, *wrap.beside])}"
    beside = ("", plainly) if kind == "added" else (plainly, "")
    return Change(kind, place, text, plainly=beside, parts=Parts(wrap=wrap))


def parts_of(items: Sequence[Item]) -> tuple[Part, ...]:
    return tuple(item.part for item in items)


def nodes_among(sources: Sequence[Origin]) -> tuple[Part, ...]:
    """The ops among what makes tensors; the others are inputs of the network."""
    return tuple(node for node, _ in sources if isinstance(node, Node))


def texts_of(one: Source | None, other: Source | None) -> tuple[str, str]:
    """What values come of, as text, where both are computed."""
    computed = one is not None and other is not None and one[1].mentioned and other[1].mentioned
    return (show(one[1]), show(other[1])) if computed and one and other else ("", "")


def differ(one: Any, other: Any) -> bool:
    """Whether two values are not the same; 1 and true are not."""
    return frozen(one) != frozen(other)


def without(gap: Gap, turns: set[Item]) -> Gap:
    """A gap without turns of loops, whose number is told."""
    return Gap(*([item for item in side if item not in turns] for side in (gap.removed, gap.added)))


def turns_of(item: Item) -> dict[Any, list[Item]]:
    """The turns of each loop among the children of an item."""
    found: dict[Any, list[Item]] = {}
    for inner in item.items:
        if inner.loop is not None:
            found.setdefault(inner.loop, []).append(inner)
    return found


def role(item: Item) -> str:
    """What may take the place of an item: something of the same role."""
    return item.part.op.role if isinstance(item.part, Node) else item.kind


def replaced(removed: list[Item], added: list[Item]) -> Iterator[tuple[Item, Item]]:
    """What stands in the place of what stood there: in order, things of one role."""
    if len(removed) == len(added) == 1 and {removed[0].kind, added[0].kind} <= {OP, "block"}:
        yield removed[0], added[0]
        return
    left = [item for item in added if item.kind in (OP, "block")]
    for old in removed:
        new = next((item for item in left if role(item) == role(old)), None)
        if new is not None and old.kind in (OP, "block"):
            left = left[left.index(new) + 1 :]
            yield old, new


def called(items: Sequence[Item]) -> str:
    """Steps in words; stages and rows with their names."""
    return ": ".join(filter(None, called_apart(items)))


def called_apart(items: Sequence[Item]) -> tuple[str, str]:
    """The same, and what is in stages and rows."""
    if items[0].kind not in NAMED:
        return spelled(runs(item.part for item in items)), ""
    named = [item.path or item.word for item in items]
    names = ", ".join(named) if len(named) <= MOST_NAMES else f"{named[0]} to {named[-1]}"
    kind = items[0].kind if len(items) == 1 else f"{items[0].kind}s"
    return f"{kind} {names}", spelled(runs(part for item in items for part in steps_of(item.part)))


def steps_of(part: Part) -> Sequence[Part]:
    """What a stage is made of; one that holds another stage alone (with a `when:`) is that one."""
    children = [] if isinstance(part, Node) else part.children
    only = children[0] if len(children) == 1 else None
    return steps_of(only) if isinstance(only, Scope) and only.kind == "stage" else children


def in_words(items: Sequence[Item]) -> str:
    """Steps by the words of the spec for what they are, without what their numbers add."""
    return ", ".join(word_for(item) for item in items)


def word_for(item: Item) -> str:
    if item.kind in NAMED:
        return item.path or item.word
    is_whole = item.kind == OP or (item.kind == "block" and is_operator(item.word))
    return item.word if is_whole else f"[{in_words(item.items)}]"


def name_of(item: Item) -> str:
    """A step by the name that the spec gives it, else by what it is."""
    return item.name if item.named and item.kind not in NAMED else word_for(item)


def told(before: Sequence[Origin], after: Sequence[Origin], place: Place) -> tuple[str, str]:
    """Two lists of sources, as seen from a place; by their whole paths where these alone tell them apart."""
    for seen in (place, Place("", "", "")):
        texts = [", ".join(source_text(source, seen) for source in side) for side in (before, after)]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def source_text(source: Origin, place: Place) -> str:
    """What makes a tensor, as seen from a place: in a block by its path there."""
    path = source[0].path if isinstance(source[0], Node) else ""
    if place.block:
        inside = path.startswith(f"{place.after}.")
        return path[len(place.after) + 1 :] if inside else "what enters"
    return path or f"the input {source[0]}"
