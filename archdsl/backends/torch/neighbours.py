"""Statements side by side that ask the same: one `if` for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Unary


def merged(statements: Sequence[py.Statement]) -> list[py.Statement]:
    """The statements of a body: one `if` for neighbours under one condition, and its `else` for the opposite."""
    found: list[py.Statement] = []
    for statement in statements:
        now = py.over_bodies(statement, merged)
        before = found[-1] if found else None
        if isinstance(now, py.If) and isinstance(before, py.If) and not before.orelse and keeps(before):
            if now.condition == before.condition:
                found[-1] = py.If(before.condition, merged([*before.body, *now.body]), now.orelse)
                continue
            if are_opposite(now.condition, before.condition) and not now.orelse:
                found[-1] = py.If(before.condition, before.body, now.body)
                continue
        found.append(now)
    return found


def keeps(statement: py.If) -> bool:
    """Whether a condition still says the same after its body."""
    made = [part for part in py.walk(*statement.body) if isinstance(part, (py.Assign, py.Chosen, py.For))]
    words = {name for part in made for name in py.dotted_names(part.target)}
    return not words & set(py.dotted_names(statement.condition))


def are_opposite(condition: Tree, other: Tree) -> bool:
    """Whether one condition is `not` the other."""
    return other in denied(condition) or condition in denied(other)


def denied(condition: Tree) -> list[Tree]:
    """What a condition denies."""
    match condition:
        case py.Prefixed("not", value) | Unary("not", value):
            return [value.value if isinstance(value, py.Bracketed) else value]
    return []
