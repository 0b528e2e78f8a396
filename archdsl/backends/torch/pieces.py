"""The parts of `__init__`: children of containers and the calls that make modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Statement, Tree
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, Name, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Module, is_lit


@dataclass
class Piece:
    """A child of a container: a module, a loop over modules, or an optional one."""

    module: Tree | None = None
    key: str | None = None
    body: list[Statement] = field(default_factory=list)  # statements that append to the container
    condition: Expr | None = None  # under which all of these are, if it holds in all of the container or nowhere


def joined_pieces(pieces: list[Piece], more: list[Piece]) -> list[Piece]:
    """Pieces in a row; two under one condition share its `if`."""
    if pieces and len(more) == 1 and more[0].condition is not None and more[0].condition == pieces[-1].condition:
        inside = [inner for piece in (pieces[-1], *more) for made in piece.body for inner in optional(made).body]
        whole = py.If(more[0].condition, inside)
        return [*pieces[:-1], Piece(body=[whole], condition=more[0].condition)]
    return [*pieces, *more]


def optional(statement: Statement) -> py.If:
    """The statement of a piece under a condition."""
    assert isinstance(statement, py.If)
    return statement


def text(expr: Expr | Constant) -> str:
    """An expression as source."""
    return show(wrap(expr), python=True)


def value_tree(value: Any) -> Tree:
    """A value as source: a list is a tuple there, a mapping a dictionary."""
    if isinstance(value, Mapping):
        return py.Dict(tuple((Lit(key), value_tree(inner)) for key, inner in value.items()))
    if isinstance(value, list) and value:
        return py.Tuple(tuple(map(value_tree, value)))
    return wrap(value)


def module_call(made: Module, function: Tree | None = None) -> py.Call:
    """`nn.Conv2d(c_in, out, 3, 2, 1, bias=False)`: stride and padding by position where both are given."""
    items: list[Tree] = [wrap(arg) for arg in made.args]
    in_order = True
    for name, (value, default) in made.kwargs.items():
        expr = wrap(value)
        if is_lit(expr, default) or (isinstance(expr, ListOf) and all(is_lit(i, default) for i in expr.items)):
            in_order = False
        elif in_order and name in ("stride", "padding"):
            items.append(expr)
        else:
            in_order = False
            items.append(py.Keyword(name, expr))
    return py.Call(Name(made.cls) if function is None else function, tuple(items))


def leading(pieces: Sequence[Piece]) -> tuple[tuple[Tree, ...], Sequence[Piece]]:
    """The modules that a container can be made with, and the pieces that come after."""
    found: list[Tree] = []
    for piece in pieces:
        if piece.module is None or piece.key is not None or piece.body:
            break
        found.append(piece.module)
    return tuple(found), pieces[len(found) :]


def appended(pieces: Sequence[Piece]) -> list[Statement]:
    """Statements that append pieces to the container at hand."""
    found: list[Statement] = []
    for piece in pieces:
        if piece.module is not None:
            found.append(py.Append(piece.module, None if piece.key is None else Lit(piece.key)))
        found += piece.body
    return found


def container(target: str, pieces: Sequence[Piece]) -> list[Statement]:
    """`target = nn.Sequential(…)` with the modules that can be told at once; the others are appended to it."""
    first, rest = leading(pieces)
    return [py.assign(target, py.call("nn.Sequential", *first)), *aimed(appended(rest), target)]


def aimed(statements: Iterable[Statement], target: str) -> list[Statement]:
    """Statements that append to a container of this name."""
    return [aimed_one(statement, target) for statement in statements]


def aimed_one(statement: Statement, target: str) -> Statement:
    match statement:
        case py.Append(py.Starred(value), None):
            return py.Evaluate(py.call(f"{target}.extend", value))
        case py.Append(value, None):
            return py.Evaluate(py.call(f"{target}.append", value))
        case py.Append(value, key) if key is not None:
            return py.Evaluate(py.call(f"{target}.add_module", key, value))
    return py.over_bodies(statement, lambda body: aimed(body, target))


def keyed(statements: Iterable[Statement], key: Tree) -> list[Statement]:
    """Modules that are appended without a key get this one: the name of their row."""
    return [keyed_one(statement, key) for statement in statements]


def keyed_one(statement: Statement, key: Tree) -> Statement:
    if isinstance(statement, py.Append):
        bare = statement.key is None and not isinstance(statement.value, py.Starred)
        return py.Append(statement.value, key) if bare else statement
    return py.over_bodies(statement, lambda body: keyed(body, key))
