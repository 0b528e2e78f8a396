"""The params of the network that blocks read: by which name, and which of a block's own never are anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.expr.nodes import Expr, Name
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin


def network_param(name: str, function: ir.Function, origin: Origin) -> str | None:
    """The network's word for a name of a function that is a param of the network, and nothing of its own."""
    if function is origin.function:
        own = {word for node in function.walk() for word in bound_by(node)}
        return name if name in function.params and name not in own else None
    param = function.implicit.get(name)
    if param is None or origin.spec.params.get(param.name) is not param:
        return None
    return param.name


def bound_by(node: ir.Operation) -> Iterable[str]:
    """The names that a loop or a container binds for its steps."""
    if isinstance(node, ir.Nested):
        yield from node.let
    if isinstance(node, ir.Loop):
        yield from node.columns


def doubles(functions: Sequence[ir.Function], origin: Origin) -> dict[int, dict[str, Expr]]:
    """By function: the names of params of the network that one of its own params is in every call."""
    calls: dict[int, list[tuple[ir.Call, ir.Function]]] = {}
    for function in functions:
        for node in function.walk():
            if isinstance(node, ir.Call):
                calls.setdefault(node.block.id, []).append((node, function))
    return {function.id: doubles_of(function, calls.get(function.id, []), origin) for function in functions}


def doubles_of(function: ir.Function, calls: Sequence[tuple[ir.Call, ir.Function]], origin: Origin) -> dict[str, Expr]:
    """Those of one function."""
    given = [arguments_of_network(node, caller, origin) for node, caller in calls]
    found: dict[str, Expr] = {}
    for name in function.implicit:
        own = [param for param in function.params if all(args.get(param, "") == args.get(name) for args in given)]
        if own and given:
            found[name] = Name(own[0])
    return found


def arguments_of_network(node: ir.Call, caller: ir.Function, origin: Origin) -> Mapping[str, str]:
    """The arguments of a call that are params of the network, by their names there."""
    named = {name: network_param(expr.id, caller, origin) for name, expr in node.args.items() if isinstance(expr, Name)}
    return {name: param for name, param in named.items() if param is not None}
