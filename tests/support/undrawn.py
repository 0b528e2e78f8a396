"""Networks that are made without drawing their weights: to draw those of a large one takes longer than to run it."""

from __future__ import annotations

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class Undrawn(TorchFunctionMode):
    """While it lasts, zeros stand in place of weights that would be drawn: they come from elsewhere."""

    DRAWS = frozenset(
        {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_}
        | {nn.init.normal_, nn.init.uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_}
    )

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Zeros in place of what would be drawn."""
        if function in self.DRAWS:
            return (args[0] if args else kwargs["tensor"]).detach().zero_()
        return function(*args, **(kwargs or {}))
