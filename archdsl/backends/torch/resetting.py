"""`reset_classifier`: the last layer anew, as the spec initialises it, with the type, place and mode of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

from archdsl.backends.torch import places
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.classifier import Classifier, exchangeable, read_by, width_of
from archdsl.backends.torch.conditions import test_of
from archdsl.backends.torch.initialize import held_by, init_body, rules
from archdsl.backends.torch.kept import FEATURES
from archdsl.backends.torch.named_init import blocks_init, is_a, statements, written
from archdsl.backends.torch.pieces import module_call
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Expr, Lit, Logic, Name, Unary, names, wrap
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.ops import REGISTRY
from archdsl.ops.base import Module, Site

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


def reset_body(writer: Writer, source: ClassSource) -> list[py.Statement]:
    """The body of `reset_classifier`; empty where the last layer cannot be made outside of the constructor."""
    classifier = writer.classifier
    if classifier is None or classifier.way is None or not writer.outermost or classifier.param == "next":
        return []
    made = call_anew(writer) if isinstance(classifier.layer, ir.Call) else layer_anew(writer, classifier)
    if made is None:
        return []
    word = Name("layer" if classifier.param != "layer" else "last")
    like = py.call("next", py.call("self.parameters"))
    moved = in_mode(py.Call(py.attribute(word, "to"), (like,)))
    general = general_init(writer, word.id)
    return [
        py.Assign(word, made),
        *under_condition(writer, general),
        py.Assign(places.at(classifier.way), moved),
        *under_condition(writer, named_init(writer, source)),
        *(
            statement
            for step, tree in writer.modules.of_scores.items()
            for statement in activation_anew(writer, classifier, step, tree)
        ),
    ]


def activation_anew(writer: Writer, classifier: Classifier, step: ir.Primitive, made: Tree) -> list[py.Statement]:
    """The activation of the scores anew, where the network has it; without classes there is none."""
    word = Name("scores" if classifier.param != "scores" else "activation")
    found: list[py.Statement] = [
        py.Assign(word, exchangeable(made, Name(classifier.param))),
        py.Assign(places.at(classifier.ways[step]), in_mode(word)),
    ]
    for node, side in conditions_around(step, writer.function.region):
        if writer.decided(node) is not None:
            continue
        shown = writer.numbers.shown(node.condition, (node.id, "condition"))
        asked: Expr = Name(f"self.{writer.kept.condition_flag('has_' + step.op.name, shown)}")
        found = [py.If(asked if side is node.then else Unary("not", asked), found)]
    return found


def in_mode(made: Tree) -> Tree:
    """A module in the mode of the network: in training or not."""
    return py.Call(py.attribute(made, "train"), (Name("self.training"),))


def conditions_around(step: ir.Primitive, region: ir.Region) -> list[tuple[ir.If, ir.Region]]:
    """The conditions under which a step runs, the innermost first, each with the side on which it stands."""
    for node in region.nodes:
        for inner in node.regions():
            if step in inner.nodes or (around := conditions_around(step, inner)):
                here = [(node, inner)] if isinstance(node, ir.If) else []
                return [*([] if step in inner.nodes else around), *here]
    return []


def keep_features(writer: Writer) -> None:
    """Keeps the number of features of a classifier whose last layer stands in a block, where it is one number."""
    node = writer.classifier.node if writer.classifier is not None and not writer.plan.parametric else None
    if node is not None and FEATURES not in writer.kept.own and writer.classifier is not None:
        writer.kept.keep(FEATURES, Lit(node.inputs[0].shape[0]))


def last_layer(writer: Writer) -> Tree | None:
    """The last layer as an attribute of the network."""
    classifier = writer.classifier
    if classifier is None or classifier.layer is None or classifier.way is None or not writer.outermost:
        return None
    place, path = places.at(classifier.way), places.path_of(classifier.way)
    typed = isinstance(place, Name) or places.is_plain(classifier.way)
    return place if typed else py.call("self.get_submodule", Lit(path))


# --- the layer
def call_anew(writer: Writer) -> Tree | None:
    """The call of a block; none if it reads what the constructor alone knows."""
    classifier, norm = writer.classifier, writer.norm
    block = writer.modules.last_block
    helper = norm.word if norm is not None and not norm.handed else ""
    fixed = block is not None and classifier is not None and not read_by(block) - {classifier.param, helper}
    return block if fixed else None


def layer_anew(writer: Writer, classifier: Classifier) -> Tree | None:
    """The module of an op, by the conditions that choose one of several; none where one has no expression here."""
    found: Tree | None = None
    for step in reversed(classifier.layers):
        made = module_of(writer, step) if isinstance(step, ir.Primitive) else None
        if made is None or not isinstance(step, ir.Primitive):
            return None
        tree = module_call(made, Name(writer.plan.prelude.get(made.cls, made.cls)))
        found = tree if found is None else py.Conditional(tree, is_there(writer, step), found)
    return exchangeable(found, Name(classifier.param)) if found is not None else None


def is_there(writer: Writer, step: ir.Primitive) -> Expr:
    """Whether the network has a step, by attributes."""
    asked: list[Expr] = []
    for node, side in reversed(conditions_around(step, writer.function.region)):
        if writer.decided(node) is None:
            shown = writer.numbers.shown(node.condition, (node.id, "condition"))
            test = test_of(writer, node, shown)
            asked.append(test if side is node.then else Unary("not", test))
    first, *rest = asked
    return Logic("and", (first, *rest)) if rest else first


def module_of(writer: Writer, step: ir.Primitive) -> Module | None:
    """A last layer as `reset_classifier` makes it."""
    classifier, known = writer.classifier, writer.modules.layer_fields.get(step)
    node = classifier.layers[step] if classifier is not None else None
    own = step in set(writer.function.walk())
    if classifier is None or node is None or (known is None if own else writer.plan.parametric):
        return None
    fields = {name: wrap(value) for name, value in node.fields.items()} | dict(known or {})
    fields[width_of(step.op) or ""] = Name(classifier.param)
    entering: Expr = Name(f"self.{FEATURES}") if FEATURES in writer.kept.own else Lit(node.inputs[0].shape[0])
    site = Site(SimpleNamespace(**fields), entering, writer.origin.facts.ranks[step.id], node.inputs[0].shape[1:])
    return step.op.module(site)


# --- how it is initialised
def general_init(writer: Writer, word: str) -> list[py.Statement]:
    """What the rules of the spec say of the layer, or of the modules in the block that it is."""
    classifier, function, prelude = writer.classifier, writer.function, writer.plan.prelude
    assert classifier is not None
    if isinstance(classifier.layer, ir.Call):
        blocks, known = called_by(classifier.layer), writer.done.classes
        loops = [
            *init_body(function.init, [known[block.id] for block in blocks], prelude),
            *blocks_init(blocks, known, writer),
        ]
    else:
        loops = layers_init(writer, classifier, word)
    over = py.call(f"{word}.modules")
    return [replace(loop, rows=over) if isinstance(loop, py.For) else loop for loop in loops]


def layers_init(writer: Writer, classifier: Classifier, word: str) -> list[py.Statement]:
    """The same of a layer that is an op, or one of several; a rule of several ops stands there once."""
    steps = [step for step in classifier.layers if isinstance(step, ir.Primitive)]
    layers = {step: made for step in steps if (made := module_of(writer, step)) is not None}
    biased = set[bool]().union(*(may_be(made.kwargs.get("bias", (True, True))[0]) for made in layers.values()))
    found: list[py.Statement] = []
    for step, made in layers.items():
        said = layer_init(writer, step, made, word if len(layers) == 1 else "", biased)
        found += [statement for statement in said if statement not in found]
    return found


def layer_init(writer: Writer, step: ir.Primitive, made: Module, word: str, biased: set[bool]) -> list[py.Statement]:
    """What the rules of the spec say of a layer that is one op: of the word for it, else of each module in a loop."""
    function, prelude, op = writer.function, writer.plan.prelude, step.op.name
    entry = next((e for target, e in function.init.items() if op == target or REGISTRY[op].follows == target), None)
    kinds = held_by(op, made.cls) if entry is not None else []
    body = rules(entry.target, entry, kinds, biased) if entry is not None and kinds else []
    if not body:
        return []
    shown = [prelude.get(kind, kind) for kind in kinds]
    own = bool(word) and shown == [prelude.get(made.cls, made.cls)]
    test = is_a(word if own else "m", shown)
    if own:
        body = [py.changed(line, lambda tree: py.renamed(tree, "m", word)) for line in body]
        return [py.If(test, body)]
    return [py.For(Name("m"), py.call("self.modules"), [py.If(test, body)])]


def may_be(value: object) -> set[bool]:
    """The truth values that an argument may have."""
    tree = wrap(value)
    return {bool(tree.value)} if isinstance(tree, Lit) else {False, True}


def called_by(call: ir.Call) -> list[ir.Function]:
    """The blocks that a call runs."""
    found: dict[ir.Function, None] = {}
    ahead = [call.block]
    while ahead:
        block = ahead.pop()
        if block not in found:
            found[block] = None
            ahead += [node.block for node in block.walk() if isinstance(node, ir.Call)]
    return list(found)


def named_init(writer: Writer, source: ClassSource) -> list[py.Statement]:
    """The rules that name the layer, or a module in it, by its keys."""
    layers = writer.classifier.layers if writer.classifier is not None else {}
    kept: list[tuple[ir.NamedInit, Expr]] = []
    for init, shown in source.named_init:
        if not layers.keys().isdisjoint(init.path):
            flag = shown if shown == Lit(True) else Name(f"self.{writer.kept.condition_flag('own_init', shown)}")
            kept.append((init, flag))
    classes: Mapping[int, ClassSource] = {**writer.done.classes, writer.function.id: replace(source, named_init=kept)}
    return written(statements(writer.function, classes, "self", writer))


def under_condition(writer: Writer, body: list[py.Statement]) -> list[py.Statement]:
    """Statements under the `when:` of `init:`."""
    condition = simplify(writer.numbers.close(writer.function.init_when), writer.numbers.facts)
    if not any(True for _ in names(condition)):
        return body if evaluate(writer.function.init_when, writer.plan.graph.params) else []
    if not body:
        return []
    asked: Expr = Name(f"self.{writer.kept.condition_flag('own_init', condition)}")
    if len(body) == 1 and isinstance(body[0], py.If) and not body[0].orelse and isinstance(body[0].condition, Expr):
        return [py.If(Logic("and", (asked, body[0].condition)), body[0].body)]
    return [py.If(asked, body)]
