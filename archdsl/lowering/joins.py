"""Steps over several tensors: joins, running sums, forks and splits."""

from __future__ import annotations

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr, ListOf, Lit
from archdsl.ir import program as ir
from archdsl.lowering.branches import branches, packed, several
from archdsl.lowering.builder import Builder
from archdsl.lowering.primitives import over_several
from archdsl.lowering.steps import lowered
from archdsl.lowering.tensors import is_list
from archdsl.ops import REGISTRY
from archdsl.syntax import spec as s


@lowered.register(s.JoinStep)
def join_step(step: s.JoinStep, builder: Builder) -> ir.Value:
    operands = branches(step.branches, builder, REGISTRY[step.kind])
    return over_several(step.kind, operands, step, builder, step.named)


@several.register(s.RunningSumStep)
def running_sum(step: s.RunningSumStep, builder: Builder) -> ir.Value:
    operands = branches(step.branches, builder)
    sums = ir.Value("sums", many=True)
    return builder.append(ir.Pack(ins=tuple(operands), running=True, out=sums, span=step.span))


@lowered.register(s.RunningSumStep)
def running_sum_step(step: s.RunningSumStep, builder: Builder) -> ir.Value:
    return packed(step, builder)


@lowered.register(s.ForkStep)
def fork_step(step: s.ForkStep, builder: Builder) -> ir.Operand | None:
    """All branches are kept: each under a name, or all as one list."""
    operands = branches(step.branches, builder)
    if isinstance(step.into, tuple) and not any(is_list(operand) for operand in operands):
        if len(step.into) != len(operands):
            raise miscounted(step.into, len(operands), "branches", step)
        for name, operand in zip(step.into, operands, strict=True):
            if isinstance(operand, ir.Value):
                operand.name = name
            builder.bind(name, operand, step)
        return None
    kept = ir.Value(step.into if isinstance(step.into, str) else "branches", many=True)
    builder.append(ir.Pack(ins=tuple(operands), out=kept, span=step.span))
    if step.into is None:
        return kept
    builder.bind_many(step.into, kept, step)
    return None


@lowered.register(s.SplitStep)
def split_step(step: s.SplitStep, builder: Builder) -> ir.Operand | None:
    op, sizes, into = REGISTRY["split"], builder.expr(step.sizes), step.into
    count = parts_of(sizes)
    if isinstance(into, tuple) and count is not None and len(into) != count:
        raise miscounted(into, count, "parts", step)
    parts = ir.Value(into if isinstance(into, str) else "parts", many=True)
    fields = {op.fields[0].name: sizes}
    builder.append(
        ir.Primitive(op=op, fields=fields, ins=(builder.entry,), out=parts, span=step.span, label=step.label)
    )
    if into is None:
        return parts
    builder.bind_many(into, parts, step)
    return None


def parts_of(sizes: Expr) -> int | None:
    """How many parts a split has, if its text tells."""
    if isinstance(sizes, ListOf):
        return len(sizes.items)
    return sizes.value if isinstance(sizes, Lit) and isinstance(sizes.value, int) else None


def miscounted(into: tuple[str, ...], count: int, what: str, step: s.Step) -> SpecError:
    return fault("several-names", f"{len(into)} names for {count} {what}", step.span)
