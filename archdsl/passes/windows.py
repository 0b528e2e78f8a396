"""What a branch is as one convolution, told from the program alone: for all calls and variants.

A convolution, an average pooling, the tensor as it is, each with or without batch norms behind it: in eval mode all of
these are convolutions with a bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Expr, IfElse, ListOf, Lit, Name, wrap
from archdsl.expr.simplify import same
from archdsl.ir.program import Call, Container, If, Loop, Operand, Operation, Primitive, Region, Value
from archdsl.ops.base import is_lit
from archdsl.ops.windows import KEEP, SAME, keep_expr, same_is_keep
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES

CONVOLUTIONS = frozenset({"conv", "dwconv"})
AFFINE = frozenset({"bn"})  # what multiplies and shifts each channel in eval mode
POOL, SAME_TENSOR = "avg_pool", "identity"
READ = frozenset(
    {"out", "multiplier", "kernel", "stride", "padding", "dilation", "groups", "bias", "ceil", "count_include_pad"}
)
ENTERING = Name("\0c_in")  # the channels that enter the branches, in expressions of a block that is called
ELSEWHERE = "\0elsewhere"  # what has no expression outside of the place that reads it
ONE, KEPT = Lit(1), Lit(KEEP)
BRANCHES = "a branch is a conv, dwconv or avg_pool, optionally followed by bn, or just bn, on the input of reparam"

Env = Mapping[str, Expr]


@dataclass(frozen=True)
class Window:
    """A branch as a convolution. With `out` None as many channels leave as enter; with `groups` None it is depthwise.

    `when` is the condition under which the branch exists. What `moves` has a window of its own; what is `learned` has
    weights. Where either is true, the tensor is no longer the one that enters.
    """

    kernel: Expr = ONE
    stride: Expr = ONE
    padding: Expr = KEPT
    dilation: Expr = ONE
    out: Expr | None = None
    groups: Expr | None = None
    moves: bool = False
    learned: bool = False
    when: Expr | None = None

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """Everything that it is computed from."""
        found = (self.kernel, self.stride, self.padding, self.dilation, self.out, self.groups)
        return tuple(expr for expr in found if expr is not None)

    def named(self, env: Env) -> Window:
        """The same with other expressions for names."""
        kernel, stride, padding, dilation = (
            substitute(expr, env) for expr in (self.kernel, self.stride, self.padding, self.dilation)
        )
        out, groups = (substitute(expr, env) if expr is not None else None for expr in (self.out, self.groups))
        return replace(self, kernel=kernel, stride=stride, padding=padding, dilation=dilation, out=out, groups=groups)


def windows(joined: Primitive, entry: Operand, nodes: Sequence[Operation]) -> list[Window]:
    """What each branch of a sum is, that comes after some operations; `entry` is the tensor that enters them."""
    return [window for operand in joined.ins for window in branch(operand, entry, nodes, joined.span)]


def branch(operand: Operand, entry: Operand, nodes: Sequence[Operation], span: Span) -> Iterator[Window]:
    """A branch, which may not exist; of `each` one for every row."""
    made = next((node for node in nodes if node.out is operand), None)
    match made:
        case If(branch=True):
            for window in branch(result_of(made.then), entry, made.then.nodes, made.span):
                if window.when is not None:
                    raise refused("has two conditions", made.span)
                yield replace(window, when=made.condition)
        case Loop(parallel=True):
            yield from side_by_side(made, entry)
        case _:
            yield chain(operand, nodes, entry, {}, Window(), made.span if made is not None else span)


def side_by_side(loop: Loop, entry: Operand) -> Iterator[Window]:
    """The branches of `each`: one for each row that is written out, or one for all if they do not tell them apart."""
    if loop.entry is not entry or loop.entries:
        raise refused("reads another tensor", loop.span)
    read = [*loop.columns, *loop.let]
    if isinstance(loop.rows, ListOf) and read:
        rows = [row.items if isinstance(row, ListOf) else (row,) for row in loop.rows.items]
    else:
        rows = [()]
    for row in rows:
        env: dict[str, Expr] = dict.fromkeys((*read, *TURN_NAMES, *TABLE_NAMES), Name(ELSEWHERE))
        for name, cell in zip_longest(loop.columns if row else (), row[: len(loop.columns)]):
            env[name] = cell or substitute(loop.column_defaults.get(name, Name(ELSEWHERE)), env)
        env |= {name: substitute(expr, env) for name, expr in (loop.let.items() if row else ())}
        yield chain(result_of(loop.body), loop.body.nodes, loop.carry, env, Window(), loop.span)


def chain(result: Operand, nodes: Sequence[Operation], start: Operand, env: Env, window: Window, span: Span) -> Window:
    """Operations one after another, from one tensor to another, on what a window has made so far."""
    made = {node.out: node for node in nodes}
    links: list[Operation] = []
    while result is not start:
        node = made.get(result) if isinstance(result, Value) else None
        entered = entering(node) if node is not None else None
        if node is None or entered is None:
            what = "reads another tensor" if node is None else "joins several tensors"
            raise refused(what, node.span if node is not None else span)
        links.append(node)
        result = entered
    for node in reversed(links):
        window = link(node, env, window)
    if any(ELSEWHERE in expr.mentioned for expr in window.expressions):
        raise refused("reads what differs between its branches or inside of a block", span)
    return window


def entering(node: Operation) -> Operand | None:
    """The tensor that an operation of a chain reads; None of one that reads several."""
    if not isinstance(node, If):
        return node.operands()[0] if len(node.operands()) == 1 else None
    first, *others = [entered(region) for region in node.regions() if region.result is not None]
    return first if all(other is first for other in others) else None


def trail(operand: Operand, nodes: Sequence[Operation]) -> list[Operand]:
    """A tensor, what it is made of by one of some operations, and so on back."""
    made = {node.out: node for node in nodes}
    found = [operand]
    while isinstance(operand, Value) and operand in made:
        before = entering(made[operand])
        if before is None:
            break
        operand = before
        found.append(operand)
    return found


def entry_of(joined: Primitive, nodes: Sequence[Operation]) -> Operand:
    """The tensor that branches have in common: the last of those before them all."""
    first, *others = [trail(operand, nodes) for operand in joined.ins]
    if not others:
        if any(isinstance(node, Loop) and node.out is first[0] for node in nodes):  # `each`
            return first[1]
        raise fault(
            "bad-reparam", "reparam has one branch, and adds several", joined.span, help="write its steps alone"
        )
    common = next((operand for operand in first if all(operand in other for other in others)), None)
    if common is None:
        raise refused("does not begin with the tensor that the others begin with", joined.span)
    return common


def entered(region: Region) -> Operand | None:
    """The tensor from outside that a chain begins with."""
    made = {node.out: node for node in region.nodes}
    operand: Operand | None = region.result
    while isinstance(operand, Value) and operand in made:
        operand = entering(made[operand])
    return operand


def link(node: Operation, env: Env, window: Window) -> Window:
    """What a window becomes with one more operation behind it."""
    if node.reused:
        raise refused("has a module that runs elsewhere too", node.span)
    match node:
        case Primitive() if node.op.name in AFFINE:
            return replace(window, learned=True)
        case Primitive() if node.op.name == SAME_TENSOR:
            return window
        case Primitive() if node.op.name in CONVOLUTIONS or node.op.name == POOL:
            if window.learned or window.moves or node.tensors:
                what = "has a kernel that is computed" if node.tensors else "has a layer behind another one"
                raise refused(what, node.span)
            fields = {name: substitute(expr, env) for name, expr in node.fields.items()}
            expect_plain(node, fields)
            return pooling(node, fields) if node.op.name == POOL else convolution(node, fields)
        case Call() if not node.out.many:
            return called(node, env, window)
        case Container():
            inner = {**env, **{name: substitute(expr, env) for name, expr in node.let.items()}}
            return chain(result_of(node.body), node.body.nodes, node.carry, inner, window, node.span)
        case If():
            start = entering(node)
            assert start is not None
            then, other = (
                chain(result_of(side), side.nodes, start, env, window, node.span) for side in (node.then, node.other)
            )
            return either(substitute(node.condition, env), then, other, node.span)
    raise refused(f"has {node.op.name if isinstance(node, Primitive) else 'more than a chain'} in it", node.span)


def expect_plain(node: Primitive, fields: Env) -> None:
    """Raises where a layer is other than its size, place and channels say: with another border, with other weights."""
    for item in node.op.fields:
        if item.name in fields and item.name not in READ and fields[item.name] != wrap(item.default):
            raise refused(f"has {item.name}", node.field_spans.get(item.name, node.span))


def called(call: Call, env: Env, window: Window) -> Window:
    """A block, by the arguments of its call; the channels that enter it are those that enter the branches."""
    block = call.block
    inner: dict[str, Expr] = {**dict.fromkeys(MEASURES, Name(ELSEWHERE)), "c_in": ENTERING}
    for name, param in {**block.params, **block.implicit}.items():
        if name in call.args:
            inner[name] = substitute(call.args[name], env)
        elif param.default is not None:
            inner[name] = substitute(param.default, inner)
    for name, expr in block.let.items():
        inner[name] = substitute(expr, inner)
    first = next(iter(block.inputs.values()))
    return chain(result_of(block.region), block.region.nodes, first, inner, window, call.span)


def convolution(node: Primitive, fields: Env) -> Window:
    if node.op.name == "conv":
        out: Expr | None = fields["out"]
        groups: Expr | None = fields["groups"]
    elif is_lit(fields["multiplier"], 1):
        out = groups = None
    else:
        raise refused("has a multiplier", node.field_spans.get("multiplier", node.span))
    return Window(
        fields["kernel"],
        fields["stride"],
        centred(fields),
        fields["dilation"],
        None if out == ENTERING else out,
        None if groups == ENTERING else groups,
        moves=True,
        learned=True,
    )


def pooling(node: Primitive, fields: Env) -> Window:
    if not is_lit(fields["ceil"], False):
        raise refused("has windows that hang over the end", node.field_spans.get("ceil", node.span))
    stride = fields["kernel"] if is_lit(fields["stride"], None) else fields["stride"]
    given = {**fields, "stride": stride, "dilation": ONE}
    if not (is_lit(fields["count_include_pad"], True) or is_lit(fields["padding"], 0)):
        raise refused("leaves its border out of the mean", node.field_spans.get("count_include_pad", node.span))
    return Window(fields["kernel"], stride, centred(given), moves=True)


def centred(fields: Env) -> Expr:
    """The padding of a window: `keep` wherever it is known to be that."""
    kernel, padding, dilation = fields["kernel"], fields["padding"], fields["dilation"]
    if is_lit(padding, SAME):
        rank = len(kernel.items) if isinstance(kernel, ListOf) else 2
        return KEPT if same_is_keep(kernel, fields["stride"], dilation, rank) else padding
    if is_lit(padding, KEEP):
        return padding
    ranks = {len(item.items) for item in (kernel, padding, dilation) if isinstance(item, ListOf)}
    if len(ranks) > 1:  # which the op itself refuses
        return padding
    (rank,) = ranks or {1}
    kept = keep_expr(kernel, dilation, rank)
    pairs = zip(axes(kept, rank), axes(padding, rank), strict=True)
    return KEPT if all(same(a, b) for a, b in pairs) else padding


def axes(expr: Expr, rank: int) -> tuple[Expr, ...]:
    return expr.items if isinstance(expr, ListOf) else (expr,) * rank


def either(condition: Expr, then: Window, other: Window, span: Span) -> Window:
    """One window or another, by a condition."""

    def one_of(a: Expr, b: Expr) -> Expr:
        if a != b and KEPT in (a, b):
            raise other_kind(span)
        return a if a == b else IfElse(condition, a, b)

    def channels(a: Expr | None, b: Expr | None) -> Expr | None:
        if (a is None) != (b is None):
            raise other_kind(span)
        return one_of(a, b) if a is not None and b is not None else None

    return Window(
        one_of(then.kernel, other.kernel),
        one_of(then.stride, other.stride),
        one_of(then.padding, other.padding),
        one_of(then.dilation, other.dilation),
        channels(then.out, other.out),
        channels(then.groups, other.groups),
        moves=then.moves or other.moves,
        learned=then.learned or other.learned,
    )


def other_kind(span: Span) -> SpecError:
    return refused("is another kind of layer under a condition", span, "put when: on the branch")


def result_of(region: Region) -> Operand:
    assert region.result is not None
    return region.result


def refused(why: str, span: Span, help: str = BRANCHES) -> SpecError:
    return fault("bad-reparam", f"reparam cannot merge a branch that {why}", span, help=help)
