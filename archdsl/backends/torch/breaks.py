"""Where a tree may be broken: trees as the parts that `layout` sets on lines, for those that do not fit on one."""

from __future__ import annotations

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.layout import Bracketed, Cat, Chain, Comprehension, Doc, Fluent, Group, Ternary, lines
from archdsl.backends.torch.spelling import ATOM, LOOSE, one_line, operand, operands, power
from archdsl.backends.torch.syntax import NONE, Statement, Tree
from archdsl.expr.nodes import Binary, Compare, Expr, IfElse, ListOf, Logic, Name, Unary

INDENT, WIDTH = 4, 88
UNTYPED = "  # type: ignore[no-untyped-call]"  # which the width of a line does not count
MODULE = Name("nn.Module")
MOST_CALLS = 2  # of one another on a line that is broken


def statement_lines(statements: list[Statement], depth: int) -> list[str]:
    """The lines of a body, `depth` levels inside."""
    return [line for statement in statements for line in lines_of(statement, depth)]


def lines_of(statement: Statement, depth: int) -> list[str]:
    """The lines of a statement and of those inside it."""
    match statement:
        case py.Assign(target, value, annotation, operator, also):
            said = f"{one_line(target)}: {one_line(annotation)}" if annotation is not None else one_line(target)
            said = f"{said} = {one_line(also)}" if also is not None else said
            return whole_or_broken(f"{said} {operator} ", value, depth) if value is not None else head(said, depth)
        case py.Evaluate(value, untyped):
            first, *rest = whole_or_broken("", value, depth)
            return [f"{first}{UNTYPED}" if untyped else first, *rest]
        case py.Return(value):
            return whole_or_broken("return ", value, depth)
        case py.Raise(value):
            return whole_or_broken("raise ", value, depth)
        case py.If():
            return conditional_lines(statement, "if ", depth)
        case py.Chosen():
            return chosen_lines(statement, depth)
        case py.For(target, rows, body):
            start = f"for {one_line(target)} in "
            return [*whole_or_broken(start, rows, depth, ":"), *statement_lines(body, depth + 1)]
    raise AssertionError(statement)


def chosen_lines(statement: py.Chosen, depth: int) -> list[str]:
    """One of two modules: on one line if it fits, else with an `if`."""
    target, condition = statement.target, statement.condition
    whole = one_line(py.Conditional(statement.then, condition, statement.other))
    line = head(f"{target.id} = {whole}", depth)
    if len(line[0]) <= WIDTH:
        return line
    if statement.alone:
        first = py.Assign(target, statement.then, MODULE)
        return lines_of(py.If(condition, [first], [py.Assign(target, statement.other)]), depth)
    made = statement.then.function if isinstance(statement.then, py.Call) else MODULE
    optional = py.Operation(made, (("|", NONE),))
    first = py.Assign(target, statement.other, optional if statement.other == NONE else MODULE)
    return statement_lines([first, py.If(condition, [py.Assign(target, statement.then)])], depth)


def head(text: str, depth: int) -> list[str]:
    return [f"{' ' * (INDENT * depth)}{text}"]


def conditional_lines(statement: py.If, word: str, depth: int) -> list[str]:
    """`if` and what follows; a lone `if` under `else` is an `elif`."""
    found = whole_or_broken(word, statement.condition, depth, ":")
    found += statement_lines(statement.body, depth + 1)
    match statement.orelse:
        case []:
            return found
        case [py.If() as inner]:
            return found + conditional_lines(inner, "elif ", depth)
    return [*found, *head("else:", depth), *statement_lines(statement.orelse, depth + 1)]


def whole_or_broken(start: str, tree: Tree, depth: int, end: str = "") -> list[str]:
    """A statement on one line if it fits."""
    whole = f"{' ' * (INDENT * depth)}{start}{one_line(tree)}{end}"
    if len(whole) <= WIDTH:
        return [whole]
    return lines(in_statement(start, tree), INDENT * depth, end)


def in_statement(start: str, tree: Tree) -> Doc:
    """What a statement says behind its start: where it can be broken, its outermost call or operation."""
    match tree:
        case py.Operation(rest=[("+" | "*" as sign, last)]) if isinstance(ending := breakable(last), Group):
            return Cat((f"{start}{operands(tree)[0]} {sign} ", ending))
        case py.Call(py.Attribute()):
            calls = called_in_turn(tree)
            return Fluent(start, calls) if start and len(calls) > MOST_CALLS else f"{start}{one_line(tree)}"
    return Cat((start, breakable(tree)))


def has_breaks(tree: Tree) -> bool:
    """Whether a value that is too long for a line is broken well: at an outermost call, sum or choice."""
    match tree:
        case py.Call(function):
            return not isinstance(function, py.Attribute)
        case py.List([py.Comprehension(rows=py.Call())]) | py.Conditional():
            return True
        case py.Operation(rest=rest):
            return any(sign in ("+", "-") for sign, _ in rest)
    return False


