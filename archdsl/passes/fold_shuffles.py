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
    """The shuffles of a graph that are gone, moved into weights one after the other.

    What a module has for each channel is put in order once, however often it runs: a shuffle is moved in all its runs.
    """

    def __init__(self, carry: Carry) -> None:
        self.carry = carry
        self.nodes = {old: new for new, old in carry.kept.items()}
        self.runs: dict[str, list[Node]] = {}  # by the path of the module; several of one that is shared
        self.readers: dict[Edge, list[Node]] = {}
        for node in carry.before.nodes:
            self.runs.setdefault(node.path, []).append(node)
            for edge in node.inputs:
                self.readers.setdefault(edge, []).append(node)
        shuffles = (node for node in carry.before.nodes if node.op.name == SHUFFLE and node not in self.nodes)
        self.left = list(dict.fromkeys(node.path for node in shuffles))
        self.moved: set[Node] = set()  # their channels leave as they enter
        self.changed: dict[str, Weights] = {}  # by the path of the module
        self.given = {*carry.before.outputs.values(), *carry.before.training.values()}

    def weights(self) -> Mapping[Node, Weights]:
        while self.left:
            path = next(path for path in self.left if self.move(self.runs[path]))
            self.left.remove(path)
            self.moved.update(self.runs[path])
        return {self.nodes[node]: found for path, found in self.changed.items() for node in self.runs[path]}

    def move(self, shuffles: list[Node]) -> bool:
        """Moves all runs of a shuffle into the layers before them, or else behind; whether those take any order."""
        order = order_of(shuffles[0])
        before, behind = [node.inputs[0] for node in shuffles], [node.outputs[0] for node in shuffles]
        for edges, others, places in ((before, behind, order), (behind, before, inverse(order))):
            found = self.alike(edges, shuffles)
            if found is not None and found.isdisjoint(others):
                self.reorder(found, places)
                return True
        return False

    def alike(self, starts: list[Edge], shuffles: list[Node]) -> set[Edge] | None:
        """The tensors whose channels have one order; none if another order would be seen."""
        found, ahead = set(starts), list(starts)
        while ahead:
            edge = ahead.pop()
            if edge.node is None or edge in self.given:
                return None
            for node in (edge.node, *self.readers.get(edge, ())):
                if node in shuffles or is_dense(node):
                    continue
                if not (keeps_order(node) or node in self.moved):
                    return None
                further = {tensor for tensor in (*node.inputs, *node.outputs) if tensor.shape[0] > 1} - found
                found |= further
                ahead += further
        return found if all(self.runs_alike(node, found) for node in self.beside(found)) else None

    def beside(self, tensors: set[Edge]) -> Iterator[Node]:
        """What makes some tensors or reads them: of each module the first run."""
        nodes = (node for edge in tensors for node in (edge.node, *self.readers.get(edge, ())) if node is not None)
        return (self.runs[path][0] for path in dict.fromkeys(node.path for node in nodes if not node.functional))

    def runs_alike(self, node: Node, tensors: set[Edge]) -> bool:
        """Whether each run of a module reads and makes some of these tensors where its first does."""
        sides = {(run.inputs[0] in tensors, run.outputs[0] in tensors) for run in self.runs[node.path]}
        return len(sides) == 1

    def reorder(self, tensors: set[Edge], places: list[int]) -> None:
        """Lets tensors hold their channels in another order: the one that was at `places[i]` is at place i now."""
        for node in self.beside(tensors):
            own = self.changed.get(node.path) or self.carry.weights(node)
            if not own:
                continue
            if is_dense(node) and node.inputs[0] in tensors:
                own = {**own, "weight": own["weight"][:, places]}
            if node.outputs[0] in tensors:
                own = {name: in_order(tensor, places) for name, tensor in own.items()}
            self.changed[node.path] = own


def is_dense(node: Node) -> bool:
    """Whether this is a convolution with one group, and a weight of its own."""
    return node.op.name == CONVOLUTION and node.fields["groups"] == 1 and len(node.inputs) == 1


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
