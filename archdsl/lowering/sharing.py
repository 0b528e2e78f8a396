"""`share:` of a step as an `ir.Reuse`: the module of an earlier step of the class, run once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.expr.nodes import Expr
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.context import Context
from archdsl.lowering.refusals import Skip
from archdsl.lowering.vocabulary import INPUT
from archdsl.lowering.walks import all_steps, steps_in
from archdsl.ops import REGISTRY
from archdsl.support.naming import did_you_mean
from archdsl.syntax import spec as s


# --- which steps are shared
def shared_names(values: Iterable[object]) -> frozenset[str]:
    """The names of steps that others share; in the body of a loop, which is a class of its own, they are its own."""
    return frozenset(share.path for share in shares(values))


def shared_in_stage(stage: s.Stage, home: s.Spec) -> frozenset[str]:
    """The names in a stage of steps that others share, from there or from other stages."""
    prefix = f"{stage.name}."
    from_outside = (share.path for other in home.stages.values() for share in shares(other.body))
    return shared_names(stage.body).union(path.removeprefix(prefix) for path in from_outside if path.startswith(prefix))


def shares(values: Iterable[object]) -> Iterator[s.Share]:
    """Every `share:` of the steps of one class."""
    return (step.share for step in steps_of_class(values) if step.share is not None and step.share.path)


def steps_of_class(values: Iterable[object]) -> Iterator[s.Step]:
    """Every step that is not in a loop."""
    for step in steps_in(values):
        yield step
        if not isinstance(step, s.LoopStep):
            yield from steps_of_class(vars(step).values())


def check_twins(home: s.Spec) -> Iterator[SpecError]:
    """Faults of calls that differ in nothing, their name included, in two stages: one module may be meant, or two."""
    known: dict[tuple[object, ...], tuple[s.Stage, s.UseStep]] = {}
    for stage in (stage for stage in home.stages.values() if stage.when is None):
        for step in steps_of_class(stage.body):
            if not isinstance(step, s.UseStep) or step.name is None or step.target in REGISTRY:
                continue
            first, twin = known.setdefault(said(step), (stage, step))
            if first is not stage:
                message = (
                    f"'{step.name}' names the same call in the stage '{first.name}', but this would be a second module"
                )
                notes = (Note("the other is here", twin.span),)
                path = f"{first.name}.{step.name}"
                help = f"write share: {path} instead of name: to run one module twice, or choose another name"
                yield fault("bad-name", message, step.span, notes=notes, help=help)


def said(step: s.UseStep) -> tuple[object, ...]:
    """All that a step says of its module."""
    named = tuple((name, show(value)) for name, value in step.named.items())
    return step.name, step.target, tuple(map(show, step.positional)), named


# --- what becomes of them
def reuse(step: s.UseStep, builder: Builder) -> ir.Value:
    """A step that runs the module of another."""
    assert step.share is not None
    module = builder.scope.modules.get(step.share.path)
    if module is None:
        raise no_such_module(step.share, builder)
    if is_other(step, module, builder):
        message = f"'{step.share.path}' is {what(module)}, not '{step.target}'"
        raise misfit(message, step, module, help="share the module of a step of the same op or block")
    given = tensors_given(step, module)
    lists = {name for name, value in module.block.inputs.items() if value.many} if isinstance(module, ir.Call) else ()
    tensors = {name: builder.tensor(e) if name in lists else builder.single(e) for name, e in given.items()}
    return again(module, tensors, step, builder)


def again(
    module: ir.Primitive | ir.Call, tensors: Mapping[str, ir.Operand], step: s.Step, builder: Builder
) -> ir.Value:
    """The module of an operation, run on the tensor that enters, and on further ones."""
    module.reused = True
    return builder.append(
        ir.Reuse(
            module=module,
            ins=(builder.entry,),
            tensors=tensors,
            out=ir.Value("branches", many=True) if module.out.many else ir.Value("x"),
            span=step.span,
            label=step.label or module.label,
        )
    )


def is_other(step: s.UseStep, module: ir.Primitive | ir.Call, builder: Builder) -> bool:
    """Whether a step names another op or block than the one whose module it is to run."""
    if isinstance(module, ir.Primitive) or step.target in REGISTRY:
        return not isinstance(module, ir.Primitive) or REGISTRY.get(step.target) is not module.op
    return builder.context.library.find(builder.context.home, step.target, step.span) is not module.block


def what(module: ir.Primitive | ir.Call) -> str:
    return f"the op '{module.op.name}'" if isinstance(module, ir.Primitive) else f"the block '{module.block.name}'"


def tensors_given(step: s.UseStep, module: ir.Primitive | ir.Call) -> Mapping[str, Expr]:
    """The tensors that a step gives by name, in the order of the module: all that it has, and nothing else."""
    if isinstance(module, ir.Primitive):
        further = [item.name for item in module.op.fields if item.kind == "tensor"]
    else:
        further = [name for name in module.block.inputs if name != INPUT]
    surplus = step.positional or tuple(value for name, value in step.named.items() if name not in further)
    if surplus:
        message = f"this step runs the module '{module.key}', which has its arguments already"
        raise misfit(message, step, module, help=f"write {step.target}: without arguments, beside share:")
    odd = sorted(step.named.keys() ^ module.tensors.keys())
    if odd:
        has, lacks = ("this step", "the step that creates the module")
        if odd[0] not in step.named:
            has, lacks = lacks, has
        message = f"{has} gets the tensor '{odd[0]}', and {lacks} does not, so they cannot share a module"
        raise misfit(message, step, module, help="pass the same inputs in both steps; the tensors may differ")
    return {name: step.named[name] for name in module.tensors}


def misfit(message: str, step: s.UseStep, module: ir.Operation, help: str) -> SpecError:
    assert step.share is not None
    return fault(
        "bad-share", message, step.share.span, notes=(Note("its module is made here", module.span),), help=help
    )


# --- faults
def no_such_module(share: s.Share, builder: Builder) -> SpecError:
    """The fault of a name that no step has whose module is sure to be there."""
    context = builder.context
    if context.staging and share.path in context.home.stages:
        return no_lone_module(share, context.home.stages[share.path])
    named = named_steps(context)
    step = named.get(share.path)
    if step is None:
        known = [*builder.scope.modules, *(path for path in named if path.rpartition(".")[2] == share.path)]
        help = did_you_mean(share.path, known) or next((f"did you mean '{path}'?" for path in known[-1:]), "")
        if not context.staging and context.owner not in context.home.blocks:
            help = help or "the body of a loop becomes a separate class, which can only share modules of its own steps"
        message = f"no step here is named '{share.path}', so there is no module to share"
        return fault("bad-share", message, share.span, help=help or "give the step whose module it is a name:")
    notes = (Note(f"'{share.path}' is this step", step.span),)
    if not isinstance(step, s.UseStep):
        message, help = f"'{share.path}' names several steps", "make them a block: each call can share one module"
    elif (step.span.line, step.span.col) > (share.span.line, share.span.col):
        message, help = (
            f"'{share.path}' comes later",
            f"give the name to this step, and write share: {share.path} there",
        )
    elif not context.library.faults.clean:
        raise Skip  # what is wrong with that step, or the block that it calls, is told already
    else:
        message = f"'{share.path}' is under a condition or in a loop, so it may have no module, or several"
        help = "share the module of a step that runs once, whatever the params are"
    return fault("bad-share", message, share.span, notes=notes, help=help)


def no_lone_module(share: s.Share, stage: s.Stage) -> SpecError:
    """The fault of a stage that is no module to be shared."""
    if stage.when is not None:
        message, help = (
            f"the stage '{stage.name}' has a when:, so its module may not exist",
            "share a module that always exists",
        )
    elif (stage.span.line, stage.span.col) > (share.span.line, share.span.col):
        message, help = f"the stage '{stage.name}' does not come before this step", "share a module of an earlier one"
    else:
        message = f"the stage '{stage.name}' is not a single op or block, so it has no module to share"
        help = "make its steps a block, or share one of them by its name"
    return fault("bad-share", message, share.span, notes=(Note("this is the stage", stage.span),), help=help)


def named_steps(context: Context) -> dict[str, s.Step]:
    """The steps of a class that have names, those in loops included; of another stage with its name in front."""
    found = {step.name: step for step in all_steps(context.body) if step.name is not None}
    if context.staging:
        for stage in context.home.stages.values():
            found |= {f"{stage.name}.{step.name}": step for step in all_steps(stage.body) if step.name is not None}
    return found
