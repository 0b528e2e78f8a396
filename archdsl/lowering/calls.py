"""A step that names an op or a block; the call of a block as an `ir.Call`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from archdsl.diagnostics.faults import Collector, Note, fault
from archdsl.expr.nodes import Expr, Lit, Name, names
from archdsl.ir import program as ir
from archdsl.lowering.arguments import arguments
from archdsl.lowering.builder import Builder
from archdsl.lowering.expressions import is_word, resolve, resolve_default
from archdsl.lowering.primitives import primitive
from archdsl.lowering.recursion import check_direct
from archdsl.lowering.refusals import Skip
from archdsl.lowering.scope import Scope
from archdsl.lowering.sharing import reuse
from archdsl.lowering.steps import lowered
from archdsl.lowering.vocabulary import INPUT
from archdsl.ops import REGISTRY
from archdsl.support.naming import did_you_mean, snake
from archdsl.syntax import spec as s


@lowered.register(s.UseStep)
def use_step(step: s.UseStep, builder: Builder) -> ir.Operand:
    if step.target == "identity" and step.name is None and (step.into is not None or step.source is not None):
        return builder.entry  # `as:` alone names the tensor that enters, `from:` alone reads one
    if step.share is not None:
        return reuse(step, builder)
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
    with builder.context.library.all_or_skip() as faults:
        given = arguments(step, [*block.params, *further], named(block), places=places, faults=faults)
        if faults.clean:  # else an argument of another name may be meant for it
            refuse_missing(step, block, given, builder, faults)
        tensors = further_tensors(block, given, builder, faults)
        numbers = {name: value for name, value in given.items() if name not in further}
        args = block_arguments(step, block, numbers, builder.scope, faults)
    made = ir.Call(
        block=block,
        args=args,
        ins=(builder.entry,),
        tensors=tensors,
        out=ir.Value("branches", many=True) if block.gives_several else ir.Value("x"),
        span=step.span,
        key=builder.key(step, snake(block.name)),
        label=step.label,
    )
    builder.scope.named_module(step.name, made)
    return builder.append(made)


def named(block: ir.Function) -> str:
    return f"the block '{block.name}'"


def refuse_missing(
    step: s.UseStep, block: ir.Function, given: Collection[str], builder: Builder, faults: Collector
) -> None:
    """The fault of each argument that must be given; none where what gives it to all calls may be unread."""
    context = builder.context
    stated = {*given, *context.library.defaults(context.home, step.target)}
    needed = [(name, param.span) for name, param in block.params.items() if param.default is None]
    further = [name for name in block.inputs if name != INPUT and name not in block.optional]
    for name, place in needed:
        if name not in stated:
            with faults.catch():
                if step.target in context.home.lost:
                    raise Skip
                notes = (Note("it is declared here", place),)
                raise fault("missing-argument", f"{named(block)} needs '{name}'", step.span, notes=notes)
    for name in further:
        if name not in given:
            with faults.catch():
                message = f"{named(block)} needs the tensor '{name}'"
                help = f"give it by name: {name}: the name of a tensor"
                raise fault("missing-argument", message, step.span, help=help)


def further_tensors(
    block: ir.Function, given: Mapping[str, Expr], builder: Builder, faults: Collector
) -> dict[str, ir.Operand]:
    """The tensors that a call gives by name, beside the one that enters."""
    tensors: dict[str, ir.Operand] = {}
    for name in (name for name in block.inputs if name != INPUT):
        if name in given:
            with faults.catch():
                many = block.inputs[name].many
                tensors[name] = builder.tensor(given[name]) if many else builder.single(given[name])
    return tensors


def block_arguments(
    step: s.UseStep, block: ir.Function, given: Mapping[str, Expr], scope: Scope, faults: Collector
) -> dict[str, Expr]:
    """The numbers that a call gives: its own, those of `defaults:`, and params of files that the block reads."""
    context = scope.context
    args: dict[str, Expr] = {}
    for name, value in given.items():
        with faults.catch():
            args[name] = argument(value, block.params[name], scope)
    for name, (value, origin) in context.library.defaults(context.home, step.target).items():
        with faults.catch():
            if name not in block.params:
                message, near = f"{named(block)} has no argument '{name}'", did_you_mean(name, block.params)
                raise fault("unknown-argument", message, value.span, help=near)
            args.setdefault(name, resolve_default(value, origin, scope))
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
