"""Blocks that work on tokens: whose features stand in the last axis, so that papers write `n × d`."""

from __future__ import annotations

from archdsl.ir.graph import Node, Scope, Tensor
from archdsl.ops.axes import place_of_axis

LETTERS = {2: ("n", "d"), 3: ("p", "n", "d")}  # of the axes of tokens, by how many there are
MEANING = {2: "n tokens", 3: "p sets of n tokens"}
ON_FEATURES = ("norm", "linear")  # the roles of what tells where features stand


def is_tokens(call: Scope, tensor: Tensor) -> bool:
    """Whether norms, linear layers and attention work on the last axis of tensors of this shape, and no convolution."""
    alike = [node for node in call.nodes() if node.reads and node.reads[0].shape == tensor.shape]
    told = [node for node in alike if on_last_axis(node)]
    return len(tensor.shape) in LETTERS and bool(told) and all(node.op.role != "conv" for node in alike)


def on_last_axis(node: Node) -> bool:
    axis, shape = node.fields.get("axis"), node.reads[0].shape
    return node.op.role in ON_FEATURES and axis is not None and place_of_axis(axis, shape) == len(shape) - 1
