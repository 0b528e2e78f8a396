"""The passes: each turns one network into another, one file each, with what becomes of the weights.

`archdsl passes` lists those below and those that other packages register under the entry point group
`archdsl.passes`, as `NAME = package.module:function`, or the `Pass` that has a weight rule beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.expr.given import shown
from archdsl.support.plugins import NOT_OURS, Plugins

if TYPE_CHECKING:
    from archdsl.ir.program import Program
    from archdsl.passes.base import Pass

PassLike: TypeAlias = "str | Pass | Callable[[Program], Program]"

BUILT_IN = {
    "fold_batch_norm": ".fold_batch_norm:FOLD_BATCH_NORM",
    "remove_identities": ".remove_identities:REMOVE_IDENTITIES",
    "fold_shuffles": ".fold_shuffles:FOLD_SHUFFLES",
    "merge_gathers": ".merge_gathers:MERGE_GATHERS",
    "reparameterize": ".reparameterize:REPARAMETERIZE",
    "deploy": ".deploy:DEPLOY",
    "channels_last": ".channels_last:CHANNELS_LAST",
}
DEPLOYED = (  # the form `deploy`, pass by pass
    "deploy",
    "remove_identities",
    "fold_batch_norm",
    "merge_gathers",
    "fold_shuffles",
    "channels_last",
)
PASSES = Plugins("pass", "unknown-pass", "archdsl.passes", __name__, BUILT_IN)


def names() -> list[str]:
    """Every pass there is, our own first."""
    return PASSES.names()


def named(name: str) -> Pass:
    """A pass by name; only its own module is imported."""
    from archdsl.passes.base import Pass

    found = PASSES.load(name)
    if not isinstance(found, Pass) and (not callable(found) or isinstance(found, type)):
        message = f"{PASSES.said(name)} is {shown(found)}, neither a Pass nor a function"
        raise fault("bad-plugin", message, help=NOT_OURS)
    return replace(one(found), called=name)


def one(given: PassLike) -> Pass:
    """A pass by its name, or a function as a pass without a weight rule."""
    from archdsl.passes.base import Pass

    if isinstance(given, str):
        return named(given)
    if isinstance(given, Pass):
        return given
    if not callable(given) or isinstance(given, type):
        message = f"a pass is a name or a function from a Program to a Program, not {shown(given)}"
        raise fault("bad-call", message, help=f"choose from {', '.join(names())}")
    return Pass(given)


def chosen(given: Sequence[PassLike]) -> tuple[Pass, ...]:
    """Passes as a call gives them, in order."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise fault("bad-call", f"passes are a list, not {shown(given)}", help='as passes=["fold_batch_norm"]')
    return tuple(map(one, given))
