"""Networks of specs as models of the Hugging Face Hub: saved with their spec, which `from_pretrained` builds again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archdsl.runtime.practice.hub import HubNetwork
    from archdsl.workspace.library import Inputs, SpecLike


def build(
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> HubNetwork:
    """The network as `archdsl.build` makes it (`.network`), with `save_pretrained` and `push_to_hub`.

    `config.json` has the text of the spec and of all files that it uses, those that archdsl ships among them, the
    variant, the params and the input size, and `model.safetensors` the weights under the network's own keys. Needs
    huggingface_hub.
    """
    from archdsl.runtime.practice import hubs

    return hubs.made(spec, variant, {**params, **(set or {})}, input)


def from_pretrained(name: str | os.PathLike[str], /, **options: Any) -> HubNetwork:
    """The network in a folder or in a repository of the Hub, in eval mode: built from its spec, proven, and filled.

    `options` are those of huggingface_hub (`revision`, `token`, `map_location`). Raises `SpecError` where the weights
    are not those of the spec.
    """
    from archdsl.runtime.practice import hubs

    return hubs.network_class().from_pretrained(os.fspath(name), **options)


__all__ = ["build", "from_pretrained"]
