"""`choice:` as a chain of conditions, one for each named body."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.expr.nodes import Compare, Lit
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.sequences import branch_word, list_branch
from archdsl.lowering.steps import lowered
from archdsl.syntax import spec as s


@lowered.register(s.ChoiceStep)
def choice_step(step: s.ChoiceStep, builder: Builder) -> ir.Value:
    """The last body is the innermost; a run refuses a name that none has."""
    param = builder.expr(step.param)
    before = frozenset(builder.keys.given)
    chosen: ir.If | None = None
    for name, steps in reversed(list(step.bodies.items())):
        with builder.keys.instead(before):
            then = chosen_body(name, steps, step, builder)
        chosen = ir.If(
            condition=Compare("==", param, Lit(name)),
            then=then,
            other=ir.Region([chosen], chosen.out) if chosen is not None else ir.Region(),
            out=ir.Value("x"),
            span=step.span,
            word=f"is_{name}",
            choices=tuple(step.bodies),
        )
    assert chosen is not None
    return builder.append(chosen)


def chosen_body(name: str, steps: Sequence[s.Step], step: s.ChoiceStep, builder: Builder) -> ir.Region:
    """One of the bodies, its modules under the name of the choice."""
    key = builder.keys.free(name.lstrip("_") or "body")
    at = builder.inside()
    return at.close(list_branch(s.SequenceStep(span=step.span, body=list(steps), name=key), branch_word(0), at))
