"""Expressions: what stands in a spec where a number, a truth value or a word is wanted.

An expression is a small immutable tree, parsed from text, evaluated by our own walk (never by
Python's), and printed back into emitted source. Trees compare by content, not by place.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from archdsl.report import Span, fault

Value: TypeAlias = Any  # int | float | bool | str | None | list[Value]

MAX_TEXT, MAX_DEPTH, MAX_BITS, MAX_ITEMS = 2000, 40, 64, 10_000
MAX_PARTS = 1000  # of an expression made of others


@dataclass(frozen=True)
class Expr:
    """A node of an expression; `span` is its place in the spec, for messages only."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)

    def __add__(self, other: Expr | int) -> Expr:
        return binary("+", self, wrap(other))

    def __radd__(self, other: int) -> Expr:
        return binary("+", wrap(other), self)

    def __sub__(self, other: Expr | int) -> Expr:
        return binary("-", self, wrap(other))

    def __rsub__(self, other: int) -> Expr:
        return binary("-", wrap(other), self)

    def __mul__(self, other: Expr | int) -> Expr:
        return binary("*", self, wrap(other))

    def __rmul__(self, other: int) -> Expr:
        return binary("*", wrap(other), self)

    def __floordiv__(self, other: Expr | int) -> Expr:
        return binary("//", self, wrap(other))

    def __rfloordiv__(self, other: int) -> Expr:
        return binary("//", wrap(other), self)


@dataclass(frozen=True)
class Lit(Expr):
    """A number, a truth value, a word or nothing."""

    value: int | float | bool | str | None


@dataclass(frozen=True)
class Name(Expr):
    """A name in scope; a dotted one (`dense.stage3`) is a path to a tensor."""

    id: str


@dataclass(frozen=True)
class Unary(Expr):
    op: str
    operand: Expr


