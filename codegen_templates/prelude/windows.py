"""Convolutions and pools that torch does not have, to be pasted into emitted files."""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


def same_zeros(n: int, extent: int, stride: int) -> list[int]:
    """TensorFlow's zeros before and after n elements for ceil(n / stride) windows."""
    total = -n % stride + extent - stride
    total = (total + abs(total)) // 2  # max(total, 0) in terms that a tracer follows
    return [total // 2, total - total // 2]


class Conv1dSame(nn.Conv1d):
    """Conv1d with TensorFlow's SAME padding: ceil(n / stride), the odd zero last."""

    def forward(self, input: Tensor) -> Tensor:
        (k,), (s,), (d,) = self.kernel_size, self.stride, self.dilation
        if s == 1 and k % 2 == 1:
            return F.conv1d(input, self.weight, self.bias, 1, "same", d, self.groups)
        pads = same_zeros(input.size(2), d * (k - 1) + 1, s)
        y: Tensor = self._conv_forward(F.pad(input, pads), self.weight, self.bias)
        return y


class Conv2dSame(nn.Conv2d):
    """Conv2d with TensorFlow's SAME padding: ceil(n / stride), the odd zero last."""

    def forward(self, input: Tensor) -> Tensor:
        if self.stride == (1, 1) and all(k % 2 for k in self.kernel_size):
            return F.conv2d(
                input,
                self.weight,
                self.bias,
                padding="same",
                dilation=self.dilation,
                groups=self.groups,
            )
        pads: list[int] = []
        for axis in (1, 0):
            extent = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            pads += same_zeros(input.size(axis + 2), extent, self.stride[axis])
        y: Tensor = self._conv_forward(F.pad(input, pads), self.weight, self.bias)
        return y


class Conv3dSame(nn.Conv3d):
    """Conv3d with TensorFlow's SAME padding: ceil(n / stride), the odd zero last."""

    def forward(self, input: Tensor) -> Tensor:
        if self.stride == (1, 1, 1) and all(k % 2 for k in self.kernel_size):
            return F.conv3d(
                input,
                self.weight,
                self.bias,
                padding="same",
                dilation=self.dilation,
                groups=self.groups,
            )
        pads: list[int] = []
        for axis in (2, 1, 0):
            extent = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            pads += same_zeros(input.size(axis + 2), extent, self.stride[axis])
        y: Tensor = self._conv_forward(F.pad(input, pads), self.weight, self.bias)
        return y


def entry(size: int | tuple[int, ...], axis: int) -> int:
    """Give an axis its part of a size."""
    return size if isinstance(size, int) else size[axis]


class MaxPool2dSame(nn.MaxPool2d):
    """MaxPool2d with TensorFlow's SAME padding; the border is never the maximum."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for axis in (1, 0):
            k, s = entry(self.kernel_size, axis), entry(self.stride, axis)
            pads += same_zeros(input.size(axis + 2), k, s)
        y: Tensor = super().forward(F.pad(input, pads, value=float("-inf")))
        return y


class AvgPool2dSame(nn.AvgPool2d):
    """AvgPool2d with TensorFlow's SAME padding, counted if `count_include_pad`."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for axis in (1, 0):
            k, s = entry(self.kernel_size, axis), entry(self.stride, axis)
            pads += same_zeros(input.size(axis + 2), k, s)
        y: Tensor = super().forward(F.pad(input, pads))
        if self.count_include_pad:
            return y
        inside: Tensor = super().forward(F.pad(torch.ones_like(input), pads))
        return y / inside  # of the window


class DilatedAvgPool2d(nn.Module):
    """AvgPool2d whose windows have gaps."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        count_include_pad: bool = True,
        dilation: int | tuple[int, int] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding = kernel_size, dilation, padding
        self.stride = kernel_size if stride is None else stride
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        y = self.mean(x)
        if not self.count_include_pad:
            y = y / self.mean(torch.ones_like(x))  # what of the window is inside
        return y[:, :, :: entry(self.stride, 0), :: entry(self.stride, 1)]

    def mean(self, x: Tensor) -> Tensor:
        h, w = entry(self.padding, 0), entry(self.padding, 1)
        x = F.pad(x, [w, w, h, h])
        for axis in (2, 3):
            k, d = entry(self.kernel_size, axis - 2), entry(self.dilation, axis - 2)
            n = x.size(axis) - d * (k - 1)
            total = x.narrow(axis, 0, n)
            for i in range(1, k):
                total = total + x.narrow(axis, i * d, n)
            x = total / k
        return x

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, {self.stride}, {self.padding}, dilation={self.dilation}"


class DynamicConv2d(nn.Module):
    """A convolution without weights of its own: each sample brings its kernel."""

    def __init__(
        self,
        c_in: int,
        out: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.out, self.stride, self.padding = out, stride, padding
        self.dilation, self.groups = dilation, groups
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.shape = (c_in // groups, *size)

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        n = x.size(0)  # the batch becomes groups of one wide sample
        kernel = weight.reshape(n * self.out, *self.shape)
        wide = x.flatten(0, 1).unsqueeze(0)
        y = F.conv2d(
            wide,
            kernel,
            None,
            self.stride,
            self.padding,
            self.dilation,
            n * self.groups,
        )
        return y.view(n, self.out, y.size(2), y.size(3))


def standardized(weight: Tensor, eps: float) -> Tensor:
    """Give the kernel of each output channel a mean of 0 and a variance of 1."""
    kernels = weight.flatten(1)
    variance, mean = torch.var_mean(kernels, 1, correction=0, keepdim=True)
    return ((kernels - mean) / (variance + eps).sqrt()).view_as(weight)


class StdConv1d(nn.Conv1d):
    """Conv1d with weight standardisation."""

    def __init__(
        self,
        c_in: int,
        out: int,
        kernel: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: int | tuple[int] = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            c_in,
            out,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
        )
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        weight = standardized(self.weight, self.eps)
        y: Tensor = self._conv_forward(input, weight, self.bias)
        return y


class StdConv2d(nn.Conv2d):
    """Conv2d with weight standardisation."""

    def __init__(
        self,
        c_in: int,
        out: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            c_in,
            out,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
        )
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        weight = standardized(self.weight, self.eps)
        y: Tensor = self._conv_forward(input, weight, self.bias)
        return y


class StdConv3d(nn.Conv3d):
    """Conv3d with weight standardisation."""

    def __init__(
        self,
        c_in: int,
        out: int,
        kernel: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] = 0,
        dilation: int | tuple[int, int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros",
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            c_in,
            out,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
        )
        self.eps = eps

    def forward(self, input: Tensor) -> Tensor:
        weight = standardized(self.weight, self.eps)
        y: Tensor = self._conv_forward(input, weight, self.bias)
        return y
