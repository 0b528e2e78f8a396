"""Networks of other libraries, by name: `timm:mobilenetv2_100`, `torchvision:mobilenet_v2(width_mult=0.5)`."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Any

from torch import nn

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.support.naming import did_you_mean

# The module and the function of each library that make a network by its name.
LIBRARIES = {
    "pytorchcv": ("pytorchcv.model_provider", "get_model"),
    "timm": ("timm", "create_model"),
    "torchvision": ("torchvision.models", "get_model"),
}
CALL = re.compile(r"(?P<library>[a-z]\w+):(?P<name>[\w.\-]+)(?P<arguments>\(.*\))?", re.DOTALL)


def is_library(text: str) -> bool:
    """Whether a text names a network of a library, not a file."""
    found = CALL.fullmatch(text)
    return found is not None and found["library"] in LIBRARIES


def network(text: str) -> nn.Module:
    """The network that `LIBRARY:NAME`, or `LIBRARY:NAME(argument=literal, …)`, names, as the library initialises it.

    `pretrained=True` (`weights="DEFAULT"` of torchvision) has the library fetch its weights. Raises `SpecError`.
    """
    found = CALL.fullmatch(text)
    assert found is not None, "not the name of a library's network"
    library, name = found["library"], found["name"]
    module, function = LIBRARIES[library]
    arguments = literals(text, found["arguments"] or "()")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, RuntimeError, OSError) as error:
        raise fault("bad-call", f"{library} cannot be imported: {error}", help=f"pip install {library}") from None
    try:
        made = make(name, **arguments)
    except Exception as error:  # noqa: BLE001 - each library has its own ways to say that it has no such network
        raise unmade(library, name, error) from None
    assert isinstance(made, nn.Module)
    return made


def literals(text: str, arguments: str) -> dict[str, Any]:
    """`(width_mult=0.5)`: literals by name and nothing else."""
    try:
        call = ast.parse(f"f{arguments}", mode="eval").body
        if isinstance(call, ast.Call) and not call.args and all(item.arg for item in call.keywords):
            return {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        pass
    raise fault(
        "bad-call", f"'{text}' is not a call with literals as keyword arguments", help="timm:NAME(num_classes=10)"
    )


def unmade(library: str, name: str, error: Exception) -> SpecError:
    hint = did_you_mean(name, names(library))
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return fault("bad-call", f"{library} makes no network '{name}': {reason}", help=hint)


def names(library: str) -> list[str]:
    """What a library says that it has; pytorchcv keeps its names to itself."""
    if library == "torchvision":
        return list(importlib.import_module("torchvision.models").list_models())
    if library == "timm":
        return list(importlib.import_module("timm").list_models())
    return []
