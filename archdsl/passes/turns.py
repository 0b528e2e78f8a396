"""Values for each turn of loops in loops: what they have in common, over turns in which nothing was run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from archdsl.expr.nodes import Constant

Tree: TypeAlias = Any  # a value, or a list with a tree for each turn; MISSING where nothing was run
MISSING = object()


def put(tree: Tree, turns: Sequence[int], value: Constant) -> Tree:
    """A tree with a value at a place."""
    if not turns:
        return value
    found = list(tree) if isinstance(tree, list) else []
    found += [MISSING] * (turns[0] + 1 - len(found))
    found[turns[0]] = put(found[turns[0]], turns[1:], value)
    return found


def leaves(tree: Tree) -> Iterator[Constant]:
    """The values of a tree."""
    if isinstance(tree, list):
        for turn in tree:
            yield from leaves(turn)
    elif tree is not MISSING:
        yield tree


def is_uniform(tree: Tree) -> bool:
    """Whether it has one value, in all turns."""
    return len(set(leaves(tree))) <= 1


def value_of(tree: Tree) -> Constant:
    """The value of a tree that has one; MISSING if nothing was run."""
    return next(leaves(tree), MISSING)


def merged(trees: Iterable[Tree]) -> Tree | None:
    """The tree that others are parts of; None where two of them differ."""
    found: Tree = MISSING
    for tree in trees:
        if found is MISSING or tree is MISSING:
            found = tree if found is MISSING else found
        elif isinstance(found, list):
            longer = max(len(found), len(tree))
            pairs = (merged([turns[place] for turns in (found, tree) if place < len(turns)]) for place in range(longer))
            found = list(pairs)
            if None in found:
                return None
        elif found != tree:
            return None
    return found


def first_and_rest(turns: Tree) -> tuple[Constant, Constant] | None:
    """The values of the first turn and of all others, of one loop, if those are alike."""
    if not isinstance(turns, list) or any(isinstance(turn, list) for turn in turns) or not is_uniform(turns[1:]):
        return None
    first, rest = turns[0], value_of(turns[1:])
    return (rest if first is MISSING else first), (first if rest is MISSING else rest)


def filled(turns: Sequence[Tree]) -> list[Constant]:
    """The values of some turns; where nothing was run, that of the turn before, or of the first that was run."""
    found: list[Constant] = []
    last = value_of(list(turns))
    for turn in turns:
        last = last if turn is MISSING else turn
        found.append(last)
    return found
