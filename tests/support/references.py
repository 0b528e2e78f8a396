"""Networks in plain torch, for specs that no library has a counterpart of, or has it in parts."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def double_conv(entering: int, leaving: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU(),
        nn.Conv2d(leaving, leaving, 3, padding=1, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU(),
    )


class Up(nn.Module):
    """A map twice as fine, put behind the one of the way down."""

    def __init__(self, leaving: int, *, bilinear: bool) -> None:
        super().__init__()
        coarse = 2 * leaving
        smooth = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(coarse, leaving, 1, bias=False))
        self.finer = smooth if bilinear else nn.ConvTranspose2d(coarse, leaving, 2, 2)
        self.convs = double_conv(coarse, leaving)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.convs(torch.cat([skip, self.finer(x)], 1))


class UNet(nn.Module):
    """The U-Net of four levels."""

    def __init__(self, classes: int = 2, width: int = 64, *, bilinear: bool = False) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.down = nn.ModuleList(double_conv(*pair) for pair in zip([3, *widths], widths, strict=False))
        self.up = nn.ModuleList(Up(leaving, bilinear=bilinear) for leaving in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for number, block in enumerate(self.down):
            x = block(nn.functional.max_pool2d(x, 2) if number else x)
            maps.append(x)
        x = maps.pop()
        for block in self.up:
            x = block(x, maps.pop())
        return self.head(x)


def raw_audio(first: int, rows: list[tuple[int, int]], classes: int = 10) -> nn.Sequential:
    """A network of the paper's Table 1: a pool of four behind all but the fifth row."""

    def layer(entering: int, leaving: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
        conv = nn.Conv1d(entering, leaving, kernel, stride, (kernel - 1) // 2, bias=False)
        return [conv, nn.BatchNorm1d(leaving), nn.ReLU()]

    parts = [*layer(1, first, 80, 4), nn.MaxPool1d(4)]
    channels = first
    for number, (leaving, count) in enumerate(rows):
        for _ in range(count):
            parts += layer(channels, leaving)
            channels = leaving
        parts += [nn.MaxPool1d(4)] if number < 3 else []
    return nn.Sequential(*parts, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(channels, classes))


class RetinaNet(nn.Module):
    """Torchvision's detector from the image to the scores and the boxes of its anchors, without what picks some."""

    def __init__(self) -> None:
        from torchvision.models.detection import retinanet_resnet50_fpn

        super().__init__()
        whole = retinanet_resnet50_fpn(weights=None, weights_backbone=None)
        self.backbone, self.head = whole.backbone, whole.head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = self.head(list(self.backbone(x).values()))
        return found["cls_logits"].flatten(1), found["bbox_regression"].flatten(1)
