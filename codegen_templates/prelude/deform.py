"""Deformable convolution, which needs torchvision. Pasted into emitted files."""

from torch import Tensor, nn
from torchvision.ops import deform_conv2d  # type: ignore[import-untyped]


class DeformConv2d(nn.Conv2d):
    """Conv2d whose taps an offset moves, and a mask weighs if there is one."""

    def forward(  # type: ignore[override]
        self,
        input: Tensor,
        offset: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        y: Tensor = deform_conv2d(
            input,
            offset,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            mask,
        )
        return y
