"""A network as the ops that ran, one after another: enough for what it costs, and no more.

Tensors are numbered in the order in which they are made, inputs first. A graph has a trace; the domain of costs makes
one without a graph, in which calls that are alike share their ops.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from archdsl.analysis.reach import Reach, Windows, align, joined, of_input, through, windows
from archdsl.analysis.work import Columns, Work, counted, summed
from archdsl.ir.fingerprint import Ran, fingerprint_of, said
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ops import Op
from archdsl.ops.base import Shape


class Worker:
    """An op with fields and shapes; `entries` are those of the tensors that enter, `outs` of those that leave.

    One of a `module` that is `shared` runs that of an earlier one.
    """

    __slots__ = (
        "alone",
        "entries",
        "fields",
        "made",
        "module",
        "op",
        "outs",
        "shared",
        "sizes",
        "still",
        "training",
        "work",
    )

    def __init__(
        self,
        op: Op,
        fields: Mapping[str, Any],
        entries: tuple[Shape, ...],
        outs: Sequence[Shape],
        *,
        training: bool,
        shared: bool,
        module: bool,
    ) -> None:
        f = SimpleNamespace(**fields)
        self.op, self.fields, self.entries, self.outs, self.training = op, fields, entries, tuple(outs), training
        self.module, self.shared = module, shared
        self.work: Columns = counted(op, f, entries[0], outs, training=training, shared=shared)
        self.sizes = tuple(map(math.prod, outs))
        self.made = sum(self.sizes)
        self.alone = windows(op, f, entries[0], outs[0])  # on the first of the tensors
        same_rank = len(entries[0]) == len(outs[0])
        self.still = self.alone is not None and self.alone.single and same_rank  # on one tensor it changes no reach

    def windows(self, index: int) -> Windows | None:
        """The windows on the entering tensor that is the first with a reach."""
        if index == 0:
            return self.alone
        return windows(self.op, SimpleNamespace(**self.fields), self.entries[index], self.outs[0])

    @property
    def label(self) -> str:
        return self.op.label(SimpleNamespace(**self.fields), self.entries[0], self.outs[0])


class Step(NamedTuple):
    """An op at work: the tensors that it reads, and the number of the first that it makes."""

    worker: Worker
    reads: tuple[int, ...]
    first: int

    @property
    def makes(self) -> range:
        return range(self.first, self.first + len(self.worker.outs))


@dataclass(slots=True)
class Part:
    """A part of the network as a reader sees it: of these steps."""

    kind: str  # as of a Scope
    name: str
    path: str
    label: str | None = None
    children: list[Part | Leaf] = field(default_factory=list)
    start: int = 0
    stop: int = 0
    entry: int | None = None
    result: int | None = None
    parent: Part | None = None

    @property
    def is_block(self) -> bool:
        return self.kind == "block"


@dataclass(slots=True)
class Leaf:
    """A step that stands in a part itself."""

    path: str
    label: str | None
    worker: Worker
    number: int  # of the step


@dataclass
class Trace:
    """The steps of a network, the sizes of all tensors, and the parts that its tables have lines of."""

    shapes: list[Shape] = field(default_factory=list)  # of tensors
    sizes: list[int] = field(default_factory=list)  # of tensors, in elements
    steps: list[Step] = field(default_factory=list)
    inputs: int = 0  # how many of the tensors these are
    outputs: Sequence[int] = ()
    training: Sequence[int] = ()  # what leaves it in training alone
    root: Part = field(default_factory=lambda: Part("network", "", ""))

    @staticmethod
    def larger(left: Any, right: Any) -> Any:
        """The larger of two numbers of elements."""
        return max(left, right)

    def enter(self, shape: Shape) -> int:
        """A further input."""
        self.shapes.append(shape)
        self.sizes.append(math.prod(shape))
        self.inputs += 1
        return len(self.shapes) - 1

    def run(self, worker: Worker, reads: tuple[int, ...]) -> int:
        """A further step; gives the number of the first tensor that it makes."""
        first = len(self.shapes)
        self.steps.append(Step(worker, reads, first))
        self.shapes += worker.outs
        self.sizes += worker.sizes
        return first

    def again(self, earlier: Sequence[Step], first: int, entering: Mapping[int, int]) -> int:
        """Repeats steps on other tensors; those that they made, from `first` on, are moved as far as it says."""
        shift, steps = len(self.shapes) - first, self.steps
        for worker, reads, made in earlier:
            moved = tuple([n + shift if n >= first else entering[n] for n in reads])
            steps.append(Step(worker, moved, made + shift))
            self.shapes += worker.outs
            self.sizes += worker.sizes
        return shift

    def total(self) -> Work:
        """What all steps cost."""
        return Work(*summed([step.worker.work for step in self.steps]))

    def fingerprint(self) -> str | None:
        """That of the network; None where a module runs again: which one that is, only a graph tells."""
        if any(step.worker.shared for step in self.steps):
            return None
        told: dict[Worker, str] = {}
        for worker in {step.worker: None for step in self.steps}:
            told[worker] = said(worker.op, worker.fields, worker.outs, training=worker.training)
        steps = (Ran(told[step.worker], step.reads, step.makes) for step in self.steps)
        return fingerprint_of(self.shapes[: self.inputs], steps, self.outputs, self.training)

    # --- memory
    def peak(self) -> int:
        """The most elements alive at once."""
        return reduce(self.larger, self.alive(), sum(self.sizes[: self.inputs]))

    def alive(self) -> list[int]:
        """Elements alive during each step: a tensor lives from the op that makes it to the last that reads it."""
        sizes, last = self.sizes, self.last_reads()
        alive, found = sum(sizes[: self.inputs]), []
        for number, (worker, reads, first) in enumerate(self.steps):
            if worker.training:
                found.append(0)
                continue
            alive += worker.made
            found.append(alive)
            for n in reads if len(reads) == 1 else set(reads):
                if last[n] == number:
                    alive -= sizes[n]
            for n in range(first, first + len(worker.outs)):
                if last[n] < 0:  # a result that nobody reads dies at once
                    alive -= sizes[n]
        return found

    def last_reads(self) -> list[int]:
        """Of each tensor the last step that reads it, past the end for what leaves the network; -1: none."""
        last = [-1] * len(self.shapes)
        for number, (worker, reads, _) in enumerate(self.steps):
            if not worker.training:
                for n in reads:
                    last[n] = number
        for n in self.outputs:
            last[n] = len(self.steps)
        return last

    # --- receptive field
    def reaches(self) -> list[Reach | None]:
        """The reach of every tensor, in one pass; None: sees the whole map, or has no place in one."""
        found: list[Reach | None] = [of_input(shape) for shape in self.shapes[: self.inputs]]
        for worker, reads, _ in self.steps:
            alone = worker.still and len(reads) == 1
            reach = found[reads[0]] if alone else reach_of(worker, [found[n] for n in reads])
            found += [reach] * len(worker.outs)
        return found

    def last_field(self, reaches: Sequence[Reach | None]) -> tuple[int, ...] | None:
        """The receptive field of the last tensor that still is a map."""
        for worker, _, first in reversed(self.steps):
            found = reaches[first]
            if found is not None and math.prod(worker.outs[0][1:]) > 1 and not worker.training:
                return tuple(math.ceil(n) for n in found.extent)
        return None

    # --- what nobody reads
    def idle(self, outputs: Iterable[int]) -> bool:
        """Whether an input is read by nothing, or a step leads to no output."""
        used = {n for step in self.steps if not step.worker.op.owned for n in step.reads}
        if not used.issuperset(range(self.inputs)):
            return True
        used.update(outputs)
        return any(step.first not in used and used.isdisjoint(step.makes) for step in self.steps)


def reach_of(worker: Worker, seen: Sequence[Reach | None]) -> Reach | None:
    """The reach of an op's result from those of the tensors it reads."""
    if worker.op.field("like") is not None and seen[0] is not None:
        seen = seen[:1]  # the other tensor gives a size alone
    there = [n for n, reach in enumerate(seen) if reach is not None]
    found = worker.windows(there[0]) if there else None  # not those on a C×1×1 tensor, which is spread
    if found is None:
        return None
    rank = len(found.extents)
    return through(
        joined([align(reach, rank) if len(reach.extent) != rank else reach for reach in seen if reach is not None]),
        found,
    )


