"""PeleeNet 1.0.

From "Pelee: A Real-Time Object Detection System on Mobile Devices" (arXiv:1804.06882,
2018).

Input N×3×224×224; 2,802,248 parameters, 507,757,568 multiply-adds.
"""

import torch
from torch import Tensor, nn


class ConvBNReLU(nn.Sequential):
    """'composite function'.

    Post-activation, so that BN can be merged into the convolution.
    """

    def __init__(self, c_in: int, out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, out, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)


class StemBlock(nn.Module):
    """Figure 2 of the paper."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBNReLU(c_in, 32, kernel=3, stride=2)
        self.max_pool = nn.MaxPool2d(2)
        self.branch2 = nn.Sequential(
            ConvBNReLU(32, 16),
            ConvBNReLU(16, 32, kernel=3, stride=2),
        )
        self.conv_bn_relu_2 = ConvBNReLU(64, 32)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_bn_relu(x)
        x = self.conv_bn_relu_2(torch.cat([self.max_pool(x), self.branch2(x)], 1))
        return x


class TwoWayDenseLayer(nn.Module):
    """Figure 1 of the paper."""

    def __init__(self, c_in: int, bottleneck: int) -> None:
        super().__init__()
        inner = 16 * bottleneck
        self.branch2 = nn.Sequential(
            ConvBNReLU(c_in, inner),
            ConvBNReLU(inner, 16, kernel=3),
        )
        self.branch3 = nn.Sequential(
            ConvBNReLU(c_in, inner),
            ConvBNReLU(inner, 16, kernel=3),
            ConvBNReLU(16, 16, kernel=3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.branch2(x), self.branch3(x)], 1)


class Transition(nn.Sequential):
    """'without compression': as many channels leave as enter."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBNReLU(c_in, c_in)


class PeleeNet(nn.Module):
    """N×3×224×224 in, N×1000 out."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        dropout: float = 0.05,
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        pools = {"avg": nn.AdaptiveAvgPool2d, "max": nn.AdaptiveMaxPool2d}
        if global_pool not in pools:
            raise ValueError("global_pool is one of " + ", ".join(pools))
        self.stem = StemBlock(in_chans)
        self.dense = nn.Sequential()
        c_in = 32
        for name, layers, bottleneck, pool in [
            ("stage1", 3, 1, True),
            ("stage2", 4, 2, True),
            ("stage3", 8, 4, True),
            ("stage4", 6, 4, False),
        ]:
            stage = nn.Sequential()
            for _ in range(layers):
                stage.append(TwoWayDenseLayer(c_in, bottleneck))
                c_in += 32
            stage.add_module("transition", Transition(c_in))
            if pool:
                stage.append(nn.AvgPool2d(2))
            self.dense.add_module(name, stage)
        self.num_features = 704
        self.head = nn.Sequential(
            pools[global_pool](1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(704, num_classes) if num_classes else nn.Identity(),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """Compute the map that enters the head."""
        torch._assert(  # type: ignore[no-untyped-call]
            -x.size(2) % 4 <= 1, "the height must be a multiple of 4, or 1 less"
        )
        torch._assert(  # type: ignore[no-untyped-call]
            -x.size(3) % 4 <= 1, "the width must be a multiple of 4, or 1 less"
        )
        x = self.stem(x)
        x = self.dense(x)
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
