"""Learned tensors are paired too: a class token, positions, the scales of layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archdsl

vision_transformer = pytest.importorskip("timm.models.vision_transformer")

MLP = [{"linear": {"out": "2 * w_in", "axis": "w"}}, "gelu", {"linear": {"out": "w_in", "axis": "w"}}]
ATTENTION = {"multihead_attention": {"heads": 2, "axis": "w"}}
SCALE = {"scale": {"axis": "w"}}
SPEC = {
    "archdsl": 1,
    "name": "ViT",
    "input": [3, 16, 16],
    "params": {"dim": 8, "num_classes": 5},
    "blocks": {
        "Layer": {
            "body": [
                {"residual": [ATTENTION, SCALE]},
                {"residual": [*MLP, SCALE]},
            ]
        }
    },
    "stages": {
        "embed": [
            {"conv": {"out": "dim", "kernel": 4, "stride": 4, "padding": 0}},
            {"rearrange": {"pattern": "c h w -> (h w) c"}, "as": "patches"},
            {"param": {"shape": [1, "dim"]}, "as": "cls"},
            {"concat": {"axis": "c", "of": ["cls", "patches"]}},
            {"as": "tokens"},
            {"param": {"shape": [17, "dim"], "init": "trunc_normal"}, "as": "pos"},
            {"add": ["tokens", "pos"]},
        ],
        "blocks": [{"repeat": 2, "body": ["Layer"]}],
        "head": [{"take": 1}, {"rearrange": {"pattern": "1 c -> c"}}, {"linear": "num_classes"}],
    },
}


@pytest.mark.parametrize("given", [True, False], ids=["with the network", "from the file"])
def test_a_vision_transformer_of_timm_is_ported(given):
    torch.manual_seed(0)
    theirs = vision_transformer.VisionTransformer(
        16, 4, num_classes=5, embed_dim=8, depth=2, num_heads=2, mlp_ratio=2, norm_layer=nn.Identity, init_values=0.5
    ).eval()
    assert_ported(theirs, SPEC, given=given)


def assert_ported(theirs, spec, *, given):
    """With weights carried over, the network of the spec gives what theirs gives."""
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    ported = archdsl.port(theirs.state_dict(), spec, reference=theirs if given else None)
    net = archdsl.build(spec).eval()
    net.load_state_dict(ported.state)
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(net(x), theirs(x))


@pytest.mark.parametrize("given", [True, False], ids=["with the network", "from the file"])
def test_attention_layers_of_torch_are_ported(given):
    """`nn.MultiheadAttention` packs three layers in a tensor of its own and never calls its last layer."""
    torch.manual_seed(0)
    models = pytest.importorskip("torchvision.models")
    theirs = models.VisionTransformer(16, 4, 2, 2, 8, 16, num_classes=5, norm_layer=lambda _: nn.Identity()).eval()
    plain = {"Layer": {"body": [{"residual": [ATTENTION]}, {"residual": MLP}]}}
    assert_ported(theirs, SPEC | {"blocks": plain}, given=given)
