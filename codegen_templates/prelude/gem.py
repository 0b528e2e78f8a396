"""Generalised mean pooling. Pasted into emitted files."""

import torch
from torch import Tensor, nn


class GeM(nn.Module):
    """Generalised mean of every channel: the p-th root of the mean of p-th powers."""

    p: Tensor | float

    def __init__(
        self,
        p: float = 3.0,
        learned: bool = True,
        eps: float = 1e-6,
        rank: int = 2,
    ) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), float(p))) if learned else p
        self.eps, self.axes = eps, tuple(range(2, rank + 2))

    def forward(self, x: Tensor) -> Tensor:
        powers = x.clamp(min=self.eps) ** self.p
        y: Tensor = powers.mean(self.axes, keepdim=True) ** (1 / self.p)
        return y

    def extra_repr(self) -> str:
        return f"p={float(self.p):g}, eps={self.eps}"
