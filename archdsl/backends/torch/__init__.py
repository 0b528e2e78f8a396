"""Graph -> standalone torch source, one class per block, printed from the symbolic spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.analysis.coverage import covering_graphs
from archdsl.analysis.noting import IMAGE, size_word
from archdsl.backends.torch import scope
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.classes import ClassSource, Writer
from archdsl.backends.torch.classifier import Classifier, classifier_of, common, reset_body
from archdsl.backends.torch.detector import detect_body
from archdsl.backends.torch.initialize import init_body, without_clash
from archdsl.backends.torch.named_init import named_body
from archdsl.backends.torch.network_params import doubles
from archdsl.backends.torch.norms import SharedNorm, shared_norm
from archdsl.backends.torch.prelude import definitions
from archdsl.backends.torch.printer import Document, print_document
from archdsl.backends.torch.recursion import assume, calls_itself, channels_left, sizes_left
from archdsl.backends.torch.sizes import Size
from archdsl.expr.evaluate import evaluate
from archdsl.expr.given import known_word
from archdsl.expr.nodes import Constant, Expr, Lit, names
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin, origin_of
from archdsl.ir.graph import Graph
from archdsl.ir.seal import refuse_edited
from archdsl.ops import REGISTRY

STYLES = ("specialized", "parametric")


def emit(graph: Graph, style: str = "specialized") -> str:
    """Source of the network: imports torch, math, itertools and typing alone; its last class is the network.

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
    graphs = covering_graphs(graph) if parametric else [graph]
    graph = graphs[-1]
    origin = origin_of(graph)
    symbolic, rates = open_params(graph)
    if parametric:
        symbolic |= frozenset(graph.params)
    functions = called(origin)
    classifier = common([classifier_of(g, (symbolic & origin_of(g).output_deps) - {IMAGE}, functions) for g in graphs])
    if classifier is None:
        symbolic -= {IMAGE}
    names_ = scope.classes(functions, origin.function, graph.name)
    prelude = scope.prelude_names(functions, names_.values(), graph.name)
    norm = shared_norm(functions, origin, symbolic, {*names_.values(), *definitions()}, prelude)
    written, writer = classes_of(graph, functions, symbolic, rates, classifier, names_, prelude, norm)
    network = written[-1]
    helper = norm.word if norm is not None and not norm.handed else ""
    network.init += init_of(functions, graph, writer, written)
    base = network_base(written)
    network.base = prelude.get(base, base) or network.base
    if classifier is not None:
        known = Lit(classifier.node.inputs[0].shape[0]) if classifier.node is not None and not parametric else None
        network.reset = reset_body(classifier, graph, known or writer.width, writer.last_block, prelude, helper)
    if origin.spec.detect is not None:
        network.detect = detect_body(origin.spec.detect, f"{graph.name}Output", prelude)
    helpers = [norm.definition()] if norm is not None and helper else []
    return Document(graph, written, variants(graphs, network) if parametric else {}, prelude, helpers)


def classes_of(
    graph: Graph,
    functions: Sequence[ir.Function],
    symbolic: frozenset[str],
    rates: frozenset[str],
    classifier: Classifier | None,
    names_: Mapping[int, str],
    prelude: Mapping[str, str],
    norm: SharedNorm | None,
) -> tuple[list[ClassSource], Writer]:
    """The class of each function, and who wrote the last one."""
    origin = origin_of(graph)
    classes: dict[int, ClassSource] = {}
    channels: dict[int, Expr] = {}
    sizes: dict[int, Size | None] = {}
    given, same = arguments_given(functions), doubles(functions, origin)

    def writer_of(function: ir.Function) -> Writer:
        key = function.id
        made = Writer(origin, symbolic, rates, classes, function, names_[key], given[key], prelude, same[key])
        made.callee_channels, made.classifier, made.norm = channels, classifier, norm
        made.callee_sizes |= sizes
        return made

    for function in functions:
        if calls_itself(function):
            assume(writer_of, function, classes, channels, sizes)
        writer = writer_of(function)
        classes[function.id] = writer.write()
        sizes[function.id] = sizes_left(writer, function)
        channels[function.id] = channels_left(writer, function)
    return list(classes.values()), writer


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


