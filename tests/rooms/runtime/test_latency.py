"""The network of one kernel: the same ops on the same shapes, as a module that runs."""

from __future__ import annotations

import archdsl
from archdsl.analysis.kernels import kernels
from archdsl.runtime import module
from archdsl.runtime.latency.networks import network_of
from archdsl.runtime.verify import verify

NET = """
archdsl: 1
name: Mixed
inputs: {image: [4, 8, 8], weight: [8, 1, 1]}
blocks:
  Unit: {body: [conv: {out: 8, kernel: 3, groups: 4}, bn, silu]}
stages:
  stem: {from: image, body: [Unit, {split: 2, as: [left, right]}, {concat: [right, left]}]}
  gate: [{mul: [stem, weight], as: gated}, {formula: gated * 2 - stem}, dwconv: {kernel: [3, 1]}, hard_swish]
  down: [max_pool: {kernel: 2, stride: 2}, {upsample: {like: gate}}, {rearrange: c h w -> (h w) c}]
  norm: [layer_norm, {rearrange: {pattern: (h w) c -> c h w, h: 8}}]
  head: [global_avg_pool, flatten, {dropout: 0.2}, {linear: 4}, relu]
"""


def test_a_kernel_is_a_network_of_its_own_with_the_same_key():
    tried = set()
    for form, engine in (("train", "eager"), ("deploy", "eager"), ("train", "onnxruntime")):
        for kernel in kernels(archdsl.graph(NET, form=form), engine):
            if kernel.key in tried:
                continue
            tried.add(kernel.key)
            alone = network_of(kernel)
            (same,) = kernels(alone, engine)
            assert same.key == kernel.key
            assert [node.functional for node in alone.nodes] == [node.functional for node in kernel.nodes]
            verify(module.build(alone), alone)
    assert len(tried) > 30
