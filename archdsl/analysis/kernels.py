"""The kernels of a network: what an engine runs at once, and the key under which the time of each is looked up."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archdsl.analysis.layout import lies_channels_last
from archdsl.ir.fingerprint import arguments
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ops.base import times

FUSING = ("compile", "onnxruntime")  # engines that run a layer, its norm and its activation at once
LAYERS, AFTER = ("conv", "linear"), ("norm", "act")  # roles of ops, in the order in which they are fused
OWN_LAYOUT = ("onnxruntime",)  # engines that lay out memory as they choose
MAP = 3  # axes of a 2-D map: C, H, W


@dataclass(frozen=True)
class Kernel:
    """Ops that run at once, each on what the one before it gives."""

    nodes: tuple[Node, ...]
    channels_last: bool  # how its maps lie in memory

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.nodes[0].inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return self.nodes[-1].outputs

    def data(self) -> dict[str, Any]:
        """What its time depends on, as a latency table has it."""
        return {
            "ops": [{"op": node.op.name, "fields": fields(node)} for node in self.nodes],
            "inputs": [list(tensor.shape) for tensor in self.inputs],
            "outputs": [list(tensor.shape) for tensor in self.outputs],
            "channels_last": self.channels_last,
        }

    @cached_property
    def key(self) -> str:
        return key_of(self.data())

    def __str__(self) -> str:
        """`conv (out 24, kernel 3), bn, relu on 3×224×224`."""
        shapes = " and ".join(times(tensor.shape) for tensor in self.inputs)
        layout = " that lies channels last" if self.channels_last else ""
        return f"{', '.join(map(said, self.nodes))} on {shapes}{layout}"


def key_of(data: dict[str, Any]) -> str:
    """The key of a kernel with this data."""
    return json.dumps([data[name] for name in ("ops", "inputs", "outputs", "channels_last")], sort_keys=True)


def fields(node: Node) -> dict[str, Any]:
    """The arguments that are not their defaults; rates of training cost no time."""
    soft = {item.name for item in node.op.fields if item.soft}
    return {name: value for name, value in arguments(node.op, node.fields) if name not in soft}


def said(node: Node) -> str:
    texts = ", ".join(f"{name} {value}" for name, value in fields(node).items())
    return f"{node.op.name} ({texts})" if texts else node.op.name


def kernels(graph: Graph, engine: str) -> Iterator[Kernel]:
    """The kernels of a network in eval mode, in order; a tensor of the network's own is there without one."""
    last = lies_channels_last(graph) and engine not in OWN_LAYOUT
    readers = readers_of(graph)
    taken: set[Node] = set()
    for node in graph.nodes:
        if node.training or node.op.owned or node in taken:
            continue
        run = tuple(fused(node, readers)) if engine in FUSING else (node,)
        taken.update(run)
        yield Kernel(run, last and any(map(is_map, (*run[0].inputs, *run[-1].outputs))))


def is_map(tensor: Tensor) -> bool:
    """Whether it is a 2-D map of more than one place, which may lie in memory in two ways."""
    return len(tensor.shape) == MAP and math.prod(tensor.shape[1:]) > 1


def readers_of(graph: Graph) -> dict[Tensor, list[Node]]:
    """The nodes that read each tensor in eval mode; of one that leaves the network, none that could be its only one."""
    found: dict[Tensor, list[Node]] = {}
    for node in graph.nodes:
        for tensor in () if node.training else node.inputs:
            found.setdefault(tensor, []).append(node)
    return {tensor: nodes for tensor, nodes in found.items() if tensor not in graph.outputs.values()}


def fused(node: Node, readers: dict[Tensor, list[Node]]) -> Iterator[Node]:
    """A node, and behind a layer its norm and its activation, if nothing else reads what is between them."""
    yield node
    if node.op.role not in LAYERS:
        return
    for role in AFTER:
        match readers.get(node.outputs[0]):
            case [only] if only.op.role == role and len(only.inputs) == 1:
                node = only
                yield node