def init_of(
    functions: Sequence[ir.Function], graph: Graph, writer: Writer, classes: Sequence[ClassSource]
) -> list[py.Statement]:
    """The statements that initialise the network, under a condition where its params decide whether they are run."""
    function, sources = functions[-1], {f.id: source for f, source in zip(functions, classes, strict=True)}
    made = [*init_body(function.init, classes, writer.prelude), *named_body(functions, sources, writer)]
    body = without_clash(made, classes[-1].init, writer.words.word("module"))
    condition = simplify(writer.numbers.close(function.init_when), writer.numbers.facts)
    if not any(True for _ in names(condition)):
        return body if evaluate(function.init_when, graph.params) else []
    return [py.If(condition, body)] if body else []


def network_base(classes: Sequence[ClassSource]) -> str:
    """The base of a network, if a layer in it asks for one."""
    made = {(op, kind) for source in classes for op, kinds in source.modules.items() for kind in kinds}
    return next((bases[kind] for op, kind in sorted(made) if kind in (bases := REGISTRY[op].network_bases)), "")


def called(origin: Origin) -> list[ir.Function]:
    """The functions that took part, callees first; the network last."""
    found: dict[int, ir.Function] = {}
    begun: set[int] = set()  # a block may call itself

    def visit(function: ir.Function) -> None:
        if function.id in begun:
            return
        begun.add(function.id)
        for node in function.walk():
            if isinstance(node, ir.Call) and node.block.id in origin.facts.ran:
                visit(node.block)
        found[function.id] = function

    visit(origin.function)
    return list(found.values())


def arguments_given(functions: Sequence[ir.Function]) -> dict[int, set[str]]:
    """The arguments that some call gives, by the block called."""
    found: dict[int, set[str]] = {function.id: set() for function in functions}
    for function in functions:
        for node in function.walk():
            if isinstance(node, ir.Call) and node.block.id in found:
                found[node.block.id] |= set(node.args)
    return found


@dataclass
class Uses:
    """Where a param of the network tells: in conditions and loops, in fields, in soft fields only."""

    control: set[str] = field(default_factory=set)
    hard: set[str] = field(default_factory=set)
    soft: set[str] = field(default_factory=set)


def open_params(graph: Graph) -> tuple[frozenset[str], frozenset[str]]:
    """The params that stay arguments (of soft fields alone, or of the channels of outputs or image), and the former."""
    origin = origin_of(graph)
    uses = Uses()
    for slot, seen in origin.facts.seen.items():
        if slot[1] in ("condition", "count", "rows"):
            uses.control |= seen.deps
    for function in called(origin):
        for node in function.walk():
            if isinstance(node, ir.Primitive):
                for item in node.op.fields:
                    found = origin.facts.seen.get((node.id, item.name))
                    if found is not None:
                        (uses.soft if item.soft else uses.hard).update(found.deps)
    for name, param in reversed(origin.function.params.items()):  # what follows from others reads them
        if name in uses.hard and param.default is not None:
            uses.hard.update(read.id for read in names(param.default))
    stages = [origin.facts.seen.get((node.out.id, "c")) for node in origin.function.region.nodes]
    reaches = {name for seen in stages if seen is not None for name in seen.deps}  # beyond its stage
    free = {IMAGE} - uses.hard - uses.control - reaches
    numeric = {n for n, v in graph.params.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    rates = (numeric & uses.soft) - uses.hard - uses.control
    outputs = (numeric - uses.control) & origin.output_deps
    return frozenset(rates | outputs | free), frozenset(rates - origin.output_deps)
