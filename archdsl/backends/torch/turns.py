"""What loops say of their turns, apart from how they are printed."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backends.torch import syntax as py
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Expr, ListOf, Lit, Name, names
from archdsl.expr.simplify import same, simplify
from archdsl.ir import program as ir
from archdsl.ir.expressions import expressions
from archdsl.syntax.identifiers import TURN_NAMES


def added_by(function: ir.Function) -> int | None:
    """How many tensors a function adds to the list that enters it; None where that is not what it gives."""
    entering, result = next(iter(function.inputs.values())), function.region.result
    made = next((node for node in function.region.nodes if node.out is result), None)
    if not isinstance(made, ir.Pack) or made.running or made.ins.count(entering) != 1:
        return None
    others = [operand for operand in made.ins if operand is not entering]
    lists = any(isinstance(operand, ir.Value) and (operand.many or operand.optional) for operand in others)
    return None if lists else len(others)


def all_same(one: Expr, two: Expr) -> bool:
    """Whether the channels of two lists are the same, place by place, or all alike."""
    if isinstance(one, ListOf) and isinstance(two, ListOf) and len(one.items) == len(two.items):
        return all(same(a, b) for a, b in zip(one.items, two.items, strict=True))
    items = [*(one.items if isinstance(one, ListOf) else (one,)), *(two.items if isinstance(two, ListOf) else (two,))]
    return all(same(item, items[0]) for item in items)


def resolved(expr: Expr, forms: Mapping[str, Expr | None]) -> Expr | None:
    """`expr` with variables of the source replaced by what they come to; None if one has no form."""
    read = {name.id[1:] for name in names(expr) if name.id.startswith("@")} & forms.keys()
    found = {f"@{name}": form for name in read if (form := forms[name]) is not None}
    return substitute(expr, found) if len(found) == len(read) else None


def inner_loops(node: ir.Loop) -> list[ir.Loop]:
    """The loops that are steps of a turn themselves."""
    return [inner for inner in node.body.nodes if isinstance(inner, ir.Loop)]


def turns_written(node: ir.Loop) -> Expr:
    """How many turns a loop has, as the spec says it."""
    if node.count is not None:
        return node.count
    assert node.rows is not None
    return Lit(len(node.rows.items)) if isinstance(node.rows, ListOf) else Call("len", (node.rows,))


def counts_turns(node: ir.Loop) -> bool:
    """Whether anything in a table reads `turn`."""
    loops = (node, *(inner for inner in node.body.walk() if isinstance(inner, ir.Loop)))
    lets = (expr for loop in loops for expr in loop.let.values())
    inside = (expr for inner in node.body.walk() for expr in expressions(inner))
    return any(name.id == "turn" for expr in (*lets, *inside) for name in names(expr))


def reads_turn(node: ir.Loop) -> bool:
    """Whether a loop's body reads `i`, `first` or `last` of this loop."""
    exprs = list(node.let.values())

    def visit(region: ir.Region) -> None:
        for inner in region.nodes:
            exprs.extend(expressions(inner))
            if not isinstance(inner, ir.Loop):
                for region_ in inner.regions():
                    visit(region_)

    visit(node.body)
    return any(name.id in TURN_NAMES for expr in exprs for name in names(expr))


def update(variable: str, result: Expr) -> py.Assign:
    """`c = …`, or `c += …` for a sum."""
    rest = simplify(result - Name(variable))
    if not any(n.id == variable for n in names(rest)) and any(n.id == variable for n in names(result)):
        return py.Assign(Name(variable), rest, operator="+=")
    return py.assign(variable, result)
