"""Changes in the words of a paper: one statement for all places in which the same was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.analysis.difference.alignment import frozen
from archdsl.analysis.difference.changes import Change, Place
from archdsl.analysis.difference.structure import NAMED, Pair, Structure
from archdsl.expr.nodes import Expr, wrap
from archdsl.expr.show import show

ARROW = "→"
UNSAID = "torch's own"  # what fills a tensor that init: does not name
LONGEST = 80  # letters of a value
MOST_PATHS = 3  # of places that are spelled out


@dataclass(frozen=True)
class Statement:
    """What was done in some places: `where` is empty for the whole network; `before` and `after` are their paths."""

    where: str
    texts: tuple[str, ...]
    changes: tuple[Change, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    alike: tuple[tuple[Change, ...], ...] = field(compare=False, repr=False)  # of each text, from all places
    calls: int  # of the block that the places are calls of, in both networks
    rows: tuple[str, ...]  # the stages that hold these of its calls and no others

    def __str__(self) -> str:
        said = "; ".join(self.texts)
        return f"{self.where}: {said}" if self.where else said


@dataclass
class Census:
    """The calls of blocks that are in both networks, all and by the stage or row that they stand in."""

    rows: dict[tuple[str, str], str] = field(default_factory=dict)  # of a block and the path of its call
    calls: Counter[str] = field(default_factory=Counter)
    in_row: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, pair: Pair, row: str = "") -> Census:
        """Counts the calls in a pair."""
        new = pair.new
        row = new.path or new.word if new.kind in NAMED else row
        if new.kind == "block":
            self.rows[new.word, new.path] = row
            self.calls[new.word] += 1
            self.in_row[new.word, row] += 1
        for inner in pair.pairs:
            self.count(inner, row)
        return self


def statements(changes: Sequence[Change], structure: Structure) -> list[Statement]:
    """Changes by what they are and where."""
    census = Census().count(structure.root)
    alike: dict[tuple[Any, ...], dict[Place, Change]] = {}
    for change in merged(changes):
        alike.setdefault(key_of(change), {})[change.place] = change
    together: dict[tuple[tuple[Place, ...], int], list[tuple[Change, ...]]] = {}
    for number, places in enumerate(alike.values()):
        first = next(iter(places.values()))
        alone = number if first.place.is_whole and first.kind != "setting" else -1  # a stage, a name
        together.setdefault((tuple(places), alone), []).append(tuple(places.values()))
    return [statement(places, found, census) for (places, _), found in together.items()]


def key_of(change: Change) -> tuple[Any, ...]:
    """Equal for changes that are one, made in several places."""
    said = change.subject, frozen(change.before), frozen(change.after)
    plainly = change.plainly if change.plainly[0] != change.plainly[1] else said
    subject = change.subject if change.kind not in ("added", "removed") else ""
    return change.place.block, change.kind, subject, change.what, change.near, *plainly


def in_one(changes: Sequence[Change]) -> Change:
    """The change that all are; where they differ in numbers, without these."""
    first = changes[0]
    if len({(change.subject, frozen(change.before), frozen(change.after)) for change in changes}) == 1:
        return first
    before, after = first.plainly
    if first.kind in ("added", "removed"):
        return replace(first, subject=before or after)
    return replace(first, before=before, after=after)


def merged(changes: Sequence[Change]) -> Iterator[Change]:
    """Changes without repeats that a column of the same row counts, which then says of what."""
    repeats = {(c.place, c.before, c.after) for c in changes if c.kind == "repeats"}
    counted = {(c.place, c.before, c.after) for c in changes if is_column(c) and countable(c)} & repeats
    for change in changes:
        key = (change.place, change.before, change.after) if countable(change) else None
        if key is None or key not in counted:
            yield change
        elif is_column(change):
            yield Change("repeats", change.place, change.what, "column", change.before, change.after)


def is_column(change: Change) -> bool:
    return change.kind == "value" and not change.subject and not change.place.block


def countable(change: Change) -> bool:
    return type(change.before) is int and type(change.after) is int and (change.kind == "repeats" or is_column(change))


def statement(places: Sequence[Place], found: Sequence[tuple[Change, ...]], census: Census) -> Statement:
    changes = tuple(map(in_one, found))
    before, after = (
        tuple(filter(None, dict.fromkeys(side))) for side in zip(*((p.before, p.after) for p in places), strict=True)
    )
    block = places[0].block
    where, texts = in_calls(block, after, census) if block else listed(after), tuple(map(text, changes))
    rows = rows_of(block, after, census) if block else ()
    return Statement(where, texts, changes, before, after, tuple(found), census.calls[block], rows)


# --- where
def in_calls(block: str, paths: Sequence[str], census: Census) -> str:
    """`in all 21 TwoWayDenseLayers`, `in 2 of 21 ConvBNReLUs (stem.conv, head.conv)`."""
    total = census.calls[block]
    if len(paths) >= total:
        return f"in {block}" if total == 1 else f"in all {total} {plural(block)}"
    rows = rows_of(block, paths, census)
    if rows:
        word = "the" if len(paths) == 1 else f"all {len(paths)}"
        return f"in {word} {block if len(paths) == 1 else plural(block)} of {listed(rows)}"
    return f"in {len(paths)} of {total} {plural(block)} ({listed(paths)})"


def rows_of(block: str, paths: Sequence[str], census: Census) -> tuple[str, ...]:
    """The stages and rows whose calls of a block are these, all of them; none if others hold some."""
    rows = Counter(census.rows.get((block, path), "") for path in paths)
    return tuple(rows) if all(row and census.in_row[block, row] == n for row, n in rows.items()) else ()


def plural(block: str) -> str:
    return f"calls of {block}" if block.endswith("s") else f"{block}s"


def listed(paths: Sequence[str]) -> str:
    """Some paths, the first few of many."""
    shown = ", ".join(paths[:MOST_PATHS])
    return f"{shown} and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else shown


# --- what
def value_text(value: Any) -> str:
    """A value as a spec has it, words without quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    whole = show(value if isinstance(value, Expr) else wrap(value))
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}…"


def text(change: Change) -> str:
    """A change in words."""
    before, after = value_text(change.before), value_text(change.after)
    match change.kind:
        case "init":
            return f"init of {change.subject}: {change.before or UNSAID} {ARROW} {change.after or UNSAID}"
        case "setting":
            return f"{change.subject} {before} {ARROW} {after}"
        case "value":
            return f"{change.subject} {change.what} {before} {ARROW} {after}".strip()
        case "repeats" if change.what:
            counts = f"{before} {ARROW} {after}"
            return f"{counts} {change.subject}" if len(change.subject) > 1 else f"{change.subject} {counts}"
        case "repeats":
            return f"{change.subject} ×{before} {ARROW} ×{after}"
        case "added":
            near = f" after {change.near}" if change.near else ""
            return f"+ {change.subject}{near}" + (f": {change.what}" if change.what else "")
        case "removed":
            return f"− {change.subject}" + (f": {change.what}" if change.what else "")
        case "replaced":
            return f"{before} {ARROW} {after}"
        case "renamed":
            return f"the {change.subject} {before} is called {after}"
        case "order":
            return f"{change.subject} {change.what} in another order: {before} {ARROW} {after}".strip()
    return reading(change)


def reading(change: Change) -> str:
    """What an op reads that it did not."""
    lost, gained = change.before, change.after
    if not lost:
        return f"{change.subject} reads {gained} too"
    return (
        f"{change.subject} reads {gained} in place of {lost}" if gained else f"{change.subject} no longer reads {lost}"
    )
