"""The rows of a loop: what each binds, and how they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, Name, names, wrap
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Table:
    """The rows of one loop."""

    def __init__(self, writer: Writer, node: ir.Loop) -> None:
        self.writer, self.node, self.numbers = writer, node, writer.numbers

    def fixed_rows(self) -> bool:
        node = self.node
        assert node.rows is not None
        if not all(isinstance(self.writer.channels.shown(entry), Lit) for entry in node.entries):
            return False
        if self.open_defaults():
            return False
        closed = not any(True for _ in names(node.rows))
        return closed or self.numbers.constant((node.id, "rows")) is not None

    def open_defaults(self) -> bool:
        """Whether a column's default reads more than the row and what never differs."""
        read = {n.id for expr in self.node.column_defaults.values() for n in names(expr)} - {*self.node.columns}
        return any(not isinstance(self.numbers.shown(Name(name)), Lit) for name in read)

    def cells(self) -> list[dict[str, Expr]]:
        """What each row binds, as written in the spec if it is written there."""
        node = self.node
        found = []
        rows = node.rows.items if isinstance(node.rows, ListOf) else None
        for index, values in enumerate(self.writer.origin.facts.rows.get(node.id, [])):
            cells: dict[str, Expr] = {}
            row = rows[index] if rows is not None else None
            written = row.items if isinstance(row, ListOf) else (row,) if row is not None else ()
            for position, name in enumerate(node.columns):
                if name == node.entered:  # the spec names a tensor there
                    cells[name] = self.writer.channels.of(node.entries[index])
                elif row is None:
                    cells[name] = wrap(values[name])
                elif position < len(written):
                    cells[name] = written[position]
                else:
                    cells[name] = substitute(node.column_defaults[name], cells)
            found.append(cells)
        return found

    def in_brackets(self) -> bool:
        """Whether the rows that come as an argument are lists of their only cell."""
        node = self.node
        seen = self.numbers.seen.get((node.id, "rows"))
        if seen is None or len(node.columns) != 1 or self.fixed_rows() or isinstance(node.rows, ListOf):
            return False
        found = {isinstance(row, list) and len(row) == 1 for row in seen.value}
        if len(found) > 1:
            message = "some of these rows are lists of one cell, and others are the cell itself"
            raise fault("cannot-print", message, node.span, help="write all of them the same way")
        return True in found

    def columns(self, derived: Mapping[str, list[Constant]]) -> list[str]:
        node, used = self.node, self.numbers.used
        whole = not self.fixed_rows() and not isinstance(node.rows, ListOf)  # a table that comes as an argument
        wanted = [n for n in node.columns if whole or (node.id, n) in used or n == self.row_key()]
        order = {name: float(i) for i, name in enumerate(node.columns)}
        for name in derived:
            first = next((n.id for n in names(node.let[name]) if n.id in order), None)
            order[name] = order[first] + 0.5 if first else len(order)
        return sorted([*wanted, *derived], key=lambda n: order[n])

    def row_trees(self, columns: Sequence[str]) -> Tree:
        node = self.node
        assert node.rows is not None
        if self.fixed_rows():
            rows = [[wrap(row[name]) for name in columns] for row in self.writer.origin.facts.rows[node.id]]
        elif isinstance(node.rows, ListOf):
            rows = [[self.numbers.shown(cells[name]) for name in columns] for cells in self.cells()]
        elif self.open_defaults():
            message = "a column is missing in these rows, and its default differs between calls"
            raise fault("cannot-print", message, node.span, help="write every cell of each row")
        else:
            return self.numbers.shown(node.rows, (node.id, "rows"))
        return py.List(tuple(row[0] if len(columns) == 1 else py.Tuple(tuple(row)) for row in rows))

    def row_key(self) -> str | None:
        """The column that names the rows of a table."""
        return "name" if self.node.table and "name" in self.node.columns else None

    def row_lets(self) -> set[str]:
        """The lets that depend on the row alone."""
        node = self.node
        found: set[str] = set()
        if node.rows is None or not self.fixed_rows():
            return found
        for name, expr in node.let.items():
            open_ = self.numbers.seen[(node.id, name)].deps & self.numbers.symbolic
            if not open_ and all(self.known_in_row(n.id, found) for n in names(expr)):
                found.add(name)
        return found

    def known_in_row(self, name: str, lets: set[str]) -> bool:
        if name in self.node.columns or name in self.node.let:
            return name in self.node.columns or name in lets
        bound = self.numbers.bound.get(name)
        if isinstance(bound, tuple):
            return self.numbers.constant(bound) is not None
        return isinstance(bound, Lit)
