"""DropBlock. Pasted into emitted files."""

import math

import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


class DropBlock(nn.Module):
    """In training zeroes blocks of each channel, p of the map, scaling up the rest."""

    def __init__(self, p: float, block_size: int) -> None:
        super().__init__()
        self.p, self.block_size = p, block_size

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        block, rank = self.block_size, x.dim() - 2
        starts = [n - block + 1 for n in x.shape[2:]]
        rate = self.p * math.prod(x.shape[2:]) / math.prod(starts) / block**rank
        ones = x.new_ones([*x.shape[:2], *starts])
        starting = 1 - F.dropout(ones, rate) * (1 - rate)
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
        dropped: Tensor = pool(F.pad(starting, [block - 1] * 2 * rank), block, 1)
        kept = 1 - dropped
        return x * kept * (kept.numel() / kept.sum())

    def extra_repr(self) -> str:
        return f"p={self.p}, block_size={self.block_size}"
