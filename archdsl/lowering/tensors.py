"""Tensors by name: items of lists, taps of other stages, and the names that steps give."""

from __future__ import annotations

from typing import TypeGuard

from archdsl.diagnostics.faults import Note, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Index, Lit, Name
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.lowering.expressions import resolve
from archdsl.lowering.refusals import Skip, declared
from archdsl.lowering.scope import Scope
from archdsl.lowering.vocabulary import GENERIC
from archdsl.support.naming import did_you_mean


def tensor(ref: Expr, scope: Scope) -> ir.Operand:
    """The tensor that `ref` names: `a`, `part[0]`, `dense.stage3`."""
    if isinstance(ref, Index):
        base = tensor(ref.base, scope)
        if not is_list(base):
            if base_of(ref) in scope.context.home.lost | scope.context.torn:
                raise Skip
            message = f"'{show(ref.base)}' is one tensor, not a list of them"
            raise fault("not-a-list", message, ref.span, help="split, fork and each give lists")
        return ir.Item(base, resolve(ref.index, scope))
    if not isinstance(ref, Name):
        raise fault("unknown-tensor", "expected the name of a tensor here", ref.span)
    found = scope.tensors.get(ref.id) or tap(ref, scope)
    if found is not None:
        return found
    if base_of(ref) in scope.context.home.lost | scope.context.torn:
        raise Skip
    known = [name for name in scope.tensors if name]
    hint = did_you_mean(ref.id, known) or f"tensors in scope are {', '.join(known)}"
    stages = {name: stage.span for name, stage in scope.context.home.stages.items()}
    notes = declared(ref.id, known, stages)
    raise fault("unknown-tensor", f"there is no tensor '{ref.id}' here", ref.span, notes=notes, help=hint)


def single(ref: Expr, scope: Scope) -> ir.Operand:
    """The one tensor that `ref` names."""
    found = tensor(ref, scope)
    if is_list(found):
        message = "expected one tensor here, not a list of tensors"
        raise fault("several-results", message, ref.span, help=f"choose one, such as {show(ref)}[0]")
    return found


def tap(ref: Name, scope: Scope) -> ir.Operand | None:
    """The output of a child of a stage that is a chain, `dense.stage3`; None where no stage is named so."""
    stage, _, path = ref.id.partition(".")
    container = scope.context.taps.get(stage)
    return ir.Tap(container, tuple(path.split(".")), ref.span) if container is not None and path else None


def is_list(operand: ir.Operand | None) -> TypeGuard[ir.Value]:
    return isinstance(operand, ir.Value) and operand.many


def base_of(ref: Expr) -> str:
    """The first word of what may name a tensor: `dense` of `dense.stage3[0]`."""
    base = ref.base if isinstance(ref, Index) else ref
    return base.id.partition(".")[0] if isinstance(base, Name) else ""


def names_tensor(cell: Expr, scope: Scope) -> bool:
    """Whether an expression reads a tensor: its name, or an item of a list of them."""
    base = cell.base if isinstance(cell, Index) else cell
    if not isinstance(base, Name) or base.id in scope.numbers or base.id in scope.context.home.params:
        return False
    return base.id in scope.tensors or tap(base, scope) is not None


def bind(name: str, value: ir.Operand, scope: Scope, span: Span) -> None:
    """Gives a tensor the name of `as:`."""
    params = scope.context.home.params
    if name in scope.numbers or name in params:
        place = scope.numbers.get(name) or (params[name].span if name in params else None)
        notes = (Note(f"the other '{name}'", place),) if place else ()
        message = f"'{name}' is already a number here; a tensor needs another name"
        raise fault("shadowed-name", message, span, notes=notes)
    if isinstance(value, ir.Value) and value.name in GENERIC:
        value.name = name
    scope.tensors[name] = value


def bind_many(into: str | tuple[str, ...], out: ir.Value, scope: Scope, span: Span) -> None:
    """Gives a list of tensors its name, or each of its items one."""
    if isinstance(into, str):
        bind(into, out, scope, span)
        return
    out.parts, out.items = into, tuple(ir.Item(out, Lit(index)) for index in range(len(into)))
    for name, item in zip(into, out.items, strict=True):
        bind(name, item, scope, span)
