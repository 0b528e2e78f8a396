"""The walk over a program: regions, calls, conditions, loops, with their names and places; a domain says the rest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, Generic, NamedTuple

from archdsl.analysis import refusals
from archdsl.analysis.domain import Domain, F, Row, T
from archdsl.analysis.frames import Position, Ran, joined
from archdsl.analysis.limits import MAX_CALLS, MAX_DEPTH, MAX_TURNS
from archdsl.diagnostics.faults import Collector, SpecError, fault, placed
from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import INPUT, LONE_OUTPUT
from archdsl.ops import REGISTRY
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES
from archdsl.syntax.spec import Spec


class Known(NamedTuple):
    """A call that was computed: what it used, and what the domain gathered in it."""

    calls: int
    turns: int
    items: int  # of lists
    height: int  # of the calls in it
    record: Any


class Interpreter(Generic[T, F]):
    """Runs a program in a domain; a call that the domain knows to be like an earlier one is not run again."""

    def __init__(self, domain: Domain[T, F], known: dict[Hashable, Known] | None = None) -> None:
        self.domain, self.trail = domain, domain.trail
        self.faults = Collector()
        self.known = known if known is not None else {}  # calls by what the domain tells them apart by
        self.calls_made = self.turns_made = self.deepest = 0
        self.runners: dict[type[ir.Operation], Callable[[Any, F, Position], None]] = {
            ir.Primitive: self.primitive,
            ir.Call: self.call,
            ir.Reuse: self.reuse,
            ir.If: self.condition,
            ir.Loop: self.loop,
            ir.Container: self.container,
            ir.Stage: self.steps,
            ir.Pack: self.pack,
        }

    # --- the network
    def network(self, spec: Spec, frame: F, inputs: Mapping[str, T]) -> tuple[dict[str, T], dict[str, T]]:
        """What leaves a network, and what leaves it in training alone."""
        function, entry = frame.function, next(iter(inputs.values()))
        self.trail.here = spec.span
        for var, tensor in zip(function.inputs.values(), inputs.values(), strict=True):
            self.set(var, tensor, frame)
        for name, tensor in inputs.items():
            if f"c_{name}" not in frame.values:
                self.domain.measure(None, f"c_{name}", tensor, frame)
        for name in function.params:
            self.domain.param(function, name, frame)
        self.domain.enter(frame, entry)
        result = None
        with self.faults.catch():
            result = self.region(function.region, frame, Position(""))
        if result is None or self.faults.found:
            self.faults.finish()
        training = self.auxiliaries(frame)
        return self.outputs(spec, frame, result), training

    def auxiliaries(self, frame: F) -> dict[str, T]:
        """The stages of training alone, after all others."""
        found: dict[str, T] = {}
        for name, auxiliary in frame.function.training.items():
            self.measure(auxiliary.condition, auxiliary.region.nodes[:1], frame)
            if self.domain.holds(auxiliary, frame):
                with self.faults.catch():
                    found[name] = self.region(auxiliary.region, frame, Position(""))
        self.faults.finish()
        return found

    def outputs(self, spec: Spec, frame: F, result: Any) -> dict[str, T]:
        if not frame.function.outputs:
            return {LONE_OUTPUT: result}
        found: dict[str, T] = {}
        for name, operand in frame.function.outputs.items():
            self.trail.here = spec.outputs[name].span
            found[name] = self.operand(operand, frame)
        return found

    # --- regions
    def region(self, region: ir.Region, frame: F, position: Position) -> Any:
        """What a region gives."""
        for node in region.nodes:
            if node.stage is not None:
                self.stage(node, frame, position)
            else:
                self.operation(node, frame, position)
        return self.operand(region.result, frame) if region.result is not None else None

    def stage(self, node: ir.Operation, frame: F, position: Position) -> None:
        """A stage: `c_in` is what enters it; its steps make one scope."""
        operands = node.operands()
        entry = self.operand(operands[0], frame) if operands else None
        if entry is not None and not isinstance(entry, list):
            self.domain.enter(frame, entry)
        if isinstance(node, ir.If):
            self.measure(node.condition, [node], frame)
        name = str(node.stage)
        scope = self.domain.open("stage", name, name, node, entry, frame)
        self.operation(node, frame, position)
        self.domain.close(scope, frame.tensors.get(node.out))

    def measure(self, condition: Expr, stage: Sequence[ir.Operation], frame: F) -> None:
        """The `c_in`, `h_in` and `w_in` of a stage's own condition are those of what enters it."""
        entry = ir.entering(stage[0]) if stage else None
        if entry is None or not {*MEASURES}.intersection(condition.mentioned):
            return
        tensor = self.operand(entry, frame)
        if not isinstance(tensor, list):
            self.domain.enter(frame, tensor)

    def operation(self, node: ir.Operation, frame: F, position: Position) -> None:
        self.trail.here = node.span
        try:
            self.runners[type(node)](node, frame, position)
        except SpecError as error:
            if (found := placed(error, node.span)) is error:
                raise
            raise self.placed(found) from error.__cause__

    # --- tensors and names
    def set(self, var: ir.Value, value: Any, frame: F) -> None:
        """Binds a value of the function; None: a branch that is not there."""
        frame.tensors[var] = value
        if value is not None:
            self.domain.define(var, value, frame)

    def operand(self, operand: ir.Operand, frame: F) -> Any:
        """The tensor that is read, or the list of them."""
        if isinstance(operand, ir.Value):
            if operand not in frame.tensors:
                raise self.placed(refusals.left_out(operand.name, self.trail.here))
            return frame.tensors[operand]
        if isinstance(operand, ir.Item):
            items, position = frame.tensors[operand.var], self.domain.position(operand, frame)
            if type(position) is not int or not -len(items) <= position < len(items):
                raise self.placed(refusals.no_part(operand, position, len(items)))
            return items[position]
        return self.tapped(operand, frame)

    def tapped(self, tap: ir.Tap, frame: F) -> T:
        """The tensor that a module inside a chain gives."""
        if tap.container not in frame.containers:
            raise self.placed(refusals.left_out(tap.keys[-1], tap.span))
        path = joined(frame.containers[tap.container], ".".join(tap.keys))
        if path in frame.by_path:
            tensor: T = frame.by_path[path]
            self.domain.tap(tap, tensor, frame)
            return tensor
        for below, block in frame.blocks.items():  # what stands in a block is not seen from outside of it
            within = path.removeprefix(f"{below}.")
            if within != path and block.has(within):
                raise self.placed(refusals.out_of_sight(tap, within, block.function))
        raise self.placed(refusals.no_step(tap, path, frame.by_path))

    def operands(self, operands: Iterable[ir.Operand], frame: F) -> list[T]:
        """Tensors of a join: lists spread, absent branches left out."""
        found: list[T] = []
        for operand in operands:
            value = self.operand(operand, frame)
            if isinstance(value, list):
                found += value
            elif value is not None:
                found.append(value)
        return found

    def lets(self, owner: ir.Numbered, let: Mapping[str, Expr], frame: F) -> None:
        try:
            for name, expr in let.items():
                self.domain.let(owner, name, expr, frame)
        except SpecError as error:
            raise self.placed(error) from None

    def placed(self, error: SpecError) -> SpecError:
        return self.trail.placed(error)

    @contextmanager
    def bound(self, frame: F, *names: Iterable[str]) -> Iterator[None]:
        """Names bound inside are as before afterwards."""
        kept = frame.keep(name for group in names for name in group)
        try:
            yield
        finally:
            frame.restore(kept)

    # --- primitives
    def primitive(self, node: ir.Primitive, frame: F, position: Position) -> None:
        domain = self.domain
        tensors = self.operands(node.ins, frame)
        if not tensors:
            raise self.placed(
                refusals.no_branch(node) if node.op.many else refusals.no_tensor(f"a {node.op.name}", node)
            )
        further = [self.operand(operand, frame) for operand in node.tensors.values()] if node.tensors else []
        fields = domain.fields(node, frame)
        unkeyed = node.functional and node.key is None
        path = frame.op_path(position.path, node.op.name) if unkeyed else position.child(node.key, node.span)
        kept, mark = (copy(fields), domain.mark()) if node.reused else (None, None)
        made = domain.primitive(node, fields, tensors, further, path, frame)
        if node.reused:
            frame.reusable[node] = Ran(path, kept, [*tensors, *further], domain.modules(mark))
        self.named_parts(node, len(made), "parts")
        self.set(node.out, list(made) if node.out.many else made[0], frame)
        if node.key is not None or position.count is not None:
            frame.by_path[path] = made[0]

    def named_parts(self, node: ir.Operation, count: int, what: str) -> None:
        """Raises if a list has other names than it has tensors."""
        if node.out.parts and len(node.out.parts) != count:
            raise self.placed(refusals.misnamed_parts(node, count, what))

    # --- calls
    def call(self, node: ir.Call, frame: F, position: Position) -> None:
        domain, block = self.domain, node.block
        tensors = self.operands(node.ins, frame)
        if not tensors:
            raise self.placed(refusals.no_tensor(f"the block {block.name}", node))
        further = {name: self.operand(operand, frame) for name, operand in node.tensors.items()}
        path = position.child(node.key, node.span)
        inner = frame.blocks[path] = domain.frame(block, frame.whole_path(path))
        domain.call(node, tensors, frame)
        try:
            for name, expr in node.args.items():
                domain.argument(node, name, expr, frame, inner)
        except SpecError as error:
            raise self.placed(error) from None
        kept, mark = (inner.arguments(), domain.mark()) if node.reused else (None, None)
        self.entered(node, inner, path, tensors, further, frame)
        if node.reused:
            frame.reusable[node] = Ran(path, kept, [*tensors, *further.values()], domain.modules(mark))
        frame.by_path[path] = frame.tensors[node.out]

    def entered(
        self,
        node: ir.Call | ir.Reuse,
        inner: F,
        path: str,
        tensors: Sequence[T],
        further: Mapping[str, Any],
        frame: F,
    ) -> None:
        """Runs the block of a call whose arguments are bound; it counts as a call and as a part of the network."""
        domain, block = self.domain, inner.function
        self.spend(node, calls=1)
        self.trail.calls.append((block, node.span))
        try:
            scope = domain.open("block", block.name, path, node, tensors[0], frame)
            result = self.called(node, inner, scope, tensors, further)
            domain.close(scope, result)
        finally:
            self.trail.calls.pop()
        if node.out.many:
            self.named_parts(node, len(result), "results")
        self.set(node.out, result, frame)

    def called(self, node: ir.Operation, inner: F, scope: Any, tensors: Sequence[T], further: Mapping[str, Any]) -> Any:
        """The result of a call, computed once for all that are alike."""
        key, depth = self.domain.key(inner, tensors, further), len(self.trail.calls)
        if key is None:
            self.deeper(node, depth)
            return self.body(inner, scope, tensors, further)
        known = self.known.get(key)
        if known is not None:
            self.deeper(node, depth + known.height)
            self.spend(node, known.calls, known.turns)
            self.domain.listed(known.items)
            return self.domain.repeat(known.record, scope, tensors, further)
        calls, turns, items, deepest = self.calls_made, self.turns_made, self.domain.items, self.deepest
        mark, self.deepest = self.domain.mark(), 0
        self.deeper(node, depth)
        result = self.body(inner, scope, tensors, further)
        record = self.domain.record(mark, scope, tensors, further, result)
        self.known[key] = Known(
            calls=self.calls_made - calls,
            turns=self.turns_made - turns,
            items=self.domain.items - items,
            height=self.deepest - depth,
            record=record,
        )
        self.deepest = max(deepest, self.deepest)
        return result

    def body(self, inner: F, scope: Any, tensors: Sequence[T], further: Mapping[str, Any]) -> Any:
        """Runs a function whose arguments are bound."""
        domain, block = self.domain, inner.function
        self.bind_inputs(inner, tensors, further)
        self.bind_params(inner)
        domain.arguments(scope, inner)
        self.lets(block, block.let, inner)
        for expr in block.require:
            domain.require(block, expr, inner)
        return self.region(block.region, inner, Position(""))

    def bind_inputs(self, frame: F, tensors: Sequence[T], further: Mapping[str, T | list[T]]) -> None:
        domain, block = self.domain, frame.function
        domain.enter(frame, tensors[0], block)
        for name, var in block.inputs.items():
            entering = list(tensors) if var.many else tensors[0]
            tensor = entering if name == INPUT else further.get(name)
            frame.tensors[var] = tensor
            if name in block.optional:
                domain.state(block, name, tensor is not None, frame)
            if tensor is not None:
                self.set(var, tensor, frame)
                domain.measure(block, f"c_{name}", tensor, frame)

    def bind_params(self, frame: F) -> None:
        """Arguments not given take their defaults, which may read earlier ones."""
        block = frame.function
        for name, param in {**block.implicit, **block.params}.items():
            if name in frame.values:
                self.domain.param(block, name, frame)
                continue
            if param.default is None:
                raise self.placed(fault("missing-param", f"the param '{name}' has no value here", param.span))
            self.lets(block, {name: param.default}, frame)

    # --- modules that run again
    def reuse(self, node: ir.Reuse, frame: F, position: Position) -> None:
        """The module of an earlier operation, as it was made there, on other tensors."""
        domain, module = self.domain, node.module
        first = frame.reusable[module]
        tensors = self.operands(node.ins, frame)
        further = {name: self.operand(operand, frame) for name, operand in node.tensors.items()}
        entering = [*tensors, *further.values()]
        if not domain.fits(first.entered, entering):
            raise self.placed(refusals.other_tensors(node, first.entered, entering))
        mark = domain.mark()
        domain.reusing.append(node)
        try:
            if isinstance(module, ir.Primitive):
                made = domain.primitive(module, copy(first.given), tensors, [*further.values()], first.path, frame)
                self.set(node.out, made[0], frame)
            else:
                inner = domain.frame(module.block, frame.whole_path(first.path))
                inner.take(first.given)
                domain.call(module, tensors, frame)
                self.entered(node, inner, first.path, tensors, further, frame)
        finally:
            domain.reusing.pop()
        if domain.modules(mark) != first.made:
            raise self.placed(refusals.other_modules(node))

    def spend(self, node: ir.Operation, calls: int = 0, turns: int = 0) -> None:
        self.calls_made += calls
        self.turns_made += turns
        if self.calls_made > MAX_CALLS:
            raise self.placed(refusals.too_many(f"more than {MAX_CALLS} calls of blocks in all", node))
        if self.turns_made > MAX_TURNS:
            raise self.placed(refusals.too_many(f"more than {MAX_TURNS} repeats in all", node))

    def deeper(self, node: ir.Operation, depth: int) -> None:
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            raise self.placed(refusals.nested_too_deeply(node, self.trail.calls))

    # --- structure
    def condition(self, node: ir.If, frame: F, position: Position) -> None:
        results = [self.side(node, side, frame, position) for side in self.domain.sides(node, frame)]
        result = self.domain.either(node, results, frame)
        self.set(node.out, result, frame)
        self.domain.decided(node, result, frame)

    def side(self, node: ir.If, side: ir.Region, frame: F, position: Position) -> Any:
        """What a side of a condition gives; None: the branch that it is about is not there."""
        if side is node.other and node.branch:
            return None
        if side.result is None:
            raise self.placed(self.domain.bad_choice(node, frame))
        return self.region(side, frame, position)

    def container(self, node: ir.Container, frame: F, position: Position) -> None:
        path = position.child(node.key, node.span)
        frame.containers[node] = path
        entry = self.operand(node.entry, frame)
        self.set(node.carry, entry, frame)
        kept = frame.keep(node.let)
        try:
            self.lets(node, node.let, frame)
            if node.kind == "stage":
                result = self.region(node.body, frame, Position(path, 0))
            else:
                scope = self.domain.open("branch", str(node.key), path, node, entry, frame)
                result = self.region(node.body, frame, Position(path, 0))
                self.domain.close(scope, result)
        finally:
            frame.restore(kept)
        self.set(node.out, result, frame)
        frame.by_path[path] = result

    def steps(self, node: ir.Stage, frame: F, position: Position) -> None:
        """A stage that is no chain: its steps are the network's own."""
        frame.tensors[node.carry] = self.operand(node.entry, frame)
        with self.bound(frame, node.let):
            self.lets(node, node.let, frame)
            self.set(node.out, self.region(node.body, frame, position), frame)

    # --- loops
    def loop(self, node: ir.Loop, frame: F, position: Position) -> None:
        domain = self.domain
        rows = domain.rows(node, frame)
        inside = position if node.inline else Position(position.child(node.key, node.span), 0)
        frame.containers[node] = inside.path
        entries = [self.operand(operand, frame) for operand in node.entries]
        for row, tensor in zip(rows, entries, strict=False):
            domain.entered(node, row, tensor)
        entry = self.operand(node.entry, frame)
        outside, frame.tabled = frame.tabled, frame.tabled or node.table
        with self.bound(frame, *bound_by(node, frame)):
            if node.table:
                domain.begin_table(node, rows, frame)
            results = self.turns(node, rows, inside, entry, entries, frame)
        frame.tabled = outside
        current = entry if node.parallel or not results else results[-1]
        self.set(node.out, domain.left(node, rows, entry, current, results, frame), frame)
        if not node.inline and not node.parallel:
            frame.by_path[inside.path] = current

    def turns(
        self, node: ir.Loop, rows: Sequence[Row], inside: Position, entry: T, entries: Sequence[T], frame: F
    ) -> list[Any]:
        """What each turn gives."""
        results: list[Any] = []
        current: Any = entry
        counts = frame.tabled and not any(isinstance(inner, ir.Loop) for inner in node.body.nodes)
        for index, row in enumerate(rows):
            self.spend(node, turns=1)
            current = entries[index] if entries else current
            if frame.function.staged:
                self.domain.enter(frame, current[0] if isinstance(current, list) else current)
            self.set(node.carry, current, frame)
            self.domain.bind_row(node, row, index, len(rows), frame)
            self.lets(node, node.let, frame)
            self.domain.bound_row(node, index, frame)
            results.append(self.turn(node, row, inside, current, frame))
            if node.carry.items:
                self.named_parts(node, len(results[-1]), "tensors of a turn")
            if counts:
                self.domain.next_turn(frame)
            current = entry if node.parallel else results[-1]
        return results

    def turn(self, node: ir.Loop, row: Row, inside: Position, entry: Any, frame: F) -> Any:
        """One row or turn; a row of a table is a scope, and with `wrap` a container of its own."""
        domain, named = self.domain, node.table and "name" in row
        name = domain.row_name(node, row["name"]) if named else None
        kind = "row" if node.table else "branch" if node.wrap else "turn"
        if node.wrap:
            path = inside.child(name, node.span)
            scope = domain.open(kind, name or path.rsplit(".", 1)[-1], path, node, entry, frame)
            result = frame.by_path[path] = self.region(node.body, frame, Position(path, 0))
        else:
            key = name if name is not None else str(inside.count)
            scope = domain.open(kind, key, joined(inside.path, key), node, entry, frame)
            inside.row = name
            try:
                result = self.region(node.body, frame, inside)
            finally:
                inside.row = None
        domain.close(scope, result)
        return result

    # --- lists
    def pack(self, node: ir.Pack, frame: F, position: Position) -> None:
        tensors = self.operands(node.ins, frame)
        if node.running:
            tensors = self.running(node, tensors, frame, position)
        self.named_parts(node, len(tensors), "branches")
        self.set(node.out, tensors, frame)

    def running(self, node: ir.Pack, tensors: list[T], frame: F, position: Position) -> list[T]:
        """b1, b1 + b2, …, each sum an `add`."""
        sums, add = tensors[:1], REGISTRY["add"]
        for tensor in tensors[1:]:
            left, right = ir.Value("x"), ir.Value("x")
            frame.tensors[left], frame.tensors[right] = sums[-1], tensor
            step = ir.Primitive(op=add, fields={}, ins=(left, right), out=ir.Value("x"), span=node.span)
            step.id, step.out.id = node.id, node.out.id  # what is found out about the sums is the list's
            self.primitive(step, frame, position)
            sums.append(frame.tensors[step.out])
        return sums


def bound_by(node: ir.Loop, frame: F) -> tuple[Iterable[str], ...]:
    """The names that a loop binds anew in each turn."""
    staged = MEASURES if frame.function.staged else ()
    return (node.columns, TURN_NAMES, node.let, staged, TABLE_NAMES if node.table else ())