def called_in_turn(tree: Tree) -> tuple[Doc, ...]:
    """`f(x).g().h()` as `f(x)`, `.g()`, `.h()`; the first can be broken."""
    match tree:
        case py.Call(py.Attribute(value, name), args):
            return (*called_in_turn(value), f".{one_line(py.call(name, *args))}")
    return (breakable(tree) if isinstance(tree, py.Call) else operand(tree, ATOM),)


def breakable(tree: Tree) -> Doc:
    """A tree as parts."""
    match tree:
        case Expr():
            return number(tree)
        case py.Call(function, args) if not isinstance(function, py.Attribute):
            return Group(one_line(function), tuple(map(argument, args)))
        case py.Subscript(Name()):  # not broken: behind a comma what is one index would be a tuple
            return Group(one_line(tree), (), "", "")
        case py.Keyword(name, value):
            return Cat((f"{name}=", breakable(value)))
        case py.Starred(value):
            return Cat(("*", breakable(value)))
        case py.List(items):
            return Group("", tuple(map(breakable, items)), "[", "]")
        case py.Tuple(items, bracketed=True) if items:
            return Group("", tuple(map(breakable, items)), close=")" if len(items) > 1 else ",)")
        case py.Dict(entries):
            pairs = tuple(Cat((f"{one_line(key)}: ", breakable(value))) for key, value in entries)
            return Group("", pairs, "{", "}")
        case py.Conditional(then, condition, other):
            return Ternary(breakable(then), operand(condition, LOOSE + 1), breakable(other))
        case py.Comprehension(element, target, rows):
            over = breakable(rows) if power(rows) > LOOSE else Bracketed(breakable(rows))
            return Comprehension(breakable(element), Cat((f"{one_line(target)} in ", over)))
        case py.Operation():
            first, rest = operands(tree)
            return Chain(first, tuple(rest))
        case py.Lambda(value):
            made = breakable(value)
            return Cat(("lambda: ", Bracketed(made) if isinstance(made, Ternary) else made))
        case py.Bracketed(value):
            return Bracketed(breakable(value))
    return one_line(tree)


def argument(tree: Tree) -> Doc:
    """An argument of a call: a choice between tensors, or what walks over a list of them, stays on its line."""
    walks = isinstance(tree, py.Conditional) or any(isinstance(part, py.Comprehension) for part in py.walk(tree))
    return one_line(tree) if walks and not makes_modules(tree) else breakable(tree)


def makes_modules(tree: Tree) -> bool:
    """Whether an expression makes modules: a class has a capital, or comes from a table."""
    match tree:
        case py.Call(Name(id=name)):
            return name.rpartition(".")[2][:1].isupper()
        case py.Call(py.Subscript()):
            return True
        case py.Conditional(then, _, other):
            return makes_modules(then) or makes_modules(other)
        case py.Starred(value) | py.Comprehension(value):
            return makes_modules(value)
        case py.List(items):
            return any(map(makes_modules, items))
    return False


# --- numbers
def number(expr: Expr) -> Doc:
    """A number, a truth value or a word as parts."""
    match expr:
        case IfElse(condition=condition, then=then, other=other):
            return Ternary(side(then), operand(condition, LOOSE + 1), side(other))
        case Logic(op=sign, items=items):
            start, *rest = map(loose_operand, items)
            return Chain(start, tuple((sign, part) for part in rest))
        case Binary(op="+" | "-"):
            first, terms = run(expr, ("+", "-"))
            return Chain(term(first), tuple((sign, term(part)) for sign, part in terms))
        case Binary(op="*" | "//" | "/" | "%"):
            first, factors = run(expr, ("*", "//", "/", "%"))
            return Chain(factor(first), tuple((sign, factor(f)) for sign, f in factors))
    return one_line(expr)


def run(expr: Expr, signs: tuple[str, ...]) -> tuple[Expr, list[tuple[str, Expr]]]:
    """The first operand of operations one after another, and the others with their operators."""
    found: list[tuple[str, Expr]] = []
    while isinstance(expr, Binary) and expr.op in signs:
        found.append((expr.op, expr.right))
        expr = expr.left
    return expr, found[::-1]


def loose_operand(expr: Expr) -> Doc:
    """An operand of a chain, in brackets if it binds no tighter."""
    loose = isinstance(expr, (IfElse, Logic)) or (isinstance(expr, Binary) and expr.op in ("+", "-"))
    return Bracketed(number(expr)) if loose else one_line(expr)


def term(expr: Expr) -> Doc:
    """An operand of a sum: a truth value counts as 0 or 1 there."""
    truth = isinstance(expr, Compare) or (isinstance(expr, Unary) and expr.op == "not")
    return Bracketed(one_line(expr)) if truth else loose_operand(expr)


def side(expr: Expr) -> Doc:
    """What a condition chooses; a list there can be broken."""
    if isinstance(expr, ListOf) and len(expr.items) > 1:
        return Group("", tuple(map(number, expr.items)))
    return number(expr)


def factor(expr: Expr) -> Doc:
    """An operand of a product, in brackets unless it binds tighter."""
    loose = isinstance(expr, (IfElse, Logic, Compare)) or (isinstance(expr, Binary) and expr.op != "**")
    negative = isinstance(expr, Unary) and expr.op == "not"
    return Bracketed(one_line(expr)) if loose or negative else one_line(expr)
