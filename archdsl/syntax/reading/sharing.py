"""`share:` beside a step: which module it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Name
from archdsl.syntax.reading.values import head, to_ref
from archdsl.syntax.spec import Share
from archdsl.yaml.located import Node, Scalar

LOOPS = ("repeat", "each")  # whose turns may run one module


def to_share(node: Node) -> Share:
    """The name of a step: `head`, or `stem.head` of one in another stage; `true` beside a loop."""
    if isinstance(node, Scalar) and node.value is True:
        return Share("", node.span)
    found = to_ref(node) if isinstance(node, Scalar) and isinstance(node.value, str) else None
    if not isinstance(found, Name):
        help = "such as share: head, or share: stem.head of a step in another stage"
        raise fault("bad-share", "share: takes the name of an earlier step", head(node), help=help)
    return Share(found.id, node.span)


def check_share(common: Mapping[str, Any], word: str, *, calls: bool) -> None:
    """`share:` stands beside an op or a block in place of a name, and `share: true` beside a loop."""
    share: Share | None = common.get("share")
    if share is None:
        return
    if word in LOOPS and share.path:
        raise fault("bad-share", f"the turns of '{word}' share their own module", share.span, help="write share: true")
    if word not in LOOPS and not share.path:
        help = f"it belongs to {' and '.join(LOOPS)}; beside an op or a block give the name of an earlier step"
        raise fault("bad-share", f"share: true cannot stand beside '{word}'", share.span, help=help)
    if not calls and word not in LOOPS:
        help = "make its steps a block: each call of it can share one module"
        raise fault("bad-share", "share: stands beside an op or a block", share.span, help=help)
    if calls and common.get("name") is not None:
        message = "this step has a name: and a share:, but the module that it runs has a name already"
        raise fault("bad-share", message, share.span, help="remove one of the two")
