"""A network with what the Hugging Face Hub needs to know of it; huggingface_hub is imported here alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.workspace.library import Inputs, SpecLike, in_memory, locate, read

if TYPE_CHECKING:
    from archdsl.runtime.practice.hub import HubNetwork
    from archdsl.syntax.spec import Spec


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
    files, main = texts(spec)
    shape: list[int] | dict[str, list[int]] | None = None
    if isinstance(inputs, Mapping):
        shape = {name: [int(n) for n in sizes] for name, sizes in inputs.items()}
    elif inputs is not None:
        shape = [int(n) for n in inputs]
    given = {name: plain(value) for name, value in settings.items()}
    return network_class()(files=files, spec=main, variant=variant, settings=given, input=shape)


def plain(value: Any) -> Any:
    """A value as JSON has it: huggingface_hub leaves out, without a word, what JSON has not, as numbers of numpy."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def texts(spec: SpecLike) -> tuple[dict[str, str], str]:
    """The texts of a spec and of the files that it uses, by their paths from a folder that holds all; its own path."""
    given = in_memory(spec)
    if given is not None:
        return {"spec.yaml": given.text}, "spec.yaml"
    found: dict[Path, Any] = {}
    read(spec, found)
    paths = {path: path.resolve() for path in found}
    root = Path(os.path.commonpath([path.parent for path in paths.values()]))
    named = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths.values()}
    return named, locate(spec).resolve().relative_to(root).as_posix()


def spec_of(files: Mapping[str, str], main: str, settings: Mapping[str, Any]) -> tuple[Spec, Mapping[str, Any]]:
    """The spec in the texts of a configuration, and its params."""
    from archdsl.workspace import settings as workspace

    texts = isinstance(files, Mapping) and all(isinstance(text, str) for text in files.values())
    paths = [PurePosixPath(name) for name in files] if texts else []
    if not paths or main not in files or any(path.is_absolute() or ".." in path.parts for path in paths):
        raise fault("bad-call", "the configuration holds no spec", help="it is one that archdsl.hub.build has saved")
    params = workspace.given({}, settings)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read(Path(folder, main), patches=workspace.patches_in(params, None)), params
