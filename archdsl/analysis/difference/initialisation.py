"""How the tensors of two networks are initialised: the rules of `init:`, which no op and no fingerprint shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph


def rules(graph: Graph) -> dict[str, str]:
    """What a network's tensors are filled with, by the op or the module: `conv weight`, `head.linear bias`."""
    program = origin_of(graph).program
    found: dict[str, str] = {}
    for target, entry in program.main.init.items():
        found |= {f"{target} {tensor}": show(rule) for tensor, rule in entry.values.items()}
    for function in program.functions:
        inside = "" if function is program.main else f"{function.name}."
        for named in function.named_init:
            keys = inside + ".".join(keys_of(named.path))
            found |= {f"{keys} {tensor}": show(rule) for tensor, rule in named.values.items()}
    return found


def keys_of(path: Sequence[ir.Operation]) -> Iterator[str]:
    """The keys that lead to a module: in a chain its name, or its position."""
    above: Sequence[ir.Operation] = ()
    for node in path:
        yield node.key or str(above.index(node))
        above = node.body.nodes if isinstance(node, ir.Container) else ()
