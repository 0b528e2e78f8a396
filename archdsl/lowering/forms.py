"""What a step is, as far as its own text tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.expr.nodes import Name, names
from archdsl.lowering.walks import step_exprs
from archdsl.ops import REGISTRY
from archdsl.syntax import spec as s

WORDS: dict[type[s.Step], str] = {
    s.ResidualStep: "residual",
    s.RunningSumStep: "running_sum",
    s.ForkStep: "fork",
    s.SplitStep: "split",
    s.ChoiceStep: "choice",
    s.SequenceStep: "body",
    s.TensorStep: "from",
}


def word_of(step: s.Step) -> str:
    """The word of the language that a step is written with."""
    match step:
        case s.JoinStep(kind=word) | s.UseStep(target=word):
            return word
        case s.LoopStep(parallel=True):
            return "each"
        case s.LoopStep():
            return "repeat" if step.count is not None else "for"
    return WORDS[type(step)]


def is_nothing(step: s.Step) -> bool:
    """Whether a step of a branch is a plain `identity`: what it gives is what enters it."""
    beside = (step.source, step.into, step.name, step.other)
    return isinstance(step, s.UseStep) and step.target == "identity" and all(value is None for value in beside)


def is_tensor(step: s.Step) -> bool:
    """Whether a branch is a tensor as it is, which is always there."""
    same = isinstance(step, s.UseStep) and step.target == "identity" and step.name is None
    return step.when is None and (same or isinstance(step, s.TensorStep))


def is_module(step: s.Step) -> bool:
    """Whether a step is one op or block in any case; with `when:`, whether its `else:` is another."""
    other = step.other or ()
    return isinstance(step, s.UseStep) and (step.when is None or (len(other) == 1 and is_module(other[0])))


def is_bare(step: s.Step) -> bool:
    """Whether a step always runs on the tensor before it, and names nothing."""
    return step.when is None and step.source is None and step.into is None


def is_call(steps: Sequence[s.Step], *, tensor: bool = False) -> bool:
    """Whether the only step is a block on the tensor that enters, or on a `tensor` that it names."""
    only = steps[0]
    bare = is_bare(replace(only, source=None) if tensor else only)
    return len(steps) == 1 and bare and isinstance(only, s.UseStep) and only.target not in REGISTRY


def named_alone(step: s.SequenceStep) -> Sequence[s.Step]:
    """The steps of a body; its name is that of its only step, if that has none."""
    if len(step.body) == 1 and step.name is not None and step.body[0].name is None:
        return [replace(step.body[0], name=step.name)]
    return step.body


def begins_with(steps: Sequence[s.Step], name: str) -> bool:
    """Whether the first step, and it alone, reads the tensor `name`."""
    read = [expr.id for step in steps for part in step_exprs(step) for expr in names(part) if expr.id == name]
    source = steps[0].source
    return len(read) == 1 and isinstance(source, Name) and source.id == name


def begins_named(step: s.Step, *, branch: bool = False) -> bool:
    """Whether a step reads no unnamed tensor: a join all of whose branches begin with a name.

    With `when:` that holds for what stands there otherwise: nothing in place of a branch, else what came in.
    """
    if step.when is not None:
        instead = step.source is not None or begins_named(step.other[0]) if step.other else branch
        return instead and begins_named(replace(step, when=None, other=None), branch=branch)
    if isinstance(step, s.TensorStep) or step.source is not None:
        return True
    if isinstance(step, s.SequenceStep):
        return bool(step.body) and begins_named(step.body[0])
    if isinstance(step, (s.JoinStep, s.RunningSumStep, s.ForkStep)):
        return all(begins_named(inner, branch=True) for inner in step.branches)
    if isinstance(step, s.LoopStep) and step.parallel:
        return begins_named(step.body[0])
    return isinstance(step, s.UseStep) and step.target == "formula"
