"""EfficientNet.

From "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(arXiv:1905.11946, 2019).

One class for all variants: VARIANTS has the arguments of each. Without arguments, it is
b0: input N×3×224×224; 5,288,548 parameters, 385,814,752 multiply-adds.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


def make_divisible(
    x: float,
    divisor: int = 8,
    limit: float = 0.9,
    minimum: int | None = None,
) -> int:
    """Round to a multiple of `divisor`, never below `limit` times `x`."""
    least = divisor if minimum is None else minimum
    rounded = max(least, int(x + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * x else rounded


def same_zeros(n: int, extent: int, stride: int) -> list[int]:
    """TensorFlow's zeros before and after n elements for ceil(n / stride) windows."""
    total = -n % stride + extent - stride
    total = (total + abs(total)) // 2  # max(total, 0) in terms that a tracer follows
    return [total // 2, total - total // 2]


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


class ConvBNSiLU(nn.Sequential):
    """Convolution, batch norm and SiLU, "swish" in the paper."""

    def __init__(
        self,
        c_in: int,
        out: int,
        padding: str,
        norm: Callable[[int], nn.Module],
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = (
            nn.Conv2d(
                c_in, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False
            )
            if padding == "keep"
            else Conv2dSame(c_in, out, kernel, stride, groups=groups, bias=False)
        )
        self.bn = norm(out)
        self.silu = nn.SiLU(inplace=True)


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation: a gate for each channel."""

    def __init__(self, c_in: int, squeeze: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(c_in, squeeze, 1),
            nn.SiLU(inplace=True),
            nn.Conv2d(squeeze, c_in, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.gate(x)
        return x


class MBConv(nn.Module):
    """MobileNetV2's inverted residual with squeeze-and-excitation."""

    def __init__(
        self,
        c_in: int,
        ratio: int,
        kernel: int,
        stride: int,
        out: int,
        drop: float,
        padding: str,
        norm: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        hidden = c_in * ratio
        skip = stride == 1 and c_in == out
        self.expand: nn.Module = nn.Identity()
        if ratio != 1:
            self.expand = ConvBNSiLU(c_in, hidden, padding, norm)
        self.depthwise = ConvBNSiLU(
            hidden, hidden, padding, norm, kernel=kernel, stride=stride, groups=hidden
        )
        self.squeeze_excite = SqueezeExcite(hidden, c_in // 4)
        self.project = nn.Conv2d(hidden, out, 1, bias=False)
        self.bn = norm(out)
        self.drop_connect = DropConnect(drop) if skip else nn.Identity()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(
            self.project(self.squeeze_excite(self.depthwise(self.expand(x)))),
        )
        y = self.drop_connect(y)
        return x + y if self.skip else y


class EfficientNet(nn.Module):
    """By default N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        width: float = 1.0,
        depth: float = 1.0,
        dropout: float = 0.2,
        drop_connect: float = 0.2,
        padding: str = "keep",
        eps: float = 1e-05,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=eps)
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        stem_out = make_divisible(32 * width)
        self.stem = ConvBNSiLU(in_chans, stem_out, padding, norm, kernel=3, stride=2)
        self.body = nn.Sequential()
        c_in = stem_out
        block = 0
        blocks = sum(math.ceil(depth * n) for n in [1, 2, 2, 3, 3, 4, 1])
        for e, k, s, c, n in [
            (1, 3, 1, 16, 1),
            (6, 3, 2, 24, 2),
            (6, 5, 2, 40, 2),
            (6, 3, 2, 80, 3),
            (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4),
            (6, 3, 1, 320, 1),
        ]:
            out = make_divisible(c * width)
            repeats = math.ceil(depth * n)
            stage = nn.Sequential()
            for i in range(repeats):
                stage.append(
                    MBConv(
                        c_in,
                        e,
                        k,
                        s if i == 0 else 1,
                        out,
                        drop_connect * block / blocks,
                        padding,
                        norm,
                    ),
                )
                c_in = out
                block += 1
            self.body.append(stage)
        head_width = make_divisible(1280 * width)
        self.num_features = head_width
        self.head = nn.Sequential(
            ConvBNSiLU(c_in, head_width, padding, norm),
            pools[global_pool](1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(head_width, num_classes) if num_classes else nn.Identity(),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                fan_out = m.out_channels * math.prod(m.kernel_size)
                nn.init.normal_(m.weight, std=math.sqrt(2 * m.groups / fan_out))
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                fan_out = m.out_features
                bound = 1 / math.sqrt(fan_out)
                nn.init.uniform_(m.weight, -bound, bound)
                nn.init.zeros_(m.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """Compute the map that enters the head."""
        x = self.stem(x)
        x = self.body(x)
        return x

    def forward_head(self, x: Tensor) -> Tensor:
        """Compute the scores of this map, or its features if there are no classes."""
        x = self.head(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        x = self.forward_features(x)
        x = self.forward_head(x)
        return x

    def get_classifier(self) -> nn.Module:
        """Return the last layer."""
        return self.head[-1]

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last layer; with 0 classes the network returns features."""
        layer = (
            nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
        )
        if isinstance(layer, nn.Linear):
            fan_out = layer.out_features
            bound = 1 / math.sqrt(fan_out)
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)
        self.head[-1] = layer.to(next(self.parameters())).train(self.training)


VARIANTS: dict[str, dict[str, Any]] = {
    "b0": {},
    "b1": {"depth": 1.1},
    "b2": {"width": 1.1, "depth": 1.2, "dropout": 0.3},
    "b3": {"width": 1.2, "depth": 1.4, "dropout": 0.3},
    "b4": {"width": 1.4, "depth": 1.8, "dropout": 0.4},
    "b5": {"width": 1.6, "depth": 2.2, "dropout": 0.4},
    "b6": {"width": 1.8, "depth": 2.6, "dropout": 0.5},
    "b7": {"width": 2.0, "depth": 3.1, "dropout": 0.5},
    "tf-b0": {"padding": "same", "eps": 0.001},
    "tf-b1": {"depth": 1.1, "padding": "same", "eps": 0.001},
    "tf-b2": {
        "width": 1.1,
        "depth": 1.2,
        "dropout": 0.3,
        "padding": "same",
        "eps": 0.001,
    },
    "tf-b3": {
        "width": 1.2,
        "depth": 1.4,
        "dropout": 0.3,
        "padding": "same",
        "eps": 0.001,
    },
    "tf-b4": {
        "width": 1.4,
        "depth": 1.8,
        "dropout": 0.4,
        "padding": "same",
        "eps": 0.001,
    },
    "tf-b5": {
        "width": 1.6,
        "depth": 2.2,
        "dropout": 0.4,
        "padding": "same",
        "eps": 0.001,
    },
    "tf-b6": {
        "width": 1.8,
        "depth": 2.6,
        "dropout": 0.5,
        "padding": "same",
        "eps": 0.001,
    },
    "tf-b7": {
        "width": 2.0,
        "depth": 3.1,
        "dropout": 0.5,
        "padding": "same",
        "eps": 0.001,
    },
}
