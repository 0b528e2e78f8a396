"""The body of a loop that is no chain, made a block of its own."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Name, names
from archdsl.lowering.blocks import lower_block
from archdsl.lowering.context import Context
from archdsl.lowering.scope import Scope
from archdsl.lowering.tensors import is_list
from archdsl.lowering.vocabulary import INPUT
from archdsl.lowering.walks import renamed, step_bindings, step_exprs
from archdsl.support.naming import camel, unique
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import MEASURES

OUTER = {  # what a block that is outlined calls what it has under these names itself
    "c_in": "c_outer", "c_input": "c_outer", "h_in": "h_outer", "w_in": "w_outer", INPUT: "outer"
}  # fmt: skip


def outlined(step: s.LoopStep, scope: Scope) -> s.UseStep:
    """The call of a loop's body as a block, which takes the numbers and tensors of `scope` that it reads."""
    context = scope.context
    numbers, tensors = free_names(step.body, scope)
    no_taps(tensors, step)
    inside = inner_names([*numbers, *tensors], scope)
    outside = {new: old for old, new in inside.items()}
    block = s.Block(
        name=block_name(step, context),
        span=step.span,
        params={
            new: s.Param(new, step.span)
            for new, old in outside.items()
            if old in numbers and old.removeprefix("c_") not in tensors  # it has the channels with the tensor
        },
        body=[renamed(inner, inside) for inner in step.body],
        inputs={new: old in scope.optional for new, old in outside.items() if old in tensors},
    )
    lists = frozenset(name for name in block.inputs if is_list(scope.tensors[outside[name]]))
    function = lower_block(context.library, context.home, block, staged=context.staged, lists=lists)
    context.library.done[context.home, block.name] = function
    given = {name: Name(outside[name], span=step.span) for name in [*block.params, *block.inputs]}
    return s.UseStep(span=step.span, target=block.name, named=given)


def free_names(steps: Sequence[s.Step], scope: Scope) -> tuple[list[str], list[str]]:
    """The numbers and the tensors of `scope` that `steps` read, in order."""
    mentioned = dict.fromkeys(name.id for step in steps for expr in step_exprs(step) for name in names(expr))
    bound = {name for step in steps for name in step_bindings(step)}
    numbers = [n for n in mentioned if n in scope.numbers]
    tensors = [n for n in mentioned if n in scope.tensors and n not in scope.numbers and n not in bound]
    return numbers, tensors


def no_taps(tensors: Sequence[str], step: s.LoopStep) -> None:
    for tapped in (name for name in tensors if "." in name):
        help = f"before the loop write {{from: {tapped}, as: {tapped.replace('.', '_')}}}, and name that in it"
        raise fault("bad-loop", "a loop's steps cannot tap another stage", step.span, help=help)


def inner_names(read: Sequence[str], scope: Scope) -> dict[str, str]:
    """What the block calls each name that it takes; it has an input, with channels and a size, of its own."""
    taken = {*scope.numbers, *scope.tensors}
    if scope.context.staged:  # there c_in is what enters the turn, as it is in the block
        read = [name for name in read if name not in MEASURES]
    return {name: unique(OUTER[name], taken) if name in OUTER else name for name in read}


def block_name(step: s.LoopStep, context: Context) -> str:
    """It is named by what holds the loop, and by the loop."""
    own = camel(step.name or ("Branch" if step.parallel else "Layer"))
    return unique(context.owner + own, context.library.names(context.home))
