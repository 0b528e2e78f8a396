"""The smallest input at which the same graph runs: what is proven there in milliseconds holds at full size."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence

from archdsl.ir.facts import Window
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ir.nodes import Shapes, fields_at, kinds_of, modules_of, moves
from archdsl.ops.base import OpFault, Shape

IMAGE = 3  # axes of an image: channels, height, width
MANY = 2**22  # elements of all tensors of one sample: with more, each axis of the input is looked at alone
PARTS = 8  # of an axis, into which its length falls
NO_WINDOWS: Mapping[Node, Window] = {}
MORE = (1, 2, 4, 8, 16, 32)  # how much higher an image is tried


def smallest(graph: Graph, kinds: Mapping[Node, int]) -> Shapes:
    """The shape of every tensor at the smallest input that runs the same ops with the same modules.

    An axis longer than 1 stays so, that nothing is spread which is not spread at full size. Where only the full size
    will do (a linear layer on a flattened map), it is that. Nodes of the same of the `kinds` are looked at once.
    """
    for side in sides(graph):
        entering = {name: scaled(graph, tensor.shape, side) for name, tensor in graph.inputs.items()}
        found = shapes_at(graph, entering, kinds)
        if found is not None:
            return narrowed(graph, found, kinds)
    return narrowed(graph, {tensor: tensor.shape for tensor in tensors_of(graph)}, kinds)


def narrowed(graph: Graph, shapes: Shapes, kinds: Mapping[Node, int]) -> Shapes:
    """The shapes at an input whose axes are shorter, each by itself, if there is much to compute."""
    if sum(map(math.prod, shapes.values())) <= MANY:
        return shapes
    whole = {name: shapes[tensor] for name, tensor in graph.inputs.items()}
    for axis in range(1, max(map(len, whole.values()), default=0)):
        bad, good, tried = 0, PARTS, whole
        while good - bad > 1:
            part = (bad + good) // 2
            entering = {name: shortened(shape, axis, part) for name, shape in whole.items()}
            found = shapes_at(graph, entering, kinds)
            if found is None:
                bad = part
            else:
                good, shapes, tried = part, found, entering
        whole = tried
    return shapes


def shortened(shape: Shape, axis: int, part: int) -> Shape:
    """A shape with so many parts of an axis."""
    return tuple(max(1, n * part // PARTS) if place == axis else n for place, n in enumerate(shape))


def another(graph: Graph, kinds: Mapping[Node, int]) -> Shapes | None:
    """The shapes at an image that is higher and yet wider than the smallest; None if there is none at which it runs."""
    whole, small = list(graph.inputs.values()), smallest(graph, kinds)
    if len(whole) != 1 or len(whole[0].shape) != IMAGE:
        return None
    c, h, w = small[whole[0]]
    for more in MORE:
        found = shapes_at(graph, dict.fromkeys(graph.inputs, (c, h + more, w + 2 * more)), kinds)
        if found is not None:
            return found
    return None


def sides(graph: Graph) -> Iterator[int]:
    """Lengths below the longest axis of the inputs, 8, 12, 16, 24, 32 and so on, that may leave no map too small."""
    longest = longest_of(graph)
    smallest_map = min((n for tensor in tensors_of(graph) for n in tensor.shape[1:] if n > 1), default=longest)
    side = 8
    while side < longest:
        yield from (n for n in (side, side * 3 // 2) if longest < n * smallest_map and n < longest)
        side *= 2


def longest_of(graph: Graph) -> int:
    return max((n for tensor in graph.inputs.values() for n in tensor.shape[1:]), default=0)


def scaled(graph: Graph, shape: Shape, side: int) -> Shape:
    """A shape of an input when the longest axis of all inputs has this length."""
    return (shape[0], *(max(1, round(n * side / longest_of(graph))) for n in shape[1:]))


def tensors_of(graph: Graph) -> Iterator[Tensor]:
    yield from graph.inputs.values()
    for node in graph.nodes:
        yield from node.outputs


def shapes_at(graph: Graph, entering: Mapping[str, Shape], kinds: Mapping[Node, int]) -> dict[Tensor, Shape] | None:
    """Every shape for inputs of another size; None if that is not the same network."""
    shapes = {tensor: entering[name] for name, tensor in graph.inputs.items()}
    if not all(alike(tensor.shape, shape) for tensor, shape in shapes.items()):
        return None
    if first_misfit(graph.nodes, shapes, kinds) is not None or moved_window(graph, entering) is not None:
        return None
    return shapes


def moved_window(graph: Graph, entering: Mapping[str, Shape], *, training: bool = True) -> Node | None:
    """The first node whose window was another one for such inputs before strides became dilations; None if none was."""
    before = graph.origin.before if graph.origin is not None else None
    if before is None:
        return None
    nodes = [node for node in before.graph.nodes if training or not node.training]
    shapes = {tensor: entering[name] for name, tensor in before.graph.inputs.items()}
    return first_misfit(nodes, shapes, kinds_of(nodes), before.windows)


def first_misfit(
    nodes: Sequence[Node],
    shapes: dict[Tensor, Shape],
    kinds: Mapping[Node, int],
    windows: Mapping[Node, Window] = NO_WINDOWS,
) -> Node | None:
    """The first node that is another one where inputs have these shapes; gathers the shapes of what leaves the others.

    An axis that is longer than 1 has to stay so, and one of 1 as it is. The `windows` become dilated ones.
    """
    known: dict[Hashable, Sequence[Shape] | None] = {}  # what leaves nodes of a kind
    for node in nodes:
        given, window = tuple([shapes[tensor] for tensor in node.inputs]), windows.get(node)
        key = kinds[node], window, given
        if key not in known:
            known[key] = leaving(node, given, window)
        found = known[key]
        if found is None or not all(map(alike, (tensor.shape for tensor in node.outputs), found)):
            return node
        shapes.update(zip(node.outputs, found, strict=True))
    return None


def leaving(node: Node, given: Sequence[Shape], window: Window | None) -> Sequence[Shape] | None:
    """What leaves a node where these shapes enter; None if the op cannot be, or has another module or window."""
    whole = [tensor.shape for tensor in node.inputs]
    try:
        fields = fields_at(node, given)
        found = node.op.shapes(fields, *given)
        if window is not None and moves(node, given, window):
            return None
    except OpFault:
        return None
    if node.op.params(fields, given[0], found[0]) != node.op.params(fields_at(node, whole), whole[0], node.shape):
        return None  # a linear layer on an axis that is not that of the channels
    channels_stay = given[0][0] == whole[0][0] and found[0][0] == node.shape[0]
    if channels_stay or node.functional or list(modules_of(node, given)) == list(modules_of(node, whole)):
        return found
    return None


def alike(whole: Shape, other: Shape) -> bool:
    """Whether a tensor of another size has an axis of 1 where the whole one has."""
    return len(whole) == len(other) and all(
        (a == 1) == (b == 1) and b >= 1 for a, b in zip(whole[1:], other[1:], strict=True)
    )
