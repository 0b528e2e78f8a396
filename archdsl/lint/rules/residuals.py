"""Strides: of the branches of a sum, and of windows that are smaller than their steps."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.trace import receptive_fields
from archdsl.lint.base import Finding, Paper, Rule
from archdsl.lint.network import Network, is_map, numbers


class UnequalStrides(Rule, code="unequal-strides"):
    """Maps of the same size show different parts of the image if the strides before them differ.

    Their sizes then agree only by rounding, or because a border was cropped. The rule warns about a sum (or product, or
    maximum) of such maps if the strides differ by more than a quarter.
    """

    title = "a sum of maps with different strides"
    help = "give the branches the same strides"
    wrong = """
stages:
  a: [add: [conv: {out: 8, kernel: 3, stride: 2}, [conv: 8, crop: 32]]]
"""
    right = """
stages:
  a: [add: [conv: {out: 8, kernel: 3, stride: 2}, [conv: 8, avg_pool: 2]]]
"""
    paper = Paper("Deep Residual Learning for Image Recognition", "1512.03385", "Section 3.3")
    apart = 1.25

    def find(self, net: Network) -> Iterator[Finding]:
        reaches = receptive_fields(net.graph)
        for node in net.nodes:
            if node.op.name not in {"add", "reparam", "mul", "max"} or not is_map(node.shape):
                continue
            whole = [
                reach for tensor in node.inputs if (reach := reaches[tensor]) and tensor.shape[1:] == node.shape[1:]
            ]
            for jumps in zip(*(reach.jump for reach in whole), strict=True):
                if max(jumps) > self.apart * min(jumps):
                    strides = " and ".join(f"{jump:g}" for jump in sorted(set(jumps)))
                    yield Finding(node, f"the maps that are joined here have strides of {strides} to the input")
                    break


class SkippedElements(Rule, code="skipped-elements"):
    """A window that is smaller than its stride skips elements: a 1×1 window with stride 2 skips three out of four.

    In the shortcut of a residual, an average pooling before a convolution with stride 1 keeps their information.
    """

    title = "a window smaller than its stride"
    help = "use a window as large as the stride, such as avg_pool before the 1×1 convolution"
    wrong = """
stages:
  a: [conv: {out: 8, kernel: 3}, relu, conv: {out: 16, stride: 2}]
"""
    right = """
stages:
  a: [conv: {out: 8, kernel: 3}, relu, avg_pool: 2, conv: 16]
"""
    paper = Paper(
        "Bag of Tricks for Image Classification with Convolutional Neural Networks", "1812.01187", "ResNet-B, -D"
    )

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            if "kernel" not in node.fields or "stride" not in node.fields or node.op.name == "conv_transpose":
                continue
            kernel, stride = numbers(node, "kernel"), numbers(node, "stride")
            seen = 1.0
            for k, s in zip(kernel, stride, strict=True):
                seen *= min(k / s, 1)
            if seen < 1 and is_map(node.inputs[0].shape):
                yield Finding(node, f"the window reads {seen:.0%} of its input and skips the rest")
