"""The domain of numbers that takes note: what the places of a program were, and the network's params behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from archdsl.analysis.annotations import type_name
from archdsl.analysis.channel_names import SIZES, channel_names
from archdsl.analysis.domain import Row
from archdsl.analysis.frames import ABSENT, Frame, Kept
from archdsl.analysis.numbers import Numbers, S, channels_of
from archdsl.analysis.tables import cell_of
from archdsl.diagnostics.faults import Note
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, Name, wrap
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ir.facts import Deps, Fact, Facts, Given, Origin, Place
from archdsl.ops import Field
from archdsl.ops.base import Shape
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import MEASURES, TURN_NAMES
from archdsl.syntax.reading.values import clip

IMAGE = "in_chans"  # behind what depends on the channels of the only input, as a param is
SIZE = "image_size"  # the height and width of the only input
ENTERS = "@size"  # of an op node: the spatial size of its first tensor; no argument of an op can be named so
SPREAD = "@spread"  # of an op node over tensors that may be spread over each other: whether one is
SPREAD_CHANNELS = "@spread channels"  # and whether one is along the channels
SHORTER = "@shorter"  # and which of them are, in calls where one is
MULTIPLE = "@multiple"  # of an op node: by how much it multiplies the channels that entered the block
MAX_NOTES = 3  # that tell where the names of an expression got their values
NONE: Deps = frozenset()


@dataclass(eq=False, slots=True)
class NotedFrame(Frame):
    """A frame that knows what is behind its names: the network's params, and the places that give them."""

    deps: dict[str, Deps] = field(default_factory=dict)
    given: dict[str, Span | None] = field(default_factory=dict)  # where names got their values; None: by the call
    rows: dict[ir.Loop, Deps] = field(default_factory=dict)  # the params behind the rows of loops
    turns: dict[ir.Loop, list[dict[str, Constant]]] = field(default_factory=dict)  # of loops at work for the first time

    def keep(self, names: Iterable[str]) -> Kept:
        return [(name, self.values.get(name, ABSENT), self.deps.get(name, NONE)) for name in names]

    def restore(self, kept: Kept) -> None:
        for name, value, deps in kept:
            if value is ABSENT:
                self.values.pop(name, None)
                self.deps.pop(name, None)
            else:
                self.values[name], self.deps[name] = value, deps

    def arguments(self) -> Any:
        return dict(self.values), dict(self.deps), dict(self.given)

    def take(self, arguments: Any) -> None:
        values, deps, given = arguments
        self.values.update(values)
        self.deps.update(deps)
        self.given.update(given)

    def behind(self, expr: Expr) -> Deps:
        """The network's params behind an expression."""
        found = NONE
        for name in expr.mentioned:
            found |= self.deps.get(name, NONE)
        return found

    def note_given(self, name: str, expr: Expr, caller: NotedFrame | None = None) -> None:
        """Takes note of where a name got its value: if it is another name's, where that one (of the caller) got it."""
        known = (caller or self).given
        if isinstance(expr, Name) and expr.id in known:
            self.given[name] = known[expr.id]
        elif expr.span is not None:
            self.given[name] = expr.span

    def origin_of(self, name: str) -> Note:
        value, span = clip(show(wrap(self.values.get(name)))), self.given[name]
        return Note(f"{name} is {value}, given {'here' if span is not None else 'by the call'}", span)


