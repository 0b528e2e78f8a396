"""Attention over the positions of a map or a sequence. Pasted into emitted files."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention over all positions of a map or a sequence."""

    def __init__(
        self,
        channels: int,
        heads: int,
        key_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = True,
        proj_bias: bool = True,
        dropout: float = 0.0,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.key_dim = heads * (key_dim or channels // heads)
        self.value_dim = heads * (value_dim or channels // heads)
        self.dropout = dropout
        self.channels_last = channels_last
        self.qkv = nn.Linear(channels, 2 * self.key_dim + self.value_dim, bias=bias)
        self.proj = nn.Linear(self.value_dim, channels, bias=proj_bias)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x if self.channels_last else x.movedim(1, -1)
        tokens = tokens.flatten(1, -2)
        parts = [self.key_dim, self.key_dim, self.value_dim]
        q, k, v = self.qkv(tokens).split(parts, -1)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = k.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        v = v.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        out: Tensor = self.proj(y.transpose(1, 2).flatten(2))
        return (out if self.channels_last else out.transpose(1, 2)).reshape(x.shape)


class RelativeAttention(nn.Module):
    """Multi-head attention on a map of one size, with a learned bias of each offset."""

    offsets: Tensor

    def __init__(
        self,
        channels: int,
        heads: int,
        size: tuple[int, ...],
        key_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = True,
        proj_bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.key_dim = heads * (key_dim or channels // heads)
        self.value_dim = heads * (value_dim or channels // heads)
        self.dropout = dropout
        self.qkv = nn.Linear(channels, 2 * self.key_dim + self.value_dim, bias=bias)
        self.proj = nn.Linear(self.value_dim, channels, bias=proj_bias)
        count = math.prod(2 * n - 1 for n in size)
        self.table = nn.Parameter(torch.zeros(heads, count))
        grid = torch.meshgrid([torch.arange(n) for n in size], indexing="ij")
        offsets = torch.zeros(math.prod(size), math.prod(size), dtype=torch.long)
        for place, n in zip(grid, size, strict=True):
            apart = place.flatten()[:, None] - place.flatten() + n - 1
            offsets = offsets * (2 * n - 1) + apart
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        parts = [self.key_dim, self.key_dim, self.value_dim]
        q, k, v = self.qkv(tokens).split(parts, -1)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = k.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        v = v.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        bias = self.table[:, self.offsets].expand(x.size(0), -1, -1, -1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
        out: Tensor = self.proj(y.transpose(1, 2).flatten(2))
        return out.transpose(1, 2).reshape(x.shape)


class CrossAttention(nn.Module):
    """Multi-head attention of all positions to those of another tensor."""

    def __init__(
        self,
        channels: int,
        heads: int,
        key_dim: int | None = None,
        value_dim: int | None = None,
        bias: bool = True,
        proj_bias: bool = True,
        dropout: float = 0.0,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.key_dim = heads * (key_dim or channels // heads)
        self.value_dim = heads * (value_dim or channels // heads)
        self.dropout = dropout
        self.channels_last = channels_last
        self.q = nn.Linear(channels, self.key_dim, bias=bias)
        self.kv = nn.Linear(channels, self.key_dim + self.value_dim, bias=bias)
        self.proj = nn.Linear(self.value_dim, channels, bias=proj_bias)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        shape = x.shape
        if not self.channels_last:
            x, other = x.movedim(1, -1), other.movedim(1, -1)
        tokens, others = x.flatten(1, -2), other.flatten(1, -2)
        k, v = self.kv(others).split([self.key_dim, self.value_dim], -1)
        q = self.q(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = k.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        v = v.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        out: Tensor = self.proj(y.transpose(1, 2).flatten(2))
        return (out if self.channels_last else out.transpose(1, 2)).reshape(shape)
