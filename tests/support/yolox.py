"""YOLOX in plain torch, after its paper: CSPDarknet, a PAFPN, a decoupled head on each of three maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


def unit(entering: int, leaving: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(entering, leaving, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(leaving, eps=1e-3, momentum=0.03), nn.SiLU())


def wide(entering: int, leaving: int, stride: int = 1) -> nn.Sequential:
    return unit(entering, leaving, 3, stride)


def separable(entering: int, leaving: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(unit(entering, entering, 3, stride, entering), unit(entering, leaving))


class Bottleneck(nn.Sequential):
    """Two units, and what enters added to what leaves them."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class CrossStage(nn.Module):
    """Bottlenecks on half of the channels."""

    def __init__(self, conv, entering: int, leaving: int, count: int, *, shortcut: bool = False) -> None:
        super().__init__()
        half, kind = leaving // 2, Bottleneck if shortcut else nn.Sequential
        self.worked = nn.Sequential(
            unit(entering, half), *[kind(unit(half, half), conv(half, half)) for _ in range(count)]
        )
        self.passed = unit(entering, half)
        self.merge = unit(2 * half, leaving)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(torch.cat([self.worked(x), self.passed(x)], 1))


class Pyramid(nn.Module):
    """Pools of three sizes beside the map itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = unit(channels, channels // 2)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))
        self.merge = unit(2 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(x)
        return self.merge(torch.cat([x, *[pool(x) for pool in self.pools]], 1))


class Head(nn.Module):
    """Classes by one tower, boxes and objectness by another: a row of 5 + classes for each place."""

    def __init__(self, conv, entering: int, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = unit(entering, channels)
        self.classify, self.locate = (
            nn.Sequential(conv(channels, channels), conv(channels, channels)) for _ in range(2)
        )
        self.classes, self.boxes, self.objects = (nn.Conv2d(channels, leaving, 1) for leaving in (classes, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        classes, located = self.classes(self.classify(x)), self.locate(x)
        return torch.cat([self.boxes(located), self.objects(located), classes], 1).flatten(2).transpose(1, 2)


class YOLOX(nn.Module):
    """The whole, to rows of offsets, objectness and classes before any sigmoid."""

    def __init__(self, c: int, depth: int = 1, *, light: bool = False, classes: int = 80) -> None:
        super().__init__()
        conv = separable if light else wide

        def stage(channels: int, count: int, *between: nn.Module) -> nn.Sequential:
            parts = CrossStage(conv, channels, channels, count, shortcut=not between)
            return nn.Sequential(conv(channels // 2, channels, 2), *between, parts)

        self.stem = unit(12, c, 3)
        self.dark2, self.dark3 = stage(2 * c, depth), stage(4 * c, 3 * depth)
        self.dark4, self.dark5 = stage(8 * c, 3 * depth), stage(16 * c, depth, Pyramid(16 * c))
        self.narrow5, self.mix4 = unit(16 * c, 8 * c), CrossStage(conv, 16 * c, 8 * c, depth)
        self.narrow4, self.mix3 = unit(8 * c, 4 * c), CrossStage(conv, 8 * c, 4 * c, depth)
        self.down3, self.remix4 = conv(4 * c, 4 * c, 2), CrossStage(conv, 8 * c, 8 * c, depth)
        self.down4, self.remix5 = conv(8 * c, 8 * c, 2), CrossStage(conv, 16 * c, 16 * c, depth)
        self.heads = nn.ModuleList(Head(conv, channels, 4 * c, classes) for channels in (4 * c, 8 * c, 16 * c))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(torch.cat([x[:, :, row::2, column::2] for column in range(2) for row in range(2)], 1))
        fine = self.dark3(self.dark2(x))
        middle = self.dark4(fine)
        top5 = self.narrow5(self.dark5(middle))
        top4 = self.narrow4(self.mix4(torch.cat([interpolate(top5, scale_factor=2), middle], 1)))
        p3 = self.mix3(torch.cat([interpolate(top4, scale_factor=2), fine], 1))
        p4 = self.remix4(torch.cat([self.down3(p3), top4], 1))
        p5 = self.remix5(torch.cat([self.down4(p4), top5], 1))
        return torch.cat([head(x) for head, x in zip(self.heads, (p3, p4, p5), strict=True)], 1)
