"""ShuffleNetV2 torchvision-x1.0.

From "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design"
(arXiv:1807.11164, 2018).

Input N×3×224×224; 2,278,604 parameters, 144,907,992 multiply-adds.
"""

import torch
from torch import Tensor, nn


class ConvBNReLU(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, c_in: int, out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, out, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)


class DWConvBN(nn.Sequential):
    """Depthwise convolution, batch norm."""

    def __init__(self, c_in: int, stride: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(c_in, c_in, 3, stride, 1, groups=c_in, bias=False)
        self.bn = nn.BatchNorm2d(c_in)


class DownUnit(nn.Module):
    """Figure 3 (d) of the paper."""

    def __init__(self, c_in: int, out: int) -> None:
        super().__init__()
        half = out // 2
        self.branch1 = nn.Sequential(DWConvBN(c_in, stride=2), ConvBNReLU(c_in, half))
        self.branch2 = nn.Sequential(
            ConvBNReLU(c_in, half),
            DWConvBN(half, stride=2),
            ConvBNReLU(half, out - half),
        )
        self.channel_shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.channel_shuffle(torch.cat([self.branch1(x), self.branch2(x)], 1))
        return x


class BasicUnit(nn.Module):
    """Figure 3 (c) of the paper."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        half = c_in // 2
        self.branch2 = nn.Sequential(
            ConvBNReLU(half, half),
            DWConvBN(half, stride=1),
            ConvBNReLU(half, half),
        )
        self.shuffle_last = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        kept, worked = torch.chunk(x, 2, 1)
        x = self.shuffle_last(torch.cat([kept, self.branch2(worked)], 1))
        return x


class ShuffleNetV2(nn.Module):
    """N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        dropout: float = 0.0,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        self.conv1 = nn.Sequential(ConvBNReLU(in_chans, 24, kernel=3, stride=2))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.units = nn.Sequential()
        c_in = 24
        for name, repeats, out in [
            ("stage2", 4, 116),
            ("stage3", 8, 232),
            ("stage4", 4, 464),
        ]:
            self.units.add_module(
                name,
                nn.Sequential(
                    DownUnit(c_in, out),
                    *[BasicUnit(out) for _ in range(repeats - 1)],
                ),
            )
            c_in = out
        self.conv5 = ConvBNReLU(464, 1024)
        self.num_features = 1024
        self.head = nn.Sequential(
            pools[global_pool](1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(1024, num_classes) if num_classes else nn.Identity(),
        )

    def forward_features(self, x: Tensor) -> Tensor:
        """Compute the map that enters the head."""
        x = self.conv1(x)
        x = self.maxpool(x)
        x = self.units(x)
        x = self.conv5(x)
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
        self.head[-1] = layer.to(next(self.parameters())).train(self.training)
