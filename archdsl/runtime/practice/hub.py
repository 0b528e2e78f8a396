"""The class of networks of the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin, constants
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from archdsl.diagnostics.faults import fault
from archdsl.passes.pipeline import Rewriting
from archdsl.runtime import module
from archdsl.runtime.porting import files as weight_files
from archdsl.runtime.porting.fitting import put_weights
from archdsl.runtime.practice.storing import Stored
from archdsl.support import output
from archdsl.workspace.settings import given, patches_in


class HubNetwork(nn.Module, PyTorchModelHubMixin, library_name="archdsl", tags=["archdsl"]):
    """A network of a spec (`.network`), which the Hub's configuration holds whole."""

    def __init__(
        self,
        files: dict[str, str] | None = None,
        spec: str = "",
        variant: str | None = None,
        settings: dict[str, Any] | None = None,
        input: list[int] | dict[str, list[int]] | None = None,
        shipped: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        params = given({}, settings or {})
        known = Stored(files or {}, shipped, spec).read(patches_in(params, None))
        self.graph, kind, arguments = module.compiled(known, variant, params, input, Rewriting())
        self.network = kind(**arguments)
        self.plain = kind if arguments else None  # what is proven is the class without what it takes beside the spec
        self.stated = shapes(self.network)  # of what the configuration builds

    def forward(self, *images: torch.Tensor) -> Any:
        """What the network gives."""
        return self.network(*images)

    def _save_pretrained(self, save_directory: Path) -> None:
        """Writes the weights under the network's own keys; not those of a network that was given another classifier."""
        if shapes(self.network) != self.stated:
            message = "the network was changed after it was built, and its configuration builds the one before"
            raise fault("bad-call", message, help="give the change to archdsl.hub.build, as num_classes=10")
        file = save_directory / constants.SAFETENSORS_SINGLE_FILE
        output.write(file, weight_files.data(self.network.state_dict(), str(file)))

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        """Proves the network to be its spec, and fills it."""
        module.prove(model.network if model.plain is None else model.plain(), model.graph)
        try:
            state = load_file(model_file, device=map_location)
        except (SafetensorError, OSError) as error:
            raise fault("bad-weights", f"'{model_file}' is not a complete safetensors file: {error}") from None
        put_weights(model.network, state, "the weights")
        return model.to(map_location).eval()


def shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in network.state_dict().items()}
