"""Channels as expressions over the names of the spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from types import SimpleNamespace
from typing import Any

from archdsl.analysis.noting import ENTERS, MULTIPLE, SHORTER, SPREAD, SPREAD_CHANNELS
from archdsl.backends.torch.numbers import LOOPED, UNKNOWN, Numbers, merge
from archdsl.backends.torch.scope import Tensors
from archdsl.backends.torch.sizes import Sizes
from archdsl.backends.torch.taps import step_of
from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Expr, IfElse, Index, ListOf, Lit, Name, children, is_long, wrap
from archdsl.expr.simplify import equalities, quotient, same, simplify
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin
from archdsl.ops.base import NEEDS_NUMBERS

_VARIES: Any = object()  # stands for a size that differs between calls: no rule can compute with it


class Channels:
    """The channels of every tensor of one function."""

    def __init__(self, origin: Origin, numbers: Numbers, function: ir.Function, sizes: Sizes, tensors: Tensors) -> None:
        self.origin, self.numbers, self.function = origin, numbers, function
        self.sizes, self.tensors = sizes, tensors
        self.known: dict[ir.Value, Expr] = {}
        self.entered: list[Expr] = []  # what was printed for the channels that enter a step
        self.counts: dict[ir.Value, Expr] = {}  # of lists whose length is an expression
        self.sums: dict[ir.Value, Expr] = {}  # of such lists, if their tensors have channels of their own
        self.vague: dict[ir.Value, tuple[bool, ...]] = {}  # of lists made of lists: which entries stand for any number
        self.rows: dict[tuple[int, tuple[str, ...]], Expr] = {}  # of the named rows of a table and their steps
        self.closed: dict[
            str, Expr | None
        ] = {}  # a variable of the source -> its last value over the names of the block
        self.loops: dict[str, Span] = {}  # and the last loop that changes it

    def __setitem__(self, var: ir.Value, expr: Expr) -> None:
        self.known[var] = expr

    def noted(self) -> dict[str, Any]:
        """All that is known so far, to go back to."""
        return {name: copy(value) for name, value in vars(self).items() if isinstance(value, (dict, list))}

    def go_back(self, noted: Mapping[str, Any]) -> None:
        """Forgets what was found since."""
        vars(self).update(noted)

    def of(self, operand: ir.Operand) -> Expr:
        """The channels of a tensor over the names of the spec."""
        match operand:
            case ir.Value():
                return self.known.get(operand, Name(UNKNOWN))  # of steps ahead, where the size after a turn is asked
            case ir.Item(var=var, index=index):
                found = self.known.get(var, Name(UNKNOWN))
                if not isinstance(found, ListOf):
                    return found
                if self.is_vague(var, index):
                    constant = self.numbers.constant((var.id, "c"))
                    if isinstance(constant, ListOf) and isinstance(index, Lit):
                        return constant.items[index.value]  # type: ignore[index]
                    return Name(UNKNOWN, span=index.span)
                if isinstance(index, Lit):
                    return found.items[index.value]  # type: ignore[index]
                return found.items[0] if all(same(n, found.items[0]) for n in found.items) else Index(found, index)
        return self.tapped(operand)

    def tapped(self, tap: ir.Tap) -> Expr:
        """The channels of a tapped step: a constant, or what the row of a table or the step of a container gives."""
        constant = self.numbers.constant((tap.id, "c"))
        if constant is not None:
            return constant
        if (tap.container.id, tap.keys) in self.rows:
            return self.rows[tap.container.id, tap.keys]
        step = step_of(tap)
        known = self.known.get(step.out) if step is not None else None
        return known if known is not None else Name(UNKNOWN, span=tap.span)

    def leaves(self, region: ir.Region) -> Expr:
        """The channels that leave a region."""
        assert region.result is not None
        return self.of(region.result)

    def shown(self, operand: ir.Operand) -> Expr:
        """The channels of a tensor, to print."""
        expr = self.of(operand)
        slot = (operand.id, "c") if isinstance(operand, ir.Value) else None
        if slot is None or self.numbers.constant(slot) is None:
            expr = self.by_name(expr)
        return self.printed(expr, slot)

    def printed(self, expr: Expr, slot: tuple[int, str] | None) -> Expr:
        """Channels that enter a step, to print; it is noted that they are."""
        self.entered.append(self.numbers.shown(expr, slot))
        return self.entered[-1]

    def as_c_in(self, operand: ir.Operand) -> Expr:
        """The channels of a tensor as a meaning of `c_in`: a constant, or over the names of the spec."""
        constant = self.numbers.constant((operand.id, "c")) if isinstance(operand, ir.Value) else None
        return constant if constant is not None else self.by_name(self.of(operand))

    def by_name(self, expr: Expr) -> Expr:
        """The param or let that provably equals an expression, else the expression."""
        if isinstance(expr, (Lit, Name)):
            return expr
        whole, function = self.through_lets(expr), self.function
        known = [n for n in ("c_in", *function.params, *function.let) if isinstance(self.numbers.bound.get(n), tuple)]
        for name in known:
            if same(whole, self.through_lets(Name(name)), self.numbers.facts):
                return Name(name)
        return expr

    def spread(self, operands: Iterable[ir.Operand], *, summed: bool = True) -> list[Expr]:
        """The channels of the tensors of a join; a list whose length is an expression as one tensor of their sum.

        If they are not `summed`, all of such a list are alike.
        """
        found: list[Expr] = []
        for operand in operands:
            expr = self.of(operand)
            if isinstance(expr, ListOf):
                found.extend(expr.items)
            elif isinstance(operand, ir.Value) and operand.many and not self.tensors.may_lack(operand):
                count = self.count(operand)
                if isinstance(count, Lit):
                    found += [expr] * int(count.value)  # type: ignore[arg-type]
                elif summed and operand in self.sums:
                    found.append(self.sums[operand])
                else:
                    found.append(expr * count if summed else expr)
            else:
                found.append(expr)
        return found

    def any_number(self, operands: Iterable[ir.Operand]) -> bool:
        """Whether it differs between calls how many tensors these are, which no expression tells."""
        lists = [o for o in operands if isinstance(o, ir.Value) and o.many and o not in self.counts]
        facts = [self.origin.facts.seen.get((var.id, "count")) for var in lists]
        return any(seen is not None and seen.varies for seen in facts)

    def alike(self, node: ir.Pack) -> Expr:
        """The channels of each of a list of tensors, if they are the same in every call."""
        first = self.of(node.ins[0])
        seen = self.origin.facts.seen.get((node.out.id, "c"))
        known = first.items[0] if isinstance(first, ListOf) else first
        return known if seen is not None and seen.kinds == {"int"} else Name(UNKNOWN, span=node.span)

    def entries(self, operands: Iterable[ir.Operand]) -> tuple[bool, ...]:
        """Of each of the channels that `spread` tells, whether they stand for a number of tensors that may differ."""
        found: list[bool] = []
        for operand in operands:
            expr = self.of(operand)
            var = operand if isinstance(operand, ir.Value) else None
            if isinstance(expr, ListOf):
                found += self.vague.get(var, (False,) * len(expr.items)) if var is not None else []
            elif var is not None and var.many and not self.tensors.may_lack(var):
                count = self.count(var)
                found += [False] * int(count.value) if isinstance(count, Lit) else [True]  # type: ignore[arg-type]
            else:
                found.append(var is not None and self.tensors.may_lack(var))
        return tuple(found)

    def is_vague(self, var: ir.Value, index: Expr) -> bool:
        """Whether it differs which of a list's channels are those of an entry."""
        vague = self.vague.get(var, ())
        if not isinstance(index, Lit):
            return any(vague)
        at = index.value
        assert isinstance(at, int)
        return any(vague[: at + 1] if at >= 0 else vague[at:])

    def merge(self, condition: Expr, then: Expr, other: Expr) -> Expr:
        """Channels after an optional step, with lets seen through."""
        found = merge(*(self.through_lets(e) for e in (condition, then, other)))
        for known in (then, other):
            if same(found, self.through_lets(known)):
                return known
        return found

    def given(self, condition: Expr, truth: bool, expr: Expr) -> Expr:
        """Channels where a condition always has this truth value: `out` for a `c_in` that is then equal to it.

        A call's own name for them says more outside: the channels after a loop are then those of its rows.
        """
        for a, b in equalities(self.through_lets(condition), truth):
            if expr == Name("c_in") and expr in (a, b):
                return b if expr == a else a
        return expr

    def through_lets(self, expr: Expr) -> Expr:
        """The expression with lets seen through, as far as it stays one that can be read."""
        for name, value in reversed(list(self.function.let.items())):
            wider = substitute(expr, {name: value})
            if is_long(wider):
                return expr
            expr = wider
        return expr

    def after(self, node: ir.Primitive) -> Expr:
        fields = SimpleNamespace(**node.fields)
        size = self.origin.facts.seen.get((node.id, ENTERS))
        where: tuple[Any, ...] = tuple(size.value) if size is not None else (_VARIES,)
        if size is not None and (size.varies or size.deps & self.numbers.symbolic):
            where = (_VARIES,) * max(len(where), 1)  # its rank may differ too
        try:
            if self.is_spread(node, SPREAD_CHANNELS):
                return self.of_longest(node)
            entering: Any = self.entering(node, fields, where) if node.op.many else self.of(node.ins[0])
            found = wrap(node.op.channels(fields, entering, where))
            if reads_size(found) or (self.function.staged and not {"h_in", "w_in"}.isdisjoint(found.mentioned)):
                return self.of_size(node, fields)  # a stage knows its own height and width as numbers alone
            if node.op.many:  # operands that must agree: the last is as good as the first, and the main path
                last = wrap(node.op.channels(fields, entering[::-1], where))
                if same(found, last) or not isinstance(last, IfElse):
                    return found if same(found, last) else last
                sure = [c for c in entering if not isinstance(c, IfElse)]  # of what is there in any case
                return wrap(node.op.channels(fields, sure, where)) if isinstance(found, IfElse) and sure else found
        except NEEDS_NUMBERS:  # they must be the same everywhere
            return self.of_size(node, fields)
        return found

    def again(self, node: ir.Reuse) -> Expr:
        """The channels that leave a module on another run: those of its first, unless they depend on the size."""
        constant = self.numbers.constant((node.out.id, "c"))
        if constant is not None:
            return constant
        first, now = (self.origin.facts.seen.get((var.id, "c")) for var in (node.module.out, node.out))
        alike = first is not None and now is not None and first.value == now.value and first.varies == now.varies
        return self.of(node.module.out) if alike else Name(UNKNOWN, span=node.span)

    def is_spread(self, node: ir.Primitive, word: str = SPREAD) -> bool:
        """Whether a tensor that an op takes is spread over the others in some call."""
        seen = self.origin.facts.seen.get((node.id, word))
        return seen is not None and (seen.varies or bool(seen.value))

    def of_longest(self, node: ir.Primitive) -> Expr:
        """The channels of tensors that are spread over each other: of those that have more than one, if these agree."""
        if not node.op.many:
            node.op.channels(SimpleNamespace(**node.fields), Name("c"), ())  # raises if it needs numbers
        found: list[Expr] = []
        for operand in node.ins:
            constant = self.numbers.constant((operand.id, "c"))
            if constant != Lit(1):
                found += [expr for expr in self.spread([operand], summed=False) if expr != Lit(1)]
        agree = found and all(same(expr, found[0]) for expr in found)
        if agree:
            return found[-1]
        whole = self.never_shorter(node)
        return self.of(whole) if whole is not None else self.fixed(node)

    def never_shorter(self, node: ir.Primitive) -> ir.Operand | None:
        """A tensor that has all channels of the result in every call, of those that an op takes one by one."""
        if any(isinstance(operand, ir.Value) and (operand.many or operand.optional) for operand in node.ins):
            return None
        seen = self.origin.facts.seen
        facts = ((operand, seen.get((node.id, f"{SHORTER} {place}"))) for place, operand in enumerate(node.ins))
        return next((o for o, fact in facts if fact is not None and not fact.varies and not fact.value), None)

    def of_size(self, node: ir.Primitive, fields: SimpleNamespace) -> Expr:
        """Channels that depend on a size which differs between calls: a number, or over what the size is made of.

        Those that are as many as entered the block in every call are called so: this says more than a size.
        """
        found = self.fixed(node)
        told = isinstance(found, (Lit, ListOf)) or found == Name("c_in")
        size: Any = None if told or node.op.many else self.sizes.of(node.ins[0])
        if size is None:
            return found
        try:
            return simplify(wrap(node.op.channels(fields, self.of(node.ins[0]), size)))
        except NEEDS_NUMBERS:
            return found

    def entering(self, node: ir.Primitive, fields: SimpleNamespace, where: tuple[int, ...]) -> list[Expr]:
        """The channels of what a join takes."""
        alike = same(wrap(node.op.channels(fields, [Name("c"), Name("c")], where)), Name("c"))
        return self.spread(node.ins, summed=not alike)

    def fixed(self, node: ir.Primitive) -> Expr:
        seen = self.origin.facts.seen.get((node.out.id, "c"))
        multiple = self.origin.facts.seen.get((node.id, MULTIPLE))
        moves = seen is None or seen.varies or bool(seen.deps & self.numbers.symbolic)
        if moves and multiple is not None and not multiple.varies and multiple.value:
            times, part = (wrap(n) for n in multiple.value)
            return Name("c_in") * times if part == Lit(1) else Name("c_in") // part
        if seen is None or moves:
            return Name(UNKNOWN, span=node.span)  # at fault only where it is printed
        return wrap(seen.value)

    def parts(self, node: ir.Primitive) -> Expr:
        """Channels of each part of a split."""
        name = node.op.fields[0].name
        sizes, entering = node.fields[name], self.of(node.ins[0])
        if isinstance(sizes, ListOf):
            return sizes
        seen = self.origin.facts.seen.get((node.id, name))
        if seen is not None and isinstance(seen.value, list):
            return ListOf(tuple(Index(sizes, Lit(n)) for n in range(len(seen.value))))
        self.counts[node.out] = sizes
        self.numbers.facts |= {(self.through_lets(entering), self.through_lets(sizes))}
        return wrap(quotient(entering, sizes))

    def count(self, var: ir.Value) -> Expr:
        """How many tensors a list has."""
        if var in self.counts:
            return self.counts[var]
        seen = self.origin.facts.seen[(var.id, "count")]
        if seen.varies:
            raise fault(
                "cannot-print",
                f"'{var.name}' holds a different number of tensors in different calls of this block",
                self.function.span,
            )
        return wrap(seen.value)

    def end_stage(self, before: set[ir.Value], local: Mapping[str, Expr]) -> None:
        """At the end of a stage: its channels without its own names, which mean something else later."""
        for var in set(self.known) - before:
            constant = self.numbers.constant((var.id, "c"))
            expr = self.known[var]
            for name, value in reversed(list(local.items())):
                expr = substitute(expr, {name: value})
            self.known[var] = constant if constant is not None and not isinstance(constant, ListOf) else expr

    def rename(self, name: str, new: Expr) -> None:
        """Another word for a name in all channels."""
        env = {name: new}
        self.known = {var: substitute(expr, env) for var, expr in self.known.items()}
        self.closed = {n: None if expr is None else substitute(expr, env) for n, expr in self.closed.items()}
        self.rows = {row: substitute(expr, env) for row, expr in self.rows.items()}

    def outside(self, expr: Expr) -> Expr:
        """`expr` without variables of the class's source; one that has no closed form stays, marked."""
        closed = {
            f"@{name}": value if value is not None else Name(LOOPED, span=self.loops.get(name))
            for name, value in self.closed.items()
        }
        for _ in self.closed:
            expr = substitute(expr, closed)
        return expr


def reads_size(expr: Expr) -> bool:
    """Whether a size that differs between calls is part of an expression."""
    return (isinstance(expr, Lit) and expr.value is _VARIES) or any(map(reads_size, children(expr)))
