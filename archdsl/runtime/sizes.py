"""The smallest input at which the same graph runs: what is proven there in milliseconds holds at full size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace

from archdsl.graph import Graph, Tensor
from archdsl.ops.base import OpFault, Shape
from archdsl.runtime.interpret import tensor_fields

Shapes = Mapping[Tensor, Shape]


def smallest(graph: Graph) -> Shapes:
    """The shape of every tensor at the smallest input that runs the same ops on the same channels.

    An axis longer than 1 stays so, that nothing is spread which is not spread at full size. Where only the full size
    will do (a linear layer on a flattened map, prior boxes), it is that.
    """
    for side in sides(max((n for t in graph.inputs.values() for n in t.shape[1:]), default=0)):
        found = shapes_at(graph, {name: scaled(graph, tensor.shape, side) for name, tensor in graph.inputs.items()})
        if found is not None:
            return found
    return {tensor: tensor.shape for tensor in tensors_of(graph)}


def sides(longest: int) -> Iterator[int]:
    """Lengths below the longest axis of the inputs: 8, 12, 16, 24, 32 and so on."""
    side = 8
    while side < longest:
        yield from (n for n in (side, side * 3 // 2) if n < longest)
        side *= 2


def scaled(graph: Graph, shape: Shape, side: int) -> Shape:
    """A shape of an input when the longest axis of all inputs has this length."""
    longest = max(n for t in graph.inputs.values() for n in t.shape[1:])
    return (shape[0], *(max(1, round(n * side / longest)) for n in shape[1:]))


def tensors_of(graph: Graph) -> Iterator[Tensor]:
    yield from graph.inputs.values()
    for node in graph.nodes:
        yield from node.outputs


def shapes_at(graph: Graph, entering: Mapping[str, Shape]) -> dict[Tensor, Shape] | None:
    """Every shape for inputs of another size; None if that is not the same network."""
    shapes = {tensor: entering[name] for name, tensor in graph.inputs.items()}
    if not all(alike(tensor.shape, shape) for tensor, shape in shapes.items()):
        return None
    for node in graph.nodes:
        given, names = [shapes[tensor] for tensor in node.inputs], tensor_fields(node)
        further = dict(zip(names, given[len(given) - len(names) :], strict=True))
        try:
            found = node.op.shapes(SimpleNamespace(**{**node.fields, **further}), *given)
        except OpFault:
            return None
        shapes.update(zip(node.outputs, found, strict=True))
        if not all(alike(tensor.shape, shapes[tensor]) for tensor in node.outputs):
            return None
    return shapes


def alike(whole: Shape, small: Shape) -> bool:
    """Whether a smaller tensor has the same channels, and an axis of 1 where the whole one has."""
    same = len(whole) == len(small) and whole[0] == small[0]
    return same and all((a == 1) == (b == 1) and 1 <= b <= a for a, b in zip(whole[1:], small[1:], strict=True))
