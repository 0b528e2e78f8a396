"""The functions of torch as a proof needs them: without chance, fast in double precision, their work counted."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - torch's own word for it
from torch.overrides import TorchFunctionMode

from archdsl.ops.base import per_axis
from archdsl.ops.conv import depthwise

if TYPE_CHECKING:
    from torch import Tensor

DROPOUTS: tuple[Callable[..., Any], ...] = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d)
CONVS: Mapping[Callable[..., Any], int] = {F.conv1d: 1, F.conv2d: 2, F.conv3d: 3}
TRANSPOSED: tuple[Callable[..., Any], ...] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
PRODUCTS: tuple[Callable[..., Any], ...] = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__)
DEFORMED = "torchvision::deform_conv2d"  # which takes the weight second
COUNTED_OR_CHANGED = frozenset({*DROPOUTS, *CONVS, *TRANSPOSED, *PRODUCTS, F.linear, F.scaled_dot_product_attention})


class Kernels(TorchFunctionMode):
    """Torch's functions without chance, and fast in double precision; the multiply-adds are counted.

    Dropout in training scales every element by what its rate tells, so that runs can be equal.
    """

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in COUNTED_OR_CHANGED:
            found = func(*args, **kwargs)
            if getattr(func, "_qualified_op_name", "") == DEFORMED:
                self.macs += found.numel() * args[1][0].numel()
            return found
        if func in DROPOUTS:
            return scaled(func, args, kwargs)
        if func in CONVS:
            out = convolved(func, CONVS[func], args, kwargs)
            self.macs += out.numel() * args[1][0].numel()
            return out
        if func in TRANSPOSED:
            self.macs += args[0].numel() * args[1][0].numel()
        if func is F.linear:
            self.macs += args[0].numel() * args[1].shape[0]
        if func in PRODUCTS:
            self.macs += args[0].numel() * args[1].shape[-1]
        if func is F.scaled_dot_product_attention:
            return self.attended(args, kwargs)
        return func(*args, **kwargs)

    def attended(self, args: Any, kwargs: Any) -> Tensor:
        """Attention without chance: to drop weights scales what leaves, for that is linear in them."""
        names = ("query", "key", "value", "attn_mask", "dropout_p")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        p = given.pop("dropout_p", 0.0)
        found: Tensor = F.scaled_dot_product_attention(**given)
        self.macs += (given["query"].numel() + found.numel()) * given["key"].shape[-2]
        left: Tensor = found * (1 - p / 2)
        return left


def scaled(func: Callable[..., Any], args: Any, kwargs: Any) -> Tensor:
    """A dropout without chance."""
    given = inspect.signature(func).bind(*args, **kwargs)
    given.apply_defaults()
    found: Tensor = given.arguments["input"]
    return found * (1 - given.arguments["p"] / 2) if given.arguments["training"] else found


def convolved(func: Callable[..., Any], rank: int, args: Any, kwargs: Any) -> Tensor:
    """A convolution; one that is depthwise by views, since torch then calls one kernel a channel."""
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    x, groups = given["input"], given.get("groups", 1)
    if not groups == x.size(1) > 1:
        found: Tensor = func(*args, **kwargs)
        return found
    stride, dilation = (per_axis(given.get(name, 1), rank) for name in ("stride", "dilation"))
    if given.get("padding", 0) == "same":
        reach = [d * (k - 1) for k, d in zip(given["weight"].shape[2:], dilation, strict=True)]
        sides = [n for r in reversed(reach) for n in (r // 2, r - r // 2)]
    else:
        sides = [n for p in reversed(per_axis(given.get("padding", 0), rank)) for n in (p, p)]
    return depthwise(F.pad(x, sides), given["weight"], given.get("bias"), stride, dilation)
