"""The last pooling of a network that is made: exchanged, or taken out together with what flattens its result."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

from torch import nn

from archdsl.analysis.sides import left
from archdsl.backends.torch.classifier import Classifier
from archdsl.expr.nodes import Lit
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node
from archdsl.ir.nodes import modules_of
from archdsl.ops import REGISTRY
from archdsl.ops.base import OpFault, Site

FLAT = "flatten"


@dataclass(frozen=True)
class LastPooling:
    """Where the last pooling stands, which modules may stand in its place, and what follows it."""

    path: str
    kinds: Mapping[str, str]  # the classes of torch, by their words
    behind: tuple[str, ...]  # the paths of what runs after it, without the layer of classes
    maps: bool  # whether that takes a map too

    def exchange(self, network: nn.Module, word: str, num_classes: int) -> None:
        """Puts another pooling in its place; none for the word ''. Raises `ValueError` where that cannot be."""
        if word:
            if word not in self.kinds:
                message = f"global_pool is {', '.join(map(repr, self.kinds))} or '', not {word!r}"
                raise ValueError(message)
            for path in self.flattening(network):
                network.set_submodule(path, nn.Flatten().train(network.training))
            network.set_submodule(self.path, getattr(nn, self.kinds[word])(1).train(network.training))
            return
        if num_classes:
            message = "global_pool='' leaves the map, which no layer of classes can follow: give num_classes=0 with it"
            raise ValueError(message)
        if not self.maps or any(part_of(network, path) is None for path in self.behind):
            message = f"{type(network).__name__} has a step after its last pooling that does not accept a map"
            raise ValueError(message)
        for path in (self.path, *self.flattening(network)):
            network.set_submodule(path, Unpooled().train(network.training))

    def flattening(self, network: nn.Module) -> list[str]:
        """The paths of what flattens, or did before the pooling was taken out."""
        return [path for path in self.behind if isinstance(part_of(network, path), (nn.Flatten, Unpooled))]


class Unpooled(nn.Identity):
    """Stands where a pooling was, or what flattens its result."""


def part_of(network: nn.Module, path: str) -> nn.Module | None:
    """The module of a path; None where `forward` computes it by a function."""
    try:
        return network.get_submodule(path)
    except AttributeError:
        return None


def last_pooling(graph: Graph, classifier: Classifier | None) -> LastPooling | None:
    """The last pooling of a classifier, where another may stand in its place."""
    if classifier is None or classifier.pool is None:
        return None
    origin, exchanged = origin_of(graph), set(classifier.of_scores.values()) | {classifier.path}
    (pool,) = (node for node in graph.nodes if origin.made[node.id] == classifier.pool.id)
    site = Site(SimpleNamespace(), Lit(1), len(pool.inputs[0].shape) - 1)
    others = {op.word_of_choice: op for op in REGISTRY.values() if op.chosen_by == classifier.pool.op.chosen_by}
    kinds = {word: op.module(site).cls.removeprefix("nn.") for word, op in others.items()}
    behind = [node.path for node in graph.nodes if node.id > pool.id and not node.training]
    kept = tuple(path for path in behind if path not in exchanged)
    return LastPooling(pool.path, kinds, kept, takes_map(graph, pool, exchanged))


def takes_map(graph: Graph, pool: Node, exchanged: Collection[str]) -> bool:
    """Whether what runs after a pooling can take the map before it, by the same modules; what flattens is taken out."""
    shapes = {tensor: tensor.shape for node in graph.nodes for tensor in node.inputs}
    shapes[pool.outputs[0]] = pool.inputs[0].shape
    for node in graph.nodes[pool.id + 1 :]:
        given = [shapes[tensor] for tensor in node.inputs]
        if node.op.name == FLAT or node.path in exchanged:
            shapes[node.outputs[0]] = given[0]
        elif not node.training:
            try:
                shapes.update(zip(node.outputs, map(tuple, left(node, given)), strict=True))
            except OpFault:
                return False
            if list(modules_of(node, given)) != list(modules_of(node, [t.shape for t in node.inputs])):
                return False
    return True
