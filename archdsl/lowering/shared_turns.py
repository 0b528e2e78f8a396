"""Loops whose turns share one module: its first run, and those that run it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TypeGuard

from archdsl.diagnostics.faults import Note, fault
from archdsl.expr.nodes import Lit, Name, names
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.forms import is_bare
from archdsl.lowering.outlining import outlined
from archdsl.lowering.sharing import again
from archdsl.lowering.steps import lowered
from archdsl.lowering.tables import fed
from archdsl.lowering.walks import step_exprs
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import MEASURES, TURN_NAMES


def repeated_module(step: s.LoopStep, builder: Builder) -> ir.Operand:
    """`repeat: n` of one module: what it gives enters it again."""
    count = builder.expr(step.count) if step.count is not None else None
    if not isinstance(count, Lit) or type(count.value) is not int:
        message = "how often a shared module runs must be written as a number"
        span = step.count.span if step.count is not None else None
        help = "write repeat: 3, or share: beside each step that runs the module"
        raise fault("bad-share", message, span or step.span, help=help)
    if isinstance(step.into, tuple):
        help = "share: beside each call of a block that gives several tensors"
        raise fault("bad-share", "a loop that shares a module can carry only one tensor", step.span, help=help)
    value = builder.entry
    module: ir.Primitive | ir.Call | None = None
    for _ in range(count.value):
        value, module = turn(module, step, builder.on(value))
    return value


def branches_of_module(step: s.LoopStep, builder: Builder) -> ir.Value:
    """`each` over tensors: one module on each of them."""
    rows = fed(step, builder.scope)
    if not rows.entries or rows.step.columns != (rows.column,):
        help = "write each: level, in: a list of tensors, and body: [{from: level, ...}]"
        raise fault(
            "bad-share", "a loop that shares a module must have exactly one column, with tensors", step.span, help=help
        )
    found: list[ir.Operand] = []
    module: ir.Primitive | ir.Call | None = None
    for entry in rows.entries:
        value, module = turn(module, rows.step, builder.on(entry))
        found.append(value)
    return builder.append(ir.Pack(ins=tuple(found), out=ir.Value("branches", many=True), span=step.span))


def turn(
    module: ir.Primitive | ir.Call | None, step: s.LoopStep, builder: Builder
) -> tuple[ir.Operand, ir.Primitive | ir.Call]:
    """One turn: the first makes the module."""
    if module is not None:
        return again(module, module.tensors, step, builder), module
    value = lowered(first(step, builder), builder)
    made = builder.region.nodes[-1] if builder.region.nodes else None
    if not isinstance(made, (ir.Primitive, ir.Call)) or made.key is None or value is not made.out or made.out.many:
        notes = (Note("its step is this one", step.body[0].span),)
        help = "it takes one op or block that is a module, or several steps that give one tensor"
        raise fault(
            "bad-share", "this loop has no single module that its turns could share", step.span, notes=notes, help=help
        )
    return value, made


def first(step: s.LoopStep, builder: Builder) -> s.UseStep:
    """The call that all turns are: the only step of the body, or its steps as a block."""
    if step.let:
        raise fault(
            "bad-share",
            "a loop that shares a module cannot have let:",
            step.span,
            help="write the values where they are read",
        )
    for name in (*of_turns(step.body), *(name for inner in step.body for name in names_of(inner, step.columns))):
        message = f"'{name.id}' differs from turn to turn, but all turns of this loop run the same module"
        raise fault("bad-share", message, name.span or step.span, help="remove share:, or write the number")
    only = step.body[0]
    if len(step.body) == 1 and is_alone(only, builder):
        return replace(only, name=only.name or step.name)
    word = builder.keys.free("branch" if step.parallel else "layer")
    return replace(outlined(step, builder.scope), name=step.name or word)


def is_alone(step: s.Step, builder: Builder) -> TypeGuard[s.UseStep]:
    """Whether the only step of a body is the same call outside of the loop, where `c_in` may be other channels."""
    plain = isinstance(step, s.UseStep) and is_bare(step) and step.share is None
    return plain and not (builder.context.staged and names_of(step, MEASURES))


def names_of(step: s.Step, wanted: Collection[str]) -> list[Name]:
    """The names among those wanted that a step reads."""
    return [name for expr in step_exprs(step) for name in names(expr) if name.id in wanted]


def of_turns(steps: Iterable[s.Step]) -> Iterator[Name]:
    """What steps read of the turns of the loop around them: the body of a loop within has turns of its own."""
    for step in steps:
        own = replace(step, body=[], let={}) if isinstance(step, s.LoopStep) else step
        yield from names_of(own, TURN_NAMES)
