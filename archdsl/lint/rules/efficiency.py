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
    """Of 1×1 convolutions with equal multiply-adds the one with as many channels before as behind moves least memory.

    Told where one width is at least four times the other, the layer moves a quarter more memory than with equal widths,
    and what is moved in vain is 2 % of what the whole network moves.
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
                message = f"{c} channels become {out}: it moves {moved / fewest:.1f} times the memory of equal widths"
                yield Finding(node, message, (moved - fewest) / net.all_accesses)


class ManyGroups(Rule, code="many-groups"):
    """At equal multiply-adds, a convolution has the more channels the more groups it has, and so moves more memory.

    Depthwise convolutions are not meant. Told from half as much again on as a dense convolution moves, if the
    convolution is 5 % of what the whole network moves.
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
                dense = "a dense convolution of as many multiply-adds"
                message = f"{groups_of(node)} groups: it moves {ratio:.1f} times the memory of {dense}"
                yield Finding(node, message, net.accesses(node) / net.all_accesses)


class Fragmentation(Rule, code="fragmentation"):
    """Many small operators side by side keep a device with much parallelism waiting, each for its own start.

    Told where four or more convolutions or poolings read one tensor; those that give an output are not counted.
    """

    title = "many small operators side by side"
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
                message = f"{len(side_by_side)} convolutions and poolings read one tensor side by side, this one first"
                yield Finding(first, message)

    @staticmethod
    def is_operator(node: Node) -> bool:
        return (node.op.role == "conv" or (node.op.role == "pool" and is_map(node.shape))) and is_map(
            node.inputs[0].shape
        )


class ElementWise(Rule, code="element-wise"):
    """Activations, sums and products have few multiply-adds and move as much memory as a convolution.

    Told where they are 55 % of what the network moves, at the step that moves most.
    """

    title = "much of the time goes into element-wise steps"
    help = "leave out activations and sums where the maps are largest, or widths between them"
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
            message = f"element-wise steps are {share:.0%} of the memory that the network moves; this one most of all"
            yield Finding(max(steps, key=net.accesses), message)
