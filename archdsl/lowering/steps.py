"""Steps one after another. What each kind of step becomes, the modules named after them register with `lowered`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.carried import carries
from archdsl.lowering.chains import check_nameable, is_sound
from archdsl.lowering.forms import begins_named, is_nothing
from archdsl.lowering.keys import Keys
from archdsl.lowering.refusals import Skip
from archdsl.lowering.tensors import is_list
from archdsl.lowering.walks import step_bindings
from archdsl.syntax import spec as s


@singledispatch
def lowered(step: s.Step, builder: Builder) -> ir.Operand | None:
    """A step, without its `when:`, `from:` and `as:`, appended; what leaves it, None for several results with names."""
    raise AssertionError(step)


@lowered.register(s.TensorStep)
def tensor_step(step: s.TensorStep, builder: Builder) -> ir.Operand:
    return builder.tensor(step.ref)


@lowered.register(s.Hole)
def hole(step: s.Hole, builder: Builder) -> ir.Operand:
    raise Skip


def body(steps: Sequence[s.Step], builder: Builder, *, several: bool = False) -> ir.Operand:
    """Steps one after another; the tensor that leaves, or a list of them where the body may give `several`."""
    value: ir.Operand | None = builder.entry
    sound = True
    for step in steps:
        before, value = value, None
        done = False
        with builder.context.library.faults.catch():  # after a fault the next steps are looked at too
            value = following(step, before, builder)
            if step is not steps[-1] or not several:
                check_named(step)
            done = True
        if not done:
            sound, value = False, recovered(step, builder)
    if not sound:
        raise Skip
    if value is None and several:
        return gathered(steps[-1], builder)
    if value is None or (is_list(value) and not several):
        message = "the last step has several results, so it is not clear which one to return"
        raise fault("several-results", message, steps[-1].span, help="end with a tensor's name or a join")
    return value


def check_named(step: s.Step) -> None:
    """The results of a step with several are named, unless the body gives them."""
    if step.into is None and isinstance(step, (s.SplitStep, s.ForkStep)):
        what = "parts of a split" if isinstance(step, s.SplitStep) else "branches of a fork"
        raise fault("several-results", f"the {what} need names", step.span, help="write as: [a, b]")


def gathered(step: s.Step, builder: Builder) -> ir.Value:
    """The results of the last step, which have names, as one list."""
    names = (step.into,) if isinstance(step.into, str) else step.into or ()
    found = [builder.scope.tensors[name] for name in names]
    first = found[0]
    if is_list(first) and len(found) == 1:
        return first
    if isinstance(first, ir.Item) and first.var.items == tuple(found):
        return first.var
    return builder.append(ir.Pack(ins=tuple(found), out=ir.Value("branches", many=True), span=step.span))


def following(step: s.Step, before: ir.Operand | None, builder: Builder) -> ir.Operand | None:
    """What leaves a step of a body; `before` left the one before it, None if that has several results."""
    if isinstance(step, s.TensorStep) and step.when is None:
        return builder.tensor(step.ref)
    if isinstance(step, s.Hole):
        raise Skip
    if is_list(before) and begins_named(step):
        before = None
    entered = before is not None or begins_named(step) or carries(step, builder.context)
    if not entered and is_sound([step], builder.context):
        message = "the step before has several results, so it is not clear which one this step reads"
        raise fault("several-results", message, step.span, help="begin with the tensor's name, or give from:")
    return whole(step, builder.on(before if before is not None else builder.entry))


def recovered(step: s.Step, builder: Builder) -> ir.Operand | None:
    """After a fault: what the step would have named is there, so that its readers are not at fault too."""
    several = isinstance(step, (s.SplitStep, s.ForkStep))
    for name in step_bindings(step):
        builder.context.torn.add(name)
        builder.scope.tensors.setdefault(name, ir.Value(name, many=several and isinstance(step.into, str)))
    return None if several else builder.entry if not is_list(builder.entry) else ir.Value("x")


def whole(step: s.Step, builder: Builder) -> ir.Operand | None:
    """One step with all that it carries; the builder's tensor is the one before it, which differs with `from:`."""
    entry = builder.source(step)
    entered = not is_list(entry) or begins_named(step) or carries(step, builder.context)
    if not entered and is_sound([step], builder.context):
        message = "a list of tensors cannot enter a step"
        raise fault("several-results", message, step.span, help="choose one, such as part[0]")
    check_nameable(step, builder.context)
    result = lowered(step, builder.on(entry)) if step.when is None else optional(step, entry, builder)
    if step.into is None or isinstance(step, (s.SplitStep, s.ForkStep)):
        return result
    if is_list(result) and not isinstance(step, s.TensorStep):
        builder.bind_many(step.into, result, step)
        return None
    if not isinstance(step.into, str):
        raise fault("several-names", "this step has one result", step.span, help="write as: with one name")
    assert result is not None
    builder.bind(step.into, result, step)
    return result


def optional(step: s.Step, entry: ir.Operand, builder: Builder) -> ir.Operand:
    """`when:` with its `else:` as an `ir.If`; a step that is dropped leaves what came before it."""
    assert step.when is not None
    if isinstance(step, (s.SplitStep, s.ForkStep)) or carries(step, builder.context):
        raise several_optional(step)
    condition, keys = builder.expr(step.when), builder.keys
    before = frozenset(keys.given)
    at = builder.on(entry).inside()
    result = lowered(replace(step, when=None, other=None, into=None), at)
    if result is None or is_list(result):
        raise several_optional(step)
    then = at.close(result)
    with keys.instead(before):
        other = otherwise(step.other, builder.on(entry)) if step.other else ir.Region(result=builder.entry)
    share_key(step, then, other, keys)
    return builder.append(ir.If(condition=condition, then=then, other=other, out=ir.Value("x"), span=step.span))


def several_optional(step: s.Step) -> SpecError:
    message = "a step with several results cannot have when:"
    help = "put it in a block together with the steps that read its results, and give the call of the block the when:"
    return fault("several-results", message, step.span, help=help)


def otherwise(steps: Sequence[s.Step], builder: Builder) -> ir.Region:
    """The steps of an `else:`; what computes nothing is no module, but where it holds a place in a chain."""
    if not builder.keys.container and all(map(is_nothing, steps)):
        return ir.Region(result=builder.entry)
    at = builder.inside()
    return at.close(body(steps, at))


def share_key(step: s.Step, then: ir.Region, other: ir.Region, keys: Keys) -> None:
    """A module and its alternative stand under one key: that which either is given."""
    if not (len(then.nodes) == len(other.nodes) == 1 and step.other):
        return
    one, two = then.nodes[0], other.nodes[0]
    alike = keys.container or (one.key and two.key)  # in a class, what makes no module has no key
    if isinstance(one, ir.If) or isinstance(two, ir.If) or not alike:
        return
    given = [node.key for node in (one, two) if node.key is not None and (keys.container or node.key in keys.given)]
    if len(set(given)) > 1:
        raise two_keys(step, step.other[0])
    key = given[0] if given else one.key
    keys.taken -= {one.key, two.key} - {key}
    keys.given &= keys.taken
    one.key = two.key = key


def two_keys(step: s.Step, other: s.Step) -> SpecError:
    message = f"'{other.name}' takes the place of '{step.name}', so both need the same key"
    return fault("bad-name", message, other.span, help="give both the same name, or remove one of the two names")
