"""The faults of a run: what to say where a program cannot go on with the numbers that it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archdsl.analysis.limits import MAX_DEPTH
from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Compare, Constant, Expr, ListOf
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ops.base import OpFault, Shape, times
from archdsl.support.naming import did_you_mean


# --- tensors
def left_out(name: str, span: Span | None) -> SpecError:
    message = f"'{name}' does not exist here: the when: of its stage is false"
    return fault("unknown-tensor", message, span, help="give the step that reads it the same when:")


def no_part(item: ir.Item, position: Constant, count: int) -> SpecError:
    return fault("bad-index", f"there is no part {position}: the {count} parts are numbered from 0", item.index.span)


def no_step(tap: ir.Tap, path: str, paths: Iterable[str]) -> SpecError:
    """The fault of a tap that leads to no step; the named ones beside it are told."""
    below = path[: path.rfind(".") + 1]
    beside = (other.removeprefix(below) for other in paths if other.startswith(below))
    known = [name for name in beside if "." not in name and not name.isdigit()]
    help_ = did_you_mean(tap.keys[-1], known) or (
        f"its named steps are {', '.join(known)}" if known else "give the step a name:"
    )
    return fault("unknown-tensor", f"there is no step '{'.'.join(tap.keys)}' to read", tap.span, help=help_)


def out_of_sight(tap: ir.Tap, within: str, block: ir.Function) -> SpecError:
    """The fault of a tap into a block."""
    if block.staged and not block.network:  # the body of a loop
        message = f"'{within}' cannot be read from outside: each turn of its loop joins, splits or names tensors"
        help_ = "read the result of the turn, or write it as a stage and name the tensor with as:"
    else:
        message = f"'{within}' cannot be read from outside: it is inside the block {block.name}"
        help_ = "return it too, with fork: at the end of the block, or write the steps in the stage"
    return fault("unknown-tensor", message, tap.span, help=help_)


def no_tensor(what: str, node: ir.Operation) -> SpecError:
    help_ = "the optional input that it reads is not given in this call: name another tensor with from:"
    return fault("shape", f"{what} needs a tensor", node.span, help=help_ if node.operands() else "")


def no_branch(node: ir.Primitive) -> SpecError:
    return fault(
        "empty-join",
        f"'{node.op.name}' has no branches: each has a when: that is false here",
        node.span,
        help="give the join a when: too, or remove the when: of one branch",
    )


def misnamed_parts(node: ir.Operation, count: int, what: str) -> SpecError:
    """The fault of a list that has other names than it has tensors."""
    named = f"{len(node.out.parts)} name{'s' * (len(node.out.parts) > 1)}"
    return fault("several-names", f"{named} for {count} {what}", node.span)


def nested_too_deeply(node: ir.Operation, calls: Sequence[tuple[ir.Function, Span]]) -> SpecError:
    """The fault of calls in calls without end, or nearly so."""
    again = [block for block, _ in calls if isinstance(node, ir.Call) and block is node.block]
    if len(again) <= 1:
        return fault("too-deep", f"blocks are nested more than {MAX_DEPTH} levels deep", node.span)
    message = (
        f"the block '{again[0].name}' contains itself more than {MAX_DEPTH} levels deep: no when: ends the recursion"
    )
    return fault("too-deep", message, node.span, help="count an argument down, and test it in a when:")


# --- modules that run again
def other_tensors(node: ir.Reuse, entered: Sequence[Any], entering: Sequence[Any]) -> SpecError:
    """The fault of a module that is shared by tensors of other channels, or of other ranks."""
    shapes = ((before, now) for before, now in zip(entered, entering, strict=True) if not isinstance(now, list))
    differ = [(a.shape, b.shape) for a, b in shapes if (a.shape[0], len(a.shape)) != (b.shape[0], len(b.shape))]
    before, now = map(times, differ[0]) if differ else ("one list of tensors", "another")
    message = f"the input is {now} here, but {before} where this module is created"
    notes = (Note("it is created here", node.module.span),)
    help_ = "a module has one number of input channels: give both tensors the same channels, or use two modules"
    return fault("bad-share", message, node.span, notes=notes, help=help_)


def other_modules(node: ir.Reuse) -> SpecError:
    """The fault of a module whose inside depends on the size that enters."""
    message = "with the size of this input, the module would be a different one"
    notes = (Note("it is created here, for another size", node.module.span),)
    help_ = "a layer in it takes its channels from the size of the map: pool it to one size first"
    return fault("bad-share", message, node.span, notes=notes, help=help_)


# --- conditions and loops
def no_truth(node: ir.If, value: Constant) -> SpecError:
    expr = node.condition
    return fault(
        "bad-value",
        f"a condition must be true or false, not {value!r}",
        expr.span or node.span,
        help=f"compare it: {show(expr)} == {value!r}" if isinstance(value, str) else "",
    )


def no_choice(node: ir.If, value: Constant) -> SpecError:
    assert isinstance(node.condition, Compare)
    help_ = did_you_mean(str(value), node.choices) or f"choose from {', '.join(node.choices)}"
    span = node.condition.left.span or node.span
    return fault("bad-choice", f"this choice has no body {value!r}", span, help=help_)


def no_count(node: ir.Loop, count: Constant) -> SpecError:
    assert node.count is not None
    return fault(
        "bad-value",
        f"repeat takes a whole number of at least 0, not {show(node.count)} = {count!r}",
        node.count.span or node.span,
        help="round it with ceil(), int() or round()" if isinstance(count, float) else "",
    )


def unfit_row_name(node: ir.Loop, name: Constant, reason: str) -> SpecError:
    span = (node.rows.span if node.rows is not None else None) or node.span
    return fault("bad-name", f"'{name}' cannot name a row: {reason}", span, help="choose another")


# --- calls
def unmet(block: ir.Function, expr: Expr, values: Mapping[str, Any]) -> SpecError:
    """The fault of a call that a block's `require:` does not allow."""
    known = ", ".join(f"{name} = {values[name]}" for name in expr.mentioned if name in values)
    return fault("require", f"{block.name} requires {show(expr)}, but {known}", expr.span or block.span)


