"""What does nothing in eval mode, taken out: dropout of every kind, and identities."""

from __future__ import annotations

from archdsl.ir.program import Function, If, Operation, Primitive, Program, Region
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied, erase, regions_of, replace_value
from archdsl.ops.activation import Identity
from archdsl.ops.regular import Dropout
from archdsl.passes.base import Pass
from archdsl.passes.fold_batch_norm import is_tapped, tidied


def remove_identities(program: Program) -> Program:
    """Takes out what does nothing in eval mode: dropout, drop connect, drop block, identities."""
    made = copied(program)
    for function in made.functions:
        while any(removed(function, region, node) for region in regions_of(function) for node in region.nodes):
            tidied(function)
    return program_of(made.main)


def removed(function: Function, region: Region, node: Operation) -> bool:
    """Takes an operation out if it gives what it is given; whether that could be."""
    if not is_idle(node) or node.stage is not None or node.reused or is_tapped(function, node):
        return False
    if len(region.nodes) == 1 and not may_be_empty(function, region):
        return False
    assert isinstance(node, Primitive)
    replace_value(function, node.out, node.ins[0])
    erase(region, node)
    return True


def is_idle(node: Operation) -> bool:
    """Whether an operation gives the tensor that it is given, in eval mode."""
    return isinstance(node, Primitive) and isinstance(node.op, (Dropout, Identity))


def may_be_empty(function: Function, region: Region) -> bool:
    """Whether a region is a side of a condition beside which the tensor that enters goes on as it is."""
    outer = (node for node in function.walk() if isinstance(node, If) and not node.branch)
    return any(region is side for node in outer for side in node.regions())


REMOVE_IDENTITIES = Pass(remove_identities)
