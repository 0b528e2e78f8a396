"""Which expression stands for a number in a class: a literal where it never differs, else names in scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import (
    Binary,
    Compare,
    Constant,
    Expr,
    IfElse,
    Lit,
    Logic,
    Name,
    Unary,
    free_names,
    names,
    rebuild,
    wrap,
)
from archdsl.expr.simplify import Facts, equalities, same, simplify
from archdsl.ir.facts import Fact

UNKNOWN = "@unknown"  # channels that only running the block tells
LOOPED = "@looped"  # such channels after a loop


@dataclass
class Numbers:
    """The names of one class (or loop body inside it) and what they stand for."""

    seen: Mapping[tuple[int, str], Fact]
    symbolic: frozenset[str]
    bound: dict[str, Expr | tuple[int, str]]  # a name -> its expression, or the slot of a param, let or column
    used: set[tuple[int, str]] = field(default_factory=set)  # slots printed by name
    facts: Facts = frozenset()
    lets: Mapping[tuple[int, str], Expr] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()  # the names that mean one thing in all of the class
    known: dict[Expr, bool] = field(default_factory=dict)  # the conditions under which is printed
    closing: dict[tuple[tuple[int, str], tuple[tuple[Expr, bool], ...]], Expr] | None = None

    def constant(self, slot: tuple[int, str]) -> Expr | None:
        """The literal of a place whose number never differs and depends on no open param."""
        seen = self.seen.get(slot)
        if seen is None or seen.varies or seen.deps & self.symbolic:
            return None
        return wrap(seen.value)

    def decided(self, slot: tuple[int, str]) -> bool | None:
        """A condition's value, if it is always the same."""
        constant = self.constant(slot)
        return bool(constant.value) if isinstance(constant, Lit) else None

    def shown(self, expr: Expr, slot: tuple[int, str] | None = None) -> Expr:
        """What to print for `expr`, evaluated at `slot`: over the names of the spec that stand in the emitted scope."""
        if isinstance(expr, Lit):
            return expr
        constant = self.constant(slot) if slot is not None else None
        unknown = isinstance(expr, Name) and expr.id in ("h_in", "w_in") and expr.id not in self.bound
        if isinstance(expr, Name) and constant is not None and not unknown and not expr.id.startswith(("@", "c_in")):
            own = self.close(expr)  # the same everywhere it is read here, but not by itself
            return own if isinstance(own, Name) else constant
        return constant if constant is not None else simplify(self.close(expr), self.facts)

    def literal(self, expr: Expr) -> Expr:
        """A name whose number never differs as that number, others as they are."""
        place = self.bound.get(expr.id) if isinstance(expr, Name) else None
        return (self.constant(place) if isinstance(place, tuple) else None) or expr

    def close(self, expr: Expr) -> Expr:
        """`expr` over the names of the emitted scope."""
        if isinstance(expr, Name):
            return self.name(expr)
        if isinstance(expr, IfElse):  # only what is printed counts as used
            condition = self.close(expr.condition)
            truth = self.truth(condition)
            if truth is not None:
                return self.close(expr.then if truth else expr.other)
            with self.given(condition, True):
                then = self.close(expr.then)
            with self.given(condition, False):
                other = self.close(expr.other)
            return fold(IfElse(condition, then, other))
        if isinstance(expr, Logic):
            return self.closed_logic(expr)
        found = fold(rebuild(expr, self.close))
        if isinstance(found, Compare) and self.known:
            truth = self.truth(found)
            return found if truth is None else Lit(truth)
        return found

    def truth(self, condition: Expr) -> bool | None:
        """Whether a condition over the names of the scope holds where it is printed, if that is known."""
        match condition:
            case Lit(value=value):
                return bool(value)
            case Unary(op="not", operand=operand):
                inner = self.truth(operand)
                return None if inner is None else not inner
            case Compare(op="!=", left=a, right=b):
                inner = self.truth(Compare("==", a, b))
                return None if inner is None else not inner
            case Logic(op=op, items=items) if condition not in self.known:
                return decided_by(op, [self.truth(item) for item in items])
            case Compare(op="==", left=a, right=Lit() as b) if condition not in self.known:
                others = (k for k, holds in self.known.items() if holds and isinstance(k, Compare) and k.op == "==")
                return False if any(k.left == a and isinstance(k.right, Lit) and k.right != b for k in others) else None
        return self.known.get(condition)

    @contextmanager
    def given(self, condition: Expr, truth: bool) -> Iterator[None]:
        """What is printed meanwhile is printed where this holds (or does not)."""
        outer = self.known
        found = {part: holds for part, holds in implied(condition, truth) if self.lasting(part)}
        self.known = {**outer, **found}
        yield
        self.known = outer

    def lasting(self, expr: Expr) -> bool:
        """Whether an expression means one thing in all of the class."""
        return all(name.id in self.fixed for name in free_names(expr))

    def closed_logic(self, expr: Logic) -> Expr:
        items = []
        for item in expr.items:
            closed = self.close(item)
            truth = self.truth(closed)
            items.append(closed if truth is None or isinstance(closed, Lit) else Lit(truth))
            last = items[-1]
            if isinstance(last, Lit) and bool(last.value) is (expr.op == "or"):
                break
        return fold(Logic(expr.op, tuple(items)))

    def name(self, name: Name) -> Expr:
        if name.id == UNKNOWN:
            message = (
                "the channels after this step differ between calls, and no expression over the arguments gives them"
            )
            help = "give this number of channels as a param, or write a block of its own for each of these calls"
            raise fault("cannot-print", message, name.span, help=help)
        if name.id == LOOPED:
            message = "no expression over the arguments of this block gives the number of channels after this loop"
            raise fault(
                "cannot-print",
                message,
                name.span,
                help="give each turn the same channels, or pass the widths as a list and loop over it",
            )
        if name.id.startswith("@"):  # a variable of the emitted source
            return Name(name.id[1:])
        found = self.bound.get(name.id)
        if found is None:
            if name.id in ("h_in", "w_in"):
                raise fault(
                    "cannot-print",
                    f"'{name.id}' differs between stages or turns of a loop, and the class has no expression for it",
                    name.span,
                    help="write the stages or turns one after another, each with its own number",
                )
            return name
        if isinstance(found, Expr):
            return self.close(found) if found != name else found
        constant = self.constant(found)
        if constant is not None:
            return constant
        if found in self.lets:
            closed = self.closed_let(found)
            if isinstance(closed, Name):  # another word for a name needs no variable
                return closed
        self.used.add(found)
        return name if name.id == found[1] else Name(found[1])

    def closed_let(self, slot: tuple[int, str]) -> Expr:
        """A let over the names of the scope; while one is closed, those in it are closed once."""
        if self.closing is not None:
            key = slot, tuple(self.known.items())
            if key not in self.closing:
                self.closing[key] = self.close(self.lets[slot])
            return self.closing[key]
        self.closing = {}
        try:
            return self.close(self.lets[slot])
        finally:
            self.closing = None

    def open_names(self, expr: Expr) -> bool:
        return any(True for _ in names(expr))


