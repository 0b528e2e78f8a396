"""Expressions with constant parts computed and neutral terms dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import (
    Binary,
    Call,
    Compare,
    Expr,
    IfElse,
    ListOf,
    Lit,
    Logic,
    Name,
    SumOfRows,
    Unary,
    children,
    rebuild,
    wrap,
)


def substitute(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """`expr` with names replaced; the result is folded."""
    if isinstance(expr, Name):
        return env.get(expr.id, expr)
    return fold(rebuild(expr, lambda part: substitute(part, env)))


def filled_in(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """`expr` with names replaced, folded where none that is left is lost: `x * 0` stays, for x is a tensor."""
    if isinstance(expr, Name):
        return env.get(expr.id, expr)
    found = rebuild(expr, lambda part: filled_in(part, env))
    short = fold(found)
    return short if set(short.mentioned) == set(found.mentioned) else found


def fold(expr: Expr) -> Expr:
    """One node with constant parts computed and neutral terms dropped."""
    match expr:
        case Binary(op=op, left=a, right=b):
            return binary(op, a, b)
        case IfElse(condition=condition, then=a, other=b):
            return _chosen(condition, a, b)
        case Logic(op=op, items=items):
            return _logic(op, items)
        case Unary(op="not", operand=Compare(op="==" | "!=" as op, left=a, right=b)) if not _is_constant(a):
            return Compare("!=" if op == "==" else "==", a, b)
        case Compare(op="==" | "!=" as op, left=a, right=b) if _is_constant(a) and not _is_constant(b):
            return Compare(op, b, a)
        case Call(function="len", args=(ListOf(items=items),)):
            return Lit(len(items))
        case SumOfRows(element=element, columns=columns, rows=ListOf(items=rows)):
            return sum((substitute(element, cells_of(row, columns)) for row in rows), start=Lit(0))
        case Name() | Lit() | ListOf():
            return expr
    if all(_is_constant(child) for child in children(expr)):
        return wrap(evaluate(expr, {}))
    return expr


def cells_of(row: Expr, columns: Sequence[str]) -> dict[str, Expr]:
    """What the columns of a table, variables of the source (also once they are printed), are in a row."""
    cells = row.items if isinstance(row, ListOf) and len(columns) > 1 else (row,)
    pairs = list(zip(columns, cells, strict=True))
    return {f"@{column}": cell for column, cell in pairs} | dict(pairs)


def _chosen(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a if condition else b`; a choice inside by the same condition is decided."""
    if isinstance(condition, Lit):
        return a if condition.value else b
    if isinstance(a, IfElse) and a.condition == condition:
        a = a.then
    if isinstance(b, IfElse) and b.condition == condition:
        b = b.other
    if isinstance(b, IfElse) and a == b.then:
        return IfElse(_either("or", condition, b.condition), a, b.other)
    if isinstance(a, IfElse) and b == a.other:
        return IfElse(_either("and", condition, a.condition), a.then, b)
    return a if a == b else IfElse(condition, a, b)


def _either(op: str, a: Expr, b: Expr) -> Expr:
    """Two conditions joined, without brackets around one that is joined so already; `p and q or p and not q` is `p`."""
    other = "and" if op == "or" else "or"
    left, right = _items(other, a), _items(other, b)
    mine, theirs = ([item for item in one if item not in two] for one, two in ((left, right), (right, left)))
    shared = [item for item in left if item in right]
    if shared and len(mine) == len(theirs) == 1 and negated(mine[0]) == theirs[0]:
        return shared[0] if len(shared) == 1 else Logic(other, tuple(shared))
    return Logic(op, tuple(dict.fromkeys([*_items(op, a), *_items(op, b)])))


def _items(op: str, expr: Expr) -> tuple[Expr, ...]:
    return expr.items if isinstance(expr, Logic) and expr.op == op else (expr,)


def negated(expr: Expr) -> Expr:
    """What is true where an expression is not, without two negations."""
    return expr.operand if isinstance(expr, Unary) and expr.op == "not" else fold(Unary("not", expr))


def _is_constant(expr: Expr) -> bool:
    return isinstance(expr, Lit) or (isinstance(expr, ListOf) and all(_is_constant(item) for item in expr.items))


def _logic(op: str, items: tuple[Expr, ...]) -> Expr:
    """The parts that decide: what comes after a literal that decides it is dropped, so are those that never do."""
    rest: list[Expr] = []
    for index, item in enumerate(items):
        if not isinstance(item, Lit):
            rest.append(item)
        elif bool(item.value) is (op == "or"):
            rest.append(item)
            break
        elif index == len(items) - 1 and not (rest and isinstance(item.value, bool)):
            rest.append(item)
    if isinstance(rest[-1], Lit) and isinstance(rest[-1].value, bool) and rest[-1].value is (op == "or"):
        return rest[-1]
    return rest[0] if len(rest) == 1 else Logic(op, tuple(rest))


def binary(op: str, a: Expr, b: Expr) -> Expr:
    """`a op b`, folded."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return wrap(evaluate(Binary(op, a, b), {}))
    left, right = (item.value if isinstance(item, Lit) and type(item.value) is int else None for item in (a, b))
    match op:
        case "+" if right == 0:
            return a
        case "+" if left == 0:
            return b
        case "+" if a == b:
            return binary("*", Lit(2), a)
        case "-" if right == 0:
            return a
        case "-" if a == b:
            return Lit(0)
        case "*" | "//" if right == 1:
            return a
        case "*" if left == 1:
            return b
        case "*" if left == 0 or right == 0:
            return Lit(0)
        case "//" if a == b:
            return Lit(1)
        case "-" if isinstance(a, Binary) and a.op == "+" and a.right == b:
            return a.left
        case "-" if isinstance(a, Binary) and a.op == "+" and a.left == b:
            return a.right
        case "+" if right is not None and right < 0:
            return binary("-", a, Lit(-right))
        case "//" if right and isinstance(a, Binary) and a.op == "*" and (divided := _divided(a, right)) is not None:
            return divided
    return _by_choice(op, a, b) or Binary(op, a, b)


def _by_choice(op: str, a: Expr, b: Expr) -> Expr | None:
    """`a op b` where one or both are numbers that a condition chooses, the same one: the results that it chooses."""
    if isinstance(a, IfElse) and isinstance(b, IfElse) and a.condition == b.condition:
        then, other = _by_choice(op, a.then, b.then), _by_choice(op, a.other, b.other)
        return None if then is None or other is None else _chosen(a.condition, then, other)
    if isinstance(a, Lit) and isinstance(b, Lit):
        return binary(op, a, b)
    if isinstance(a, IfElse) and isinstance(b, Lit):
        then, other = _by_choice(op, a.then, b), _by_choice(op, a.other, b)
        return None if then is None or other is None else _chosen(a.condition, then, other)
    if isinstance(a, Lit) and isinstance(b, IfElse):
        then, other = _by_choice(op, a, b.then), _by_choice(op, a, b.other)
        return None if then is None or other is None else _chosen(b.condition, then, other)
    return None


def _divided(product: Binary, n: int) -> Expr | None:
    """`a * m // n` where n divides the whole number m."""
    for factor, rest in ((product.right, product.left), (product.left, product.right)):
        if isinstance(factor, Lit) and type(factor.value) is int and factor.value % n == 0:
            return binary("*", Lit(factor.value // n), rest)
    return None
