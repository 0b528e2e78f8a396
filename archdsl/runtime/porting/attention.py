"""Attention layers of torch, taken apart: nn.MultiheadAttention reads its last layer's weights and never calls it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def call_last_layers(network: nn.Module) -> None:
    """Has each attention layer of a network call its last layer, so that hooks see what enters that one."""
    for layer in network.modules():
        if isinstance(layer, nn.MultiheadAttention):
            vars(layer)["forward"] = partial(in_two_steps, layer, layer.forward)


def in_two_steps(layer: nn.MultiheadAttention, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What an attention layer gives, in two steps: all but its last layer, then that layer."""
    last = layer.out_proj
    layer.out_proj = unchanged(last)
    try:
        mixed, scores = forward(*args, **kwargs)
    finally:
        layer.out_proj = last
    return last(mixed), scores


def unchanged(like: nn.Linear) -> Any:
    """A layer of the same size that gives what enters."""
    layer = nn.Linear(like.in_features, like.out_features).to(like.weight)
    with torch.no_grad():
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layer
