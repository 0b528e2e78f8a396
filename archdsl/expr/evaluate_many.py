"""The value of an expression in many settings at once; what fails in one of them is left to each alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from archdsl.diagnostics.faults import SpecError
from archdsl.expr import evaluate as single
from archdsl.expr.many import (
    Alone,
    Array,
    Many,
    Split,
    apart,
    chosen,
    each,
    floats,
    larger,
    picked,
    plain,
    settled,
    smaller,
    truths,
    varies,
)
from archdsl.expr.nodes import Binary, Call, Compare, Constant, Expr, IfElse, Index, ListOf, Lit, Logic, Unary, children

OWN_FAULTS = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError)


def evaluate(expr: Expr, env: Mapping[str, Constant]) -> Constant:
    """The value of `expr`, an array where it differs; raises what tells the settings apart, or each to its own run."""
    if isinstance(expr, Lit) or not any(varies(env.get(name)) for name in expr.mentioned):
        return single.evaluate(expr, env)
    match expr:
        case ListOf(items=items):
            return single.bounded([evaluate(item, env) for item in items], expr)
        case IfElse(condition=condition, then=then, other=other):
            found = evaluate(condition, env)
            return either(found, lambda: evaluate(then, env), lambda: evaluate(other, env))
        case Logic(op=op, items=items):
            return logic(op, [*items], env)
    parts = [evaluate(child, env) for child in children(expr)]
    return computed(expr, parts) if parts else env[expr.id]  # type: ignore[attr-defined]  # a name


def either(condition: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """The side that holds in each setting: both are computed, unless one cannot be where the other holds."""
    if not isinstance(condition, Many):
        return then() if condition else other()
    mask = truths(condition)
    if mask.all() or not mask.any():
        return then() if mask[0] else other()
    try:
        return chosen(mask, then(), other())
    except (Split, Alone, SpecError):
        raise Split([np.flatnonzero(mask), np.flatnonzero(~mask)]) from None


def logic(op: str, items: list[Expr], env: Mapping[str, Constant]) -> Any:
    """`and`, `or`: the first item that decides, or the last."""
    first = evaluate(items[0], env)
    if len(items) == 1:
        return first
    rest = lambda: logic(op, items[1:], env)  # noqa: E731
    return either(first, rest, lambda: first) if op == "and" else either(first, lambda: first, rest)


def computed(expr: Expr, parts: list[Constant]) -> Constant:
    try:
        value = applied(expr, parts)
    except OWN_FAULTS:
        raise Alone from None
    if isinstance(value, Many):
        if value.kind is float and not apart(np.isfinite(value.array)):
            raise Alone
        return value
    return single.bounded(value, expr)


def applied(expr: Expr, parts: list[Constant]) -> Constant:
    match expr:
        case Binary(op=op):
            if any(isinstance(part, list) for part in parts):
                parts = list(map(settled, parts)) if op == "*" else parts
                single.guard(op, *parts)
            elif op == "**":
                return each(power, *parts)
            return single.ARITHMETIC[op](*parts)
        case Compare(op="in" | "not in" as op):
            return contained(parts[0], parts[1], op == "in")
        case Compare(op=op):
            return single.COMPARE[op](*parts)
        case Unary(op="not"):
            return Many(~truths(parts[0])) if isinstance(parts[0], Many) else not parts[0]
        case Unary():
            return -parts[0]
        case Index():
            return item(parts[0], parts[1])
        case Call(function=function, args=args, keywords=keywords):
            given = zip(keywords, parts[len(args) :], strict=True)
            return FUNCTIONS[function](*parts[: len(args)], **{name: value for (name, _), value in given})
    raise AssertionError(expr)


def power(left: Any, right: Any) -> Any:
    single.guard("**", left, right)
    return left**right


def contained(value: Any, values: Any, wanted: bool) -> Any:
    """Whether a list has a value."""
    if not isinstance(values, list):
        raise Alone
    found: Array | bool = False
    for other in values:
        same = value == other
        found = found | (truths(same) if isinstance(same, Many) else bool(same))
    return (Many(found) if wanted else Many(~found)) if isinstance(found, np.ndarray) else found is wanted


def item(values: Any, index: Any) -> Any:
    """An item of a list; numbers of one kind are looked up for all settings at once."""
    if not isinstance(values, list):
        raise Alone
    if not isinstance(index, Many):
        return values[index]
    kinds = {type(value) for value in values}
    if index.kind is not int or len(kinds) != 1 or kinds.isdisjoint((int, float)):
        return values[settled(index)]
    if not apart((index.array >= -len(values)) & (index.array < len(values))):
        raise Alone
    return Many(np.array(values)[index.array])


# --- functions
def extreme(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """`max` or `min`, of its arguments or of a list."""

    def found(*values: Any) -> Any:
        if len(values) > 1 and any(isinstance(value, list) for value in values):
            raise Alone
        return reduce(rule, values[0] if len(values) == 1 else values)

    return found


def truncated(value: Any) -> Any:
    return math.trunc(value) if isinstance(value, Many) else int(value)


def rounded(value: Any, digits: Any = None) -> Any:
    digits = settled(digits)
    if digits is not None and abs(digits) > single.MAX_BITS:
        raise Alone
    return round(value) if digits is None else round(value, digits)


def root(value: Any) -> Any:
    numbers = floats(value)
    if isinstance(value, Many) and apart(numbers < 0):
        raise Alone
    return Many(np.sqrt(numbers)) if isinstance(value, Many) else math.sqrt(value)


def common_divisor(*values: Any) -> Any:
    if any(not isinstance(value, Many) and type(value) is not int for value in values):
        raise Alone
    if any(isinstance(value, Many) and value.kind is not int for value in values):
        raise Alone
    numbers = list(map(plain, values))
    return Many(reduce(np.gcd, numbers, np.abs(numbers[0])))


def make_divisible(x: Any, divisor: Any = 8, limit: Any = 0.9, minimum: Any = None) -> Any:
    """As `evaluate.make_divisible`, in each setting."""
    least = divisor if minimum is None else minimum
    found = larger(least, truncated(x + divisor / 2) // divisor * divisor)
    return picked(found < limit * x, found + divisor, found)


def total(values: Sequence[Any]) -> Any:
    return sum(values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": extreme(smaller),
    "max": extreme(larger),
    "round": rounded,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": truncated,
    "abs": abs,
    "sum": total,
    "len": len,
    "sqrt": root,
    "gcd": common_divisor,
    "make_divisible": make_divisible,
}
