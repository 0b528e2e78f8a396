"""The form `deploy`: what does nothing in eval mode is gone, and convolutions lie as fast kernels read them."""

from __future__ import annotations

import pytest
import torch
from support.proof import prove_what_prints

import archdsl

HEAD = "archdsl: 1\nname: Net\ninput: [4, 12, 12]\n"
IDLE = ("dropout", "drop_connect", "channel_dropout", "drop_block", "identity")

NETS = {
    "a chain": "stages: {a: [conv: 8, dropout: 0.5, relu, dropout: 0.5, identity]}",
    "a rate that may be 0": """
params: {rate: 0.5}
stages: {a: [conv: 8, {dropout: rate, when: rate > 0}, relu]}
variants: {some: {}, none: {rate: 0}}
default: some
""",
    "a residual": """
blocks:
  Unit:
    params: [out, rate]
    body: [{residual: [conv: {out: out, kernel: 3}, bn, {drop_connect: rate}]}, identity]
stages: {a: [{repeat: 3, body: [Unit: {out: 4, rate: 0.1 * i}]}]}
""",
    "branches": "stages: {a: [concat: [[identity], [dropout: 0.1], [conv: 4, channel_dropout: 0.5]], conv: 4]}",
    "an optional branch": """
params: {wide: true}
stages: {a: [add: [[conv: 4], {when: wide, body: [dropout: 0.1]}], relu]}
variants: {wide: {}, narrow: {wide: false}}
default: wide
""",
    "one or the other": """
params: {wide: true}
stages: {a: [conv: 4, {when: wide, identity: , else: {conv: 4}}]}
variants: {wide: {}, narrow: {wide: false}}
default: wide
""",
    "a stage and a loop of its own": """
stages: {a: [conv: 4], b: [dropout: 0.5], c: [{repeat: 2, body: [dropout: 0.5]}, relu]}
""",
    "a tensor with a name": """
stages: {a: [conv: 4, {dropout: 0.5, as: kept}, conv: 4, add: [[identity], {from: kept}]]}
""",
    "a shared step": "stages: {a: [conv: 4, {name: d, dropout: 0.5}, relu, {dropout: , share: d}]}",
    "a tap": """
stages:
  a: [{name: one, conv: 4}, {name: two, dropout: 0.5}, {name: three, conv: 4}]
  b: [concat: [identity, a.two]]
""",
}


KEPT = {  # what a stage or a branch is, and what others read or run again by its name
    "an optional branch": ["a_dropout"],
    "a stage and a loop of its own": ["b", "c.0", "c.1"],
    "a shared step": ["a_d", "a_d"],
    "a tap": ["a.two"],
}


@pytest.mark.parametrize("net", NETS)
def test_what_does_nothing_is_gone_and_the_rest_computes_the_same(net, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(HEAD + NETS[net], encoding="utf-8")
    x = torch.randn(2, 4, 12, 12, dtype=torch.double)
    model = archdsl.build(file).double().eval()
    made = archdsl.convert(model, file).eval()
    torch.testing.assert_close(made(x), model(x))
    graph = archdsl.graph(file, form="deploy")
    assert prove_what_prints(graph)
    left = [node.path for node in graph.nodes if node.op.name in IDLE]
    assert left == KEPT.get(net, [])


def test_convolutions_lie_channels_last_where_no_layer_has_many_groups(tmp_path):
    file = tmp_path / "net.yaml"
    text = "params: {groups: 1}\nstages: {a: [{conv: {out: 48, groups: 1}}, {conv: {out: 48, groups: groups}}]}\n"
    file.write_text(HEAD + text, encoding="utf-8")
    for groups, apart in ((1, True), (4, True), (8, False), (48, True)):
        net = archdsl.build(file, form="deploy", groups=groups)
        assert net.a[0].weight.is_contiguous(memory_format=torch.channels_last)
        assert ("channels_last" in archdsl.emit(file, form="deploy", groups=groups)) == apart
    made = archdsl.convert(archdsl.build(file), file)
    assert made(torch.randn(2, 4, 12, 12)).is_contiguous(memory_format=torch.channels_last)
    assert archdsl.convert(archdsl.build(file), file, passes=["deploy"]).state_dict().keys() == made.state_dict().keys()
