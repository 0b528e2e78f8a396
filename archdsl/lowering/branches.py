"""Branches of a join or fork, each from the same tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from archdsl.diagnostics.faults import fault
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.chains import check_nameable
from archdsl.lowering.forms import is_nothing, is_tensor, named_alone
from archdsl.lowering.refusals import Skip
from archdsl.lowering.sequences import branch_word, list_branch, name_branch
from archdsl.lowering.steps import check_named, lowered, otherwise, recovered
from archdsl.lowering.tensors import is_list
from archdsl.ops.base import Op
from archdsl.syntax import spec as s


def branches(steps: Sequence[s.Step], builder: Builder, op: Op | None = None) -> list[ir.Operand]:
    """The operands of a join by an op; the faults of every branch are found."""
    found: list[ir.Operand] = []
    sound = True
    for word, step in zip(words_of(steps, op), steps, strict=True):
        done = False
        with builder.context.library.faults.catch():
            found += branch(step, word, builder)
            done = True
        if not done:
            sound = False
            recovered(step, builder)
    if not sound:
        raise Skip
    return found


def words_of(steps: Sequence[s.Step], op: Op | None) -> list[str]:
    """What the branches are called: by their places, but for the one that is computed beside tensors as they are."""
    words = [branch_word(index) for index in range(len(steps))]
    computed = [index for index, step in enumerate(steps) if not is_tensor(step)]
    if op is not None and op.lone_branch and len(computed) == 1 and len(steps) > 1:
        words[computed[0]] = op.lone_branch
    return words


def branch(step: s.Step, word: str, builder: Builder) -> list[ir.Operand]:
    """One branch of a join; `split` and `fork` stand for several."""
    operands = unnamed(step, word, builder)
    if step.into is not None and not isinstance(step, (s.SplitStep, s.ForkStep)):
        if isinstance(operands[0], ir.Value) and operands[0].optional:
            named = step.into if isinstance(step.into, str) else step.into[0]
            raise fault(
                "optional-tensor",
                f"'{named}' does not exist if the when: of this branch is false",
                step.span,
                help="add else: beside when:",
            )
        if is_list(operands[0]) and not isinstance(step, s.TensorStep):
            builder.bind_many(step.into, operands[0], step)
            return named_results(step.into, builder)
        if not isinstance(step.into, str):
            raise fault("several-names", "this branch has one result", step.span, help="write as: with one name")
        builder.bind(step.into, operands[0], step)
    return operands


def unnamed(step: s.Step, word: str, builder: Builder) -> list[ir.Operand]:
    """The operands that a branch gives, before `as:` names them."""
    if isinstance(step, s.SequenceStep):
        step = replace(step, body=[inner for inner in step.body if not is_nothing(inner)])
    check_nameable(step, builder.context)
    if step.when is not None:
        return [optional_branch(step, word, builder)]
    if isinstance(step, s.TensorStep):
        return [builder.tensor(step.ref)]
    builder = builder.on(builder.source(step))
    if (tensors := several(step, builder)) is not None:
        return [tensors]
    if isinstance(step, s.UseStep) and step.target == "identity" and step.name is None:
        return [builder.entry]
    if isinstance(step, s.SequenceStep):
        return [list_branch(replace(step, body=list(named_alone(step))), word, builder)]
    check_named(step)
    value = lowered(step, builder)
    if value is None:  # `split` and `fork` stand for all their results
        assert step.into is not None
        return named_results(step.into, builder)
    name_branch(value, word)
    return [value]


def named_results(into: str | tuple[str, ...], builder: Builder) -> list[ir.Operand]:
    """The results of a step with several, by the names of its `as:`."""
    return [builder.scope.tensors[name] for name in ([into] if isinstance(into, str) else into)]


@singledispatch
def several(step: s.Step, builder: Builder) -> ir.Value | None:
    """The list of tensors that a step gives where branches stand (`each`, `running_sum`); None: it is one branch."""
    return None


def packed(step: s.Step, builder: Builder) -> ir.Value:
    """What stands for several branches, as a step: the list of their tensors."""
    operands = branch(step, branch_word(0), builder)
    return builder.append(ir.Pack(ins=tuple(operands), out=ir.Value("branches", many=True), span=step.span))


def into_of(step: s.Step) -> str | tuple[str, ...] | None:
    """The names that a step needs to be lowered: those of several results."""
    return step.into if isinstance(step, (s.SplitStep, s.ForkStep)) else None


def optional_branch(step: s.Step, word: str, builder: Builder) -> ir.Value:
    """A branch with `when:`; without `else:` it may not exist, and the join goes without it."""
    assert step.when is not None
    condition, before = builder.expr(step.when), frozenset(builder.keys.given)
    at = builder.inside()
    operands = branch(replace(step, when=None, other=None, into=into_of(step)), word, at)
    operand = operands[0]
    if len(operands) > 1:
        operand = at.append(ir.Pack(ins=tuple(operands), out=ir.Value("branches", many=True), span=step.span))
    many, other = is_list(operand), ir.Region()
    if many and step.other:
        raise fault(
            "bad-branch",
            "a step that stands for several branches cannot have else:",
            step.span,
            help="put it on the join",
        )
    if step.other:
        entry = builder.source(step)
        with builder.keys.instead(before):
            other = otherwise(step.other, builder.on(entry))
    return builder.append(
        ir.If(
            condition=condition,
            then=at.close(operand),
            other=other,
            out=ir.Value("branches" if many else word, many=many, optional=not step.other),
            span=step.span,
            branch=not step.other,
        )
    )
