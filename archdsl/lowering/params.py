"""The params that a function declares, and the names of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Expr, Lit, Name, rebuild
from archdsl.lowering.context import Context
from archdsl.lowering.expressions import resolve, unknown_name
from archdsl.lowering.refusals import RENAME
from archdsl.lowering.scope import Scope
from archdsl.lowering.vocabulary import fixed_words
from archdsl.syntax import spec as s


def declare(params: Mapping[str, s.Param], default: Callable[[Expr, Scope], Expr], scope: Scope) -> dict[str, s.Param]:
    """Params in order, each default seeing those before it; they enter `scope`."""
    found = {}
    for name, param in params.items():
        value = default(param.default, scope) if param.default is not None else None
        found[name] = replace(param, default=value)
        scope.numbers[name] = param.span
    return found


def of_file(param: s.Param, context: Context) -> s.Param:
    """A param of a block; one whose default is its own name has the value of the file's param of that name."""

    def visit(part: Expr) -> Expr:
        if isinstance(part, Name):
            own = part.id == param.name
            return (
                replace(part, id=context.foreign_param(context.home.params[param.name], context.params))
                if own
                else part
            )
        return rebuild(part, visit)

    if param.default is None or not context.shadows(param.name):
        return param
    return replace(param, default=visit(param.default))


def default_of_block(default: Expr, scope: Scope) -> Expr:
    """A default may read earlier params, and those of the file; a word that names nothing is a word."""
    if isinstance(default, Name) and default.id not in scope.context.params and scope.is_unknown(default.id):
        return Lit(default.id, span=default.span)
    return resolve(default, scope)


def default_of_network(default: Expr, scope: Scope) -> Expr:
    """A default may read earlier params; a word that names none is a word."""
    if isinstance(default, Name) and default.id not in scope.numbers:
        return Lit(default.id, span=default.span)
    return over_earlier(default, scope)


def over_earlier(expr: Expr, scope: Scope) -> Expr:
    """An expression over the params that come before its own."""
    if not isinstance(expr, Name):
        return rebuild(expr, lambda part: over_earlier(part, scope))
    if expr.id in scope.numbers:
        return expr
    if expr.id in scope.context.params:
        message, help = f"'{expr.id}' is defined later", "a default may read earlier params"
        raise fault("unknown-name", message, expr.span, help=help)
    if expr.id in fixed_words():
        return Lit(expr.id, span=expr.span)
    raise unknown_name(expr, scope)


def no_channels(name: str, params: Mapping[str, s.Param]) -> None:
    """No param has the name of the channels of an input."""
    taken = params.get(f"c_{name}")
    if taken is not None:
        message = f"'c_{name}' are the channels of the input '{name}'; a param needs another name"
        raise fault("shadowed-name", message, taken.span, help=RENAME)
