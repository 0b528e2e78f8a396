"""A list of steps in the place of one: a container if it is a chain, else steps of the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.chains import is_chain
from archdsl.lowering.expressions import resolve_lets
from archdsl.lowering.forms import is_nothing, named_alone
from archdsl.lowering.keys import CONTAINER
from archdsl.lowering.steps import body, lowered
from archdsl.syntax import spec as s


@lowered.register(s.SequenceStep)
def sequence_step(step: s.SequenceStep, builder: Builder) -> ir.Operand:
    if len(step.body) > 1 and is_chain(step.body, builder.context):
        return container(step.body, builder.key(step, "block"), step, builder)
    return body(named_alone(step), builder)


def container(steps: Sequence[s.Step], key: str | None, of: s.Step | s.Stage, builder: Builder) -> ir.Value:
    """A chain of modules as one nn.Sequential: a stage, or what stands in the place of one step."""
    scope, carry = builder.scope.inner(), ir.Value("x")
    let = resolve_lets(of.let if isinstance(of, s.Stage) else {}, scope)
    at = Builder(scope, CONTAINER, carry)
    return builder.append(
        ir.Container(
            entry=builder.entry,
            carry=carry,
            body=at.close(body(steps, at)),
            kind="stage" if isinstance(of, s.Stage) else "branch",
            let=let,
            out=ir.Value("x"),
            span=of.span,
            key=key,
            label=of.label if isinstance(of, s.Step) else None,
        )
    )


def list_branch(step: s.SequenceStep, word: str, builder: Builder) -> ir.Operand:
    """A branch that is a list: a container if it is a chain, else steps of the class under the branch's name."""
    steps = [inner for inner in step.body if not is_nothing(inner)]
    if not steps:
        return builder.entry
    if len(steps) > 1 and is_chain(steps, builder.context):
        value: ir.Operand = container(steps, builder.key(step, word), step, builder)
    elif len(steps) == 1 and step.name and isinstance(steps[0], s.UseStep | s.SequenceStep) and not steps[0].name:
        value = body([replace(steps[0], name=step.name)], builder)
    else:
        value = body(steps, builder)
    if value is not builder.entry:
        name_branch(value, word)
    return value


def branch_word(index: int) -> str:
    """What a branch is called by its place."""
    return f"branch{index + 1}"


def name_branch(value: ir.Operand, word: str) -> None:
    """A tensor without a name has that of its branch."""
    if isinstance(value, ir.Value) and value.name == "x":
        value.name = word
