"""The branches of each `reparam` as one convolution.

In eval mode every branch is a convolution: the tensor as it is has a kernel of one tap, a mean one of equal taps, and a
norm multiplies and shifts the channels. Laid over each other and added they are one, with a bias.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from types import SimpleNamespace
from typing import TYPE_CHECKING

from archdsl.diagnostics.faults import Collector
from archdsl.expr.nodes import Expr, Name
from archdsl.ir.graph import Node
from archdsl.ir.graph import Tensor as Edge
from archdsl.ir.program import Function, If, Operand, Operation, Primitive, Program, Region, Stage
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied, readers, regions_of
from archdsl.ops import Op
from archdsl.ops.base import per_axis
from archdsl.ops.windows import KEEP, SAME, padding_of
from archdsl.passes.base import Carry, Pass, Weights
from archdsl.passes.merging import REPARAM, merged
from archdsl.passes.norms import scale_and_shift, state
from archdsl.passes.windows import AFFINE, CONVOLUTIONS, POOL, entry_of, refused, trail
from archdsl.support.naming import unique

if TYPE_CHECKING:
    from torch import Tensor


def reparameterize(program: Program) -> Program:
    """Merges the branches of each reparam into one convolution with a bias."""
    made = copied(program)
    for function in made.functions:
        merge_all(function)
    return program_of(made.main)


def merge_all(function: Function) -> None:
    """Merges every sum of branches in a function; what the block says of itself says so."""
    found = sums(function)
    for region, node in found:
        merge(function, region, node)
    if found and function.doc and not function.network:
        function.doc = f"{function.doc.rstrip('. ')}; the branches are merged into one convolution."


# --- what becomes of the program
def merge(function: Function, region: Region, node: Primitive) -> None:
    """Puts one convolution in the place of a sum and of its branches."""
    found = merging(function, region, node)
    node.op, node.fields, node.ins = found.op, found.fields, (found.entry,)
    node.given = frozenset(node.fields)
    region.nodes = [other for other in region.nodes if other.out not in found.made]
    node.key = key_of(function, node)


@dataclass(frozen=True)
class Merging:
    """What takes the place of a sum of branches: an op on the tensor that enters, and none of what they made."""

    op: Op
    fields: Mapping[str, Expr]
    entry: Operand
    made: frozenset[Operand]


def merging(function: Function, region: Region, node: Primitive) -> Merging:
    """What takes the place of a sum; a `SpecError` says why nothing can."""
    before = region.nodes[: region.nodes.index(node)]
    entry = entry_of(node, before)
    op, fields = merged(node, entry, before, channels_of(function, entry))
    made = frozenset(out for operand in node.ins for out in branch(operand, entry, before))
    reading = readers(function)
    for other in before:
        if other.out in made and len(reading[other.out]) > 1:
            raise refused("is read elsewhere too", other.span, "let nothing else read it")
    return Merging(op, fields, entry, made)


def expect_mergeable(program: Program) -> None:
    """Raises unless one convolution can take the place of each `reparam`: what is trained must be what is deployed."""
    faults = Collector()
    for function in program.functions:
        for region, node in sums(function):
            with faults.catch():
                merging(function, region, node)
    faults.finish()


def sums(function: Function) -> list[tuple[Region, Primitive]]:
    """Every sum of branches that merge, with the region that it stands in."""
    return [
        (region, node)
        for region in regions_of(function)
        for node in region.nodes
        if isinstance(node, Primitive) and node.op.name == REPARAM
    ]


def branch(operand: Operand, entry: Operand, nodes: Sequence[Operation]) -> Iterator[Operand]:
    """What is made between the tensor that enters branches and what leaves one of them."""
    return takewhile(lambda made: made is not entry, trail(operand, nodes))


def channels_of(function: Function, entry: Operand) -> Expr | None:
    """The expression for the channels of a tensor: what enters a block, or a stage, has one."""
    stages = [node.carry for node in function.walk() if isinstance(node, Stage)]
    first = next(iter(function.inputs.values()))
    return Name("c_in") if any(entry is known for known in (first, *stages)) else None


def key_of(function: Function, node: Primitive) -> str:
    """A key for the convolution after what it is; in a stage the stage's name stands in front."""
    taken = set(keys_of(function.region)).union(*(keys_of(a.region) for a in function.training.values()))
    stages = (other for other in function.walk() if isinstance(other, Stage))
    stage = next((str(other.stage) for other in stages if node in other.body.walk()), "")
    if stage and not any(key.startswith(f"{stage}_") for key in taken):
        return stage
    return unique(f"{stage}_{node.op.name}".removeprefix("_"), taken)


def keys_of(region: Region) -> Iterator[str]:
    """The keys that a region takes in its class."""
    for node in region.nodes:
        if isinstance(node, (If, Stage)):
            for inner in node.regions():
                yield from keys_of(inner)
        elif node.key is not None:
            yield node.key


