"""Layers: biases that a norm takes away, widths that hardware does not like."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.graph import Node
from archdsl.lint.base import Finding, Paper, Rule
from archdsl.lint.network import Network, is_map


class BiasBeforeNorm(Rule, code="bias-before-norm"):
    """A norm that subtracts the mean of each channel also subtracts the bias of the layer before it.

    Such a bias has no effect and is never trained, but it costs parameters. The norm has its own bias.
    """

    title = "a bias that the next norm removes"
    help = "write 'bias: false', or 'defaults: {conv: {bias: false}}' for all layers"
    wrong = """
stages:
  a: [conv: {out: 8, kernel: 3}, bn, relu]
"""
    right = """
stages:
  a: [conv: {out: 8, kernel: 3, bias: false}, bn, relu]
"""
    paper = Paper("Batch Normalization: Accelerating Deep Network Training", "1502.03167", "Section 3.2")

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            reader = net.only_reader(node)
            if node.fields.get("bias") is True and reader is not None and reader.op.name in {"bn", "instance_norm"}:
                yield Finding(node, f"{node.op.name} has a bias, which the {reader.op.name} after it removes")


class OddChannels(Rule, code="odd-channels"):
    """Vector units and tensor cores process channels in groups of 8, so other widths cost as much as the next multiple.

    The rule warns if this wastes at least 1 % of the multiply-adds of the network. Widths that depend on the number of
    outputs (classes) are exempt, and so are layers on vectors, such as those of squeeze-and-excitation.
    """

    title = "a number of channels that is not a multiple of 8"
    help = "round the width, as make_divisible does"
    wrong = """
stages:
  a: [conv: {out: 20, kernel: 3}, relu, conv: {out: 16, kernel: 3}]
"""
    right = """
stages:
  a: [conv: {out: 24, kernel: 3}, relu, conv: {out: 16, kernel: 3}]
"""
    paper = Paper("MobileNetV2: Inverted Residuals and Linear Bottlenecks", "1801.04381", "make_divisible in its code")
    by, least = 8, 0.01

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            c = node.shape[0]
            if node.op.role != "conv" or not c % self.by or not is_map(node.shape) or follows_outputs(net, node):
                continue
            lost = -c % self.by
            weight = net.macs(node) / net.all_macs * lost / c
            yield Finding(node, f"{c} output channels take as long as {c + lost}", weight)


def follows_outputs(net: Network, node: Node) -> bool:
    """Whether a layer gives what leaves the network, or channels by a param that the outputs have theirs by."""
    operation, origin = net.operation(node), net.graph.origin
    fact = origin.facts.seen.get((operation.id, "out")) if origin and operation else None
    return node in net.last_layers or (origin is not None and fact is not None and bool(fact.deps & origin.output_deps))
