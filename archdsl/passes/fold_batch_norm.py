"""Batch norms folded into the convolutions and linear layers beside them.

In eval mode a norm multiplies each channel by a number and adds another one. Where what it reads or gives is a layer's
alone, the layer does that by itself, with other weights and a bias.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.expr.nodes import Compare, Expr, IfElse, ListOf, Lit, Logic, Unary
from archdsl.ir.graph import Node
from archdsl.ir.program import Call, Container, Function, If, Operation, Primitive, Program, Region, Stage, Value
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import Reader, copied, erase, readers, regions_of, replace_value, taps
from archdsl.ops.windows import KEEP, SAME
from archdsl.passes.base import Carry, Pass, Weights
from archdsl.passes.norms import NORM, scale_and_shift, state
from archdsl.support.naming import unique

if TYPE_CHECKING:
    from torch import Tensor

NORM_WORDS = re.compile(r"(BatchNorm|Norm|BN|Bn)(?![a-z])")  # in `ConvBNReLU`, not in `Normal`


def fold_batch_norm(program: Program) -> Program:
    """Folds batch norms into the convolutions and linear layers before or after them."""
    made = copied(program)
    normed = has_norm(made)
    for function in made.functions:
        if fold_all(function) and function.doc and not function.network:
            function.doc = f"{function.doc.rstrip('. ')}; the norms are folded into the layers."
    renamed(made, normed)
    return program_of(made.main)


def fold_all(function: Function) -> bool:
    """Folds what can be folded in a function; whether anything could."""
    count = 0
    while any(fold(function, region, node) for region in regions_of(function) for node in norms(region)):
        count += 1
    return count > 0


def norms(region: Region) -> Iterator[Primitive]:
    """The batch norms of a region that are no stage by themselves, and run once: a stage stays, whatever is in it."""
    for node in region.nodes:
        if isinstance(node, Primitive) and node.op.name == NORM and node.stage is None and not node.reused:
            yield node


# --- pattern
def fold(function: Function, region: Region, norm: Primitive) -> bool:
    """Folds a norm into the layers before it, or else into the one after it; whether that could be."""
    reading = readers(function)
    if is_tapped(function, norm):
        return False
    found = before(function, region, norm, reading) or after(function, region, norm, reading)
    if found is None:
        return False
    (entered,) = norm.ins
    assert isinstance(entered, Value)
    for layer in found.layers:
        chain = layer.merged or (layer.source,)
        layer.merged = (norm.source, *chain) if found.leads else (*chain, norm.source)
        layer.fields = {**layer.fields, "bias": either(layer.fields["bias"], found.condition)}
        layer.given |= {"bias"}
    if entered.name == "x":
        entered.name = norm.out.name
    replace_value(function, norm.out, entered)
    erase(region, norm)
    tidied(function)
    return True


@dataclass(frozen=True)
class Fold:
    """Into which layers a norm goes, under which condition it is there, and whether it comes before them."""

    layers: list[Primitive]
    condition: Expr = field(default_factory=lambda: Lit(True))
    leads: bool = False


def before(function: Function, region: Region, norm: Primitive, reading: Mapping[Value, list[Reader]]) -> Fold | None:
    """The layers that make what a norm reads, if they run as often as it does and nothing else reads it."""
    (entered,) = norm.ins
    if not isinstance(entered, Value):
        return None
    if any(node.out is entered for node in region.nodes):
        layers = makers(function, region, entered, [norm], reading)
        return Fold(layers) if layers else None
    for outer in regions_of(function):
        for choice in outer.nodes:
            if isinstance(choice, If) and choice.stage is None and region in choice.regions():
                return under(function, outer, choice, region, norm, reading)
    return None


def under(
    function: Function,
    outer: Region,
    choice: If,
    side: Region,
    norm: Primitive,
    reading: Mapping[Value, list[Reader]],
) -> Fold | None:
    """As `before`, of a norm that is there under a condition, and a layer beside the condition."""
    (entered,) = norm.ins
    assert isinstance(entered, Value)
    layer = next((node for node in outer.nodes if node.out is entered), None)
    if not isinstance(layer, Primitive) or not is_layer(layer) or is_tapped(function, layer):
        return None
    other = choice.other if side is choice.then else choice.then
    elsewhere = [reader for reader in reading[entered] if reader is not norm and not is_within(reader, other)]
    if elsewhere:
        return None
    return Fold([layer], choice.condition if side is choice.then else Unary("not", choice.condition))


def is_within(reader: Reader, region: Region) -> bool:
    """Whether a region or an operation is a region, or stands in it."""
    if reader is region:
        return True
    return any(reader is node or reader in node.regions() for node in region.walk())


def makers(
    function: Function, region: Region, value: Value, wanted: list[Reader], reading: Mapping[Value, list[Reader]]
) -> list[Primitive] | None:
    """The layers one of which makes a value, each time it is made; none if anything else may, or if others read it."""
    if reading.get(value, []) != wanted:
        return None
    node = next((node for node in region.nodes if node.out is value), None)
    match node:
        case Primitive() if is_layer(node) and not is_tapped(function, node):
            return [node]
        case If(branch=False, choices=()) if not is_tapped(function, node):
            sides = [inside(function, side, reading) for side in node.regions()]
            return [layer for side in sides for layer in side or []] if all(sides) else None
        case Container() | Stage() if not is_tapped(function, node):
            return inside(function, node.body, reading)
    return None


def inside(function: Function, region: Region, reading: Mapping[Value, list[Reader]]) -> list[Primitive] | None:
    """The layers that make what leaves a region."""
    if not isinstance(region.result, Value):
        return None
    return makers(function, region, region.result, [region], reading)


def after(function: Function, region: Region, norm: Primitive, reading: Mapping[Value, list[Reader]]) -> Fold | None:
    """The layer that alone reads what a norm gives, if it sees all of each window: a border of zeros is not normed."""
    read = reading.get(norm.out, [])
    layer = read[0] if len(read) == 1 else None
    if not isinstance(layer, Primitive) or not is_layer(layer) or layer not in region.nodes:
        return None
    if not isinstance(norm.ins[0], Value) or layer.op.name == "conv_transpose" or is_tapped(function, layer):
        return None
    return Fold([layer], leads=True) if layer.op.name == "linear" or is_unpadded(layer) else None


def is_layer(node: Primitive) -> bool:
    """Whether an operation is a layer whose weights are its own, and not those of other steps too."""
    return not node.tensors and not node.reused and node.op.takes_factor(node.fields)


def is_unpadded(layer: Primitive) -> bool:
    """Whether a convolution is known to add no border, whatever its input."""
    padding = layer.fields["padding"]
    if isinstance(padding, Lit) and padding.value in (KEEP, SAME):
        return all_are(layer.fields["kernel"], 1)
    return all_are(padding, 0)


def all_are(expr: Expr, number: int) -> bool:
    """Whether an expression is a number on each axis."""
    items = expr.items if isinstance(expr, ListOf) else (expr,)
    return all(isinstance(item, Lit) and item.value == number for item in items)


def is_tapped(function: Function, node: Operation) -> bool:
    """Whether a tensor inside a container may be read by this module's key, or by a place that would be another one."""
    keys: set[str] = set()
    for tap in taps(function):
        if node is tap.container or any(inner is node for inner in tap.container.body.walk()):
            keys.update(tap.keys)
    return node.key in keys or any(key.isdigit() for key in keys)


