"""What a classifier's class offers beside its forward: features alone, another head, other image channels.

A classifier is a network of one image and one list of scores: all that it computes before its head passes
through a single map, and the last layer's width is a param (`num_classes`). Other networks offer none of this.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

from archdsl.analysis.channel_names import channel_names
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.pieces import module_call
from archdsl.backends.torch.places import Way, common_way, way_to
from archdsl.backends.torch.syntax import IDENTITY, Tree
from archdsl.expr.nodes import Expr, Lit, Name, names
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin, origin_of
from archdsl.ir.graph import Graph, Node
from archdsl.ops import REGISTRY
from archdsl.ops.base import Op, Site

OF_SCORES = ("softmax", "log_softmax", "sigmoid", "hard_sigmoid")  # what makes probabilities of scores


@dataclass(frozen=True)
class Classifier:
    """The places of a network that its users exchange."""

    param: str  # the number of classes, as the network calls it
    layer: ir.Primitive | ir.Call | None  # gives one score for each, if a layer or a block of its own does
    node: Node | None  # that layer in the graph
    path: str  # of its module
    head: str  # the first stage of the head
    pool: ir.Primitive | None  # ends the trunk, if another may
    of_scores: Mapping[ir.Primitive, str] = field(default_factory=dict)  # activations of scores, with their paths
    way: Way | None = None  # to the module of the layer, in all networks that a class may be
    ways: Mapping[ir.Primitive, Way] = field(default_factory=dict)  # to those activations
    others: Mapping[ir.Primitive | ir.Call, Node | None] = field(default_factory=dict)  # those of other networks there

    @property
    def layers(self) -> dict[ir.Primitive | ir.Call, Node | None]:
        """The layers of which each network that a class may be has one, with that in its graph."""
        return {**self.others, self.layer: self.node} if self.layer is not None else {}


def classifier_of(graph: Graph, classes: Collection[str], functions: Sequence[ir.Function]) -> Classifier | None:
    """The classifier that a network is; None if it is none. `classes` are the params behind the scores' number."""
    origin = origin_of(graph)
    images, scores = list(graph.inputs.values()), list(graph.outputs.values())
    classes = [name for name in classes if not isinstance(graph.params.get(name), (bool, str, list))]
    if len(classes) > 1:  # other params may be behind what computes the scores, but not behind their number
        classes = [name for name in classes if [graph.params[name]] == [tensor.shape[0] for tensor in scores]]
    plain = len(images) == len(scores) == len(classes) == 1
    if not plain or len(images[0].shape) < 2 or math.prod(scores[0].shape[1:]) > 1:
        return None
    (param,) = classes
    steps = {step.id: step for function in functions for step in function.walk() if isinstance(step, ir.Primitive)}
    trunk = [node for node in through_one(graph) if origin.made[node.id] in steps]
    main = [node for node in graph.nodes if not node.training]
    layers = [node for node in main if reads(steps.get(origin.made[node.id]), origin, param)]
    layer = next((n for n in trunk if layers == [n] and is_layer(steps[origin.made[n.id]], origin, param)), None)
    behind = [node for node in main if layer is not None and node.id > layer.id]
    if any(map(has_weights, behind)):
        layer = None  # a norm of the scores is of their number too
    end = next((n for n in trunk if n is layer or loses_its_map(n)), None)
    if end is None:
        return None
    own = set(origin.function.walk())
    pools = [steps[origin.made[n.id]] for n in trunk if loses_its_map(n) and n.op.chosen_by]
    pool = next((step for step in pools if step in own), None)
    head = stage_of(end)
    ends = {steps[origin.made[n.id]]: n for n in trunk if n in behind and n.op.name in OF_SCORES}
    exchanged = {step: node.path for step, node in ends.items() if step in own and not step.functional}
    if len(exchanged) < len(ends):
        layer = None  # without classes there are no scores that it could be of
    if layer is not None:
        way, ways = way_to(layer.path, graph), {step: way_to(path, graph) for step, path in exchanged.items()}
        return Classifier(param, steps[origin.made[layer.id]], layer, layer.path, head, pool, exchanged, way, ways)
    block, path = block_of(graph, param)
    return Classifier(param, block, None, path, head, pool, way=way_to(path, graph) if block is not None else None)


def block_of(graph: Graph, param: str) -> tuple[ir.Call | None, str]:
    """The call of a block that gives the scores and alone depends on their number, with its path, if there is one."""
    origin = origin_of(graph)
    (scores,) = graph.outputs.values()
    steps = list(origin.function.walk())
    calls = [s for s in steps if isinstance(s, ir.Call) and any(hangs_on(a, param) for a in s.args.values())]
    bare = len(calls) == 1 and not calls[0].tensors and Name(param) in calls[0].args.values()
    if not bare or any(reads(step, origin, param) for step in steps if isinstance(step, ir.Primitive)):
        return None, ""
    (call,) = calls
    last = [scope for scope in graph.root.scopes() if scope.kind == "block" and scope.output is scores]
    alone = last and last[0].name == call.block.name and math.prod(last[0].inputs[0].shape[1:]) == 1
    path = last[0].path if alone else ""  # without classes, what enters it are the features
    return (call, path) if path else (None, "")


def has_weights(node: Node) -> bool:
    """Whether the shapes of tensors of a node's module may depend on what enters it."""
    fields, entering = SimpleNamespace(**node.fields), node.inputs[0].shape
    return bool(node.op.params(fields, entering, node.shape) or node.op.buffers(fields, entering, node.shape))


