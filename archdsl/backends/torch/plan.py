"""What is known of a network before its first class is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.analysis.noting import IMAGE
from archdsl.backends.torch import scope
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.classifier import Classifier, classifier_of, common
from archdsl.backends.torch.feature_info import reductions_of
from archdsl.backends.torch.network_params import doubles
from archdsl.backends.torch.norms import SharedNorm, shared_norm
from archdsl.backends.torch.prelude import definitions
from archdsl.backends.torch.size_checks import Checked, checked_sizes
from archdsl.backends.torch.sizes import Size
from archdsl.expr.nodes import Constant, Expr, names
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin, origin_of
from archdsl.ir.graph import Graph


@dataclass(frozen=True)
class Plan:
    """The decisions that hold in all classes of a network."""

    graph: Graph
    origin: Origin
    parametric: bool  # whether its class is that of all variants
    functions: Sequence[ir.Function]  # that have classes, callees first
    symbolic: frozenset[str]  # the params that stay arguments,
    rates: frozenset[str]  # and those of them that soft fields alone read
    classifier: Classifier | None
    scored: str | None  # the param that counts classes, if a network that the class may be is a classifier
    names: Mapping[int, str]  # of the classes, by function
    prelude: Mapping[str, str]  # the definitions of the prelude that have another name in this file
    norm: SharedNorm | None  # that of the whole network
    given: Mapping[int, set[str]]  # the arguments that some call gives, by function
    reductions: Sequence[Constant]  # of the maps that a backbone gives, if its variants have the same
    checked: Checked  # the heights and widths that it takes
    doubles: Mapping[int, Mapping[str, Expr]]  # the names for params of the network that others stand for, by function


@dataclass
class Done:
    """What calls must know of the functions whose classes are written."""

    classes: dict[int, ClassSource] = field(default_factory=dict)
    channels: dict[int, Expr] = field(default_factory=dict)  # that leave
    sizes: dict[int, Size | None] = field(default_factory=dict)


def plan_of(graphs: Sequence[Graph], *, parametric: bool) -> Plan:
    """The plan of the last of some graphs; the others are its variants, of whose numbers the params are to tell."""
    graph = graphs[-1]
    origin = origin_of(graph)
    symbolic, rates = open_params(graph)
    if parametric:
        symbolic |= frozenset(graph.params)
    functions = called(origin)
    known = [classifier_of(g, (symbolic & origin_of(g).output_deps) - {IMAGE}, functions) for g in graphs]
    classifier = common(known)
    if classifier is None:
        symbolic -= {IMAGE}
    classes = scope.classes(functions, origin.function, graph.name)
    prelude = scope.prelude_names(functions, classes.values(), graph.name)
    norm = shared_norm(functions, origin, symbolic, {*classes.values(), *definitions()}, prelude)
    given, same = arguments_given(functions), doubles(functions, origin)
    found = [reductions_of(g) for g in graphs]
    reductions = found[-1] if all(other == found[-1] for other in found) else []
    return Plan(
        graph,
        origin,
        parametric,
        functions,
        symbolic,
        rates,
        classifier,
        next((one.param for one in known if one is not None), None),
        classes,
        prelude,
        norm,
        given,
        reductions,
        checked_sizes(graphs, functions, parametric=parametric),
        same,
    )


def classifier_in(graph: Graph) -> Classifier | None:
    """The classifier that a single network is."""
    origin = origin_of(graph)
    symbolic, _ = open_params(graph)
    return classifier_of(graph, (symbolic & origin.output_deps) - {IMAGE}, called(origin))


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
    fixed: set[str] = field(default_factory=set)  # the same, without the conditions that are printed anyway
    hard: set[str] = field(default_factory=set)
    soft: set[str] = field(default_factory=set)


def open_params(graph: Graph) -> tuple[frozenset[str], frozenset[str]]:
    """The params that stay arguments (of soft fields alone, or of the channels of outputs or image), and the former."""
    origin = origin_of(graph)
    uses = Uses()
    for slot, seen in origin.facts.seen.items():
        if slot[1] in ("condition", "count", "rows"):
            uses.control |= seen.deps
            uses.fixed |= seen.deps if slot[1] != "condition" or not seen.varies else set()
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
    free = {IMAGE} - uses.hard - uses.fixed - reaches
    numeric = {n for n, v in graph.params.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    rates = (numeric & uses.soft) - uses.hard - uses.control
    outputs = (numeric - uses.control) & origin.output_deps if not origin.spec.features else frozenset()
    return frozenset(rates | outputs | free), frozenset(rates - origin.output_deps)
