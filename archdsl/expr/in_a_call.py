"""Expressions in one call: choices are taken, quotients known to be exact, so that little is left to write."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.expr.evaluate import evaluate
from archdsl.expr.fold import binary, fold
from archdsl.expr.nodes import Binary, Call, Compare, Constant, Expr, IfElse, Lit, Logic, Name, is_long, rebuild
from archdsl.expr.simplify import Facts, from_polynomial, polynomial, simplify

ROUNDED = ("ceil", "floor", "int", "round")


class InACall:
    """Makes expressions over names as short as the values of the names allow."""

    def __init__(self, values: Mapping[str, Constant]) -> None:
        self.values = values
        self.exact: Facts = frozenset()  # the pairs (a, n) where n divides a

    def value(self, expr: Expr) -> Constant:
        return evaluate(expr, self.values)

    def settled(self, expr: Expr) -> Expr:
        """An expression of the same value in this call, without conditions."""
        if is_long(expr):
            return Lit(self.value(expr))
        return simplify(self.part(expr), self.exact)

    def part(self, expr: Expr) -> Expr:
        match expr:
            case Lit() | Name():
                return expr
            case IfElse(condition=condition, then=then, other=other):
                return self.part(then if self.value(condition) else other)
            case Logic(op=op, items=items):
                return self.part(next((item for item in items if bool(self.value(item)) is (op == "or")), items[-1]))
            case Compare():
                return Lit(self.value(expr))
        found = fold(rebuild(expr, self.part))
        match found:
            case Binary(op="//" | "/" as op, left=a, right=n):
                return self.quotient(op, a, n)
            case Call(function="min" | "max", args=args) if len(args) > 1:
                return max((arg for arg in args if self.value(arg) == self.value(found)), key=lambda arg: arg.mentioned)
            case Call(function=function, args=(Binary(op="/", left=a, right=n), *_)) if (
                function in ROUNDED and self.value(a) % self.value(n) == 0
            ):
                return self.quotient("//", a, n)
            case Call(args=(first, *_)) if self.same(first, found):
                return first  # what is rounded is whole
        return found

    def same(self, part: Expr, whole: Expr) -> bool:
        """Whether a function leaves its argument as it is: a whole number."""
        value = self.value(part)
        return isinstance(value, (int, float)) and value == self.value(whole) and float(value).is_integer()

    def quotient(self, op: str, a: Expr, n: Expr) -> Expr:
        """`a // n`: without the rest where that is 0, of a quotient as one of the whole."""
        if isinstance(a, Binary) and a.op == "//" and (a.left, a.right) in self.exact:
            return self.quotient(op, a.left, binary("*", a.right, n))
        if op == "//" and isinstance(n, Lit) and type(n.value) is int and n.value > 0:
            return self.of_number(a, n.value)
        if self.value(a) % self.value(n) == 0:
            self.exact |= {(a, n)}
            return binary("//", a, n)
        return binary(op, a, n)

    def of_number(self, a: Expr, n: int) -> Expr:
        """The number that is added in `a` divided by itself: `(h - 1) // 2 + 1` of an even h is `h // 2`."""
        terms = polynomial(simplify(a, self.exact), self.exact)
        whole, rest = divmod(terms.pop((), 0), n)
        varying = from_polynomial(terms)
        if self.value(varying) % n == 0:
            found = self.shared(varying, n)
        else:
            found = binary("//", binary("+", varying, Lit(rest)), Lit(n))
        return binary("+", found, Lit(whole))

    def shared(self, a: Expr, n: int) -> Expr:
        """An exact quotient, of another one as one of the whole."""
        if isinstance(a, Binary) and a.op == "//" and (a.left, a.right) in self.exact:
            n = self.value(binary("*", a.right, Lit(n)))
            a = a.left
        terms = polynomial(a, self.exact)
        if all(factor % n == 0 for factor in terms.values()):
            return from_polynomial({atoms: factor // n for atoms, factor in terms.items()})
        self.exact |= {(a, Lit(n))}
        return binary("//", a, Lit(n))
