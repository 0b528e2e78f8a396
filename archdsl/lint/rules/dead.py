"""Steps that change nothing, or do again what has been done."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.expr.nodes import Lit
from archdsl.ir.graph import Node, Tensor
from archdsl.ir.program import Primitive
from archdsl.lint.base import Finding, Rule
from archdsl.lint.network import Network, numbers

POSITIVE = {"relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus"}  # give nothing below 0
SMALL = {"relu6", "sigmoid", "hard_sigmoid", "softmax"}  # nor above 6
KEEPING = {"max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool"}
AGAIN = {"flatten", "identity", "softmax", "log_softmax", "sigmoid", "hard_sigmoid", "tanh", "channel_shuffle"}


class DeadStep(Rule, code="dead-step"):
    """A step that changes nothing in any variant of the network is either a leftover or has a wrong number.

    Examples are a dropout with rate 0, a pooling with a window of one element, a channel shuffle with one group, an
    upsampling by 1, a padding of 0, and `identity` as a separate step. A rate that is a param of the spec may be 0,
    because a user can set it to another value.
    """

    title = "a step that changes nothing"
    help = "remove it"
    wrong = """
stages:
  a: [conv: {out: 8, kernel: 3}, max_pool: {kernel: 1, stride: 1}, relu, dropout: 0]
"""
    right = """
stages:
  a: [conv: {out: 8, kernel: 3}, max_pool: 2, relu, dropout: 0.1]
"""
    every = True

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            reason = self.reason_of(node, net)
            if reason:
                yield Finding(node, f"{node.op.name} changes nothing: {reason}")

    def reason_of(self, node: Node, net: Network) -> str:
        """Why a step changes nothing, if it does not."""
        name, f, shapes = node.op.name, node.fields, (node.inputs[0].shape, node.shape)
        if node.op.group == "regularisation" and f.get("p") == 0 and is_written(net, node, "p"):
            return "its rate is 0"
        if name in {"max_pool", "avg_pool", "lp_pool"} and {*numbers(node, "kernel"), *numbers(node, "stride")} == {1}:
            return "its window has one element"
        if name == "channel_shuffle" and f["groups"] in {1, shapes[0][0]}:
            return "it has one group, or one group for each channel"
        if name == "upsample" and f.get("scale") is not None and shapes[0] == shapes[1]:
            return "its scale is 1"
        if name == "pad" and shapes[0] == shapes[1] and not any((*numbers(node, "before"), *numbers(node, "after"))):
            return "it adds no elements"
        if name == "identity" and is_left_over(net, node):
            return "it returns its input"
        return ""


def is_written(net: Network, node: Node, field: str) -> bool:
    """Whether the spec has a number there, not a name that others can set."""
    operation = net.operation(node)
    return isinstance(operation, Primitive) and isinstance(operation.fields.get(field), Lit)


def is_left_over(net: Network, node: Node) -> bool:
    """Whether an `identity` is a step like others: no side of a condition, and without a name to be found by."""
    operation = net.operation(node)
    return operation is not None and operation not in net.conditional and operation.key is None


class DoubledStep(Rule, code="doubled-step"):
    """A step that repeats an earlier one has no effect, such as a ReLU whose input is never negative, or a second norm.

    The rule warns if this holds every time the step runs. It also looks through poolings and concatenations.
    """

    title = "a step that repeats an earlier one"
    help = "remove one of the two"
    wrong = """
stages:
  a: [conv: {out: 8, kernel: 3}, relu, max_pool: 2, relu]
"""
    right = """
stages:
  a: [conv: {out: 8, kernel: 3}, relu, max_pool: 2]
"""
    every = True

    def find(self, net: Network) -> Iterator[Finding]:
        for node in net.nodes:
            name, before = activation(node), node.inputs[0].node
            if before is None or len(node.inputs) != 1:
                continue
            if name in {"relu", "relu6"} and gives_only(node.inputs[0], POSITIVE if name == "relu" else SMALL):
                yield Finding(node, f"{name} changes nothing: its input never has values that it would change")
            elif (node.op.role == "norm" and node.op.name == before.op.name) or (
                name in AGAIN and name == activation(before) and node.fields == before.fields
            ):
                yield Finding(node, f"{name} directly after another {name}")


def activation(node: Node) -> str:
    """The name of the op, of `act` the one that its word means."""
    return str(node.fields["kind"]) if node.op.name == "act" else node.op.name


def gives_only(tensor: Tensor, makers: set[str]) -> bool:
    """Whether all values of a tensor are those that some activations make, through what moves or averages them."""
    while tensor.node is not None:
        node = tensor.node
        if activation(node) in makers:
            return True
        if node.op.many and node.op.name in {"concat", "max"}:
            return all(gives_only(part, makers) for part in node.inputs)
        keeps = (
            node.op.name in KEEPING or node.op.group == "regularisation" or node.op.name in {"flatten", "split", "take"}
        )
        if not keeps:
            return False
        tensor = node.inputs[0]
    return False
