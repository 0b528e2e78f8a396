"""A graph as the rules look at it: who reads what, what a step does to memory, how far its elements see."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace

from archdsl.analysis.reach import Reach, align, of_input, through, windows
from archdsl.analysis.trace import Trace, trace_of
from archdsl.diagnostics.spans import Source
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ir.program import If, Operation
from archdsl.ops.base import Shape, per_axis
from archdsl.support.resources import spec_folders

VIEWS = ("flatten", "split", "take", "identity")  # move nothing
FOLDED = ("bn",)  # part of the layer before it, once the network is deployed


class Network:
    """A graph, and what rules ask of it; steps of training alone are left out."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = [node for node in graph.nodes if not node.training]

    @cached_property
    def readers(self) -> dict[Tensor, list[Node]]:
        """Who reads a tensor, in the order of execution."""
        found: dict[Tensor, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for tensor in dict.fromkeys(node.inputs):
                found[tensor].append(node)
        return found

    @cached_property
    def leaving(self) -> frozenset[Tensor]:
        """The outputs of the network."""
        return frozenset([*self.graph.outputs.values(), *self.graph.training.values()])

    def only_reader(self, node: Node) -> Node | None:
        """Who alone reads what a step gives, which is no output."""
        readers = self.readers.get(node.outputs[0], [])
        alone = len(readers) == 1 and len(node.outputs) == 1 and node.outputs[0] not in self.leaving
        return readers[0] if alone else None

    def operation(self, node: Node) -> Operation | None:
        """What the step was lowered to, in which numbers are expressions."""
        return self.operations.get(self.graph.origin.made[node.id]) if self.graph.origin else None

    @cached_property
    def operations(self) -> dict[int, Operation]:
        functions = self.graph.origin.program.functions if self.graph.origin else ()
        return {operation.id: operation for function in functions for operation in function.region.walk()}

    @cached_property
    def conditional(self) -> frozenset[Operation]:
        """The operations on either side of a condition."""
        sides = [
            side for operation in self.operations.values() if isinstance(operation, If) for side in operation.regions()
        ]
        return frozenset(operation for side in sides for operation in side.walk())

    def place(self, node: Node) -> Node | Scope:
        """The step, or the innermost call around it that stands in no file that comes with archdsl."""
        found: Node | Scope = node
        scope: Scope | None = node.scope
        while scope is not None and (found.span is None or found.span.source in self.foreign):
            found, scope = scope, scope.parent
        return found if found.span is not None else node

    @cached_property
    def foreign(self) -> frozenset[Source]:
        """The files that come with archdsl, which are not to be changed; none if the spec is one of them."""
        parts = [node.span.source for node in self.nodes if node.span] + [
            scope.span.source for scope in self.graph.root.scopes() if scope.span
        ]
        own = self.graph.origin.spec.span.source if self.graph.origin else None
        return frozenset() if own is None or is_shipped(own) else frozenset(filter(is_shipped, set(parts)))

    @cached_property
    def last_layers(self) -> frozenset[Node]:
        """The layers behind which there is no other one on some way to an output."""
        found: set[Node] = set()
        waiting = list(self.leaving)
        seen = set(waiting)
        while waiting:
            node = waiting.pop().node
            if node is None:
                continue
            if is_layer(node):
                found.add(node)
                continue
            waiting += [tensor for tensor in node.inputs if tensor not in seen]
            seen.update(node.inputs)
        return frozenset(found)

    # --- costs
    @cached_property
    def trace(self) -> Trace:
        return trace_of(self.graph)[0]

    def accesses(self, node: Node) -> int:
        """Elements that a step reads and writes, its parameters among them, once the network is deployed."""
        if node.op.name in (*VIEWS, *FOLDED) or node.op.group == "regularisation":
            return 0
        moved = sum(math.prod(tensor.shape) for tensor in (*node.inputs, *node.outputs))
        return moved + node.op.params(SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape)

    @cached_property
    def all_accesses(self) -> int:
        return max(sum(map(self.accesses, self.nodes)), 1)

    @staticmethod
    def macs(node: Node) -> int:
        """Multiply-adds of a step."""
        return node.op.macs(SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape)

    @cached_property
    def all_macs(self) -> int:
        return max(self.trace.total().macs, 1)

    # --- receptive fields
    @cached_property
    def shortest(self) -> dict[Tensor, Reach | None]:
        """What the elements of each tensor see on the way that sees least, past the bodies of residuals."""
        found: dict[Tensor, Reach | None] = {tensor: of_input(tensor.shape) for tensor in self.graph.inputs.values()}
        for node in self.graph.nodes:
            reach = self.behind(node, found)
            found.update((tensor, reach) for tensor in node.outputs)
        return found

    @staticmethod
    def behind(node: Node, seen: dict[Tensor, Reach | None]) -> Reach | None:
        """What the elements see that a step gives."""
        there = [tensor for tensor in node.inputs if seen[tensor] is not None]
        if not there:
            return None
        added = windows(node.op, SimpleNamespace(**node.fields), there[0].shape, node.shape)
        if added is None:
            return None
        rank = len(added.extents)
        reaches = [align(reach, rank) for tensor in there if (reach := seen[tensor]) is not None]
        extents, jumps = zip(*(r.extent for r in reaches), strict=True), zip(*(r.jump for r in reaches), strict=True)
        return through(Reach(tuple(map(min, extents)), tuple(map(min, jumps))), added)


@cache
def is_shipped(source: Source) -> bool:
    """Whether a file comes with archdsl."""
    return any(Path(source.name).is_relative_to(folder) for folder in spec_folders().values())


def is_map(shape: Shape) -> bool:
    """Whether there is more than one place."""
    return math.prod(shape[1:]) > 1


def numbers(node: Node, field: str) -> tuple[int, ...]:
    """A field that has a number for each axis of space; the stride of a pooling is its window if not given."""
    value = node.fields["kernel"] if field == "stride" and node.fields[field] is None else node.fields[field]
    return per_axis(value, len(node.inputs[0].shape) - 1)


def is_layer(node: Node) -> bool:
    """Whether it is a convolution or a linear layer."""
    return node.op.role in {"conv", "linear"}


def is_plain_conv(node: Node) -> bool:
    """Whether it is a convolution whose kernel is trained here."""
    return node.op.name in {"conv", "dwconv"} and len(node.inputs) == 1


def groups_of(node: Node) -> int:
    """The groups of a convolution."""
    return node.inputs[0].shape[0] if node.op.name == "dwconv" else int(node.fields["groups"])
