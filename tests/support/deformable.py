"""The deformable convolution of torchvision, for where its compiled ops are missing: tap by tap, by `grid_sample`."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

NAME = "deform_conv2d"


def is_there():
    """Whether torchvision has it itself."""
    try:
        from torchvision.extension import _has_ops
    except Exception:  # noqa: BLE001 - whatever it raises whose ops are those of another torch
        return False
    return bool(_has_ops())


def by_samples(x, weight, offset, mask, stride, padding, dilation):
    """The op as its paper defines it, without a bias."""
    (n, c, h, w), (out, inner, kh, kw) = x.shape, weight.shape
    parts, (rows, columns) = offset.size(1) // (2 * kh * kw), offset.shape[2:]
    moved = offset.view(n, parts, kh, kw, 2, rows, columns)
    factor = mask.view(n, parts, kh, kw, rows, columns) if mask is not None else torch.ones_like(moved[:, :, :, :, 0])
    wide = x.view(n * parts, c // parts, h, w)
    total = 0
    for i in range(kh):
        for j in range(kw):
            y = torch.arange(rows)[:, None] * stride[0] - padding[0] + i * dilation[0] + moved[:, :, i, j, 0]
            z = torch.arange(columns) * stride[1] - padding[1] + j * dilation[1] + moved[:, :, i, j, 1]
            grid = torch.stack([(z + 0.5) * 2 / w - 1, (y + 0.5) * 2 / h - 1], -1).flatten(0, 1)
            tap = F.grid_sample(wide, grid.to(x.dtype), align_corners=False) * factor[:, :, i, j].flatten(0, 1)[:, None]
            tap = tap.view(n, c // inner, inner, -1)
            kernel = weight[:, :, i, j].view(c // inner, -1, inner)
            total = total + (kernel @ tap).reshape(n, out, rows, columns)
    return total


def stand_in():
    """The modules by which emitted source finds it; the op has the signature of torchvision's."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    sizes = ", ".join(f"SymInt {name}_{axis}" for name in ("stride", "pad", "dil") for axis in "hw")
    tensors = ", ".join(f"Tensor {name}" for name in ("input", "weight", "offset", "mask", "bias"))
    library.define(f"{NAME}({tensors}, {sizes}, SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor")

    def on_tensors(x, weight, offset, mask, bias, *numbers):
        factor = mask if numbers[8] else None
        return by_samples(x, weight, offset, factor, numbers[:2], numbers[2:4], numbers[4:6]) + bias.view(-1, 1, 1)

    library.impl(NAME, on_tensors, "CPU")
    torch.library.register_fake(
        f"torchvision::{NAME}", lambda x, weight, offset, *_: x.new_empty(x.size(0), weight.size(0), *offset.shape[2:])
    )

    def deform_conv2d(input, offset, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), mask=None):
        (c, *_), (out, inner, kh, kw) = input.shape[1:], weight.shape
        given = mask if mask is not None else input.new_zeros(input.size(0), 1)
        added = bias if bias is not None else input.new_zeros(out)
        numbers = (*stride, *padding, *dilation, c // inner, offset.size(1) // (2 * kh * kw), mask is not None)
        return torch.ops.torchvision.deform_conv2d(input, weight, offset, given, added, *numbers)

    package, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    package.__spec__, package.__path__, package.ops = ModuleSpec("torchvision", None), [], ops
    ops.deform_conv2d, ops.library = deform_conv2d, library  # which lives as long as this
    return {"torchvision": package, "torchvision.ops": ops}


STAND_IN = {} if is_there() else stand_in()


def put_in_place(monkeypatch):
    """While a test runs, torchvision has it."""
    for name, module in STAND_IN.items():
        monkeypatch.setitem(sys.modules, name, module)
