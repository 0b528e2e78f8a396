"""The network of a file: its stages as an `ir.Function`."""

from __future__ import annotations

from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.expr.nodes import Lit
from archdsl.ir import program as ir
from archdsl.lowering.builder import Builder
from archdsl.lowering.context import Context
from archdsl.lowering.keys import Keys
from archdsl.lowering.library import Library
from archdsl.lowering.params import declare, default_of_network, no_channels
from archdsl.lowering.refusals import RENAME
from archdsl.lowering.scope import Scope
from archdsl.lowering.sharing import check_twins
from archdsl.lowering.stages import auxiliary, lower_stage
from archdsl.lowering.tensors import is_list
from archdsl.lowering.vocabulary import INPUT
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import ATTRIBUTES, MEASURES
from archdsl.syntax.reading.variants import LONE_INPUT


def lower_network(library: Library, home: s.Spec) -> ir.Function:
    """The outermost network has its outputs and auxiliary stages; as a block it gives what leaves its last stage."""
    context = Context(library, home, home.params, home.name, staged=True)
    declared = Scope(context)
    params = declare(home.params, default_of_network, declared)
    scope = Scope(context, {**dict.fromkeys(MEASURES), **declared.numbers})
    inputs = declare_inputs(home, scope)
    builder = Builder(scope, network_keys(home), inputs[INPUT])
    last, training = lower_stages(builder)
    outermost = home is library.outermost
    if not outermost and home.outputs and home.until is None:
        last = outputs_of(home, builder)
    elif outermost and is_list(last) and not home.outputs:
        raise unnamed_outputs(home)
    return ir.Function(
        name=home.name,
        span=home.span,
        params=params,
        let={},
        inputs=inputs,
        optional=frozenset(),
        require=(),
        region=builder.close(last),
        network=True,
        staged=True,
        outputs={name: builder.single(ref) for name, ref in home.outputs.items()} if outermost else {},
        training=training if outermost else {},
        implicit=context.implicit,
        init=home.init,
        init_when=builder.expr(home.init_when) if home.init_when is not None else Lit(True),
        doc=home.doc,
    )


def outputs_of(home: s.Spec, builder: Builder) -> ir.Operand:
    """What a network gives as a block: its only output, or all of them in their order."""
    found = [builder.single(ref) for ref in home.outputs.values()]
    if len(found) == 1:
        return found[0]
    return builder.append(ir.Pack(ins=tuple(found), out=ir.Value("outputs", many=True), span=home.span))


def unnamed_outputs(home: s.Spec) -> SpecError:
    """The fault of a network whose last stage has several results."""
    stage = wanted_stages(home)[-1]
    message = "the last stage has several results, so the network must name its outputs"
    help = f"name them under outputs:, such as {{first: '{stage.name}[0]', second: '{stage.name}[1]'}}"
    return fault("several-results", message, stage.span, help=help)


def declare_inputs(home: s.Spec, scope: Scope) -> dict[str, ir.Value]:
    """The tensors that enter a network; they, and the channels of those with names, enter `scope`."""
    first = next(iter(home.inputs), INPUT)
    named = len(home.inputs) > 1 or first != LONE_INPUT
    further = {name: ir.Value(name) for name in home.inputs if name != first}
    inputs = {INPUT: ir.Value(first if named else "x"), **further}
    scope.tensors.update(inputs)
    if named:
        scope.tensors[first] = inputs[INPUT]
        for name in home.inputs:
            no_channels(name, home.params)
            scope.numbers[f"c_{name}"] = None
    return inputs


def network_keys(home: s.Spec) -> Keys:
    """The keys of the modules beside those of stages."""
    places = {name: stage.span for name, stage in home.stages.items()}
    return Keys({*ATTRIBUTES, *places, *methods(home)}, places=places)


def methods(home: s.Spec) -> set[str]:
    """The method that only a detector has."""
    return {"detect"} if home.detect is not None else set()


def lower_stages(builder: Builder) -> tuple[ir.Operand, dict[str, ir.Auxiliary]]:
    """What leaves the last stage, and the stages of training alone; the faults of every stage are found."""
    home, faults, library = builder.context.home, Collector(), builder.context.library
    value = builder.entry
    training: dict[str, ir.Auxiliary] = {}
    for stage in wanted_stages(home):
        done = False
        with faults.catch():
            if stage.name in methods(home):
                message = f"'{stage.name}' cannot name a stage: a network with detect: has a method of that name"
                raise fault("bad-name", message, stage.span, help=RENAME)
            if stage.training:
                training[stage.name] = auxiliary(stage, builder.on(value))
                continue
            value = lower_stage(stage, builder.on(value))
            done = True
        if not done:
            builder.context.torn.add(stage.name)
        elif stage.holed:
            library.faults.clean = False
        elif faults.clean and library.faults.clean and home is library.outermost:  # its blocks are sound too
            library.sound.append(stage.name)
        builder.scope.tensors.setdefault(stage.name, value)  # after a fault its readers are not at fault too
    if not faults.clean:
        raise SpecError(*faults.ordered())
    for error in check_twins(home):
        raise error
    return value, training


def wanted_stages(home: s.Spec) -> list[s.Stage]:
    """All stages, or those up to the one that `until:` names."""
    if not home.stages:
        raise fault(
            "no-stages",
            "this spec has no stages, so there is no network to build",
            home.span,
            help="write stages:, or name the file in use: of another spec",
        )
    stages = list(home.stages.values())
    return stages if home.until is None else stages[: list(home.stages).index(home.until) + 1]
