"""What a batch norm does in eval mode: it multiplies each channel by a number and adds another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Node
from archdsl.passes.base import Carry, Weights

if TYPE_CHECKING:
    from torch import Tensor

NORM = "bn"


def state(carry: Carry, node: Node) -> Weights:
    """The weights of a module before the pass; its part in another module has to be known."""
    found = carry.weights(node)
    if not found:
        message = f"'{node.path}' is not in this module, and a batch norm and its layer become one"
        raise fault("bad-call", message, node.span, help="fold the whole network, then take its head off")
    return found


def scale_and_shift(carry: Carry, norm: Node) -> tuple[Tensor, Tensor]:
    """By what a norm multiplies each channel, and what it adds, in double precision."""
    own = {name: tensor.double() for name, tensor in state(carry, norm).items()}
    scale = (own["running_var"] + norm.fields["eps"]).rsqrt()
    scale = scale * own["weight"] if "weight" in own else scale
    shift = -own["running_mean"] * scale
    return scale, shift + own["bias"] if "bias" in own else shift
