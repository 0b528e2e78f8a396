"""Which tensors hold their channels in another order once one of them does, and the layers that hide it.

Norms, activations, pools and depthwise convolutions take the order of their channels as it comes; a sum takes it if all
of its tensors have it. An ungrouped convolution reads and gives channels in whatever order its weight has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import Expr, Lit, Name, names
from archdsl.ir.program import (
    Call,
    Container,
    Function,
    If,
    Loop,
    Nested,
    Operand,
    Operation,
    Primitive,
    Region,
    Value,
)
from archdsl.ir.rewrite import Reader, readers, taps
from archdsl.passes.norms import NORM

CONVOLUTION, DEPTHWISE = "conv", "dwconv"
JOINS = frozenset({"add", "mul", "max"})
KEEP_ORDER = frozenset(
    {
        *("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "selu", "softplus", "silu", "mish", "sigmoid", "tanh"),
        *("hard_tanh", "hard_swish", "hard_sigmoid", "softmax", "log_softmax", "act", "identity"),
        *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool"),
        *(NORM, "upsample", "dropout", "channel_dropout", "drop_connect", "drop_block"),
    }
)


class Fixed(Exception):
    """The order of these channels is seen elsewhere."""


@dataclass(eq=False)
class Frame:
    """A function as one call of it runs; the outermost stands for every call."""

    function: Function
    call: Call | None = None
    outer: Frame | None = None
    inner: dict[Call, Frame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(taps(self.function)) or self.recurs():
            raise Fixed
        self.readers: Mapping[Value, list[Reader]] = readers(self.function)
        self.makers: dict[Value, Operation] = {}
        self.owners: dict[Region, Operation] = {}
        for node in self.function.walk():
            self.makers[node.out] = node
            if isinstance(node, Nested):
                self.makers[node.carry] = node
            self.owners.update(dict.fromkeys(node.regions(), node))
        self.known = self.arguments()

    def recurs(self) -> bool:
        """Whether this is a call of a block inside of itself."""
        outer = self.outer
        while outer is not None and outer.function is not self.function:
            outer = outer.outer
        return outer is not None

    def entered(self, call: Call) -> Frame:
        """The frame of a call made here."""
        if call not in self.inner:
            self.inner[call] = Frame(call.block, call, self)
        return self.inner[call]

    def arguments(self) -> dict[str, Expr]:
        """What names of the function come to in names of the outermost one, as far as they do."""
        if any(isinstance(node, Nested) and is_scope(node) for node in self.function.walk()):
            return {}  # a name may be another one in there
        own = {*self.function.params, *self.function.implicit, *self.function.let}
        if self.outer is None or self.call is None:
            entering = () if self.function.staged or self.function.network else ("c_in",)
            return {name: Name(name) for name in (*own, *entering)}
        found: dict[str, Expr] = {}
        for name, param in self.function.params.items():
            given = self.call.args.get(name)
            value = self.outer.told(given) if given is not None else told(param.default, found)
            if value is not None:
                found[name] = value
        for name, expr in self.function.let.items():
            if (value := told(expr, found)) is not None:
                found[name] = value
        return found

    def told(self, expr: Expr | None) -> Expr | None:
        """An expression of this function in names of the outermost one, if it has nothing but those in it."""
        return told(expr, self.known)


def told(expr: Expr | None, known: Mapping[str, Expr]) -> Expr | None:
    if expr is None or any(name.id not in known for name in names(expr)):
        return None
    return fold(substitute(expr, known))


def is_scope(node: Nested) -> bool:
    """Whether names mean something else inside of it."""
    return isinstance(node, Loop) or bool(node.let)


# --- who sees the order
def hiding(function: Function, start: Operand, shuffle: Primitive) -> list[Expr] | None:
    """The groups of all convolutions that hide the order of a tensor beside a shuffle, if nothing else sees it.

    They are in names of the function; with one group each, the order does not matter.
    """
    try:
        found = Order(Frame(function), shuffle)
        found.take(found.frame, start)
        found.close()
    except Fixed:
        return None
    across = all((found.frame, end) in found.tensors for end in (shuffle.ins[0], shuffle.out))
    return None if across else found.groups


class Order:
    """The tensors that have the same channels in the same order, found from one of them on."""

    def __init__(self, frame: Frame, shuffle: Primitive) -> None:
        self.frame, self.shuffle = frame, shuffle
        self.tensors: dict[tuple[Frame, Value], None] = {}
        self.ahead: list[tuple[Frame, Value]] = []
        self.groups: list[Expr] = []
        self.elsewhere = set(instead_of(frame.function, shuffle))

    def take(self, frame: Frame | None, operand: Operand | None) -> None:
        """One more tensor of this order."""
        if frame is None or not isinstance(operand, Value) or operand.many or operand.optional or operand.items:
            raise Fixed
        if (frame, operand) not in self.tensors:
            self.tensors[frame, operand] = None
            self.ahead.append((frame, operand))

    def close(self) -> None:
        """Finds all the others."""
        while self.ahead:
            frame, value = self.ahead.pop()
            self.made(frame, value)
            for reader in frame.readers.get(value, ()):
                if reader not in self.elsewhere:
                    self.read(frame, reader, value)

    def made(self, frame: Frame, value: Value) -> None:
        """What comes of a tensor's order for what made it."""
        node = frame.makers.get(value)
        match node:
            case None:
                self.entered(frame, value)
            case Primitive():
                self.computed(frame, node)
            case Call() if not node.reused:
                self.take(frame.entered(node), node.block.region.result)
            case If(branch=False, choices=(), stage=None):
                for side in node.regions():
                    if side not in self.elsewhere:
                        self.take(frame, side.result)
            case Container(stage=None):
                self.take(frame, node.entry if value is node.carry else node.body.result)
            case _:
                raise Fixed

    def entered(self, frame: Frame, value: Value) -> None:
        """The same for the tensor of a call that a block knows by a name of its own."""
        if frame.call is None:
            raise Fixed
        name = next(name for name, known in frame.function.inputs.items() if known is value)
        given = frame.call.ins[0] if value is first_of(frame.function) else frame.call.tensors.get(name)
        self.take(frame.outer, given)

    def read(self, frame: Frame, reader: Reader, value: Value) -> None:
        """What comes of a tensor's order for what reads it."""
        match reader:
            case Primitive():
                self.computed(frame, reader)
            case Call() if not reader.reused:
                self.passed(frame.entered(reader), reader, value)
            case Container(stage=None):
                self.take(frame, reader.carry)
            case Region() if reader is frame.function.region:
                self.take(frame.outer, frame.call.out if frame.call is not None else None)
            case Region() if isinstance(owner := frame.owners.get(reader), (If, Container)):
                self.take(frame, owner.out)
            case _:
                raise Fixed

    def passed(self, inner: Frame, call: Call, value: Value) -> None:
        """The names that a called block has for a tensor."""
        for place, operand in enumerate(call.ins):
            if operand is value:
                self.take(inner, first_of(inner.function) if place == 0 else None)
        for name, operand in call.tensors.items():
            if operand is value:
                self.take(inner, inner.function.inputs[name])

    def computed(self, frame: Frame, node: Primitive) -> None:
        """An op beside a tensor of this order."""
        if node is self.shuffle and frame is self.frame:
            return
        if node.tensors or node.reused or node.stage is not None:
            raise Fixed
        if node.op.name == CONVOLUTION:
            self.hidden(frame, node)
        elif keeps_order(frame, node):
            for operand in (*node.ins, node.out):
                self.take(frame, operand)
        else:
            raise Fixed

    def hidden(self, frame: Frame, node: Primitive) -> None:
        """A convolution, if it has one group."""
        groups = frame.told(node.fields["groups"])
        if groups is None:
            raise Fixed
        if groups not in self.groups:
            self.groups.append(groups)


def instead_of(function: Function, node: Primitive) -> Iterator[Reader]:
    """What does not run if an operation does: the other sides of the conditions that it stands under."""
    for choice in function.walk():
        sides = choice.regions() if isinstance(choice, If) else ()
        if any(node is inner for side in sides for inner in side.walk()):
            for side in sides:
                if all(node is not inner for inner in side.walk()):
                    yield side
                    yield from side.walk()
                    yield from (inner for operation in side.walk() for inner in operation.regions())


def keeps_order(frame: Frame, node: Primitive) -> bool:
    """Whether an op gives channels in the order in which they enter, in all of its tensors."""
    if node.op.name == DEPTHWISE:
        return frame.told(node.fields["multiplier"]) == Lit(1)
    return node.op.name in JOINS or node.op.name in KEEP_ORDER


def first_of(function: Function) -> Value:
    return next(iter(function.inputs.values()))
