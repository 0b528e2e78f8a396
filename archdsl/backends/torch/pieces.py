"""The parts of `__init__`: statements, children of containers, calls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.backends.torch.layout import (
    Bracketed,
    Cat,
    Chain,
    Comprehension,
    Doc,
    Fluent,
    Group,
    Ternary,
    call,
    flat,
    keyword,
)
from archdsl.expr.nodes import Binary, Compare, Constant, Expr, IfElse, ListOf, Logic, Unary, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Module, is_lit

TARGET = "\0target"  # stands for the container that a statement appends to


@dataclass
class Line:
    """A statement of `__init__`, `depth` levels inside."""

    depth: int
    doc: Doc
    suffix: str = ""


@dataclass
class Piece:
    """A child of a container: a module, a loop over modules, or an optional one."""

    doc: Doc | None = None
    key: str | None = None
    lines: list[Line] = field(default_factory=list)  # statements that append to TARGET
    condition: str = ""  # under which all of these are, if it holds in all of the container or nowhere


def joined_pieces(pieces: list[Piece], more: list[Piece]) -> list[Piece]:
    """Pieces in a row; two under one condition share its `if`."""
    if pieces and len(more) == 1 and more[0].condition and more[0].condition == pieces[-1].condition:
        last = replace(pieces[-1], lines=[*pieces[-1].lines, *more[0].lines[1:]])
        return [*pieces[:-1], last]
    return [*pieces, *more]


def text(expr: Expr | Constant) -> str:
    """An expression as source."""
    return show(wrap(expr), python=True)


def value_doc(value: Any) -> Doc:
    """A value as source that can be broken: a list is a tuple there, a mapping a dictionary."""
    if isinstance(value, Mapping):
        return Group("", tuple(Cat((f'"{key}": ', value_doc(inner))) for key, inner in value.items()), "{", "}")
    if isinstance(value, list) and len(value) > 1:
        return Group("", tuple(map(value_doc, value)))
    return text(value)


def operand(expr: Expr) -> Doc:
    """An operand of a chain, in brackets if it binds no tighter."""
    loose = isinstance(expr, (IfElse, Logic)) or (isinstance(expr, Binary) and expr.op in ("+", "-"))
    return Bracketed(expr_doc(expr)) if loose else text(expr)


def term(expr: Expr) -> Doc:
    """An operand of a sum: a truth value counts as 0 or 1 there."""
    truth = isinstance(expr, Compare) or (isinstance(expr, Unary) and expr.op == "not")
    return Bracketed(text(expr)) if truth else operand(expr)


def expr_doc(expr: Expr) -> Doc:
    """An expression as source that can be broken."""
    if isinstance(expr, IfElse):
        return Ternary(side(expr.then), text(expr.condition), side(expr.other))
    if isinstance(expr, Logic):
        first, *rest = (operand(item) for item in expr.items)
        return Chain(first, tuple((expr.op, part) for part in rest))
    if isinstance(expr, Binary) and expr.op in ("+", "-"):
        terms: list[tuple[str, Doc]] = []
        while isinstance(expr, Binary) and expr.op in ("+", "-"):
            terms.append((expr.op, term(expr.right)))
            expr = expr.left
        return Chain(term(expr), tuple(terms[::-1]))
    if isinstance(expr, Binary) and expr.op == "*":
        factors: list[tuple[str, Doc]] = []
        while isinstance(expr, Binary) and expr.op == "*":
            factors.append(("*", factor(expr.right)))
            expr = expr.left
        first = text(expr) if isinstance(expr, Binary) and expr.op in ("//", "/", "%") else factor(expr)
        return Chain(first, tuple(factors[::-1]))
    return text(expr)


def side(expr: Expr) -> Doc:
    """What a condition chooses; a list there can be broken."""
    if isinstance(expr, ListOf) and len(expr.items) > 1:
        return Group("", tuple(map(expr_doc, expr.items)))
    return expr_doc(expr)


def factor(expr: Expr) -> Doc:
    """An operand of a product, in brackets unless it binds tighter."""
    if isinstance(expr, (IfElse, Logic, Compare)) or (isinstance(expr, Binary) and expr.op != "**"):
        return Bracketed(text(expr))
    return Bracketed(text(expr)) if isinstance(expr, Unary) and expr.op == "not" else text(expr)


def module_doc(made: Module) -> Group:
    """`nn.Conv2d(c_in, out, 3, 2, 1, bias=False)`: stride and padding by position where both are given."""
    items: list[Doc] = [expr_doc(wrap(arg)) for arg in made.args]
    in_order = True
    for name, (value, default) in made.kwargs.items():
        expr = wrap(value)
        if is_lit(expr, default) or (isinstance(expr, ListOf) and all(is_lit(i, default) for i in expr.items)):
            in_order = False
        elif in_order and name in ("stride", "padding"):
            items.append(text(expr))
        else:
            in_order = False
            items.append(keyword(name, expr_doc(expr) if isinstance(expr, IfElse) else text(expr)))
    return Group(made.cls, tuple(items))


def leading(pieces: Sequence[Piece]) -> tuple[tuple[Doc, ...], Sequence[Piece]]:
    """The modules that a container can be made with, and the pieces that come after."""
    docs: list[Doc] = []
    for piece in pieces:
        if piece.doc is None or piece.key is not None or piece.lines:
            break
        docs.append(piece.doc)
    return tuple(docs), pieces[len(docs) :]


def append_lines(pieces: Sequence[Piece]) -> list[Line]:
    """Statements that append pieces to TARGET."""
    found: list[Line] = []
    for piece in pieces:
        if piece.doc is not None and piece.key is None:
            if isinstance(piece.doc, Cat) and piece.doc.parts and piece.doc.parts[0] == "*":
                found.append(Line(0, call(f"{TARGET}.extend", *piece.doc.parts[1:])))
            else:
                found.append(Line(0, call(f"{TARGET}.append", piece.doc)))
        elif piece.doc is not None:
            found.append(Line(0, call(f"{TARGET}.add_module", f'"{piece.key}"', piece.doc)))
        found += piece.lines
    return found


def indent(lines: Iterable[Line], by: int = 1) -> list[Line]:
    return [replace(line, depth=line.depth + by) for line in lines]


def renamed(part: Doc, old: str, new: str) -> Doc:
    """A part with a name changed; the keyword of an argument stays."""

    def change(text: str) -> str:
        return re.sub(rf"(?<![\w.\"]){old}(?![\w\"]|=(?!=))", new, text)

    match part:
        case Group(head, items, start, end):
            return Group(change(head), tuple(renamed(item, old, new) for item in items), start, end)
        case Cat(parts):
            return Cat(tuple(renamed(item, old, new) for item in parts))
        case Ternary(then, condition, other):
            return Ternary(renamed(then, old, new), change(condition), renamed(other, old, new))
        case Chain(first, rest):
            return Chain(renamed(first, old, new), tuple((op, renamed(item, old, new)) for op, item in rest))
    return change(flat(part))


def aimed(line: Line, target: str, depth: int = 0) -> Line:
    """A line with TARGET filled in."""

    def fill(part: Doc) -> Doc:
        match part:
            case Group(head, items, start, end):
                return Group(head.replace(TARGET, target), tuple(map(fill, items)), start, end)
            case Cat(parts):
                return Cat(tuple(map(fill, parts)))
            case Comprehension(element, clause):
                return Comprehension(fill(element), fill(clause))
            case Ternary() | Chain() | Bracketed() | Fluent():
                return part
        return part.replace(TARGET, target)

    return Line(line.depth + depth, fill(line.doc), line.suffix)


def keyed(line: Line, key: str) -> Line:
    """An append to the table's container as an add_module under the row's name."""
    if isinstance(line.doc, Group) and line.doc.head == f"{TARGET}.append":
        return Line(line.depth, Group(f"{TARGET}.add_module", (key, *line.doc.items)), line.suffix)
    return line


def mentions(doc: Doc, name: str) -> bool:
    """Whether a name stands in the text."""
    return re.search(rf"(?<![\w.\"]){name}(?![\w\"])", flat(doc)) is not None
