"""Norms that torch does not have. Pasted into emitted files."""

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels, at every place of a map by itself."""

    def forward(self, input: Tensor) -> Tensor:
        x, shape = input.movedim(1, -1), self.normalized_shape
        y = F.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)


class ChannelRMSNorm(nn.RMSNorm):
    """RMSNorm over the channels, at every place of a map by itself."""

    def forward(self, input: Tensor) -> Tensor:
        x, shape = input.movedim(1, -1), self.normalized_shape
        return F.rms_norm(x, shape, self.weight, self.eps).movedim(-1, 1)


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
