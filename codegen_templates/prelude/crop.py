"""Cuts out of the middle of maps. Pasted into emitted files."""

from torch import Tensor, nn


def middle(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Cut a size out of the middle of a map."""
    for axis, n in enumerate(size, 2):
        x = x.narrow(axis, (x.size(axis) - n) // 2, n)
    return x


class CenterCrop(nn.Module):
    """The middle of a map."""

    def __init__(self, *size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return middle(x, self.size)

    def extra_repr(self) -> str:
        return f"{self.size}"


class CropLike(nn.Module):
    """The middle of a map, of the size of another one."""

    def __init__(self, rank: int = 2) -> None:
        super().__init__()
        self.axes = range(2, rank + 2)

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return middle(x, tuple(like.size(axis) for axis in self.axes))
