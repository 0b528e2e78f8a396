"""Graph -> standalone torch source, one class per block, printed from the symbolic spec."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.analysis.coverage import covering_graphs
from archdsl.analysis.noting import size_word
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.classes import Writer
from archdsl.backends.torch.detector import detect_body
from archdsl.backends.torch.initialize import init_body, without_clash
from archdsl.backends.torch.memory import channels_last_body
from archdsl.backends.torch.named_init import named_body
from archdsl.backends.torch.plan import Done, Plan, plan_of
from archdsl.backends.torch.printer import Document, print_document
from archdsl.backends.torch.recursion import assume, calls_itself, channels_left, sizes_left
from archdsl.diagnostics.faults import fault
from archdsl.expr.evaluate import evaluate
from archdsl.expr.given import known_word
from archdsl.expr.nodes import Constant, names
from archdsl.expr.simplify import simplify
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.ir.seal import refuse_edited
from archdsl.ops import REGISTRY

STYLES = ("specialized", "parametric")


def emit(graph: Graph, style: str = "specialized") -> str:
    """Source of the network: imports torch, functools, math, itertools and typing alone; its last class is the network.

    Conditions, arguments and tables that never differ in this network are folded; `num_classes` (the
    params that reach the outputs' channels) and the params of soft fields stay constructor arguments.
    In the parametric style all params do, and what differs between the variants of the spec is kept.
    Raises `SpecError` where something has no expression in source, and for a graph that was edited or made by hand.
    """
    known_word("style", style, STYLES)
    refuse_edited(graph)
    return print_document(document(graph, style))


def document(graph: Graph, style: str = "specialized") -> Document:
    """All classes of the network, callees first."""
    parametric = style == "parametric"
    if parametric and origin_of(graph).function.of_variant:
        help = "archdsl.emit of the spec finds those of all variants"
        raise fault("cannot-print", "the dilations of this graph are those of one setting of its params", help=help)
    graphs = covering_graphs(graph) if parametric else [graph]
    graph, plan = graphs[-1], plan_of(graphs, parametric=parametric)
    written, writer = classes_of(plan)
    network, norm, prelude = written[-1], plan.norm, plan.prelude
    helper = norm.word if norm is not None and not norm.handed else ""
    network.init += init_of(plan, graphs, writer, written)
    base = network_base(written)
    network.base = prelude.get(base, base) or network.base
    if plan.origin.spec.detect is not None:
        network.detect = detect_body(plan.origin.spec.detect, f"{graph.name}Output", prelude)
    helpers = [norm.definition()] if norm is not None and helper else []
    return Document(graph, written, variants(graphs, network) if parametric else {}, prelude, helpers)


def classes_of(plan: Plan) -> tuple[list[ClassSource], Writer]:
    """The class of each function, and who wrote the last one."""
    done = Done()
    for function in plan.functions:
        if calls_itself(function):
            assume(plan, done, function)
        writer = Writer(plan, done, function)
        done.classes[function.id] = writer.write()
        done.sizes[function.id] = sizes_left(writer, function)
        done.channels[function.id] = channels_left(writer, function)
    return list(done.classes.values()), writer


def variants(graphs: Sequence[Graph], network: ClassSource) -> dict[str, dict[str, Constant]]:
    """The arguments of the network's class that make each variant, where they are not the last graph's."""
    known = {argument.name for argument in network.arguments}
    size = size_word(graphs[-1].params)
    *made, default = ({size: list(next(iter(graph.inputs.values())).shape[1:]), **graph.params} for graph in graphs)
    return {
        graph.variant: {
            name: value
            for name, value in values.items()
            if name in known and value != (follows(graph, name) if name in network.derived else default[name])
        }
        for graph, values in zip(graphs, made, strict=False)
        if graph.variant is not None
    }


def follows(graph: Graph, name: str) -> Constant:
    """What a param is by the graph's other params, where its default reads them."""
    default = origin_of(graph).function.params[name].default
    return evaluate(default, graph.params) if default is not None else None


def init_of(plan: Plan, graphs: Sequence[Graph], writer: Writer, classes: Sequence[ClassSource]) -> list[py.Statement]:
    """The statements that initialise the network, under a condition where its params decide whether they are run."""
    function, sources = plan.origin.function, {f.id: source for f, source in zip(plan.functions, classes, strict=True)}
    made = [*init_body(function.init, classes, plan.prelude), *named_body(plan.functions, sources, writer)]
    word = writer.words.word("module")
    body = without_clash(made, classes[-1].init, word)
    condition = simplify(writer.numbers.close(function.init_when), writer.numbers.facts)
    if any(True for _ in names(condition)):
        body = [py.If(condition, body)] if body else []
    elif not evaluate(function.init_when, graphs[-1].params):
        body = []
    layout = channels_last_body(graphs, classes) if function.channels_last else []
    return [*body, *without_clash(layout, classes[-1].init, word)]


def network_base(classes: Sequence[ClassSource]) -> str:
    """The base of a network, if a layer in it asks for one."""
    made = {(op, kind) for source in classes for op, kinds in source.modules.items() for kind in kinds}
    return next((bases[kind] for op, kind in sorted(made) if kind in (bases := REGISTRY[op].network_bases)), "")