# --- what becomes of the weights
def weights(carry: Carry) -> Mapping[Node, Weights]:
    """The kernel and bias of each convolution that has taken the place of branches."""
    return {
        node: Merged(carry, node, old).weights
        for node, old in carry.kept.items()
        if old.op.name == REPARAM and node.op.name != REPARAM
    }


class Merged:
    """The branches of one run of a sum, laid over each other in double precision."""

    def __init__(self, carry: Carry, node: Node, old: Node) -> None:
        self.carry, self.node, self.old = carry, node, old
        self.channels, *size = node.inputs[0].shape
        self.rank = len(size)
        tensors = chain(carry.model.parameters(), carry.model.buffers())
        self.like = next(tensor for tensor in tensors if tensor.is_floating_point())

    @property
    def weights(self) -> Weights:
        out, groups = self.node.shape[0], groups_of(self.node)
        kernel = self.filled(0.0, out, self.channels // groups, *per_axis(self.node.fields["kernel"], self.rank))
        bias = self.filled(0.0, out)
        for edge in self.old.inputs:
            branch = self.branch(edge)
            place = (slice(None), slice(None), *self.place(branch))
            kernel[place] += regrouped(branch.kernel, branch.groups, groups)
            bias += branch.bias
        return {"weight": kernel.to(self.like), "bias": bias.to(self.like)}

    def filled(self, value: float, *shape: int) -> Tensor:
        return self.like.new_full(shape, value).detach().double()

    def branch(self, edge: Edge) -> Branch:
        """What the operations of a branch come to, from the tensor that enters on."""
        links: list[Node] = []
        while not self.enters(edge):
            assert edge.node is not None
            links.append(edge.node)
            edge = edge.node.inputs[0]
        found = Branch(self.filled(1.0, self.channels, 1, *(1,) * self.rank), self.filled(0.0), self.channels)
        for node in reversed(links):
            found = self.behind(found, node)
        return found

    def enters(self, edge: Edge) -> bool:
        """Whether this is the tensor that enters the convolution, as it was before the pass."""
        entry = self.node.inputs[0]
        if entry.node is None:
            return edge.node is None and edge.name == entry.name
        return edge.node is self.carry.kept[entry.node] and edge.index == entry.index

    def behind(self, before: Branch, node: Node) -> Branch:
        """A branch with one more operation."""
        if node.op.name in AFFINE:
            scale, shift = scale_and_shift(self.carry, node)
            kernel = before.kernel * scale.view(-1, *(1,) * (self.rank + 1))
            return replace(before, kernel=kernel, bias=before.bias * scale + shift)
        if node.op.name == POOL:
            taps = per_axis(node.fields["kernel"], self.rank)
            kernel = self.filled(1 / math.prod(taps), self.channels, 1, *taps)
            return Branch(kernel, before.bias, self.channels, node)
        if node.op.name in CONVOLUTIONS:
            own = {name: tensor.double() for name, tensor in state(self.carry, node).items()}
            return Branch(own["weight"], own.get("bias", before.bias), groups_of(node), node)
        return before

    def place(self, branch: Branch) -> Iterator[slice]:
        """Where the kernel of a branch lies in that of the whole, axis by axis."""
        taps, whole = branch.kernel.shape[2:], borders(self.node, self.rank)
        own = borders(branch.layer, self.rank) if branch.layer is not None else (0,) * self.rank
        gaps = per_axis(self.node.fields["dilation"], self.rank)
        for count, outer, inner, gap in zip(taps, whole, own, gaps, strict=True):
            first = (outer - inner) // gap
            yield slice(first, first + count)


@dataclass(frozen=True)
class Branch:
    """A branch as a convolution; `layer` is what it has its window from, if it has one."""

    kernel: Tensor
    bias: Tensor
    groups: int
    layer: Node | None = None


def groups_of(layer: Node) -> int:
    """The groups of a convolution."""
    found: int = layer.op.groups_of(SimpleNamespace(**layer.fields), layer.inputs[0].shape[0])  # type: ignore[attr-defined]
    return found


def borders(layer: Node, rank: int) -> tuple[int, ...]:
    """The zeros before each axis; where TensorFlow's padding may stand, it is `keep`, or that of all branches."""
    padding = KEEP if layer.fields["padding"] == SAME else layer.fields["padding"]
    return padding_of(SimpleNamespace(**{"dilation": 1, **layer.fields, "padding": padding}), rank)


def regrouped(kernel: Tensor, groups: int, fewer: int) -> Tensor:
    """A grouped kernel as one of fewer groups, with zeros between the groups that are in one now."""
    out, inner, *taps = kernel.shape
    ratio = groups // fewer
    wide = kernel.new_zeros(fewer, ratio, out // groups, ratio, inner, *taps)
    wide.diagonal(dim1=1, dim2=3).copy_(kernel.view(fewer, ratio, out // groups, inner, *taps).movedim(1, -1))
    return wide.view(out, ratio * inner, *taps)


REPARAMETERIZE = Pass(reparameterize, weights)
