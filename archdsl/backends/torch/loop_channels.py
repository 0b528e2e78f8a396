"""The channels of a loop: what each turn binds, and what leaves the last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.backends.torch.closed_forms import after_turns
from archdsl.backends.torch.loop_places import turn_of
from archdsl.backends.torch.numbers import UNKNOWN
from archdsl.backends.torch.sizes import named_size
from archdsl.backends.torch.table import Table
from archdsl.backends.torch.turns import added_by, counts_turns, inner_loops, reads_turn, resolved
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Compare, Expr, FirstRow, Index, ListOf, Lit, Name, SumOfRows, names
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.ir.expressions import expressions
from archdsl.syntax.identifiers import TABLE_NAMES, TURN_NAMES

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

INDICES = ("i", "j", "k")  # of nested loops
CARRIERS = ("c_in", "channels")  # what variables for channels that move are called, with a number behind
SIZE_NAMES = ("h_in", "w_in")
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


class LoopChannels:
    """The channels of one loop of a class or of a container."""

    def __init__(self, writer: Writer, node: ir.Loop) -> None:
        self.writer, self.node, self.numbers = writer, node, writer.numbers
        self.table = Table(writer, node)
        self.outer = dict(self.numbers.bound)  # what names mean before the loop
        words, (rounds, place) = writer.words, divmod(len(writer.loops.indices), len(INDICES))
        self.index = words.word(f"{INDICES[place]}_{rounds + 1}" if rounds else INDICES[place])
        self.unread = words.word("_", "turn")
        self.counter, self.total_word = words.word("block"), words.word("blocks")  # the turns of a table before, in all
        self.inside: dict[str, Expr | None] = {}  # what loops inside make of the variables of the source
        self.aside: dict[str, Expr] = {}  # names that mean something else inside -> a word for what they mean outside

    # --- a turn
    @contextmanager
    def in_turn(self, carry: Expr, variable: str = "") -> Iterator[None]:
        """What is read meanwhile stands in a turn that these channels enter: those of a variable, if it has a name."""
        node, channels, loops = self.node, self.writer.channels, self.writer.loops
        channels[node.carry] = carry
        self.set_aside()
        self.bind()
        entering = self.rebind_entry() if self.writer.function.staged else None
        indices, counting = loops.indices, loops.counting
        loops.indices = (*indices, self.index) if self.reads_turn() else indices
        loops.counting = node.table and counts_turns(node) and bool(inner_loops(node))
        loops.wrap_depth += node.wrap
        known = {name: form for name, form in channels.closed.items() if name != variable}
        channels.closed = dict(known)
        yield
        self.inside = {n: f for n, f in channels.closed.items() if n not in known or known[n] != f}
        channels.closed |= {n: None for n, f in self.inside.items() if f is not None and self.local(f)}
        loops.indices, loops.counting = indices, counting
        loops.wrap_depth -= node.wrap
        if isinstance(entering, Expr):
            channels.rename("c_in", entering)

    def reads_turn(self) -> bool:
        """Whether the body reads the number of the turn, or a size that it tells."""
        return reads_turn(self.node) or ((self.takes_size() or self.reads_size()) and self.size_by_turn())

    def takes_size(self) -> bool:
        """Whether a call in the body takes a height or width that differs."""
        seen, calls = self.writer.origin.facts.seen, self.writer.calls
        inside = (inner for inner in self.node.body.walk() if isinstance(inner, ir.Call) and calls.takes_size(inner))
        return any((fact := seen.get((call.id, "size"))) is not None and fact.varies for call in inside)

    def reads_size(self) -> bool:
        """Whether the body reads `h_in` or `w_in` as those of a turn."""
        exprs = (*self.node.let.values(), *(expr for inner in self.node.body.walk() for expr in expressions(inner)))
        return self.writer.function.staged and any(n.id in SIZE_NAMES for expr in exprs for n in names(expr))

    def size_by_turn(self) -> bool:
        """Whether the number of the turn tells the height or width of a tensor in it."""
        sizes, inside = self.writer.sizes, [inner for inner in self.node.body.walk() if isinstance(inner, ir.Call)]
        found = [sizes.of(self.node.carry), *map(sizes.at, inside)]
        return any(name.id == turn_of(self.node) for size in found for n in size or () for name in names(n))

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
        self.numbers.bound[turn_of(node)] = index
        if self.reads_size():
            for name in SIZE_NAMES:
                self.numbers.bound.pop(name, None)
            if self.writer.outermost and not node.entries:  # elsewhere they also name what enters the class
                self.numbers.bound |= named_size(self.writer.sizes.of(node.carry))

    def rebind_entry(self) -> Expr | tuple[int, str]:
        """`c_in` becomes what enters a turn; the channels known so far no longer say it."""
        outer = self.outer["c_in"]
        self.numbers.bound.setdefault(BLOCK_ENTRY, outer)
        self.writer.channels.rename("c_in", outer if isinstance(outer, Expr) else Name(BLOCK_ENTRY))
        entering = self.numbers.bound["c_in"] = self.writer.entering(self.node.carry)
        return entering

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

    # --- after the loop
    def settle(self, start: Expr, variable: str | None) -> None:
        """Notes the channels after the loop, which a variable says if they move; names mean what they did before it."""
        node, channels = self.node, self.writer.channels
        self.numbers.bound = self.outer
        if BLOCK_ENTRY not in self.outer:
            channels.rename(BLOCK_ENTRY, Name("c_in"))
        self.note_rows(start, variable)
        if node.parallel:
            channels[node.out] = self.parallel_channels()
            if not self.table.fixed_rows() and node.rows is not None:
                channels.counts[node.out] = Call("len", (node.rows,))
                self.note_sum()
        elif variable is not None:
            channels[node.out] = Name(f"@{variable}")
            form = self.closed_form(start, variable)
            channels.closed[variable] = None if form is None else resolved(form, channels.closed)
            channels.loops[variable] = node.span
        else:
            channels[node.out] = self.after()
        if node.carry.many and not node.carry.items:
            self.note_count()
        for name, mark in self.aside.items():
            assert isinstance(mark, Name)
            channels.rename(mark.id, Name(name))

    def result(self, variable: str | None, found: Expr | None = None) -> Expr | None:
        """What leaves a turn (or `found`, near its end) over what enters it; None where loops inside have no form."""
        found = self.writer.channels.leaves(self.node.body) if found is None else found
        return found if variable is None else resolved(found, self.inside)

    def note_count(self) -> None:
        """How many tensors leave a loop whose turns each add as many to the list that they carry."""
        node, channels = self.node, self.writer.channels
        (call,) = node.body.nodes
        more = added_by(call.block) if isinstance(call, ir.Call) else None
        if more is not None and isinstance(node.entry, ir.Value):
            channels.counts[node.out] = simplify(channels.count(node.entry) + self.all_turns() * more)

    def after(self) -> Expr:
        """Channels after a loop in which those that enter a turn never differ: what leaves its last turn."""
        result = self.writer.channels.leaves(self.node.body)
        if not self.local(result):
            return result
        constant = self.numbers.constant((self.node.out.id, "c"))
        if constant is not None:
            return constant
        turns = self.told_turns()
        if turns is not None and turns <= MAX_UNROLLED:
            result = simplify(substitute(result, self.turns_cells(turns)[-1]))
        elif self.told_by_place():
            count = self.turns()
            last = self.cells_at(count - 1, first=Compare("==", count, Lit(1)), last=Lit(True))
            result = simplify(substitute(result, last))
        return Name(UNKNOWN, span=self.node.span) if self.local(result) else result

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
        turns = self.told_turns()
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
        cells: dict[str, Expr] = {**dict(zip(TURN_NAMES, (index, first, last), strict=True)), turn_of(node): index}
        if node.rows is not None:
            row = Index(self.from_inside(node.rows), Lit(-1) if last == Lit(True) else index)
            lone = len(node.columns) == 1 and not self.table.in_brackets()
            cells |= {name: row if lone else Index(row, Lit(n)) for n, name in enumerate(node.columns)}
        for name, expr in node.let.items():
            cells[name] = substitute(expr, cells)
        return cells

    def turns_cells(self, turns: int) -> list[dict[str, Expr]]:
        """What each turn binds."""
        cells = self.table.cells() if self.node.rows is not None else [{} for _ in range(turns)]
        for index, cell in enumerate(cells):
            cell |= dict(zip(TURN_NAMES, map(Lit, (index, index == 0, index == turns - 1)), strict=True))
            cell[turn_of(self.node)] = Lit(index)
            for name, expr in self.node.let.items():
                cell[name] = substitute(expr, cell)
        return cells

    def told_turns(self) -> int | None:
        """How many turns there are, if it is told here: what the rows hold that are written out may differ."""
        rows = self.node.rows
        return len(rows.items) if isinstance(rows, ListOf) else self.turn_count()

    def turn_count(self) -> int | None:
        """How many turns there are, if each is the same in every call."""
        node = self.node
        if node.count is not None:
            if isinstance(node.count, Lit):
                return int(node.count.value)  # type: ignore[arg-type]
            constant = self.numbers.constant((node.id, "count"))
            return constant.value if isinstance(constant, Lit) else None  # type: ignore[return-value]
        rows = self.writer.origin.facts.rows.get(node.id)
        return len(rows) if rows is not None and self.table.fixed_rows() else None

    def local(self, expr: Expr) -> bool:
        """Whether an expression reads what each turn binds anew."""
        bound = {*self.node.columns, *self.node.let, *TURN_NAMES, *TABLE_NAMES, turn_of(self.node)}
        return any(name.id in bound for name in names(expr))

    # --- the rows of a table
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
        """An expression of a turn for the row of a name; None if it depends on more than that row."""
        found, node = self.of_row(expr, variable), self.node
        if found is None or not found[1]:
            return None if found is None else found[0]
        assert node.rows is not None
        element, read = found
        columns = tuple(c if c in read | {"name"} else self.unread for c in node.columns)
        return FirstRow(element, Compare("==", Name("@name"), Lit(name)), columns, node.rows)

    def of_row(self, expr: Expr, variable: str | None = None) -> tuple[Expr, set[str]] | None:
        """An expression of a turn over the columns of its row, and those that it reads; None if it reads more."""
        node = self.node
        cells: dict[str, Expr] = {column: Name(f"@{column}") for column in node.columns}
        for word, let in node.let.items():
            cells[word] = substitute(let, cells)
        element = simplify(substitute(expr, cells))
        read = {n.id.removeprefix("@") for n in names(element) if n.id.startswith("@")}
        if not read <= set(node.columns) or self.local(element) or variable in read:
            return None
        return element, read

    def note_sum(self) -> None:
        """What the branches of a table that comes as an argument have together, where each has channels of its own."""
        node, result = self.node, resolved(self.writer.channels.leaves(self.node.body), self.inside)
        found = self.of_row(result) if result is not None and not node.column_defaults else None
        if found is None or not found[1] or node.rows is None or self.table.in_brackets():
            return
        if any(column.startswith(CARRIERS) for column in found[1]):  # a class that calls this one has such a variable
            return
        columns = tuple(column if column in found[1] else self.unread for column in node.columns)
        self.writer.channels.sums[node.out] = SumOfRows(found[0], columns, self.from_inside(node.rows))
