"""An expression as text: as a spec has it, or as emitted source does."""

from __future__ import annotations

import re

from archdsl.expr.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Expr,
    FirstRow,
    IfElse,
    Index,
    ListOf,
    Lit,
    Logic,
    Name,
    SumOfRows,
    Unary,
)

_POWER = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": 8}
ATOM = 10
_SIMPLE = re.compile(r"-?[\w.]+")
_OF_MATH = ("ceil", "floor", "sqrt", "gcd", "exp", "log")


def spelled(function: str) -> str:
    """A function of expressions as emitted source calls it."""
    return f"math.{function}" if function in _OF_MATH else function


def show(expr: Expr, *, python: bool = False) -> str:
    """The expression as text; with `python`, as it stands in emitted source (`math.ceil`, tuples)."""
    return _show(expr, python)[0]


def _show(expr: Expr, python: bool) -> tuple[str, int]:
    """Text and how tightly it binds (10: an atom)."""

    def part(child: Expr, power: int) -> str:
        text, own = _show(child, python)
        return text if own >= power else f"({text})"

    match expr:
        case Lit(value=value):
            return _literal(value, python), 10 if not isinstance(value, (int, float)) or value >= 0 else 7
        case Name(id=name):
            return name, 10
        case Unary(op="not", operand=a):
            return f"not {part(a, 3)}", 3
        case Unary(operand=a):
            return f"-{part(a, 7)}", 7
        case Binary(op="**", left=a, right=b):
            base, exponent = part(a, 9), part(b, 8)
            close = not python or all(_SIMPLE.fullmatch(text) for text in (base, exponent))  # as ruff format has it
            return f"{base}{'**' if close else ' ** '}{exponent}", 8
        case Binary(op=op, left=a, right=b):
            power = _POWER[op]
            return f"{part(a, power)} {op} {part(b, power + 1)}", power
        case Compare(op=op, left=a, right=b):
            return f"{part(a, 5)} {op} {part(b, 5)}", 4
        case Logic(op=op, items=items):
            power = _POWER[op]
            least = ATOM if python else power + 1  # emitted source has `and` in brackets where it stands in `or`
            return f" {op} ".join(part(a, least if isinstance(a, Logic) else power + 1) for a in items), power
        case IfElse(condition=c, then=a, other=b):
            return f"{part(a, 1)} if {part(c, 1)} else {part(b, 0)}", 0
        case Index(base=a, index=b):
            return f"{part(a, 10)}[{part(b, 0)}]", 10
        case Call(function=function, args=args, keywords=keywords):
            inside = [part(a, 0) for a in args] + [f"{k}={part(v, 0)}" for k, v in keywords]
            return f"{spelled(function) if python else function}({', '.join(inside)})", 10
        case ListOf(items=items):
            inside = [part(item, 0) for item in items]
            if python:
                return (f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"), 10
            return f"[{', '.join(inside)}]", 10
        case FirstRow(element=element, condition=c, columns=columns, rows=rows):
            target = ", ".join(columns)
            return f"next({part(element, 0)} for {target} in {part(rows, 1)} if {part(c, 1)})", 10
        case SumOfRows(element=element, columns=columns, rows=rows):
            if (element, len(columns)) == (Name(columns[0]), 1):
                return f"sum({part(rows, 0)})", 10
            return f"sum({part(element, 0)} for {', '.join(columns)} in {part(rows, 1)})", 10
    raise AssertionError(expr)


def _literal(value: Constant, python: bool) -> str:
    if isinstance(value, str):
        quoted = repr(value)
        if python and '"' not in value and quoted.startswith("'"):
            return f'"{quoted[1:-1]}"'
        return quoted
    if not python and (value is None or isinstance(value, bool)):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)
