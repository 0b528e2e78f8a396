"""What a module holds, found in one walk: its modules, parameters and buffers by their names, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import nn

Place: TypeAlias = "tuple[dict[str, Any], str]"  # the tensors of a module, and the name of one


@dataclass
class Members:
    """Each is there once, by the first of its names, as in `named_modules`, `named_parameters` and `named_buffers`."""

    modules: dict[str, nn.Module] = field(default_factory=dict)
    parameters: dict[str, nn.Parameter] = field(default_factory=dict)
    buffers: dict[str, torch.Tensor] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)  # of each tensor all

    @contextmanager
    def holding(self, state: Mapping[str, torch.Tensor]) -> Iterator[None]:
        """While it lasts, the module computes with these tensors in place of its own."""
        kept: list[tuple[dict[str, Any], str, Any]] = []
        try:
            for key, tensor in state.items():
                for tensors, name in self.places[key]:
                    kept.append((tensors, name, tensors[name]))
                    tensors[name] = tensor
            yield
        finally:
            for tensors, name, own in kept:
                tensors[name] = own


def members_of(network: nn.Module) -> Members:
    """Torch's own ways walk the module once for each kind."""
    found = Members(dict(network.named_modules()))
    keys: dict[torch.Tensor, str] = {}  # of those met so far
    for path, module in found.modules.items():
        prefix = f"{path}." if path else ""
        for own, kind in ((vars(module)["_parameters"], found.parameters), (vars(module)["_buffers"], found.buffers)):
            for name, tensor in own.items():
                if tensor is None:
                    continue
                key = keys.setdefault(tensor, prefix + name)
                kind.setdefault(key, tensor)
                found.places.setdefault(key, []).append((own, name))
    return found
