"""The value of an expression, computed by our own walk; how large values may become."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Expr,
    IfElse,
    Index,
    ListOf,
    Lit,
    Logic,
    Name,
    Unary,
    children,
)
from archdsl.expr.show import show

MAX_ITEMS = 10_000
MAX_BITS = 64
MAX_DEPTH = 40


def make_divisible(x: float, divisor: int = 8, limit: float = 0.9, minimum: int | None = None) -> int:
    """The nearest multiple of `divisor`, at least one of it, never below `limit` times `x` (MobileNet's rule)."""
    least = divisor if minimum is None else minimum
    rounded = max(least, int(x + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * x else rounded


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "abs": abs,
    "sum": sum,
    "len": len,
    "sqrt": math.sqrt,
    "gcd": math.gcd,
    "make_divisible": make_divisible,
}


def mean(*_: Constant) -> Constant:
    raise TypeError("mean takes a tensor")


OF_TENSORS: dict[str, Callable[..., Any]] = {"exp": math.exp, "log": math.log, "mean": mean}  # in formulas alone
_KNOWN = FUNCTIONS | OF_TENSORS
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def evaluate(expr: Expr, env: Mapping[str, Constant]) -> Constant:
    """The value of `expr`; raises `SpecError` at the part that fails."""
    if isinstance(expr, Lit):
        return expr.value
    if isinstance(expr, Name):
        if expr.id not in env:
            raise fault("unknown-name", f"'{expr.id}' is not defined here", expr.span)
        return env[expr.id]
    if isinstance(expr, (Binary, Compare)):  # as below, without a list of its parts
        return _computed(expr, [evaluate(expr.left, env), evaluate(expr.right, env)])
    match expr:
        case ListOf(items=items):
            return bounded([evaluate(item, env) for item in items], expr)
        case IfElse(condition=condition, then=then, other=other):
            return evaluate(then if evaluate(condition, env) else other, env)
        case Logic(op=op, items=items):
            found: Constant = None
            for item in items:
                found = evaluate(item, env)
                if bool(found) is (op == "or"):
                    break
            return found
    return _computed(expr, [evaluate(child, env) for child in children(expr)])


def _computed(expr: Expr, parts: list[Constant]) -> Constant:
    try:
        return bounded(_apply(expr, parts), expr)
    except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise fault("bad-value", f"cannot compute '{show(expr)}': {_reason(error)}", expr.span) from None


def _apply(expr: Expr, parts: list[Constant]) -> Constant:
    if isinstance(expr, Binary):
        left, right = parts
        if type(left) is not int or type(right) is not int or expr.op == "**":
            guard(expr.op, left, right)
        return ARITHMETIC[expr.op](left, right)
    if isinstance(expr, Compare):
        return COMPARE[expr.op](*parts)
    match expr:
        case Unary(op="not"):
            return not parts[0]
        case Unary():
            return -parts[0]
        case Index():
            if isinstance(parts[1], bool) or not isinstance(parts[0], list):
                raise TypeError("only a list can be indexed, and by a whole number")
            return parts[0][parts[1]]
        case Call(function=function, args=args, keywords=keywords):
            positional, rest = parts[: len(args)], parts[len(args) :]
            if function == "round" and any(isinstance(digits, int) and abs(digits) > MAX_BITS for digits in parts[1:]):
                raise OverflowError(f"round goes to at most {MAX_BITS} digits")
            if function in ("min", "max") and len(args) > 1 and any(isinstance(part, list) for part in positional):
                raise TypeError(f"{function} compares numbers, and here is a list")  # Python would by the first item
            return _KNOWN[function](*positional, **{k: v for (k, _), v in zip(keywords, rest, strict=True)})
    raise AssertionError(expr)


def guard(op: str, left: Constant, right: Constant) -> None:
    """Refuses before it is computed what would exhaust the machine."""
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("words have no arithmetic")
    if op == "**" and not (
        isinstance(left, (int, float)) and isinstance(right, (int, float)) and abs(left) <= 2**31 and abs(right) <= 64
    ):
        raise OverflowError("a power this large is not allowed")
    for value, times in ((left, right), (right, left)):
        if (
            isinstance(value, list)
            and op == "*"
            and not (isinstance(times, int) and len(value) * max(times, 1) <= MAX_ITEMS)
        ):
            raise OverflowError(f"a list of more than {MAX_ITEMS} items is not allowed")


def bounded(value: Constant, expr: Expr) -> Constant:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise fault("bad-value", f"the value of '{show(expr)}' is too large", expr.span)
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("bad-value", f"the value of '{show(expr)}' is not a finite number", expr.span)
    if isinstance(value, complex):
        raise fault("bad-value", f"the value of '{show(expr)}' is not a real number", expr.span)
    if isinstance(value, list) and (reason := too_large(value)):
        raise fault("bad-value", f"'{show(expr)}' {reason}", expr.span)
    return value


def too_large(value: list[Constant]) -> str:
    """What is too much of a list, those in it included, or nothing; no more is looked at than is allowed.

    A list may hold another one many times over, so that what is written in a few lines has no end.
    """
    count = 0
    for depth, lists in enumerate(levels(value)):
        count += sum(map(len, lists))
        if count > MAX_ITEMS:
            return f"has more than {MAX_ITEMS} items"
        if depth == MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} deep"
    return ""


def levels(value: list[Constant]) -> Iterator[list[list[Constant]]]:
    """A list, the lists in it, the lists in those, and so on."""
    lists = [value]
    while lists:
        yield lists
        lists = [item for items in lists for item in items if isinstance(item, list)]


def items_in(value: list[Constant]) -> int:
    """How many items a list has, those of the lists in it included."""
    return sum(len(items) for lists in levels(value) for items in lists)


def _reason(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, IndexError):
        return "the list has no such item"
    return str(error)
