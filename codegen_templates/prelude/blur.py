"""Anti-aliased downsampling. Pasted into emitted files."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


def binomial(channels: int, *sizes: int) -> Tensor:
    """Make a filter of binomial coefficients on each axis, of sum 1, a channel."""
    filter = torch.ones(channels, 1)
    for n in sizes:
        row = torch.tensor([math.comb(n - 1, i) / 2 ** (n - 1) for i in range(n)])
        filter = filter.unsqueeze(-1) * row
    return filter


def entry(size: int | tuple[int, ...], axis: int) -> int:
    """Give an axis its part of a size."""
    return size if isinstance(size, int) else size[axis]


class BlurPool1d(nn.Module):
    """A binomial filter over each channel, with a stride (Zhang, 2019)."""

    filter: Tensor

    def __init__(
        self,
        channels: int,
        kernel: int,
        stride: int,
        padding: int,
        padding_mode: str = "reflect",
    ) -> None:
        super().__init__()
        self.channels, self.kernel, self.stride = channels, kernel, stride
        self.pads = [padding, padding]
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        filter = binomial(channels, kernel)
        self.register_buffer("filter", filter, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, self.pads, self.mode)
        return F.conv1d(x, self.filter, None, self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}, {self.pads}, {self.mode}"


class BlurPool2d(nn.Module):
    """A binomial filter over each channel, with a stride (Zhang, 2019)."""

    filter: Tensor

    def __init__(
        self,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int],
        padding: int | tuple[int, int],
        padding_mode: str = "reflect",
    ) -> None:
        super().__init__()
        self.channels, self.kernel, self.stride = channels, kernel, stride
        self.pads = [entry(padding, axis) for axis in (1, 1, 0, 0)]
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        filter = binomial(channels, entry(kernel, 0), entry(kernel, 1))
        self.register_buffer("filter", filter, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, self.pads, self.mode)
        return F.conv2d(x, self.filter, None, self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}, {self.pads}, {self.mode}"


class BlurPool3d(nn.Module):
    """A binomial filter over each channel, with a stride (Zhang, 2019)."""

    filter: Tensor

    def __init__(
        self,
        channels: int,
        kernel: int | tuple[int, int, int],
        stride: int | tuple[int, int, int],
        padding: int | tuple[int, int, int],
        padding_mode: str = "reflect",
    ) -> None:
        super().__init__()
        self.channels, self.kernel, self.stride = channels, kernel, stride
        self.pads = [entry(padding, axis) for axis in (2, 2, 1, 1, 0, 0)]
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        filter = binomial(channels, *(entry(kernel, axis) for axis in range(3)))
        self.register_buffer("filter", filter, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, self.pads, self.mode)
        return F.conv3d(x, self.filter, None, self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}, {self.pads}, {self.mode}"
