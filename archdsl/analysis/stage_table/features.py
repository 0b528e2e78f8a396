"""Which axis of a tensor holds its features: the channels of a map, or the last axis of tokens."""

from __future__ import annotations

from functools import partial

from archdsl.ir.graph import Tensor
from archdsl.ops.axes import is_channels


def features(tensor: Tensor) -> int | None:
    """The channels of a map or a signal, the features of a token, the size of a flat tensor; None of a lone number."""
    if not tensor.shape:
        return None
    return tensor.shape[-1] if len(tensor.shape) == 2 and are_tokens(tensor) else tensor.shape[0]


def are_tokens(tensor: Tensor) -> bool:
    """Whether the last axis of a tensor holds features, as in tokens × features: an op before it works on that axis.

    It is a map or a signal, channels × places, where a convolution, a pool or a norm of channels comes first, or none.
    """
    found: Tensor | None = tensor
    while found is not None and found.node is not None:
        node = found.node
        if "axis" in node.fields and node.op.role != "join":
            return not is_channels(node.fields["axis"], len(found.shape) - 1)
        if node.op.role in ("conv", "pool", "norm"):
            return False
        told = node.op.last_axis_holds_features(node.fields, partial(are_tokens, node.inputs[0]))
        if told is not None:
            return told
        alike = [entry for entry in node.inputs if len(entry.shape) == len(found.shape)]
        found = alike[-1] if alike else None
    return False
