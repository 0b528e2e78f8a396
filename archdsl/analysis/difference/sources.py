"""What stands in the spec behind a number of a graph, with the names that `let:` gives followed.

Two numbers that differ, but come of the same expression, differ because of something else: a param, a column of a row,
the channels that enter. That is what was changed, and they follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from archdsl.expr.nodes import Expr, Name, children, is_long, rebuild
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Node, Scope

Lets: TypeAlias = "tuple[Mapping[str, Expr], ...]"  # innermost first
Source: TypeAlias = "tuple[str, Expr]"  # whether a step says it or a default, and what


class Sources:
    """The expressions of one network."""

    def __init__(self, graph: Graph) -> None:
        self.places: dict[Scope | Node, tuple[ir.Operation, ir.Function, Lets]] = {}
        if graph.origin is None:
            return
        operations = {
            node.id: (node, function, lets)
            for function in graph.origin.program.functions
            for node, lets in inside(function)
        }
        below = [scope for scope in graph.root.scopes() if scope is not graph.root]
        if len(below) == len(graph.origin.opened) and len(graph.nodes) == len(graph.origin.made):
            parts: list[tuple[Scope | Node, int]] = [
                *zip(below, graph.origin.opened, strict=True),
                *zip(graph.nodes, graph.origin.made, strict=True),
            ]
            self.places = {part: operations[number] for part, number in parts if number in operations}

    def value(self, part: Scope | Node, name: str) -> Source | None:
        """What stands behind a field of an op or an argument of a call, and whether the step or a default says it."""
        operation, _, lets = self.places.get(part, (None, None, ()))
        if isinstance(operation, ir.Reuse):
            operation = operation.module
        if isinstance(operation, ir.Primitive):
            found = operation.fields.get(name)
        elif isinstance(operation, ir.Call):
            found = operation.args.get(name)
            if found is None:
                param = operation.block.params.get(name)
                return ("default", param.default) if param is not None and param.default is not None else None
        else:
            return None
        return ("step", followed(found, lets)) if found is not None and not is_long(found) else None

    def column(self, row: Scope, name: str, number: int) -> Expr | None:
        """What stands in a column of a row, where the table is written out."""
        operation, _, lets = self.places.get(row, (None, None, ()))
        if not isinstance(operation, ir.Loop) or name not in operation.columns or operation.rows is None:
            return None
        rows = children(followed(operation.rows, lets[1:]))
        cells = children(rows[number]) if number < len(rows) else ()
        place = operation.columns.index(name)
        return cells[place] if place < len(cells) else operation.column_defaults.get(name)

    def hidden(self, part: Scope | Node) -> frozenset[str]:
        """Names at a part that are params of its file, which no call gives."""
        _, function, _ = self.places.get(part, (None, None, ()))
        return frozenset(function.implicit) if function is not None else frozenset()

    def tables(self) -> frozenset[str]:
        """The params that are the rows of a table."""
        loops = (operation for operation, *_ in self.places.values() if isinstance(operation, ir.Loop))
        return frozenset(loop.rows.id for loop in loops if isinstance(loop.rows, Name))


def inside(function: ir.Function) -> Sequence[tuple[ir.Operation, Lets]]:
    """The operations of a function, each with the names that `let:` gives around it."""
    found: list[tuple[ir.Operation, Lets]] = []

    def visit(region: ir.Region, lets: Lets) -> None:
        for node in region.nodes:
            own = (node.let, *lets) if isinstance(node, ir.Nested) else lets
            found.append((node, own))
            for inner in node.regions():
                visit(inner, own)

    for region in (function.region, *(auxiliary.region for auxiliary in function.training.values())):
        visit(region, (function.let,))
    return found


def followed(expr: Expr, lets: Lets) -> Expr:
    """An expression with what `let:` says in the place of its names."""
    if isinstance(expr, Name):
        for depth, let in enumerate(lets):
            if expr.id in let:
                rest = ({name: value for name, value in let.items() if name != expr.id}, *lets[depth + 1 :])
                return followed(let[expr.id], rest)
        return expr
    return rebuild(expr, lambda part: followed(part, lets))
