"""Specs as such: which there are, what they come to, whether they are right, and the ops that they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from archdsl.workspace.checking import Checked
    from archdsl.workspace.library import SpecLike


def specs() -> list[str]:
    """Return the names of the shipped specs. Each can be given instead of the path of a spec."""
    from archdsl.workspace.library import all_shipped

    return all_shipped()


def variants(spec: SpecLike, /) -> list[str]:
    """Return the names of the variants of a spec, in its order."""
    from archdsl.workspace.library import read

    return list(read(spec).variants)


def check(spec: SpecLike, /) -> Checked:
    """Check a spec in all its variants, and the numbers that it states, as `archdsl check` does.

    Raises `SpecError` with all errors that do not follow from others.
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
    """Return the spec that results from everything it extends, from patches and from settings, as one YAML text.

    The text builds the same network. With `origin`, a comment on each line names the file and line that it comes from.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace import showing
    from archdsl.workspace.settings import given

    checked(origin=origin)
    return showing.show(spec, variant, given(params, set), origin=origin)


def load_ops(file: str | os.PathLike[str], /) -> list[str]:
    """Run a Python file, or the folder of a package, with op classes (`archdsl.Op`), and return the names of its ops.

    The ops are then available in this process for every spec. Loading a file again replaces its ops. If the file fails,
    or an op has the name of another one, raises `SpecError` and adds no op.
    """
    from archdsl.syntax import own_ops

    return own_ops.load_ops(file)