def merge(condition: Expr, then: Expr, other: Expr) -> Expr:
    """Channels after an optional step: one form for both sides if the condition's equalities prove it."""
    if same(then, other):
        return then
    for a, b in equalities(condition, True):
        for pair in ({a: b}, {b: a}):
            if same(replace_in(then, pair), replace_in(other, pair)):
                return other
    for a, b in equalities(condition, False):
        for pair in ({a: b}, {b: a}):
            if same(replace_in(then, pair), replace_in(other, pair)):
                return then
    return IfElse(condition, then, other)


def implied(condition: Expr, truth: bool) -> Iterator[tuple[Expr, bool]]:
    """A condition and its parts, each with the truth value that it has when the whole has this one."""
    match condition:
        case Unary(op="not", operand=operand):
            yield from implied(operand, not truth)
        case Compare(op="!=", left=a, right=b):
            yield Compare("==", a, b), not truth
        case Logic(op=op, items=items):
            yield condition, truth
            if truth is (op == "and"):
                for item in items:
                    yield from implied(item, truth)
        case _:
            yield condition, truth


def decided_by(op: str, parts: list[bool | None]) -> bool | None:
    """The truth value of `and` or `or` over parts of which some are not known."""
    deciding = op == "or"
    if deciding in parts:
        return deciding
    return None if None in parts else not deciding


def replace_in(expr: Expr, pair: Mapping[Expr, Expr]) -> Expr:
    if expr in pair:
        return pair[expr]
    return fold(rebuild(expr, lambda part: replace_in(part, pair)))


def divisibility(requirements: tuple[Expr, ...]) -> Facts:
    """The pairs (a, n) of `require: [a % n == 0]`."""
    found = set()
    for expr in requirements:
        match expr:
            case Compare(op="==", left=Binary(op="%", left=a, right=n), right=Lit(value=0)):
                found.add((a, n))
    return frozenset(found)


__all__ = ["Constant", "Facts", "Numbers", "divisibility", "merge", "substitute"]
