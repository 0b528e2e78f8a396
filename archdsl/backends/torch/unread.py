"""Variables for channels that move, of which nothing reads what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Statement
from archdsl.expr.nodes import Name


def without_unread(body: Sequence[Statement], variables: Iterable[str]) -> list[Statement]:
    """A constructor without those variables that nothing else reads, if all that they are made of stays read."""
    found = list(body)
    for variable in sorted(variables):
        rest = dropped(found, variable)
        made_of = py.words_read(*(made.value for made in assigned(found, variable) if made.value is not None))
        read = py.words_read(*rest)
        if variable not in read and made_of - {variable} <= read:
            found = rest
    return found


def assigned(body: Sequence[Statement], variable: str) -> Iterator[py.Assign]:
    """The statements that set a variable."""
    for statement in body:
        if isinstance(statement, py.Assign) and statement.target == Name(variable):
            yield statement
        elif isinstance(statement, py.If):
            yield from assigned([*statement.body, *statement.orelse], variable)
        elif isinstance(statement, py.For):
            yield from assigned(statement.body, variable)


def dropped(body: Sequence[Statement], variable: str) -> list[Statement]:
    """Statements without those that set a variable."""
    kept = (s for s in body if not (isinstance(s, py.Assign) and s.target == Name(variable)))
    return [py.over_bodies(statement, lambda inner: dropped(inner, variable)) for statement in kept]