# --- what becomes of the program
def either(bias: Expr, condition: Expr) -> Expr:
    """Whether a layer has a bias, which it has under a condition in any case."""
    if isinstance(condition, Lit):
        return Lit(True) if condition.value else bias
    if is_lit(bias, value=True) or bias == Unary("not", condition) or condition == Unary("not", bias):
        return Lit(True)
    if not is_truth(condition):  # a number will do for a condition, but not for a field
        return IfElse(condition, Lit(True), bias)
    return condition if is_lit(bias, value=False) else Logic("or", (bias, condition))


def is_lit(expr: Expr, *, value: bool) -> bool:
    return isinstance(expr, Lit) and expr.value is value


def is_truth(expr: Expr) -> bool:
    """Whether an expression is true or false and nothing else."""
    match expr:
        case Compare() | Unary(op="not"):
            return True
        case Logic(items=items):
            return all(map(is_truth, items))
    return isinstance(expr, Lit) and isinstance(expr.value, bool)


def tidied(function: Function) -> None:
    """Takes out the conditions that no longer decide anything."""
    for region in regions_of(function):
        for node in region.nodes:
            if isinstance(node, If) and not (node.then.nodes or node.other.nodes) and not node.branch:
                given = node.then.result
                if given is not None and given is node.other.result:
                    replace_value(function, node.out, given)
                    erase(region, node)


