"""ESPNet q8.

From "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic
Segmentation" (arXiv:1803.06815, 2018).

Input N×3×256×512; 364,569 parameters, 1,177,360,384 multiply-adds.
"""

from itertools import accumulate

import torch
from torch import Tensor, nn


def norm(channels: int) -> nn.BatchNorm2d:
    """Make a norm with the constants of this network."""
    return nn.BatchNorm2d(channels, eps=0.001)


class CBR(nn.Sequential):
    """Convolution, batch norm, PReLU."""

    def __init__(self, c_in: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, out, 3, stride, 1, bias=False)
        self.bn = norm(out)
        self.prelu = nn.PReLU(out)


class ImagePool(nn.Sequential):
    """The image, half as large."""

    def __init__(self) -> None:
        super().__init__()
        self.avg_pool = nn.AvgPool2d(3, 2, 1)


class BR(nn.Sequential):
    """Batch norm, PReLU."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.bn = norm(c_in)
        self.prelu = nn.PReLU(c_in)


class ESP(nn.Module):
    """Figure 1: reduce, split, transform, merge."""

    def __init__(self, c_in: int, out: int, skip: bool, stride: int = 1) -> None:
        super().__init__()
        d = out // 5
        d1 = out - 4 * d
        self.reduce = nn.Conv2d(
            c_in,
            d,
            3 if stride == 2 else 1,
            stride,
            1 if stride == 2 else 0,
            bias=False,
        )
        self.conv = nn.Conv2d(d, d1, 3, padding=1, bias=False)
        self.branches = nn.ModuleList(
            nn.Conv2d(d, d, 3, padding=dilation, dilation=dilation, bias=False)
            for dilation in [2, 4, 8, 16]
        )
        self.skip = skip
        self.br = BR(out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.reduce(x)
        branch1 = self.conv(y)
        y = torch.cat([branch1, *accumulate(branch(y) for branch in self.branches)], 1)
        x = self.br(x + y if self.skip else y)
        return x


class ESPNet(nn.Module):
    """N×3×256×512 in, N×20×256×512 out."""

    def __init__(self, num_classes: int = 20) -> None:
        super().__init__()
        self.level1 = CBR(3, 16, stride=2)
        self.merge1_image_pool = ImagePool()
        self.merge1_br = BR(19)
        self.level2_down = ESP(19, 64, skip=False, stride=2)
        self.level2_units = nn.Sequential(*[ESP(64, 64, skip=True) for _ in range(2)])
        self.merge2_branch3 = nn.Sequential(ImagePool(), ImagePool())
        self.merge2_br = BR(131)
        self.level3_down = ESP(131, 128, skip=False, stride=2)
        self.level3_units = nn.Sequential(*[ESP(128, 128, skip=True) for _ in range(8)])
        self.merge3 = BR(256)
        self.classifier = nn.Conv2d(256, num_classes, 1, bias=False)
        self.decoder4_bn = norm(num_classes)
        self.decoder4_conv_transpose = nn.ConvTranspose2d(
            num_classes, num_classes, 2, 2, bias=False
        )
        self.decoder4_conv = nn.Conv2d(131, num_classes, 1, bias=False)
        self.decoder4_br = BR(2 * num_classes)
        self.decoder4_esp = ESP(2 * num_classes, num_classes, skip=False)
        self.decoder2_conv_transpose = nn.ConvTranspose2d(
            num_classes, num_classes, 2, 2, bias=False
        )
        self.decoder2_br = BR(num_classes)
        self.decoder2_cbr = CBR(num_classes + 16, num_classes)
        self.decoder1 = nn.ConvTranspose2d(num_classes, num_classes, 2, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        torch._assert(  # type: ignore[no-untyped-call]
            -x.size(2) % 8 <= 1, "the height must be a multiple of 8, or 1 less"
        )
        torch._assert(  # type: ignore[no-untyped-call]
            -x.size(3) % 8 <= 1, "the width must be a multiple of 8, or 1 less"
        )
        level1 = self.level1(x)
        y = self.merge1_br(torch.cat([level1, self.merge1_image_pool(x)], 1))
        down = self.level2_down(y)
        y = self.level2_units(down)
        x = self.merge2_br(torch.cat([y, down, self.merge2_branch3(x)], 1))
        down = self.level3_down(x)
        y = self.level3_units(down)
        y = self.merge3(torch.cat([down, y], 1))
        y = self.classifier(y)
        y = self.decoder4_conv_transpose(self.decoder4_bn(y))
        branch1 = self.decoder4_conv(x)
        x = self.decoder4_esp(self.decoder4_br(torch.cat([branch1, y], 1)))
        x = torch.cat([self.decoder2_br(self.decoder2_conv_transpose(x)), level1], 1)
        x = self.decoder2_cbr(x)
        x = self.decoder1(x)
        return x
