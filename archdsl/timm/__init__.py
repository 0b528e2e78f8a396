"""Networks of specs as models of timm: `archdsl.timm.register("specs/mine.yaml")`, then `timm.create_model("mine")`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.workspace.library import SpecLike


def register(spec: SpecLike, /, name: str | None = None) -> list[str]:
    """Registers a spec and each of its variants with timm; gives the names of the models.

    The name is that of the file, or `name`; `_VARIANT` follows it for a variant, with `_` for what is no letter or
    digit. `timm.create_model` takes the params of the spec beside its own arguments. Needs timm. Raises `SpecError`
    where timm has another model of a name.
    """
    from archdsl.runtime.practice import registering

    return registering.register(spec, name)


__all__ = ["register"]