def hangs_on(expr: Expr, param: str) -> bool:
    return any(name.id == param for name in names(expr))


def common(found: Sequence[Classifier | None]) -> Classifier | None:
    """What the classifiers that one class may be have in common: places that are the same in all."""
    known = [classifier for classifier in found if classifier is not None]
    last = found[-1]
    if last is None or len(known) < len(found) or len({(c.param, c.head) for c in known}) > 1:
        return None
    pool = last.pool if all(c.pool is last.pool for c in known) else None
    way = common_way([c.way for c in known if c.way is not None])
    steps = {step: path for c in known for step, path in c.of_scores.items()}  # some networks may lack one
    ways = {step: common_way([c.ways[step] for c in known if step in c.ways]) for step in steps}
    others = dict(layer for c in known if (layer := beside(c, last)) is not None)
    alike = all(c.layer is last.layer or c.layer in others for c in known)
    if not alike or way is None or None in ways.values():
        return replace(last, layer=None, pool=pool, of_scores={})
    ends = {step: end for step, end in ways.items() if end is not None}
    return replace(last, pool=pool, of_scores=steps, way=way, ways=ends, others=others)


def beside(one: Classifier, other: Classifier) -> tuple[ir.Primitive | ir.Call, Node | None] | None:
    """The layer of one with its node, if it stands under the other's key over the same tensor: on another side."""
    here, there = one.layer, other.layer
    if here is there or not isinstance(here, ir.Primitive) or not isinstance(there, ir.Primitive) or one.node is None:
        return None
    return (here, one.node) if (here.key, here.ins) == (there.key, there.ins) else None


def through_one(graph: Graph) -> list[Node]:
    """The nodes through which all passes: no tensor made before one is read after it."""
    nodes = [node for node in graph.nodes if not node.training]
    last = {t: node.id for node in nodes for t in node.inputs}
    last |= dict.fromkeys((t for t in graph.outputs.values()), len(graph.nodes))
    found, reach = [], max(last[t] for t in graph.inputs.values())
    for node in nodes:
        if reach <= node.id and len(node.outputs) == 1:
            found.append(node)
        reach = max(reach, *(last.get(t, 0) for t in node.outputs))
    return found


def reads(step: ir.Primitive | None, origin: Origin, param: str) -> bool:
    """Whether a field of an op depends on a param."""
    seen = [origin.facts.seen.get((step.id, name)) for name in step.fields] if step is not None else []
    return any(item is not None and param in item.deps for item in seen)


def is_layer(step: ir.Primitive, origin: Origin, param: str) -> bool:
    """Whether a layer's width is the param."""
    width = width_of(step.op)
    seen = origin.facts.seen.get((step.id, width or ""))
    return seen is not None and seen.deps == {param} and not step.functional


def width_of(op: Op) -> str | None:
    """The field that is an op's number of output channels."""
    fields = channel_names(op, flat=True)
    return next(iter(fields)) if fields is not None and len(fields) == 1 and op.field(next(iter(fields))) else None


def loses_its_map(node: Node) -> bool:
    """Whether a node leaves one value of each channel's map."""
    before, after = len(node.inputs[0].shape) - 1, len(node.shape) - 1
    extents, _ = node.op.window(SimpleNamespace(**node.fields), before)
    at_once = len(extents) > 0 and not any(extents) and math.prod(node.shape[1:]) == 1  # tokens are several
    return before > 0 and (after == 0 or at_once)


def stage_of(node: Node) -> str:
    """The stage that a node stands in."""
    scope = node.scope
    while scope.parent is not None and scope.kind != "stage":
        scope = scope.parent
    return scope.name


def exchangeable(layer: Tree, width: Expr) -> Tree:
    """The last layer, which without classes is none."""
    return py.Conditional(layer, width, IDENTITY) if isinstance(width, Name) else layer


def either(then: Tree, condition: Tree, other: Tree) -> Tree:
    """One module of two; what without classes is none on both sides is that under one condition."""
    match then, other:
        case py.Conditional(one, width, none), py.Conditional(two, same, nothing) if none == nothing == IDENTITY:
            if width == same:
                return py.Conditional(py.Conditional(one, condition, two), width, IDENTITY)
    return py.Conditional(then, condition, other)


def read_by(call: Tree) -> set[str]:
    """What the call of a block reads, without the classes that it makes modules of."""
    classes = {
        made.function.id for made in py.walk(call) if isinstance(made, py.Call) and isinstance(made.function, Name)
    }
    names_ = (name for name in py.dotted_names(call) if name not in classes or not name[:1].isupper())
    return {name.partition(".")[0] for name in names_} - {"nn", "self"}


def chosen_pool(op: Op, rank: int, name: str, argument: str) -> tuple[py.Assign, Tree]:
    """The poolings that may end the trunk by the words for them of an argument, and the one that is chosen."""
    site = Site(SimpleNamespace(), Lit(1), rank)
    makers = {o.word_of_choice: o.module(site) for o in REGISTRY.values() if o.chosen_by == op.chosen_by}
    table = py.Dict(tuple((Lit(word), Name(made.cls)) for word, made in makers.items()))
    return py.assign(name, table), module_call(op.module(site), py.Subscript(Name(name), (Name(argument),)))
