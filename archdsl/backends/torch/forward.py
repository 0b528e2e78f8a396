"""`forward`: dataflow to statements, with single-use values written inline in the order of execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.backends.torch.layout import broken
from archdsl.backends.torch.scope import SPARE, Tensors, Words
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import GENERIC
from archdsl.support.naming import unique

WHOLE = 72  # characters that an assignment has room for
INLINE = 66  # characters beyond which a value gets a line of its own
LEVELS = (("key", "child"), ("inner", "layer"))  # what a container's keys and children are called, by depth


@dataclass(eq=False)
class Step:
    """`out = text(args)`."""

    out: ir.Value
    args: tuple[ir.Operand, ...]
    text: Callable[..., str]
    alone: bool = False  # a stage: a line of its own
    named: bool = False  # its text reads the arguments more than once: they need names
    repeated: frozenset[ir.Operand] = frozenset()  # those of them that it reads so, if it is not all
    attribute: str | None = None  # the attribute called, of a plain `self.a(x)`
    kind: str = "Tensor"  # the type of what it gives, where a type checker sees none


@dataclass(eq=False)
class Branching:
    """`if condition:` over steps; both sides leave their value in `out`."""

    out: ir.Value
    condition: str
    then: list[Statement]
    then_result: ir.Operand
    other: list[Statement]
    other_result: ir.Operand | None  # None: an optional branch, absent


@dataclass(eq=False)
class Walked:
    """A container whose children are called one after another.

    Each takes `further` tensors; the outputs that lie on the `paths` are kept in `store` (if it has a name) by key.
    """

    out: ir.Value
    entry: ir.Operand
    attribute: str
    further: tuple[ir.Operand, ...] = ()
    store: str = ""
    paths: frozenset[tuple[str, ...]] = frozenset()
    chained: bool = False  # its children are containers, each of them
    named: bool = False  # its children have names


@dataclass(eq=False)
class Carried:
    """A container whose children are called one after another on several tensors, or a list of them, each giving such.

    `args` are what each child takes: the place among the tensors carried, a tensor from outside, or None.
    """

    out: ir.Value
    entries: tuple[ir.Operand, ...]
    attribute: str
    args: tuple[int | ir.Operand | None, ...]
    kind: str
    named: bool = False  # its children have names

    @property
    def further(self) -> Iterator[ir.Operand]:
        """The tensors from outside."""
        return (arg for arg in self.args if arg is not None and not isinstance(arg, int))


Statement = Step | Branching | Walked | Carried


def operands_of(statement: Statement) -> Iterator[ir.Operand]:
    """Every operand a statement reads, those of inner statements included."""
    match statement:
        case Step(args=args):
            yield from args
        case Walked(entry=entry, further=further):
            yield from (entry, *further)
        case Carried(entries=entries):
            yield from (*entries, *statement.further)
        case Branching():
            for inner in (*statement.then, *statement.other):
                yield from operands_of(inner)
            yield statement.then_result
            if statement.other_result is not None:
                yield statement.other_result


def base(operand: ir.Operand) -> ir.Value | None:
    return operand if isinstance(operand, ir.Value) else operand.var if isinstance(operand, ir.Item) else None


Typed: TypeAlias = "frozenset[str] | None"  # the names that make a text a Tensor to a type checker; None: nothing does
KNOWN: frozenset[str] = frozenset()


@dataclass(eq=False)
class Pending:
    """A value not yet written: its text, and what the text mentions."""

    var: ir.Value
    text: str
    typed: Typed
    mentions: Counter[ir.Value] = field(default_factory=Counter)
    kind: str = "Tensor"


class ForwardPrinter:
    """Prints the statements of one `forward`."""

    def __init__(
        self,
        inputs: Sequence[ir.Value],
        index: Callable[[ir.Item], str],
        tap: Callable[[ir.Tap], str],
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
        self.lines: list[tuple[int, str]] = []
        self.depth = 0
        self.parameters = {tensors.word(var) for var in inputs}
        self.declared = Declared(self.parameters)
        self.final: ir.Operand | None = None  # what is given back as it is
        self.assigned: set[ir.Operand] = set()  # what a side of a condition gives a name of its own
        self.outputs: set[ir.Value | None] = set()  # the results that have names
        for var in inputs:
            self.names[var] = tensors.word(var)
            self.holders[tensors.word(var)] = var
        self.inputs = list(inputs)
        self.when_training = "self.training"

    def run(
        self,
        statements: list[Statement],
        results: Sequence[ir.Operand],
        shape: Callable[[list[str]], str] | None,
        kind: str,
        auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]],
    ) -> list[tuple[int, str]]:
        """The lines of the body, with their depth; `shape` wraps several results."""
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
            self.emit(f"return {shape([self.read(r) for r in results])}")
        return self.lines

    def in_training(
        self, results: Sequence[ir.Operand], kind: str, auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]]
    ) -> None:
        """In training the auxiliary heads run too, and all results come back by name."""
        self.flush()
        self.emit(f"if {self.when_training}:")
        self.depth += 1
        texts = []
        for name, (statements, result) in auxiliaries.items():
            if isinstance(result, ir.Value):
                self.tensors.called[result] = name
            self.statements(statements)
            self.flush()
            texts.append(f"{name}={self.read(result)}")
        self.emit(f"return {kind}({', '.join([*map(self.read, results), *texts])})")
        self.depth -= 1

    # --- text
    def emit(self, text: str) -> None:
        self.lines.append((self.depth, text))

    def read(self, operand: ir.Operand) -> str:
        """The text of a value that has a name."""
        if isinstance(operand, ir.Tap):
            return self.tap(operand)
        if isinstance(operand, ir.Item):
            if operand.var.parts:
                return self.names[operand]
            return f"{self.names[operand.var]}[{self.index(operand)}]"
        return self.names[operand]

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
    def texts(self, args: Sequence[ir.Operand]) -> tuple[list[str], Counter[ir.Value], Typed]:
        """The texts of arguments, pending ones inline if they are the last pending, in this order.

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
        found: list[str] = []
        typed: list[Typed] = []
        for arg in args:
            if isinstance(arg, ir.Value) and arg in inline:
                found.append(inline[arg].text)
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
        return frozenset({self.read(operand)}) if isinstance(operand, ir.Value) else KNOWN

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
        texts, mentions, typed = self.texts(step.args)
        text = step.text(*texts)
        typed = typed_text(text, typed)
        if step.alone and self.uses[step.out] == 1 and step.out not in self.outputs:
            self.tensors.called[step.out] = "x"  # a plain chain of stages
        self.pending.append(Pending(step.out, text, typed, mentions, step.kind))
        given_back = step.out in self.assigned or (step.out is self.final and typed is not None)
        if self.uses[step.out] != 1 or step.out.parts or (not given_back and (step.alone or len(text) > INLINE)):
            self.flush()

    def overflows(self, step: Step) -> bool:
        """Whether the step with its arguments inline is too long for a line that has no outer call to break."""
        waiting = {p.var: p.text for p in self.pending}
        if not any(arg in waiting for arg in step.args):
            return False
        text = step.text(*(waiting[a] if isinstance(a, ir.Value) and a in waiting else self.read(a) for a in step.args))
        return len(text) > WHOLE and isinstance(broken(text), str)

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
            if value.text.startswith("accumulate("):
                value.text = f"list({value.text})"
            if not value.var.many or value.typed is None:
                self.declared.assign(name, value.typed, value.kind)
            self.emit(f"{name} = {value.text}")

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
        left = ", ".join(parts) if len(parts) > 1 else f"({parts[0]},)"
        self.emit(f"{left} = {value.text}")

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
                texts = [self.read(a) for a in step.args]
                mentions = Counter(v for a in (*step.args, other_var) if (v := base(a)) is not None)
                other_typed = self.typed_name(other_var)
                self.uses[step.out] -= 1
                chosen = step.text(*texts)
                text = f"{chosen} if {node.condition} else {self.read(other_var)}"
                typed = all_typed([typed_text(chosen, all_typed(map(self.typed_name, step.args))), other_typed])
                self.pending.append(Pending(node.out, text, typed, mentions))
                given_back = node.out is self.final and typed is not None
                if self.uses[node.out] != 1 or (len(text) > INLINE and not given_back):
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
            made = step.text(*(self.read(a) for a in step.args))
            text = f"{made if node.out.many else f'[{made}]'} if {node.condition} else []"
            self.pending.append(Pending(node.out, text, KNOWN, mentions))
            self.flush()
            return
        name = self.name_for(node.out)
        self.emit(f"{name}: list[Tensor] = []")
        self.emit(f"if {node.condition}:")
        before = dict(self.holders)
        self.depth += 1
        self.statements(node.then)
        self.flush()
        self.emit(f"{name}.{'extend' if node.out.many else 'append'}({self.read(node.then_result)})")
        self.depth -= 1
        self.holders = before

    def long_branching(self, node: Branching) -> None:
        name = self.branching_name(node)
        before = dict(self.holders)
        start = len(self.lines)
        self.emit(f"if {node.condition}:")
        self.side(node.then, node.then_result, name)
        self.holders = before
        mark = len(self.lines)
        assert node.other_result is not None
        self.side(node.other, node.other_result, name)
        if mark == start + 1 and len(self.lines) > mark:
            self.lines[start] = (self.depth, f"if {negated(node.condition)}:")
        elif len(self.lines) > mark:
            self.lines[mark:mark] = [(self.depth, "else:")]
            self.join_else(mark)
        if len(self.lines) == start + 1:
            del self.lines[start]
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

    def join_else(self, mark: int) -> None:
        """`else:` over a lone `if` is an `elif`."""
        inner = self.lines[mark + 1 :]
        own = [text for depth, text in inner if depth == self.depth + 1]
        if own and own[0].startswith("if ") and all(t.startswith(("elif ", "else:")) for t in own[1:]):
            rest = [(depth - 1, text) for depth, text in inner]
            self.lines[mark:] = [(self.depth, f"el{rest[0][1]}"), *rest[1:]]

    def side(self, statements: list[Statement], result: ir.Operand, name: str) -> None:
        self.depth += 1
        self.assigned.add(result)
        self.statements(statements)
        if self.pending and isinstance(result, ir.Value) and self.pending[-1].var is result and len(self.pending) == 1:
            value = self.pending.pop()
            for var, count in value.mentions.items():
                self.uses[var] -= count
            self.uses[result] -= 1
            self.declared.assign(name, value.typed)
            self.emit(f"{name} = {value.text}")
        else:
            self.flush()
            text = self.read(result)
            held = base(result)
            if held is not None:
                self.uses[held] -= 1
            if text != name:
                self.declared.assign(name, self.typed_name(result))
                self.emit(f"{name} = {text}")
        self.depth -= 1

    def walked(self, node: Walked) -> None:
        if any(value.var in map(base, node.further) for value in self.pending):  # made once, in front of the loop
            self.flush()
        (entry, *further), mentions, typed = self.texts([node.entry, *node.further])
        self.flush()
        later = Counter(var for operand in node.further if (var := base(operand)) is not None)
        for var, count in (mentions - later).items():
            self.uses[var] -= count
        name = self.name_for(node.out)  # of none that a later turn reads
        for var, count in later.items():
            self.uses[var] -= count
        if entry != name:
            self.declared.assign(name, typed)
            self.emit(f"{name} = {entry}")
        called = ", ".join([name, *further])
        if node.store:
            self.kept(node, name, called)
        else:
            children = f"self.{node.attribute}{'.values()' if node.named else ''}"
            layer = self.words.word("layer")
            self.emit(f"for {layer} in {children}:")
            self.lines.append((self.depth + 1, f"{name} = {layer}({called})"))
        self.declared.assign(name, None)

    def carried(self, node: Carried) -> None:
        """`for layer in self.layers: x, y = layer(x, y)`."""
        if node.out.parts:
            self.flush()
            entries = [self.read(operand) for operand in node.entries]
            for operand in node.entries:
                self.used(operand)
        else:
            entries, mentions, _ = self.texts(node.entries)
            self.flush()
            self.uses.subtract(mentions)
        names = self.names_carried(node)
        moved = [(name, entry) for name, entry in zip(names, entries, strict=True) if name != entry]
        if moved:
            left, right = (", ".join(texts) for texts in zip(*moved, strict=True))
            self.emit(f"{left} = {right}")
        args = [names[arg] if isinstance(arg, int) else "None" if arg is None else self.read(arg) for arg in node.args]
        layer = self.words.word("layer")
        self.emit(f"for {layer} in self.{node.attribute}{'.values()' if node.named else ''}:")
        self.lines.append((self.depth + 1, f"{', '.join(names)} = {layer}({', '.join(args)})"))
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

    def kept(self, node: Walked, name: str, called: str) -> None:
        """The loop over children whose outputs are read elsewhere."""
        self.emit(f"{node.store}: dict[str, Tensor] = {{}}")
        self.children(node, f"self.{node.attribute}", name, called, node.paths, ())

    def children(
        self,
        node: Walked,
        parent: str,
        name: str,
        called: str,
        paths: frozenset[tuple[str, ...]],
        outer: tuple[str, ...],
    ) -> None:
        """The loop over the children of one container; those on whose children a path goes on are walked too."""
        wanted = LEVELS[len(outer)] if len(outer) < len(LEVELS) else (f"key_{len(outer)}", f"layer_{len(outer)}")
        key, child = map(self.words.word, wanted)
        place = key if not outer else f'f"{".".join(f"{{{word}}}" for word in (*outer, key))}"'
        deeper = {path[0]: frozenset(p[1:] for p in paths if p[0] == path[0] and p[1:]) for path in paths if path[1:]}
        self.emit(f"for {key}, {child} in {parent}.named_children():")
        self.depth += 1
        if not deeper:
            self.emit(f"{name} = {node.store}[{place}] = {child}({called})")
        elif node.chained and not outer:
            below = frozenset().union(*deeper.values())
            self.children(node, child, name, called, below, (*outer, key))
            self.emit(f"{node.store}[{place}] = {name}")
        else:
            for number, (word, below) in enumerate(sorted(deeper.items())):
                self.emit(f'{"elif" if number else "if"} {key} == "{word}":')
                self.depth += 1
                self.children(node, child, name, called, below, (*outer, key))
                self.depth -= 1
            self.emit("else:")
            self.lines.append((self.depth + 1, f"{name} = {child}({called})"))
            self.emit(f"{node.store}[{place}] = {name}")
        self.depth -= 1

    def give_back(self, result: ir.Operand) -> None:
        """`return`, through a typed name where the checker sees no Tensor."""
        if len(self.pending) == 1 and self.pending[0].var is result and self.pending[0].typed is not None:
            wanted = self.pending[0].typed or KNOWN
            self.emit(f"return {self.pending[0].text}")
        else:
            self.flush()
            wanted = self.typed_name(result) or KNOWN
            self.emit(f"return {self.read(result)}")
        self.lines = annotated(self.lines, self.declared.wanted(wanted), self.declared.kinds)


