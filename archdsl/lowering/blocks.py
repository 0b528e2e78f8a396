"""A block as an `ir.Function`."""

from __future__ import annotations

from archdsl.diagnostics.faults import fault
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.context import Context
from archdsl.lowering.expressions import resolve, resolve_lets
from archdsl.lowering.keys import Keys
from archdsl.lowering.library import Library
from archdsl.lowering.measured import follow
from archdsl.lowering.params import declare, default_of_block, no_channels, of_file
from archdsl.lowering.recursion import recursion
from archdsl.lowering.scope import Scope
from archdsl.lowering.sharing import shared_names
from archdsl.lowering.steps import body
from archdsl.lowering.vocabulary import INPUT
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import MEASURES


def lower_block(
    library: Library,
    home: s.Spec,
    block: s.Block,
    *,
    staged: bool = False,
    lists: frozenset[str] = frozenset(),
    entering: str = "",
) -> ir.Function:
    """A block of `blocks:`, or the outlined body of a loop.

    The inputs of such a body may be `lists` of tensors too, and what enters it may have a name (`entering`).
    """
    steps = block.body if entering in lists else follow(block.body, block.let, INPUT, staged=staged)
    context = Context(library, home, block.params, block.name, staged, body=steps, shared=shared_names(steps))
    optional = frozenset(name for name, absent in block.inputs.items() if absent)
    scope = Scope(context, dict.fromkeys(MEASURES), optional=optional)
    declared = declare(block.params, default_of_block, scope)
    params = {name: of_file(param, context) for name, param in declared.items()}
    inputs = declare_inputs(block, lists, entering, scope)
    let = resolve_lets(block.let, scope)
    require = tuple(resolve(expr, scope) for expr in block.require)
    if not block.body:
        raise fault("empty-body", f"the block '{block.name}' has no steps", block.span)
    builder = Builder(scope, Keys(), inputs[INPUT])
    function = context.function = ir.Function(
        name=block.name,
        span=block.span,
        params=params,
        let=let,
        inputs=inputs,
        optional=optional,
        require=require,
        region=builder.region,
        implicit=context.implicit,
        staged=staged,
        doc=block.doc,
    )
    with recursion(block, function, context):
        builder.close(body(steps, builder, several=True))
    return function


def declare_inputs(block: s.Block, lists: frozenset[str], entering: str, scope: Scope) -> dict[str, ir.Value]:
    """The tensors that enter a block, those that may be absent last, and their channels enter `scope`."""
    further = sorted(block.inputs, key=lambda name: block.inputs[name])
    first = ir.Value(entering or "x", many=entering in lists)
    inputs = {INPUT: first, **{name: ir.Value(name, many=name in lists) for name in further}}
    if entering:
        scope.tensors[entering] = first
    for name, value in inputs.items():
        if block.name in scope.context.home.blocks:  # what is outlined takes them as they are
            no_channels(name, block.params)
        scope.tensors[name] = value
        scope.numbers[f"c_{name}"] = None
    return inputs
