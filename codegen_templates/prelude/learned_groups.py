"""Learned group convolutions (CondenseNet). Pasted into emitted files."""

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import Tensor, nn


class LearnedGroupConv(nn.Conv2d):
    """A 1×1 convolution whose groups learn which of its inputs they keep.

    Group i has the output channels i, i + groups, i + 2·groups, …
    """

    mask: Tensor
    stage: Tensor

    def __init__(self, c_in: int, out: int, parts: int, condense: int) -> None:
        super().__init__(c_in, out, 1, bias=False)
        self.parts, self.condense_by = parts, condense
        whole = torch.ones(out, c_in, 1, 1, dtype=torch.bool)
        self.register_buffer("mask", whole)
        self.register_buffer("stage", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask)

    def set_progress(self, progress: float) -> None:
        """Drop what is due at this part of the training, from 0 to 1.

        Drop s of condense - 1 is due at s / (2 * (condense - 1)).
        """
        last = self.condense_by - 1
        due = sum(2 * progress >= s / last for s in range(1, last + 1))
        while int(self.stage) < due:
            self.drop()

    def condense(self) -> None:
        """Drop all that is ever dropped."""
        self.set_progress(1.0)

    def drop(self) -> None:
        """Drop the weakest inputs of each group, one in `condense` of all."""
        count = self.in_channels // self.condense_by
        dropped = int(self.stage) * count
        norms = self.weight.detach().double().mul(self.mask).abs().flatten(1)
        for i in range(self.parts):
            gone = ~self.mask[i].flatten()
            order = norms[i :: self.parts].sum(0).masked_fill(gone, -1.0).argsort()
            weakest = order[dropped : dropped + count]
            self.mask[i :: self.parts, weakest] = False
        self.stage += 1

    def lasso(self) -> Tensor:
        """Compute the group lasso, to be added to the loss; none at the end."""
        if int(self.stage) >= self.condense_by - 1:
            return self.weight.new_zeros(())
        groups = (self.weight * self.mask).view(-1, self.parts, self.in_channels)
        return groups.square().sum(0).clamp(min=1e-6).sqrt().sum()

    def deployed(self) -> dict[str, Tensor]:
        """Give the state of the same layer as a CondensedConv."""
        if int(self.stage) < self.condense_by - 1:
            raise RuntimeError("this layer is not condensed to the end: condense() it")
        index = [self.mask[i].flatten().nonzero()[:, 0] for i in range(self.parts)]
        rows = [self.weight[i :: self.parts][:, kept] for i, kept in enumerate(index)]
        return {"index": torch.cat(index), "conv.weight": torch.cat(rows).detach()}


class Condensing(nn.Module):
    """A network with learned group convolutions."""

    def learned(self) -> list[LearnedGroupConv]:
        """List the layers that condense."""
        return [m for m in self.modules() if isinstance(m, LearnedGroupConv)]

    def set_progress(self, progress: float) -> None:
        """Condense as far as is due at this part of the training, from 0 to 1."""
        for layer in self.learned():
            layer.set_progress(progress)

    def condense(self) -> None:
        """Condense to the end."""
        self.set_progress(1.0)

    def lasso(self) -> Tensor:
        """Compute the group lasso of all layers."""
        return torch.stack([layer.lasso() for layer in self.learned()]).sum()


class CondensedConv(nn.Module):
    """A learned group convolution at work: inputs chosen, groups, channels put back."""

    index: Tensor

    def __init__(self, c_in: int, out: int, groups: int, condense: int) -> None:
        super().__init__()
        kept = c_in // condense * groups
        self.register_buffer("index", torch.arange(kept) % c_in)
        self.conv = nn.Conv2d(kept, out, 1, groups=groups, bias=False)
        self.shuffle = nn.ChannelShuffle(groups)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.shuffle(self.conv(x.index_select(1, self.index)))
        return y


class LearnedLinear(nn.Linear):
    """A linear layer that reads a part of its inputs once it is deployed."""

    def __init__(self, c_in: int, out: int, condense: int) -> None:
        super().__init__(c_in, out)
        self.condense_by = condense

    def deployed(self) -> dict[str, Tensor]:
        """Give the state of a CondensedLinear on the strongest inputs."""
        norms = self.weight.detach().double().abs().sum(0)
        index = norms.argsort()[-(self.in_features // self.condense_by) :]
        weight = self.weight.detach()[:, index]
        return {
            "index": index,
            "linear.weight": weight,
            "linear.bias": self.bias.detach(),
        }


class CondensedLinear(nn.Module):
    """A linear layer on chosen inputs."""

    index: Tensor

    def __init__(self, c_in: int, out: int, condense: int) -> None:
        super().__init__()
        self.register_buffer("index", torch.arange(c_in // condense))
        self.linear = nn.Linear(c_in // condense, out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x.index_select(1, self.index))
        return y
