"""`repeat`, `for` and `each` as an `ir.Loop` over modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.expr.nodes import Expr, names
from archdsl.ir import program as ir
from archdsl.lowering.branches import packed, several
from archdsl.lowering.builder import Builder
from archdsl.lowering.carried import Carried, carried, carries, one_result
from archdsl.lowering.chains import is_chain
from archdsl.lowering.expressions import resolve, resolve_lets
from archdsl.lowering.forms import is_call, is_module
from archdsl.lowering.keys import CONTAINER
from archdsl.lowering.outlining import outlined
from archdsl.lowering.scope import Scope
from archdsl.lowering.sequences import container
from archdsl.lowering.shared_turns import branches_of_module, repeated_module
from archdsl.lowering.steps import body, lowered
from archdsl.lowering.tables import Fed, check_countable, fed, reads_turns
from archdsl.lowering.tensors import is_list
from archdsl.lowering.walks import step_exprs
from archdsl.support.naming import snake
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import TABLE_NAMES, TURN_NAMES


@lowered.register(s.LoopStep)
def loop_step(step: s.LoopStep, builder: Builder) -> ir.Operand:
    if step.share is not None and not step.parallel:
        return repeated_module(step, builder)
    if carries(step, builder.context):
        return repeated(Fed(step), builder, None, carried(step, builder))
    return packed(step, builder) if step.parallel else loop(step, builder)


@several.register(s.LoopStep)
def side_by_side(step: s.LoopStep, builder: Builder) -> ir.Value | None:
    if step.parallel and step.share is not None:
        return branches_of_module(step, builder)
    return loop(step, builder) if step.parallel else None


def loop(step: s.LoopStep, builder: Builder, stage: s.Stage | None = None) -> ir.Value:
    """A loop; with `stage`, the table that is all of it."""
    if builder.keys.container and step.name is not None:  # a named loop in a chain has a container of its own
        return container([replace(step, name=None)], step.name, step, builder)
    rows = fed(step, builder.scope)
    return repeated(rows, builder.on(rows.entries[0]) if rows.entries else builder, stage)


def repeated(rows: Fed, builder: Builder, stage: s.Stage | None, entry: Carried | None = None) -> ir.Value:
    """Some rows as a loop, over the tensor that enters or over those that the turns carry."""
    step = rows.step
    count = builder.expr(step.count) if step.count is not None else None
    table = builder.expr(step.rows) if step.rows is not None else None
    scope = builder.scope.inner()
    defaults = declare_columns(step, scope)
    if stage is not None:
        declare_counters(step, scope)
    let = resolve_lets(step.let, scope)
    if entry is None:
        chained = is_chain(step.body, builder.context) or is_call(step.body)
        steps = step.body if chained else [outlined(step, scope)]
        turn = Builder(scope, CONTAINER, ir.Value("x"))
    else:
        chained = is_call(step.body, tensor=True) and not reads_channels(step.body, entry.names)
        steps = step.body if chained else [outlined(step, scope, entry.names)]
        turn = Builder(scope, CONTAINER, entry.enter(scope))
    # what is outlined may take a list, which enters no step of a spec
    result = body(steps, turn, several=entry is not None) if chained else lowered(steps[0], turn)
    assert result is not None
    region = turn.close(result)
    if entry is not None and not is_list(result):
        raise one_result(step)
    single, many = len(steps) == 1 and is_module(steps[0]), step.parallel or entry is not None
    return builder.append(
        ir.Loop(
            entry=entry.entry if entry is not None else builder.entry,
            carry=entry.carry if entry is not None else carry_of(turn),
            body=region,
            count=count,
            columns=step.columns,
            column_defaults=defaults,
            rows=table,
            let=let,
            parallel=step.parallel,
            inline=builder.keys.container,
            wrap=((step.parallel or stage is not None) and not single) or any(link.name for link in steps),
            table=stage is not None,
            counted=reads_turns(step),
            entries=rows.entries,
            entered=rows.column,
            out=ir.Value("branches" if many else "x", many=many),
            span=step.span,
            key=stage.name if stage else builder.key(step, plural(step, steps[0] if single and chained else None)),
            label=step.label,
        )
    )


def reads_channels(steps: Sequence[s.Step], names_: Sequence[str]) -> bool:
    """Whether steps ask for the channels of tensors that they carry."""
    read = {name.id for step in steps for expr in step_exprs(step) for name in names(expr)}
    return any(f"c_{name}" in read for name in names_)


def carry_of(turn: Builder) -> ir.Value:
    """What enters each turn."""
    assert isinstance(turn.entry, ir.Value)
    return turn.entry


def declare_columns(step: s.LoopStep, scope: Scope) -> dict[str, Expr]:
    """The columns of the rows and the names of the turn enter `scope`; the defaults of columns."""
    defaults: dict[str, Expr] = {}
    for name in step.columns:  # a default may read earlier columns
        scope.no_shadow(name, step.column_spans.get(name, step.span))
        if name in step.column_defaults:
            defaults[name] = resolve(step.column_defaults[name], scope)
        scope.numbers[name] = step.span
    scope.numbers.update(dict.fromkeys(TURN_NAMES, step.span))
    return defaults


def declare_counters(table: s.LoopStep, scope: Scope) -> None:
    """`turn` and `turns` enter the scope of a table; where they are read, its repeats must be such as they count."""
    scope.numbers.update(dict.fromkeys(TABLE_NAMES))
    if reads_turns(table):
        check_countable(table, scope.context)


def plural(step: s.LoopStep, module: s.Step | None) -> str:
    """What the modules of a loop are together: `conv_bns` where each turn is one such module, else `layers`."""
    if step.parallel:
        return "branches"
    return f"{snake(module.target)}s" if isinstance(module, s.UseStep) else "layers"
