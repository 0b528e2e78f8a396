"""What does not fit: windows that see more than the image, maps that need more memory than all the rest."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.graph import Node
from archdsl.lint.base import Finding, Paper, Rule
from archdsl.lint.network import Network, is_map, numbers

BYTES = 4  # of a float32


class WideReceptiveField(Rule, code="wide-receptive-field"):
    """A layer whose every element already sees the whole image adds no context, and hardly improves accuracy.

    What counts is the shortest path from the input, so few networks with shortcuts have such layers. The rule points to
    the first convolution with a window larger than 1×1.
    """

    title = "layers after a receptive field that is larger than the input"
    help = "remove these layers, reduce the strides before them, or give the network a larger input"
    wrong = """
stages:
  a:
    - {repeat: 4, body: [conv: {out: 8, kernel: 5, stride: 2}, relu]}
    - {repeat: 3, body: [conv: {out: 8, kernel: 3}, relu]}
"""
    right = """
stages:
  a:
    - {repeat: 4, body: [conv: {out: 8, kernel: 5, stride: 2}, relu]}
    - {repeat: 3, body: [residual: [conv: {out: 8, kernel: 3}, relu]]}
"""
    paper = Paper(
        "Should You Go Deeper? Optimizing Convolutional Neural Network Architectures without Training", "2106.12307"
    )

    def find(self, net: Network) -> Iterator[Finding]:
        sizes = {len(tensor.shape): tensor.shape[1:] for tensor in net.graph.inputs.values()}
        layers = [node for node in net.nodes if node.op.role == "conv" and has_window(node)]
        wide = []
        for node in layers:
            reach, size = net.shortest[node.inputs[0]], sizes.get(len(node.inputs[0].shape))
            if reach is not None and size and all(seen > n for seen, n in zip(reach.extent, size, strict=True)):
                wide.append(node)
        if wide:
            reach = net.shortest[wide[0].inputs[0]]
            assert reach is not None
            seen, size = reach.extent, sizes[len(wide[0].inputs[0].shape)]
            number = f"{len(wide)} of {len(layers)} convolutions come" if len(wide) > 1 else "this convolution comes"
            message = f"{number} after a receptive field of {shown(seen)}, larger than the input of {shown(size)}"
            yield Finding(wide[0], message)


def has_window(node: Node) -> bool:
    """Whether a convolution on a map sees more than single elements of it."""
    return is_map(node.inputs[0].shape) and "kernel" in node.fields and max(numbers(node, "kernel")) > 1


def shown(sizes: tuple[float, ...]) -> str:
    return "×".join(f"{size:.0f}" for size in sizes)


class MemoryPeak(Rule, code="memory-peak"):
    """A device needs enough memory for the most demanding step, even if all other steps need far less.

    A narrower first stage, or a stride before the widest maps, lowers such a peak. The rule warns if nine out of ten
    steps need at most a fifth of it.
    """

    title = "a step that needs far more memory than the others"
    help = "widen the maps after a stride instead of before it, or compute this part in patches"
    wrong = """
stages:
  a:
    - conv: {out: 64, kernel: 3}
    - conv: {out: 8, kernel: 3, stride: 4}
    - {repeat: 12, body: [conv: {out: 8, kernel: 3}, relu]}
"""
    right = """
stages:
  a:
    - conv: {out: 8, kernel: 5, stride: 4}
    - {repeat: 12, body: [conv: {out: 8, kernel: 3}, relu]}
"""
    paper = Paper("MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", "2110.15352", "Section 2")
    times, most = 5, 0.9

    def find(self, net: Network) -> Iterator[Finding]:
        alive = net.trace.alive()
        usual = sorted(alive)[int(len(alive) * self.most)] if alive else 0
        peak = max(alive, default=0)
        if peak >= self.times * usual > 0:
            message = (
                f"{in_bytes(peak * BYTES)} of maps are alive here (float32), "
                f"{peak / usual:.1f} times what nine out of ten steps need at most"
            )
            yield Finding(net.graph.nodes[alive.index(peak)], message)


def in_bytes(size: int) -> str:
    """`1.6 MB`, `12.3 kB`: in the largest unit of which it is one."""
    return f"{size / 1e6:.1f} MB" if size >= 999_950 else f"{size / 1e3:.1f} kB"
