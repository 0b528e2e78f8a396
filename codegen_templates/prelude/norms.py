"""Norms that torch does not have. Pasted into emitted files."""

import torch
from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels, at every place of a map by itself."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class ChannelRMSNorm(nn.RMSNorm):
    """RMSNorm over the channels, at every place of a map by itself."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class GlobalResponseNorm(nn.Module):
    """Global response normalisation (ConvNeXt V2)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2)
        norm: Tensor = torch.linalg.vector_norm(places, dim=2, keepdim=True)
        scaled = places * (norm / (norm.mean(1, keepdim=True) + self.eps))
        y = places + self.weight[:, None] * scaled + self.bias[:, None]
        return y.view_as(x)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"
