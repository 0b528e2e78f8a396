"""Numbers of a block as papers write them: `tc`, `c′/2`, `2h`; letters are what enters the block and its params."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.expr.nodes import Binary, Call, Expr, Lit, Name, Unary
from archdsl.expr.simplify import Facts

LONGEST = 24  # characters of a number that still is a label
SHORT: Mapping[str, str] = {"out": "c′", "groups": "g", "num_classes": "classes"}  # of params that most specs call so
MARKS = "′₀₁₂₃₄₅₆₇₈₉²³"  # of letters
POWERS: Mapping[int, str] = {1: "", 2: "²", 3: "³"}
SUM, PRODUCT, ATOM = range(3)  # how tightly a text binds


@dataclass(frozen=True)
class Writer:
    """Writes the expressions of one call."""

    letters: Mapping[str, str]  # for names; others stand for themselves
    entering: frozenset[str]  # the names of what enters
    exact: Facts  # quotients without a rest

    def text(self, expr: Expr) -> str | None:
        """An expression as a factor of a shape; None if there is no short one."""
        if isinstance(expr, Call) and expr.function == "make_divisible":
            inside = self.bound(expr.args[0], PRODUCT)
            return f"≈{inside}" if inside is not None and len(inside) < LONGEST else None
        found = self.bound(expr, PRODUCT)
        return found if found is not None and len(found) <= LONGEST else None

    def name(self, name: str) -> str:
        """The letter of a param or of an axis, or else its words."""
        return self.letters.get(name, name.replace("_", "\N{NO-BREAK SPACE}"))

    def part(self, expr: Expr) -> tuple[str, int] | None:
        """The text and how tightly it binds."""
        match expr:
            case Lit(value=value) if isinstance(value, (int, float)):
                return f"{value:g}", ATOM
            case Name(id=name):
                return self.name(name), ATOM
            case Unary(op="-", operand=operand):
                return self.joined("−{}", PRODUCT, operand)
            case Binary(op="-", left=a, right=half) if self.is_half(half, a):
                return self.part(half)  # c′ − c′/2 is the other half
            case Binary(op="+" | "-" as op, left=a, right=b):
                return self.sum("+" if op == "+" else "−", a, b)
            case Binary(op="//", left=a, right=Lit(value=int()) as n) if (a, n) in self.exact:
                return self.product(expr)
            case Binary(op="*"):
                return self.product(expr)
            case Binary(op="//" | "/", left=a, right=n):
                return self.quotient(expr.op, a, n)
            case Call(function="ceil" | "floor" as function, args=(a,)):
                return self.joined(f"{function}({{}})", SUM, a, binds=ATOM)
        return None

    def is_half(self, expr: Expr, whole: Expr) -> bool:
        two = Lit(2)
        return expr == Binary("//", whole, two) and (whole, two) in self.exact

    def joined(self, pattern: str, power: int, *parts: Expr, binds: int | None = None) -> tuple[str, int] | None:
        """Texts put into a pattern, in brackets where they bind less tightly."""
        found = [self.bound(part, power) for part in parts]
        texts = [text for text in found if text is not None]
        return (pattern.format(*texts), power if binds is None else binds) if len(texts) == len(found) else None

    def bound(self, expr: Expr, power: int) -> str | None:
        found = self.part(expr)
        if found is None:
            return None
        return found[0] if found[1] >= power else f"({found[0]})"

    def sum(self, sign: str, a: Expr, b: Expr) -> tuple[str, int] | None:
        if sign == "+" and isinstance(a, Lit):  # 1 + c is c + 1
            a, b = b, a
        left, right = self.bound(a, SUM), self.bound(b, PRODUCT if sign == "−" else SUM)
        return None if left is None or right is None else (f"{left} {sign} {right}", SUM)

    def product(self, expr: Expr) -> tuple[str, int] | None:
        """The number first, then params, then what enters; exact quotients below one line."""
        above, below = self.factors(expr)
        number = math.prod(f.value for f in above if is_whole(f))  # type: ignore[attr-defined]
        shared = math.gcd(number, below)
        number, below = number // shared, below // shared
        texts = self.powers([f for f in above if not is_whole(f)])
        if texts is None:
            return None
        whole = juxtaposed(texts if number == 1 and texts else [str(number), *texts])
        return (f"{whole}/{below}" if below > 1 else whole), PRODUCT

    def powers(self, factors: Sequence[Expr]) -> list[str] | None:
        """Params before what enters; what is there several times as a power."""
        counts = Counter(factors)
        found = {factor: self.bound(factor, ATOM) for factor in counts}
        order = sorted(counts, key=lambda f: (bool(self.entering.intersection(f.mentioned)), found[f] or ""))
        texts = [text + POWERS.get(counts[f], "") for f in order if (text := found[f]) is not None]
        return texts if len(texts) == len(counts) and max(counts.values(), default=1) in POWERS else None

    def factors(self, expr: Expr) -> tuple[list[Expr], int]:
        """What is multiplied, and by what it is divided."""
        match expr:
            case Binary(op="*", left=a, right=b):
                (one, under), (other, below) = self.factors(a), self.factors(b)
                return [*one, *other], under * below
            case Binary(op="//", left=a, right=Lit(value=int() as n)) if (a, Lit(n)) in self.exact:
                above, below = self.factors(a)
                return above, below * n
        return [expr], 1

    def quotient(self, op: str, a: Expr, n: Expr) -> tuple[str, int] | None:
        if op == "/" or (a, n) in self.exact:
            top, below = self.bound(a, PRODUCT), self.bound(n, ATOM)
            return None if top is None or below is None else (f"{top}/{below}", PRODUCT)
        match a, n:
            case Binary(op="+", left=begun, right=Lit(value=rest)), Lit(value=int() as number) if rest == number - 1:
                function, a = "ceil", begun
            case _:
                function = "floor"
        above, under = self.bound(a, PRODUCT), self.bound(n, ATOM)
        return None if above is None or under is None else (f"{function}({above}/{under})", ATOM)


def is_whole(expr: Expr) -> bool:
    return isinstance(expr, Lit) and type(expr.value) is int


def juxtaposed(texts: Sequence[str]) -> str:
    """Factors: letters and brackets stand close, words behind a dot."""
    found = texts[0]
    for before, after in pairwise(texts):
        close = is_close(after) and (before.isdigit() or is_close(before))
        found += after if close else f"·{after}"
    return found


def is_close(text: str) -> bool:
    return is_letter(text) or text.startswith("(")


def is_letter(text: str) -> bool:
    return len(text.rstrip(MARKS)) == 1
