"""What a network is run with: the variant that is chosen, its params with their values, the shapes of its inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archdsl.analysis.limits import MAX_ELEMENTS, MAX_LISTED, MAX_SIDE, too_many_items
from archdsl.analysis.tables import Compute, complete
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.evaluate import evaluate, items_in
from archdsl.expr.given import Placed, kind, plain_value, shown, unboxed
from archdsl.expr.nodes import Constant, Expr, Name
from archdsl.ir import program as ir
from archdsl.ops.base import Shape, times
from archdsl.support.naming import did_you_mean
from archdsl.syntax.identifiers import MAX_NAME
from archdsl.syntax.reading.variants import LONE_INPUT
from archdsl.syntax.spec import Spec, Variant

AXES = {1: " (C)", 2: " (C, L)", 3: " (C, H, W)", 4: " (C, D, H, W)"}


@dataclass(frozen=True)
class Setting:
    """The numbers that a network is run with."""

    values: dict[str, Constant]  # of its params
    shapes: dict[str, Shape]  # of its inputs
    stated: dict[str, Expr | None]  # where the spec says the values of params; None: the call does

    @property
    def given(self) -> dict[str, Constant]:
        """The params that the call sets."""
        return {name: self.values[name] for name, expr in self.stated.items() if expr is None}


def setting(
    spec: Spec,
    function: ir.Function,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Mapping[str, Sequence[int]] | Sequence[int] | None,
) -> Setting:
    """Params and inputs of a variant, with those given over them."""
    given = {name: plain_value(value, name) for name, value in params.items() if name in function.params}
    values = Placed()
    values.places = params.places if isinstance(params, Placed) else {}
    values.update({**params, **given})
    return setting_of(spec, function, variant, values, inputs)


def setting_of(
    spec: Spec,
    function: ir.Function,
    variant: str | None,
    params: Mapping[str, Constant],
    inputs: Mapping[str, Sequence[int]] | Sequence[int] | None,
    compute: Compute = evaluate,
) -> Setting:
    """The same of params that are plain values."""
    chosen = variants(spec, variant)
    stated = stated_values(spec, function, chosen, params)
    values = completed(function, param_values(function, stated, params, variant, compute), compute)
    return Setting(values, input_shapes(spec, chosen, inputs, values, compute), stated)


# --- variants and params
def variants(spec: Spec, name: str | None) -> list[Variant]:
    """The chosen variant and those it extends, the base first."""
    chain: list[Variant] = []
    span: Span | None = None
    while name is not None:
        if not isinstance(name, str) or name not in spec.variants:
            raise no_variant(spec, name, span)
        variant = spec.variants[name]
        if variant in chain:
            raise fault("recursive-variant", f"the variant '{name}' extends itself", variant.span)
        chain.append(variant)
        name, span = variant.extends, variant.span
    return chain[::-1]


def no_variant(spec: Spec, name: Any, span: Span | None) -> SpecError:
    known = ", ".join(spec.variants) or "none"
    hint = did_you_mean(str(name)[:MAX_NAME], spec.variants)
    lacks = f"'{spec.name}' has no variant '{name}'"
    return fault(
        "unknown-variant",
        lacks if isinstance(name, str) else f"variants are names, not {shown(name)}",
        span,
        help=f"{hint + ' ' if hint else ''}its variants are {known}",
    )


def stated_values(
    spec: Spec, function: ir.Function, chosen: Sequence[Variant], given: Mapping[str, Any]
) -> dict[str, Expr | None]:
    """Where the spec says what each param is; None: the call does, or nothing."""
    known = function.params
    for name in given:
        if name not in known:
            help_ = did_you_mean(name, known) or f"its params are {', '.join(known) or 'none'}"
            place = given.places.get(name) if isinstance(given, Placed) else None
            raise fault("unknown-param", f"'{spec.name}' has no param '{name}'", place, help=help_)
    found: dict[str, Expr | None] = {name: param.default for name, param in known.items()}
    for variant in chosen:
        for name, expr in variant.values.items():
            if name not in known:
                message, span = f"'{spec.name}' has no param '{name}'", expr.span or variant.span
                raise fault("unknown-param", message, span, help=did_you_mean(name, known))
            found[name] = expr
    return {name: None if name in given else expr for name, expr in found.items()}


def param_values(
    function: ir.Function,
    stated: Mapping[str, Expr | None],
    given: Mapping[str, Constant],
    variant: str | None,
    compute: Compute = evaluate,
) -> dict[str, Constant]:
    values: dict[str, Constant] = {}
    items = 0
    for name, expr in stated.items():
        if name in given:
            values[name] = given[name]
        elif expr is not None:
            values[name] = compute(expr, values)
        else:
            message, span = f"the param '{name}' has no default and must be given", function.params[name].span
            where = f"give it in the variant '{variant}', or set it with --set" if variant else "set it with --set"
            raise fault("missing-param", message, span, help=where)
        items += items_in(values[name]) if isinstance(values[name], list) else 0
        if items > MAX_LISTED:
            raise too_many_items(function.params[name].span)
    return values


def completed(function: ir.Function, values: dict[str, Constant], compute: Compute = evaluate) -> dict[str, Constant]:
    """The params, tables among them with the cells that their rows leave out."""
    for node in function.region.walk():
        if not isinstance(node, ir.Loop) or not node.column_defaults or not isinstance(node.rows, Name):
            continue
        rows = values.get(node.rows.id)
        if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
            values[node.rows.id] = [complete(node, row, values, compute) for row in rows if isinstance(row, list)]
    return values


# --- inputs
def input_shapes(
    spec: Spec, chosen: Sequence[Variant], given: Any, values: Mapping[str, Constant], compute: Compute = evaluate
) -> dict[str, Shape]:
    if given is not None and not isinstance(given, Mapping):
        if len(spec.inputs) != 1:
            raise fault("bad-input", f"'{spec.name}' has {len(spec.inputs)} inputs: give each by name")
        given = {next(iter(spec.inputs)): given}
    for name in given or {}:
        if name not in spec.inputs:
            help_ = did_you_mean(name, spec.inputs) or input_help(spec)
            raise fault("bad-input", f"'{spec.name}' has no input '{name}'", help=help_)
    found: dict[str, Shape] = {}
    for name, expr in spec.inputs.items():
        stated = next((v.inputs[name] for v in reversed(chosen) if name in v.inputs), expr)
        if given and name in given:
            found[name] = input_shape(given[name], None)
            refuse_rank(spec, name, found[name], compute(stated, values))
        else:
            found[name] = input_shape(compute(stated, values), stated.span)
    return found


def refuse_rank(spec: Spec, name: str, given: Shape, stated: Constant) -> None:
    """Raises at a shape of another number of axes than the spec's own: its ops are written for those."""
    if not isinstance(stated, list) or len(stated) == len(given):
        return
    which = f"the input '{name}'" if name != LONE_INPUT else "the input"
    axes = AXES.get(len(stated), "")
    message = f"{which} of '{spec.name}' has {len(stated)} numbers{axes}, not {len(given)}: {times(given)}"
    raise fault("bad-input", message, help=f"for example {','.join(map(str, stated))}, as in the spec")


def input_help(spec: Spec) -> str:
    known = [name for name in spec.inputs if name != LONE_INPUT]
    return f"its inputs are {', '.join(known)}" if known else "its only input has no name: give just C,H,W"


def input_shape(given: Any, span: Span | None) -> Shape:
    """The shape of an input, checked."""
    shape = tuple(unboxed(n) for n in given) if isinstance(given, (list, tuple)) else ()
    if not 1 <= len(shape) <= 4 or not all(kind(n) is int and 1 <= n <= MAX_SIDE for n in shape):
        raise fault("bad-input", "an input is a list of whole numbers [C, H, W], each at least 1", span)
    if math.prod(shape) > MAX_ELEMENTS:
        raise fault("too-large", f"an input of {math.prod(shape)} elements is too large", span)
    return shape
