"""Attention is that of torch and of timm, with their weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from torch import nn

import archdsl

timm_layers = pytest.importorskip("timm.layers")


def network(*steps, shape=(8, 6), inputs=None):
    """A network of one stage, in eval mode."""
    spec = {"archdsl": 1, "name": "Small", "stages": {"a": list(steps)}}
    spec |= {"inputs": inputs} if inputs else {"input": list(shape)}
    torch.manual_seed(0)
    return archdsl.build(spec, verify=True).eval()


def test_attention_is_torchs_multi_head_attention():
    net, theirs = (
        network({"multihead_attention": {"heads": 2, "axis": "w"}}, shape=(6, 8)),
        nn.MultiheadAttention(8, 2, batch_first=True),
    )
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = net.a.qkv.weight.data, net.a.qkv.bias.data
    theirs.out_proj.load_state_dict(net.a.proj.state_dict())
    x = torch.randn(3, 6, 8)
    torch.testing.assert_close(net(x), theirs(x, x, x, need_weights=False)[0])


def test_cross_attention_is_torchs_multi_head_attention():
    steps = [{"multihead_attention": {"heads": 4, "kv": "y"}, "from": "x"}]
    net = network(*steps, inputs={"x": [8, 3, 4], "y": [8, 5]})
    theirs = nn.MultiheadAttention(8, 4, batch_first=True)
    (layer,) = [module for module in net.modules() if hasattr(module, "kv")]
    theirs.in_proj_weight.data = torch.cat([layer.q.weight, layer.kv.weight]).data
    theirs.in_proj_bias.data = torch.cat([layer.q.bias, layer.kv.bias]).data
    theirs.out_proj.load_state_dict(layer.proj.state_dict())
    x, y = torch.randn(2, 8, 3, 4), torch.randn(2, 8, 5)
    tokens, others = x.flatten(2).mT, y.mT
    wanted = theirs(tokens, others, others, need_weights=False)[0].mT.view(x.shape)
    torch.testing.assert_close(net(x, y), wanted)


@pytest.mark.parametrize("bias", [False, True])
def test_attention_has_the_keys_and_the_outputs_of_timms(bias):
    net = network({"multihead_attention": {"heads": 2, "axis": "w", "bias": bias}}, shape=(6, 8))
    theirs = timm_layers.Attention(8, num_heads=2, qkv_bias=bias).eval()
    theirs.load_state_dict(net.a.state_dict())
    x = torch.randn(3, 6, 8)
    torch.testing.assert_close(net(x), theirs(x))


def test_relative_positions_are_those_of_swin():
    from timm.models.swin_transformer import WindowAttention

    net = network({"multihead_attention": {"heads": 2, "relative": True}}, shape=(8, 3, 3))
    nn.init.normal_(net.a.table)
    theirs = WindowAttention(8, 2, window_size=(3, 3)).eval()
    theirs.relative_position_bias_table.data = net.a.table.data.T.clone()
    theirs.load_state_dict({**theirs.state_dict(), **{k: v for k, v in net.a.state_dict().items() if k != "table"}})
    x = torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(net(x), theirs(x.flatten(2).mT).mT.view(x.shape))


def test_attention_of_projected_tensors_is_that_of_torch():
    net = network({"scaled_dot_product_attention": {"k": "k", "v": "v"}, "from": "q"},
                  inputs={"q": [2, 7, 8], "k": [2, 5, 8], "v": [2, 5, 6]})  # fmt: skip
    q, k, v = torch.randn(3, 2, 7, 8), torch.randn(3, 2, 5, 8), torch.randn(3, 2, 5, 6)
    torch.testing.assert_close(net(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_the_products_of_attention_count_as_multiply_adds():
    spec = {"archdsl": 1, "name": "Small", "input": [8, 4, 5], "stages": {"a": [{"multihead_attention": {"heads": 2}}]}}
    cost = archdsl.cost(spec)
    projections, products = 20 * 8 * 8 * 4, 2 * 20 * 20 * 8
    assert (cost.params, cost.macs) == (4 * 8 * 8 + 4 * 8, projections + products)
