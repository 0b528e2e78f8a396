"""The rows of a loop: their cells, what a row leaves out, how many turns a table has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, names
from archdsl.ir import program as ir

Compute: TypeAlias = "Callable[[Expr, Mapping[str, Constant]], Constant]"  # what gives the value of an expression


def complete(
    node: ir.Loop, row: list[Constant], values: Mapping[str, Constant], compute: Compute = evaluate
) -> list[Constant]:
    """A row with the cells that it leaves out, as far as the params and the row itself tell them."""
    for name in node.columns[len(row) :]:
        known = {**values, **dict(zip(node.columns, row, strict=False))}
        default = node.column_defaults.get(name)
        if default is None or any(n.id not in known for n in names(default)):
            break
        row = [*row, compute(default, known)]
    return row


def needed(loops: Iterable[ir.Loop], let: Mapping[str, Expr]) -> list[str]:
    """The lets on which the turns of loops hang, in order."""
    read = {n.id for loop in loops for expr in (loop.count, loop.rows) if expr is not None for n in names(expr)}
    for name, expr in reversed(list(let.items())):
        if name in read:
            read |= {n.id for n in names(expr)}
    return [name for name in let if name in read]


def cell_of(rows: Expr | None, index: int, position: int) -> Expr:
    """The cell of a table that the spec writes out, else the row or the whole."""
    found: Expr = rows if rows is not None else Lit(None)
    for place in (index, position):
        if isinstance(found, ListOf) and place < len(found.items):
            found = found.items[place]
    return found
