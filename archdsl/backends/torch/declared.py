"""Which local names a type checker must be told of, and what makes a value a Tensor to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Name

Typed: TypeAlias = "frozenset[str] | None"  # the names that make a value a Tensor to a type checker; None: nothing does


KNOWN: frozenset[str] = frozenset()


TENSOR = Name("Tensor")


class Declared:
    """The local names of a function: a type checker is told of those alone that make what is given back a Tensor.

    It knows nothing of what a module gives (`nn.Module.__call__` is Any).
    """

    def __init__(self, parameters: Iterable[str]) -> None:
        self.known = set(parameters)  # names that are Tensors by themselves
        self.assigned: dict[str, list[Typed]] = {}
        self.kinds: dict[str, str] = {}  # of names that are lists

    def assign(self, name: str, typed: Typed, kind: str = "Tensor") -> None:
        """A statement gives a name a value."""
        if kind != "Tensor":
            self.kinds[name] = kind
        self.assigned.setdefault(name, []).append(typed)

    def wanted(self, names: Iterable[str]) -> set[str]:
        """The names that are to be annotated, so that these are Tensors."""
        found: set[str] = set()
        for name in set(names) - self.known:
            self.known.add(name)
            values = self.assigned.get(name, [])
            found |= {name} if None in values else self.wanted(inner for typed in values for inner in typed or ())
        return found


def annotated(body: Sequence[py.Statement], left: set[str], kinds: Mapping[str, str]) -> list[py.Statement]:
    """A body in which the first assignments of some names say that they are Tensors; what is said is no longer left.

    Names that are assigned together are declared before.
    """
    found: list[py.Statement] = []
    for statement in body:
        match statement:
            case py.Assign(py.Tuple(items)) if len(items) > 1:
                together = [item for item in items if isinstance(item, Name) and item.id in left]
                found += [py.Assign(item, None, TENSOR) for item in together]
                left.difference_update(item.id for item in together)
            case py.Assign(Name(id=name), annotation=None) if name in left:
                left.discard(name)
                statement = replace(statement, annotation=parsed(kinds.get(name, "Tensor")))
        found.append(py.over_bodies(statement, lambda inner: annotated(inner, left, kinds)))
    return found


def typed_tree(made: Tree, arguments: Typed) -> Typed:
    """What makes a value a Tensor to a type checker, of arguments that these names make Tensors."""
    first = py.leftmost(made)
    if isinstance(first, py.List) or (isinstance(first, Name) and first.id.startswith(("torch.", "F."))):
        return KNOWN
    return None if isinstance(first, Name) and first.id.startswith("self.") else arguments


def all_typed(found: Iterable[Typed]) -> Typed:
    """What makes all of some values Tensors."""
    names: set[str] = set()
    for typed in found:
        if typed is None:
            return None
        names |= typed
    return frozenset(names)
