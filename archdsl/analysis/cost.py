"""Graph -> Cost: parameters, multiply-adds, other work, memory and receptive field, by stage and in all.

Every pass is linear in the ops. `backends/cost.py` prints the result, `check` compares it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ops.base import Shape

if TYPE_CHECKING:
    from archdsl.analysis.stage_table import StageTable

WORK = ("norm", "activation", "pool", "elementwise")
BYTES = 4  # of a float32
LISTED = 6  # operators spelled out in one line of the table

COUNTED = (
    "params: trained values, the scale and shift of norms included; buffers: running means and variances",
    "what runs in training alone (an auxiliary head) counts its params and buffers, nothing else",
    "MACs: multiply-adds of convolution and linear layers for one input, nothing else",
    "norm, activation, pool, elementwise: elements computed by each kind (pool: elements read)",
    "activations: elements of all tensors made; peak: of those alive at once, nothing in place, without weights",
    "receptive field: of the last feature map; what a global pool spreads (squeeze-and-excitation) is left out",
)


@dataclass(frozen=True)
class Work:
    """What a set of ops costs, for one input."""

    params: int = 0
    macs: int = 0
    buffers: int = 0
    norm: int = 0
    activation: int = 0
    pool: int = 0
    elementwise: int = 0
    activations: int = 0  # elements of the tensors made

    def data(self) -> dict[str, Any]:
        """As plain data, in a fixed order."""
        return {name: getattr(self, name) for name in _COLUMNS}


@dataclass(frozen=True, kw_only=True)
class StageCost(Work):
    """A line of the table: a stage, or a row of a stage that is a table."""

    name: str
    operator: str
    repeats: int
    stride: tuple[float, ...] | None  # None where there is no feature map any more
    input: Shape
    output: Shape

    def data(self) -> dict[str, Any]:
        return {
            "stage": self.name,
            "input": list(self.input),
            "operator": self.operator,
            "repeats": self.repeats,
            "stride": list(self.stride) if self.stride else None,
            "output": list(self.output),
            **super().data(),
        }


@dataclass(frozen=True, kw_only=True)
class Cost(Work):
    """The cost of a network for one input, with a line for each stage."""

    name: str
    variant: str | None = None
    inputs: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    peak: int = 0  # elements alive at once
    receptive_field: tuple[int, ...] | None = None
    stages: list[StageCost] = field(default_factory=list)
    graph: Graph = field(repr=False, compare=False)

    @property
    def table(self) -> StageTable:
        """The stage table as a paper prints it."""
        from archdsl.analysis.stage_table import stage_table

        return stage_table(self.graph)

    @property
    def activation_bytes(self) -> int:
        return BYTES * self.activations

    @property
    def peak_bytes(self) -> int:
        return BYTES * self.peak

    def data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "variant": self.variant,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            **super().data(),
            "activation_bytes": self.activation_bytes,
            "peak": self.peak,
            "peak_bytes": self.peak_bytes,
            "receptive_field": list(self.receptive_field) if self.receptive_field else None,
            "stages": [stage.data() for stage in self.stages],
            "counted": list(COUNTED),
        }

    def to_text(self, width: int = 120) -> str:
        """The table for a terminal, with the totals and what is counted."""
        from archdsl.backends.cost import text

        return text(self, width)

    def to_markdown(self) -> str:
        """The table with a column for each kind of work."""
        from archdsl.backends.cost import markdown

        return markdown(self)

    def to_latex(self) -> str:
        """The table as a paper prints it: a tabular that needs booktabs."""
        from archdsl.backends.cost import latex

        return latex(self)

    def to_csv(self) -> str:
        """The table in plain numbers."""
        from archdsl.backends.cost import as_csv

        return as_csv(self)

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        from archdsl.backends.cost import html

        return html(self)


def cost(graph: Graph) -> Cost:
    """The cost of a graph."""
    works = {node: work(node) for node in graph.nodes}
    reach = receptive_fields(graph)
    return Cost(
        **vars(total(works.values())),
        name=graph.name,
        variant=graph.variant,
        inputs={name: tensor.shape for name, tensor in graph.inputs.items()},
        outputs={name: tensor.shape for name, tensor in graph.outputs.items()},
        peak=peak(graph),
        receptive_field=last_field(graph, reach),
        stages=[line(name, scope, works, reach) for name, scope in lines(graph.root)],
        graph=graph,
    )


def trained(graph: Graph) -> tuple[int, int]:
    """Parameters and MACs alone, for those who want no more."""
    params = macs = 0
    for node in graph.nodes:
        f, shape, out = SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape
        params += node.op.params(f, shape, out)
        macs += 0 if node.training else node.op.macs(f, shape, out)
    return params, macs


def work(node: Node) -> Work:
    """What one op costs."""
    f, shape, out = SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape
    op = node.op
    if node.training:  # an auxiliary head costs parameters alone
        return Work(op.params(f, shape, out), buffers=op.buffers(f, shape, out))
    done = {op.counts: op.work(f, shape, out)} if op.counts in WORK else {}
    made = sum(math.prod(tensor.shape) for tensor in node.outputs)
    return Work(op.params(f, shape, out), op.macs(f, shape, out), op.buffers(f, shape, out), activations=made, **done)


_COLUMNS = tuple(item.name for item in fields(Work))


def total(works: Iterable[Work]) -> Work:
    """The sum of works, column by column."""
    rows = [[getattr(item, name) for name in _COLUMNS] for item in works]
    return Work(*(sum(column) for column in zip(*rows, strict=True))) if rows else Work()


# --- memory
def peak(graph: Graph) -> int:
    """The most elements alive at once: a tensor lives from the op that makes it to the last that reads it."""
    nodes = [node for node in graph.nodes if not node.training]
    last = {tensor: node.id for node in nodes for tensor in node.inputs}
    kept = set(graph.outputs.values())
    alive = most = sum(math.prod(tensor.shape) for tensor in graph.inputs.values())
    for node in nodes:
        alive += sum(math.prod(tensor.shape) for tensor in node.outputs)
        most = max(most, alive)
        read = dict.fromkeys((*node.inputs, *node.outputs))
        # A result that nobody reads dies at once.
        done = [tensor for tensor in read if last.get(tensor, node.id) == node.id and tensor not in kept]
        alive -= sum(math.prod(tensor.shape) for tensor in done)
    return most


# --- receptive field
@dataclass(frozen=True)
class Reach:
    """Of one element of a tensor, on each axis: the input elements it sees, and how far apart two neighbours look."""

    extent: tuple[float, ...]
    jump: tuple[float, ...]


Reaches: TypeAlias = "dict[Tensor, Reach | None]"  # None: sees the whole map, or has none


def receptive_fields(graph: Graph) -> Reaches:
    """The reach of every tensor, in one pass."""
    found: Reaches = {t: Reach((1,) * (len(t.shape) - 1), (1,) * (len(t.shape) - 1)) for t in graph.inputs.values()}
    for node in graph.nodes:
        reach = reach_of(node, [found[tensor] for tensor in node.inputs])
        found.update((tensor, reach) for tensor in node.outputs)
    return found


def reach_of(node: Node, seen: Sequence[Reach | None]) -> Reach | None:
    """The reach of an op's result from those of the tensors it reads."""
    rank, out = len(node.shape) - 1, node.shape[1:]
    maps = [(tensor, reach) for tensor, reach in zip(node.inputs, seen, strict=True) if reach is not None]
    base = joined([align(reach, rank) for _, reach in maps])
    if base is None or rank == 0:
        return None
    size = maps[0][0].shape[1:]  # not that of a C×1×1 tensor, which is spread
    if node.op.role == "pool" and math.prod(out) == 1 < math.prod(size):
        return None
    if len(size) != rank:
        return base
    windows = zip(*node.op.window(SimpleNamespace(**node.fields), rank), size, out, strict=True)
    extents, steps = zip(*(window(*axis) for axis in windows), strict=True)
    return Reach(
        tuple(r + (k - 1) * j for r, j, k in zip(base.extent, base.jump, extents, strict=True)),
        tuple(j * s for j, s in zip(base.jump, steps, strict=True)),
    )


