"""The shapes in one call of a block over what enters it and its params, as papers write them: `h × w × tc`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

from archdsl.analysis.domain import Row
from archdsl.analysis.frames import Frame, Kept
from archdsl.analysis.interpreter import Interpreter
from archdsl.analysis.numbers import Numbers
from archdsl.analysis.tables import cell_of
from archdsl.diagnostics.faults import SpecError
from archdsl.expr.fold import substitute
from archdsl.expr.in_a_call import InACall
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, Name, wrap
from archdsl.expr.simplify import equalities, same
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.lowering.vocabulary import INPUT
from archdsl.ops.base import NEEDS_NUMBERS, OpFault, Shape
from archdsl.syntax.identifiers import MEASURES, TURN_NAMES

Axes: TypeAlias = "tuple[Expr, ...]"
SIZES = ("h", "w")  # of a map; with `_in`, or the name of a further tensor, what stands for a number


@dataclass(frozen=True, eq=False)
class Symbol:
    """A tensor: its numbers, and what each is made of."""

    shape: Shape
    axes: Axes


@dataclass(eq=False, slots=True)
class SymbolFrame(Frame):
    """A frame that knows what its names are made of."""

    exprs: dict[str, Expr] = field(default_factory=dict)

    def keep(self, names: Iterable[str]) -> Kept:
        names = list(names)
        return [(*kept, self.exprs.get(kept[0])) for kept in Frame.keep(self, names)]

    def restore(self, kept: Kept) -> None:
        Frame.restore(self, [(name, value) for name, value, _ in kept])
        for name, _, expr in kept:
            self.bind(name, expr)

    def bind(self, name: str, expr: Expr | None) -> None:
        """What a name is made of; None: of nothing but its number."""
        if expr is None:
            self.exprs.pop(name, None)
        else:
            self.exprs[name] = expr

    def arguments(self) -> Any:
        return dict(self.values), dict(self.exprs)

    def take(self, arguments: Any) -> None:
        values, exprs = arguments
        self.values.update(values)
        self.exprs.update(exprs)

    def over(self, expr: Expr) -> Expr:
        """An expression of this function over the names of the block that is drawn."""
        known = {name: wrap(self.values[name]) for name in expr.mentioned if name in self.values}
        return substitute(expr, {**known, **self.exprs})


@dataclass(frozen=True)
class Symbols:
    """The shapes of one call: of its tensors by name, of what its ops give by their ids, and names for numbers."""

    entering: Mapping[str, Axes]
    made: Mapping[int, Sequence[Axes]]
    fields: Mapping[int, Mapping[str, Expr]]  # of ops by their ids: numbers that are no sizes of windows
    names: Mapping[str, Expr]  # params and lets of the block, and what they are made of
    call: InACall

    def alike(self, expr: Expr) -> Iterator[Expr]:
        """An expression, and the params and lets that are provably the same."""
        yield expr
        if not isinstance(expr, (Lit, Name)):
            yield from (Name(name) for name, known in self.names.items() if same(known, expr, self.call.exact))


def symbols(graph: Graph, call: Scope) -> Symbols | None:
    """The shapes in a call of a block; None where the graph does not tell which call it is, or was edited."""
    function, given = called(graph, call)
    if function is None:
        return None
    values = {name: value for name, value in graph.params.items() if name in function.implicit}
    values |= {name: call.arguments[name] for name in function.params if name in given}
    entering = entering_axes(graph, call)
    domain = Domain(numbers_of(values, entering, call.tensors))
    frame = domain.frame(function, "")
    frame.values.update(values)
    frame.exprs.update((name, Name(name)) for name, value in values.items() if is_number(value))
    known = {name: Symbol(tensor.shape, entering[name]) for name, tensor in call.tensors.items()}
    first, further = entered(function, known)
    try:
        Interpreter(domain).body(frame, None, first, further)
    except (SpecError, ArithmeticError, LookupError, TypeError):
        return None
    return domain.found(entering, frame, list(call.nodes()))


def called(graph: Graph, call: Scope) -> tuple[ir.Function | None, Mapping[str, Expr]]:
    """The function of a call, and what is given to it."""
    if graph.origin is None:
        return None, {}
    _, *scopes = graph.root.scopes()
    opened = dict(zip(scopes, graph.origin.opened, strict=True))
    for function in graph.origin.program.functions:
        for node in function.walk():
            if node.id == opened.get(call):
                module = node.module if isinstance(node, ir.Reuse) else node
                return (module.block, module.args) if isinstance(module, ir.Call) else (None, {})
    return None, {}


def is_number(value: Constant) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# --- what enters
def entered(function: ir.Function, known: Mapping[str, Symbol]) -> tuple[list[Symbol], dict[str, Any]]:
    """What enters a function first, and by name what further, lists of tensors as lists."""
    found: dict[str, Any] = {}
    for name, var in function.inputs.items():
        if var.many:
            found[name] = [symbol for own, symbol in known.items() if own.removeprefix(name).isdigit()]
        elif name in known:
            found[name] = known[name]
    first = found.pop(INPUT)
    return first if isinstance(first, list) else [first], found


def entering_axes(graph: Graph, call: Scope) -> dict[str, Axes]:
    """`c × h × w` of the tensor that enters; a further one has its own letters where any call has other numbers."""
    calls = [scope for scope in graph.root.scopes() if scope.kind == "block" and scope.name == call.name]
    lead = next(iter(call.tensors))
    first = axes_named(len(call.tensors[lead].shape), "in")
    found: dict[str, Axes] = {}
    for name, tensor in call.tensors.items():
        own = first if name == lead else axes_named(len(tensor.shape), name)
        shapes = [(c.tensors[lead].shape, c.tensors[name].shape) for c in calls if name in c.tensors]
        found[name] = tuple(entering_axis(n, axis, first, shapes) for n, axis in enumerate(own))
    return found


def entering_axis(n: int, own: Expr, first: Axes, shapes: Sequence[tuple[Shape, Shape]]) -> Expr:
    """An axis of a tensor, of those shapes beside the first one's in all calls: 1, the first one's, or its own."""
    if all(len(other) > n and other[n] == 1 for _, other in shapes):
        return Lit(1)
    return first[n] if all(len(one) == len(other) and one[n] == other[n] for one, other in shapes) else own


def axes_named(rank: int, name: str) -> Axes:
    """Of a tensor with so many axes, the last two of which have names in specs."""
    further = ["d"] if rank == 4 else [f"d{n}" for n in range(1, rank - 2)]  # of a video, and of what has more axes
    letters = ["c", *further, *SIZES[max(0, 3 - rank) :]]
    return tuple(Name(f"{letter}_{name}") for letter in letters[:rank])


def numbers_of(
    values: Mapping[str, Constant], entering: Mapping[str, Axes], tensors: Mapping[str, Tensor]
) -> dict[str, Constant]:
    """What all names come to over which shapes are written."""
    found = dict(values)
    for name, axes in entering.items():
        for axis, number in zip(axes, tensors[name].shape, strict=True):
            found |= dict.fromkeys(axis.mentioned, number)
    return found


# --- the run
class Domain(Numbers[Symbol, SymbolFrame]):
    """Computes every number together with what it is made of."""

    def __init__(self, values: Mapping[str, Constant]) -> None:
        super().__init__()
        self.call_values = InACall(values)
        self.made: list[Sequence[Symbol]] = []
        self.spelt: list[Mapping[str, Expr]] = []
        self.first_fields: dict[str, dict[str, Any]] = {}  # of modules, by path: another run has no other fields
        self.equal: dict[str, Expr] = {}  # names that are another in this call

    def frame(self, function: ir.Function, path: str) -> SymbolFrame:
        return SymbolFrame(function, path)

    # --- names
    def let(self, owner: ir.Numbered, name: str, expr: Expr, frame: SymbolFrame) -> None:
        over = self.told(expr, frame)
        super().let(owner, name, expr, frame)
        frame.bind(name, over)

    def argument(self, node: ir.Call, name: str, expr: Expr, frame: SymbolFrame, inner: SymbolFrame) -> None:
        super().argument(node, name, expr, frame, inner)
        inner.bind(name, self.told(expr, frame))

    def told(self, expr: Expr, frame: SymbolFrame) -> Expr | None:
        """What a number is made of, decided as it is in this call."""
        if not is_number(self.compute(expr, frame.values)):
            return None
        return self.call_values.settled(frame.over(expr))

    def state(self, owner: ir.Numbered, name: str, value: Constant, frame: SymbolFrame) -> None:
        super().state(owner, name, value, frame)
        frame.bind(name, None)

    def enter(self, frame: SymbolFrame, tensor: Symbol, block: ir.Function | None = None) -> None:
        super().enter(frame, tensor, block)
        rank, axes = len(tensor.shape), tensor.axes
        known = (axes[0], axes[-2] if rank > 2 else None, axes[-1] if rank > 1 else None)
        for name, axis in zip(MEASURES, known, strict=True):
            frame.bind(name, axis)

    def measure(self, owner: ir.Numbered | None, name: str, value: Symbol | list[Symbol], frame: SymbolFrame) -> None:
        super().measure(owner, name, value, frame)
        frame.bind(name, None if isinstance(value, list) else value.axes[0])

    def bind_row(self, node: ir.Loop, row: Row, index: int, count: int, frame: SymbolFrame) -> None:
        cells = {name: cell_of(node.rows, index, place) for place, name in enumerate(node.columns)}
        over = {name: frame.over(cell) for name, cell in cells.items()}
        super().bind_row(node, row, index, count, frame)
        for name in TURN_NAMES:
            frame.bind(name, None)
        for name, value in row.items():
            frame.bind(name, over.get(name) if is_number(value) and self.is_worth(over.get(name), value) else None)

    def is_worth(self, expr: Expr | None, value: Constant) -> bool:
        """Whether an expression comes to this: a cell that the spec does not write out stands for the whole table."""
        return expr is not None and not isinstance(expr, ListOf) and bool(self.call_values.value(expr) == value)

    # --- conditions
    def truth(self, node: ir.If, frame: SymbolFrame) -> bool:
        found = super().truth(node, frame)
        for one, other in equalities(node.condition, found):
            self.unite(frame.over(one), frame.over(other))
        return found

    def unite(self, one: Expr, other: Expr) -> None:
        """Two names of the same number: what enters goes before a param."""
        if not (isinstance(one, Name) and isinstance(other, Name)) or one == other:
            return
        if one.id.startswith("c_"):
            one, other = other, one
        if one.id not in self.equal and one != self.equal.get(other.id):
            self.equal[one.id] = other

    # --- ops
    def refused(
        self, node: ir.Primitive, problem: OpFault, fields: SimpleNamespace, inputs: Sequence[Symbol]
    ) -> Sequence[Shape]:
        raise problem

    def primitive(
        self,
        node: ir.Primitive,
        fields: SimpleNamespace,
        tensors: Sequence[Symbol],
        further: Sequence[Symbol],
        path: str,
        frame: SymbolFrame,
    ) -> Sequence[Symbol]:
        inputs, whole = (*tensors, *further), frame.whole_path(path)
        for name, tensor in zip(node.tensors, further, strict=True):
            setattr(fields, name, tensor.shape)
        shapes = self.shapes(node, fields, inputs)
        unwritten = {item.name for item in node.op.fields if item.kind in ("formula", "tensor")}
        if not self.reusing or whole not in self.first_fields:
            self.first_fields[whole] = {
                name: self.over(frame.over(expr), getattr(fields, name))
                for name, expr in node.fields.items()
                if name not in unwritten
            }
        over = SimpleNamespace(**{**vars(fields), **self.first_fields[whole]})
        for name, tensor in zip(node.tensors, further, strict=True):
            setattr(over, name, tensor.axes)
        made = [Symbol(shape, self.axes(node, (over, fields), inputs, shape, n)) for n, shape in enumerate(shapes)]
        if node.op.spreads and node.op.many and all(tensor.shape == shapes[0] for tensor in tensors):
            for tensor in tensors[1:]:
                self.unite(tensor.axes[0], tensors[0].axes[0])
        self.made.append(made)
        windows, known = node.op.sized_by or (), self.first_fields[whole]
        self.spelt.append({n: expr for n, expr in known.items() if isinstance(expr, Expr) and n not in windows})
        return made

    def over(self, expr: Expr, value: Constant) -> Any:
        """A field as an op's rule takes it: numbers by what they are made of."""
        if is_number(value):
            return plain(self.call_values.settled(expr))
        if isinstance(expr, ListOf) and isinstance(value, list) and len(value) == len(expr.items):
            return [self.over(*item) for item in zip(expr.items, value, strict=True)]
        return value

    def axes(
        self,
        node: ir.Primitive,
        fields: tuple[SimpleNamespace, SimpleNamespace],
        inputs: Sequence[Symbol],
        shape: Shape,
        index: int,
    ) -> Axes:
        """What each axis of a result is made of: channels of the fields as written, sizes of strides as numbers.

        Where fields are sizes of axes that a call names, all axes are of the fields as written.
        """
        over, numbers = (given(node, chosen, inputs, index) for chosen in fields)
        as_written = node.op.further is not None
        found: list[Expr] = []
        for n, number in enumerate(shape):
            ways = [way[n] for way in ((over, numbers) if n == 0 or as_written else (numbers, over)) if n < len(way)]
            known = [expr for expr in map(self.checked, ways, [number] * len(ways)) if expr is not None]
            if n > 0 and not known:  # the rule needs numbers
                step = self.checked(strided(node, fields[1], inputs[0], n), number)
                known = [step] if step is not None else []
            found.append(max(known, key=lambda expr: bool(expr.mentioned), default=Lit(number)))
        return tuple(found)

    def checked(self, axis: Any, number: int) -> Expr | None:
        """An axis that comes to its number."""
        try:
            found = self.call_values.settled(wrap(axis))
            return found if self.call_values.value(found) == number else None
        except (SpecError, ArithmeticError, LookupError, TypeError, ValueError):
            return None

    # --- what was found
    def found(self, entering: Mapping[str, Axes], frame: SymbolFrame, nodes: Sequence[Any]) -> Symbols | None:
        """The shapes by the ids of the ops that ran, if they are those of the graph."""
        shapes = [[tensor.shape for tensor in made] for made in self.made]
        if shapes != [[tensor.shape for tensor in node.outputs] for node in nodes]:
            return None
        made = {
            node.id: [self.united(tensor.axes) for tensor in found]
            for node, found in zip(nodes, self.made, strict=True)
        }
        fields = {
            node.id: {name: self.united_expr(expr) for name, expr in known.items()}
            for node, known in zip(nodes, self.spelt, strict=True)
        }
        names = {
            name: substitute(expr, self.equal)
            for name, expr in frame.exprs.items()
            if name in {**frame.function.params, **frame.function.let} and is_number(frame.values[name])
        }
        ends = {name: self.united(axes) for name, axes in entering.items()}
        return Symbols(ends, made, fields, names, self.call_values)

    def united(self, axes: Axes) -> Axes:
        return tuple(map(self.united_expr, axes))

    def united_expr(self, expr: Expr) -> Expr:
        return self.call_values.settled(substitute(expr, self.equal))


def given(node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[Symbol], index: int) -> tuple[Any, ...]:
    """The shape that an op's rules give with expressions, as far as these do not need numbers."""
    shapes: list[Any] = [tensor.axes for tensor in inputs]
    try:
        if not node.out.many:
            return node.op.result(fields, *shapes)
    except NEEDS_NUMBERS:
        pass
    try:
        entering = [axes[0] for axes in shapes] if node.op.many else shapes[0][0]
        channels = node.op.channels(fields, entering, shapes[0][1:])
        own = channels[index] if isinstance(channels, (list, tuple)) else channels
        return (own, *node.op.size(fields, shapes[0][1:])) if node.out.many else (own,)
    except NEEDS_NUMBERS:
        return ()


def strided(node: ir.Primitive, fields: SimpleNamespace, entering: Symbol, axis: int) -> Any:
    """An axis of a map as the stride of an op leaves it, for rules that need numbers: they may round up."""
    _, strides = node.op.window(fields, len(entering.shape) - 1)
    return entering.axes[axis] // strides[axis - 1] if axis <= len(strides) and strides[axis - 1] else None


def plain(expr: Expr) -> Constant | Expr:
    """A literal as its value, which the rules of ops compare with."""
    return expr.value if isinstance(expr, Lit) else expr
