"""Integer expressions as polynomials: what is equal gets one form."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeAlias

from archdsl.expr.fold import binary, fold
from archdsl.expr.nodes import Binary, Compare, Expr, IfElse, ListOf, Lit, Logic, Name, Unary, rebuild, wrap
from archdsl.expr.show import show

Poly: TypeAlias = "dict[tuple[Expr, ...], int]"
Facts: TypeAlias = "frozenset[tuple[Expr, Expr]]"  # the pairs (a, n) of which a % n == 0


def polynomial(expr: Expr, facts: Facts = frozenset()) -> Poly:
    """`expr` as an integer polynomial over opaque atoms; `facts` holds the pairs (a, n) with a % n == 0."""
    match expr:
        case Lit(value=value) if type(value) is int:
            return {(): value} if value else {}
        case Unary(op="-", operand=a):
            return {k: -v for k, v in polynomial(a, facts).items()}
        case Binary() if _is_list(expr):
            return {(expr,): 1}
        case Binary(op="+" | "-" as op, left=a, right=b):
            return _add(polynomial(a, facts), polynomial(b, facts), 1 if op == "+" else -1)
        case Binary(op="*", left=a, right=b):
            return _multiply(polynomial(a, facts), polynomial(b, facts), facts)
    return {(expr,): 1}


def _is_list(expr: Expr) -> bool:
    """Whether it is a list, whose sum keeps its order."""
    return isinstance(expr, ListOf) or (isinstance(expr, Binary) and (_is_list(expr.left) or _is_list(expr.right)))


def _add(a: Poly, b: Poly, sign: int) -> Poly:
    total = dict(a)
    for key, value in b.items():
        total[key] = total.get(key, 0) + sign * value
    return {key: value for key, value in total.items() if value}


def _multiply(a: Poly, b: Poly, facts: Facts) -> Poly:
    total: Poly = {}
    for (left, m), (right, n) in ((x, y) for x in a.items() for y in b.items()):
        atoms, factor = _cancel(_joined([*left, *right]), m * n, facts)
        total = _add(total, {tuple(sorted(atoms, key=repr)): factor}, 1)
    return total


def _joined(atoms: list[Expr]) -> list[Expr]:
    """Numbers chosen by one condition, multiplied, are the numbers that it chooses."""
    found: list[Expr] = []
    for atom in atoms:
        at = next((n for n, known in enumerate(found) if _chosen_alike(known, atom)), None)
        if at is None:
            found.append(atom)
        else:
            found[at] = binary("*", found[at], atom)
    return found


def _chosen_alike(a: Expr, b: Expr) -> bool:
    return isinstance(a, IfElse) and isinstance(b, IfElse) and isinstance(binary("*", a, b), IfElse)


def _cancel(atoms: list[Expr], factor: int, facts: Facts) -> tuple[list[Expr], int]:
    """`n * (a // n)` is `a` where a % n == 0 is known."""
    for atom in atoms:
        if isinstance(atom, Binary) and atom.op == "//" and (atom.left, atom.right) in facts:
            divisor = atom.right.value if isinstance(atom.right, Lit) else None
            if isinstance(divisor, int) and divisor and factor % divisor == 0:
                atoms.remove(atom)
                return [*atoms, atom.left], factor // divisor
            if atom.right in atoms:
                atoms.remove(atom)
                atoms.remove(atom.right)
                return [*atoms, atom.left], factor
    return atoms, factor


def from_polynomial(poly: Poly) -> Expr:
    """A polynomial as a sum of products, positive terms first."""
    total: Expr = Lit(0)
    terms = sorted(poly.items(), key=lambda item: (item[1] < 0, not item[0]))
    for atoms, factor in terms:
        product: Expr = Lit(abs(factor))
        for atom in atoms:
            product = binary("*", product, atom)
        total = binary("-", total, product) if factor < 0 else binary("+", total, product)
    return total


def _normal(poly: Poly, facts: Facts) -> Poly:
    """A polynomial with every `n * (a // n)` cancelled."""
    total: Poly = {}
    for atoms, factor in poly.items():
        rest, number = _cancel(list(atoms), factor, facts)
        expanded = polynomial(rest[0], facts) if len(rest) == 1 else {tuple(sorted(rest, key=repr)): 1}
        total = _add(total, {key: value * number for key, value in expanded.items()}, 1)
    return _by_condition(total, facts)


def _by_condition(poly: Poly, facts: Facts) -> Poly:
    """Terms that one condition chooses, as one: `(a if p else 0) + (a if not p else 0)` is `a`."""
    chosen: dict[Expr, list[tuple[IfElse, int]]] = {}
    for atoms, factor in poly.items():
        if len(atoms) == 1 and isinstance(atoms[0], IfElse):
            term = _upright(atoms[0])
            chosen.setdefault(term.condition, []).append((term, factor))
    for condition, terms in chosen.items():
        if len(terms) < 2:
            continue
        rest: Poly = {k: v for k, v in poly.items() if not (len(k) == 1 and _chosen_by(k[0], condition))}
        then: Poly = {}
        other: Poly = {}
        for term, factor in terms:
            then = _add(then, polynomial(Lit(factor) * term.then, facts), 1)
            other = _add(other, polynomial(Lit(factor) * term.other, facts), 1)
        sides = [from_polynomial(_normal(side, facts)) for side in (then, other)]
        poly = _add(rest, polynomial(fold(IfElse(condition, *sides)), facts), 1)
    return poly


def _upright(expr: IfElse) -> IfElse:
    """A choice without a negation in its condition."""
    match expr.condition:
        case Unary(op="not", operand=operand):
            return _upright(IfElse(operand, expr.other, expr.then))
        case Compare(op="!=", left=a, right=b):
            return IfElse(Compare("==", a, b), expr.other, expr.then)
    return expr


def _chosen_by(atom: Expr, condition: Expr) -> bool:
    return isinstance(atom, IfElse) and _upright(atom).condition == condition


def simplify(expr: Expr, facts: Facts = frozenset()) -> Expr:
    """The shorter of `expr` and its polynomial form, part by part."""
    if isinstance(expr, (Lit, Name)):
        return expr
    parts = rebuild(expr, lambda part: simplify(part, facts))
    flat = from_polynomial(_normal(polynomial(parts, facts), facts))
    found = flat if len(show(flat)) < len(show(parts)) else parts
    if parts == expr or len(show(found)) <= len(show(expr)):
        return found
    return expr  # a part that is shorter by itself may need brackets here


def same(a: Expr, b: Expr, facts: Facts = frozenset()) -> bool:
    """Whether two expressions are provably equal."""
    if a == b:
        return True
    one, other = polynomial(a, facts), polynomial(b, facts)
    return not _add(one, other, -1) or _normal(one, facts) == _normal(other, facts)


def quotient(a: Any, n: Any) -> Any:
    """`a // n` of numbers or expressions, without the factors that all terms of a share with n."""
    if not isinstance(a, Expr) and not isinstance(n, Expr):
        return a // n
    terms, divisor = polynomial(wrap(a)), polynomial(wrap(n))
    if len(divisor) != 1 or not terms:
        return a // n
    ((atoms, factor),) = divisor.items()
    shared = _shared([atoms, *terms])
    common = math.gcd(factor, *terms.values())
    whole = from_polynomial({_without(key, shared): value // common for key, value in terms.items()})
    return binary("//", whole, from_polynomial({_without(atoms, shared): factor // common}))


def _shared(products: Sequence[tuple[Expr, ...]]) -> tuple[Expr, ...]:
    """The factors that are in all products."""
    counts = [Counter(product) for product in products]
    return tuple(reduce(operator.and_, counts).elements())


def _without(product: tuple[Expr, ...], factors: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple((Counter(product) - Counter(factors)).elements())


def equalities(condition: Expr, truth: bool) -> list[tuple[Expr, Expr]]:
    """What is equal when the condition has this truth value."""
    match condition:
        case Compare(op="==", left=a, right=b) if truth:
            return [(a, b)]
        case Compare(op="!=", left=a, right=b) if not truth:
            return [(a, b)]
        case Logic(op="and", items=items) if truth:
            return [pair for item in items for pair in equalities(item, truth)]
        case Logic(op="or", items=items) if not truth:
            return [pair for item in items for pair in equalities(item, truth)]
    return []
