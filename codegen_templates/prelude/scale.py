"""A learned scale of each channel. Pasted into emitted files."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """Each feature of an axis times a learned number; `after` axes follow it."""

    def __init__(self, features: int, init: float = 1.0, after: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((features,), float(init)))
        self.shape = (-1, *(1,) * after)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(self.shape)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, after={len(self.shape) - 1}"