def has_norm(program: Program) -> dict[Function, bool]:
    """Whether each function has a norm in it, or calls one that has."""
    found: dict[Function, bool] = {}
    for function in program.functions:
        found[function] = False  # as a call of it inside of itself is seen
        found[function] = any(
            node.op.role == "norm" if isinstance(node, Primitive) else isinstance(node, Call) and found[node.block]
            for node in function.walk()
        )
    return found


def renamed(program: Program, normed: Mapping[Function, bool]) -> None:
    """Functions without the norm that they were named for lose that part of their name."""
    left = has_norm(program)
    taken = {function.name for function in program.functions}
    for function in program.functions:
        word = NORM_WORDS.sub("", function.name)
        fits = word.isidentifier() and word != function.name
        if fits and normed[function] and not left[function] and not function.network:
            function.name = unique(word, taken)
            taken.add(function.name)


# --- what becomes of the weights
def weights(carry: Carry) -> Mapping[Node, Weights]:
    """The weights of each layer with the norms that it has taken in."""
    found: dict[Node, Weights] = {}
    for node, chain in carry.merged.items():
        layer = carry.kept[node]
        folded = Folded(layer, carry)
        last, first = layer, layer
        for runs in chain.following:
            norm = next((norm for norm in runs if norm.inputs[0].node is last), None)
            if norm is not None:  # none where a condition leaves it out
                folded.norm_after(norm)
                last = norm
        for runs in reversed(chain.leading):
            if first.inputs[0].node in runs:
                first = first.inputs[0].node
                folded.norm_before(first)
        found[node] = folded.weights
    return found


class Folded:
    """A layer's weights as they become, in double precision."""

    def __init__(self, layer: Node, carry: Carry) -> None:
        self.layer, self.carry = layer, carry
        own = state(carry, layer)
        self.kind = own["weight"].dtype
        self.weight = own["weight"].double()
        self.bias = own["bias"].double() if "bias" in own else self.weight.new_zeros(())
        self.biased = "bias" in own

    @property
    def weights(self) -> Weights:
        found = {"weight": self.weight.to(self.kind)}
        return {**found, "bias": self.bias.to(self.kind)} if self.biased else found

    def norm_after(self, norm: Node) -> None:
        scale, shift = scale_and_shift(self.carry, norm)
        if self.layer.op.name == "conv_transpose":  # its weight is that of each group, inputs first
            self.weight = self.grouped(scale, 2)
        else:
            self.weight = self.weight * spread(scale, 0, self.weight.dim())
        self.bias, self.biased = self.bias * scale + shift, True

    def norm_before(self, norm: Node) -> None:
        scale, shift = scale_and_shift(self.carry, norm)
        added = self.grouped(shift, 2).flatten(1).sum(1)
        self.weight = self.grouped(scale, 2)
        self.bias, self.biased = self.bias + added, True

    def grouped(self, factor: Tensor, axis: int) -> Tensor:
        """The weight times a factor for each channel of the second axis of each group."""
        shape = self.weight.shape
        groups = factor.numel() // shape[1]
        parts = self.weight.view(groups, -1, *shape[1:])
        return (parts * spread(factor.view(groups, -1), axis, parts.dim())).view(shape)


def spread(factor: Tensor, axis: int, rank: int) -> Tensor:
    """A factor for each channel (of each group), with axes of length 1 for all others."""
    return factor.view(*factor.shape[:-1], *(1,) * (axis - factor.dim() + 1), -1, *(1,) * (rank - axis - 1))


FOLD_BATCH_NORM = Pass(fold_batch_norm, weights)
