"""The networks of a spec in timm's registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.support.naming import snake
from archdsl.workspace.library import SpecLike, in_memory, locate, read

if TYPE_CHECKING:
    from torch import nn

_made: dict[str, object] = {}  # the entry points that are ours, by name


def register(spec: SpecLike, name: str | None) -> list[str]:
    """Registers a spec and its variants; gives the names."""
    registry = timm_registry()
    known = read(spec)
    base = name or base_name(spec, known.name)
    names = {base: None, **{f"{base}_{plain(variant)}": variant for variant in known.variants}}
    if not all(re.fullmatch(r"[a-z0-9_]+", word) for word in names):
        raise fault("bad-call", f"'{base}' is no name for models of timm", help="name='my_net' gives another one")
    if len(names) <= len(known.variants):
        message = f"two variants of '{known.name}' would have the same name in timm"
        raise fault("bad-call", message, help="rename one: timm has small letters, digits and underscores")
    for word in names:
        if registry.is_model(word) and registry._model_entrypoints[word] is not _made.get(word):  # noqa: SLF001
            raise fault("bad-call", f"timm has a model '{word}'", help=f"give another name: name='my_{base}'")
    source = spec if isinstance(spec, Mapping) or in_memory(spec) is not None else locate(spec).resolve()
    for word, variant in names.items():
        _made[word] = entry(registry, word, source, variant)
    return list(names)


def timm_registry() -> Any:
    """The registry of timm. Raises `SpecError` where timm is not installed."""
    try:
        from timm.models import _registry
    except (ImportError, RuntimeError) as error:
        raise fault("no-package", f"timm cannot be imported: {error}", help="pip install timm") from None
    return _registry


def base_name(spec: SpecLike, own: str) -> str:
    """The name of a file, or that of the network in it."""
    if isinstance(spec, Mapping) or "\n" in str(spec):
        return snake(own)
    return plain(Path(spec).stem)


def plain(word: str) -> str:
    """A word in the letters of timm's names."""
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")


def entry(registry: Any, name: str, spec: SpecLike, variant: str | None) -> Callable[..., nn.Module]:
    """Registers the function by which timm makes a network."""
    from archdsl.runtime.practice import creating

    def create(pretrained: bool = False, **arguments: Any) -> nn.Module:
        return creating.create(name, spec, variant, pretrained=pretrained, **arguments)

    create.__name__ = name
    create.__module__ = __name__
    registry._model_entrypoints.pop(name, None)  # noqa: SLF001 - ours, as it was before an edit of the spec
    made: Callable[..., nn.Module] = registry.register_model(create)
    return made
