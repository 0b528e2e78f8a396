"""Expressions: what stands in a spec where a number, a truth value or a word is expected.

An expression is a small immutable tree, parsed from text, evaluated by our own walk (never by
Python's), and printed back into emitted source. Trees compare by content, not by place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from archdsl.diagnostics.spans import Span

Constant: TypeAlias = Any  # int | float | bool | str | None | list[Constant]
MAX_PARTS = 1000  # of an expression made of others


@dataclass(frozen=True)
class Expr:
    """A node of an expression; `span` is its place in the spec, for messages only."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)

    @cached_property
    def mentioned(self) -> tuple[str, ...]:
        """The names that it mentions, each once."""
        return tuple(dict.fromkeys(name.id for name in names(self)))

    def __add__(self, other: Expr | int) -> Expr:
        return _folded("+", self, wrap(other))

    def __radd__(self, other: int) -> Expr:
        return _folded("+", wrap(other), self)

    def __sub__(self, other: Expr | int) -> Expr:
        return _folded("-", self, wrap(other))

    def __rsub__(self, other: int) -> Expr:
        return _folded("-", wrap(other), self)

    def __mul__(self, other: Expr | int) -> Expr:
        return _folded("*", self, wrap(other))

    def __rmul__(self, other: int) -> Expr:
        return _folded("*", wrap(other), self)

    def __floordiv__(self, other: Expr | int) -> Expr:
        return _folded("//", self, wrap(other))

    def __rfloordiv__(self, other: int) -> Expr:
        return _folded("//", wrap(other), self)


def _folded(op: str, a: Expr, b: Expr) -> Expr:
    """`a op b`; folding is written over these nodes, so it is loaded when the first two are joined."""
    from archdsl.expr.fold import binary

    return binary(op, a, b)


@dataclass(frozen=True)
class Lit(Expr):
    """A number, a truth value, a word or nothing."""

    value: int | float | bool | str | None


@dataclass(frozen=True)
class Name(Expr):
    """A name in scope; a dotted one (`dense.stage3`) is a path to a tensor."""

    id: str


@dataclass(frozen=True)
class Unary(Expr):
    op: str
    operand: Expr


@dataclass(frozen=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Compare(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Logic(Expr):
    op: str
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class IfElse(Expr):
    condition: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True)
class Index(Expr):
    base: Expr
    index: Expr


@dataclass(frozen=True)
class Call(Expr):
    function: str
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class ListOf(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class FirstRow(Expr):
    """`element` of the first of `rows`, unpacked to `columns`, of which `condition` holds: of emitted source alone."""

    element: Expr
    condition: Expr
    columns: tuple[str, ...]
    rows: Expr


@dataclass(frozen=True)
class SumOfRows(Expr):
    """The sum of `element` over `rows`, each unpacked to `columns`: of emitted source alone."""

    element: Expr
    columns: tuple[str, ...]
    rows: Expr


def wrap(value: Expr | Constant) -> Expr:
    """A value as an expression; an expression as it is."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, (list, tuple)):
        return ListOf(tuple(wrap(item) for item in value))
    return Lit(value)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression."""
    match expr:
        case Unary(operand=a):
            return (a,)
        case Binary(left=a, right=b) | Compare(left=a, right=b) | Index(base=a, index=b):
            return (a, b)
        case Logic(items=items) | ListOf(items=items):
            return items
        case IfElse(condition=c, then=a, other=b):
            return (c, a, b)
        case Call(args=args, keywords=keywords):
            return (*args, *(value for _, value in keywords))
        case FirstRow(element=a, condition=c, rows=b):
            return (a, c, b)
        case SumOfRows(element=a, rows=b):
            return (a, b)
    return ()


def names(expr: Expr) -> Iterator[Name]:
    """Every name an expression mentions, in order."""
    if isinstance(expr, Name):
        yield expr
    for child in children(expr):
        yield from names(child)


def free_names(expr: Expr) -> Iterator[Name]:
    """Every name that an expression reads from outside: not the columns of rows that it walks itself."""
    if isinstance(expr, Name):
        yield expr
    own = expr.columns if isinstance(expr, SumOfRows) else ()
    for child in children(expr):
        yield from (name for name in free_names(child) if name.id.removeprefix("@") not in own)


def is_long(expr: Expr) -> bool:
    """Whether an expression has more parts than anyone reads; counting stops there, for parts may be shared."""
    count, todo = 0, [expr]
    while todo and count <= MAX_PARTS:
        count += 1
        todo += children(todo.pop())
    return count > MAX_PARTS


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node over changed parts."""
    match expr:
        case Unary(op=op, operand=a):
            return Unary(op, change(a), span=expr.span)
        case Binary(op=op, left=a, right=b):
            return Binary(op, change(a), change(b), span=expr.span)
        case Compare(op=op, left=a, right=b):
            return Compare(op, change(a), change(b), span=expr.span)
        case Index(base=a, index=b):
            return Index(change(a), change(b), span=expr.span)
        case Logic(op=op, items=items):
            return Logic(op, tuple(map(change, items)), span=expr.span)
        case ListOf(items=items):
            return ListOf(tuple(map(change, items)), span=expr.span)
        case IfElse(condition=c, then=a, other=b):
            return IfElse(change(c), change(a), change(b), span=expr.span)
        case Call(function=function, args=args, keywords=keywords):
            named = tuple((k, change(v)) for k, v in keywords)
            return Call(function, tuple(map(change, args)), named, span=expr.span)
        case FirstRow(element=a, condition=c, columns=columns, rows=b):
            return FirstRow(change(a), change(c), columns, change(b), span=expr.span)
        case SumOfRows(element=a, columns=columns, rows=b):
            return SumOfRows(change(a), columns, change(b), span=expr.span)
    return expr
