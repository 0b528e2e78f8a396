"""Loops whose turns carry several tensors: each reads, under the names of `as:`, what the turn before gave."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Lit, Name
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.chains import gives_several
from archdsl.lowering.context import Context
from archdsl.lowering.refusals import Skip
from archdsl.lowering.scope import Scope
from archdsl.lowering.tensors import is_list, tensor
from archdsl.syntax import spec as s


@dataclass(frozen=True)
class Carried:
    """What enters a loop, and what enters each of its turns: tensors with names, or one list."""

    names: tuple[str, ...]
    entry: ir.Operand
    carry: ir.Value

    def enter(self, scope: Scope) -> ir.Operand:
        """The names are bound in a turn; the first of the tensors enters it, or the list that has no first."""
        if not self.carry.items:
            scope.tensors[self.names[0]] = self.carry
            return self.carry
        scope.tensors.update(zip(self.names, self.carry.items, strict=True))
        return self.carry.items[0]


def carries(step: s.Step, context: Context) -> bool:
    """Whether a step is a loop whose turns give several tensors that have names."""
    if not isinstance(step, s.LoopStep) or step.parallel or step.into is None:
        return False
    return isinstance(step.into, tuple) or gives_several(step.body[-1], context)


def carried(step: s.LoopStep, builder: Builder) -> Carried:
    """The tensors that enter the first turn: those that have the names before the loop."""
    if step.source is not None:
        message = "a loop that carries several tensors reads those named by its as:"
        raise fault(
            "several-results", message, step.span, help="remove from:, and begin the body with the name of a tensor"
        )
    assert step.into is not None
    if isinstance(step.into, str):
        listed = named_before(step.into, step, builder.scope)
        if not is_list(listed):
            message = f"'{step.into}' is one tensor before this loop, but its turns return several"
            raise fault("several-results", message, step.span, help="name each of them: as: [a, b]")
        return Carried((step.into,), listed, ir.Value(step.into, many=True))
    entries = tuple(named_before(name, step, builder.scope) for name in step.into)
    for name, entry in zip(step.into, entries, strict=True):
        if is_list(entry):
            message = f"'{name}' is a list of tensors before this loop, but its turns return it as one tensor"
            raise fault("several-results", message, step.span, help="carry a list by itself: as: part")
    entry = builder.append(ir.Pack(ins=entries, out=ir.Value("branches", many=True), span=step.span))
    carry = ir.Value("branches", many=True)
    carry.items = tuple(ir.Item(carry, Lit(index)) for index in range(len(entries)))
    return Carried(step.into, entry, carry)


def named_before(name: str, step: s.LoopStep, scope: Scope) -> ir.Operand:
    """The tensor, or list, that a name of `as:` means before the loop."""
    if name in scope.optional:
        raise fault("optional-tensor", f"this loop carries '{name}', which a call need not pass", step.span)
    if name in scope.context.torn or (name not in scope.tensors and name in scope.context.home.lost):
        raise Skip
    if name not in scope.tensors:
        message = f"this loop carries '{name}', but no step before it defines a tensor of that name"
        raise fault("unknown-tensor", message, step.span, help=f"name what enters its first turn with as: {name}")
    return tensor(Name(name, span=step.span), scope)


def one_result(step: s.LoopStep) -> SpecError:
    """The fault of a loop that names several tensors, but whose turns give one."""
    message = "as: names several tensors, but each turn of this loop returns only one"
    return fault(
        "several-names", message, step.span, help="end the body with a fork: of the tensors that the next turn reads"
    )
