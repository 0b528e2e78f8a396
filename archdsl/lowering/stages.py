"""Stages of a network: one module, a chain, a table of rows, or steps of the network's own."""

from __future__ import annotations

from dataclasses import replace

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Lit
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.chains import is_chain, is_link
from archdsl.lowering.context import Context
from archdsl.lowering.expressions import resolve_lets
from archdsl.lowering.forms import is_bare
from archdsl.lowering.keys import Keys
from archdsl.lowering.loops import loop
from archdsl.lowering.measured import follow
from archdsl.lowering.refusals import RENAME
from archdsl.lowering.sequences import container
from archdsl.lowering.sharing import shared_in_stage
from archdsl.lowering.steps import body
from archdsl.lowering.tensors import is_list
from archdsl.lowering.vocabulary import ENTERING, LONE_OUTPUT
from archdsl.lowering.walks import step_names
from archdsl.support.naming import camel
from archdsl.syntax import spec as s


def lower_stage(stage: s.Stage, builder: Builder) -> ir.Operand:
    """A stage on the tensor before it or that of `from:`; later stages read it by its name."""
    builder.context.owner = camel(stage.name)  # what is outlined here is named by its stage
    stage = measured(stage)
    at_work(stage, builder.context)
    at = builder.on(builder.source(stage))
    if is_list(at.entry):
        message = "the stage before has several results, so it is not clear which one this stage reads"
        raise fault("several-results", message, stage.span, help="give this stage a from:, such as from: trunk[0]")
    value = marked_stage(stage, at) if stage.when is None else optional_stage(stage, at.entry, builder)
    if isinstance(value, ir.Value) and value.name == "x":
        value.name = stage.name
    if stage.name in builder.scope.numbers:
        raise fault("shadowed-name", f"the stage '{stage.name}' has the name of a param", stage.span)
    builder.scope.tensors[stage.name] = value
    return value


def measured(stage: s.Stage) -> s.Stage:
    """A stage whose steps take the map that enters, where their size depends on it."""
    return replace(stage, body=follow(stage.body, stage.let, ENTERING, staged=True))


def at_work(stage: s.Stage, context: Context) -> None:
    """The steps that are lowered next are those of a stage."""
    context.body, context.shared, context.staging = stage.body, shared_in_stage(stage, context.home), True


def optional_stage(stage: s.Stage, entry: ir.Operand, builder: Builder) -> ir.Value:
    """A stage with `when:`; one that is dropped leaves what came before it."""
    assert stage.when is not None
    at = builder.on(entry).inside(builder.scope)
    then = at.close(marked_stage(stage, at))
    if is_list(then.result) or is_list(builder.entry):
        raise fault("several-results", "a stage with several results cannot have when:", stage.span)
    return builder.append(
        ir.If(
            condition=builder.expr(stage.when),
            then=then,
            other=ir.Region(result=builder.entry),
            out=ir.Value(stage.name),
            span=stage.span,
            word=stage.name,
            stage=stage.name,
        )
    )


def auxiliary(stage: s.Stage, builder: Builder) -> ir.Auxiliary:
    """A stage of training alone; no other reads it."""
    if stage.name in (builder.context.home.outputs or (LONE_OUTPUT,)):
        message = f"'{stage.name}' is the name of an output, so an auxiliary head cannot have it"
        raise fault("bad-name", message, stage.span, help=RENAME)
    stage = measured(stage)
    at_work(stage, builder.context)
    condition = builder.expr(stage.when) if stage.when is not None else Lit(True)
    at = builder.on(builder.source(stage)).inside()
    value = marked_stage(stage, at)
    if is_list(value) or is_list(at.entry):
        raise fault("several-results", "a training stage takes one tensor and returns one tensor", stage.span)
    return ir.Auxiliary(condition, at.close(value))


def marked_stage(stage: s.Stage, builder: Builder) -> ir.Operand:
    """The operations of a stage, the last of them marked as that stage."""
    value = stage_body(stage, builder)
    for operation in builder.region.nodes[-1:]:
        operation.stage = stage.name
    return value


def stage_body(stage: s.Stage, builder: Builder) -> ir.Operand:
    if not stage.body:
        raise fault("empty-body", f"the stage '{stage.name}' has no steps", stage.span)
    only = lone_step(stage)
    if isinstance(only, s.LoopStep) and not only.parallel and only.columns:
        return tapped(stage, loop(only, replace(builder, keys=Keys()), stage), builder)
    if isinstance(only, s.UseStep) and is_link(only, builder.context):
        return body([replace(only, name=stage.name)], replace(builder, keys=Keys()))
    if is_chain(stage.body, builder.context):
        return tapped(stage, container(stage.body, stage.name, stage, builder), builder)
    return open_stage(stage, builder)


def lone_step(stage: s.Stage) -> s.Step | None:
    """The step that is all of a stage, so that its module is the stage; a name of its own is a key in the stage."""
    only = stage.body[0]
    alone = len(stage.body) == 1 and not stage.let
    return only if alone and only.name is None and is_bare(only) else None


def tapped(stage: s.Stage, value: ir.Value, builder: Builder) -> ir.Value:
    """Paths may lead into the container that was just appended."""
    node = builder.region.nodes[-1]
    assert isinstance(node, (ir.Container, ir.Loop))
    builder.context.taps[stage.name] = node
    return value


def open_stage(stage: s.Stage, builder: Builder) -> ir.Value:
    """A stage with joins, taps or named tensors: its modules are the network's, under the stage's name."""
    prefix, carry = f"{stage.name}_", ir.Value("x")
    scope = builder.scope.inner()
    scope.tensors[ENTERING] = carry
    let = resolve_lets(stage.let, scope)
    keys = replace(builder.keys, prefix=prefix)  # of one class: the sets are shared
    at = Builder(scope, keys, carry)
    region = at.close(body(stage.body, at, several=True))
    keyed = [node for node in region.walk() if node.key is not None and node.key.startswith(prefix)]
    owned = any(isinstance(node, ir.Primitive) and node.op.owned for node in keyed)  # a tensor is no stage
    if len(keyed) == 1 and not owned and str(keyed[0].key).removeprefix(prefix) not in step_names(stage.body):
        keyed[0].key = stage.name
    own = {name: value for name, value in scope.tensors.items() if name not in (ENTERING, *builder.scope.tensors)}
    builder.scope.tensors.update({f"{stage.name}.{name}": value for name, value in own.items()})
    outside = builder.scope.modules
    outside.update({f"{stage.name}.{n}": made for n, made in scope.modules.items() if outside.get(n) is not made})
    out = ir.Value(stage.name, many=is_list(region.result))
    return builder.append(ir.Stage(entry=builder.entry, carry=carry, body=region, let=let, out=out, span=stage.span))
