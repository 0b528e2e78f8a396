"""`residual:` as an addition of two branches, or an `ir.If` with that on one side."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.primitives import over_several
from archdsl.lowering.sequences import branch_word, list_branch
from archdsl.lowering.steps import body, lowered
from archdsl.syntax import spec as s


@lowered.register(s.ResidualStep)
def residual_step(step: s.ResidualStep, builder: Builder) -> ir.Value:
    """The shortcut is lowered where it stands in the text, before the body or after it."""
    condition = builder.expr(step.condition) if step.condition is not None else None
    skip = builder.entry
    if step.shortcut_first:
        skip = shortcut(step, builder) if condition is None else optional_shortcut(step, condition, builder)
    main = body(step.body, builder)
    at = builder if condition is None else builder.inside(builder.scope)
    if not step.shortcut_first:
        skip = shortcut(step, at)
    added = over_several("add", (skip, main), step, at)
    return added if condition is None else either(step, condition, at.close(added), main, ir.Value("x"), builder)


def either(
    step: s.ResidualStep, condition: Expr, then: ir.Region, other: ir.Operand, out: ir.Value, builder: Builder
) -> ir.Value:
    """One region if the residual connection is there, else a tensor as it is."""
    instead = ir.Region(result=other)
    return builder.append(
        ir.If(condition=condition, then=then, other=instead, out=out, span=step.span, word="residual")
    )


def optional_shortcut(step: s.ResidualStep, condition: Expr, builder: Builder) -> ir.Operand:
    """A shortcut that stands before the body, under the condition of the whole."""
    if not step.shortcut:
        return builder.entry
    at = builder.inside(builder.scope)
    then = at.close(shortcut_body(step, step.shortcut, at))
    return either(step, condition, then, builder.entry, ir.Value("shortcut"), builder)


def shortcut(step: s.ResidualStep, builder: Builder) -> ir.Operand:
    """What is added to the body; without `shortcut:` it is the tensor that enters."""
    if not step.shortcut:
        return builder.entry
    value = shortcut_body(step, step.shortcut, builder)
    if isinstance(value, ir.Value):
        value.name = "shortcut"
    return value


def shortcut_body(step: s.ResidualStep, steps: Sequence[s.Step], builder: Builder) -> ir.Operand:
    whole = s.SequenceStep(span=step.span, body=list(steps), name=builder.keys.free("shortcut"))
    return list_branch(whole, branch_word(0), builder)
