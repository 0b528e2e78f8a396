"""Lists of tensors of which some are lists: sums of lists, which torch.jit.script takes, in place of `[a, *b]`."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Name


def with_sums(body: Sequence[py.Statement], parameters: AbstractSet[str]) -> list[py.Statement]:
    """The statements of a body with `[a] + b` where a list is spread, if all that is spread there are lists.

    `parameters` are the tensors that enter; those that are several may be tuples.
    """
    made = [part for part in py.walk(*body) if isinstance(part, py.Assign) and isinstance(part.target, Name)]
    others = {name(part) for part in made if part.value is not None and not is_list(part.value)}
    others |= parameters
    lists = {name(part) for part in made if part.value is not None and is_list(part.value)} - others
    return [py.changed(statement, lambda tree: summed(tree, lists)) for statement in body]


def name(statement: py.Assign) -> str:
    """The name that a statement assigns to."""
    assert isinstance(statement.target, Name)
    return statement.target.id


def is_list(tree: Tree) -> bool:
    """Whether a tree is a list of Python's as it is written."""
    match tree:
        case py.List():
            return True
        case py.Conditional(then, _, other):
            return is_list(then) and is_list(other)
    return False


def summed(tree: Tree, lists: AbstractSet[str]) -> Tree:
    """A tree with sums of lists."""
    found = py.rebuild(tree, lambda part: summed(part, lists))
    if not isinstance(found, py.List) or not any(isinstance(item, py.Starred) for item in found.items):
        return found
    terms: list[Tree] = []
    alone: list[Tree] = []  # tensors beside one another
    for item in found.items:
        if not isinstance(item, py.Starred):
            alone.append(item)
            continue
        if isinstance(item.value, py.List) and not isinstance(next(iter(item.value.items), None), py.Comprehension):
            alone += item.value.items
            continue
        term = term_of(item.value, lists)
        if term is None:
            return found
        terms += [py.List(tuple(alone)), term] if alone else [term]
        alone = []
    terms += [py.List(tuple(alone))] if alone else []
    first, *rest = terms
    return py.Operation(first, tuple(("+", term) for term in rest)) if rest else first


def term_of(spread: Tree, lists: AbstractSet[str]) -> Tree | None:
    """What is spread as a term, if it is a list."""
    if isinstance(spread, py.List) or (isinstance(spread, Name) and spread.id in lists):
        return spread
    return None
