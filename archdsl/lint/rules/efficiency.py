"""The four guidelines of ShuffleNet V2: what a network costs beyond its multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archdsl.ir.graph import Node
from archdsl.lint.base import Finding, Paper, Rule
from archdsl.lint.network import Network, groups_of, is_map, is_plain_conv, numbers


def guideline(number: int) -> Paper:
    title = "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design"
    return Paper(title, "1807.11164", f"guideline G{number}")


class UnequalChannels(Rule, code="unequal-channels"):
    """Of all 1×1 convolutions with the same multiply-adds, one with equal input and output channels moves least memory.

    The rule warns if one width is at least four times the other, the layer moves at least a quarter more memory than it
    would with equal widths, and the excess is at least 2 % of the memory that the whole network moves.
    """

    title = "a 1×1 convolution between very unequal widths"
    help = "bring the two widths closer together"
    wrong = """
stages:
  a: [conv: {out: 16, kernel: 3}, conv: 96, conv: 16]
"""
    right = """
stages:
  a: [conv: {out: 16, kernel: 3}, conv: 40, conv: 16]
"""
    paper = guideline(1)
    least = 0.02

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            if not is_plain_conv(node) or not is_map(node.shape) or {*numbers(node, "kernel"), groups_of(node)} != {1}:
                continue
            c, out, places = node.inputs[0].shape[0], node.shape[0], math.prod(node.shape[1:])
            moved = places * (c + out) + c * out
            fewest = 2 * places * math.sqrt(c * out) + c * out
            if max(c, out) >= 4 * min(c, out) and moved >= 1.25 * fewest:
                message = f"{c} channels become {out}: this moves {moved / fewest:.1f} times the memory of equal widths"
                yield Finding(node, message, (moved - fewest) / net.all_accesses)


class ManyGroups(Rule, code="many-groups"):
    """With the same multiply-adds, a convolution with more groups has more channels, and so it moves more memory.

    The rule warns if a convolution moves at least 1.5 times the memory of a dense one, and at least 5 % of the memory
    that the whole network moves. Depthwise convolutions are exempt.
    """

    title = "a convolution in many groups"
    help = "use fewer groups, and fewer channels"
    wrong = """
stages:
  a: [conv: {out: 64, kernel: 3}, conv: {out: 64, kernel: 3, groups: 16}]
"""
    right = """
stages:
  a: [conv: {out: 32, kernel: 3}, conv: {out: 32, kernel: 3, groups: 2}]
"""
    paper = guideline(2)
    least = 0.05

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            if not is_plain_conv(node) or not 1 < groups_of(node) < node.inputs[0].shape[0]:
                continue
            entry = node.inputs[0].shape
            weights = net.macs(node) // math.prod(node.shape[1:])
            maps = math.prod(entry) + math.prod(node.shape)
            ratio = (maps + weights) / (maps / math.sqrt(groups_of(node)) + weights)
            if ratio >= 1.5:
                dense = "a dense convolution with the same multiply-adds"
                message = f"{groups_of(node)} groups: it moves {ratio:.1f} times the memory of {dense}"
                yield Finding(node, message, net.accesses(node) / net.all_accesses)


class Fragmentation(Rule, code="fragmentation"):
    """Many small operators in parallel branches keep a parallel device waiting, because each has to be launched.

    The rule warns if four or more convolutions or poolings read the same tensor. Those that compute an output of the
    network do not count.
    """

    title = "many small operators in parallel"
    help = "merge branches, or put them one after another"
    wrong = """
stages:
  a:
    - conv: 32
    - concat: [conv: 8, conv: {out: 8, kernel: 3}, conv: {out: 8, kernel: 5}, conv: {out: 8, kernel: 7}]
    - conv: 32
"""
    right = """
stages:
  a:
    - conv: 32
    - concat: [conv: 16, conv: {out: 16, kernel: 5}]
    - conv: 32
"""
    paper = guideline(3)
    most = 3

    def find(self, net: Network) -> Iterator[Finding]:
        for readers in net.readers.values():
            side_by_side = [node for node in readers if self.is_operator(node) and node not in net.last_layers]
            if len(side_by_side) > self.most:
                first = side_by_side[0]
                message = f"{len(side_by_side)} convolutions and poolings read the same tensor; this is the first"
                yield Finding(first, message)

    @staticmethod
    def is_operator(node: Node) -> bool:
        return (node.op.role == "conv" or (node.op.role == "pool" and is_map(node.shape))) and is_map(
            node.inputs[0].shape
        )


class ElementWise(Rule, code="element-wise"):
    """Activations, sums and products have few multiply-adds, but they move as much memory as a convolution.

    The rule warns if they account for more than 55 % of the memory that the network moves. It points to the step that
    moves the most.
    """

    title = "element-wise steps that take much of the time"
    help = "remove activations and sums where the maps are largest, or make those maps narrower"
    wrong = """
stages:
  a: [conv: 16, gelu, add: [identity, sigmoid], gelu]
"""
    right = """
stages:
  a: [conv: 16, gelu, conv: 16]
"""
    paper = guideline(4)
    share = 0.55

    def find(self, net: Network) -> Iterator[Finding]:
        steps = [node for node in net.nodes if node.op.role in {"act", "join"} and node.op.name != "concat"]
        share = sum(map(net.accesses, steps)) / net.all_accesses
        if share > self.share:
            message = (
                f"element-wise steps move {share:.0%} of the memory that the network moves; this one moves the most"
            )
            yield Finding(max(steps, key=net.accesses), message)
