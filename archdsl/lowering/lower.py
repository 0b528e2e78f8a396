"""Spec -> ir.Function: every step becomes a node, every name is resolved, every module has its key.

Nothing is computed here: conditions, loops and numbers stay symbolic. Faults that do not depend on
numbers (unknown names, surplus arguments, tensors out of scope) are found in all blocks, used or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.diagnostics.faults import Collector, Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Compare, Expr, Index, ListOf, Lit, Name, names, rebuild, wrap
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ops import REGISTRY, Op
from archdsl.ops.base import FORM
from archdsl.support.naming import camel, did_you_mean, nearest, op_elsewhere, snake, unique
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import ATTRIBUTES
from archdsl.syntax.reading.variants import LONE_INPUT

WORDS = frozenset(word for op in REGISTRY.values() for item in op.fields for word in item.choices)
TURN_NAMES = ("i", "first", "last")
TABLE_NAMES = (
    "turn",
    "turns",
)  # in a table of a stage: how many turns of its repeats came before, and how many there are
INPUT = "input"
LONE_OUTPUT = "output"  # the name of what leaves a network that states no outputs
MEASURES = ("c_in", "h_in", "w_in")
OUTER = {  # what a block that is outlined calls what it has under these names itself
    "c_in": "c_outer", "c_input": "c_outer", "h_in": "h_outer", "w_in": "w_outer", INPUT: "outer"
}  # fmt: skip
TENSOR_NAME = re.compile(r"t[0-9]+")  # what a formula's tensors are called once lowered
RENAME = "choose another name"


def lower(spec: s.Spec, form: str = "train") -> ir.Program:
    """The network of `spec` with the blocks that it calls, its layers in this form.

    Raises `SpecError` with every fault that needs no numbers.
    """
    faults = Collector()
    library = Library(spec, faults, form)
    function = None
    try:
        with faults.catch():
            function = library.network(spec)
        library.blocks(spec)
    except RecursionError:
        raise too_deep(spec.span) from None
    faults.finish()
    assert function is not None
    return ir.program(function)


def lower_blocks(spec: s.Spec) -> None:
    """The faults of a file of blocks alone."""
    faults = Collector()
    try:
        Library(spec, faults).blocks(spec)
    except RecursionError:
        raise too_deep(spec.span) from None
    faults.finish()


def too_deep(span: Span) -> SpecError:
    return fault(
        "too-deep", "blocks and lists are nested too deeply", span, help="call fewer blocks inside one another"
    )


@dataclass
class Library:
    """Lowers each block of each file once."""

    outermost: s.Spec
    faults: Collector
    form: str = "train"
    done: dict[tuple[int, str], ir.Function] = field(default_factory=dict)
    failed: set[tuple[int, str]] = field(default_factory=set)
    open: list[tuple[int, str]] = field(default_factory=list)

    def blocks(self, home: s.Spec) -> None:
        """Every block of a file, used or not."""
        for name in home.blocks:
            with self.faults.catch():
                self.block(home, name)

    def find(self, home: s.Spec, name: str, span: Span) -> ir.Function:
        """The block `name` as seen from the file `home`."""
        if (id(home), name) in self.done:  # the body of a loop too, which no file holds
            return self.done[id(home), name]
        if name in home.blocks:
            return self.block(home, name)
        for used in reversed(home.uses):
            if name in used.blocks:
                return self.block(used, name)
            if name == used.name and used.stages:
                return self.network(used)
        known = [*home.blocks, *(n for used in home.uses for n in [*used.blocks, used.name])]
        hint = did_you_mean(name, known) or op_elsewhere(name) or did_you_mean(snake(name), REGISTRY)
        blocks = {n: block.span for spec in (*home.uses, home) for n, block in spec.blocks.items()}
        raise fault(
            "unknown-block",
            f"'{name}' is not a block",
            span,
            notes=declared(name, known, blocks),
            help=hint or "write it under blocks:, or name its file in use:",
        )

    def block(self, home: s.Spec, name: str) -> ir.Function:
        block, key = home.blocks[name], (id(home), name)
        if key in self.failed:
            raise Skip
        if key in self.open:
            ring = " -> ".join([*(n for _, n in self.open[self.open.index(key) :]), name])
            raise fault("recursive-block", f"the block '{name}' contains itself ({ring})", block.span)
        if key not in self.done:
            self.open.append(key)
            try:
                self.done[key] = BlockLowerer(self, home, block).lower()
            except Exception:
                self.failed.add(key)
                raise
            finally:
                self.open.pop()
        return self.done[key]

    def network(self, home: s.Spec) -> ir.Function:
        key = (id(home), "")
        if key not in self.done:
            self.done[key] = NetworkLowerer(self, home).lower()
        return self.done[key]

    def defaults(self, home: s.Spec, target: str) -> Mapping[str, tuple[Expr, s.Spec]]:
        """What `defaults:` give an op or block, and where: those of the file, under those of the outermost spec."""
        found: dict[str, tuple[Expr, s.Spec]] = {}
        for spec in (home, self.outermost):
            if target in spec.defaults:
                found.update({name: (value, spec) for name, value in spec.defaults[target].values.items()})
        return found


class Skip(SpecError):
    """A fault already reported elsewhere makes this piece meaningless; it carries none of its own."""


@dataclass
class Scope:
    """What may be named at a place: numbers and tensors."""

    numbers: dict[str, Span | None]
    tensors: dict[str, ir.Operand]
    parent: Scope | None = None
    optional: frozenset[str] = frozenset()  # inputs that may be absent: their name asks whether they were given

    def inner(self) -> Scope:
        """A scope whose tensors are not seen outside (a branch, an optional part)."""
        return Scope(dict(self.numbers), dict(self.tensors), self, self.optional)


@dataclass
class Keys:
    """Where modules get their keys: a class (unique attribute names) or a container (position or given name).

    A name that a step gives is its key, or an error; one that follows from what it is gives way.
    """

    taken: set[str] = field(default_factory=lambda: set(ATTRIBUTES))
    prefix: str = ""
    container: bool = False
    given: set[str] = field(default_factory=set)  # those of `taken` that a `name:` asked for
    places: dict[str, Span] = field(default_factory=dict)

    def key(self, wanted: str | None, fallback: str, span: Span) -> str | None:
        if self.container:
            return wanted
        if wanted is None:
            name = self.prefix + self.free(fallback)
        else:
            name = self.prefix + wanted
            self.check(wanted, name, span)
            self.given.add(name)
        self.taken.add(name)
        self.places[name] = span
        return name

    def free(self, name: str) -> str:
        """A name that no module has here yet."""
        return unique(self.prefix + name, self.taken).removeprefix(self.prefix)

    def check(self, wanted: str, name: str, span: Span) -> None:
        if name not in self.taken:
            return
        place = self.places.get(name)
        notes = (Note("the other one is here", place),) if place is not None else ()
        if name == wanted:
            raise fault("bad-name", f"'{wanted}' names two modules here", span, notes=notes, help=RENAME)
        who = "another module has" if place is not None else "torch's modules have"
        message = f"'{wanted}' cannot name this module: its key would be '{name}', which {who}"
        raise fault("bad-name", message, span, notes=notes, help=RENAME)

    @contextmanager
    def instead(self, before: frozenset[str]) -> Iterator[None]:
        """What is lowered meanwhile runs instead of what came after `before`: a name given there may be given again."""
        released = self.given - before
        self.taken -= released
        self.given -= released
        try:
            yield
        finally:
            self.taken |= released
            self.given |= released


CONTAINER = Keys(container=True)


class Lowerer:
    """Steps to nodes; one for each block or network."""

    staged = False

    def __init__(self, library: Library, home: s.Spec) -> None:
        self.library, self.home = library, home
        self.implicit: dict[str, s.Param] = {}  # params of files that it reads
        self.owner = ""

    # --- expressions
    def expr(self, expr: Expr, scope: Scope, words: Iterable[str] = ()) -> Expr:
        """`expr` with fixed words as constants; every other name must be in scope."""
        if isinstance(expr, Name):
            if expr.id in words:
                return Lit(expr.id, span=expr.span)
            if expr.id in scope.numbers or expr.id in scope.optional:
                return expr
            if self.file_param(expr.id):
                return expr
            if expr.id in WORDS:
                return Lit(expr.id, span=expr.span)
            raise self.unknown(expr, scope)
        return rebuild(expr, lambda part: self.expr(part, scope, words))

    def file_param(self, name: str) -> bool:
        """Whether the file's params have it; the block then takes it as one more param."""
        param = self.home.params.get(name)
        if param is None:
            return False
        if name not in self.implicit and not self.is_own_param(name):
            self.implicit[name] = param
            if param.default is not None:
                for inner in names(param.default):
                    self.file_param(inner.id)
        return True

    def is_own_param(self, name: str) -> bool:
        return False

    def default(self, value: Expr, origin: s.Spec, scope: Scope, words: Iterable[str] = ()) -> Expr:
        """A value of `defaults:`: its names are params of the spec that states it, whatever file the step is in."""
        if origin is self.home:
            return self.expr(value, Scope({}, {}), words)
        if isinstance(value, Name):
            param = None if value.id in words else origin.params.get(value.id)
            if param is not None:
                return Name(self.foreign_param(param, scope), span=value.span)
            if value.id in words or value.id in WORDS:
                return Lit(value.id, span=value.span)
            raise self.unknown(value, scope)
        return rebuild(value, lambda part: self.default(part, origin, scope, words))

    def foreign_param(self, param: s.Param, scope: Scope) -> str:
        """The name here of a param that a default of the outermost spec brings in; the block takes it as one more."""
        for name, known in self.implicit.items():
            if known is param and name not in scope.numbers:
                return name
        name = unique(param.name, {*scope.numbers, *self.home.params, *self.implicit})
        self.implicit[name] = param
        return name

    def handed_down(self, param: s.Param, scope: Scope) -> str | None:
        """The name here of a param that a called block takes on, if it is one here too."""
        if self.home.params.get(param.name) is param:
            self.file_param(param.name)
            return param.name
        return self.foreign_param(param, scope) if self.library.outermost.params.get(param.name) is param else None

    def unknown(self, name: Name, scope: Scope) -> Exception:
        if name.id in scope.tensors:
            return fault("unknown-name", f"'{name.id}' is a tensor, not a number", name.span)
        known = [*scope.numbers, *self.home.params, *WORDS]
        truth = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}.get(
            name.id.lower()
        )
        hint = (
            f"write {truth}"
            if truth
            else did_you_mean(name.id, known)
            or f"in scope are {', '.join(sorted({*scope.numbers, *self.home.params}))}"
        )
        if name.id in self.library.outermost.params:
            hint = f"a block sees the params of its own file alone: give it '{name.id}' as an argument"
        places = {**{n: param.span for n, param in self.home.params.items()}, **scope.numbers}
        notes = declared(name.id, known, places) if hint.startswith("did you mean") else ()
        return fault("unknown-name", f"'{name.id}' is not defined here", name.span, notes=notes, help=hint)

    def lets(self, let: Mapping[str, Expr], scope: Scope) -> dict[str, Expr]:
        """Lets in order, each seeing those before it; they enter `scope`."""
        found = {}
        for name, expr in let.items():
            with self.library.faults.catch():
                self.no_shadow(name, scope, expr.span)
                found[name] = self.expr(expr, scope)
            scope.numbers[name] = expr.span
        return found

    def no_shadow(self, name: str, scope: Scope, span: Span | None) -> None:
        if name in scope.numbers and name not in TURN_NAMES:
            notes = (Note(f"the other '{name}'", scope.numbers[name]),) if scope.numbers[name] else ()
            raise fault(
                "shadowed-name", f"'{name}' already has a meaning here", span, notes=notes, help="choose another name"
            )
        if name in scope.tensors:
            raise fault("shadowed-name", f"'{name}' already names a tensor", span, help="choose another name")

    # --- tensors
    def tensor(self, ref: Expr, scope: Scope) -> ir.Operand:
        """The tensor that `ref` names: `a`, `part[0]`, `dense.stage3`."""
        if isinstance(ref, Index):
            base = self.tensor(ref.base, scope)
            if not isinstance(base, ir.Value) or not base.many:
                message = f"'{show(ref.base)}' is one tensor, not a list of them"
                raise fault("not-a-list", message, ref.span, help="split, fork and each give lists")
            return ir.Item(base, self.expr(ref.index, scope))
        if not isinstance(ref, Name):
            raise fault("unknown-tensor", "the name of a tensor is wanted here", ref.span)
        if ref.id in scope.tensors:
            return scope.tensors[ref.id]
        tap = self.tap(ref, scope)
        if tap is not None:
            return tap
        known = [name for name in scope.tensors if name]
        hint = did_you_mean(ref.id, known) or f"tensors in scope are {', '.join(known)}"
        notes = declared(ref.id, known, {name: stage.span for name, stage in self.home.stages.items()})
        raise fault("unknown-tensor", f"there is no tensor '{ref.id}' here", ref.span, notes=notes, help=hint)

    def single(self, ref: Expr, scope: Scope) -> ir.Operand:
        """The one tensor that `ref` names."""
        found = self.tensor(ref, scope)
        if isinstance(found, ir.Value) and found.many:
            message = "this is a list of tensors, where one is wanted"
            raise fault("several-results", message, ref.span, help="choose one, such as part[0]")
        return found

    def tap(self, ref: Name, scope: Scope) -> ir.Operand | None:
        return None

    # --- bodies
    def body(
        self, steps: Sequence[s.Step], scope: Scope, keys: Keys, current: ir.Operand, region: ir.Region
    ) -> ir.Operand:
        """Appends the nodes of `steps` to `region`; the tensor that leaves."""
        value: ir.Operand | None = current
        sound = True
        for step in steps:
            before, value = value, None
            done = False
            with self.library.faults.catch():  # after a fault the next steps are looked at too
                value = self.next(step, scope, keys, before, current, region)
                done = True
            if not done:
                sound, value = False, self.recover(step, scope, current)
        if not sound:
            raise Skip
        if value is None or (isinstance(value, ir.Value) and value.many):
            raise fault(
                "several-results",
                "the last step has several results: say which one leaves",
                steps[-1].span,
                help="end with a tensor's name or a join",
            )
        return value

    def next(
        self, step: s.Step, scope: Scope, keys: Keys, value: ir.Operand | None, current: ir.Operand, region: ir.Region
    ) -> ir.Operand | None:
        """What leaves a step of a body; `value` entered it, `current` the body."""
        if isinstance(step, s.TensorStep) and step.when is None:
            return self.tensor(step.ref, scope)
        if value is None:
            if not begins_named(step):
                raise fault(
                    "several-results",
                    "the step before has several results: say which one comes in",
                    step.span,
                    help="begin with the tensor's name, or give from:",
                )
            value = current
        entry = self.single(step.source, scope) if step.source is not None else value
        if isinstance(entry, ir.Value) and entry.many:
            raise fault(
                "several-results",
                "a list of tensors cannot enter a step",
                step.span,
                help="choose one, such as part[0]",
            )
        return self.step(step, scope, keys, entry, region, value)

    @staticmethod
    def recover(step: s.Step, scope: Scope, current: ir.Operand) -> ir.Operand | None:
        """After a fault: what the step would have named is there, so that its readers are not at fault too."""
        several = isinstance(step, (s.SplitStep, s.ForkStep))
        for name in step_bindings(step):
            scope.tensors.setdefault(name, ir.Value(name, many=several and isinstance(step.into, str)))
        return None if several else current

    def step(
        self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, current: ir.Operand
    ) -> ir.Operand | None:
        """One step on `entry`; `current` is the tensor before it, which differs with `from:`."""
        self.nameable(step)
        if step.when is not None:
            result: ir.Operand | None = self.optional(step, scope, keys, entry, region, current)
        else:
            result = self.plain(step, scope, keys, entry, region)
        if step.into is not None and not isinstance(step, (s.SplitStep, s.ForkStep)):
            if not isinstance(step.into, str):
                raise fault("several-names", "this step has one result", step.span, help="write as: with one name")
            assert result is not None
            self.bind(step.into, result, scope, step.span)
        return result

    def nameable(self, step: s.Step) -> None:
        """A `name:` is that of a module; where a step makes none, it would be dropped in silence."""
        if step.name is None or isinstance(step, (s.UseStep, s.LoopStep)):
            return
        if isinstance(step, s.SequenceStep):
            if self.is_chain(step.body) if len(step.body) > 1 else step.body and step.body[0].name is None:
                return
        elif isinstance(step, s.ResidualStep) and step.condition is not None:
            return
        raise no_module(step.name, step.span)

    def bind(self, name: str, value: ir.Operand, scope: Scope, span: Span) -> None:
        if name in scope.numbers or name in self.home.params:
            place = scope.numbers.get(name) or (self.home.params[name].span if name in self.home.params else None)
            notes = (Note(f"the other '{name}'", place),) if place else ()
            message = f"'{name}' is already a number here; a tensor needs another name"
            raise fault("shadowed-name", message, span, notes=notes)
        if isinstance(value, ir.Value) and value.name in GENERIC:
            value.name = name
        scope.tensors[name] = value

    def optional(
        self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, current: ir.Operand
    ) -> ir.Operand:
        """`when:` with its `else:` as an `ir.If`; a step that is dropped leaves what came before it."""
        assert step.when is not None
        if isinstance(step, (s.SplitStep, s.ForkStep)):
            raise fault("several-results", "a step with several results cannot have when:", step.span)
        condition = self.expr(step.when, scope)
        bare = replace(step, when=None, other=None, into=None)
        then, other = ir.Region(), ir.Region()
        before = frozenset(keys.given)
        then.result = self.plain(bare, scope.inner(), keys, entry, then)
        with keys.instead(before):
            other.result = self.body(step.other, scope.inner(), keys, entry, other) if step.other else current
        self.share_key(step, then, other, keys)
        out = ir.Value("x")
        region.nodes.append(ir.If(condition=condition, then=then, other=other, out=out, span=step.span))
        return out

    @staticmethod
    def share_key(step: s.Step, then: ir.Region, other: ir.Region, keys: Keys) -> None:
        """A module and its alternative stand under one key: that which either is given."""
        if not (len(then.nodes) == len(other.nodes) == 1 and step.other):
            return
        one, two = then.nodes[0], other.nodes[0]
        alike = keys.container or (one.key and two.key)  # in a class, what makes no module has no key
        if isinstance(one, ir.If) or isinstance(two, ir.If) or not alike:
            return
        given = [node.key for node in (one, two) if node.key is not None and (keys.container or node.key in keys.given)]
        if len(set(given)) > 1:
            message = f"'{step.other[0].name}' stands instead of '{step.name}': both have one key"
            raise fault("bad-name", message, step.other[0].span, help="give both the same name, or one of them none")
        key = given[0] if given else one.key
        keys.taken -= {one.key, two.key} - {key}
        keys.given &= keys.taken
        one.key = two.key = key

    def plain(self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region) -> ir.Operand | None:
        match step:
            case s.UseStep():
                return self.use(step, scope, keys, entry, region)
            case s.SequenceStep():
                return self.sequence(step, scope, keys, entry, region)
            case s.JoinStep():
                return self.join(step, scope, keys, entry, region)
            case s.ResidualStep():
                return self.residual(step, scope, keys, entry, region)
            case s.LoopStep(parallel=False):
                return self.loop(step, scope, keys, entry, region)
            case s.SplitStep():
                return self.split(step, scope, entry, region)
            case s.ForkStep():
                return self.fork(step, scope, keys, entry, region)
            case s.ChoiceStep():
                return self.choice(step, scope, keys, entry, region)
            case s.LoopStep() | s.RunningSumStep():
                out = ir.Value("branches", many=True)
                operands = self.branch(step, scope, keys, entry, region, 0, 1)
                region.nodes.append(ir.Pack(ins=tuple(operands), out=out, span=step.span))
                return out
            case s.TensorStep():
                return self.tensor(step.ref, scope)
        raise AssertionError(step)

    # --- ops and blocks
    def use(self, step: s.UseStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        if step.target == "identity" and step.name is None and (step.into is not None or step.source is not None):
            return entry  # `as:` alone names the tensor that enters, `from:` alone reads one
        if step.target in REGISTRY:
            return self.op(step, REGISTRY[step.target], scope, keys, entry, region)
        try:
            block = self.library.find(self.home, step.target, step.span)
        except Skip:
            self.glance(step, scope)
            raise
        return self.call(step, block, scope, keys, entry, region)

    def glance(self, step: s.UseStep, scope: Scope) -> None:
        """Looks for unknown names in the arguments of a call whose block is at fault itself."""
        for name in (name for value in (*step.positional, *step.named.values()) for name in names(value)):
            if name.id not in scope.tensors and "." not in name.id:
                with self.library.faults.catch():
                    self.expr(name, scope)

    def op(self, step: s.UseStep, op: Op, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        more = list(step.named) if op.further else []
        given = self.arguments(step, [f.name for f in op.fields], f"the op '{op.name}'", more)
        tensor_names = [f.name for f in op.fields if f.kind == "tensor"]
        tensors = {n: self.single(given.pop(n), scope) for n in tensor_names if n in given}
        ins: tuple[ir.Operand, ...] = (entry,)
        fields: dict[str, Expr] = {}
        label, preset = step.label, self.preset(op, scope)
        for item in op.fields:
            if item.kind == "tensor":
                continue
            value = given.get(item.name, preset.get(item.name))
            if value is None:
                if item.required:
                    raise fault("missing-argument", f"the op '{op.name}' needs '{item.name}' ({item.doc})", step.span)
                fields[item.name] = wrap(self.library.form if item is FORM else item.default)
            elif item.kind == "formula":
                fields[item.name], ins = self.formula(value, scope)
                label = label or show(value)
            elif item.kind == "text" or item.name not in given:
                fields[item.name] = value
            else:
                fields[item.name] = self.expr(value, scope, item.choices)
        fields |= {n: self.expr(e, scope) for n, e in given.items() if n not in fields and op.field(n) is None}
        out = ir.Value("x")
        names_given = frozenset([*given, *tensors])
        if step.name is not None and op.functional(names_given):
            raise no_module(step.name, step.span)
        key = None if op.functional(names_given) else keys.key(step.name, op.name, step.span)
        region.nodes.append(
            ir.Primitive(
                op=op,
                fields=fields,
                ins=ins,
                tensors=tensors,
                given=names_given,
                field_spans=self.spans(step, op),
                out=out,
                span=step.span,
                key=key,
                label=label,
            )
        )
        return out

    def preset(self, op: Op, scope: Scope) -> dict[str, Expr]:
        """`defaults:` for an op, its own over those of the op it follows."""
        found: dict[str, tuple[Expr, s.Spec]] = {}
        own = {f.name for f in op.fields}
        for target in (op.follows, op.name):
            if target:
                values = self.library.defaults(self.home, target)
                found.update({k: v for k, v in values.items() if k in own or target == op.name})
        return {
            key: self.default(value, origin, scope, item.choices if (item := op.field(key)) else ())
            for key, (value, origin) in found.items()
        }

    def formula(self, value: Expr, scope: Scope) -> tuple[Expr, tuple[ir.Operand, ...]]:
        """A formula's tensors become its inputs, named t0, t1, … in the expression in order of first mention."""
        operands: dict[str, ir.Operand] = {}
        texts: dict[str, str] = {}

        def visit(part: Expr) -> Expr:
            if isinstance(part, (Name, Index)):
                base = part.base if isinstance(part, Index) else part
                if isinstance(base, Name) and base.id not in scope.numbers and not self.home.params.get(base.id):
                    key = repr(part)
                    if key not in texts:
                        texts[key] = f"t{len(texts)}"
                        operands[texts[key]] = self.single(part, scope)
                    return Name(texts[key], span=part.span)
                if isinstance(part, Name) and TENSOR_NAME.fullmatch(part.id):
                    raise fault("shadowed-name", f"'{part.id}' names a tensor in formulas", part.span, help=RENAME)
                return self.expr(part, scope)
            return rebuild(part, visit)

        expr = visit(value)
        return expr, tuple(operands.values())

    @staticmethod
    def spans(step: s.UseStep, op: Op) -> dict[str, Span]:
        """Where each argument of an op stands."""
        found = {f.name: e.span for f, e in zip(op.fields, step.positional, strict=False) if e.span}
        found.update(
            {
                name: e.span or step.named_spans[name]
                for name, e in step.named.items()
                if e.span or name in step.named_spans
            }
        )
        return found

    def arguments(
        self,
        step: s.UseStep,
        known: Sequence[str],
        what: str,
        further: Sequence[str] = (),
        places: Mapping[str, Span | None] | None = None,
    ) -> dict[str, Expr]:
        """Positional and named arguments by name; `further` are the names that an open-ended op also takes."""
        if len(step.positional) > len(known):
            extra = step.positional[len(known)]
            takes = f"takes {', '.join(known)}" if known else "takes no arguments"
            raise fault("surplus-argument", f"{what} {takes}", extra.span or step.span, label="one too many")
        given = dict(zip(known, step.positional, strict=False))
        for name, value in step.named.items():
            span = step.named_spans.get(name, step.span)
            if name not in known and name not in further:
                hint = did_you_mean(name, known) or f"it takes {', '.join(known) or 'no arguments'}"
                notes = declared(name, known, places or {})
                raise fault("unknown-argument", f"{what} has no argument '{name}'", span, notes=notes, help=hint)
            if name in given:
                raise fault("surplus-argument", f"'{name}' is given twice", span)
            given[name] = value
        return given

    def call(
        self, step: s.UseStep, block: ir.Function, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region
    ) -> ir.Operand:
        further = [name for name in block.inputs if name != INPUT]
        what = f"the block '{block.name}'"
        places = {name: param.span for name, param in block.params.items()}
        given = self.arguments(step, [*block.params, *further], what, places=places)
        tensors = {
            name: (self.tensor if block.inputs[name].many else self.single)(given.pop(name), scope)
            for name in further
            if name in given
        }
        for name in further:
            if name not in tensors and name not in block.optional:
                message, help = f"{what} needs the tensor '{name}'", f"give it by name: {name}: the name of a tensor"
                raise fault("missing-argument", message, step.span, help=help)
        args = {name: self.argument(value, scope, block.params[name]) for name, value in given.items()}
        for name, (value, origin) in self.library.defaults(self.home, step.target).items():
            if name not in block.params:
                raise fault(
                    "unknown-argument",
                    f"{what} has no argument '{name}'",
                    value.span,
                    help=did_you_mean(name, block.params),
                )
            args.setdefault(name, self.default(value, origin, scope))
        for name, param in block.params.items():
            if name not in args and param.default is None:
                raise fault(
                    "missing-argument",
                    f"{what} needs '{name}'",
                    step.span,
                    notes=(Note("it is declared here", param.span),),
                )
        args |= {n: Name(own) for n, param in block.implicit.items() if (own := self.handed_down(param, scope))}
        out = ir.Value("x")
        key = keys.key(step.name, snake(block.name), step.span)
        region.nodes.append(
            ir.Call(
                block=block,
                args=args,
                ins=(entry,),
                tensors=tensors,
                out=out,
                span=step.span,
                key=key,
                label=step.label,
            )
        )
        return out

    def argument(self, value: Expr, scope: Scope, param: s.Param) -> Expr:
        """An argument of a block; where the default is a word, so is a word that names nothing here."""
        if is_word(param.default) and isinstance(value, Name) and self.is_unknown(value.id, scope):
            return Lit(value.id, span=value.span)
        return self.expr(value, scope)

    def is_unknown(self, name: str, scope: Scope) -> bool:
        """Whether nothing in scope has this name (a dotted one is a path)."""
        return "." not in name and name not in scope.numbers and name not in scope.tensors and not self.file_param(name)

    # --- structure
    def sequence(
        self, step: s.SequenceStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region
    ) -> ir.Operand:
        if len(step.body) > 1 and self.is_chain(step.body):
            key = keys.key(step.name, "block", step.span)
            return self.container(step.body, scope, key, entry, region, step.span, step.label)
        return self.body(named_alone(step), scope, keys, entry, region)

    def container(
        self,
        steps: Sequence[s.Step],
        scope: Scope,
        key: str | None,
        entry: ir.Operand,
        region: ir.Region,
        span: Span,
        label: str | None = None,
        kind: str = "branch",
        let: Mapping[str, Expr] | None = None,
    ) -> ir.Operand:
        """A chain of modules as one nn.Sequential."""
        inner, carry, inside = scope.inner(), ir.Value("x"), ir.Region()
        lets = self.lets(let or {}, inner)
        inside.result = self.body(steps, inner, CONTAINER, carry, inside)
        out = ir.Value("x")
        region.nodes.append(
            ir.Container(
                entry=entry, carry=carry, body=inside, kind=kind, let=lets, out=out, span=span, key=key, label=label
            )
        )
        return out

    def is_chain(self, steps: Sequence[s.Step]) -> bool:
        """Whether each step is a module that takes the tensor before it and nothing else."""
        return all(self.is_link(step) for step in steps)

    @staticmethod
    def is_call(steps: Sequence[s.Step]) -> bool:
        """Whether the only step is a block on the tensor that enters."""
        only = steps[0]
        alone = len(steps) == 1 and only.when is None and only.source is None and only.into is None
        return alone and isinstance(only, s.UseStep) and only.target not in REGISTRY

    def is_link(self, step: s.Step) -> bool:
        if (
            step.into is not None
            or step.source is not None
            or (step.other and not (len(step.other) == 1 and self.is_link(step.other[0])))
        ):
            return False
        match step:
            case s.UseStep(target=target) if target in REGISTRY:
                op = REGISTRY[target]
                tensors = {f.name for f in op.fields if f.kind == "tensor"}
                given = frozenset([*step.named, *(f.name for f, _ in zip(op.fields, step.positional, strict=False))])
                return not op.functional(given) and not tensors & given and not op.many
            case s.UseStep(target=target):
                try:
                    block = self.library.find(self.home, target, step.span)
                except SpecError as error:
                    self.library.faults.found.extend(error.diagnostics)
                    return False
                return not any(name in step.named for name in block.inputs if name != INPUT) and len(
                    step.positional
                ) <= len(block.params)
            case s.LoopStep(parallel=False):
                return self.is_chain(step.body)
            case s.SequenceStep():
                return self.is_chain(step.body)
        return False

    def branch(
        self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, index: int, count: int
    ) -> list[ir.Operand]:
        """One branch of a join; `each` and `running_sum` stand for several."""
        operands = self.operands(step, scope, keys, entry, region, index, count)
        if step.into is not None and not isinstance(step, (s.SplitStep, s.ForkStep)):
            if not isinstance(step.into, str):
                raise fault("several-names", "this branch has one result", step.span, help="write as: with one name")
            if isinstance(operands[0], ir.Value) and operands[0].optional:
                raise fault(
                    "optional-tensor", f"'{step.into}' may not exist", step.span, help="give else: beside when:"
                )
            self.bind(step.into, operands[0], scope, step.span)
        return operands

    def operands(
        self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, index: int, count: int
    ) -> list[ir.Operand]:
        if isinstance(step, s.SequenceStep):
            step = replace(step, body=[inner for inner in step.body if not is_nothing(inner)])
        self.nameable(step)
        if step.when is not None:
            return [self.optional_branch(step, scope, keys, entry, region, index, count)]
        if isinstance(step, s.TensorStep):
            return [self.tensor(step.ref, scope)]
        if step.source is not None:
            entry = self.single(step.source, scope)
        match step:
            case s.LoopStep(parallel=True):
                return [self.loop(step, scope, keys, entry, region)]
            case s.RunningSumStep():
                operands = self.branches(step.branches, scope, keys, entry, region)
                out = ir.Value("sums", many=True)
                region.nodes.append(ir.Pack(ins=tuple(operands), running=True, out=out, span=step.span))
                return [out]
            case s.UseStep(target="identity", name=None):
                return [entry]
            case s.SequenceStep():
                return [
                    self.branch_body(replace(step, body=list(named_alone(step))), scope, keys, entry, region, index)
                ]
        value = self.plain(step, scope, keys, entry, region)
        if value is None:  # `split` and `fork` stand for all their results
            assert step.into is not None
            return [scope.tensors[name] for name in ([step.into] if isinstance(step.into, str) else step.into)]
        self.name_branch(value, index)
        return [value]

    def branch_body(
        self, step: s.SequenceStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, index: int
    ) -> ir.Operand:
        """A branch that is a list: a container if it is a chain, else steps of the class under the branch's name."""
        name = step.name or f"branch{index + 1}"
        steps = [inner for inner in step.body if not is_nothing(inner)]
        if len(steps) > 1 and self.is_chain(steps):
            key = keys.key(step.name, name, step.span)
            value = self.container(steps, scope, key, entry, region, step.span, step.label)
        elif len(steps) == 1 and step.name and isinstance(steps[0], s.UseStep) and steps[0].name is None:
            value = self.body([replace(steps[0], name=step.name)], scope, keys, entry, region)
        else:
            value = self.body(steps, scope, keys, entry, region) if steps else entry
        if value is not entry:
            self.name_branch(value, index)
        return value

    @staticmethod
    def name_branch(value: ir.Operand, index: int) -> None:
        if isinstance(value, ir.Value) and value.name == "x":
            value.name = f"branch{index + 1}"

    def optional_branch(
        self, step: s.Step, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region, index: int, count: int
    ) -> ir.Operand:
        assert step.when is not None
        condition = self.expr(step.when, scope)
        then, other = ir.Region(), ir.Region()
        before = frozenset(keys.given)
        operands = self.branch(replace(step, when=None, other=None), scope.inner(), keys, entry, then, index, count)
        assert len(operands) == 1
        then.result = operands[0]
        many = isinstance(operands[0], ir.Value) and operands[0].many
        if many and step.other:
            raise fault(
                "bad-branch", "several branches at once cannot have else:", step.span, help="put it on the join"
            )
        if step.other:
            instead = self.single(step.source, scope) if step.source is not None else entry
            with keys.instead(before):
                other.result = self.body(step.other, scope.inner(), keys, instead, other)
        out = ir.Value("branches" if many else f"branch{index + 1}", many=many, optional=not step.other)
        region.nodes.append(
            ir.If(condition=condition, then=then, other=other, out=out, span=step.span, branch=not step.other)
        )
        return out

    def branches(
        self, steps: Sequence[s.Step], scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region
    ) -> list[ir.Operand]:
        """The operands of a join; the faults of every branch are found."""
        found: list[ir.Operand] = []
        sound = True
        for index, step in enumerate(steps):
            done = False
            with self.library.faults.catch():
                found += self.branch(step, scope, keys, entry, region, index, len(steps))
                done = True
            if not done:
                sound = False
                self.recover(step, scope, entry)
        if not sound:
            raise Skip
        return found

    def join(self, step: s.JoinStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        operands = self.branches(step.branches, scope, keys, entry, region)
        out = ir.Value("x")
        region.nodes.append(
            ir.Primitive(
                op=REGISTRY[step.kind],
                fields=self.preset(REGISTRY[step.kind], scope),
                ins=tuple(operands),
                out=out,
                span=step.span,
                label=step.label,
            )
        )
        return out

    def residual(
        self, step: s.ResidualStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region
    ) -> ir.Operand:
        condition = self.expr(step.condition, scope) if step.condition is not None else None
        skip: ir.Operand = entry
        if step.shortcut and step.shortcut_first:
            skip = self.shortcut(step, step.shortcut, condition, scope, keys, entry, region)
        main = self.body(step.body, scope, keys, entry, region)
        if condition is None:
            if step.shortcut and not step.shortcut_first:
                skip = self.shortcut(step, step.shortcut, None, scope, keys, entry, region)
            return self.add(step, skip, main, scope, region)
        then = ir.Region()
        if step.shortcut and not step.shortcut_first:
            skip = self.shortcut(step, step.shortcut, None, scope, keys, entry, then)
        then.result = self.add(step, skip, main, scope, then)
        out = ir.Value("x")
        region.nodes.append(
            ir.If(
                condition=condition,
                then=then,
                other=ir.Region(result=main),
                out=out,
                span=step.span,
                word=step.name or "residual",
            )
        )
        return out

    def shortcut(
        self,
        step: s.ResidualStep,
        steps: Sequence[s.Step],
        condition: Expr | None,
        scope: Scope,
        keys: Keys,
        entry: ir.Operand,
        region: ir.Region,
    ) -> ir.Operand:
        whole = s.SequenceStep(span=step.span, body=list(steps), name=keys.free("shortcut"))
        if condition is None:
            value = self.branch_body(whole, scope, keys, entry, region, 0)
        else:
            then = ir.Region()
            then.result = self.branch_body(whole, scope, keys, entry, then, 0)
            value = ir.Value("shortcut")
            region.nodes.append(
                ir.If(
                    condition=condition,
                    then=then,
                    other=ir.Region(result=entry),
                    out=value,
                    span=step.span,
                    word=step.name or "residual",
                )
            )
        if isinstance(value, ir.Value):
            value.name = "shortcut"
        return value

    def add(self, step: s.Step, skip: ir.Operand, main: ir.Operand, scope: Scope, region: ir.Region) -> ir.Value:
        out, op = ir.Value("x"), REGISTRY["add"]
        region.nodes.append(
            ir.Primitive(
                op=op, fields=self.preset(op, scope), ins=(skip, main), out=out, span=step.span, label=step.label
            )
        )
        return out

    def split(self, step: s.SplitStep, scope: Scope, entry: ir.Operand, region: ir.Region) -> ir.Operand | None:
        op, sizes = REGISTRY["split"], self.expr(step.sizes, scope)
        count = sizes.value if isinstance(sizes, Lit) else len(sizes.items) if isinstance(sizes, ListOf) else None
        into = step.into
        if into is None:
            raise fault("several-results", "the parts of a split need names", step.span, help="write as: [a, b]")
        if isinstance(into, tuple) and isinstance(count, int) and len(into) != count:
            raise fault("several-names", f"{len(into)} names for {count} parts", step.span)
        out = ir.Value(into if isinstance(into, str) else "parts", many=True)
        region.nodes.append(
            ir.Primitive(
                op=op, fields={op.fields[0].name: sizes}, ins=(entry,), out=out, span=step.span, label=step.label
            )
        )
        self.bind_many(into, out, scope, step.span)
        return None

    def fork(
        self, step: s.ForkStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region
    ) -> ir.Operand | None:
        if step.into is None:
            raise fault("several-results", "the branches of a fork need names", step.span, help="write as: [a, b]")
        operands = self.branches(step.branches, scope, keys, entry, region)
        if isinstance(step.into, tuple) and all(not (isinstance(o, ir.Value) and o.many) for o in operands):
            if len(step.into) != len(operands):
                raise fault("several-names", f"{len(step.into)} names for {len(operands)} branches", step.span)
            for name, operand in zip(step.into, operands, strict=True):
                if isinstance(operand, ir.Value):
                    operand.name = name
                self.bind(name, operand, scope, step.span)
            return None
        out = ir.Value(step.into if isinstance(step.into, str) else "branches", many=True)
        region.nodes.append(ir.Pack(ins=tuple(operands), out=out, span=step.span))
        self.bind_many(step.into, out, scope, step.span)
        return None

    def bind_many(self, into: str | tuple[str, ...], out: ir.Value, scope: Scope, span: Span) -> None:
        if isinstance(into, str):
            self.bind(into, out, scope, span)
            return
        out.parts, out.items = into, tuple(ir.Item(out, Lit(index)) for index in range(len(into)))
        for name, item in zip(into, out.items, strict=True):
            self.bind(name, item, scope, span)

    def choice(self, step: s.ChoiceStep, scope: Scope, keys: Keys, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        """Named branches as a chain of conditions; `elaborate` refuses a name that none has."""
        param = self.expr(step.param, scope)
        out = ir.Value("x")
        node: ir.If | None = None
        before = frozenset(keys.given)
        for name, body in reversed(list(step.bodies.items())):
            then = ir.Region()
            with keys.instead(before):
                whole = s.SequenceStep(span=step.span, body=list(body), name=keys.free(name.lstrip("_") or "body"))
                then.result = self.branch_body(whole, scope.inner(), keys, entry, then, 0)
            other = ir.Region(nodes=[node], result=node.out) if node else ir.Region(result=None)
            node = ir.If(
                condition=Compare("==", param, Lit(name)),
                then=then,
                other=other,
                out=ir.Value("x"),
                span=step.span,
                word=f"is_{name}",
                choices=tuple(step.bodies),
            )
        assert node is not None
        node.out = out
        region.nodes.append(node)
        return out

    # --- loops
    def loop(
        self,
        step: s.LoopStep,
        scope: Scope,
        keys: Keys,
        entry: ir.Operand,
        region: ir.Region,
        *,
        stage: s.Stage | None = None,
    ) -> ir.Operand:
        if keys.container and step.name is not None:  # a named loop in a chain has a container of its own
            return self.container([replace(step, name=None)], scope, step.name, entry, region, step.span, step.label)
        step, entries, entered = self.fed(step, scope)
        entry = entries[0] if entries else entry
        inner = scope.inner()
        count = self.expr(step.count, scope) if step.count is not None else None
        rows = self.expr(step.rows, scope, ()) if step.rows is not None else None
        columns: dict[str, Expr] = {}
        for name in step.columns:  # a default may read earlier columns
            self.no_shadow(name, inner, step.column_spans.get(name, step.span))
            if name in step.column_defaults:
                columns[name] = self.expr(step.column_defaults[name], inner)
            inner.numbers[name] = step.span
        inner.numbers.update(dict.fromkeys(TURN_NAMES, step.span))
        counted = any(name.id in TABLE_NAMES for expr in step_exprs(step) for name in names(expr))
        if stage is not None:
            inner.numbers.update(dict.fromkeys(TABLE_NAMES))
            if counted:
                self.countable(step)
        let = self.lets(step.let, inner)
        steps, chained = step.body, self.is_chain(step.body) or self.is_call(step.body)
        if not chained:
            steps = [self.outline(step, steps, scope, inner, keys)]
        single = len(steps) == 1 and is_module(steps[0])
        carry, body = ir.Value("x"), ir.Region()
        body.result = self.body(steps, inner, CONTAINER, carry, body)
        only = steps[0] if single and chained else None
        fallback = f"{snake(only.target)}s" if isinstance(only, s.UseStep) else "layers"
        fallback = "branches" if step.parallel else fallback
        key = stage.name if stage else keys.key(step.name, fallback, step.span)
        out = ir.Value("branches" if step.parallel else "x", many=step.parallel)
        region.nodes.append(
            ir.Loop(
                entry=entry,
                carry=carry,
                body=body,
                count=count,
                columns=step.columns,
                column_defaults=columns,
                rows=rows,
                let=let,
                parallel=step.parallel,
                inline=keys.container,
                wrap=((step.parallel or stage is not None) and not single) or any(link.name for link in steps),
                table=stage is not None,
                counted=counted,
                entries=entries,
                entered=entered,
                out=out,
                span=step.span,
                key=key,
                label=step.label,
            )
        )
        return out

    def countable(self, table: s.LoopStep) -> None:
        """`turn` and `turns` count the repeats that are steps of the rows; how often they turn is known before."""
        chain = self.is_chain(table.body)
        plain = (step for step in table.body if isinstance(step, s.LoopStep) and not step.parallel)
        direct = [loop for loop in plain if chain and loop.when is None and loop.name is None]
        found = next((loop for step in table.body for loop in repeats(step, whole=step not in direct)), None)
        if found is not None:
            message = "this loop stands where 'turn' and 'turns' of the table cannot count it"
            help = "they count repeats that are steps of the rows, without when: and name:; write joins as a block"
            raise fault("bad-loop", message, found.span, help=help)
        unknown = {*TABLE_NAMES, *MEASURES}
        for value, expr in table.let.items():
            if any(name.id in unknown for name in names(expr)):
                unknown.add(value)
        for loop in direct:
            for name in names(loop.count if loop.count is not None else loop.rows or Lit(0)):
                if name.id in unknown:
                    message = f"how often this repeats hangs on '{name.id}', so 'turn' and 'turns' cannot count it"
                    raise fault("bad-loop", message, name.span or loop.span, help="count from params and columns")

    def fed(self, step: s.LoopStep, scope: Scope) -> tuple[s.LoopStep, tuple[ir.Operand, ...], str]:
        """A loop with a column of tensors as one without: the column holds their channels, `c_column`."""
        if not isinstance(step.rows, ListOf):
            return step, (), ""
        rows = step.rows.items
        cells = [row.items if isinstance(row, ListOf) else (row,) for row in rows]
        for position, column in enumerate(step.columns):
            refs = [row[position] for row in cells if position < len(row) and self.is_tensor(row[position], scope)]
            if not refs:
                continue
            if len(refs) != len(rows) or not step.parallel or not begins_with(step.body, column):
                message = f"the column '{column}' holds tensors: each branch must begin with its own"
                raise fault("bad-rows", message, refs[0].span, help=f"write each:, and body: [{{from: {column}, ...}}]")
            numbers = tuple(ListOf((*row[:position], Lit(0), *row[position + 1 :])) for row in cells)
            columns = (*step.columns[:position], f"c_{column}", *step.columns[position + 1 :])
            body = [replace(step.body[0], source=None), *step.body[1:]]
            bare = replace(step, columns=columns, rows=ListOf(numbers, span=refs[0].span), body=body)
            return bare, tuple(self.single(ref, scope) for ref in refs), f"c_{column}"
        return step, (), ""

    def is_tensor(self, cell: Expr, scope: Scope) -> bool:
        base = cell.base if isinstance(cell, Index) else cell
        if not isinstance(base, Name) or base.id in scope.numbers or base.id in self.home.params:
            return False
        return base.id in scope.tensors or self.tap(base, scope) is not None

    def outline(self, step: s.LoopStep, steps: Sequence[s.Step], scope: Scope, inner: Scope, keys: Keys) -> s.UseStep:
        """A loop's body that is no chain, as a block of its own that takes what it reads."""
        numbers, tensors = free_names(steps, inner)
        for tapped in (n for n in tensors if "." in n):
            help = f"before the loop write {{from: {tapped}, as: {tapped.replace('.', '_')}}}, and name that in it"
            raise fault("bad-loop", "a loop's steps cannot tap another stage", step.span, help=help)
        used = (n for used in self.home.uses for n in (*used.blocks, used.name))
        taken = {*self.home.blocks, *used, *(n for home, n in self.library.done if home == id(self.home))}
        name = unique(self.owner + camel(step.name or ("Branch" if step.parallel else "Layer")), taken)
        given = {n: n for n in [*numbers, *tensors]}
        if self.staged:  # there c_in is what enters the turn, as it is in the block
            given = {n: n for n in given if n not in MEASURES}
        elsewhere = {n: unique(OUTER[n], {*inner.numbers, *inner.tensors}) for n in given if n in OUTER}
        given = {elsewhere.get(n, n): n for n in given}
        block = s.Block(
            name=name,
            span=step.span,
            params={n: s.Param(n, step.span) for n, of in given.items() if of in numbers and of[2:] not in tensors},
            body=[renamed(inner_step, elsewhere) for inner_step in steps],
            inputs={n: of in scope.optional for n, of in given.items() if of in tensors},
        )
        lists = frozenset(n for n in block.inputs if is_list(inner.tensors[given[n]]))
        self.library.done[(id(self.home), name)] = BlockLowerer(
            self.library, self.home, block, staged=self.staged, lists=lists
        ).lower()
        named = {n: Name(given[n], span=step.span) for n in [*block.params, *block.inputs]}
        return s.UseStep(span=step.span, target=name, named=named)


def declared(name: str, known: Iterable[str], places: Mapping[str, Span | None]) -> tuple[Note, ...]:
    """Where the known name that is like this one is declared, if a spec declares it."""
    near = nearest(name, known)
    place = places.get(near) if near is not None else None
    return (Note(f"'{near}' is declared here", place),) if place is not None else ()


def no_module(name: str, span: Span) -> SpecError:
    message = f"'{name}' names no module: this step makes none of its own"
    return fault("bad-name", message, span, help="write as: to name its tensor, or name a step that it holds")


def is_list(operand: ir.Operand) -> bool:
    return isinstance(operand, ir.Value) and operand.many


def named_alone(step: s.SequenceStep) -> Sequence[s.Step]:
    """The steps of a body; its name is that of its only step, if that has none."""
    if len(step.body) == 1 and step.name is not None and step.body[0].name is None:
        return [replace(step.body[0], name=step.name)]
    return step.body


def no_channels(name: str, params: Mapping[str, s.Param]) -> None:
    """No param has the name of the channels of an input."""
    taken = params.get(f"c_{name}")
    if taken is not None:
        message = f"'c_{name}' are the channels of the input '{name}'; a param needs another name"
        raise fault("shadowed-name", message, taken.span, help=RENAME)


def begins_with(steps: Sequence[s.Step], name: str) -> bool:
    """Whether the first step, and it alone, reads the tensor `name`."""
    read = [expr.id for step in steps for part in step_exprs(step) for expr in names(part) if expr.id == name]
    source = steps[0].source
    return len(read) == 1 and isinstance(source, Name) and source.id == name


def begins_named(step: s.Step, *, branch: bool = False) -> bool:
    """Whether a step reads no unnamed tensor: a join all of whose branches begin with a name.

    With `when:` that holds for what stands there otherwise: nothing in place of a branch, else what came in.
    """
    if step.when is not None:
        instead = step.source is not None or begins_named(step.other[0]) if step.other else branch
        return instead and begins_named(replace(step, when=None, other=None), branch=branch)
    if isinstance(step, s.TensorStep) or step.source is not None:
        return True
    if isinstance(step, s.SequenceStep):
        return bool(step.body) and begins_named(step.body[0])
    if isinstance(step, (s.JoinStep, s.RunningSumStep, s.ForkStep)):
        return all(begins_named(inner, branch=True) for inner in step.branches)
    if isinstance(step, s.LoopStep) and step.parallel:
        return begins_named(step.body[0])
    return isinstance(step, s.UseStep) and step.target == "formula"


def is_nothing(step: s.Step) -> bool:
    """Whether a step of a branch is a plain `identity`: what it gives is what enters it."""
    beside = (step.source, step.into, step.name, step.other)
    return isinstance(step, s.UseStep) and step.target == "identity" and all(value is None for value in beside)


def is_word(expr: Expr | None) -> bool:
    return isinstance(expr, Lit) and isinstance(expr.value, str)


GENERIC = frozenset({"x", "branches", "parts", "sums", *(f"branch{n}" for n in range(1, 20))})


def free_names(steps: Sequence[s.Step], scope: Scope) -> tuple[list[str], list[str]]:
    """The numbers and the tensors of `scope` that `steps` read, in order."""
    mentioned = dict.fromkeys(name.id for step in steps for expr in step_exprs(step) for name in names(expr))
    bound = {name for step in steps for name in step_bindings(step)}
    numbers = [n for n in mentioned if n in scope.numbers]
    tensors = [n for n in mentioned if n in scope.tensors and n not in scope.numbers and n not in bound]
    return numbers, tensors


def renamed(value: Any, new: Mapping[str, str]) -> Any:
    """A step, or a part of one, with names that it reads replaced."""
    if isinstance(value, Name):
        return replace(value, id=new.get(value.id, value.id))
    if isinstance(value, Expr):
        return rebuild(value, lambda part: renamed(part, new))
    if isinstance(value, s.Step):
        return replace(value, **{name: renamed(part, new) for name, part in vars(value).items()})
    if isinstance(value, Mapping):
        return {key: renamed(part, new) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, Span):
        return type(value)(renamed(part, new) for part in value)
    return value


def step_exprs(step: s.Step) -> Iterator[Expr]:
    """Every expression in a step, those of inner steps included."""
    for value in vars(step).values():
        yield from _exprs_of(value)


def _exprs_of(value: object) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
    elif isinstance(value, s.Step):
        yield from step_exprs(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _exprs_of(item)
    elif isinstance(value, (list, tuple)) and not isinstance(value, Span):
        for item in value:
            yield from _exprs_of(item)


def repeats(step: s.Step, *, whole: bool = True) -> Iterator[s.Step]:
    """The loops in a step, itself included if `whole`, that turn one after another."""
    if whole and isinstance(step, s.LoopStep) and not step.parallel:
        yield step
    for inner in steps_in(vars(step).values()):
        yield from repeats(inner)


def steps_in(values: Iterable[object]) -> Iterator[s.Step]:
    """The outermost steps among values."""
    for value in values:
        if isinstance(value, s.Step):
            yield value
        elif isinstance(value, Mapping):
            yield from steps_in(value.values())
        elif isinstance(value, (list, tuple)) and not isinstance(value, Span):
            yield from steps_in(value)


def step_bindings(step: s.Step) -> Iterator[str]:
    """Every tensor name a step gives, those of inner steps included."""
    if step.into:
        yield from [step.into] if isinstance(step.into, str) else step.into
    for value in vars(step).values():
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
        for item in items:
            if isinstance(item, s.Step):
                yield from step_bindings(item)
            elif isinstance(item, list):
                for inner in item:
                    if isinstance(inner, s.Step):
                        yield from step_bindings(inner)


def step_names(steps: Iterable[object]) -> Iterator[str]:
    """Every `name:` that steps have, those of inner steps included."""
    for step in steps:
        if isinstance(step, s.Step):
            if step.name is not None:
                yield step.name
            yield from step_names(vars(step).values())
        elif isinstance(step, (list, tuple)) and not isinstance(step, Span):
            yield from step_names(step)
        elif isinstance(step, Mapping):
            yield from step_names(step.values())


def is_module(step: s.Step) -> bool:
    """Whether a step is one op or block in any case; with `when:`, whether its `else:` is another."""
    other = step.other or ()
    return isinstance(step, s.UseStep) and (step.when is None or (len(other) == 1 and is_module(other[0])))


class BlockLowerer(Lowerer):
    """A block of `blocks:`, or the body of a loop, whose inputs may be lists of tensors too."""

    def __init__(
        self,
        library: Library,
        home: s.Spec,
        block: s.Block,
        *,
        staged: bool = False,
        lists: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(library, home)
        self.block, self.owner, self.staged, self.lists = block, block.name, staged, lists

    def is_own_param(self, name: str) -> bool:
        return name in self.block.params

    def lower(self) -> ir.Function:
        block = self.block
        scope = Scope(
            {"c_in": None, "h_in": None, "w_in": None}, {}, optional=frozenset(n for n, o in block.inputs.items() if o)
        )
        params = {}
        for name, param in block.params.items():
            params[name] = replace(param, default=self.param_default(param, scope))
            scope.numbers[name] = param.span
        further = sorted(block.inputs, key=lambda name: block.inputs[name])  # those that may be absent last
        inputs = {INPUT: ir.Value("x"), **{name: ir.Value(name, many=name in self.lists) for name in further}}
        for name, var in inputs.items():
            if block.name in self.home.blocks:  # what is outlined takes them as they are
                no_channels(name, block.params)
            scope.tensors[name] = var
            scope.numbers[f"c_{name}"] = None
        let = self.lets(block.let, scope)
        require = tuple(self.expr(e, scope) for e in block.require)
        region = ir.Region()
        if not block.body:
            raise fault("empty-body", f"the block '{block.name}' has no steps", block.span)
        region.result = self.body(block.body, scope, Keys(), inputs[INPUT], region)
        return ir.Function(
            name=block.name,
            span=block.span,
            params=params,
            let=let,
            inputs=inputs,
            optional=scope.optional,
            require=require,
            region=region,
            implicit=self.implicit,
            staged=self.staged,
            doc=block.doc,
        )

    def param_default(self, param: s.Param, scope: Scope) -> Expr | None:
        """A default may read earlier params; a word that names nothing is a word."""
        default = param.default
        if isinstance(default, Name) and default.id not in self.block.params and self.is_unknown(default.id, scope):
            return Lit(default.id, span=default.span)
        return self.expr(default, scope) if default is not None else None


class NetworkLowerer(Lowerer):
    """The stages of a file as the body of its network."""

    staged = True

    def __init__(self, library: Library, home: s.Spec) -> None:
        super().__init__(library, home)
        self.owner = home.name
        self.taps: dict[str, ir.Container | ir.Loop] = {}
        places = {name: stage.span for name, stage in home.stages.items()}
        self.keys = Keys({*ATTRIBUTES, *places, *self.methods()}, places=places)  # the modules beside those of stages

    def methods(self) -> set[str]:
        """The method that only a detector has."""
        return {"detect"} if self.home.detect is not None else set()

    def is_own_param(self, name: str) -> bool:
        return name in self.home.params

    def lower(self) -> ir.Function:
        home = self.home
        params, seen = {}, Scope({}, {})
        for name, param in home.params.items():
            default = self.param_default(param, seen)
            params[name] = replace(param, default=default)
            seen.numbers[name] = param.span
        scope = Scope({"c_in": None, "h_in": None, "w_in": None, **{n: p.span for n, p in home.params.items()}}, {})
        first = next(iter(home.inputs), INPUT)
        named = len(home.inputs) > 1 or first != LONE_INPUT
        inputs = {
            INPUT: ir.Value(first if named else "x"),
            **{name: ir.Value(name) for name in home.inputs if name != first},
        }
        scope.tensors.update(inputs)
        if named:
            scope.tensors[first] = inputs[INPUT]
            for name in home.inputs:
                no_channels(name, home.params)
                scope.numbers[f"c_{name}"] = None
        region, current = ir.Region(), inputs[INPUT]
        faults = Collector()
        value: ir.Operand = current
        training: dict[str, ir.Auxiliary] = {}
        for stage in self.wanted_stages():
            with faults.catch():
                if stage.name in self.methods():
                    message = f"'{stage.name}' cannot name a stage: a network with detect: has a method of that name"
                    raise fault("bad-name", message, stage.span, help=RENAME)
                if stage.training:
                    training[stage.name] = self.auxiliary(stage, scope, value)
                    continue
                value = self.stage(stage, scope, value, region)
            scope.tensors.setdefault(stage.name, value)
        faults.finish()
        region.result = value
        if home is not self.library.outermost:  # as a block it gives what leaves its last stage
            training = {}
        stated = home.outputs if home is self.library.outermost else {}
        outputs = {name: self.single(ref, scope) for name, ref in stated.items()}
        return ir.Function(
            name=home.name,
            span=home.span,
            params=params,
            let={},
            inputs=inputs,
            optional=frozenset(),
            require=(),
            region=region,
            network=True,
            staged=True,
            outputs=outputs,
            training=training,
            implicit=self.implicit,
            init=home.init,
            init_when=self.expr(home.init_when, scope) if home.init_when is not None else Lit(True),
            doc=home.doc,
        )

    def auxiliary(self, stage: s.Stage, scope: Scope, current: ir.Operand) -> ir.Auxiliary:
        """A stage of training alone; no other reads it."""
        if stage.name in (self.home.outputs or (LONE_OUTPUT,)):
            message = f"'{stage.name}' names an output: what training adds to the outputs needs another name"
            raise fault("bad-name", message, stage.span, help=RENAME)
        condition = self.expr(stage.when, scope) if stage.when is not None else Lit(True)
        region, local = ir.Region(), scope.inner()
        entry = self.single(stage.source, scope) if stage.source is not None else current
        region.result = self.stage_body(stage, local, entry, region)
        region.nodes[-1].stage = stage.name
        return ir.Auxiliary(condition, region)

    def param_default(self, param: s.Param, seen: Scope) -> Expr | None:
        """A default may read earlier params; a word that names none is a word."""
        if param.default is None:
            return None
        if isinstance(param.default, Name) and param.default.id not in seen.numbers:
            return Lit(param.default.id, span=param.default.span)
        return self.expr_of_params(param.default, seen)

    def expr_of_params(self, expr: Expr, seen: Scope) -> Expr:
        if isinstance(expr, Name):
            if expr.id in seen.numbers:
                return expr
            if expr.id in WORDS or expr.id in self.home.params:
                if expr.id in self.home.params:
                    raise fault(
                        "unknown-name",
                        f"'{expr.id}' is defined only below",
                        expr.span,
                        help="a default may read earlier params",
                    )
                return Lit(expr.id, span=expr.span)
            raise self.unknown(expr, seen)
        return rebuild(expr, lambda part: self.expr_of_params(part, seen))

    def wanted_stages(self) -> list[s.Stage]:
        stages = list(self.home.stages.values())
        if not stages:
            raise fault(
                "no-stages",
                "this spec has no stages, so there is no network to build",
                self.home.span,
                help="write stages:, or name the file in use: of another spec",
            )
        if self.home.until is None:
            return stages
        return stages[: list(self.home.stages).index(self.home.until) + 1]

    def stage(self, stage: s.Stage, scope: Scope, current: ir.Operand, region: ir.Region) -> ir.Operand:
        self.owner = camel(stage.name)  # what is outlined here is named by its stage
        entry = self.single(stage.source, scope) if stage.source is not None else current
        target = ir.Region() if stage.when is not None else region
        local = scope.inner()
        value = self.stage_body(stage, local, entry, target)
        for node in target.nodes[-1:]:
            node.stage = stage.name
        if stage.when is not None:
            condition = self.expr(stage.when, scope)
            target.result = value
            out = ir.Value(stage.name)
            region.nodes.append(
                ir.If(
                    condition=condition,
                    then=target,
                    other=ir.Region(result=current),
                    out=out,
                    span=stage.span,
                    word=stage.name,
                    stage=stage.name,
                )
            )
            value = out
        if isinstance(value, ir.Value) and value.name == "x":
            value.name = stage.name
        if stage.name in scope.numbers:
            raise fault("shadowed-name", f"the stage '{stage.name}' has the name of a param", stage.span)
        scope.tensors[stage.name] = value
        return value

    def stage_body(self, stage: s.Stage, scope: Scope, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        steps = stage.body
        if not steps:
            raise fault("empty-body", f"the stage '{stage.name}' has no steps", stage.span)
        only = steps[0] if len(steps) == 1 else None
        unnamed = only is not None and only.name is None  # a name of its own is a key in the stage, as among others
        plain = unnamed and only is not None and only.when is None and only.source is None and only.into is None
        if plain and isinstance(only, s.LoopStep) and not only.parallel and only.columns and not stage.let:
            value = self.loop(only, scope, Keys(), entry, region, stage=stage)
            node = region.nodes[-1]
            assert isinstance(node, ir.Loop)
            self.taps[stage.name] = node
            return value
        if plain and not stage.let and isinstance(only, s.UseStep) and self.is_link(only):
            return self.body([replace(only, name=stage.name)], scope, Keys(), entry, region)
        if self.is_chain(steps):
            value = self.container(steps, scope, stage.name, entry, region, stage.span, None, "stage", stage.let)
            node = region.nodes[-1]
            assert isinstance(node, ir.Container)
            self.taps[stage.name] = node
            return value
        return self.open_stage(stage, scope, entry, region)

    def open_stage(self, stage: s.Stage, scope: Scope, entry: ir.Operand, region: ir.Region) -> ir.Operand:
        """A stage with joins, taps or named tensors: its modules are the network's, under the stage's name."""
        inner, carry, inside = scope.inner(), ir.Value("x"), ir.Region()
        let = self.lets(stage.let, inner)
        before = set(inner.tensors)
        keys = replace(self.keys, prefix=f"{stage.name}_")  # of one class: the sets are shared
        inside.result = self.body(stage.body, inner, keys, carry, inside)
        keyed = [node for node in inside.walk() if node.key is not None and node.key.startswith(f"{stage.name}_")]
        if len(keyed) == 1 and str(keyed[0].key).removeprefix(f"{stage.name}_") not in step_names(stage.body):
            keyed[0].key = stage.name
        out = ir.Value(stage.name)
        region.nodes.append(ir.Stage(entry=entry, carry=carry, body=inside, let=let, out=out, span=stage.span))
        assert scope.parent is not None
        for name in set(inner.tensors) - before:
            scope.parent.tensors[f"{stage.name}.{name}"] = inner.tensors[name]
        return out

    def tap(self, ref: Name, scope: Scope) -> ir.Operand | None:
        stage, _, rest = ref.id.partition(".")
        if stage in self.taps and rest:
            return ir.Tap(self.taps[stage], tuple(rest.split(".")), ref.span)
        return None
