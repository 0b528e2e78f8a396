"""Operations on one tensor taken out, so that the tensor goes on as it is: everywhere, or under a condition."""

from __future__ import annotations

from archdsl.expr.nodes import Expr, Logic
from archdsl.ir.program import Function, If, Primitive, Region, Value
from archdsl.ir.rewrite import erase, replace_value
from archdsl.passes.fold_batch_norm import is_tapped, tidied


def taken_out(function: Function, region: Region, node: Primitive) -> bool:
    """Takes out an operation; whether that could be: not if others know the place by its name."""
    if not is_free(function, node) or (len(region.nodes) == 1 and not may_be_empty(function, region)):
        return False
    replace_value(function, node.out, node.ins[0])
    erase(region, node)
    tidied(function)
    return True


def left_where(function: Function, region: Region, node: Primitive, condition: Expr) -> bool:
    """Leaves an operation there under a condition alone; whether that could be."""
    if not is_free(function, node):
        return False
    for outer in function.walk():
        if isinstance(outer, If) and outer.then is region and region.nodes == [node] and not outer.other.nodes:
            outer.condition = Logic("and", (outer.condition, condition))
            return True
    out = Value(node.out.name)
    replace_value(function, node.out, out)
    sides = Region([node], node.out), Region([], node.ins[0])
    choice = If(condition=condition, then=sides[0], other=sides[1], out=out, span=node.span, word=node.op.name)
    region.nodes = [choice if other is node else other for other in region.nodes]
    return True


def is_free(function: Function, node: Primitive) -> bool:
    """Whether nothing knows an operation by its name, nor runs it again."""
    return node.stage is None and not node.reused and not is_tapped(function, node)


def may_be_empty(function: Function, region: Region) -> bool:
    """Whether a region is a side of a condition beside which the tensor that enters goes on as it is."""
    outer = (node for node in function.walk() if isinstance(node, If) and not node.branch)
    return any(region is side for node in outer for side in node.regions())
