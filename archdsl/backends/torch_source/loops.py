"""Loops: a comprehension where the channels stay, a `for` statement where they move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl import ir
from archdsl.backends.torch_source.layout import Cat, Comprehension, Doc, Group, call, flat, listing
from archdsl.backends.torch_source.pieces import (
    TARGET,
    Line,
    Piece,
    aimed,
    append_lines,
    expr_doc,
    indent,
    keyed,
    leading,
    mentions,
    text,
)
from archdsl.expr import Call, Compare, Expr, ListOf, Lit, Name, Value, names, same, simplify, substitute, wrap
from archdsl.lower import TABLE_NAMES, TURN_NAMES
from archdsl.names import unique

if TYPE_CHECKING:
    from archdsl.backends.torch_source.classes import Writer

INDICES = ("i", "j", "k")  # of nested loops
MAX_UNROLLED = 64  # turns of which the channels are worked out one by one
BLOCK_ENTRY = "c_in "  # in a loop, what `c_in` means outside of all loops
COUNTER, TOTAL = "block", "blocks"  # how many turns of a table came before, and how many there are


class LoopWriter:
    """A loop of a class or of a container."""

    def __init__(self, writer: Writer, node: ir.LoopNode) -> None:
        self.writer, self.node, self.numbers = writer, node, writer.numbers
        self.count = None if node.count is None else self.numbers.shown(node.count, (id(node), "count"))
        self.index = INDICES[writer.loop_depth % len(INDICES)]
        self.inside: Expr | None = None  # what loops inside make of the channels that enter a turn

    def write(self) -> list[Piece]:
        node, writer = self.node, self.writer
        start = writer.channels.of(node.entry)
        kept = self.outer = dict(self.numbers.bound)  # what names mean before the loop
        turns = self.turn_count()
        if turns == 0:
            writer.channels[node.out] = start
            return []
        pieces, variable = self.body(start)
        if turns == 1 and variable is None and not node.parallel and self.row_key() is None:
            found = pieces
        else:
            found = self.loop(pieces, variable, start)
        self.numbers.bound = kept
        if BLOCK_ENTRY not in kept:
            writer.channels.rename(BLOCK_ENTRY, Name("c_in"))
        self.note_rows(start, variable)
        if node.parallel:
            writer.channels[node.out] = self.parallel_channels()
            if not self.fixed_rows() and node.rows is not None:
                writer.channels.counts[node.out] = Call("len", (node.rows,))
        elif variable is not None:
            writer.channels[node.out] = Name(f"@{variable}")
            form, earlier = self.closed_form(start, variable), writer.channels.closed.get(variable)
            if form is not None and earlier is not None:
                form = substitute(form, {f"@{variable}": earlier})
            writer.channels.closed[variable], writer.channels.loops[variable] = form, node.span
        else:
            writer.channels[node.out] = self.after(start)
        return found

    def after(self, start: Expr) -> Expr:
        """Channels after a loop in which those that enter a turn never differ."""
        result = self.writer.channels.leaves(self.node.body)
        local = {*self.node.columns, *self.node.let, *TURN_NAMES, *TABLE_NAMES}
        if not {n.id for n in names(result)} & local:
            return result
        constant = self.numbers.constant((id(self.node.out), "c"))
        return constant if constant is not None else start

    def closed_form(self, start: Expr, variable: str) -> Expr | None:
        """Channels after the last turn over the names of the block: start + n·growth, or turn by turn."""
        node = self.node
        result = self.result(variable)
        if result is None:
            return None
        growth = simplify(result - Name(f"@{variable}"))
        local = {*node.columns, *node.let, *TURN_NAMES, f"@{variable}"}
        if node.count is not None and not {n.id for n in names(growth)} & local:
            return start + node.count * growth
        turns = self.turn_count()
        if turns is None or turns > MAX_UNROLLED:
            return None
        found = start
        for cells in self.turns_cells(turns):
            found = simplify(substitute(result, {**cells, f"@{variable}": found}))
        return found

    def result(self, variable: str | None, found: Expr | None = None) -> Expr | None:
        """What leaves a turn (or `found`, near its end) over what enters it; None where loops inside have no form."""
        found = self.writer.channels.leaves(self.node.body) if found is None else found
        if variable is None or self.inside is None:
            return found if variable is None else None
        return substitute(found, {f"@{variable}": self.inside})

    def note_rows(self, start: Expr, variable: str | None) -> None:
        """What leaves each row of a table that has names, for those who tap it."""
        if self.row_key() is None or not isinstance(self.node.rows, ListOf):
            return
        channels, entering = self.writer.channels, start
        result = self.result(variable)
        if result is None:
            return
        nodes = self.node.body.nodes
        last = max((n for n, inner in enumerate(nodes) if isinstance(inner, ir.LoopNode)), default=-1)
        after = ir.Region(nodes[last + 1 :])  # in front of a loop the variable still is what entered
        steps = [step for step in after.walk() if step.key is not None and step.out in channels.known]
        for cell in self.turns_cells(len(self.node.rows.items)):
            known, word = {**cell, f"@{variable}": entering}, cell["name"]
            name = str(word.value) if isinstance(word, Lit) else ""
            for step in steps:
                inside = self.result(variable, channels.known[step.out])
                if inside is not None and not any(n.id.startswith("@") for n in names(substitute(inside, known))):
                    channels.rows[id(self.node), (name, str(step.key))] = simplify(substitute(inside, known))
            entering = channels.rows[id(self.node), (name,)] = simplify(substitute(result, known))

    def turns_cells(self, turns: int) -> list[dict[str, Expr]]:
        """What each turn binds."""
        cells = self.cells() if self.node.rows is not None else [{} for _ in range(turns)]
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
            constant = self.numbers.constant((id(node), "count"))
            return constant.value if isinstance(constant, Lit) else None  # type: ignore[return-value]
        rows = self.writer.origin.notes.rows.get(id(node))
        return len(rows) if rows is not None and self.fixed_rows() else None

    def fixed_rows(self) -> bool:
        node = self.node
        assert node.rows is not None
        if not all(isinstance(self.writer.channels.shown(entry), Lit) for entry in node.entries):
            return False
        closed = not any(True for _ in names(node.rows))
        return closed or self.numbers.constant((id(node), "rows")) is not None

    # --- the body
    def body(self, start: Expr) -> tuple[list[Piece], str | None]:
        """The children of one turn, and the variable that carries the channels if they move."""
        node, writer = self.node, self.writer
        constant = self.numbers.constant((id(node.carry), "c"))
        if node.entries:
            return self.turn(constant or Name(node.entered)), None
        if constant is not None or node.parallel:
            return self.turn(start if node.parallel else constant or start), None
        carried = start.id[1:] if isinstance(start, Name) and start.id.startswith("@") else ""
        word = "c_in" if writer.outermost else "channels"
        free = {"c_in"} - {carried} if writer.outermost else set()  # loops one after another share it
        variable = carried if carried and self.only_consumer() else unique(word, writer.variables - free)
        moved = writer.mutated
        writer.mutated = set()
        used = set(self.numbers.used)
        lines = len(writer.lines)
        earlier = writer.channels.closed.pop(variable, None)  # what loops in front of this one made of it
        pieces = self.turn(Name(f"@{variable}"))
        self.inside = writer.channels.closed.pop(variable, Name(f"@{variable}"))
        if earlier is not None:
            writer.channels.closed[variable] = earlier
        result = writer.channels.leaves(node.body)
        stays = same(result, Name(f"@{variable}")) or same(result, start)
        moving = not stays or variable in writer.mutated
        updated = variable in writer.mutated and same(result, Name(f"@{variable}"))
        writer.mutated = moved
        if not moving:
            self.numbers.used.clear()
            self.numbers.used.update(used)
            del writer.lines[lines:]
            self.numbers.bound = dict(self.outer)
            return self.turn(start), None
        writer.variables.add(variable)
        writer.mutated.add(variable)
        if not updated:
            pieces.append(Piece(lines=[Line(0, update(variable, self.numbers.shown(result)))]))
        return pieces, variable

    def only_consumer(self) -> bool:
        return isinstance(self.node.entry, ir.Var) and self.writer.consumers[self.node.entry] == 1

    def turn(self, carry: Expr) -> list[Piece]:
        node, writer = self.node, self.writer
        writer.channels[node.carry] = carry
        self.bind()
        entering = self.rebind_entry() if writer.template.staged else None
        depth, writer.loop_depth = writer.loop_depth, writer.loop_depth + reads_turn(node)
        writer.wrap_depth += node.wrap
        pieces = writer.chain(node.body)
        writer.loop_depth = depth
        writer.wrap_depth -= node.wrap
        if isinstance(entering, Expr):
            writer.channels.rename("c_in", entering)
        if not node.wrap:
            return pieces
        whole = writer.sequential(pieces)
        if whole is not None:
            return [Piece(whole)]
        name = "stage" if node.table else "branch"
        name += f"_{writer.wrap_depth + 1}" if writer.wrap_depth else ""
        first, rest = leading(pieces)
        lines = [
            Line(0, Cat((f"{name} = ", Group("nn.Sequential", first)))),
            *(aimed(line, name) for line in append_lines(rest)),
        ]
        return [Piece(lines=[*lines, Line(0, call(f"{TARGET}.append", name))])]

    def rebind_entry(self) -> Expr | tuple[int, str]:
        """`c_in` becomes what enters a turn; the channels known so far no longer say it."""
        outer = self.outer["c_in"]
        self.numbers.bound.setdefault(BLOCK_ENTRY, outer)
        self.writer.channels.rename("c_in", outer if isinstance(outer, Expr) else Name(BLOCK_ENTRY))
        entering = self.numbers.bound["c_in"] = self.writer.entering(self.node.carry)
        return entering

    def bind(self) -> None:
        node = self.node
        self.numbers.bound.update({name: (id(node), name) for name in (*node.columns, *node.let)})
        if node.table:
            self.numbers.bound["turn"] = Name(f"@{COUNTER}")
            self.numbers.bound["turns"] = self.numbers.constant((id(node), "turns")) or Name(f"@{TOTAL}")
        last = self.turns() - 1
        index: Expr = Name(f"@{self.index}")
        for name, expr in zip(
            TURN_NAMES, (index, Compare("==", index, Lit(0)), Compare("==", index, last)), strict=True
        ):
            constant = self.numbers.constant((id(node), name))
            self.numbers.bound[name] = constant if constant is not None else expr

    def turns(self) -> Expr:
        """How many turns the loop has."""
        node = self.node
        if node.count is not None:
            return node.count
        assert node.rows is not None
        if self.fixed_rows() or isinstance(node.rows, ListOf):
            return Lit(len(self.writer.origin.notes.rows.get(id(node), [])))
        return Call("len", (node.rows,))

    def parallel_channels(self) -> Expr:
        """Channels of each branch; one expression where they are equal."""
        result = self.writer.channels.leaves(self.node.body)
        local = {*self.node.columns, *self.node.let, *TURN_NAMES}
        if not {n.id for n in names(result)} & local:
            return result
        return ListOf(tuple(substitute(result, cells) for cells in self.cells()))

    def cells(self) -> list[dict[str, Expr]]:
        """What each row binds, as written in the spec if it is written there."""
        node = self.node
        found = []
        rows = node.rows.items if isinstance(node.rows, ListOf) else None
        for index, values in enumerate(self.writer.origin.notes.rows.get(id(node), [])):
            cells: dict[str, Expr] = {"i": Lit(index), "first": Lit(index == 0)}
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
            for name, expr in node.let.items():
                cells[name] = substitute(expr, cells)
            found.append(cells)
        return found

    # --- the statement
    def loop(self, pieces: list[Piece], variable: str | None, start: Expr) -> list[Piece]:
        node = self.node
        lets, derived = self.lets()
        inner = append_lines(pieces)
        if not inner:  # every step of a turn is left out
            return []
        inner = self.counted(inner, bool(lets))
        index = reads_turn(node) and any(mentions(line.doc, self.index) for line in [*inner, *lets])
        self.numbers.bound = self.outer
        header = self.header(index, derived)
        counts = any(mentions(line.doc, COUNTER) for line in inner)
        if (
            len(pieces) == 1
            and pieces[0].doc is not None
            and not is_starred(pieces[0].doc)
            and variable is None
            and not lets
            and self.row_key() is None
            and pieces[0].key is None
            and not counts
        ):
            return [Piece(Cat(("*", listing([Comprehension(pieces[0].doc, Cat(header))]))))]
        lines = []
        if variable is not None and not (isinstance(start, Name) and start.id == f"@{variable}"):
            slot = (id(node.entry), "c") if isinstance(node.entry, ir.Var) else None
            lines.append(Line(0, Cat((f"{variable} = ", expr_doc(self.numbers.shown(start, slot))))))
        if node.table and counts:
            lines.append(Line(0, f"{COUNTER} = 0"))
        if node.table and any(mentions(line.doc, TOTAL) for line in inner):
            lines.append(Line(0, f"{TOTAL} = {self.total()}"))
        key = self.row_key()
        if key is not None:
            inner = [keyed(line, key) for line in inner]
        lines += [Line(0, Cat(("for ", *header)), ":"), *indent([*lets, *inner])]
        return [Piece(lines=lines)]

    def counted(self, inner: list[Line], lets: bool) -> list[Line]:
        """The count of a table's turns goes up at the end of each turn of its innermost loops."""
        node = self.node
        innermost = not any(isinstance(n, ir.LoopNode) for n in node.body.nodes)
        if innermost and any(mentions(line.doc, COUNTER) for line in inner):
            return [*inner, Line(0, f"{COUNTER} += 1")]
        return inner

    def total(self) -> str:
        """How many turns the table has in all."""
        node = self.node
        inner = [n.count for n in node.body.nodes if isinstance(n, ir.LoopNode) and n.count is not None]
        if not inner:
            return text(self.numbers.close(self.turns()))
        count = sum(inner[1:], start=inner[0])
        for name, expr in reversed(list(node.let.items())):
            count = substitute(count, {name: expr})
        count = simplify(self.numbers.close(substitute(count, {n: Name(f"@{n}") for n in node.columns})))
        read = {n.id for n in names(count)}
        whole = not self.fixed_rows() and not isinstance(node.rows, ListOf)
        columns = [name for name in node.columns if whole or name in read]
        return f"sum({text(count)} for {', '.join(columns)} in {flat(self.row_docs(columns, {}))})"

    def row_key(self) -> str | None:
        """The column that names the rows of a table."""
        return "name" if self.node.table and "name" in self.node.columns else None

    def header(self, index: bool, derived: Mapping[str, list[Value]]) -> tuple[Doc, ...]:
        """`i in range(n)`, `t, c, n, s in [...]` with the columns that the body prints."""
        node = self.node
        if node.count is not None:
            return (f"{self.index if index else '_'} in range({text(self.count or 0)})",)
        columns = self.columns(derived)
        rows = self.row_docs(columns, derived)
        target = ", ".join(columns) if columns else "_"
        if isinstance(rows, Group) and not columns:
            return (f"{self.index if index else '_'} in range({len(rows.items)})",)
        if index:
            inside = f"({target})" if len(columns) > 1 else target
            return (f"{self.index}, {inside} in ", call("enumerate", rows))
        return (f"{target} in ", rows)

    def columns(self, derived: Mapping[str, list[Value]]) -> list[str]:
        node, used = self.node, self.numbers.used
        whole = not self.fixed_rows() and not isinstance(node.rows, ListOf)  # a table that comes as an argument
        wanted = [n for n in node.columns if whole or (id(node), n) in used or n == self.row_key()]
        order = {name: float(i) for i, name in enumerate(node.columns)}
        for name in derived:
            first = next((n.id for n in names(node.let[name]) if n.id in order), None)
            order[name] = order[first] + 0.5 if first else len(order)
        return sorted([*wanted, *derived], key=lambda n: order[n])

    def row_docs(self, columns: Sequence[str], derived: Mapping[str, list[Value]]) -> Doc:
        node = self.node
        assert node.rows is not None
        if self.fixed_rows():
            rows = [[text(row[name]) for name in columns] for row in self.writer.origin.notes.rows[id(node)]]
        elif isinstance(node.rows, ListOf):
            rows = [[text(self.numbers.shown(cells[name])) for name in columns] for cells in self.cells()]
        else:
            return expr_doc(self.numbers.shown(node.rows, (id(node), "rows")))
        return listing(row[0] if len(columns) == 1 else Group("", tuple(row)) for row in rows)

    def lets(self) -> tuple[list[Line], dict[str, list[Value]]]:
        """The lets that are printed: as statements, or as columns of the table where they hang on the row alone."""
        node, numbers = self.node, self.numbers
        columns = self.row_lets()
        lines: list[Line] = []
        derived: dict[str, list[Value]] = {}
        for name, expr in reversed(list(node.let.items())):  # a let is read by later ones
            if (id(node), name) not in numbers.used:
                continue
            if name in columns:
                derived[name] = [row[name] for row in self.writer.origin.notes.rows[id(node)]]
            else:
                lines.append(Line(0, Cat((f"{name} = ", expr_doc(simplify(numbers.close(expr), numbers.facts))))))
        return lines[::-1], derived

    def row_lets(self) -> set[str]:
        """The lets that hang on the row alone."""
        node = self.node
        found: set[str] = set()
        if node.rows is None or not self.fixed_rows():
            return found
        for name, expr in node.let.items():
            open_ = self.numbers.seen[(id(node), name)].deps & self.numbers.symbolic
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


