"""Weights put into a module that they must fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.diagnostics.faults import Note, fault
from archdsl.runtime.porting.wrappers import fitted, unwrapped

if TYPE_CHECKING:
    from torch import Tensor, nn

LISTED = 8  # keys spelled out of each kind


def put_weights(model: nn.Module, weights: Mapping[str, Tensor], what: str) -> None:
    """Puts weights into a module; a `SpecError` lists the keys that do not fit, and calls the weights `what`.

    Their names may be those that tools of training write: with a prefix, beside the tensors of losses.
    """
    own = model.state_dict()
    weights, _ = fitted(unwrapped(weights), own)
    other = {key: value.shape for key, value in weights.items() if key in own and value.shape != own[key].shape}
    # Not strictly: torch lets old files do without the counters of batch norms, and this list is more readable.
    fitting = {key: value for key, value in weights.items() if key not in other}
    missing, unexpected = model.load_state_dict(fitting, strict=False)
    missing = [key for key in missing if key not in other]
    notes = {
        "missing": missing,
        "not in the network": list(unexpected),
        "of another shape": [f"{key} ({size(other[key])}, not {size(own[key].shape)})" for key in other],
    }
    if any(notes.values()):
        raise fault(
            "bad-weights",
            f"{what} do not fit {type(model).__name__}",
            notes=tuple(Note(f"{kind}: {listed(keys)}") for kind, keys in notes.items() if keys),
            help="they may belong to another variant, to other params (--set num_classes=10) or to the other --form",
        )


def size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "one number"


def listed(keys: Sequence[str]) -> str:
    """Keys for a message, the tail of a long list counted."""
    more = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return ", ".join(keys[:LISTED]) + more
