"""What a call may give beside the params of a spec, as the class of a classifier takes it.

These are other channels of the image, another last pooling, and no classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from archdsl.analysis.elaborate import elaborate
from archdsl.analysis.limits import MAX_SIDE
from archdsl.analysis.noting import IMAGE
from archdsl.backends.torch.plan import classifier_in
from archdsl.diagnostics.faults import fault
from archdsl.expr.given import plain_value, shown
from archdsl.expr.nodes import Constant
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.ir.program import Operation, Primitive, Program
from archdsl.ir.rewrite import copied, regions_of
from archdsl.ops import REGISTRY
from archdsl.ops.base import Op
from archdsl.passes import pipeline
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import OFFERED

if TYPE_CHECKING:
    from archdsl.passes.pipeline import Rewriting
    from archdsl.workspace.library import Inputs

NOTHING, FLAT = "identity", "flatten"


def beside_params(spec: Spec, params: Mapping[str, Any]) -> dict[str, Constant]:
    """Those of the params that are none of a spec, or that may ask for no classes."""
    found = {name: value for name, value in params.items() if name in OFFERED - spec.params.keys()}
    zeros = {name: value for name, value in params.items() if name in spec.params and type(value) is int and value == 0}
    return {name: plain_value(value, name) for name, value in {**found, **zeros}.items()}


def graph_beside(
    spec: Spec,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Inputs | None,
    rewriting: Rewriting | None,
) -> Graph:
    """The graph of a network of which a call asks what is `beside` the params of its spec."""
    beside = beside_params(spec, params)
    own = copy(params)  # what tells the places of params stays with them
    assert isinstance(own, dict)
    for name in beside:
        del own[name]
    whole = pipeline.graph_of(spec, variant, own, inputs, rewriting)
    classifier, images = classifier_in(whole), list(whole.inputs.values())
    replaced: dict[int, str] = {}  # operations, by the ops that take their place
    for name, value in beside.items():
        if name == IMAGE and len(images) == 1:
            inputs = (int(beside_spec(name, value)), *images[0].shape[1:])
        elif classifier is not None and classifier.layer is not None and name == classifier.param:
            replaced |= {step.id: NOTHING for step in (classifier.layer, *classifier.of_scores)}
            if not any(node.training for node in whole.nodes):  # auxiliary heads keep their classes
                own[name] = value
        elif classifier is not None and classifier.pool is not None and name == classifier.pool.op.chosen_by:
            replaced[classifier.pool.id] = op_of(name, str(beside_spec(name, value)))
        else:  # a param that may be 0, or one that the network lacks
            own[name] = value
    if not replaced:
        return pipeline.graph_of(spec, variant, own, inputs, rewriting)
    origin = origin_of(whole)
    program = with_ops(origin.program, replaced)
    pooled = [word for name in beside if name not in own | {IMAGE: 0} for word in ("--set", f"{name}={beside[name]}")]
    program.main.options = None if program.main.options is None else (*program.main.options, *pooled)
    return elaborate(origin.spec, variant, own, inputs, program)


def unpooled(graph: Graph) -> Graph:
    """A classifier without its last pooling and its layer of classes: it gives the map that would be pooled.

    Raises `SpecError` where the layers between cannot take a map.
    """
    classifier = classifier_in(graph)
    if classifier is None or classifier.pool is None:
        message = f"{graph.name} has no last pooling that could be left out"
        raise fault("bad-call", message, help="forward_features gives the map that enters the head")
    origin = origin_of(graph)
    layers = (classifier.layer, *classifier.of_scores)
    replaced = {step.id: NOTHING for step in (classifier.pool, *layers) if step is not None}
    (pool,) = (node for node in graph.nodes if origin.made[node.id] == classifier.pool.id)
    behind = [node for node in graph.nodes if node.id > pool.id]
    replaced |= {origin.made[node.id]: NOTHING for node in behind if node.op.name == FLAT}
    images = {name: tensor.shape for name, tensor in graph.inputs.items()}
    return elaborate(origin.spec, graph.variant, graph.params, images, with_ops(origin.program, replaced))


def beside_spec(name: str, value: Constant) -> Constant:
    """What a classifier's constructor takes beside the params of the spec: a word or a whole number."""
    words = [op.word_of_choice for op in REGISTRY.values() if op.chosen_by == name]
    if words and value not in words:
        raise fault("bad-value", f"{name} does not accept {shown(value)}", help=f"choose from {', '.join(words)}")
    if not words and not (type(value) is int and (value == 0 if name != IMAGE else 1 <= value <= MAX_SIDE)):
        raise fault("bad-value", f"{name} takes a whole number, at least 1, not {shown(value)}")
    return value


def op_of(argument: str, word: str) -> str:
    """The op that a word of an argument chooses."""
    return next(name for name, op in REGISTRY.items() if op.chosen_by == argument and op.word_of_choice == word)


def with_ops(program: Program, replaced: Mapping[int, str]) -> Program:
    """A program with other ops in the places of some operations, under the same keys."""
    made = copied(program)
    for function in made.functions:
        for region in regions_of(function):
            for place, node in enumerate(region.nodes):
                if node.source in replaced:
                    region.nodes[place] = in_place_of(node, REGISTRY[replaced[node.source]])
    return Program(made.functions)


def in_place_of(node: Operation, op: Op) -> Primitive:
    """An op without arguments on the first tensor that an operation reads."""
    kept = {"key": node.key, "label": node.label, "stage": node.stage, "source": node.source}
    return Primitive(op=op, fields={}, ins=node.operands()[:1], out=node.out, span=node.span, **kept)  # type: ignore[arg-type]