@dataclass(frozen=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Compare(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Logic(Expr):
    op: str
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class IfElse(Expr):
    condition: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True)
class Index(Expr):
    base: Expr
    index: Expr


@dataclass(frozen=True)
class Call(Expr):
    function: str
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class ListOf(Expr):
    items: tuple[Expr, ...]


def make_divisible(x: float, divisor: int = 8, limit: float = 0.9, minimum: int | None = None) -> int:
    """The nearest multiple of `divisor`, at least one of it, never below `limit` times `x` (MobileNet's rule)."""
    least = divisor if minimum is None else minimum
    rounded = max(least, int(x + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * x else rounded


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "abs": abs,
    "sum": sum,
    "len": len,
    "sqrt": math.sqrt,
    "gcd": math.gcd,
    "make_divisible": make_divisible,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**"}
_COMPARE = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_UNARY = {ast.USub: "-", ast.Not: "not"}


def wrap(value: Expr | Value) -> Expr:
    """A value as an expression; an expression as it is."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, (list, tuple)):
        return ListOf(tuple(wrap(item) for item in value))
    return Lit(value)


# --- parsing -----------------------------------------------------------------------------------


LANGUAGE = "it has + - * / // % **, comparisons, and, or, not, 'x if c else y', lists, w[0] and its functions"
_SIGNS = (
    ("&&", "write 'and'"),
    ("||", "write 'or'"),
    ("!", "write 'not'"),
    ("?", "write 'x if c else y'"),
    ("=", "compare with =="),
)


def parse(text: str, span: Span | None = None) -> Expr:
    """The tree of `text`; raises `SpecError` (bad-expression) at the offending part."""
    if len(text) > MAX_TEXT:
        raise fault("bad-expression", f"an expression of {len(text)} characters is too long (at most {MAX_TEXT})", span)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise fault(
            "bad-expression",
            f"cannot read {_short(text)} as an expression",
            span,
            label="not an expression",
            help=next((help for sign, help in _SIGNS if sign in text), ""),
        ) from None
    return _Reader(text, span).read(tree.body, 0)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@dataclass
class _Reader:
    text: str
    span: Span | None

    def place(self, node: ast.AST) -> Span | None:
        """The span of a part, when the scalar stands on one line as written."""
        if self.span is None or self.span.line != self.span.end_line or not isinstance(node, ast.expr):
            return self.span
        text = self.text.strip()
        at = self.span.source.line(self.span.line).find(text, self.span.col - 1, self.span.end_col - 1)
        if at < 0:  # written with escapes
            return self.span
        ends = (node.col_offset, node.end_col_offset or 0)
        start, end = ends if text.isascii() else (len(text.encode()[:n].decode(errors="ignore")) for n in ends)
        return self.span._replace(col=at + 1 + start, end_col=at + 1 + max(end, start + 1))

    def read(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise fault("bad-expression", "this expression is nested too deeply", self.span)
        span, deeper = self.place(node), depth + 1

        def sub(child: ast.expr) -> Expr:
            return self.read(child, deeper)

        match node:
            case ast.Constant(value=value) if isinstance(value, (int, float, bool, str)) or value is None:
                return Lit(value, span=span)
            case ast.Name(id=name):
                constants: dict[str, bool | None] = {"true": True, "false": False, "null": None}
                return Lit(constants[name], span=span) if name in constants else Name(name, span=span)
            case ast.Attribute():
                return Name(self._path(node), span=span)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return sub(operand)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                inner = sub(operand)
                if isinstance(op, ast.USub) and isinstance(inner, Lit) and isinstance(inner.value, (int, float)):
                    return Lit(-inner.value, span=span)
                return Unary(_UNARY[type(op)], inner, span=span)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return Binary(_BINARY[type(op)], sub(left), sub(right), span=span)
            case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(op) in _COMPARE for op in ops):
                items = [sub(left), *(sub(right) for right in rights)]
                pairs = [
                    Compare(_COMPARE[type(op)], a, b, span=span)
                    for op, a, b in zip(ops, items, items[1:], strict=False)
                ]
                return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs), span=span)
            case ast.BoolOp(op=op, values=values):
                return Logic("and" if isinstance(op, ast.And) else "or", tuple(sub(v) for v in values), span=span)
            case ast.IfExp(test=test, body=body, orelse=other):
                return IfElse(sub(test), sub(body), sub(other), span=span)
            case ast.Subscript(value=base, slice=index) if not isinstance(index, (ast.Slice, ast.Tuple)):
                return Index(sub(base), sub(index), span=span)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return ListOf(tuple(sub(item) for item in items), span=span)
            case ast.Call(func=ast.Name(id=function), args=args, keywords=keywords):
                return self._call(function, args, keywords, span, deeper)
        raise fault(
            "bad-expression", f"{_short(ast.unparse(node))} is not part of the expression language", span, help=LANGUAGE
        )

    def _path(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=base, attr=attr):
                return f"{self._path(base)}.{attr}"
        raise fault(
            "bad-expression",
            f"{_short(ast.unparse(node))} is not part of the expression language",
            self.place(node),
            help=LANGUAGE,
        )

    def _call(
        self, function: str, args: list[ast.expr], keywords: list[ast.keyword], span: Span | None, depth: int
    ) -> Expr:
        if function not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise fault("unknown-function", f"'{function}' is not a function", span, help=f"the functions are {known}")
        named = []
        for keyword in keywords:
            if keyword.arg is None:
                raise fault("bad-expression", "'**' is not part of the expression language", span)
            named.append((keyword.arg, self.read(keyword.value, depth)))
        return Call(function, tuple(self.read(a, depth) for a in args), tuple(named), span=span)


# --- walking -----------------------------------------------------------------------------------


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of an expression."""
    match expr:
        case Unary(operand=a):
            return (a,)
        case Binary(left=a, right=b) | Compare(left=a, right=b) | Index(base=a, index=b):
            return (a, b)
        case Logic(items=items) | ListOf(items=items):
            return items
        case IfElse(condition=c, then=a, other=b):
            return (c, a, b)
        case Call(args=args, keywords=keywords):
            return (*args, *(value for _, value in keywords))
    return ()


def names(expr: Expr) -> Iterator[Name]:
    """Every name an expression mentions, in order."""
    if isinstance(expr, Name):
        yield expr
    for child in children(expr):
        yield from names(child)


def is_long(expr: Expr) -> bool:
    """Whether an expression has more parts than anyone reads; counting stops there, for parts may be shared."""
    count, todo = 0, [expr]
    while todo and count <= MAX_PARTS:
        count += 1
        todo += children(todo.pop())
    return count > MAX_PARTS


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node over changed parts."""
    match expr:
        case Unary(operand=a):
            return replace(expr, operand=change(a))
        case Binary(left=a, right=b) | Compare(left=a, right=b):
            return replace(expr, left=change(a), right=change(b))
        case Index(base=a, index=b):
            return replace(expr, base=change(a), index=change(b))
        case Logic(items=items) | ListOf(items=items):
            return replace(expr, items=tuple(change(item) for item in items))
        case IfElse(condition=c, then=a, other=b):
            return replace(expr, condition=change(c), then=change(a), other=change(b))
        case Call(args=args, keywords=keywords):
            return replace(
                expr, args=tuple(change(a) for a in args), keywords=tuple((k, change(v)) for k, v in keywords)
            )
    return expr


def substitute(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """`expr` with names replaced; the result is folded."""
    if isinstance(expr, Name):
        return env.get(expr.id, expr)
    return fold(rebuild(expr, lambda part: substitute(part, env)))


# --- evaluation --------------------------------------------------------------------------------


def evaluate(expr: Expr, env: Mapping[str, Value]) -> Value:
    """The value of `expr`; raises `SpecError` at the part that fails."""
    match expr:
        case Lit(value=value):
            return value
        case Name(id=name):
            if name not in env:
                raise fault("unknown-name", f"'{name}' is not defined here", expr.span)
            return env[name]
        case ListOf(items=items):
            return bounded([evaluate(item, env) for item in items], expr)
        case IfElse(condition=condition, then=then, other=other):
            return evaluate(then if evaluate(condition, env) else other, env)
        case Logic(op=op, items=items):
            found: Value = None
            for item in items:
                found = evaluate(item, env)
                if bool(found) is (op == "or"):
                    break
            return found
    parts = [evaluate(child, env) for child in children(expr)]
    try:
        return bounded(_apply(expr, parts), expr)
    except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise fault("bad-value", f"cannot compute '{show(expr)}': {_reason(error)}", expr.span) from None


def _apply(expr: Expr, parts: list[Value]) -> Value:
    match expr:
        case Unary(op="not"):
            return not parts[0]
        case Unary():
            return -parts[0]
        case Binary(op=op):
            _guard(op, *parts)
            return ARITHMETIC[op](*parts)
        case Compare(op=op):
            return COMPARE[op](*parts)
        case Index():
            if isinstance(parts[1], bool) or not isinstance(parts[0], list):
                raise TypeError("only a list can be indexed, and by a whole number")
            return parts[0][parts[1]]
        case Call(function=function, args=args, keywords=keywords):
            positional, rest = parts[: len(args)], parts[len(args) :]
            if function == "round" and any(isinstance(digits, int) and abs(digits) > MAX_BITS for digits in parts[1:]):
                raise OverflowError(f"round goes to at most {MAX_BITS} digits")
            return FUNCTIONS[function](*positional, **{k: v for (k, _), v in zip(keywords, rest, strict=True)})
    raise AssertionError(expr)


def _guard(op: str, left: Value, right: Value) -> None:
    """Refuses before it is computed what would exhaust the machine."""
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("words have no arithmetic")
    if op == "**" and not (
        isinstance(left, (int, float)) and isinstance(right, (int, float)) and abs(left) <= 2**31 and abs(right) <= 64
    ):
        raise OverflowError("a power this large is not allowed")
    for value, times in ((left, right), (right, left)):
        if (
            isinstance(value, list)
            and op == "*"
            and not (isinstance(times, int) and len(value) * max(times, 1) <= MAX_ITEMS)
        ):
            raise OverflowError(f"a list of more than {MAX_ITEMS} items is not allowed")


def bounded(value: Value, expr: Expr) -> Value:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise fault("bad-value", f"the value of '{show(expr)}' is too large", expr.span)
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("bad-value", f"the value of '{show(expr)}' is not a finite number", expr.span)
    if isinstance(value, complex):
        raise fault("bad-value", f"the value of '{show(expr)}' is not a real number", expr.span)
    if isinstance(value, list) and (reason := too_large(value)):
        raise fault("bad-value", f"'{show(expr)}' {reason}", expr.span)
    return value


def too_large(value: list[Value]) -> str:
    """What is too much of a list, those in it included, or nothing; no more is looked at than is allowed.

    A list may hold another one many times over, so that what is written in a few lines has no end.
    """
    count = 0
    for depth, lists in enumerate(levels(value)):
        count += sum(map(len, lists))
        if count > MAX_ITEMS:
            return f"has more than {MAX_ITEMS} items"
        if depth == MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} deep"
    return ""


def levels(value: list[Value]) -> Iterator[list[list[Value]]]:
    """A list, the lists in it, the lists in those, and so on."""
    lists = [value]
    while lists:
        yield lists
        lists = [item for items in lists for item in items if isinstance(item, list)]


def items_in(value: list[Value]) -> int:
    """How many items a list has, those of the lists in it included."""
    return sum(len(items) for lists in levels(value) for items in lists)


def _reason(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, IndexError):
        return "the list has no such item"
    return str(error)


# --- printing ----------------------------------------------------------------------------------

_POWER = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": 8}
_PREFIX = {"ceil": "math.ceil", "floor": "math.floor", "sqrt": "math.sqrt", "gcd": "math.gcd"}


def show(expr: Expr, *, python: bool = False) -> str:
    """The expression as text; with `python`, as it stands in emitted source (`math.ceil`, tuples)."""
    return _show(expr, python)[0]


def _show(expr: Expr, python: bool) -> tuple[str, int]:
    """Text and how tightly it binds (10: an atom)."""

    def part(child: Expr, power: int) -> str:
        text, own = _show(child, python)
        return text if own >= power else f"({text})"

    match expr:
        case Lit(value=value):
            return _literal(value, python), 10 if not isinstance(value, (int, float)) or value >= 0 else 7
        case Name(id=name):
            return name, 10
        case Unary(op="not", operand=a):
            return f"not {part(a, 3)}", 3
        case Unary(operand=a):
            return f"-{part(a, 7)}", 7
        case Binary(op="**", left=a, right=b):
            return f"{part(a, 9)}**{part(b, 8)}", 8
        case Binary(op=op, left=a, right=b):
            power = _POWER[op]
            return f"{part(a, power)} {op} {part(b, power + 1)}", power
        case Compare(op=op, left=a, right=b):
            return f"{part(a, 5)} {op} {part(b, 5)}", 4
        case Logic(op=op, items=items):
            power = _POWER[op]
            return f" {op} ".join(part(item, power + 1) for item in items), power
        case IfElse(condition=c, then=a, other=b):
            return f"{part(a, 1)} if {part(c, 1)} else {part(b, 0)}", 0
        case Index(base=a, index=b):
            return f"{part(a, 10)}[{part(b, 0)}]", 10
        case Call(function=function, args=args, keywords=keywords):
            inside = [part(a, 0) for a in args] + [f"{k}={part(v, 0)}" for k, v in keywords]
            return f"{_PREFIX.get(function, function) if python else function}({', '.join(inside)})", 10
        case ListOf(items=items):
            inside = [part(item, 0) for item in items]
            if python:
                return (f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"), 10
            return f"[{', '.join(inside)}]", 10
    raise AssertionError(expr)


def _literal(value: Value, python: bool) -> str:
    if isinstance(value, str):
        quoted = repr(value)
        if python and '"' not in value and quoted.startswith("'"):
            return f'"{quoted[1:-1]}"'
        return quoted
    if not python and (value is None or isinstance(value, bool)):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


# --- algebra -----------------------------------------------------------------------------------


def fold(expr: Expr) -> Expr:
    """One node with constant parts computed and neutral terms dropped."""
    match expr:
        case Binary(op=op, left=a, right=b):
            return binary(op, a, b)
        case IfElse(condition=condition, then=a, other=b):
            return _chosen(condition, a, b)
        case Logic(op=op, items=items):
            return _logic(op, items)
        case Unary(op="not", operand=Compare(op="==" | "!=" as op, left=a, right=b)) if not _is_constant(a):
            return Compare("!=" if op == "==" else "==", a, b)
        case Name() | Lit() | ListOf():
            return expr
    if all(_is_constant(child) for child in children(expr)):
        return wrap(evaluate(expr, {}))
    return expr


def _chosen(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a if condition else b`; a choice inside by the same condition is settled."""
    if isinstance(condition, Lit):
        return a if condition.value else b
    if isinstance(a, IfElse) and a.condition == condition:
        a = a.then
    if isinstance(b, IfElse) and b.condition == condition:
        b = b.other
    return a if a == b else IfElse(condition, a, b)


def _is_constant(expr: Expr) -> bool:
    return isinstance(expr, Lit) or (isinstance(expr, ListOf) and all(_is_constant(item) for item in expr.items))


def _logic(op: str, items: tuple[Expr, ...]) -> Expr:
    """The parts that decide: what comes after a literal that settles it is dropped, so are those that never do."""
    rest: list[Expr] = []
    for index, item in enumerate(items):
        if not isinstance(item, Lit):
            rest.append(item)
        elif bool(item.value) is (op == "or"):
            rest.append(item)
            break
        elif index == len(items) - 1 and not (rest and isinstance(item.value, bool)):
            rest.append(item)
    if isinstance(rest[-1], Lit) and isinstance(rest[-1].value, bool) and rest[-1].value is (op == "or"):
        return rest[-1]
    return rest[0] if len(rest) == 1 else Logic(op, tuple(rest))


def binary(op: str, a: Expr, b: Expr) -> Expr:
    """`a op b`, folded."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return wrap(evaluate(Binary(op, a, b), {}))
    left, right = (item.value if isinstance(item, Lit) and type(item.value) is int else None for item in (a, b))
    match op:
        case "+" if right == 0:
            return a
        case "+" if left == 0:
            return b
        case "+" if a == b:
            return binary("*", Lit(2), a)
        case "-" if right == 0:
            return a
        case "-" if a == b:
            return Lit(0)
        case "*" | "//" if right == 1:
            return a
        case "*" if left == 1:
            return b
        case "*" if left == 0 or right == 0:
            return Lit(0)
        case "//" if a == b:
            return Lit(1)
        case "-" if isinstance(a, Binary) and a.op == "+" and a.right == b:
            return a.left
        case "-" if isinstance(a, Binary) and a.op == "+" and a.left == b:
            return a.right
        case "+" if right is not None and right < 0:
            return binary("-", a, Lit(-right))
        case "//" if right and isinstance(a, Binary) and a.op == "*" and (divided := _divided(a, right)) is not None:
            return divided
    if isinstance(a, IfElse) and isinstance(b, Lit) and isinstance(a.then, Lit) and isinstance(a.other, Lit):
        return IfElse(a.condition, binary(op, a.then, b), binary(op, a.other, b))
    if isinstance(b, IfElse) and isinstance(a, Lit) and isinstance(b.then, Lit) and isinstance(b.other, Lit):
        return IfElse(b.condition, binary(op, a, b.then), binary(op, a, b.other))
    return Binary(op, a, b)


def _divided(product: Binary, n: int) -> Expr | None:
    """`a * m // n` where n divides the whole number m."""
    for factor, rest in ((product.right, product.left), (product.left, product.right)):
        if isinstance(factor, Lit) and type(factor.value) is int and factor.value % n == 0:
            return binary("*", Lit(factor.value // n), rest)
    return None


Poly: TypeAlias = "dict[tuple[Expr, ...], int]"


def polynomial(expr: Expr, facts: frozenset[tuple[Expr, Expr]] = frozenset()) -> Poly:
    """`expr` as an integer polynomial over opaque atoms; `facts` holds the pairs (a, n) with a % n == 0."""
    match expr:
        case Lit(value=value) if type(value) is int:
            return {(): value} if value else {}
        case Unary(op="-", operand=a):
            return {k: -v for k, v in polynomial(a, facts).items()}
        case Binary() if _is_list(expr):
            return {(expr,): 1}
        case Binary(op="+" | "-" as op, left=a, right=b):
            return _add(polynomial(a, facts), polynomial(b, facts), 1 if op == "+" else -1)
        case Binary(op="*", left=a, right=b):
            return _multiply(polynomial(a, facts), polynomial(b, facts), facts)
    return {(expr,): 1}


def _is_list(expr: Expr) -> bool:
    """Whether it is a list, whose sum keeps its order."""
    return isinstance(expr, ListOf) or (isinstance(expr, Binary) and (_is_list(expr.left) or _is_list(expr.right)))


def _add(a: Poly, b: Poly, sign: int) -> Poly:
    total = dict(a)
    for key, value in b.items():
        total[key] = total.get(key, 0) + sign * value
    return {key: value for key, value in total.items() if value}


def _multiply(a: Poly, b: Poly, facts: frozenset[tuple[Expr, Expr]]) -> Poly:
    total: Poly = {}
    for (left, m), (right, n) in ((x, y) for x in a.items() for y in b.items()):
        atoms, factor = _cancel([*left, *right], m * n, facts)
        total = _add(total, {tuple(sorted(atoms, key=repr)): factor}, 1)
    return total


def _cancel(atoms: list[Expr], factor: int, facts: frozenset[tuple[Expr, Expr]]) -> tuple[list[Expr], int]:
    """`n * (a // n)` is `a` where a % n == 0 is known."""
    for atom in atoms:
        if isinstance(atom, Binary) and atom.op == "//" and (atom.left, atom.right) in facts:
            divisor = atom.right.value if isinstance(atom.right, Lit) else None
            if isinstance(divisor, int) and divisor and factor % divisor == 0:
                atoms.remove(atom)
                return [*atoms, atom.left], factor // divisor
            if atom.right in atoms:
                atoms.remove(atom)
                atoms.remove(atom.right)
                return [*atoms, atom.left], factor
    return atoms, factor


def from_polynomial(poly: Poly) -> Expr:
    """A polynomial as a sum of products, positive terms first."""
    total: Expr = Lit(0)
    terms = sorted(poly.items(), key=lambda item: (item[1] < 0, not item[0]))
    for atoms, factor in terms:
        product: Expr = Lit(abs(factor))
        for atom in atoms:
            product = binary("*", product, atom)
        total = binary("-", total, product) if factor < 0 else binary("+", total, product)
    return total


def _normal(poly: Poly, facts: frozenset[tuple[Expr, Expr]]) -> Poly:
    """A polynomial with every `n * (a // n)` cancelled."""
    total: Poly = {}
    for atoms, factor in poly.items():
        rest, number = _cancel(list(atoms), factor, facts)
        expanded = polynomial(rest[0], facts) if len(rest) == 1 else {tuple(sorted(rest, key=repr)): 1}
        total = _add(total, {key: value * number for key, value in expanded.items()}, 1)
    return total


def simplify(expr: Expr, facts: frozenset[tuple[Expr, Expr]] = frozenset()) -> Expr:
    """The shorter of `expr` and its polynomial form, part by part."""
    if isinstance(expr, (Lit, Name)):
        return expr
    parts = rebuild(expr, lambda part: simplify(part, facts))
    flat = from_polynomial(_normal(polynomial(parts, facts), facts))
    found = flat if len(show(flat)) < len(show(parts)) else parts
    if parts == expr or len(show(found)) <= len(show(expr)):
        return found
    return expr  # a part that is shorter by itself may need brackets here


def same(a: Expr, b: Expr, facts: frozenset[tuple[Expr, Expr]] = frozenset()) -> bool:
    """Whether two expressions are provably equal."""
    return a == b or _normal(polynomial(a, facts), facts) == _normal(polynomial(b, facts), facts)
