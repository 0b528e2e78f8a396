"""Widths that a constructor would print again and again: each gets a local variable, made where it is first read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Part, Statement
from archdsl.expr.nodes import Call, Expr, IfElse, Name, children, rebuild
from archdsl.expr.show import show


def repeated(widths: Iterable[Expr], body: Sequence[Statement]) -> Iterator[Expr]:
    """Those of some widths that are worth a variable: more than arithmetic, and in these statements more than once."""
    found: set[Expr] = set()
    laborious = [width for width in dict.fromkeys(widths) if is_laborious(width)]
    for width in sorted(laborious, key=lambda width: (-len(show(width, python=True)), show(width, python=True))):
        if sum(occurrences(statement, width, found) for statement in body) > 1:
            found.add(width)
            yield width


def occurrences(part: Part, width: Expr, others: set[Expr]) -> int:
    """How often a width stands in a part, but for those in others."""
    if part == width:
        return 1
    if isinstance(part, Expr) and part in others:
        return 0
    return sum(occurrences(inner, width, others) for inner in py.children(part))


def is_laborious(expr: Expr) -> bool:
    """Whether more is done than arithmetic."""
    return isinstance(expr, (Call, IfElse)) or any(map(is_laborious, children(expr)))


def with_variables(expr: Expr, words: Mapping[Expr, str]) -> Expr:
    """An expression with variables for the widths in it."""
    if expr in words:
        return Name(words[expr])
    return rebuild(expr, lambda part: with_variables(part, words)) if words else expr


def with_assignments(body: Sequence[Statement], words: Mapping[Expr, str]) -> list[Statement]:
    """A constructor, the variables for widths made in front of the statement that reads them first."""
    found = list(body)
    for expr, word in words.items():
        reader = next((n for n, statement in enumerate(found) if py.reads(statement, word)), None)
        if reader is not None:
            others = {other: name for other, name in words.items() if other != expr}
            found.insert(reader, py.assign(word, with_variables(expr, others)))
    return found
