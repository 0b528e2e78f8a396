"""Rows of a loop: tensors in a column, and what `turn` and `turns` count in a table of a stage."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr, ListOf, Lit, names
from archdsl.ir import program as ir
from archdsl.lowering.chains import is_chain, is_sound
from archdsl.lowering.context import Context
from archdsl.lowering.forms import begins_with
from archdsl.lowering.refusals import Skip
from archdsl.lowering.scope import Scope
from archdsl.lowering.tensors import base_of, names_tensor, single
from archdsl.lowering.walks import repeats, step_exprs
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES


@dataclass(frozen=True)
class Fed:
    """A loop whose rows all have numbers; what enters each row, if a column held tensors."""

    step: s.LoopStep
    entries: tuple[ir.Operand, ...] = ()
    column: str = ""  # the one that now holds their channels


def fed(step: s.LoopStep, scope: Scope) -> Fed:
    """A loop with a column of tensors as one without: the column holds their channels, `c_column`."""
    if not isinstance(step.rows, ListOf):
        return Fed(step)
    rows = [row.items if isinstance(row, ListOf) else (row,) for row in step.rows.items]
    unread = scope.context.home.lost | scope.context.torn
    if any((cell.value if isinstance(cell, Lit) else base_of(cell)) in unread for row in rows for cell in row):
        raise Skip
    for position, column in enumerate(step.columns):
        cells = [row[position] for row in rows if position < len(row)]
        refs = [cell for cell in cells if names_tensor(cell, scope)]
        if not refs:
            continue
        if len(refs) != len(rows) or not step.parallel or not begins_with(step.body, column):
            message = f"the column '{column}' holds tensors: each branch must begin with its own"
            raise fault("bad-rows", message, refs[0].span, help=f"write each:, and body: [{{from: {column}, ...}}]")
        channels = f"c_{column}"
        numbers = tuple(ListOf(with_item(row, position, Lit(0))) for row in rows)
        bare = replace(
            step,
            columns=(*step.columns[:position], channels, *step.columns[position + 1 :]),
            rows=ListOf(numbers, span=refs[0].span),
            body=[replace(step.body[0], source=None), *step.body[1:]],
        )
        return Fed(bare, tuple(single(ref, scope) for ref in refs), channels)
    return Fed(step)


def with_item(row: tuple[Expr, ...], position: int, item: Expr) -> tuple[Expr, ...]:
    return (*row[:position], item, *row[position + 1 :])


def reads_turns(step: s.LoopStep) -> bool:
    """Whether a table reads `turn` or `turns`."""
    return any(name.id in TABLE_NAMES for expr in step_exprs(step) for name in names(expr))


def check_countable(table: s.LoopStep, context: Context) -> None:
    """`turn` and `turns` count the repeats that are steps of the rows; how often they turn is known before."""
    if not is_sound(table.body, context):
        return  # what is at fault in it is told when it is lowered
    chain = is_chain(table.body, context)
    plain = (step for step in table.body if isinstance(step, s.LoopStep) and not step.parallel)
    direct = [loop for loop in plain if chain and loop.when is None and loop.name is None]
    for step in table.body:
        for loop in repeats(step, whole=step not in direct):
            raise uncounted(loop)
    unknown = unknown_before(table)
    for loop in direct:
        for name in names(loop.count if loop.count is not None else loop.rows or Lit(0)):
            if name.id in unknown:
                message = f"the number of repeats depends on '{name.id}', so 'turn' and 'turns' cannot count them"
                raise fault(
                    "bad-loop", message, name.span or loop.span, help="compute the number from params and columns"
                )


def uncounted(loop: s.Step) -> SpecError:
    message = "'turn' and 'turns' of the table cannot count this loop"
    help = "they count repeats that are steps of the rows, without when: and name:; write joins as a block"
    return fault("bad-loop", message, loop.span, help=help)


def unknown_before(table: s.LoopStep) -> set[str]:
    """The names whose numbers are there only once a row is reached."""
    unknown = {*TABLE_NAMES, *MEASURES}
    for value, expr in table.let.items():
        if any(name.id in unknown for name in names(expr)):
            unknown.add(value)
    return unknown
