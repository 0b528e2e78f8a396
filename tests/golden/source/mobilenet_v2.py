"""MobileNetV2.

From "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (arXiv:1801.04381, 2018).

One class for all variants: VARIANTS has the arguments of each. Without arguments, it is
1.00-224: input N×3×224×224; 3,504,872 parameters, 300,774,272 multiply-adds.
"""

from typing import Any

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


class ConvBNReLU6(nn.Sequential):
    """Convolution, batch norm, ReLU6."""

    def __init__(
        self, c_in: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            c_in, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(out)
        self.relu6 = nn.ReLU6(inplace=True)


class InvertedResidual(nn.Module):
    """Table 1, Figure 4 (d) of the paper."""

    def __init__(self, c_in: int, t: int, out: int, stride: int) -> None:
        super().__init__()
        hidden = c_in * t
        self.expand = ConvBNReLU6(c_in, hidden) if t != 1 else nn.Identity()
        self.depthwise = ConvBNReLU6(
            hidden, hidden, kernel=3, stride=stride, groups=hidden
        )
        self.project = nn.Conv2d(hidden, out, 1, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.residual = stride == 1 and c_in == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.project(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """By default N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        width: float = 1.0,
        dropout: float = 0.2,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        stem_out = make_divisible(32 * width)
        self.stem = ConvBNReLU6(in_chans, stem_out, kernel=3, stride=2)
        self.bottlenecks = nn.Sequential()
        c_in = stem_out
        for t, c, n, s in [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]:
            out = make_divisible(c * width)
            stage = nn.Sequential()
            for i in range(n):
                stage.append(InvertedResidual(c_in, t, out, s if i == 0 else 1))
                c_in = out
            self.bottlenecks.append(stage)
        head_width = make_divisible(1280 * max(width, 1))
        self.num_features = head_width
        self.head = nn.Sequential(
            ConvBNReLU6(c_in, head_width),
            pools[global_pool](1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(head_width, num_classes) if num_classes else nn.Identity(),
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
        x = self.bottlenecks(x)
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
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.head[-1] = layer.to(next(self.parameters())).train(self.training)


VARIANTS: dict[str, dict[str, Any]] = {
    "1.00-224": {},
    "1.00-192": {},
    "1.00-160": {},
    "1.00-128": {},
    "1.00-96": {},
    "0.35-224": {"width": 0.35},
    "0.50-224": {"width": 0.5},
    "0.75-224": {"width": 0.75},
    "1.30-224": {"width": 1.3},
    "1.40-224": {"width": 1.4},
}
