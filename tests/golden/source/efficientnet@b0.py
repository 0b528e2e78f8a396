"""EfficientNet b0.

From "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(arXiv:1905.11946, 2019).

Input N×3×224×224; 5,288,548 parameters, 385,814,752 multiply-adds.
"""

import math

import torch.nn.functional as F
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


class ConvBNSiLU(nn.Sequential):
    """Convolution, batch norm and SiLU, "swish" in the paper."""

    def __init__(
        self, c_in: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            c_in, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(out)
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
        self, c_in: int, ratio: int, kernel: int, stride: int, out: int, drop: float
    ) -> None:
        super().__init__()
        hidden = c_in * ratio
        skip = stride == 1 and c_in == out
        self.expand = ConvBNSiLU(c_in, hidden) if ratio != 1 else nn.Identity()
        self.depthwise = ConvBNSiLU(
            hidden, hidden, kernel=kernel, stride=stride, groups=hidden
        )
        self.squeeze_excite = SqueezeExcite(hidden, c_in // 4)
        self.project = nn.Conv2d(hidden, out, 1, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.drop_connect = DropConnect(drop) if skip else nn.Identity()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(
            self.project(self.squeeze_excite(self.depthwise(self.expand(x)))),
        )
        y = self.drop_connect(y)
        return x + y if self.skip else y


class EfficientNet(nn.Module):
    """N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        dropout: float = 0.2,
        drop_connect: float = 0.2,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        self.stem = ConvBNSiLU(in_chans, 32, kernel=3, stride=2)
        self.body = nn.Sequential()
        c_in = 32
        block = 0
        for e, k, s, out, repeats in [
            (1, 3, 1, 16, 1),
            (6, 3, 2, 24, 2),
            (6, 5, 2, 40, 2),
            (6, 3, 2, 80, 3),
            (6, 5, 1, 112, 3),
            (6, 5, 2, 192, 4),
            (6, 3, 1, 320, 1),
        ]:
            stage = nn.Sequential()
            for i in range(repeats):
                stage.append(
                    MBConv(
                        c_in, e, k, s if i == 0 else 1, out, drop_connect * block / 16
                    ),
                )
                c_in = out
                block += 1
            self.body.append(stage)
        self.num_features = 1280
        self.head = nn.Sequential(
            ConvBNSiLU(320, 1280),
            pools[global_pool](1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(1280, num_classes) if num_classes else nn.Identity(),
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
