"""Which sizes of an image a network takes beside the one that it was built for: multiples of a number, from one on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir.graph import Graph, Node
from archdsl.ir.nodes import kinds_of
from archdsl.ops.base import Shape, times
from archdsl.ops.target import SIDES
from archdsl.ops.windows import SAME
from archdsl.runtime.sizes import first_misfit, moved_window

if TYPE_CHECKING:
    from torch import nn

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
SIDES_OF_IMAGE = ("height", "width")
ONE_SIZE = "export it for one size"


@dataclass(frozen=True)
class FreeSize:
    """Height and width are multiples of a number, each from a least one on."""

    multiple: int
    least: tuple[int, int]
    trial: Shape  # of the image that a network is traced with: the declared one, or the next that it takes

    def axes(self) -> dict[int, Any]:
        """Height and width as `torch.export` is told of them."""
        import torch

        found: dict[int, Any] = {}
        for axis, (name, least) in enumerate(zip(SIDES_OF_IMAGE, self.least, strict=True), 2):
            side = torch.export.Dim(name, min=least // self.multiple)
            found[axis] = side if self.multiple == 1 else self.multiple * side
        return found

    def samples(self) -> list[Shape]:
        """Three sizes at which a file is tried."""
        c, h, w = self.trial
        (least_h, least_w), m = self.least, self.multiple
        return [self.trial, (c, least_h, w + m), (c, h + m, least_w)]


def free_size(graph: Graph) -> FreeSize:
    """The sizes that a network takes; raises `SpecError`, at the step that forbids others, if it is one alone."""
    shapes = [tensor.shape for tensor in graph.inputs.values()]
    if len(shapes) != 1 or len(shapes[0]) != 3:
        raise fault("bad-call", f"'{graph.name}' does not take a single image whose height and width could be free")
    c, h, w = shapes[0]
    for m in MULTIPLES:
        trial = c, -(-h // m) * m, -(-w // m) * m
        if all(misfit(graph, shape) is None for shape in around(trial, m)):
            return FreeSize(m, (least_side(graph, trial, 1, m), least_side(graph, trial, 2, m)), trial)
    raise one_size(graph, (c, h + MULTIPLES[-1], w + MULTIPLES[-1]))


def around(trial: Shape, m: int) -> Iterator[Shape]:
    """A size, and others that are multiples of a number too: near ones, and one in which every stride finds more."""
    c, h, w = trial
    yield trial
    for by in (1, 2, 3, 1 + MULTIPLES[-1] // m):
        yield from ((c, h + by * m, w), (c, h, w + by * m), (c, h + by * m, w + 2 * m))


def misfit(graph: Graph, shape: Shape) -> Node | None:
    """The first step that is another one at this size of the image; auxiliary heads are not exported."""
    nodes = [node for node in graph.nodes if not node.training]
    entering = dict.fromkeys(graph.inputs, shape)
    found = first_misfit(nodes, dict.fromkeys(graph.inputs.values(), shape), kinds_of(nodes))
    return found or moved_window(graph, entering, training=False)


def least_side(graph: Graph, trial: Shape, axis: int, m: int) -> int:
    """The least height or width, a multiple, at which no map is too small: halved until it is found."""
    bad, good = 0, trial[axis] // m
    while good - bad > 1:
        middle = (good + bad) // 2
        shape = (*trial[:axis], middle * m, *trial[axis + 1 :])
        bad, good = (bad, middle) if misfit(graph, shape) is None else (middle, good)
    return good * m


def one_size(graph: Graph, shape: Shape) -> SpecError:
    """What to say of a network that takes no other size."""
    node = misfit(graph, shape) or graph.nodes[-1]
    (declared,) = (tensor.shape for tensor in graph.inputs.values())
    message = (
        f"'{graph.name}' takes images of {times(declared[1:])} alone: '{node.path}' is another step at other sizes"
    )
    return fault("bad-call", message, node.span, help="take the size of another map with like: instead of size:")


def shapes_of(graph: Graph, free: FreeSize | None) -> list[Sequence[int]]:
    """The shapes of the inputs that a network is traced with."""
    return [tensor.shape if free is None else free.trial for tensor in graph.inputs.values()]


def unwritten(network: nn.Module, graph: Graph, error: Exception) -> SpecError:
    """What to say where torch cannot write a network with free sizes: at the first step that it cannot write alone."""
    why = str(error.__cause__ or error).strip().partition("\n")[0]
    message = f"torch cannot export '{graph.name}' with a free height and width: {why}"
    asked = [node for node in graph.nodes if depends_on_size(node) and not node.training]
    node = next((node for node in asked if not is_written(network, node)), None)
    if node is None:
        return fault("bad-call", message, help=ONE_SIZE)
    why = f"how '{node.op.name}' runs depends on the size of its map"
    message = f"torch cannot export '{node.path}' with a free height and width: {why}"
    return fault("bad-call", message, node.span, help=ONE_SIZE)


def depends_on_size(node: Node) -> bool:
    """Whether torch may ask what the size of the map is, to run this step."""
    fields = node.fields
    return fields.get("padding") == SAME or bool(fields.get("ceil")) or node.op.name == "crop" or SIDES.name in fields


def is_written(network: nn.Module, node: Node) -> bool:
    """Whether torch exports the module of a step alone with a free height and width."""
    import torch

    if node.functional:
        return False
    least = [min(3, n) for n in node.inputs[0].shape[1:]]
    named = zip(SIDES_OF_IMAGE, least, strict=True)
    sides = {axis: torch.export.Dim(name, min=n) for axis, (name, n) in enumerate(named, 2)}
    inputs = tuple(torch.zeros(2, *tensor.shape) for tensor in node.inputs)
    try:
        torch.export.export(network.get_submodule(node.path), inputs, dynamic_shapes=tuple(dict(sides) for _ in inputs))
    except Exception:  # noqa: BLE001 - whatever torch raises of sizes that it cannot leave open
        return False
    return True


def expect_no_sides(graph: Graph, form: str) -> None:
    """Raises at a size that is computed of a map's, for a format that keeps it as the number that it was."""
    for node in (node for node in graph.nodes if SIDES.name in node.fields and not node.training):
        message = f"{form} writes the size of '{node.path}' as a fixed number, but it depends on the size of a map"
        raise fault("bad-call", message, node.span, help=ONE_SIZE)
