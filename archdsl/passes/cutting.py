"""A stage of a spec without what no chosen map needs: the last rows of its table, the last steps and turns of a row.

Names that count the turns of what is cut (`last`, `turns`) keep the values that they have in the whole network.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Span
from archdsl.expr.evaluate import evaluate
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Compare, Expr, IfElse, ListOf, Lit, Logic, Name, names, wrap
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.syntax.identifiers import TURN_NAMES
from archdsl.syntax.spec import LoopStep, SequenceStep, Stage, Step

LAST, TURNS, INDEX = "last", "turns", "i"


def needs(scope: Scope | Node, needed: Container[int]) -> bool:
    """Whether a part leads to a feature; one that computes nothing stays where it is."""
    nodes = [scope] if isinstance(scope, Node) else list(scope.nodes())
    return not nodes or any(node.id in needed for node in nodes)


def cut(stage: Stage, scope: Scope, whole: Graph, needed: Container[int], *, inside: bool) -> Stage:
    """A stage without the last rows of its table that no feature needs; the spec or a param writes the table out.

    Where a feature stands `inside` of the stage, the steps behind it are left out too.
    """
    loop = stage.body[0] if len(stage.body) == 1 else None
    if isinstance(loop, LoopStep) and (loop.rows is not None or rows_of(scope)):
        return replace(stage, body=[cut_table(loop, scope, whole, needed, inside=inside)])
    return replace(stage, body=cut_steps(stage.body, scope.children, needed, None)) if inside else stage


def cut_table(loop: LoopStep, scope: Scope, whole: Graph, needed: Container[int], *, inside: bool) -> LoopStep:
    """A table without its last rows, and `inside` of the last one that is left without its last steps."""
    table, rows = table_of(loop, whole), rows_of(scope)
    used = [place for place, row in enumerate(rows) if needs(row, needed)]
    if table is None or len(rows) != len(table.items) or not used:
        return loop
    end, turns = used[-1], [child for row in rows for child in row.children if is_turn(child)]
    counts = {LAST: Compare("==", Name(INDEX), Lit(len(rows) - 1)), TURNS: Lit(len(turns) or len(rows))}
    body = loop.body
    if inside:
        body = cut_steps(body, rows[end].children, needed, Compare("<", Name(INDEX), Lit(end)) if end else None)
    if end == len(rows) - 1 and body == loop.body:
        return loop
    table = replace(table, items=table.items[: end + 1])
    let = {name: substitute(expr, counts) for name, expr in loop.let.items()}
    return replace(loop, rows=table, let=let, body=[substituted(step, counts) for step in body])


def cut_steps(
    steps: Sequence[Step], made: Sequence[Scope | Node], needed: Container[int], keep: Expr | None
) -> list[Step]:
    """The steps of a chain up to the last that a feature needs, which is cut too; where `keep` holds, all of them."""
    found = list(steps)
    for place in reversed(range(len(found))):
        step = found[place]
        own = [child for child in made if child.span is not None and within(child.span, step.span)]
        if not own:
            continue
        if any(needs(child, needed) for child in own):
            found[place] = cut_step(step, own, needed, keep)
            break
        if keep is not None and step.other is not None:
            break
        when = None if keep is None else step.when  # a step that is left stands as deep as among all of them
        found[place] = replace(step, when=conjunction(keep or Lit(False), when), other=None)
    return found


def conjunction(first: Expr, second: Expr | None) -> Expr:
    return first if second is None else Logic("and", (first, second))


def cut_step(step: Step, own: Sequence[Scope | Node], needed: Container[int], keep: Expr | None) -> Step:
    """The step of a chain in which a feature stands, without what follows it there."""
    if isinstance(step, SequenceStep) and len(own) == 1 and isinstance(own[0], Scope):
        return replace(step, body=cut_steps(step.body, own[0].children, needed, keep))
    turns = [child for child in own if is_turn(child)]
    if not isinstance(step, LoopStep) or step.count is None or len(turns) != len(own):
        return step
    used = sum(needs(turn, needed) for turn in turns)
    body, final = step.body, turns[used - 1]
    if keep is None and isinstance(final, Scope):
        body = cut_steps(body, final.children, needed, Compare("<", Name(INDEX), Lit(used - 1)) if used > 1 else None)
    if (used == len(turns) and body == step.body) or reads_places(step.count):
        return step
    count: Expr = Lit(used) if keep is None else IfElse(keep, step.count, Lit(used))
    counts = {LAST: Compare("==", Name(INDEX), step.count - 1)}
    return replace(step, count=count, body=[substituted(inner, counts) for inner in body])


def reads_places(count: Expr) -> bool:
    """Whether a number of turns depends on the place of the row, whose names mean another thing in the turns."""
    return any(name.id in (INDEX, LAST, "first") for name in names(count))


def is_turn(child: Scope | Node) -> bool:
    return isinstance(child, Scope) and child.kind == "turn"


def within(inner: Span, outer: Span) -> bool:
    """Whether a stretch of a text lies in another one."""
    starts = (outer.line, outer.col) <= (inner.line, inner.col)
    return (
        inner.source is outer.source and starts and (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)
    )


def table_of(loop: LoopStep, whole: Graph) -> ListOf | None:
    """The rows as the spec writes them out, or as its params give them; none if they depend on more."""
    if loop.rows is None or isinstance(loop.rows, ListOf):
        return loop.rows
    try:
        table = wrap(evaluate(loop.rows, whole.params))
    except SpecError:
        return None
    return table if isinstance(table, ListOf) else None


def rows_of(scope: Scope) -> list[Scope]:
    """The rows of a stage that is a table."""
    inner = [child for child in scope.children if isinstance(child, Scope)]
    if len(inner) == 1 and inner[0].kind == "stage":
        return rows_of(inner[0])
    return [child for child in inner if child.kind == "row"]


def substituted(value: Any, known: Mapping[str, Expr]) -> Any:
    """A step of a loop, or a part of one, with names that the loop counts with replaced; inner loops count anew."""
    if isinstance(value, Expr):
        return substitute(value, known)
    if isinstance(value, LoopStep):
        outer = {name: substituted(getattr(value, name), known) for name in ("count", "rows", "when", "other")}
        table = {name: expr for name, expr in known.items() if name not in TURN_NAMES}
        return replace(value, **outer, body=substituted(value.body, table), let=substituted(value.let, table))
    if isinstance(value, Step):
        return replace(value, **{name: substituted(part, known) for name, part in vars(value).items()})
    if isinstance(value, Mapping):
        return {key: substituted(part, known) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, Span):
        return type(value)(substituted(part, known) for part in value)
    return value
