"""`forward`: dataflow to statements, with single-use values written inline in the order of execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.breaks import has_breaks
from archdsl.backends.torch.declared import KNOWN, TENSOR, Declared, Typed, all_typed, annotated, typed_tree
from archdsl.backends.torch.neighbours import merged
from archdsl.backends.torch.scope import SPARE, Tensors, Words
from archdsl.backends.torch.spelling import one_line
from archdsl.backends.torch.statements import Branching, Carried, Statement, Step, Walked, base, operands_of
from archdsl.backends.torch.sums import with_sums
from archdsl.backends.torch.syntax import NONE, Tree
from archdsl.expr.nodes import Compare, Lit, Name, Unary
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import GENERIC
from archdsl.support.naming import unique

WHOLE = 72  # characters that an assignment has room for
INLINE = 66  # characters beyond which a value gets a line of its own
LEVELS = (("key", "child"), ("inner", "layer"))  # what a container's keys and children are called, by depth


@dataclass(eq=False)
class Pending:
    """A value not yet written: how it is made, and of which tensors."""

    var: ir.Value
    made: Tree
    typed: Typed
    mentions: Counter[ir.Value] = field(default_factory=Counter)
    kind: str = "Tensor"


class ForwardPrinter:
    """Prints the statements of one `forward`."""

    def __init__(
        self,
        inputs: Sequence[ir.Value],
        index: Callable[[ir.Item], Tree],
        tap: Callable[[ir.Tap], Tree],
        hidden: AbstractSet[str],
        given: AbstractSet[str],
        words: Words,
        tensors: Tensors,
    ) -> None:
        self.index, self.tap, self.words, self.tensors = index, tap, words, tensors
        self.hidden = hidden  # what no tensor may be called
        self.given = {word for word in SPARE if word in given}
        self.names: dict[ir.Value | ir.Item, str] = {}
        self.holders: dict[str, ir.Value] = {}
        self.uses: Counter[ir.Value] = Counter()
        self.pending: list[Pending] = []
        self.body: list[py.Statement] = []
        self.parameters = {tensors.word(var) for var in inputs}
        self.declared = Declared(self.parameters)
        self.final: ir.Operand | None = None  # what is given back as it is
        self.assigned: set[ir.Operand] = set()  # what a side of a condition gives a name of its own
        self.outputs: set[ir.Value | None] = set()  # the results that have names
        for var in inputs:
            self.names[var] = tensors.word(var)
            self.holders[tensors.word(var)] = var
        self.inputs = list(inputs)
        self.when_training: Tree = Name("self.training")

    def run(
        self,
        statements: list[Statement],
        results: Sequence[ir.Operand],
        shape: Callable[[Sequence[Tree]], Tree] | None,
        kind: str,
        auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]],
    ) -> list[py.Statement]:
        """The statements of the body; `shape` wraps several results, `kind` is the class of those of training."""
        extra = [(s, r) for s, r in auxiliaries.values()]
        every = [*statements, *(x for s, _ in extra for x in s)]
        for operand in [*results, *(r for _, r in extra), *(o for s in every for o in operands_of(s))]:
            var = base(operand)
            if var is not None:
                self.uses[var] += 1
        self.outputs = {base(result) for result in results} if shape is not None else set()
        self.final = results[0] if shape is None and not auxiliaries else None
        self.statements(statements)
        if auxiliaries:
            self.in_training(results, kind, auxiliaries)
        if shape is None:
            self.give_back(results[0])
        else:
            self.flush()
            self.emit(py.Return(shape([self.read(result) for result in results])))
        return with_sums(merged(self.body), self.parameters)

    def in_training(
        self, results: Sequence[ir.Operand], kind: str, auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]]
    ) -> None:
        """In training the auxiliary heads run too, and all results come back by name."""
        self.flush()
        with self.inside() as body:
            named: list[Tree] = []
            for name, (statements, result) in auxiliaries.items():
                if isinstance(result, ir.Value):
                    self.tensors.called[result] = name
                self.statements(statements)
                self.flush()
                named.append(py.Keyword(name, self.read(result)))
            self.emit(py.Return(py.call(kind, *map(self.read, results), *named)))
        self.emit(py.If(self.when_training, body))

    # --- trees
    def emit(self, statement: py.Statement) -> None:
        self.body.append(statement)

    @contextmanager
    def inside(self) -> Iterator[list[py.Statement]]:
        """What is written meanwhile is a body of its own."""
        outer, self.body = self.body, []
        yield self.body
        self.body = outer

    def read(self, operand: ir.Operand) -> Tree:
        """A value that has a name."""
        if isinstance(operand, ir.Tap):
            return self.tap(operand)
        if isinstance(operand, ir.Item):
            if operand.var.parts:
                return Name(self.names[operand])
            return py.Subscript(Name(self.names[operand.var]), (self.index(operand),))
        return Name(self.names[operand])

    def statements(self, statements: list[Statement]) -> None:
        for statement in statements:
            match statement:
                case Step():
                    self.step(statement)
                case Branching():
                    self.branching(statement)
                case Walked():
                    self.walked(statement)
                case Carried():
                    self.carried(statement)

    # --- values
    def trees(self, args: Sequence[ir.Operand]) -> tuple[list[Tree], Counter[ir.Value], Typed]:
        """The trees of arguments, pending ones inline if they are the last pending, in this order.

        With the tensors that they mention, and what makes all of them a Tensor to a type checker.
        """
        self.name_lists(args)
        wanted = [a for a in args if isinstance(a, ir.Value) and any(p.var is a for p in self.pending)]
        tail = self.pending[len(self.pending) - len(wanted) :]
        if [p.var for p in tail] != wanted or any(self.uses[v] != 1 for v in wanted):
            self.flush()
            tail = []
        inline = {p.var: p for p in tail}
        if tail:
            del self.pending[-len(tail) :]
        mentions: Counter[ir.Value] = Counter()
        found: list[Tree] = []
        typed: list[Typed] = []
        for arg in args:
            if isinstance(arg, ir.Value) and arg in inline:
                found.append(inline[arg].made)
                typed.append(inline[arg].typed)
                mentions.update(inline[arg].mentions)
                self.uses[arg] -= 1
            else:
                var = base(arg)
                if var is not None:
                    mentions[var] += 1
                found.append(self.read(arg))
                typed.append(self.typed_name(arg))
        return found, mentions, all_typed(typed)

    def typed_name(self, operand: ir.Operand) -> Typed:
        """A name is a Tensor once its first assignment says so; the parts of a list and what is tapped are anyway."""
        if isinstance(operand, ir.Item):
            return frozenset({self.names[operand if operand.var.parts else operand.var]})
        return frozenset({self.names[operand]}) if isinstance(operand, ir.Value) else KNOWN

    def name_lists(self, args: Sequence[ir.Operand]) -> None:
        """A list of tensors whose parts are read has a name."""
        lists = [a.var for a in args if isinstance(a, ir.Item)]
        if any(p.var in lists for p in self.pending):
            self.flush()

    def step(self, step: Step) -> None:
        self.name_lists(step.args)
        repeated = any(value.var in step.repeated for value in self.pending)
        if step.named or repeated or self.overflows(step):
            self.flush()
        trees, mentions, typed = self.trees(step.args)
        made = step.made(*trees)
        typed = typed_tree(made, typed)
        if step.alone and self.uses[step.out] == 1 and step.out not in self.outputs:
            self.tensors.called[step.out] = "x"  # a plain chain of stages
        self.pending.append(Pending(step.out, made, typed, mentions, step.kind))
        given_back = step.out in self.assigned or (step.out is self.final and typed is not None)
        if self.uses[step.out] != 1 or step.out.parts or (not given_back and (step.alone or is_long(made))):
            self.flush()

    def overflows(self, step: Step) -> bool:
        """Whether the step with its arguments inline is too long for a line that has no outer call to break."""
        waiting = {p.var: p.made for p in self.pending}
        if not any(arg in waiting for arg in step.args):
            return False
        made = step.made(*(waiting[a] if isinstance(a, ir.Value) and a in waiting else self.read(a) for a in step.args))
        return len(one_line(made)) > WHOLE and not has_breaks(made)

    def flush(self) -> None:
        """Writes what is pending, in order."""
        pending, self.pending = self.pending, []
        for value in pending:
            for var, count in value.mentions.items():
                self.uses[var] -= count
            if value.var.parts:
                self.unpack(value)
                continue
            name = self.name_for(value.var)
            if isinstance(value.made, py.Call) and value.made.function == Name("accumulate"):
                value.made = py.call("list", value.made)
            if not value.var.many or value.typed is None:
                self.declared.assign(name, value.typed, value.kind)
            self.emit(py.assign(name, value.made))

    def unpack(self, value: Pending) -> None:
        parts = []
        for part in value.var.parts:
            name = self.fresh(part)
            parts.append(name)
            self.holders[name] = value.var
        for item, name in zip(value.var.items, parts, strict=True):
            self.names[item] = name
        for name in parts:
            if value.typed is None:
                self.declared.assign(name, None)
            else:
                self.declared.known.add(name)
        left = py.Tuple(tuple(map(Name, parts)), bracketed=len(parts) == 1)
        self.emit(py.Assign(left, value.made))

    def name_for(self, var: ir.Value) -> str:
        """The var's word; a word whose value is no longer needed is used again."""
        word = self.tensors.word(var)
        name = self.fresh("branches" if var.many and word == "x" else word)
        self.names[var], self.holders[name] = name, var
        return name

    def fresh(self, wanted: str) -> str:
        taken = {*self.hidden, *(n for n, v in self.holders.items() if self.uses[v] > 0)}
        if wanted == "x" and wanted in taken:
            taken |= self.given  # what the spec calls another tensor
            return next((n for n in SPARE if n not in taken), None) or unique(SPARE[0], taken)
        return unique(wanted, taken)

    # --- control
    def branching(self, node: Branching) -> None:
        """A choice whose one side is a single expression prints as a conditional expression."""
        if node.other_result is None:
            self.optional(node)
            return
        other_var = node.other_result if isinstance(node.other_result, ir.Value) else None
        if len(node.then) == 1 and isinstance(node.then[0], Step) and not node.other and other_var is not None:
            step = node.then[0]
            if node.then_result is step.out and not step.out.parts:
                self.flush()
                trees = [self.read(a) for a in step.args]
                mentions = Counter(v for a in (*step.args, other_var) if (v := base(a)) is not None)
                other_typed = self.typed_name(other_var)
                self.uses[step.out] -= 1
                chosen = step.made(*trees)
                made = py.Conditional(chosen, node.condition, self.read(other_var))
                typed = all_typed([typed_tree(chosen, all_typed(map(self.typed_name, step.args))), other_typed])
                self.pending.append(Pending(node.out, made, typed, mentions))
                given_back = node.out is self.final and typed is not None
                if self.uses[node.out] != 1 or (is_long(made) and not given_back):
                    self.flush()
                return
        self.flush()
        self.long_branching(node)

    def optional(self, node: Branching) -> None:
        """A branch that may not exist: a list of one tensor or of none."""
        self.flush()
        if len(node.then) == 1 and isinstance(node.then[0], Step) and node.then_result is node.then[0].out:
            step = node.then[0]
            mentions = Counter(v for a in step.args if (v := base(a)) is not None)
            self.uses[step.out] -= 1
            made = step.made(*(self.read(a) for a in step.args))
            found = py.Conditional(made if node.out.many else py.List((made,)), node.condition, py.List(()))
            self.pending.append(Pending(node.out, found, KNOWN, mentions))
            self.flush()
            return
        if not node.then and not node.out.many:  # a tensor as it is
            held = base(node.then_result)
            found = py.Conditional(py.List((self.read(node.then_result),)), node.condition, py.List(()))
            self.pending.append(Pending(node.out, found, KNOWN, Counter([held] if held is not None else [])))
            self.flush()
            return
        name = self.name_for(node.out)
        self.emit(py.Assign(Name(name), py.List(()), py.Subscript(Name("list"), (TENSOR,))))
        before = dict(self.holders)
        with self.inside() as body:
            self.statements(node.then)
            self.flush()
            add = f"{name}.{'extend' if node.out.many else 'append'}"
            self.emit(py.Evaluate(py.call(add, self.read(node.then_result))))
        self.emit(py.If(node.condition, body))
        self.holders = before

    def long_branching(self, node: Branching) -> None:
        name = self.branching_name(node)
        before = dict(self.holders)
        then = self.side(node.then, node.then_result, name)
        self.holders = before
        assert node.other_result is not None
        other = self.side(node.other, node.other_result, name)
        if then:
            self.emit(py.If(node.condition, then, other))
        elif other:
            self.emit(py.If(negated(node.condition), other))
        self.names[node.out], self.holders[name] = name, node.out

    def branching_name(self, node: Branching) -> str:
        """The name of what comes out: of the tensor passed through, or of one that only this statement reads."""
        through = node.other_result if isinstance(node.other_result, ir.Value) and not node.other else None
        word = self.tensors.word(node.out)
        wanted = word if through is None else self.names.get(through, word)
        holder = self.holders.get(wanted) if wanted not in self.hidden else None
        if holder is not None and self.uses[holder] == sum(base(o) is holder for o in operands_of(node)):
            return wanted
        held = {n for n, v in self.holders.items() if self.uses[v] > 0}
        if wanted in held and word not in GENERIC:
            wanted = word
        return self.fresh(unique(wanted, held))

    def side(self, statements: list[Statement], result: ir.Operand, name: str) -> list[py.Statement]:
        """The statements of one side of a condition, which leave its result under a name."""
        with self.inside() as body:
            self.one_side(statements, result, name)
        return body

    def one_side(self, statements: list[Statement], result: ir.Operand, name: str) -> None:
        self.assigned.add(result)
        self.statements(statements)
        if self.pending and isinstance(result, ir.Value) and self.pending[-1].var is result and len(self.pending) == 1:
            value = self.pending.pop()
            for var, count in value.mentions.items():
                self.uses[var] -= count
            self.uses[result] -= 1
            self.declared.assign(name, value.typed)
            self.emit(py.assign(name, value.made))
        else:
            self.flush()
            found = self.read(result)
            held = base(result)
            if held is not None:
                self.uses[held] -= 1
            if found != Name(name):
                self.declared.assign(name, self.typed_name(result))
                self.emit(py.assign(name, found))

    def walked(self, node: Walked) -> None:
        if any(value.var in map(base, node.further) for value in self.pending):  # made once, in front of the loop
            self.flush()
        (entry, *further), mentions, typed = self.trees([node.entry, *node.further])
        self.flush()
        later = Counter(var for operand in node.further if (var := base(operand)) is not None)
        for var, count in (mentions - later).items():
            self.uses[var] -= count
        name = self.name_for(node.out)  # of none that a later turn reads
        for var, count in later.items():
            self.uses[var] -= count
        if entry != Name(name):
            self.declared.assign(name, typed)
            self.emit(py.assign(name, entry))
        called = (Name(name), *further)
        if node.store:
            self.kept(node, name, called)
        else:
            attribute, layer = f"self.{node.attribute}", self.words.word("layer")
            children = py.call(f"{attribute}.values") if node.named else Name(attribute)
            self.emit(py.For(Name(layer), children, [py.assign(name, py.call(layer, *called))]))
        self.declared.assign(name, None)

    def carried(self, node: Carried) -> None:
        """`for layer in self.layers: x, y = layer(x, y)`."""
        if node.out.parts:
            self.flush()
            entries = [self.read(operand) for operand in node.entries]
            for operand in node.entries:
                self.used(operand)
        else:
            entries, mentions, _ = self.trees(node.entries)
            self.flush()
            self.uses.subtract(mentions)
        names = self.names_carried(node)
        moved = [(name, entry) for name, entry in zip(map(Name, names), entries, strict=True) if name != entry]
        if moved:
            left, right = (py.side_by_side(trees) if len(moved) > 1 else trees[0] for trees in zip(*moved, strict=True))
            self.emit(py.Assign(left, right))
        args = [Name(names[a]) if isinstance(a, int) else NONE if a is None else self.read(a) for a in node.args]
        layer, attribute = self.words.word("layer"), f"self.{node.attribute}"
        children = py.call(f"{attribute}.values") if node.named else Name(attribute)
        turn = py.Assign(py.targets(names), py.call(layer, *args))
        self.emit(py.For(Name(layer), children, [turn]))
        for operand in node.further:
            self.used(operand)
        for name in names:
            self.declared.assign(name, None, node.kind)

    def names_carried(self, node: Carried) -> list[str]:
        """The names of the tensors that the turns of a loop carry, which stay from turn to turn."""
        if not node.out.parts:
            return [self.name_for(node.out)]
        names: list[str] = []
        for item, part in zip(node.out.items, node.out.parts, strict=True):
            name = self.fresh(part)
            self.names[item], self.holders[name] = name, node.out
            names.append(name)
        return names

    def used(self, operand: ir.Operand) -> None:
        """A tensor is read once less."""
        var = base(operand)
        if var is not None:
            self.uses[var] -= 1

    def kept(self, node: Walked, name: str, called: tuple[Tree, ...]) -> None:
        """The loop over children whose outputs are read elsewhere."""
        self.emit(py.Assign(Name(node.store), py.Dict(()), py.Subscript(Name("dict"), (Name("str"), TENSOR))))
        self.emit(self.children(node, f"self.{node.attribute}", name, called, node.paths, ()))

    def children(
        self,
        node: Walked,
        parent: str,
        name: str,
        called: tuple[Tree, ...],
        paths: frozenset[tuple[str, ...]],
        outer: tuple[str, ...],
    ) -> py.For:
        """The loop over the children of one container; those on whose children a path goes on are walked too."""
        wanted = LEVELS[len(outer)] if len(outer) < len(LEVELS) else (f"key_{len(outer)}", f"layer_{len(outer)}")
        key, child = map(self.words.word, wanted)
        place = py.Joined(tuple(map(Name, (*outer, key)))) if outer else Name(key)
        stored, run = py.Subscript(Name(node.store), (place,)), py.call(child, *called)
        deeper = {path[0]: frozenset(p[1:] for p in paths if p[0] == path[0] and p[1:]) for path in paths if path[1:]}
        body: list[py.Statement]
        if not deeper:
            body = [py.Assign(Name(name), run, also=stored)]
        elif node.chained and not outer:
            below = frozenset().union(*deeper.values())
            body = [self.children(node, child, name, called, below, (*outer, key)), py.Assign(stored, Name(name))]
        else:
            choice: list[py.Statement] = [py.assign(name, run)]
            for word, below in sorted(deeper.items(), reverse=True):
                walked = self.children(node, child, name, called, below, (*outer, key))
                choice = [py.If(Compare("==", Name(key), Lit(word)), [walked], choice)]
            body = [*choice, py.Assign(stored, Name(name))]
        return py.For(py.targets([key, child]), py.call(f"{parent}.named_children"), body)

    def give_back(self, result: ir.Operand) -> None:
        """`return`, through a typed name where the checker sees no Tensor."""
        if len(self.pending) == 1 and self.pending[0].var is result and self.pending[0].typed is not None:
            wanted = self.pending[0].typed or KNOWN
            self.emit(py.Return(self.pending[0].made))
        else:
            self.flush()
            wanted = self.typed_name(result) or KNOWN
            self.emit(py.Return(self.read(result)))
        self.body = annotated(self.body, self.declared.wanted(wanted), self.declared.kinds)


def negated(condition: Tree) -> Tree:
    """The opposite of a condition that is an attribute, its opposite, or a comparison."""
    if isinstance(condition, Unary) and condition.op == "not":
        return condition.operand
    if isinstance(condition, Compare) and condition.op in ("==", "!="):
        return Compare("!=" if condition.op == "==" else "==", condition.left, condition.right)
    return py.Prefixed("not", condition if isinstance(condition, Name) else py.Bracketed(condition))


def is_long(made: Tree) -> bool:
    """Whether a value gets a line of its own."""
    return len(one_line(made)) > INLINE
