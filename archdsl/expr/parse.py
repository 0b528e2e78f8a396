"""Text to expression: Python's own grammar, and of its tree the part that the language has."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.evaluate import FUNCTIONS, MAX_DEPTH, OF_TENSORS
from archdsl.expr.nodes import Binary, Call, Compare, Expr, IfElse, Index, ListOf, Lit, Logic, Name, Unary

MAX_TEXT = 2000
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
LANGUAGE = "it has + - * / // % **, comparisons, and, or, not, 'x if c else y', lists, w[0] and its functions"
_SIGNS = (
    ("&&", "write 'and'"),
    ("||", "write 'or'"),
    ("!", "write 'not'"),
    ("?", "write 'x if c else y'"),
    ("=", "compare with =="),
)


_SHAPE = re.compile(r"[0-9]+(\s*[x×]\s*[0-9]+)+")  # a shape or size as papers write it: 3x32x32
_PART = re.compile(r"[0-9]*[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def parse(text: str, span: Span | None = None, *, formula: bool = False) -> Expr:
    """The tree of `text`; raises `SpecError` (bad-expression) at the offending part. A `formula` has more functions."""
    if len(text) > MAX_TEXT:
        raise fault("bad-expression", f"an expression of {len(text)} characters is too long (at most {MAX_TEXT})", span)
    if _is_row_path(text.strip()):
        return Name(text.strip(), span=span)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise fault(
            "bad-expression",
            f"cannot read {_short(text)} as an expression",
            span,
            label="not an expression",
            help=_help(text),
        ) from None
    return _Reader(text, span, (*FUNCTIONS, *OF_TENSORS) if formula else tuple(FUNCTIONS)).read(tree.body, 0)


def _help(text: str) -> str:
    """What to write instead of a text that is no expression; empty where nothing is known."""
    if _SHAPE.fullmatch(text.strip()):
        return f"write [{', '.join(re.findall('[0-9]+', text))}]"
    return next((help for sign, help in _SIGNS if sign in text), "")


def _is_row_path(text: str) -> bool:
    """Whether a text is a path with a row whose name begins with a digit: `inception.4a`, no text of Python."""
    first, *rest = text.split(".")
    return first.isidentifier() and any(part[:1].isdigit() for part in rest) and all(map(_PART.fullmatch, rest))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@dataclass
class _Reader:
    text: str
    span: Span | None
    functions: tuple[str, ...]

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
        if function not in self.functions:
            known = ", ".join(self.functions)
            raise fault("unknown-function", f"'{function}' is not a function", span, help=f"the functions are {known}")
        named = []
        for keyword in keywords:
            if keyword.arg is None:
                raise fault("bad-expression", "'**' is not part of the expression language", span)
            named.append((keyword.arg, self.read(keyword.value, depth)))
        return Call(function, tuple(self.read(a, depth) for a in args), tuple(named), span=span)
