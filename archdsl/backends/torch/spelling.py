"""A tree as text on one line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Binary, Compare, Expr, IfElse, Lit, Logic, Name, Unary
from archdsl.expr.show import show

LOOSE = 0  # how tightly a conditional expression binds
POWERS = {"or": 1, "and": 2, "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9}
POWERS |= dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "is", "is not", "in", "not in"), 4)
POWERS |= dict.fromkeys(("*", "/", "//", "%", "@"), 10)
NOT, SIGN, EXPONENT, ATOM = 3, 11, 12, 13  # and a name, which is last


def one_line(tree: Tree) -> str:
    """The text of a tree."""
    if isinstance(tree, Name):
        return tree.id
    if isinstance(tree, Expr):
        return show(tree, python=True)
    return SPELLINGS[type(tree)](tree)


def listed(trees: Iterable[Tree]) -> str:
    return ", ".join(map(one_line, trees))


def power(tree: Tree) -> int:
    """How tightly a tree binds."""
    match tree:
        case py.Operation(rest=[(sign, _), *_]) | Binary(op=sign):
            return EXPONENT if sign == "**" else POWERS[sign]
        case py.Prefixed(sign) | Unary(op=sign):
            return NOT if sign == "not" else SIGN
        case Logic(op=sign) | Compare(op=sign):
            return POWERS[sign]
        case py.Conditional() | py.Lambda() | IfElse():
            return LOOSE
        case Lit(value=value) if isinstance(value, (int, float)) and value < 0:
            return SIGN
    return ATOM


def operand(tree: Tree, least: int) -> str:
    """A part of an expression, in brackets if it binds less."""
    return one_line(tree) if power(tree) >= least else f"({one_line(tree)})"


def operands(tree: py.Operation) -> tuple[str, list[tuple[str, str]]]:
    """The first operand, which may bind as loosely as the whole, and the others with their operators, which may not."""
    own = power(tree)
    left, right = (own + 1, own) if own == EXPONENT else (own, own + 1)
    return operand(tree.first, left), [(sign, operand(part, right)) for sign, part in tree.rest]


def operation(tree: py.Operation) -> str:
    first, rest = operands(tree)
    close = rest[0][0] == "**" and all(map(is_bare, (tree.first, tree.rest[0][1])))
    return first + "".join(f"{sign}{part}" if close else f" {sign} {part}" for sign, part in rest)


def is_bare(tree: Tree) -> bool:
    """Whether an operand is a name or a number, perhaps with a sign."""
    return isinstance(tree.value if isinstance(tree, py.Prefixed) else tree, (Name, Lit))


def prefixed(tree: py.Prefixed) -> str:
    space = " " if tree.operator == "not" else ""
    return f"{tree.operator}{space}{operand(tree.value, power(tree))}"


def conditional(tree: py.Conditional) -> str:
    then, condition = (operand(part, LOOSE + 1) for part in (tree.then, tree.condition))
    return f"{then} if {condition} else {one_line(tree.other)}"


def attribute(tree: py.Attribute) -> str:
    number = isinstance(tree.value, Lit) and not isinstance(tree.value.value, str)
    return f"({one_line(tree.value)}).{tree.name}" if number else f"{operand(tree.value, ATOM)}.{tree.name}"


def comprehension(tree: py.Comprehension) -> str:
    return f"{one_line(tree.element)} for {one_line(tree.target)} in {operand(tree.rows, LOOSE + 1)}"


def sequence(tree: py.Tuple) -> str:
    inside = listed(tree.items) + ("," if len(tree.items) == 1 else "")
    return f"({inside})" if tree.bracketed else inside


def slice_of(tree: py.Slice) -> str:
    """Both bounds; a colon stands apart from one that is more than a word."""
    start, stop = ("" if bound is None else one_line(bound) for bound in (tree.start, tree.stop))
    apart = not is_simple(tree.start) or not is_simple(tree.stop)
    return f"{start}{' ' if apart and start else ''}:{' ' if apart and stop else ''}{stop}"


def is_simple(tree: Tree | None) -> bool:
    """Whether a bound is a word, or a number with its sign."""
    if isinstance(tree, py.Prefixed):
        return is_simple(tree.value)
    return tree is None or (isinstance(tree, Expr) and one_line(tree).isidentifier()) or one_line(tree).isalnum()


SPELLINGS: dict[type[Any], Callable[[Any], str]] = {
    py.Call: lambda tree: f"{one_line(tree.function)}({listed(tree.args)})",
    py.Keyword: lambda tree: f"{tree.name}={one_line(tree.value)}",
    py.Starred: lambda tree: f"*{one_line(tree.value)}",
    py.Attribute: attribute,
    py.Subscript: lambda tree: f"{operand(tree.value, ATOM)}[{listed(tree.index)}]",
    py.Slice: slice_of,
    py.Tuple: sequence,
    py.List: lambda tree: f"[{listed(tree.items)}]",
    py.Dict: lambda tree: f"{{{', '.join(f'{one_line(key)}: {one_line(value)}' for key, value in tree.entries)}}}",
    py.Operation: operation,
    py.Prefixed: prefixed,
    py.Bracketed: lambda tree: f"({one_line(tree.value)})",
    py.Conditional: conditional,
    py.Comprehension: comprehension,
    py.Lambda: lambda tree: f"lambda: {operand(tree.value, LOOSE + 1)}",
    py.Joined: lambda tree: f'f"{".".join(f"{{{word.id}}}" for word in tree.words)}"',
    py.Foreign: lambda tree: ast.unparse(tree.node),
}
