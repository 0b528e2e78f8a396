"""Networks, specs and edits for the tests of weights that move."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl

SPEC = {
    "archdsl": 1,
    "name": "Small",
    "input": [3, 12, 12],
    "params": {"act": "relu"},
    "defaults": {"conv": {"bias": False}},
    "stages": {
        "stem": [{"conv": {"out": 8, "kernel": 3}}, "bn", {"act": "act"}],
        "mixed": [
            {"concat": [[{"conv": {"out": 4, "kernel": 3}}, "bn", "relu"], [{"conv": 6}, "relu"]]},
            "bn",
            {"conv": {"out": 5, "bias": True}},
        ],
        "head": ["global_avg_pool", "flatten", {"linear": 4}],
    },
}  # fmt: skip


class Theirs(nn.Module):
    """`SPEC` as someone else writes it: other names, the second branch first, a linear layer as a convolution."""

    def __init__(self, turned: bool = False, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), act())
        self.right = nn.Sequential(nn.Conv2d(8, 6, 1, bias=False), nn.ReLU())
        self.left = nn.Sequential(nn.Conv2d(8, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.norm = nn.BatchNorm2d(10)
        self.last = nn.Conv2d(10, 5, 1)
        self.classes = nn.Conv2d(5, 4, 1)
        self.turned = turned

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        both = [self.right(x), self.left(x)] if self.turned else [self.left(x), self.right(x)]
        x = self.last(self.norm(torch.cat(both, 1)))
        return self.classes(x.mean((2, 3), keepdim=True)).flatten(1)


def alive(net: nn.Module) -> nn.Module:
    """With weights and statistics that are not those of a fresh network, in eval mode."""
    torch.manual_seed(3)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if name.endswith("running_var") else tensor.normal_(0, 0.5)
    return net.eval()


def spec(**changed):
    return {**SPEC, **changed}


def agree(theirs: nn.Module, found, network=SPEC) -> bool:
    """Whether the weights found make ours give what theirs gives."""
    mine = archdsl.build(network).eval()
    mine.load_state_dict(found.state)
    x = torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        return torch.allclose(theirs(x), mine(x), atol=1e-5)


def refusal(code, *args, **kwargs) -> str:
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.port(*args, **kwargs)
    (found,) = caught.value.diagnostics
    assert found.code == code, found
    return str(caught.value)


class Bomb:
    """Code in a pickle: to read it is to run it."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


BLOCKS = """\
archdsl: 1
name: Edited
input: [3, 16, 16]
params: {num_classes: 10}
defaults: {conv: {bias: false}}
blocks:
  Unit:
    params: {out: , kernel: 3, dilation: 1}
    body: [conv: {out: out, kernel: kernel, dilation: dilation}, bn, relu]
  Layer:
    params: [out]
    body: [Unit: {out: out, kernel: 1}, Unit: {out: out}]
stages:
  stem: [Unit: {out: 8}]
  body:
    - Layer: 8
    - Unit: {out: 8, dilation: 2}
    - {repeat: 3, body: [Layer: 12]}
  rows:
    for: [name, c]
    in: [[one, 12], [two, 16]]
    body: [Layer: c]
  head: [global_avg_pool, flatten, linear: num_classes]
"""


def edit(here, *changes: tuple[str, str]) -> str:
    """The spec with these changes, as a file."""
    text = BLOCKS
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    Path("old.yaml").write_text(BLOCKS)
    Path("new.yaml").write_text(text)
    return "new.yaml"
