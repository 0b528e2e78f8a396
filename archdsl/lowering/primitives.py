"""A step that is an op, as an `ir.Primitive`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archdsl.diagnostics.faults import Collector, at, fault
from archdsl.expr.nodes import Expr, Index, Name, rebuild, wrap
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.lowering.arguments import arguments, places_of
from archdsl.lowering.builder import Builder
from archdsl.lowering.expressions import resolve, resolve_default
from archdsl.lowering.measured import is_over_map, sides_of
from archdsl.lowering.refusals import RENAME, Skip, no_module
from archdsl.lowering.scope import Scope
from archdsl.lowering.tensors import single
from archdsl.lowering.vocabulary import TENSOR_NAME
from archdsl.ops import REGISTRY, Field, Op
from archdsl.ops.target import SIDES
from archdsl.syntax import spec as s


def primitive(step: s.UseStep, op: Op, builder: Builder) -> ir.Value:
    """An op with its arguments; it is a module and has a key, unless torch has it as a function."""
    with builder.context.library.all_or_skip() as faults:
        known, further = [f.name for f in op.fields], list(step.named) if op.further else []
        given = arguments(step, known, f"the op '{op.name}'", further, faults=faults)
        preset = presets(op, builder.scope)
        if faults.clean:  # else an argument of another name may be meant for it
            refuse_missing(step, op, given.keys() | preset.keys(), builder, faults)
        sides = sides_of(given.pop("size"), builder.scope) if is_over_map(given) else None
        tensors: dict[str, ir.Operand] = {}
        for item in (item for item in op.fields if item.kind == "tensor" and item.name in given):
            with faults.catch():
                tensors[item.name] = builder.single(given.pop(item.name))
        fields, read = op_fields(step, op, given, preset, builder, faults)
        fields |= {SIDES.name: sides} if sides is not None else {}
    stated = frozenset([*given, *tensors, *([SIDES.name] if sides is not None else [])])
    with at(step.span):
        keyed = op.owned or not op.functional(stated)
    if step.name is not None and not keyed:
        raise no_module(step.name, step)
    made = ir.Primitive(
        op=op,
        fields=fields,
        ins=(entering(op, builder),) if read is None else tuple(read.values()),
        tensors=tensors,
        given=stated,
        field_spans=places_of(step, op),
        out=ir.Value("x"),
        span=step.span,
        key=builder.key(step, named_by(step, op)) if keyed else None,
        label=step.label,
        called=tuple(read or ()),
    )
    builder.scope.named_module(step.name, made)
    return builder.append(made)


def entering(op: Op, builder: Builder) -> ir.Operand:
    """What enters an op; a tensor of the network's own takes the batch axis of what is none."""
    made = {node.out: node for node in builder.region.nodes if isinstance(node, ir.Primitive) and node.op.owned}
    entry = builder.entry
    while op.owned and isinstance(entry, ir.Value) and entry in made:
        (entry,) = made[entry].ins
    return entry


def named_by(step: s.Step, op: Op) -> str:
    """What a step without a name is called in the keys: after its op; a tensor of the network's own as `as:` has it."""
    return step.into if op.owned and isinstance(step.into, str) else op.name


def op_fields(
    step: s.Step,
    op: Op,
    given: Mapping[str, Expr],
    preset: Mapping[str, Expr],
    builder: Builder,
    faults: Collector,
) -> tuple[dict[str, Expr], dict[str, ir.Operand] | None]:
    """The fields of an op that are no tensors; what its formula reads, if it has one, by what the spec calls it."""
    fields: dict[str, Expr] = {}
    read: dict[str, ir.Operand] | None = None
    for item in (item for item in op.fields if item.kind != "tensor"):
        value = given.get(item.name, preset.get(item.name))
        with faults.catch():
            if value is None:
                fields[item.name] = wrap(item.default)
            elif item.kind == "formula":
                fields[item.name], read = formula(value, builder.scope)
            else:
                fields[item.name] = value if is_resolved(item, given) else builder.expr(value, item.choices)
    for name, value in given.items():
        if name not in fields and op.field(name) is None:
            with faults.catch():
                fields[name] = builder.expr(value)
    return fields, read


def refuse_missing(step: s.Step, op: Op, given: Collection[str], builder: Builder, faults: Collector) -> None:
    """The fault of each argument that must be given; none where what gives it to all steps of the op may be unread."""
    for item in op.fields:
        if item.required and item.name not in given:
            with faults.catch():
                if op.name in builder.context.home.lost:
                    raise Skip
                raise fault("missing-argument", f"the op '{op.name}' needs '{item.name}' ({item.doc})", step.span)


def is_resolved(item: Field, given: Mapping[str, Expr]) -> bool:
    """Whether there is no name to resolve in a field: it is text, or comes from `defaults:`."""
    return item.kind == "text" or item.name not in given


def presets(op: Op, scope: Scope) -> dict[str, Expr]:
    """`defaults:` for an op, its own over those of the op it follows."""
    context = scope.context
    found: dict[str, tuple[Expr, s.Spec]] = {}
    own = {f.name for f in op.fields}
    for target in (op.follows, op.name):
        if target:
            values = context.library.defaults(context.home, target)
            found.update({k: v for k, v in values.items() if k in own or target == op.name})
    return {
        key: resolve_default(value, origin, scope, item.choices if (item := op.field(key)) else ())
        for key, (value, origin) in found.items()
    }


def formula(value: Expr, scope: Scope) -> tuple[Expr, dict[str, ir.Operand]]:
    """A formula over t0, t1, … in order of first mention, and which tensors these are, by what the spec calls them."""
    operands: dict[str, ir.Operand] = {}
    places: dict[str, str] = {}

    def visit(part: Expr) -> Expr:
        if not isinstance(part, (Name, Index)):
            return rebuild(part, visit)
        base = part.base if isinstance(part, Index) else part
        if not isinstance(base, Name) or base.id in scope.numbers or scope.context.home.params.get(base.id):
            return number(part, scope)
        text = show(part)
        if text not in places:
            places[text] = f"t{len(places)}"
            operands[text] = single(part, scope)
        return Name(places[text], span=part.span)

    return visit(value), operands


def number(part: Expr, scope: Scope) -> Expr:
    """A number that a formula reads."""
    if isinstance(part, Name) and TENSOR_NAME.fullmatch(part.id):
        raise fault("shadowed-name", f"'{part.id}' names a tensor in formulas", part.span, help=RENAME)
    return resolve(part, scope)


def over_several(
    kind: str, operands: Sequence[ir.Operand], step: s.Step, builder: Builder, given: Mapping[str, Expr] | None = None
) -> ir.Value:
    """An op over several tensors, with its arguments; it is no module."""
    op, given = REGISTRY[kind], given or {}
    with builder.context.library.all_or_skip() as faults:
        preset = presets(op, builder.scope)
        refuse_missing(step, op, given.keys() | preset.keys(), builder, faults)
        fields, _ = op_fields(step, op, given, preset, builder, faults)
    return builder.append(
        ir.Primitive(
            op=op,
            fields=fields,
            ins=tuple(operands),
            given=frozenset(given),
            field_spans={name: value.span for name, value in given.items() if value.span},
            out=ir.Value("x"),
            span=step.span,
            label=step.label,
        )
    )
