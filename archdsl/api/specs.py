"""Specs as such: which there are, what they come to, whether they are right, and the ops that they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from archdsl.workspace.checking import Checked
    from archdsl.workspace.library import SpecLike


def specs() -> list[str]:
    """The bare names of the specs that come with archdsl; each may stand where a spec is wanted."""
    from archdsl.workspace.library import all_shipped

    return all_shipped()


def variants(spec: SpecLike, /) -> list[str]:
    """The names of the variants of a spec, in its order."""
    from archdsl.workspace.library import read

    return list(read(spec).variants)


def check(spec: SpecLike, /) -> Checked:
    """Checks a spec in all of its variants, and the numbers that it states: what `archdsl check` does.

    Raises `SpecError` with all faults that do not follow from others.
    """
    from archdsl.workspace import checking

    return checking.check(spec)


def show(
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    origin: bool = False,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str:
    """The spec that results, as YAML that builds the same network: with all that it extends, patches and is given.

    With `origin`, a comment behind each line names the file and line that it comes from.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace import showing
    from archdsl.workspace.settings import given

    checked(origin=origin)
    return showing.show(spec, variant, given(params, set), origin=origin)


def load_ops(file: str | os.PathLike[str], /) -> list[str]:
    """Runs a Python file, or the folder of a package, with classes of ops (`archdsl.Op`); gives the names of its ops.

    They are ops of this process from then on, in every spec. A file that is loaded again replaces its ops. Raises
    `SpecError`, and adds none, where the file fails or an op has the name of another one.
    """
    from archdsl.syntax import own_ops

    return own_ops.load_ops(file)
