"""Weights for another number of classes or of channels of the image than those of the checkpoint.

They are ported into our network as the checkpoint has it. Then the layers whose shapes depend on the classes are made
anew, and the convolutions of the image are summed or tiled over its channels, as timm does it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from archdsl.analysis.noting import IMAGE
from archdsl.backends.torch.plan import classifier_in
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ops.base import times
from archdsl.runtime import module
from archdsl.runtime.porting.parts import Shapes, State, parts_of, shapes_of, squeezed
from archdsl.workspace.library import Inputs, SpecLike, graph_of

if TYPE_CHECKING:
    from archdsl.passes.pipeline import Rewriting

CLASSES = "num_classes"
CONVOLUTION = "conv"
KEEPING = frozenset({"crop", "identity", "pad", "upsample"})  # ops that keep channels apart and have no weights
SOME = 8  # classes, to see which shapes depend on their number where a network has none


class Sizes(NamedTuple):
    """What a checkpoint has otherwise than a network that was asked for; None: the same."""

    classes: int | None
    channels: int | None


SAME = Sizes(None, None)


@dataclass(frozen=True)
class Maker:
    """A call that makes a network, to be made again with other classes or channels."""

    spec: SpecLike
    variant: str | None
    params: Mapping[str, Any]
    inputs: Inputs | None
    rewriting: Rewriting

    def graph(self, **others: int) -> Graph:
        params = copy.copy(self.params)  # what tells the places of params stays with them
        assert isinstance(params, dict)
        params.update(others)
        return graph_of(self.spec, self.variant, params, self.inputs, self.rewriting)

    def of_sizes(self, graph: Graph, sizes: Sizes) -> Graph:
        """The network with the classes and channels of a checkpoint."""
        given = {self.classes(graph): sizes.classes, IMAGE: sizes.channels}
        return self.graph(**{name: value for name, value in given.items() if value is not None})

    def classes(self, graph: Graph) -> str:
        """The param that is the number of classes, also of a network that was asked for without."""
        return classes_of(self.graph(**dict.fromkeys(self.zeros, SOME)) if self.zeros else graph)

    @property
    def zeros(self) -> list[str]:
        """The params that are 0: the number of classes, where none are asked for."""
        return [name for name, value in self.params.items() if type(value) is int and value == 0]


def classes_of(graph: Graph) -> str:
    """The param that is the number of classes."""
    classifier = classifier_in(graph)
    return classifier.param if classifier is not None else CLASSES


def hanging_on(maker: Maker, name: str, own: object) -> dict[str, tuple[int, ...]]:
    """The tensors whose shapes depend on a number, with their shapes where it is our `own`, or `SOME` if that is 0.

    None of a network that cannot have twice as many.
    """
    count = own if isinstance(own, int) and own else SOME
    try:
        few, more = (shapes_in(maker.graph(**{name: number})) for number in (count, 2 * count))
    except SpecError:
        return {}
    return {key: shape for key, shape in few.items() if more.get(key) != shape}


def shapes_in(graph: Graph) -> Shapes:
    """The shapes of a network's state_dict."""
    with torch.device("meta"):
        return shapes_of(module.build(graph).state_dict())


# --- what the checkpoint has
def possible_sizes(state: State, graph: Graph, maker: Maker) -> Iterator[Sizes]:
    """What classes and channels a checkpoint may have, by the shapes in it: the likeliest first."""
    theirs, own = shapes_of(state), shapes_in(graph)
    if Counter(map(squeezed, theirs.values())) == Counter(map(squeezed, own.values())):
        return
    param = maker.classes(graph)
    layers = hanging_on(maker, param, graph.params[param]) if param in graph.params else {}
    shapes = [image.shape for image in graph.inputs.values()]
    stems = hanging_on(maker, IMAGE, shapes[0][0]) if len(shapes) == 1 and len(shapes[0]) > 1 else {}
    heads = {} if param in maker.zeros else own  # auxiliary ones keep their classes
    classes, channels = of_layers(theirs, heads, layers), of_stems(theirs, own, stems)
    yield from (Sizes(*sizes) for sizes in product(classes, channels))


def of_layers(theirs: Shapes, own: Shapes, layers: Shapes) -> list[int | None]:
    """The first sizes of those tensors of a checkpoint that have otherwise the shape of a layer of classes."""
    wanted = {squeezed(shape)[1:] for shape in layers.values() if len(shape) > 1}
    found = [shape[0] for shape in theirs.values() if len(squeezed(shape)) > 1 and squeezed(shape)[1:] in wanted]
    return likeliest(reversed(found), {own[key][0] for key in layers if key in own})