def too_many(what: str, node: ir.Operation) -> SpecError:
    return fault("too-large", what, node.span)


def row_span(node: ir.Loop, index: int) -> Span:
    """Where the spec writes a row, else the loop."""
    if isinstance(node.rows, ListOf) and index < len(node.rows.items):
        return node.rows.items[index].span or node.span
    return node.span


# --- shapes
def misfit(
    node: ir.Primitive, problem: OpFault, sources: Sequence[tuple[Shape, Span | None]], entry: Span | None
) -> SpecError:
    """The fault of an op that refuses its tensors: `sources` are their shapes, and where each comes from.

    `entry` is the step, if it is another one, that made the first.
    """
    written = node.field_spans.get(problem.field or "")
    notes: list[Note] = []
    help_ = problem.help
    if node.op.many:
        notes = [Note(f"this branch returns {times(shape)}", span) for shape, span in sources]
        if node.span.source.line(node.span.line)[node.span.col - 1 :].startswith("residual"):
            help_ = help_ or "give it a shortcut:, or an if: that is false here"
    elif problem.field in node.tensors:
        index = len(sources) - len(node.tensors) + list(node.tensors).index(problem.field or "")
        shape, span = sources[index]
        notes = [Note(f"that tensor is {times(shape)}", span)]
    elif entry is not None:
        notes = [Note(f"the input is {times(sources[0][0])}, from here", entry)]
    notes += patched_step(node, written)
    return fault("shape", problem.message, written or node.span, notes=tuple(notes), help=help_)


def patched_step(node: ir.Primitive, written: Span | None) -> tuple[Note, ...]:
    """Where a step stands whose field is written in another file, by a patch."""
    elsewhere = written is not None and written.source.name != node.span.source.name
    return (Note("it is set for this step", node.span),) if elsewhere else ()


# --- what nobody reads
def unread_input(name: str, span: Span) -> SpecError:
    help_ = f"remove it, or read it with from: {name}"
    return fault("unused-input", f"nothing reads the input '{name}'", span, help=help_)


def unread_step(span: Span | None, where: Sequence[int], runs: int) -> SpecError:
    """A step whose result nobody reads: `where` it runs so, of all its `runs` in loops and calls, counted from 1."""
    if 0 < len(where) < runs:
        which = "the last time" if list(where) == [runs] else f"at run {' and '.join(map(str, where))}"
        message = f"this step runs {runs} times, and {which} nothing reads its result"
        return fault("unused-step", message, span, help="read it there too, or give it a when: that is false there")
    help_ = "read it, remove it, or give it the when: of the step that reads it"
    return fault("unused-step", "nothing reads the result of this step", span, help=help_)
