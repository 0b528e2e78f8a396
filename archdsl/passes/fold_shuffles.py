"""Channel shuffles moved into the weights of ungrouped convolutions before or after them.

A convolution with one group computes the same with its channels in another order, if its weight has them in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from archdsl.expr.nodes import Expr, IfElse, Lit, Logic, Unary
from archdsl.ir.graph import Node
from archdsl.ir.graph import Tensor as Edge
from archdsl.ir.program import Function, Primitive, Program, Region
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied, regions_of
from archdsl.passes.base import Carry, Pass, Weights
from archdsl.passes.reordered import CONVOLUTION, DEPTHWISE, JOINS, KEEP_ORDER, hiding
from archdsl.passes.taking_out import left_where, taken_out

if TYPE_CHECKING:
    from torch import Tensor

SHUFFLE = "channel_shuffle"
ONE = Lit(1)


def fold_shuffles(program: Program) -> Program:
    """Moves channel shuffles into the weights of convolutions without groups before or after them."""
    made = copied(program)
    for function in made.functions:
        while any(fold_whole(function, region, node) for region, node in shuffles(function)):
            pass
        for region, node in list(shuffles(function)):
            fold_partly(function, region, node)
    return program_of(made.main)


def shuffles(function: Function) -> Iterator[tuple[Region, Primitive]]:
    for region in regions_of(function):
        for node in region.nodes:
            if isinstance(node, Primitive) and node.op.name == SHUFFLE:
                yield region, node


# --- what becomes of the program
def fold_whole(function: Function, region: Region, node: Primitive) -> bool:
    """Takes out a shuffle that convolutions on one side of it always hide; whether that could be."""
    always = any(all(groups == ONE for groups in found) for found in beside(function, node))
    return always and taken_out(function, region, node)


def fold_partly(function: Function, region: Region, node: Primitive) -> None:
    """Leaves a shuffle out where the convolutions on one side of it have one group, if their groups are so chosen."""
    found = (needed(groups) for groups in beside(function, node))
    condition = next((condition for condition in found if condition is not None), None)
    if condition is not None:
        left_where(function, region, node, condition)


def beside(function: Function, node: Primitive) -> Iterator[list[Expr]]:
    """The groups of the convolutions that hide the order of what enters a shuffle, and of what leaves it."""
    for tensor in (node.ins[0], node.out):
        groups = hiding(function, tensor, node)
        if groups is not None:
            yield groups


def needed(groups: list[Expr]) -> Expr | None:
    """When a shuffle stays beside convolutions of some groups; None if that cannot be told."""
    conditions: list[Expr] = []
    for expr in groups:
        match expr:
            case IfElse(condition=condition, then=Lit(value=1)):
                conditions.append(Unary("not", condition))
            case IfElse(condition=condition, other=Lit(value=1)):
                conditions.append(condition)
            case _ if expr != ONE:
                return None
    return conditions[0] if len(conditions) == 1 else Logic("or", tuple(conditions)) if conditions else None


# --- what becomes of the weights
def weights(carry: Carry) -> Mapping[Node, Weights]:
    """The weights of each layer that hides a shuffle now, and of what stands between, in the new order."""
    return Moving(carry).weights()


class Moving:
    """The shuffles of a graph that are gone, moved into weights one after the other."""

    def __init__(self, carry: Carry) -> None:
        self.carry = carry
        kept = set(carry.kept.values())
        self.nodes = {old: new for new, old in carry.kept.items()}
        self.left = [node for node in carry.before.nodes if node.op.name == SHUFFLE and node not in kept]
        self.moved: set[Node] = set()  # their channels leave as they enter
        self.changed: dict[Node, Weights] = {}
        self.readers: dict[Edge, list[Node]] = {}
        for node in carry.before.nodes:
            for edge in node.inputs:
                self.readers.setdefault(edge, []).append(node)
        self.given = {*carry.before.outputs.values(), *carry.before.training.values()}

    def weights(self) -> Mapping[Node, Weights]:
        while self.left:
            node = next(node for node in self.left if self.move(node))
            self.left.remove(node)
            self.moved.add(node)
        return {self.nodes[node]: found for node, found in self.changed.items()}

    def move(self, shuffle: Node) -> bool:
        """Moves a shuffle into the layers before it, or else behind it; whether all of them take any order."""
        order = order_of(shuffle)
        for edge, places in ((shuffle.inputs[0], order), (shuffle.outputs[0], inverse(order))):
            found = self.alike(edge, shuffle)
            if found is not None:
                self.reorder(found, shuffle, places)
                return True
        return False

    def alike(self, start: Edge, shuffle: Node) -> set[Edge] | None:
        """The tensors whose channels have one order; none if another order would be seen."""
        found, ahead = {start}, [start]
        while ahead:
            edge = ahead.pop()
            if edge.node is None or edge in self.given:
                return None
            for node in (edge.node, *self.readers.get(edge, ())):
                if node is shuffle or is_dense(node):
                    continue
                if node.shared or not (keeps_order(node) or node in self.moved):
                    return None
                further = {tensor for tensor in (*node.inputs, *node.outputs) if tensor.shape[0] > 1} - found
                found |= further
                ahead += further
        return None if {shuffle.inputs[0], shuffle.outputs[0]} <= found else found

    def reorder(self, tensors: set[Edge], shuffle: Node, places: list[int]) -> None:
        """Lets tensors hold their channels in another order: the one that was at `places[i]` is at place i now."""
        beside = (node for edge in tensors for node in (edge.node, *self.readers.get(edge, ())))
        for node in dict.fromkeys(beside):
            assert node is not None
            own = self.changed.get(node) or self.carry.weights(node)
            if node is shuffle or not own:
                continue
            if is_dense(node) and node.inputs[0] in tensors:
                own = {**own, "weight": own["weight"][:, places]}
            if node.outputs[0] in tensors:
                own = {name: in_order(tensor, places) for name, tensor in own.items()}
            self.changed[node] = own


def is_dense(node: Node) -> bool:
    """Whether this is a convolution with one group, and a weight of its own."""
    return node.op.name == CONVOLUTION and node.fields["groups"] == 1 and len(node.inputs) == 1 and not node.shared


def keeps_order(node: Node) -> bool:
    """Whether channels leave in the order in which they enter."""
    if node.op.name == DEPTHWISE:
        return node.fields["multiplier"] == 1 and len(node.inputs) == 1
    return node.op.name in JOINS or node.op.name in KEEP_ORDER


def order_of(shuffle: Node) -> list[int]:
    """Which channel that enters leaves at each place."""
    channels, groups = shuffle.inputs[0].shape[0], shuffle.fields["groups"]
    return [group * (channels // groups) + place for place in range(channels // groups) for group in range(groups)]


def inverse(order: list[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


def in_order(tensor: Tensor, places: list[int]) -> Tensor:
    """What a module has for each channel, in another order; what it has one of for all channels stays."""
    return tensor[places] if tensor.dim() and len(tensor) == len(places) else tensor


FOLD_SHUFFLES = Pass(fold_shuffles, weights)
