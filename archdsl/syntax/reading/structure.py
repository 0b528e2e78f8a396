"""Structure words (residual, repeat, for, each, running_sum, fork, split, choice, body) and the branches of joins."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Expr, ListOf, Lit
from archdsl.syntax.identifiers import checked_name
from archdsl.syntax.reading.values import as_mapping, clip, head, is_null, kind_of, to_expr, to_lets, to_params
from archdsl.syntax.spec import (
    ChoiceStep,
    ForkStep,
    LoopStep,
    Param,
    ResidualStep,
    RunningSumStep,
    SequenceStep,
    SplitStep,
    Step,
)
from archdsl.syntax.words import RESIDUAL
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from archdsl.syntax.reading.steps import StepReader

IDENTITY, MAX_BODIES = "identity", 100
_SEVERAL = ("each", "running_sum", "fork", "split", "from")  # what may stand alone where branches stand


@dataclass
class Structure:
    """One structure word: its key and value, the mapping they stand in, and the fields that every step has."""

    reader: StepReader
    key: Scalar
    value: Node
    node: Mapping
    common: dict[str, Any]

    def read(self) -> Step:
        return READERS[self.key.text](self)

    # --- parts
    def given(self) -> Node:
        if is_null(self.value):
            raise fault("missing-value", f"'{self.key.text}' has no value", self.key.span)
        return self.value

    def turn(self) -> tuple[list[Step], dict[str, Expr]]:
        """The body and the lets of a loop."""
        if "body" not in self.node:
            help = "write body: [...] beside it"
            raise fault("missing-key", f"'{self.key.text}' has no body", self.key.span, help=help)
        body = self.reader.body(self.node.get("body"), f"the body of '{self.key.text}'")
        return body, to_lets(self.reader.ctx, self.node.get("let"))

    # --- words
    def residual(self) -> Step:
        value, body = self.value, self.reader.body
        if not isinstance(value, Mapping):
            return ResidualStep(**self.common, body=body(value, "residual"))
        self.reader.ctx.check_keys(value, RESIDUAL, "residual")
        if "body" not in value:
            raise fault("missing-key", "this residual has no body", self.key.span, help="write body: [...] under it")
        shortcut, condition, order = value.get("shortcut"), value.get("if"), value.keys()
        return ResidualStep(
            **self.common,
            body=body(value.get("body"), "the body of residual"),
            condition=to_expr(condition) if condition is not None else None,
            shortcut=None if shortcut is None or is_null(shortcut) else body(shortcut, "shortcut", empty=True),
            shortcut_first=shortcut is not None and order.index("shortcut") < order.index("body"),
        )

    def body(self) -> Step:
        return SequenceStep(**self.common, body=self.reader.body(self.value, "body"))

    def repeat(self) -> Step:
        body, let = self.turn()
        return LoopStep(**self.common, body=body, let=let, count=to_expr(self.given()))

    def loop(self) -> LoopStep:
        columns = to_params(self.reader.ctx, self.given(), "column")
        rows = self.node.get("in")
        if rows is None:
            help = "write in: [[..], [..]] beside it"
            raise fault("missing-key", f"'{self.key.text}' has no rows", self.key.span, help=help)
        body, let = self.turn()
        return LoopStep(
            **self.common,
            body=body,
            let=let,
            columns=tuple(columns),
            column_spans={name: param.span for name, param in columns.items()},
            column_defaults={name: param.default for name, param in columns.items() if param.default is not None},
            rows=self.table(rows, columns),
        )

    def each(self) -> Step:
        return replace(self.loop(), parallel=True)

    def table(self, node: Node, columns: dict[str, Param]) -> Expr:
        """The rows; in a column `name`, and for a word that the file does not know, a cell is a word."""
        if not isinstance(node, Sequence):
            return to_expr(node)
        order = list(columns)
        rows: list[Expr] = []
        for row in node.items:
            with self.reader.ctx.catch():
                cells = row.items if isinstance(row, Sequence) else (row,)
                items = [self.cell(cell, order[n : n + 1] == ["name"]) for n, cell in enumerate(cells)]
                rows.append(ListOf(tuple(items), span=head(row)) if isinstance(row, Sequence) else items[0])
        return ListOf(tuple(rows), span=node.span)

    def cell(self, node: Node, is_name: bool) -> Expr:
        if is_name:
            return Lit(checked_name(node, "row"), span=node.span)
        return to_expr(node, self.reader.ctx.names)

    def running_sum(self) -> Step:
        return RunningSumStep(**self.common, branches=branches(self.reader, self.key, self.value))

    def fork(self) -> Step:
        return ForkStep(**self.common, branches=branches(self.reader, self.key, self.value))

    def split(self) -> Step:
        return SplitStep(**self.common, sizes=to_expr(self.given()))

    def choice(self) -> Step:
        of = self.node.get("of")
        if of is None:
            help = "write of: {name: [...], ...} beside it"
            raise fault("missing-key", "this choice has no bodies", self.key.span, help=help)
        bodies: dict[str, list[Step]] = {}
        entries = as_mapping(of, "of:", "write of: {name: [...], ...}").entries
        if len(entries) > MAX_BODIES:
            raise fault("too-large", f"a choice of more than {MAX_BODIES} bodies", entries[MAX_BODIES][0].span)
        for name, body in entries:
            with self.reader.ctx.catch():
                what = f"the choice '{clip(name.text)}'"
                bodies[checked_name(name, "choice")] = self.reader.body(body, what, empty=True)
        if not entries:
            raise fault("empty-body", "this choice has no bodies", of.span)
        return ChoiceStep(**self.common, param=to_expr(self.given()), bodies=bodies)


READERS: MappingABC[str, Callable[[Structure], Step]] = {
    "residual": Structure.residual,
    "repeat": Structure.repeat,
    "for": Structure.loop,
    "each": Structure.each,
    "running_sum": Structure.running_sum,
    "fork": Structure.fork,
    "split": Structure.split,
    "choice": Structure.choice,
    "body": Structure.body,
}


def branches(reader: StepReader, key: Scalar, node: Node) -> list[Step]:
    """The branches of a join, in order."""
    if isinstance(node, Sequence) and node.items:
        return reader.body(node, f"'{key.text}'")
    if isinstance(node, Scalar) and isinstance(node.value, str) and not reader.is_target(node.text):
        return [reader.bare(node)]  # a list of tensors: `concat: part`
    if isinstance(node, Mapping) and any(word in node for word in _SEVERAL):
        return [reader.keyed(node)]
    help = f"write {key.text}: [{IDENTITY}, ...]"
    if isinstance(node, Sequence):
        raise fault("empty-body", f"'{key.text}' has no branches", node.span, help=help)
    if is_null(node):
        raise fault("missing-value", f"'{key.text}' needs branches", key.span, help=help)
    raise fault("wrong-type", f"'{key.text}' takes a list of branches, not {kind_of(node)}", head(node), help=help)
