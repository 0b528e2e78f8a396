"""Expressions with every name resolved; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr, Lit, Name, rebuild
from archdsl.lowering.refusals import Skip, declared
from archdsl.lowering.scope import Scope
from archdsl.lowering.vocabulary import fixed_words
from archdsl.support.naming import did_you_mean
from archdsl.syntax import spec as s

TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}  # of YAML 1.1


def resolve(expr: Expr, scope: Scope, words: Iterable[str] = ()) -> Expr:
    """`expr` with fixed words as constants; every other name must be in scope."""
    if isinstance(expr, Name):
        if expr.id in words:
            return Lit(expr.id, span=expr.span)
        if expr.id in scope.numbers or expr.id in scope.optional or scope.context.file_param(expr.id):
            return expr
        if expr.id in fixed_words():
            return Lit(expr.id, span=expr.span)
        raise unknown_name(expr, scope, words)
    return rebuild(expr, lambda part: resolve(part, scope, words))


def resolve_default(value: Expr, origin: s.Spec, scope: Scope, words: Iterable[str] = ()) -> Expr:
    """A value of `defaults:`: its names are params of the spec that states it, whatever file the step is in."""
    if origin is scope.context.home:
        return resolve(value, Scope(scope.context), words)
    if isinstance(value, Name):
        param = None if value.id in words else origin.params.get(value.id)
        if param is not None:
            return Name(scope.context.foreign_param(param, scope.numbers), span=value.span)
        if value.id in words or value.id in fixed_words():
            return Lit(value.id, span=value.span)
        raise unknown_name(value, scope, words)
    return rebuild(value, lambda part: resolve_default(part, origin, scope, words))


def resolve_lets(let: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
    """Lets in order, each seeing those before it; they enter `scope`."""
    found = {}
    for name, expr in let.items():
        with scope.context.library.faults.catch():
            scope.no_shadow(name, expr.span)
            found[name] = resolve(expr, scope)
        scope.numbers[name] = expr.span
    return found


def is_word(expr: Expr | None) -> bool:
    return isinstance(expr, Lit) and isinstance(expr.value, str)


def unknown_name(name: Name, scope: Scope, words: Iterable[str] = ()) -> SpecError:
    """The fault of a name that is neither in scope nor one of the words that may stand here."""
    if name.id in scope.context.home.lost or name.id.removeprefix("c_") in scope.context.home.lost:
        return Skip()
    if name.id in scope.tensors:
        return fault("unknown-name", f"'{name.id}' is a tensor, not a number", name.span)
    home = scope.context.home
    hint = suggestion(name.id, scope, words)
    places = {**{n: param.span for n, param in home.params.items()}, **scope.numbers}
    known = [*scope.numbers, *home.params, *fixed_words()]
    notes = declared(name.id, known, places) if hint.startswith("did you mean") else ()
    return fault("unknown-name", f"'{name.id}' is not defined here", name.span, notes=notes, help=hint)


def suggestion(name: str, scope: Scope, words: Iterable[str] = ()) -> str:
    """What to write instead of a name that is not there."""
    context = scope.context
    if name in context.library.outermost.params:
        return f"a block can only read the params of its own file: pass '{name}' as an argument"
    truth = TRUTHS.get(name.lower())
    if truth:
        return f"write {truth}"
    near = did_you_mean(name, [*scope.numbers, *context.home.params, *fixed_words()])
    words_here = f"choose from {', '.join(words)}; " if words else ""
    return near or f"{words_here}in scope are {', '.join(sorted({*scope.numbers, *context.home.params}))}"