Numbers: TypeAlias = "dict[Tensor, int]"


def trace_of(graph: Graph) -> tuple[Trace, Numbers]:
    """The trace of a graph, and the numbers of its tensors there."""
    trace = Trace()
    numbers = {tensor: trace.enter(tensor.shape) for tensor in graph.inputs.values()}
    for node in graph.nodes:
        outs = [tensor.shape for tensor in node.outputs]
        entries = tuple([tensor.shape for tensor in node.inputs])
        kinds = {"training": node.training, "shared": node.shared, "module": not node.functional}
        worker = Worker(node.op, node.fields, entries, outs, **kinds)
        first = trace.run(worker, tuple(numbers[tensor] for tensor in node.inputs))
        numbers.update((tensor, first + index) for index, tensor in enumerate(node.outputs))
    trace.outputs = [numbers[tensor] for tensor in graph.outputs.values()]
    places = {node: place for place, node in enumerate(graph.nodes)}
    trace.root = part_of(graph.root, trace, numbers, places)
    return trace, numbers


def part_of(scope: Scope, trace: Trace, numbers: Numbers, places: Mapping[Node, int]) -> Part:
    """A scope as a part of the trace, as far as a table looks into it."""
    entry, result = scope.inputs[0] if scope.inputs else None, scope.output
    part = Part("turn" if scope.outlined else scope.kind, scope.name, scope.path, scope.label)
    part.entry = numbers[entry] if entry is not None else None
    part.result = numbers[result] if isinstance(result, Tensor) else None
    first, last = end_of(scope, 0), end_of(scope, -1)
    if first is not None and last is not None:
        part.start, part.stop = places[first], places[last] + 1
    network = any(isinstance(child, Scope) and child.kind == "stage" for child in scope.children)
    for child in [] if scope.is_block and is_operator(scope.name) and not network else scope.children:
        if isinstance(child, Scope):
            part.children.append(part_of(child, trace, numbers, places))
        else:
            part.children.append(Leaf(child.path, child.label, trace.steps[places[child]].worker, places[child]))
    return part


def is_operator(block: str) -> bool:
    """Whether a block is one operator in a table: others hold steps that were gathered by us."""
    return block[:1].isupper()


def end_of(scope: Scope, side: int) -> Node | None:
    """The first node of a scope, or (-1) the last."""
    for child in scope.children if side == 0 else reversed(scope.children):
        found = child if isinstance(child, Node) else end_of(child, side)
        if found is not None:
            return found
    return None


Reaches: TypeAlias = "dict[Tensor, Reach | None]"


def receptive_fields(graph: Graph) -> Reaches:
    """The reach of every tensor of a graph."""
    trace, numbers = trace_of(graph)
    reaches = trace.reaches()
    return {tensor: reaches[number] for tensor, number in numbers.items()}