def is_starred(doc: Doc) -> bool:
    """Whether a piece is itself a list of modules."""
    return isinstance(doc, Cat) and bool(doc.parts) and doc.parts[0] == "*"


def reads_turn(node: ir.LoopNode) -> bool:
    """Whether a loop's body reads `i`, `first` or `last` of this loop."""
    exprs = list(node.let.values())

    def visit(region: ir.Region) -> None:
        for inner in region.nodes:
            if isinstance(inner, ir.CallNode):
                exprs.extend(inner.args.values())
            elif isinstance(inner, ir.OpNode):
                exprs.extend(inner.fields.values())
            elif isinstance(inner, ir.IfNode):
                exprs.append(inner.condition)
            elif isinstance(inner, ir.LoopNode):
                exprs.extend(e for e in (inner.count, inner.rows) if e is not None)
                continue
            for region_ in inner.regions():
                visit(region_)

    visit(node.body)
    return any(name.id in TURN_NAMES for expr in exprs for name in names(expr))


def update(variable: str, result: Expr) -> Doc:
    """`c = …`, or `c += …` for a sum."""
    rest = simplify(result - Name(variable))
    if not any(n.id == variable for n in names(rest)) and any(n.id == variable for n in names(result)):
        return f"{variable} += {text(rest)}"
    return Cat((f"{variable} = ", expr_doc(result)))