def negated(condition: str) -> str:
    """The opposite of a condition that is an attribute, its opposite, or a comparison."""
    if condition.startswith("not "):
        return condition.removeprefix("not ")
    return f"not {condition}" if " " not in condition else f"not ({condition})"


class Declared:
    """The local names of a function: a type checker is told of those alone that make what is given back a Tensor.

    It knows nothing of what a module gives (`nn.Module.__call__` is Any).
    """

    def __init__(self, parameters: Iterable[str]) -> None:
        self.known = set(parameters)  # names that are Tensors by themselves
        self.assigned: dict[str, list[Typed]] = {}
        self.kinds: dict[str, str] = {}  # of names that are lists

    def assign(self, name: str, typed: Typed, kind: str = "Tensor") -> None:
        """A statement gives a name a value."""
        if kind != "Tensor":
            self.kinds[name] = kind
        self.assigned.setdefault(name, []).append(typed)

    def wanted(self, names: Iterable[str]) -> set[str]:
        """The names that are to be annotated, so that these are Tensors."""
        found: set[str] = set()
        for name in set(names) - self.known:
            self.known.add(name)
            values = self.assigned.get(name, [])
            found |= {name} if None in values else self.wanted(inner for typed in values for inner in typed or ())
        return found


def annotated(
    lines: Sequence[tuple[int, str]], names: AbstractSet[str], kinds: Mapping[str, str]
) -> list[tuple[int, str]]:
    """The lines of a function in which the first assignments of some names say that they are Tensors.

    Names that are assigned together are declared before.
    """
    found, left = [], set(names)
    for depth, text in lines:
        name = text.partition(" = ")[0]
        together = left & set(name.split(", ")) if ", " in name else set()
        found += [(depth, f"{part}: Tensor") for part in name.split(", ") if part in together]
        found.append((depth, f"{name}: {kinds.get(name, 'Tensor')}{text[len(name) :]}" if name in left else text))
        left -= {name, *together}
    return found


def typed_text(text: str, arguments: Typed) -> Typed:
    """What makes a text a Tensor to a type checker, of arguments that these names make Tensors."""
    if text.startswith(("torch.", "F.", "[")):
        return KNOWN
    return None if text.startswith("self.") else arguments


def all_typed(found: Iterable[Typed]) -> Typed:
    """What makes all of some texts Tensors."""
    names: set[str] = set()
    for typed in found:
        if typed is None:
            return None
        names |= typed
    return frozenset(names)