class Noting(Numbers[S, NotedFrame]):
    """Numbers, with facts about the places that they come to; the source back end prints by these."""

    def __init__(self, main: ir.Function, facts: Facts, entering: Given) -> None:
        super().__init__()
        self.main, self.facts, self.entering = main, facts, entering
        self.origins: dict[Any, Deps] = {}  # of the channels of a tensor
        self.sized: dict[Any, tuple[Deps, ...]] = {}  # of each other axis, where an op has made axes of numbers
        self.image: list[Constant] = []  # height and width of the only input

    def note(self, slot: Place, value: Constant, deps: Deps) -> None:
        """This place is this now, with these params behind it."""
        seen = self.facts.seen.get(slot)
        if seen is None:
            seen = self.facts.seen[slot] = Fact(value, deps=deps)
            known_kind(seen, value)
            return
        if seen.value is not value and (seen.value != value or type(seen.value) is not type(value)):
            seen.varies, seen.value = True, value
            known_kind(seen, value)
        if deps is not NONE and not deps <= seen.deps:
            seen.deps |= deps

    # --- names and values
    def frame(self, function: ir.Function, path: str) -> NotedFrame:
        return NotedFrame(function, path)

    def value(self, expr: Expr, owner: ir.Numbered, word: str, frame: NotedFrame) -> Constant:
        if isinstance(expr, Lit):  # a constant of the text
            return expr.value
        value = self.evaluated(expr, frame.values)
        self.note((owner.id, word), value, frame.behind(expr))
        return value

    def origins_of(self, expr: Expr, frame: NotedFrame) -> tuple[Note, ...]:
        found = [name for name in expr.mentioned if name in frame.given]
        return tuple(frame.origin_of(name) for name in found[:MAX_NOTES])

    def let(self, owner: ir.Numbered, name: str, expr: Expr, frame: NotedFrame) -> None:
        value, deps = self.evaluated(expr, frame.values), frame.behind(expr)
        self.note((owner.id, name), value, deps)
        frame.values[name], frame.deps[name] = value, deps
        frame.note_given(name, expr)

    def argument(self, node: ir.Call, name: str, expr: Expr, frame: NotedFrame, inner: NotedFrame) -> None:
        inner.values[name] = self.value(expr, node, name, frame)
        inner.deps[name] = frame.behind(expr)
        inner.note_given(name, expr, frame)

    def state(self, owner: ir.Numbered, name: str, value: Constant, frame: NotedFrame) -> None:
        frame.values[name] = value
        self.note((owner.id, name), value, NONE)

    def param(self, owner: ir.Numbered, name: str, frame: NotedFrame) -> None:
        self.note((owner.id, name), frame.values[name], frame.deps.get(name, NONE))

    def enter(self, frame: NotedFrame, tensor: S, block: ir.Function | None = None) -> None:
        super().enter(frame, tensor)
        frame.deps["c_in"] = self.origins.get(tensor, NONE)
        *_, frame.deps["h_in"], frame.deps["w_in"] = NONE, NONE, *self.sized.get(tensor, ())
        if block is not None:
            for name in MEASURES:
                self.param(block, name, frame)

    def measure(self, owner: ir.Numbered | None, name: str, value: S | list[S], frame: NotedFrame) -> None:
        super().measure(owner, name, value, frame)
        if owner is not None:
            frame.deps[name] = self.behind_channels(value)
            self.param(owner, name, frame)

    def behind_channels(self, value: S | list[S]) -> Deps:
        """The params behind the channels of a tensor, or of a list of them."""
        tensors = value if isinstance(value, list) else [value]
        return NONE.union(*(self.origins.get(tensor, NONE) for tensor in tensors))

    def begin(self, frame: NotedFrame, inputs: Mapping[str, S], shapes: Mapping[str, Expr]) -> None:
        """The network is about to run on these inputs, whose shapes the spec says so."""
        lone = next(iter(inputs.values())) if len(inputs) == 1 else None
        if lone is not None and IMAGE not in frame.values:
            self.origins[lone] = frozenset([IMAGE])
            self.note((self.main.id, IMAGE), lone.shape[0], self.origins[lone])
        if lone is not None:
            self.image = list(lone.shape[1:])
            self.note((self.main.id, size_word(frame.values)), self.image, NONE)
        for name, tensor in inputs.items():
            shape = shapes[name]
            if tensor not in self.origins and isinstance(shape, ListOf):
                self.origins[tensor] = frame.behind(shape.items[0])

    # --- tensors
    def define(self, var: ir.Value, value: S | list[S], frame: NotedFrame) -> None:
        if not isinstance(value, list):
            self.note((var.id, "c"), value.shape[0], self.origins.get(value, NONE))
            self.note((var.id, "size"), value.shape[1:], self.behind_size(value))
        elif value:
            self.note((var.id, "c"), channels_of(value), self.behind_channels(value))
            self.note((var.id, "size"), value[0].shape[1:], self.behind_size(value[0]))
            self.note((var.id, "count"), len(value), NONE)

    def tap(self, tap: ir.Tap, tensor: S, frame: NotedFrame) -> None:
        self.note((tap.id, "c"), tensor.shape[0], self.origins.get(tensor, NONE))
        self.facts.taps.setdefault(tap.container.id, set()).add(tap.keys)

    # --- primitives
    def field(self, node: ir.Primitive, item: Field, expr: Expr, frame: NotedFrame) -> Any:
        if item.kind == "formula":
            for name in expr.mentioned:
                if name in frame.values:
                    self.note((node.id, f"{item.name}.{name}"), frame.values[name], frame.deps.get(name, NONE))
        return super().field(node, item, expr, frame)

    def note_entry(self, node: ir.Primitive, tensor: S) -> None:
        """An op is about to work on this tensor."""
        rank = len(tensor.shape) - 1
        known = self.facts.ranks.setdefault(node.id, rank)
        if known != rank:
            self.facts.mixed.setdefault(node.id, {known}).add(rank)
        self.note((node.id, ENTERS), tensor.shape[1:], self.behind_size(tensor))

    def note_result(
        self,
        node: ir.Primitive,
        tensors: Sequence[S],
        further: Sequence[S],
        made: Sequence[S],
        frame: NotedFrame,
    ) -> None:
        """An op has given these tensors."""
        axis = node.fields.get("axis")
        along = axis.value if isinstance(axis, Lit) else None
        rule = channel_names(node.op, axis=along, flat=len(tensors[0].shape) == 1)
        if node.op.spreads:
            out = made[0].shape
            self.note((node.id, SPREAD), any(tensor.shape != out for tensor in tensors), NONE)
            shorter = [tensor.shape[0] != out[0] for tensor in tensors]
            self.note((node.id, SPREAD_CHANNELS), any(shorter), NONE)
            for place, spread in enumerate(shorter if any(shorter) else ()):
                self.note((node.id, f"{SHORTER} {place}"), spread, NONE)
        known = self.behind_parts(node, (*tensors, *further), frame)
        deps = self.behind_result(node, rule, tensors, frame) if known is None else known[0]
        if deps:
            self.origins.update((tensor, deps) for tensor in made)
        rank = len(made[0].shape) - 1
        sized = self.behind_axes(node, (*tensors, *further), rank, frame) if known is None else known[1:]
        if any(sized):
            self.sized.update((tensor, sized) for tensor in made)
        if rule is None:  # the source then needs a number, or a multiple of what enters
            self.note((node.id, MULTIPLE), multiple(made[0].shape[0], frame.values.get("c_in")), NONE)

    def behind_result(
        self, node: ir.Primitive, rule: frozenset[str] | None, tensors: Sequence[S], frame: NotedFrame
    ) -> Deps:
        """The params behind the channels that leave an op."""
        found = NONE
        if rule is None or "c" in rule:
            found = found.union(*(self.origins.get(tensor, NONE) for tensor in tensors))
        if rule is None or SIZES in rule:
            found = found.union(*map(self.behind_size, tensors))
        for item, expr in self.plans[node].rest:
            if item.kind != "formula" and (rule is None or item.name in rule):
                found |= frame.behind(expr)
        return found

    def behind_size(self, tensor: S) -> Deps:
        """The params behind the spatial axes of a tensor."""
        return NONE.union(*self.sized.get(tensor, ()))

    def behind_parts(self, node: ir.Primitive, tensors: Sequence[S], frame: NotedFrame) -> tuple[Deps, ...] | None:
        """The params behind each axis of what leaves, of an op that says what each is made of."""
        ranks = [len(tensor.shape) for tensor in tensors]
        comes = node.op.comes_of(SimpleNamespace(**node.fields), *ranks)
        if comes is None:
            return None
        known = [deps for tensor in tensors for deps in self.behind_each(tensor)]
        return tuple(
            NONE.union(*(known[n] for n in axes if n < len(known)), *map(frame.behind, numbers))
            for axes, numbers in comes
        )

    def behind_each(self, tensor: S) -> tuple[Deps, ...]:
        """The params behind each axis of a tensor, channels first."""
        others = len(tensor.shape) - 1
        return self.origins.get(tensor, NONE), *self.sized.get(tensor, (NONE,) * others)

    def behind_axes(self, node: ir.Primitive, tensors: Sequence[S], rank: int, frame: NotedFrame) -> tuple[Deps, ...]:
        """The params behind each spatial axis of what leaves an op, of so many."""
        op = node.op
        setting = op.sized_by if op.sized_by is not None else () if op.keeps_size else tuple(node.fields)
        set_here = NONE.union(*(frame.behind(node.fields[name]) for name in setting if name in node.fields))
        entering = [self.sized[tensor] for tensor in tensors if tensor in self.sized] if op.sizes_stay else []
        if not entering:
            return (set_here,) * rank
        return tuple(set_here.union(*(behind_axis(axes, n, rank) for axes in entering)) for n in range(rank))

    # --- calls and conditions
    def call(self, node: ir.Call, tensors: Sequence[S], frame: NotedFrame) -> None:
        shape = tensors[0].shape
        deps = self.behind_size(tensors[0])
        self.note((node.id, "size"), shape[1:], deps)
        entered = self.image if frame.function is self.main else self.size_entered(frame)
        self.note((node.id, "ratio"), ratio(shape, entered), deps)
        self.facts.ran.add(node.block.id)

    @staticmethod
    def size_entered(frame: NotedFrame) -> list[Constant]:
        """Height and width that entered a block; in a loop of a stage, `h_in` and `w_in` are those of the turn."""
        tensor = frame.tensors[next(iter(frame.function.inputs.values()))]
        shape = (tensor[0] if isinstance(tensor, list) else tensor).shape
        return [shape[-2] if len(shape) > 2 else None, shape[-1] if len(shape) > 1 else None]

    def truth(self, node: ir.If, frame: NotedFrame) -> bool:
        self.reached(node)
        if isinstance(node.condition, Lit):
            self.note((node.id, "condition"), node.condition.value, NONE)
        return super().truth(node, frame)

    def sides(self, node: ir.If, frame: NotedFrame) -> Sequence[ir.Region]:
        sides = super().sides(node, frame)
        self.facts.ran.update(side.id for side in sides)
        return sides

    def decided(self, node: ir.If, result: Any, frame: NotedFrame) -> None:
        seen = self.facts.seen.get((node.out.id, "c"))
        if seen is not None and seen.varies and result is not None and not isinstance(result, list):
            self.behind_also(result, frame.behind(node.condition))  # its channels depend on the condition too

    def behind_also(self, tensor: S, deps: Deps) -> None:
        self.origins[tensor] = self.origins.get(tensor, NONE) | deps

    def holds(self, auxiliary: ir.Auxiliary, frame: NotedFrame) -> bool:
        self.reached(auxiliary)
        if isinstance(auxiliary.condition, Lit):
            self.note((auxiliary.id, "condition"), auxiliary.condition.value, NONE)
        found = super().holds(auxiliary, frame)
        if found:
            self.facts.ran.add(auxiliary.region.id)
        return found

    def reached(self, node: ir.Numbered) -> None:
        self.facts.reached.setdefault(node.id, self.entering)

    # --- loops
    def rows(self, node: ir.Loop, frame: NotedFrame) -> list[Row]:
        self.reached(node)
        rows = super().rows(node, frame)
        frame.rows[node] = NONE if node.rows is None else frame.behind(node.rows)
        return rows

    def begin_table(self, node: ir.Loop, rows: Sequence[Row], frame: NotedFrame) -> None:
        super().begin_table(node, rows, frame)
        self.note((node.id, "turns"), frame.values["turns"], NONE)

    def bind_row(self, node: ir.Loop, row: Row, index: int, count: int, frame: NotedFrame) -> None:
        super().bind_row(node, row, index, count, frame)
        for position, name in enumerate(row):
            entered = bool(node.entries) and name == node.entered
            frame.deps[name] = self.origins.get(frame.tensors[node.carry], NONE) if entered else frame.rows[node]
            frame.note_given(name, cell_of(node.rows, index, position))
            self.param(node, name, frame)
        for name in TURN_NAMES:
            frame.deps[name] = NONE
            self.param(node, name, frame)

    def bound_row(self, node: ir.Loop, index: int, frame: NotedFrame) -> None:
        if node.id not in self.facts.rows:
            known = {name: frame.values[name] for name in (*node.columns, *node.let)}
            frame.turns.setdefault(node, []).append(known)

    def left(
        self, node: ir.Loop, rows: Sequence[Row], entry: S, current: S, results: Sequence[Any], frame: NotedFrame
    ) -> Any:
        self.facts.rows.setdefault(node.id, frame.turns.pop(node, []))
        self.facts.turns.setdefault(node.id, set()).add(len(rows))
        if len(rows) > 1:
            self.facts.ran.add(node.body.id)
        single = current is not None and not isinstance(current, list) and not isinstance(entry, list)
        if single and current.shape[0] != entry.shape[0]:
            expr = node.count if node.count is not None else node.rows
            behind = frame.behind(expr) if expr is not None and not isinstance(expr, ListOf) else NONE
            self.behind_also(current, behind)
        return super().left(node, rows, entry, current, results, frame)


