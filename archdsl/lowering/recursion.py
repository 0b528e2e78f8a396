"""Blocks that contain themselves: under a condition, or in a loop that may not turn, so that it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Name
from archdsl.ir import program as ir
from archdsl.lowering.chains import gives_several
from archdsl.lowering.context import Context
from archdsl.syntax import spec as s

END = "put it under a when: that ends it, such as when: depth > 1"


@contextmanager
def recursion(block: s.Block, function: ir.Function, context: Context) -> Iterator[None]:
    """While the body of a block is lowered, calls of itself find the function that it becomes."""
    library, home = context.library, context.home
    if home.blocks.get(block.name) is not block:  # outlined: no step names it
        yield
        return
    library.begun[home, block.name] = function
    function.region.result = ir.Value("x")  # what a call inside of it gives
    several = gives_several(block.body[-1], context)
    function.region.result = ir.Value("x", many=several)
    yield
    calls = [node for node in function.walk() if isinstance(node, ir.Call) and node.block is function]
    for node in calls:  # what it reads of its file is known only now
        node.args = {**{name: Name(name) for name in function.implicit}, **node.args}
    if any(node in calls for node in always(function.region)):
        raise endless(function)
    if calls and function.gives_several != several:
        message = f"the block '{block.name}' contains itself, and its last step only names a list of tensors"
        raise fault(
            "several-results", message, block.body[-1].span, help="end with a fork: of the tensors that it returns"
        )


def always(region: ir.Region) -> Iterator[ir.Operation]:
    """The operations that run whenever a region does."""
    for node in region.nodes:
        yield node
        if isinstance(node, (ir.Container, ir.Stage)):
            yield from always(node.body)


def endless(function: ir.Function) -> SpecError:
    name = function.name
    return fault("recursive-block", f"the block '{name}' contains itself ({name} -> {name})", function.span, help=END)


def check_direct(block: ir.Function, context: Context) -> None:
    """A block that is being lowered is called from its own body alone, not from that of a loop which is outlined."""
    if block in context.library.begun.values() and context.function is not block:
        message = f"the block '{block.name}' contains itself in a loop over joins or named tensors"
        raise fault("recursive-block", message, block.span, help="call it outside of such loops")
