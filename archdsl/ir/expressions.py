"""The expressions of a program, and which of them decide modules by the height and width of a map."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.expr.nodes import Expr, names
from archdsl.ir import program as ir

SIDES = frozenset({"h_in", "w_in"})


def expressions(node: ir.Operation) -> Iterator[Expr]:
    """The expressions of a node itself; those of a loop's `let:` belong to its turns."""
    match node:
        case ir.Primitive():
            yield from node.fields.values()
        case ir.Call():
            yield from node.args.values()
        case ir.If():
            yield node.condition
        case ir.Loop():
            yield from (expr for expr in (node.count, node.rows) if expr is not None)
            yield from node.column_defaults.values()
        case ir.Container() | ir.Stage():
            yield from node.let.values()
    yield from (operand.index for operand in node.operands() if isinstance(operand, ir.Item))


def loops_of_sizes(program: ir.Program) -> frozenset[ir.Loop]:
    """The loops in which something depends on `h_in` or `w_in`, in a turn or in a block that is called there.

    If the size of the map moves from turn to turn, these numbers do too.
    """
    reading: set[ir.Function] = set()
    for function in program.functions:  # those that are called stand before their callers
        if any(map(reads_sides, own_numbers(function))) or depends(function.walk(), reading):
            reading.add(function)
    loops = (node for function in program.functions for node in function.walk() if isinstance(node, ir.Loop))
    return frozenset(
        loop for loop in loops if any(map(reads_sides, loop.let.values())) or depends(loop.body.walk(), reading)
    )


def own_numbers(function: ir.Function) -> Iterator[Expr]:
    """The lets of a function, and the defaults of its params."""
    yield from function.let.values()
    yield from (param.default for param in function.params.values() if param.default is not None)


def depends(nodes: Iterator[ir.Operation], reading: set[ir.Function]) -> bool:
    """Whether one of some nodes reads the sides of a map, or calls a function that does."""
    return any(
        (isinstance(node, ir.Call) and node.block in reading) or any(map(reads_sides, expressions(node)))
        for node in nodes
    )


def reads_sides(expr: Expr) -> bool:
    return any(name.id in SIDES for name in names(expr))
