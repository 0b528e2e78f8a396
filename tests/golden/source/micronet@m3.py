"""MicroNet m3.

From "MicroNet: Improving Image Recognition with Extremely Low FLOPs" (arXiv:2108.05894,
2021).

Input N×3×224×224; 2,622,960 parameters, 18,236,000 multiply-adds.
"""

import torch
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


class Depthwise(nn.Sequential):
    """Micro-Factorized depthwise convolution: k×1, then 1×k."""

    def __init__(
        self, c_in: int, kernel: int, stride: int, multiplier: int = 1
    ) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            c_in,
            c_in * multiplier,
            (kernel, 1),
            (stride, 1),
            ((kernel - 1) // 2, 0),
            groups=c_in,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(c_in * multiplier)
        self.dwconv_2 = nn.Conv2d(
            c_in * multiplier,
            c_in * multiplier * multiplier,
            (1, kernel),
            (1, stride),
            (0, (kernel - 1) // 2),
            groups=c_in * multiplier,
            bias=False,
        )
        self.bn_2 = nn.BatchNorm2d(c_in * multiplier * multiplier)


class Shift(nn.Module):
    """A channel gives way to the next channel of the next group."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        x = torch.unflatten(x, 1, (self.groups, -1)).roll((-1, -1), (1, 2))
        return x.flatten(1, 2)


class Coefficients(nn.Module):
    """n coefficients for each channel, all in [-2, 2]."""

    def __init__(self, c_in: int, reduction: int) -> None:
        super().__init__()
        self.global_avg_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        linear_out = make_divisible(c_in // reduction, 4)
        self.linear = nn.Linear(c_in, linear_out)
        self.relu = nn.ReLU(inplace=True)
        self.linear_2 = nn.Linear(linear_out, 4 * c_in)
        self.hard_sigmoid = nn.Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear_2(self.relu(self.linear(self.flatten(self.global_avg_pool(x)))))
        return torch.unflatten((self.hard_sigmoid(x) - 0.5) * 4, 1, (-1, 1, 1))


class ShiftMax(nn.Module):
    """Dynamic Shift-Max with J = K = 2."""

    def __init__(self, c_in: int, groups: int, reduction: int) -> None:
        super().__init__()
        self.shift = Shift(groups)
        self.coefficients = Coefficients(c_in, reduction)

    def forward(self, x: Tensor) -> Tensor:
        shifted = self.shift(x)
        a1, b1, a2, b2 = torch.chunk(self.coefficients(x), 4, 1)
        return torch.maximum(
            (a1 + 1) * x + b1 * shifted, (a2 + 0.5) * x + (b2 + 0.5) * shifted
        )


class Pointwise(nn.Sequential):
    """One factor of a Micro-Factorized pointwise convolution."""

    def __init__(self, c_in: int, out: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, out, 1, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)


class Squeeze(nn.Sequential):
    """Pointwise convolution to fewer channels, and their shuffle."""

    def __init__(self, c_in: int, out: int, groups: int) -> None:
        super().__init__()
        self.pointwise = Pointwise(c_in, out, groups)
        self.channel_shuffle = nn.ChannelShuffle(groups)


class LiteRow(nn.Module):
    """Micro-Block-A: the depthwise convolution expands."""

    def __init__(self, c_in: int, stride: int, out: int, g1: int) -> None:
        super().__init__()
        self.depthwise = Depthwise(c_in, kernel=3, stride=stride, multiplier=2)
        self.shift_max = ShiftMax(4 * c_in, g1, reduction=8)
        self.channel_shuffle = nn.ChannelShuffle(g1)
        self.channel_shuffle_2 = nn.ChannelShuffle(2 * c_in)
        self.squeeze = Squeeze(4 * c_in, out, groups=4)
        self.residual = stride == 1 and c_in == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.channel_shuffle_2(
            self.channel_shuffle(self.shift_max(self.depthwise(x))),
        )
        y = self.squeeze(y)
        return x + y if self.residual else y


class FullRow(nn.Module):
    """The expansion that ends one block of the paper, and the rest of the next."""

    def __init__(
        self, c_in: int, stride: int, out: int, kernel: int, g1: int, g2: int, r: int
    ) -> None:
        super().__init__()
        hidden = c_in * 6
        self.pointwise = Pointwise(c_in, hidden, g1)
        self.shift_max = nn.ReLU6()
        self.channel_shuffle = nn.ChannelShuffle(g1)
        self.depthwise = Depthwise(hidden, kernel, stride)
        self.shift_max_2 = ShiftMax(hidden, hidden // g1, 8 * r)
        self.channel_shuffle_2 = nn.ChannelShuffle(hidden // 2)
        self.squeeze = Squeeze(hidden, out, g2)
        self.residual = stride == 1 and c_in == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.depthwise(
            self.channel_shuffle(self.shift_max(self.pointwise(x))),
        )
        y = self.squeeze(self.channel_shuffle_2(self.shift_max_2(y)))
        return x + y if self.residual else y


class LinearBNSwish(nn.Sequential):
    """Linear layer, batch norm, hard swish."""

    def __init__(self, c_in: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(c_in, out)
        self.bn = nn.BatchNorm1d(out)
        self.hard_swish = nn.Hardswish(inplace=True)


class MicroNet(nn.Module):
    """N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        dropout: float = 0.1,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        self.stem = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(in_chans, 4, (3, 1), (2, 1), (1, 0), bias=False),
                nn.BatchNorm2d(4),
            ),
            nn.Sequential(
                nn.Conv2d(4, 12, (1, 3), (1, 2), (0, 1), groups=4, bias=False),
                nn.BatchNorm2d(12),
            ),
            nn.ChannelShuffle(4),
            nn.ReLU6(),
        )
        self.lite = nn.Sequential()
        c_in = 12
        for s, c, g1 in [(2, 16, 12), (2, 24, 16), (1, 24, 24)]:
            self.lite.append(LiteRow(c_in, s, c, g1))
            c_in = c
        self.full = nn.Sequential()
        c_in = 24
        for s, c, k, g1, g2, r in [
            (2, 32, 5, 6, 4, 1),
            (1, 32, 5, 8, 4, 2),
            (1, 64, 5, 8, 8, 2),
            (1, 80, 5, 8, 8, 2),
            (1, 80, 5, 10, 8, 2),
            (2, 120, 5, 10, 10, 2),
            (1, 120, 5, 12, 10, 2),
            (1, 144, 3, 12, 12, 2),
        ]:
            self.full.append(FullRow(c_in, s, c, k, g1, g2, r))
            c_in = c
        self.expand = nn.Sequential(Pointwise(144, 864, groups=12), nn.ReLU6())
        self.num_features = 1024
        self.head = nn.Sequential(
            pools[global_pool](1),
            nn.Hardswish(inplace=True),
            nn.Flatten(),
            LinearBNSwish(864, 1024),
            nn.Dropout(dropout),
            LinearBNSwish(1024, num_classes) if num_classes else nn.Identity(),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """Compute the map that enters the head."""
        x = self.stem(x)
        x = self.lite(x)
        x = self.full(x)
        x = self.expand(x)
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
        layer = LinearBNSwish(1024, num_classes) if num_classes else nn.Identity()
        for m in layer.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
        self.head[-1] = layer.to(next(self.parameters())).train(self.training)
