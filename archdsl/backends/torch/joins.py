"""Joins with branches that may not exist: each takes part under its condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch.statements import Branching, Statement, Step, Walked
from archdsl.backends.torch.syntax import Tree
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


def write_conditional_join(
    writer: Writer, node: ir.Primitive, operands: Sequence[ir.Operand], made_of: Callable[..., Tree]
) -> bool:
    """`x = x * gate` where the gate is there; False if the branches are no single tensors, or all may be absent."""
    optional = {o: made for o in operands if (made := condition_of(writer, o)) is not None}
    single = all(
        o in optional or not (isinstance(o, ir.Value) and (o.many or writer.tensors.may_lack(o))) for o in operands
    )
    if not optional or not single or not node.op.pairwise:
        return False
    start = next((o for o in operands if o not in optional), None)
    if start is None or not all(is_there(start, made, writer.statements) for made in optional.values()):
        return False
    joined: list[ir.Operand] = [start]  # what is to be joined so far
    first = operands.index(start)  # one tensor may take part several times
    for operand in (*operands[:first], *operands[first + 1 :]):
        if operand not in optional:
            joined.append(operand)
            continue
        made = optional[operand]
        if len(joined) > 1:
            whole = ir.Value("x")
            writer.statements.insert(writer.statements.index(made), Step(whole, tuple(joined), made_of))
            joined = [whole]
        took_part = ir.Value("x")
        made.then.append(Step(took_part, (joined[0], made.then_result), made_of))
        made.out = ir.Value("x")
        made.then_result, made.other_result = took_part, joined[0]
        joined = [made.out]
    if len(joined) > 1:
        writer.modules.fresh.add(node.out)
        writer.statements.append(Step(node.out, tuple(joined), made_of))
    else:
        writer.alias(node.out, joined[0])
    return True


def condition_of(writer: Writer, operand: ir.Operand) -> Branching | None:
    """The statement that makes a branch, if that is one tensor which may not exist and which the join alone reads."""
    if not isinstance(operand, ir.Value) or operand.many or writer.consumers[operand] != 1:
        return None
    if not writer.tensors.may_lack(operand):
        return None
    found = (s for s in writer.statements if isinstance(s, Branching) and s.out is operand and s.other_result is None)
    return next(found, None)


def is_there(operand: ir.Operand, before: Statement, statements: Sequence[Statement]) -> bool:
    """Whether an operand is made in front of a statement."""
    var = operand.var if isinstance(operand, ir.Item) else operand
    after = statements[statements.index(before) :]
    if isinstance(operand, ir.Tap):
        return not any(isinstance(statement, Walked) for statement in after)
    return not any(statement.out is var for statement in after)
