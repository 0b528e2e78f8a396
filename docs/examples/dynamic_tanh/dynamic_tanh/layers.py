"""The module of the op; its class is pasted into the source of each network that uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DynamicTanh(nn.Module):
    """tanh(alpha * x), scaled and shifted by channel."""

    def __init__(self, channels: int, alpha: float = 0.5) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(alpha))
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes = [1] * (x.dim() - 2)
        weight, bias = self.weight.view(-1, *axes), self.bias.view(-1, *axes)
        return torch.tanh(self.alpha * x) * weight + bias
