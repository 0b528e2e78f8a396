"""Chains: steps each of which is a module on the tensor before it, which make an `nn.Sequential`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.faults import at
from archdsl.lowering.context import Context
from archdsl.lowering.measured import is_measured
from archdsl.lowering.refusals import no_chain, no_module
from archdsl.lowering.vocabulary import INPUT
from archdsl.lowering.walks import all_steps
from archdsl.ops import REGISTRY, Op
from archdsl.syntax import spec as s


def is_chain(steps: Sequence[s.Step], context: Context) -> bool:
    """Whether each step is a module that takes the tensor before it and nothing else."""
    return all(is_link(step, context) for step in steps)


def is_link(step: s.Step, context: Context) -> bool:
    if step.into is not None or step.source is not None or is_of_class(step, context):
        return False
    if step.other and not (len(step.other) == 1 and is_link(step.other[0], context)):
        return False
    match step:
        case s.UseStep(target=target) if target in REGISTRY:
            return is_module_of_one(step, REGISTRY[target])
        case s.UseStep():
            return is_call_of_one(step, context)
        case s.LoopStep(parallel=False) | s.SequenceStep():
            return is_chain(step.body, context)
    return False


def is_of_class(step: s.Step, context: Context) -> bool:
    """Whether the module of a step is called in several places: then it is the class's own, in no container."""
    return step.share is not None or step.name in context.shared


def is_module_of_one(step: s.UseStep, op: Op) -> bool:
    """Whether an op is a module here, over one tensor."""
    tensors = {f.name for f in op.fields if f.kind == "tensor"}
    alone = not tensors & given_to(step, op) and not is_measured(step)
    return not is_functional(step, op) and alone and not op.many


def is_functional(step: s.UseStep, op: Op) -> bool:
    with at(step.span):
        return op.functional(given_to(step, op))


def given_to(step: s.UseStep, op: Op) -> frozenset[str]:
    """The arguments that a step states."""
    return frozenset([*step.named, *(f.name for f, _ in zip(op.fields, step.positional, strict=False))])


def makes_module(step: s.UseStep) -> bool:
    """Whether an op or block is a module here, whatever tensors it takes."""
    return step.target not in REGISTRY or not is_functional(step, REGISTRY[step.target])


def is_call_of_one(step: s.UseStep, context: Context) -> bool:
    """Whether a call gives its block one tensor; a block at fault is reported, and is none."""
    block = context.library.found(context.home, step.target, step.span)
    if block is None:
        return False
    further = any(name in step.named for name in block.inputs if name != INPUT)
    return not further and not block.gives_several and len(step.positional) <= len(block.params)


def gives_several(step: s.Step, context: Context) -> bool:
    """Whether a step, the last of a body, gives several tensors."""
    if isinstance(step, (s.ForkStep, s.SplitStep)):
        return True
    if isinstance(step, s.LoopStep):
        return not step.parallel and step.into is not None and gives_several(step.body[-1], context)
    if not isinstance(step, s.UseStep) or step.target in REGISTRY:
        return False
    block = context.library.found(context.home, step.target, step.span)
    return block is not None and block.gives_several


def is_sound(steps: Iterable[s.Step], context: Context) -> bool:
    """Whether no step could not be read, and no block that one calls is at fault: else what they make is not known."""
    return all(is_sound_step(step, context) for step in all_steps(steps))


def is_sound_step(step: s.Step, context: Context) -> bool:
    if isinstance(step, s.UseStep) and step.target not in REGISTRY and step.target != "identity":
        return context.library.found(context.home, step.target, step.span) is not None
    return not isinstance(step, s.Hole)


def check_nameable(step: s.Step, context: Context) -> None:
    """A `name:` is that of a module; where a step makes none, it would be dropped in silence."""
    if step.name is None or isinstance(step, (s.UseStep, s.LoopStep)):
        return
    if isinstance(step, (s.Hole, s.SequenceStep)) and not is_sound([step], context):
        return
    one = isinstance(step, s.SequenceStep) and len(step.body) == 1 and step.body[0].name is None
    if one or (isinstance(step, s.SequenceStep) and len(step.body) > 1 and is_chain(step.body, context)):
        return
    inside = step.body if isinstance(step, s.SequenceStep) else ()
    odd = next((link for link in inside if not is_link(link, context)), step)
    raise no_chain(step.name, odd) if isinstance(odd, s.UseStep) and makes_module(odd) else no_module(step.name, odd)
