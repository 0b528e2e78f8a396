"""Loops: a comprehension where the channels stay, a `for` statement where they move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.closed_forms import after_turns
from archdsl.backends.torch.numbers import UNKNOWN
from archdsl.backends.torch.pieces import Piece, appended, container, keyed
from archdsl.backends.torch.syntax import Tree
from archdsl.backends.torch.table import Table
from archdsl.backends.torch.turns import (
    added_by,
    all_same,
    counts_turns,
    inner_loops,
    reads_turn,
    resolved,
    turns_written,
    update,
)
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Compare, Constant, Expr, FirstRow, Index, ListOf, Lit, Name, names
from archdsl.expr.simplify import same, simplify
from archdsl.ir import program as ir
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import TABLE_NAMES, TURN_NAMES

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

INDICES = ("i", "j", "k")  # of nested loops
MAX_UNROLLED = 64  # turns of which the channels are worked out one by one
BLOCK_ENTRY = "c_in "  # in a loop, what `c_in` means outside of all loops


@dataclass
class Loops:
    """Where in the loops of a class its writer stands."""

    mutated: set[str] = field(default_factory=set)  # the variables that the loop at hand moves
    variables: set[str] = field(default_factory=set)  # of all loops: the channels that move
    indices: tuple[str, ...] = ()  # the variables that count the turns of the loops around
    counting: bool = False  # whether the loops that are written count the turns of the table around
    wrap_depth: int = 0  # of chains of modules in one another


class LoopWriter:
    """A loop of a class or of a container."""

    def __init__(self, writer: Writer, node: ir.Loop) -> None:
        self.writer, self.node, self.numbers = writer, node, writer.numbers
        self.table = Table(writer, node)
        self.count = None if node.count is None else self.numbers.shown(node.count, (node.id, "count"))
        words, (rounds, place) = writer.words, divmod(len(writer.loops.indices), len(INDICES))
        self.index = words.word(f"{INDICES[place]}_{rounds + 1}" if rounds else INDICES[place])
        self.unread = words.word("_", "turn")
        self.counter, self.total_word = words.word("block"), words.word("blocks")  # the turns of a table before, in all
        self.inside: dict[str, Expr | None] = {}  # what loops inside make of the variables of the source
        self.counting = writer.loops.counting or (node.table and counts_turns(node) and not inner_loops(node))
        self.aside: dict[str, Expr] = {}  # names that mean something else inside -> a word for what they mean outside

    def write(self) -> list[Piece]:
        node, writer = self.node, self.writer
        start = writer.channels.of(node.entry)
        kept = self.outer = dict(self.numbers.bound)  # what names mean before the loop
        turns = self.turn_count()
        if turns == 0:
            writer.channels[node.out] = start
            return []
        pieces, variable = self.body(start)
        told = node.parallel or (node.table and counts_turns(node)) or self.counting
        if turns == 1 and variable is None and not told and self.table.row_key() is None:
            found = pieces
        else:
            found = self.loop(pieces, variable, start)
        self.numbers.bound = kept
        if BLOCK_ENTRY not in kept:
            writer.channels.rename(BLOCK_ENTRY, Name("c_in"))
        self.note_rows(start, variable)
        if node.parallel:
            writer.channels[node.out] = self.parallel_channels()
            if not self.table.fixed_rows() and node.rows is not None:
                writer.channels.counts[node.out] = Call("len", (node.rows,))
        elif variable is not None:
            writer.channels[node.out] = Name(f"@{variable}")
            form = self.closed_form(start, variable)
            writer.channels.closed[variable] = None if form is None else resolved(form, writer.channels.closed)
            writer.channels.loops[variable] = node.span
            writer.kept.forget(variable)
        else:
            writer.channels[node.out] = self.after(start)
        if node.carry.many and not node.carry.items:
            self.note_count()
        for name, mark in self.aside.items():
            assert isinstance(mark, Name)
            writer.channels.rename(mark.id, Name(name))
        return found

    def note_count(self) -> None:
        """How many tensors leave a loop whose turns each add as many to the list that they carry."""
        node, channels = self.node, self.writer.channels
        (call,) = node.body.nodes
        more = added_by(call.block) if isinstance(call, ir.Call) else None
        if more is not None and isinstance(node.entry, ir.Value):
            channels.counts[node.out] = simplify(channels.count(node.entry) + self.all_turns() * more)

    def after(self, start: Expr) -> Expr:
        """Channels after a loop in which those that enter a turn never differ: what leaves its last turn."""
        result = self.writer.channels.leaves(self.node.body)
        if not self.local(result):
            return result
        constant = self.numbers.constant((self.node.out.id, "c"))
        if constant is not None:
            return constant
        turns = self.turn_count()
        if turns is not None and turns <= MAX_UNROLLED:
            result = simplify(substitute(result, self.turns_cells(turns)[-1]))
        elif self.told_by_place():
            count = self.turns()
            last = self.cells_at(count - 1, first=Compare("==", count, Lit(1)), last=Lit(True))
            result = simplify(substitute(result, last))
        return Name(UNKNOWN, span=self.node.span) if self.local(result) else result

    def local(self, expr: Expr) -> bool:
        """Whether an expression reads what each turn binds anew."""
        bound = {*self.node.columns, *self.node.let, *TURN_NAMES, *TABLE_NAMES}
        return any(name.id in bound for name in names(expr))

    def closed_form(self, start: Expr, variable: str) -> Expr | None:
        """Channels after the last turn over the names of the block: start + n·growth, turn by turn, or by a formula."""
        node = self.node
        result = self.result(variable)
        if result is None:
            return None
        carried = Name(f"@{variable}")
        growth = simplify(result - carried)
        local = {*node.columns, *node.let, *TURN_NAMES, carried.id}
        if node.count is not None and not {n.id for n in names(growth)} & local:
            return start + node.count * growth
        turns = self.turn_count()
        if turns is not None and turns <= MAX_UNROLLED:
            found = start
            for cells in self.turns_cells(turns):
                found = simplify(substitute(result, {**cells, carried.id: found}))
            return found
        if not self.told_by_place():
            return None
        known = self.writer.origin.facts.turns.get(node.id, set())
        count = self.turns()
        form = after_turns(result, carried, start, count, frozenset(known), self.cells_at)
        return None if form is None or self.local(form) else form

    def told_by_place(self) -> bool:
        """Whether all that a turn binds is told by its place among the others: cells that are left out are not."""
        return self.node.count is not None or not (isinstance(self.node.rows, ListOf) or self.node.column_defaults)

    def cells_at(self, index: Expr, *, first: Expr, last: Expr) -> dict[str, Expr]:
        """What a turn binds, by its place among them: of rows that a name holds, those that can be told by it."""
        node = self.node
        cells: dict[str, Expr] = dict(zip(TURN_NAMES, (index, first, last), strict=True))
        if node.rows is not None:
            row = Index(self.from_inside(node.rows), Lit(-1) if last == Lit(True) else index)
            lone = len(node.columns) == 1 and not self.table.in_brackets()
            cells |= {name: row if lone else Index(row, Lit(n)) for n, name in enumerate(node.columns)}
        for name, expr in node.let.items():
            cells[name] = substitute(expr, cells)
        return cells

    def result(self, variable: str | None, found: Expr | None = None) -> Expr | None:
        """What leaves a turn (or `found`, near its end) over what enters it; None where loops inside have no form."""
        found = self.writer.channels.leaves(self.node.body) if found is None else found
        return found if variable is None else resolved(found, self.inside)

    def note_rows(self, start: Expr, variable: str | None) -> None:
        """What leaves each row of a table that has names, for those who tap it."""
        if self.table.row_key() is None:
            return
        if not isinstance(self.node.rows, ListOf):
            self.note_tapped(variable)
            return
        channels, entering = self.writer.channels, start
        result = self.result(variable)
        if result is None:
            return
        steps = self.steps_to_tap()
        for cell in self.turns_cells(len(self.node.rows.items)):
            known, word = {**cell, f"@{variable}": entering}, cell["name"]
            name = str(word.value) if isinstance(word, Lit) else ""
            for step in steps:
                inside = self.result(variable, channels.known[step.out])
                if inside is not None and not any(n.id.startswith("@") for n in names(substitute(inside, known))):
                    channels.rows[self.node.id, (name, str(step.key))] = simplify(substitute(inside, known))
            entering = channels.rows[self.node.id, (name,)] = simplify(substitute(result, known))

    def steps_to_tap(self) -> list[ir.Operation]:
        """The named steps of a row whose channels are told by what enters it."""
        nodes = self.node.body.nodes
        last = max((n for n, inner in enumerate(nodes) if isinstance(inner, ir.Loop)), default=-1)
        after = ir.Region(nodes[last + 1 :])  # in front of a loop the variable still is what entered
        return [step for step in after.walk() if step.key is not None and step.out in self.writer.channels.known]

    def note_tapped(self, variable: str | None) -> None:
        """What leaves the rows of a table that comes as an argument: of those that are tapped, found by their name."""
        channels, node = self.writer.channels, self.node
        steps = {step.key: channels.known[step.out] for step in self.steps_to_tap()}
        for keys in self.writer.origin.facts.taps.get(node.id, ()):
            whole = self.result(variable) if len(keys) == 1 else None
            leaving = steps.get(keys[1]) if len(keys) == 2 else whole
            found = self.in_row(keys[0], leaving, variable) if leaving is not None else None
            if found is not None:
                channels.rows[node.id, keys] = found

    def in_row(self, name: str, expr: Expr, variable: str | None) -> Expr | None:
        """An expression of a turn for the row of a name; None if it hangs on more than that row."""
        node = self.node
        assert node.rows is not None
        cells: dict[str, Expr] = {column: Name(f"@{column}") for column in node.columns}
        for word, let in node.let.items():
            cells[word] = substitute(let, cells)
        element = simplify(substitute(expr, cells))
        read = {n.id.removeprefix("@") for n in names(element) if n.id.startswith("@")}
        if not read <= set(node.columns) or self.local(element) or variable in read:
            return None
        columns = tuple(c if c in read | {"name"} else self.unread for c in node.columns)
        return FirstRow(element, Compare("==", Name("@name"), Lit(name)), columns, node.rows) if read else element

    def turns_cells(self, turns: int) -> list[dict[str, Expr]]:
        """What each turn binds."""
        cells = self.table.cells() if self.node.rows is not None else [{} for _ in range(turns)]
        for index, cell in enumerate(cells):
            cell |= dict(zip(TURN_NAMES, map(Lit, (index, index == 0, index == turns - 1)), strict=True))
            for name, expr in self.node.let.items():
                cell[name] = substitute(expr, cell)
        return cells

    def turn_count(self) -> int | None:
        node = self.node
        if node.count is not None:
            if isinstance(node.count, Lit):
                return int(node.count.value)  # type: ignore[arg-type]
            constant = self.numbers.constant((node.id, "count"))
            return constant.value if isinstance(constant, Lit) else None  # type: ignore[return-value]
        rows = self.writer.origin.facts.rows.get(node.id)
        return len(rows) if rows is not None and self.table.fixed_rows() else None

    # --- the body
    def body(self, start: Expr) -> tuple[list[Piece], str | None]:
        """The children of one turn, and the variable that carries the channels if they move."""
        node, writer = self.node, self.writer
        constant = self.entering()
        if node.carry.many:
            return self.carried(start, constant), None
        if node.entries:
            return self.turn(constant or Name(node.entered)), None
        if constant is not None or node.parallel:
            return self.turn(start if node.parallel else constant or start), None
        variable = self.variable(start)
        moved = writer.loops.mutated
        writer.loops.mutated = set()
        used = set(self.numbers.used)
        written = len(writer.body)
        earlier = dict(writer.channels.closed)  # what loops in front of this one made of the variables
        pieces = self.turn(Name(f"@{variable}"), variable)
        writer.channels.closed = earlier
        result = writer.channels.leaves(node.body)
        stays = same(result, Name(f"@{variable}")) or same(result, substitute(start, self.aside))
        moving = not stays or variable in writer.loops.mutated
        updated = variable in writer.loops.mutated and same(result, Name(f"@{variable}"))
        writer.loops.mutated = moved
        if not moving:
            self.numbers.used.clear()
            self.numbers.used.update(used)
            del writer.body[written:]
            self.numbers.bound = dict(self.outer)
            return self.turn(start), None
        writer.loops.variables.add(variable)
        writer.loops.mutated.add(variable)
        if not updated:
            pieces.append(Piece(body=[update(variable, self.numbers.shown(result))]))
        return pieces, variable

    def entering(self) -> Expr | None:
        """The channels that enter each turn, if they are the same wherever the loop stands, with turns or without."""
        node = self.node
        idle = not node.parallel and 0 in self.writer.origin.facts.turns.get(node.id, ())
        if idle and self.numbers.constant((node.out.id, "c")) is None:
            return None
        return self.numbers.constant((node.carry.id, "c"))

    def carried(self, start: Expr, constant: Expr | None) -> list[Piece]:
        """The children of one turn over several tensors, whose channels stay as they are."""
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

    def variable(self, start: Expr) -> str:
        """The variable for channels that move: loops one after another share one, unless what it says is still read."""
        writer = self.writer
        carried = start.id[1:] if isinstance(start, Name) and start.id.startswith("@") else ""
        if carried and self.only_consumer() and self.is_free(carried):
            return carried
        word = "c_in" if writer.outermost else "channels"
        free = {"c_in"} - {carried} if writer.outermost and self.is_free("c_in") else set()
        return unique(word, (writer.words.taken | writer.loops.variables) - free)

    def is_free(self, variable: str) -> bool:
        """Whether no channels that are read from here on are expressed by a variable; constant ones need it no more."""
        writer, word = self.writer, f"@{variable}"
        entering = self.numbers.bound.get("c_in")
        said = isinstance(entering, Expr) and any(name.id == word for name in names(entering))
        if said and writer.order.reads_entry(self.node):
            return False
        for var, expr in writer.channels.known.items():
            read = {name.id for name in names(expr)}
            if word not in read and not (said and "c_in" in read):
                continue
            if writer.order.reads(var, self.node):
                constant = self.numbers.constant((var.id, "c"))
                if constant is None:
                    return False
                writer.channels[var] = constant
        return True

    def only_consumer(self) -> bool:
        return isinstance(self.node.entry, ir.Value) and self.writer.consumers[self.node.entry] == 1

    def turn(self, carry: Expr, variable: str = "") -> list[Piece]:
        node, writer = self.node, self.writer
        writer.channels[node.carry] = carry
        self.set_aside()
        self.bind()
        entering = self.rebind_entry() if writer.function.staged else None
        outer = writer.loops.indices
        writer.loops.indices = (*outer, self.index) if reads_turn(node) else outer
        writer.loops.wrap_depth += node.wrap
        counting, writer.loops.counting = (
            writer.loops.counting,
            node.table and counts_turns(node) and bool(inner_loops(node)),
        )
        known = {name: form for name, form in writer.channels.closed.items() if name != variable}
        writer.channels.closed = dict(known)
        pieces = writer.containers.chain(node.body)
        self.inside = {n: f for n, f in writer.channels.closed.items() if n not in known or known[n] != f}
        writer.channels.closed |= {n: None for n, f in self.inside.items() if f is not None and self.local(f)}
        writer.loops.indices = outer
        writer.loops.wrap_depth -= node.wrap
        writer.loops.counting = counting
        if isinstance(entering, Expr):
            writer.channels.rename("c_in", entering)
        if not node.wrap:
            return pieces
        whole = writer.containers.sequential(pieces)
        if whole is not None:
            return [Piece(whole)]
        name = "stage" if node.table else "branch"
        name = writer.words.word(f"{name}_{writer.loops.wrap_depth + 1}" if writer.loops.wrap_depth else name)
        return [Piece(body=[*container(name, pieces), py.Append(Name(name))])]

    def rebind_entry(self) -> Expr | tuple[int, str]:
        """`c_in` becomes what enters a turn; the channels known so far no longer say it."""
        outer = self.outer["c_in"]
        self.numbers.bound.setdefault(BLOCK_ENTRY, outer)
        self.writer.channels.rename("c_in", outer if isinstance(outer, Expr) else Name(BLOCK_ENTRY))
        entering = self.numbers.bound["c_in"] = self.writer.entering(self.node.carry)
        return entering

    def set_aside(self) -> None:
        """The channels known so far are over what `i`, `first` and so on mean outside: another loop's, or params."""
        for name in (*TURN_NAMES, *TABLE_NAMES) if self.node.table else TURN_NAMES:
            outer = self.outer.get(name)
            if outer is None:
                continue
            depth = sum(known.startswith(f"{name} ") for known in self.outer)
            mark = self.aside[name] = Name(f"{name} {depth}")
            self.numbers.bound[mark.id] = outer
            self.writer.channels.rename(name, mark)

    def bind(self) -> None:
        node = self.node
        self.numbers.bound.update({name: (node.id, name) for name in (*node.columns, *node.let)})
        if node.table:
            self.numbers.bound["turn"] = Name(f"@{self.counter}")
            self.numbers.bound["turns"] = self.numbers.constant((node.id, "turns")) or Name(f"@{self.total_word}")
        last = self.turns() - 1
        index: Expr = Name(f"@{self.index}")
        for name, expr in zip(
            TURN_NAMES, (index, Compare("==", index, Lit(0)), Compare("==", index, last)), strict=True
        ):
            constant = self.numbers.constant((node.id, name))
            self.numbers.bound[name] = constant if constant is not None else expr

    def turns(self) -> Expr:
        """How many turns the loop has, as it can be said inside of it."""
        return self.from_inside(self.all_turns())

    def all_turns(self) -> Expr:
        """How many turns the loop has."""
        node = self.node
        if node.count is not None:
            return node.count
        assert node.rows is not None
        if self.table.fixed_rows() or isinstance(node.rows, ListOf):
            return Lit(len(self.writer.origin.facts.rows.get(node.id, [])))
        return Call("len", (node.rows,))

    def from_inside(self, outside: Expr) -> Expr:
        """An expression of the loop's head inside of it, where `i` is another."""
        return substitute(outside, self.aside)

    def parallel_channels(self) -> Expr:
        """Channels of each branch; one expression where they are equal."""
        result = resolved(self.writer.channels.leaves(self.node.body), self.inside)
        if result is None:
            return Name(UNKNOWN, span=self.node.span)
        if not self.local(result):
            return result
        if not self.table.fixed_rows() and not isinstance(
            self.node.rows, ListOf
        ):  # how many rows there are is not known
            return Name(UNKNOWN, span=self.node.span)
        return ListOf(tuple(substitute(result, cells) for cells in self.turns_cells(len(self.table.cells()))))

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
        index = reads_turn(node) and self.index in read
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
        """The lets that are printed: as statements, or as columns of the table where they hang on the row alone."""
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
