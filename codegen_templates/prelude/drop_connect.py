"""Stochastic depth. Pasted into emitted files."""

import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


class DropConnect(nn.Module):
    """In training drops a sample's branch with probability p, scaling up the others."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        # Without a batch axis the rows of a matrix, here the samples, are the channels.
        return F.dropout1d(x.flatten(1), self.p).view_as(x)

    def extra_repr(self) -> str:
        return f"p={self.p}"
