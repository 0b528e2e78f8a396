"""The body of a loop that is no chain, made a block of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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


def outlined(step: s.LoopStep, scope: Scope, carried: tuple[str, ...] = ()) -> s.UseStep:
    """The call of a loop's body as a block, which takes the numbers and tensors of `scope` that it reads.

    Of the tensors that its turns carry the first enters it, the others are among those that it takes.
    """
    context = scope.context
    numbers, read = free_names(step.body, scope)
    first = carried[0] if carried else ""
    tensors = [name for name in dict.fromkeys([*carried, *read]) if name != first]
    channels = {f"c_{name}" for name in [first, *tensors] if name}  # which the block has with the tensors
    numbers = [name for name in numbers if name not in channels or scope.numbers[name] is not None]
    no_taps(tensors, step)
    inside = inner_names([*numbers, *tensors], scope, channels)
    renames = {f"c_{first}": "c_in", **inside} if first else inside
    outside = {new: old for old, new in inside.items()}
    block = s.Block(
        name=block_name(step, context),
        span=step.span,
        params={new: s.Param(new, step.span) for new, old in outside.items() if old in numbers},
        body=[renamed(inner, renames) for inner in step.body],
        inputs={new: old in scope.optional for new, old in outside.items() if old in tensors},
    )
    lists = frozenset(
        name for name in [*block.inputs, first] if name and is_list(scope.tensors[outside.get(name, name)])
    )
    function = lower_block(context.library, context.home, block, staged=context.staged, lists=lists, entering=first)
    function.outlined = not step.name
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
        raise fault("bad-loop", "the steps of a loop cannot read inside another stage", step.span, help=help)


def inner_names(read: Sequence[str], scope: Scope, channels: Collection[str]) -> dict[str, str]:
    """What the block calls each name that it takes; its inputs have `channels`, and the first a size, of their own."""
    taken = {*scope.numbers, *scope.tensors}
    if scope.context.staged:  # there c_in is what enters the turn, as it is in the block
        read = [name for name in read if name not in MEASURES]
    outer = {**{name: f"{name}_outer" for name in channels}, **OUTER}
    return {name: unique(outer[name], taken) if name in outer else name for name in read}


def block_name(step: s.LoopStep, context: Context) -> str:
    """It is named by what holds the loop, and by the loop."""
    own = camel(step.name or ("Branch" if step.parallel else "Layer"))
    return unique(context.owner + own, context.library.names(context.home))
