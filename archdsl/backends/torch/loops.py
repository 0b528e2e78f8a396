"""Loops: a comprehension where the channels stay, a `for` statement where they move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.loop_plan import LoopPlan
from archdsl.backends.torch.pieces import Piece, appended, container, keyed
from archdsl.backends.torch.syntax import Tree
from archdsl.backends.torch.turns import (
    all_same,
    counts_turns,
    inner_loops,
    turns_written,
    update,
)
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Constant, Expr, ListOf, Lit, Name, names
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class LoopWriter(LoopPlan):
    """A loop of a class or of a container."""

    def __init__(self, writer: Writer, node: ir.Loop) -> None:
        super().__init__(writer, node)
        self.count = None if node.count is None else self.numbers.shown(node.count, (node.id, "count"))
        self.counting = writer.loops.counting or (node.table and counts_turns(node) and not inner_loops(node))

    def write(self) -> list[Piece]:
        node, writer = self.node, self.writer
        start, turns = writer.channels.of(node.entry), self.turn_count()
        if turns == 0:
            writer.channels[node.out] = start
            return []
        pieces, variable = self.body(start)
        told = node.parallel or (node.table and counts_turns(node)) or self.counting
        if turns != 1 or variable is not None or told or self.table.row_key() is not None:
            pieces = self.loop(pieces, variable, start)
        self.settle(start, variable)
        if variable is not None:
            writer.kept.forget(variable)
        return pieces

    # --- the body
    def body(self, start: Expr) -> tuple[list[Piece], str | None]:
        """The children of one turn, and the variable that carries the channels if they move."""
        if self.node.carry.many:
            return self.carried(start), None
        entering, writer = self.fixed_entry(start), self.writer
        if entering is not None:
            return self.turn(entering), None
        variable = self.variable(start)
        change = self.change(start, variable)
        if not change.moves:
            return self.turn(start), None
        moved, earlier = writer.loops.mutated, dict(writer.channels.closed)
        pieces = self.turn(Name(f"@{variable}"), variable)
        writer.channels.closed = earlier  # what loops in front of this one made of the variables
        writer.loops.mutated = {*moved, variable}
        writer.loops.variables.add(variable)
        if not change.within:
            result = self.numbers.shown(writer.channels.leaves(self.node.body))
            pieces.append(Piece(body=[update(variable, result)]))
        return pieces, variable

    def carried(self, start: Expr) -> list[Piece]:
        """The children of one turn over several tensors, whose channels stay as they are."""
        constant = self.entering()
        if constant is not None:
            return self.turn(constant)
        pieces = self.turn(start)
        result = self.writer.channels.leaves(self.node.body)
        if not all_same(*map(self.writer.channels.through_lets, (result, start))):
            message = "this loop changes the channels of the tensors that it carries, and they differ between calls"
            raise fault(
                "cannot-print", message, self.node.span, help="end each turn with the same channels that it starts with"
            )
        return pieces

    def turn(self, carry: Expr, variable: str = "") -> list[Piece]:
        """The children of one turn that these channels enter."""
        writer = self.writer
        with self.in_turn(carry, variable):
            pieces = writer.containers.chain(self.node.body)
        if not self.node.wrap:
            return pieces
        whole = writer.containers.sequential(pieces)
        if whole is not None:
            return [Piece(whole)]
        name = "stage" if self.node.table else "branch"
        name = writer.words.word(f"{name}_{writer.loops.wrap_depth + 1}" if writer.loops.wrap_depth else name)
        return [Piece(body=[*container(name, pieces), py.Append(Name(name))])]

    # --- the statement
    def loop(self, pieces: list[Piece], variable: str | None, start: Expr) -> list[Piece]:
        node, writer = self.node, self.writer
        lets, derived = self.lets()
        inner = appended(pieces)
        if not inner and not self.counting:  # every step of a turn is left out
            return []
        if self.counting:
            inner = [*inner, py.NextTurn()]
        read = py.words_read(*lets, *inner)
        counts = self.counter in read or (self.counting and not node.table)
        if node.table:
            inner = self.counted(inner, counts)
        index = self.reads_turn() and self.index in read
        self.numbers.bound = self.outer
        target, rows = self.header(index, derived)
        if variable is None and not lets and not counts and self.is_comprehension(pieces):
            assert pieces[0].module is not None
            return [Piece(py.Starred(py.List((py.Comprehension(pieces[0].module, target, rows),))))]
        body: list[py.Statement] = []
        if variable is not None and not (isinstance(start, Name) and start.id == f"@{variable}"):
            slot = (node.entry.id, "c") if isinstance(node.entry, ir.Value) else None
            body.append(py.assign(variable, writer.channels.printed(start, slot)))
        if node.table and counts:
            body.append(py.assign(self.counter, Lit(0)))
        if node.table and self.total_word in read:
            body.append(py.assign(self.total_word, self.total()))
        key = self.table.row_key()
        if key is not None:
            inner = keyed(inner, Name(key))
        return [Piece(body=[*body, py.For(target, rows, [*lets, *inner])])]

    def is_comprehension(self, pieces: Sequence[Piece]) -> bool:
        """Whether a turn makes one module, under no key."""
        if len(pieces) != 1 or pieces[0].module is None or isinstance(pieces[0].module, py.Starred):
            return False
        return self.table.row_key() is None and pieces[0].key is None

    def counted(self, body: list[py.Statement], counts: bool) -> list[py.Statement]:
        """A turn of a table, in which the count of turns goes up if anything that is printed reads it."""
        found: list[py.Statement] = []
        for statement in body:
            if not isinstance(statement, py.NextTurn):
                found.append(py.over_bodies(statement, lambda inner: self.counted(inner, counts)))
            elif counts:
                found.append(py.Assign(Name(self.counter), Lit(1), operator="+="))
        return found

    def total(self) -> Tree:
        """How many turns the table has in all."""
        node = self.node
        inner = [turns_written(loop) for loop in inner_loops(node)]
        if not inner:
            return self.numbers.close(self.all_turns())
        count = sum(inner[1:], start=inner[0])
        for name, expr in reversed(list(node.let.items())):
            count = substitute(count, {name: expr})
        count = simplify(self.numbers.close(substitute(count, {n: Name(f"@{n}") for n in node.columns})))
        read = {n.id for n in names(count)}
        whole = not self.table.fixed_rows() and not isinstance(node.rows, ListOf)
        columns = [name for name in node.columns if whole or name in read]
        return py.call("sum", py.Comprehension(count, py.targets(columns), self.table.row_trees(columns)))

    def header(self, index: bool, derived: Mapping[str, list[Constant]]) -> tuple[Tree, Tree]:
        """`i in range(n)`, `t, c, n, s in [...]` with the columns that the body prints."""
        node = self.node
        counted = Name(self.index if index else self.unread)
        if node.count is not None:
            return counted, Call("range", (self.count or Lit(0),))
        columns = self.table.columns(derived)
        rows = self.table.row_trees(columns)
        target = py.targets(columns or [self.unread])
        if self.table.in_brackets():
            target = py.Tuple((target,))
        if isinstance(rows, py.List) and not columns:
            return counted, Call("range", (Lit(len(rows.items)),))
        if index:
            inside = py.Tuple(target.items) if isinstance(target, py.Tuple) else target
            return py.Tuple((counted, inside), bracketed=False), py.call("enumerate", rows)
        return target, rows

    def lets(self) -> tuple[list[py.Statement], dict[str, list[Constant]]]:
        """The lets that are printed: as statements, or as columns of the table where they depend on the row alone."""
        node, numbers = self.node, self.numbers
        columns = self.table.row_lets()
        found: list[py.Statement] = []
        derived: dict[str, list[Constant]] = {}
        for name, expr in reversed(list(node.let.items())):  # a let is read by later ones
            if (node.id, name) not in numbers.used:
                continue
            if name in columns:
                derived[name] = [row[name] for row in self.writer.origin.facts.rows[node.id]]
            else:
                found.append(py.assign(name, simplify(numbers.close(expr), numbers.facts)))
        return found[::-1], derived
