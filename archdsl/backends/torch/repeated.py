"""Widths that a constructor would print again and again: each gets a local variable, made where it is first read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Part, Statement, Tree
from archdsl.expr.nodes import Call, Expr, IfElse, Name, SumOfRows, children, rebuild
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
    return isinstance(expr, (Call, IfElse, SumOfRows)) or any(map(is_laborious, children(expr)))


def with_variables(body: Sequence[Statement], words: Mapping[Expr, str]) -> list[Statement]:
    """A constructor with variables for widths, each made in front of the statement that reads it first."""
    variables = {width: Name(word) for width, word in words.items()}
    found = [replaced_in(statement, variables) for statement in body] if words else list(body)
    for width, word in words.items():
        reader = next((n for n, statement in enumerate(found) if py.reads(statement, word)), None)
        if reader is not None:
            others = {other: name for other, name in variables.items() if other != width}
            found.insert(reader, py.Assign(Name(word), replaced(width, others)))
    return found


def replaced_in(statement: Statement, words: Mapping[Expr, Expr]) -> Statement:
    """A statement with other expressions for some in it."""
    return py.changed(statement, lambda tree: replaced(tree, words))


def replaced(tree: Tree, words: Mapping[Expr, Expr]) -> Tree:
    """A tree with other expressions for some in it."""
    return in_number(tree, words) if isinstance(tree, Expr) else py.rebuild(tree, lambda part: replaced(part, words))


def in_number(expr: Expr, words: Mapping[Expr, Expr]) -> Expr:
    return words[expr] if expr in words else rebuild(expr, lambda part: in_number(part, words))
