"""Channels after a loop whose number of turns is an expression: what its turns come to, as a formula."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import Binary, Compare, Expr, IfElse, Lit, Name, names
from archdsl.expr.simplify import same, simplify

INDEX = "i"  # the name of the count of turns
Cells = Callable[..., "dict[str, Expr]"]  # what a turn binds: of its index, and whether it is the first and the last


def after_turns(
    turn: Expr, carried: Name, start: Expr, count: Expr, known: frozenset[int], cells: Cells
) -> Expr | None:
    """What leaves the last of `count` turns, each of which makes `turn` of `carried`; None if there is no formula.

    `known` are the counts that there are: what is needed for other ones alone is left out.
    """

    def at(index: Expr, entering: Expr, *, first: Expr, last: Expr) -> Expr:
        return simplify(substitute(turn, {**cells(index, first=first, last=last), carried.id: entering}))

    lone = Compare("==", count, Lit(1))
    found = at(count - 1, carried, first=lone, last=Lit(True))
    if reads(found, carried):  # what enters the last turn matters
        entering = at(Lit(0), start, first=Lit(True), last=Lit(False))
        middle = between(at(Name(INDEX), carried, first=Lit(False), last=Lit(False)), carried, entering, count - 2)
        if middle is None:
            return None
        found = at(count - 1, middle, first=Lit(False), last=Lit(True))
        if min(known - {0}, default=1) == 1:
            found = choice(lone, at(Lit(0), start, first=Lit(True), last=Lit(True)), found)
    return choice(Compare("==", count, Lit(0)), start, found) if 0 in known else found


def between(turn: Expr, carried: Name, entering: Expr, count: Expr) -> Expr | None:
    """What leaves `count` turns that are neither the first nor the last; their index counts from 1."""
    if not reads(turn, carried):  # each gives the same, whatever enters: without one it is what entered
        return choice(Compare("==", count, Lit(0)), entering, substitute(turn, {INDEX: count}))
    growth = simplify(turn - carried)
    if not reads(growth, carried):
        return total(growth, entering, count)
    match turn:
        case Binary(op="*" | "//" as op, left=left, right=factor) if left == carried and not moves(factor, carried):
            return Binary(op, entering, Binary("**", factor, count))
        case Binary(op="*", left=factor, right=right) if right == carried and not moves(factor, carried):
            return Binary("*", entering, Binary("**", factor, count))
    return None


def total(growth: Expr, entering: Expr, count: Expr) -> Expr | None:
    """What enters and a growth for each turn: the same for all, or more by the same from turn to turn."""
    if not moves(growth, None):
        return simplify(entering + count * growth)
    first, second = (simplify(substitute(growth, {INDEX: Lit(n)})) for n in (1, 2))
    step = simplify(second - first)
    if not same(growth, first + (Name(INDEX) - 1) * step):
        return None
    return simplify(entering + count * first + step * (count * (count - 1) // 2))


def choice(condition: Expr, then: Expr, other: Expr) -> Expr:
    """One or the other, unless they are equal."""
    return other if same(then, other) else fold(IfElse(condition, then, other))


def reads(expr: Expr, name: Name) -> bool:
    return any(found == name for found in names(expr))


def moves(expr: Expr, carried: Name | None) -> bool:
    """Whether an expression differs from turn to turn."""
    return any(found.id == INDEX or found == carried for found in names(expr))
