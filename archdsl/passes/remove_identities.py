"""What does nothing in eval mode, taken out: dropout of every kind, and identities."""

from __future__ import annotations

from archdsl.ir.program import Function, Operation, Primitive, Program, Region
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied, regions_of
from archdsl.ops.activation import Identity
from archdsl.ops.regular import Dropout
from archdsl.passes.base import Pass
from archdsl.passes.taking_out import taken_out


def remove_identities(program: Program) -> Program:
    """Removes steps that do nothing in eval mode: dropout, drop connect, drop block and identities."""
    made = copied(program)
    for function in made.functions:
        while any(removed(function, region, node) for region in regions_of(function) for node in region.nodes):
            pass
    return program_of(made.main)


def removed(function: Function, region: Region, node: Operation) -> bool:
    """Takes an operation out if it gives what it is given; whether that could be."""
    return isinstance(node, Primitive) and is_idle(node) and taken_out(function, region, node)


def is_idle(node: Primitive) -> bool:
    """Whether an operation gives the tensor that it is given, in eval mode."""
    return isinstance(node.op, (Dropout, Identity))


REMOVE_IDENTITIES = Pass(remove_identities)