def of_stems(theirs: Shapes, own: Shapes, stems: Shapes) -> list[int | None]:
    """The second sizes of those tensors of a checkpoint that have otherwise the shape of a convolution of the image."""
    wanted = {(shape[0], *shape[2:]) for shape in stems.values() if len(shape) > 2}
    found = [shape[1] for shape in theirs.values() if len(shape) > 2 and (shape[0], *shape[2:]) in wanted]
    return likeliest(found, {own[key][1] for key in stems if key in own and len(own[key]) > 2})


def likeliest(found: Iterable[int], own: Collection[int]) -> list[int | None]:
    """Sizes that a checkpoint may have: our own, as None, before others if it is among them."""
    sizes = list(dict.fromkeys(found))
    others: list[int | None] = [size for size in sizes if size not in own]
    return [None, *others] if len(others) < len(sizes) or not others else others


# --- to ours
def adapted(
    state: State, before: Graph, blank: State, layers: Mapping[str, object]
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The weights of a network from those of `before`, the same with other classes and channels of the image.

    The `layers` of classes that differ are as in `blank`. With them what was done to each convolution of the image.
    """
    found: dict[str, torch.Tensor] = dict(blank)
    remarks: dict[str, str] = {}
    for part in parts_of(shapes_of(blank)):
        keys = [part.key(leaf) for leaf in part.shapes]
        if all(key in state and state[key].shape == blank[key].shape for key in keys):
            found.update((key, state[key]) for key in keys)
        elif reads_image(part.path, before):
            found.update((key, state[key]) for key in keys)
            for key in keys:
                if state[key].shape != blank[key].shape:
                    found[key], remarks[key] = over_image(state[key], blank[key].shape)
        elif not any(key in layers for key in keys):
            raise unlike(
                next(key for key in keys if shapes_of(state).get(key) != tuple(blank[key].shape)), state, blank
            )
    return found, remarks


def reads_image(path: str, graph: Graph) -> bool:
    """Whether a module is an ungrouped convolution of the image, or of what keeps each channel of it apart."""
    node = next((node for node in graph.nodes if node.path == path), None)
    return (
        node is not None
        and node.op.name == CONVOLUTION
        and node.fields.get("groups", 1) == 1
        and is_image(node.inputs[0], graph)
    )


def is_image(tensor: Tensor, graph: Graph) -> bool:
    """Whether a tensor is the image, padded or resized at most."""
    (image,) = graph.inputs.values()
    while tensor is not image:
        node = tensor.node
        if node is None or node.op.name not in KEEPING or len(node.inputs) > 1:
            return False
        tensor = node.inputs[0]
    return True


def over_image(tensor: torch.Tensor, shape: Sequence[int]) -> tuple[torch.Tensor, str]:
    """The weight of a convolution of an image for other channels, and what was done: summed for one, else tiled."""
    has, wants = tensor.shape[1], shape[1]
    if wants == 1:
        return tensor.double().sum(1, keepdim=True).to(tensor), f"summed over {has} channels"
    tiled = tensor.double().repeat(1, -(-wants // has), *[1] * (tensor.dim() - 2))[:, :wants]
    return (tiled * (has / wants)).to(tensor), f"{counted(has)} tiled to {wants}, times {has}/{wants}"


def stems(changed: Shapes, before: Graph, graph: Graph) -> list[str]:
    """Of the tensors whose shapes have changed the weights of convolutions of an image that has other channels now."""
    if len(before.inputs) != 1 or len(graph.inputs) != 1:
        return []
    return [
        name
        for name, path in ((name, name.rpartition(".")[0]) for name in changed)
        if reads_image(path, before)
        and reads_image(path, graph)
        and of_node(path, before).fields == of_node(path, graph).fields
        and len(changed[name]) > 2
    ]


def of_node(path: str, graph: Graph) -> Node:
    return next(node for node in graph.nodes if node.path == path)


def counted(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"


def sizes_said(before: Graph, graph: Graph) -> Iterator[str]:
    """What is other in the checkpoint."""
    has, wants = (known.params.get(classes_of(before)) for known in (before, graph))
    if has != wants:
        yield f"the checkpoint has {has} classes, this network {wants or 'none'}"
    one, other = (next(iter(known.inputs.values())).shape[0] for known in (before, graph))
    if one != other:
        yield f"the checkpoint is for images of {counted(one)}, this network for {other}"


def unlike(key: str, state: State, blank: State) -> SpecError:
    """One that depends on the channels of the image and is no convolution of it."""
    theirs, ours = times(shapes_of(state).get(key, ())), times(blank[key].shape)
    message = (
        f"'{key}' is {theirs} in the checkpoint and {ours} in this network, and no convolution of the image has it"
    )
    help = "weights can be adapted to other image channels only if a convolution without groups reads the image"
    return fault("unmatched-weights", message, help=help)
