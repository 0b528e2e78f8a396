"""A network with what the Hugging Face Hub needs to know of it; huggingface_hub is imported here alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.runtime.practice import storing
from archdsl.workspace.library import Inputs, SpecLike

if TYPE_CHECKING:
    from archdsl.runtime.practice.hub import HubNetwork


def network_class() -> type[HubNetwork]:
    """The class of networks of the Hub. Raises `SpecError` where huggingface_hub is not installed."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        message = f"huggingface_hub cannot be imported: {error}"
        raise fault("no-package", message, help="pip install huggingface_hub") from None
    from archdsl.runtime.practice.hub import HubNetwork

    return HubNetwork


def made(spec: SpecLike, variant: str | None, settings: Mapping[str, Any], inputs: Inputs | None) -> HubNetwork:
    """A network with all that is needed to build it again."""
    stored = storing.texts(spec)
    shape: list[int] | dict[str, list[int]] | None = None
    if isinstance(inputs, Mapping):
        shape = {name: [int(n) for n in sizes] for name, sizes in inputs.items()}
    elif inputs is not None:
        shape = [int(n) for n in inputs]
    given = {name: plain(value) for name, value in settings.items()}
    return network_class()(
        files=stored.files, shipped=stored.shipped, spec=stored.main, variant=variant, settings=given, input=shape
    )


def plain(value: Any) -> Any:
    """A value as JSON has it: huggingface_hub leaves out, without a word, what JSON has not, as numbers of numpy."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
