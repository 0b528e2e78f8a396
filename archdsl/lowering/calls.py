"""A step that names an op or a block; the call of a block as an `ir.Call`."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics.faults import Note, fault
from archdsl.expr.nodes import Expr, Lit, Name, names
from archdsl.ir import program as ir
from archdsl.lowering.arguments import arguments
from archdsl.lowering.builder import Builder
from archdsl.lowering.expressions import is_word, resolve, resolve_default
from archdsl.lowering.primitives import primitive
from archdsl.lowering.recursion import check_direct
from archdsl.lowering.refusals import Skip
from archdsl.lowering.scope import Scope
from archdsl.lowering.steps import lowered
from archdsl.lowering.vocabulary import INPUT
from archdsl.ops import REGISTRY
from archdsl.support.naming import did_you_mean, snake
from archdsl.syntax import spec as s


@lowered.register(s.UseStep)
def use_step(step: s.UseStep, builder: Builder) -> ir.Operand:
    if step.target == "identity" and step.name is None and (step.into is not None or step.source is not None):
        return builder.entry  # `as:` alone names the tensor that enters, `from:` alone reads one
    if step.target in REGISTRY:
        return primitive(step, REGISTRY[step.target], builder)
    try:
        block = builder.context.library.find(builder.context.home, step.target, step.span)
    except Skip:
        glance(step, builder)
        raise
    return call(step, block, builder)


def glance(step: s.UseStep, builder: Builder) -> None:
    """Looks for unknown names in the arguments of a call whose block is at fault itself."""
    for name in (name for value in (*step.positional, *step.named.values()) for name in names(value)):
        if name.id not in builder.scope.tensors and "." not in name.id:
            with builder.context.library.faults.catch():
                builder.expr(name)


def call(step: s.UseStep, block: ir.Function, builder: Builder) -> ir.Value:
    """A block on the tensor that enters, with its arguments and further tensors."""
    check_direct(block, builder.context)
    further = [name for name in block.inputs if name != INPUT]
    places = {name: param.span for name, param in block.params.items()}
    given = arguments(step, [*block.params, *further], named(block), places=places)
    tensors = further_tensors(step, block, given, builder)
    numbers = {name: value for name, value in given.items() if name not in tensors}
    return builder.append(
        ir.Call(
            block=block,
            args=block_arguments(step, block, numbers, builder.scope),
            ins=(builder.entry,),
            tensors=tensors,
            out=ir.Value("branches", many=True) if block.gives_several else ir.Value("x"),
            span=step.span,
            key=builder.key(step, snake(block.name)),
            label=step.label,
        )
    )


def named(block: ir.Function) -> str:
    return f"the block '{block.name}'"


def further_tensors(
    step: s.UseStep, block: ir.Function, given: Mapping[str, Expr], builder: Builder
) -> dict[str, ir.Operand]:
    """The tensors that a call gives by name, beside the one that enters."""
    further = [name for name in block.inputs if name != INPUT]
    tensors = {
        name: builder.tensor(given[name]) if block.inputs[name].many else builder.single(given[name])
        for name in further
        if name in given
    }
    for name in further:
        if name not in tensors and name not in block.optional:
            message, help = (
                f"{named(block)} needs the tensor '{name}'",
                f"give it by name: {name}: the name of a tensor",
            )
            raise fault("missing-argument", message, step.span, help=help)
    return tensors


def block_arguments(step: s.UseStep, block: ir.Function, given: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
    """The numbers that a call gives: its own, those of `defaults:`, and params of files that the block reads."""
    context = scope.context
    args = {name: argument(value, block.params[name], scope) for name, value in given.items()}
    for name, (value, origin) in context.library.defaults(context.home, step.target).items():
        if name not in block.params:
            message, near = f"{named(block)} has no argument '{name}'", did_you_mean(name, block.params)
            raise fault("unknown-argument", message, value.span, help=near)
        args.setdefault(name, resolve_default(value, origin, scope))
    for name, param in block.params.items():
        if name not in args and param.default is None:
            notes = (Note("it is declared here", param.span),)
            raise fault("missing-argument", f"{named(block)} needs '{name}'", step.span, notes=notes)
    for name, param in block.implicit.items():
        own = context.handed_down(param, scope.numbers)
        if own is not None:
            args[name] = Name(own)
    return args


def argument(value: Expr, param: s.Param, scope: Scope) -> Expr:
    """An argument of a block; where the default is a word, so is a word that names nothing here."""
    if is_word(param.default) and isinstance(value, Name) and scope.is_unknown(value.id):
        return Lit(value.id, span=value.span)
    return resolve(value, scope)