def window(extent: int, stride: int, size: int, out: int) -> tuple[float, float]:
    """Extent and step on one axis; where a size alone tells them (upsampling, pooling to a size), told from that."""
    if out > size:
        return extent, size / out
    if out < size and extent == stride == 1:
        return size - (out - 1) * (size // out), size // out
    return extent, stride


def align(reach: Reach, rank: int) -> Reach:
    """A reach for a tensor of another rank: the last axes are the spatial ones."""
    more = max(0, rank - len(reach.extent))
    keep = slice(len(reach.extent) - min(rank, len(reach.extent)), None)
    return Reach((1,) * more + reach.extent[keep], (1,) * more + reach.jump[keep])


def joined(reaches: Sequence[Reach]) -> Reach | None:
    """What a join of tensors sees: on each axis as much as the widest."""
    if not reaches:
        return None
    if len(reaches) == 1:
        return reaches[0]
    extents, jumps = zip(*(r.extent for r in reaches), strict=True), zip(*(r.jump for r in reaches), strict=True)
    return Reach(tuple(map(max, extents)), tuple(map(max, jumps)))


def last_field(graph: Graph, reach: Reaches) -> tuple[int, ...] | None:
    """The receptive field of the last tensor that still is a map."""
    for node in reversed(graph.nodes):
        found = reach[node.outputs[0]]
        if found is not None and math.prod(node.shape[1:]) > 1 and not node.training:
            return tuple(math.ceil(n) for n in found.extent)
    return None


# --- the stage table
def lines(root: Scope) -> Iterator[tuple[str, Scope]]:
    """The parts that get a line: stages, the rows of a stage that is a table, the stages of a nested network."""
    for child in root.children:
        if isinstance(child, Node):
            yield child.path, Scope("step", child.path, child.path, root, children=[child])
        else:
            yield from split(child)


def split(scope: Scope) -> Iterator[tuple[str, Scope]]:
    """A stage as one line or several."""
    if len(scope.children) == 1 and isinstance(inside := scope.children[0], Scope) and inside.kind == "stage":
        scope = inside  # a stage with a `when:`
    network = only_block(scope)
    if network is not None and any(isinstance(child, Scope) and child.kind == "stage" for child in network.children):
        yield from lines(network)
    elif any(isinstance(child, Scope) and child.kind == "row" for child in scope.children):
        for child in scope.children:
            inner = (
                child if isinstance(child, Scope) else Scope("step", child.path, child.path, scope, children=[child])
            )
            yield inner.path or inner.name, inner
    elif scope.children:
        yield scope.path or scope.name, scope


def only_block(scope: Scope) -> Scope | None:
    """The block call that a stage consists of, if it is one."""
    if len(scope.children) == 1 and isinstance(child := scope.children[0], Scope) and child.kind == "block":
        return child
    return None


def line(name: str, scope: Scope, works: dict[Node, Work], reach: Reaches) -> StageCost:
    """One line of the table."""
    nodes = list(scope.nodes())
    entry, result = scope.inputs[0] if scope.inputs else None, scope.output
    if nodes:
        entry = entry or nodes[0].inputs[0]
        result = result if isinstance(result, Tensor) else nodes[-1].outputs[0]
    parts = runs(scope.children)
    operator, repeats = parts[0] if len(parts) == 1 else (spelled(parts), 1)
    return StageCost(
        **vars(total(works[node] for node in nodes)),
        name=name,
        operator=operator,
        repeats=repeats,
        stride=stride(entry, result, reach),
        input=entry.shape if entry else (),
        output=result.shape if result else (),
    )


def stride(entry: Tensor | None, result: Tensor | None, reach: Reaches) -> tuple[float, ...] | None:
    """By how much a stage makes its map smaller (a fraction: larger); None where none is left."""
    first, last = (reach.get(tensor) if tensor is not None else None for tensor in (entry, result))
    if first is None or last is None or len(first.jump) != len(last.jump):
        return None
    return tuple(b / a for a, b in zip(first.jump, last.jump, strict=True))


def runs(children: Iterable[Scope | Node]) -> list[tuple[str, int]]:
    """The operators of a part, equal neighbours counted."""
    texts = [text for text in map(describe, children) if text]
    return [(text, len(list(group))) for text, group in groupby(texts)]


def describe(child: Scope | Node) -> str:
    """An operator in the table: the block's name, the op's label, or what a turn or branch holds."""
    if child.label:
        return child.label
    if isinstance(child, Node):
        return child.op.label(SimpleNamespace(**child.fields), child.inputs[0].shape, child.shape)
    if child.kind == "stage" or (child.kind == "block" and child.name[:1].isupper()):  # else: steps gathered by us
        return child.name
    inside = spelled(runs(child.children))
    return f"[{inside}]" if child.kind == "branch" else inside


def spelled(parts: Sequence[tuple[str, int]]) -> str:
    """`A ×3; B`, the tail of a long list counted."""
    texts = [text if n == 1 else f"({text}) ×{n}" if ";" in text else f"{text} ×{n}" for text, n in parts]
    if len(texts) > LISTED:
        texts[LISTED - 1 :] = [f"… {len(texts) - LISTED + 1} more"]
    return "; ".join(texts)
