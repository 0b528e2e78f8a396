"""Python text -> tree: what an op prints, and annotations; read once, where they enter."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache, reduce

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.spelling import one_line
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Lit, Name
from archdsl.ops.base import Op, Site

CHANNELS = Name("entering_channels")  # in what an op prints, the channels that enter,
LAST = Name("entering_width")  # and the last axis
OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not", ast.And: "and", ast.Or: "or",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Eq: "==",
    ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
# operators of one precedence, which may follow one another without brackets
TOGETHER = {sign: signs for signs in (("+", "-"), ("*", "/", "//", "%")) for sign in signs}


def printed(op: Op, site: Site, tensors: Sequence[Tree], names: Mapping[str, str]) -> Tree:
    """What an op prints in `forward` over its tensors; lists of tensors are starred.

    `names` are the definitions of preludes that have another name in the file.

    The op is asked for its text over words for the tensors, in brackets where a tensor is more than a name; in the tree
    of that text the tensors take the places of these words.
    """
    words: list[str] = []
    given: dict[str, Tree] = {old: Name(new) for old, new in names.items()} if op.prelude else {}
    for place, tensor in enumerate(tensors):
        word, starred = f"tensor_{place}", isinstance(tensor, py.Starred)
        value = given[word] = tensor.value if isinstance(tensor, py.Starred) else tensor
        words.append(f"*{word}" if starred else word if isinstance(value, Name) else f"({word})")
    return filled(parsed(op.function(site, *words)), given)


def filled(tree: Tree, given: Mapping[str, Tree]) -> Tree:
    """A tree in which others take the place of names; in brackets where an operation or a call has them as operand."""
    if isinstance(tree, Name):
        first, *rest = tree.id.split(".")
        found = given.get(first)
        return tree if found is None else reduce(py.attribute, rest, in_brackets(found) if rest else found)
    match tree:
        case py.Operation() | py.Prefixed() | py.Attribute():
            return py.rebuild(tree, lambda part: as_operand(part, given))
        case py.Subscript(value, index):
            return py.Subscript(as_operand(value, given), tuple(filled(part, given) for part in index))
        case py.Foreign(node):
            return py.Foreign(Filling(given).visit(deepcopy(node)))
    return py.rebuild(tree, lambda part: filled(part, given))


def as_operand(tree: Tree, given: Mapping[str, Tree]) -> Tree:
    made = filled(tree, given)
    return in_brackets(made) if isinstance(tree, Name) else made


def in_brackets(tree: Tree) -> Tree:
    """A tree as an operand: an operation in brackets."""
    return py.Bracketed(tree) if isinstance(tree, (py.Operation, py.Prefixed, py.Conditional)) else tree


class Filling(ast.NodeTransformer):
    """What is known by Python's own tree alone, with others in the place of names."""

    def __init__(self, given: Mapping[str, Tree]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        tree = self.given.get(node.id)
        return node if tree is None else ast.parse(one_line(tree), mode="eval").body


@lru_cache(maxsize=1024)
def parsed(text: str) -> Tree:
    """The tree of an expression."""
    return tree_of(ast.parse(text, mode="eval").body)


def tree_of(node: ast.expr) -> Tree:
    """A node of Python's own tree as one of ours."""
    match node:
        case ast.Name(id=name):
            return Name(name)
        case ast.Constant(value=value) if value is ...:
            return Name("...")
        case ast.Constant(value=(str() | bool() | int() | float() | None) as value):
            return Lit(value)
        case ast.Attribute(value=value, attr=name):
            return py.attribute(tree_of(value), name)
        case ast.Call(func=function, args=args, keywords=keywords) if all(item.arg for item in keywords):
            named = [py.Keyword(item.arg, tree_of(item.value)) for item in keywords if item.arg is not None]
            given = [*map(tree_of, args), *named]
            if len(given) == 1 and isinstance(given[0], py.Bracketed):  # a generator
                given = [given[0].value]
            return py.Call(tree_of(function), tuple(given))
        case ast.Starred(value=value):
            return py.Starred(tree_of(value))
        case ast.Subscript(value=value, slice=index):
            items = index.elts if isinstance(index, ast.Tuple) and len(index.elts) > 1 else [index]
            return py.Subscript(tree_of(value), tuple(map(tree_of, items)))
        case ast.Slice(lower=start, upper=stop, step=None):
            return py.Slice(*(None if bound is None else tree_of(bound) for bound in (start, stop)))
        case ast.Tuple(elts=items):
            return py.Tuple(tuple(map(tree_of, items)))
        case ast.List(elts=items):
            return py.List(tuple(map(tree_of, items)))
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return py.Dict(tuple((tree_of(k), tree_of(v)) for k, v in zip(keys, values, strict=True) if k is not None))
        case ast.IfExp(test=condition, body=then, orelse=other):
            return py.Conditional(tree_of(then), tree_of(condition), tree_of(other))
        case ast.UnaryOp(op=operator, operand=operand):
            return py.Prefixed(OPERATORS[type(operator)], tree_of(operand))
        case ast.BoolOp(op=operator, values=[first, *rest]):
            return py.Operation(tree_of(first), tuple((OPERATORS[type(operator)], tree_of(value)) for value in rest))
        case ast.Compare(left=left, ops=operators, comparators=others):
            pairs = zip(operators, others, strict=True)
            return py.Operation(tree_of(left), tuple((OPERATORS[type(sign)], tree_of(value)) for sign, value in pairs))
        case ast.BinOp():
            return operation(node)
        case ast.ListComp(elt=element, generators=[clause]) if not (clause.ifs or clause.is_async):
            return py.List((py.Comprehension(tree_of(element), tree_of(clause.target), tree_of(clause.iter)),))
        case ast.GeneratorExp(elt=element, generators=[clause]) if not (clause.ifs or clause.is_async):
            return py.Bracketed(py.Comprehension(tree_of(element), tree_of(clause.target), tree_of(clause.iter)))
    return py.Foreign(node)


def operation(node: ast.BinOp) -> Tree:
    """A sum with all of its terms, a product with all of its factors."""
    sign = OPERATORS[type(node.op)]
    first, right = tree_of(node.left), tree_of(node.right)
    if isinstance(first, py.Operation) and first.rest[-1][0] in TOGETHER.get(sign, ()):
        return py.Operation(first.first, (*first.rest, (sign, right)))
    return py.Operation(first, ((sign, right),))