def behind_axis(axes: Sequence[Deps], n: int, rank: int) -> Deps:
    """The params behind the n-th of so many spatial axes; behind any axis of a tensor that has another number."""
    return axes[n] if len(axes) == rank else NONE.union(*axes)


def size_word(params: Iterable[str]) -> str:
    """What a network calls the height and width of its only input, beside its own params."""
    return unique(SIZE, params)


def is_image(origin: Origin) -> bool:
    """Whether the argument IMAGE is the channels of the only input: a param of that name may be anything else."""
    if IMAGE not in origin.function.params:
        return True
    shapes = [shape for shape in origin.spec.inputs.values() if isinstance(shape, ListOf)]
    return len(shapes) == 1 and shapes[0].items[:1] == (Name(IMAGE),)


def ratio(shape: Shape, entered: Sequence[Constant]) -> Constant:
    """Height and width of a map as multiples (or parts) of those that entered the block; None if they are none."""
    found: list[Constant] = []
    for own, size in zip(entered, shape[-2:] if len(shape) == 3 else (), strict=False):
        if not isinstance(own, int) or (own % size and size % own):
            return None
        found.append([size // own, 1] if size % own == 0 else [1, own // size])
    return found or None


def multiple(channels: int, entering: Constant) -> Constant:
    """By how much the channels that entered the block are to be multiplied and divided; None if that is not whole."""
    if not isinstance(entering, int) or (channels % entering and entering % channels):
        return None
    return [channels // entering, 1] if channels % entering == 0 else [1, entering // channels]


def known_kind(seen: Fact, value: Constant) -> None:
    """Adds what a value is to what those of its place were."""
    seen.kinds.add(type_name(value))
    if isinstance(value, str):
        seen.words[value] = None
