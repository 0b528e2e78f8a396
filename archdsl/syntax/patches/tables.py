"""Rows and cells of tables: `dense.stage3: {layers: 12}`, `rows.3: {n: 4}`."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.support.naming import did_you_mean
from archdsl.syntax.patches.draft import Draft, draft
from archdsl.syntax.patches.paths import Part, missed
from archdsl.syntax.patches.places import end_of, insert, is_gone, move, place_in, without_place
from archdsl.syntax.patches.steps import standing
from archdsl.syntax.reading.values import clip, declared, is_null
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

NAME = "name"  # the column that names the rows


@dataclass(frozen=True)
class Table:
    """The rows of a loop, or of a param that some loop takes its rows from."""

    what: str
    rows: Draft  # a list
    columns: Draft | None  # what `for:` declares; None: cells are known by number alone

    def names(self) -> list[tuple[Scalar, Node | None]]:
        return [] if self.columns is None else declared(self.columns.settled(), "column")

    def named(self) -> bool:
        return any(key.text == NAME for key, _ in self.names())

    def row_names(self) -> list[str]:
        """What paths call the rows that stand: names, and what the file itself calls new ones."""
        return [name for row in self.rows.parts() if not row.gone and (name := self.name_of(row))]

    def name_of(self, row: Draft) -> str:
        if row.word or not self.named():
            return row.word
        place = [key.text for key, _ in self.names()].index(NAME)
        cells = row.base.items if isinstance(row.base, Sequence) else (row.base,)
        cell = cells[place] if place < len(cells) else None
        return cell.text if isinstance(cell, Scalar) else ""

    def find(self, part: Part) -> Draft | None:
        """The row of a name or number; None if there is none of that name."""
        row = next((row for row in self.rows.parts() if not row.gone and self.name_of(row) == part.text), None)
        number = part.number()
        if row is not None or number is None:
            return row
        if number >= len(self.rows.items):
            message = f"{self.what} has no row {number}: its {len(self.rows.items)} rows are numbered from 0"
            raise fault("unknown-override", message, part.span, notes=self.notes(), help=self.known())
        return standing(self.rows.items[number], part)

    def known(self) -> str:
        return f"its rows are {', '.join(self.row_names())}" if self.named() else ""

    def notes(self) -> tuple[Note, ...]:
        return (Note("its rows stand here", self.rows.base.span),)

    def no_row(self, part: Part, others: list[str] = []) -> SpecError:  # noqa: B006 - never changed
        said = "" if self.named() else f"its rows have no names: they are numbered from 0 to {len(self.rows.items) - 1}"
        known = [*self.row_names(), *others]
        return missed(part, f"{self.what} has no row or step", known, "there are", self.rows.base.span, said)

    # --- changes
    def patch(self, part: Part, rest: list[Part], value: Node) -> None:
        """Lays the value of a patch on a row, or on one of its cells."""
        row, place = self.find(part), place_in(value) if not rest else None
        if row is None and place is None:
            raise self.no_row(part)
        if rest:
            assert row is not None
            self.set_cell(row, rest[0].key, value)
            if len(rest) > 1:
                raise fault("unknown-override", f"a cell has no part '{rest[1].text}'", rest[1].span)
        elif place is not None:
            self.place(row, place, value, part)
        elif is_gone(value):
            self.take_out(row, part)
        else:
            self.lay(row, value, part)

    def take_out(self, row: Draft | None, part: Part) -> None:
        assert row is not None
        row.gone = True
        if all(other.gone for other in self.rows.parts()):
            raise fault("unknown-override", f"'{part.text}' is the only row and cannot be removed", part.span)

    def lay(self, row: Draft | None, value: Node, part: Part) -> None:
        assert row is not None
        if isinstance(value, Mapping):
            for key, cell in value.entries:
                self.set_cell(row, key, cell)
        elif isinstance(value, Sequence) == isinstance(row.node, Sequence):
            row.become(value)
        else:
            help = "write its cells by column, or all of them as a list"
            raise fault("wrong-type", f"'{part.text}' is a row", value.span, help=help)

    def place(self, row: Draft | None, place: tuple[str, Scalar], value: Node, part: Part) -> None:
        word, name = place
        anchor = end_of([row for row in self.rows.parts() if not row.gone], word, name) or self.find(Part(name))
        if anchor is None:
            raise missed(Part(name), f"{self.what} has no row", self.row_names(), "its rows are", self.rows.base.span)
        rest = without_place(value)
        if row is None:
            insert(draft(self.new_row(rest, part), part.text), anchor, word)
            return
        self.lay(row, rest, part)
        move(row, anchor, word, part)

    def new_row(self, value: Mapping, part: Part) -> Node:
        """A row whose cells are given by column; its name is that of the path."""
        names = self.names()
        row = Draft(Sequence((), value.span), Sequence((), value.span))
        given = {key.text: (key, cell) for key, cell in value.entries}
        if self.named():
            given = {NAME: (Scalar(NAME, NAME, False, part.span), part.key), **given}
        for key, _ in names:
            if key.text in given:
                self.set_cell(row, *given.pop(key.text))
        for key, cell in given.values():
            self.set_cell(row, key, cell)
        for column, default in names[len(row.items) :]:
            if default is None or (isinstance(default, Scalar) and default.empty):
                message = f"the new row '{part.text}' has no '{column.text}'"
                raise fault("missing-argument", message, part.span, notes=(Note("the column", column.span),))
        lone = len(names) == 1 and not any(isinstance(row.node, Sequence) for row in self.rows.items)
        return row.items[0].node if lone else row.settled()

    def set_cell(self, row: Draft, key: Scalar, value: Node) -> None:
        """Sets a cell by its column, or by its number."""
        place = self.column(key)
        if not isinstance(row.node, Sequence):
            if place:
                row.become(Sequence((row.node,), row.node.span))
            else:
                row.become(value)
                return
        for column, default in self.names()[len(row.items) : place]:
            row.items.append(draft(self.left_out(column, default, key)))
        if place < len(row.items):
            row.items[place].become(value)
        else:
            row.items.append(draft(value))

    @staticmethod
    def left_out(column: Scalar, default: Node | None, key: Scalar) -> Node:
        """The cell that a row leaves to its default, when one behind it is given."""
        if isinstance(default, Scalar) and not default.empty and not isinstance(default.value, str):
            return default
        message = f"'{key.text}' comes after '{column.text}', which this row leaves out"
        note = Note("the column", column.span)
        raise fault("unknown-override", message, key.span, notes=(note,), help=f"give '{column.text}' too")

    def column(self, key: Scalar) -> int:
        names = [name.text for name, _ in self.names()]
        if key.text in names:
            return names.index(key.text)
        number = Part(key).number()
        longest = max((len(row.items) for row in self.rows.items), default=0)
        if number is not None and number < (len(names) or longest):
            return number
        place = self.columns.base.span if self.columns is not None else self.rows.base.span
        notes = (Note("the columns are declared here" if names else "its rows stand here", place),)
        if not names:
            message = f"the cells of {self.what} are numbered from 0 to {longest - 1}"
            raise fault("unknown-override", message, key.span, notes=notes)
        help = did_you_mean(key.text, names) or f"its columns are {', '.join(names)}"
        message = f"{self.what} has no column '{clip(key.text)}'"
        raise fault("unknown-override", message, key.span, notes=notes, help=help)


def lay_names(names: Draft, value: Node, kind: str) -> None:
    """Names with defaults laid on others: params, columns, inputs, lets; null takes one out."""
    if is_null(value) or not isinstance(value, Mapping):
        names.become(value)
        return
    if not isinstance(names.node, Mapping):
        entries = [(key, default or Scalar(None, "", False, key.span)) for key, default in declared(names.own(), kind)]
        names.become(Mapping(tuple(entries), names.node.span))
    for key, default in value.entries:
        if is_gone(default) and names.get(key.text) is None:
            known = [name.text for name, _ in names.entries]
            raise missed(Part(key), f"there is no {kind}", known, "there are", names.base.span)
        names.put(key, default)
