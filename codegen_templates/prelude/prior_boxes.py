"""Default boxes of detectors. Pasted into emitted files."""

import math

import torch
from torch import Tensor, nn


class PriorBoxes(nn.Module):
    """Default boxes of a map's cells, as corners in parts of the image.

    `forward` takes a map of these cells alone; another one raises `AssertionError`.
    """

    boxes: Tensor

    def __init__(
        self,
        cells: tuple[int, int],
        image: int,
        min: float,
        max: float,
        aspects: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.height, self.width = cells
        sides = [(min, min), (math.sqrt(min * max), math.sqrt(min * max))]
        for a in aspects:
            long, short = min * math.sqrt(a), min / math.sqrt(a)
            sides += [(long, short), (short, long)]
        boxes: list[float] = []
        for row in range(cells[0]):
            for column in range(cells[1]):
                x, y = (column + 0.5) / cells[1], (row + 0.5) / cells[0]
                for w, h in sides:
                    right, down = w / image / 2, h / image / 2
                    boxes += [x - right, y - down, x + right, y + down]
        self.register_buffer("boxes", torch.tensor(boxes), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        torch._assert(  # type: ignore[no-untyped-call]
            x.size(2) == self.height, f"the map must be {self.height} high"
        )
        torch._assert(  # type: ignore[no-untyped-call]
            x.size(3) == self.width, f"the map must be {self.width} wide"
        )
        return self.boxes.repeat(x.size(0), 1)
