"""Containers: the modules of chains and loops under one key, and how `forward` runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.classifier import either
from archdsl.backends.torch.loops import LoopWriter
from archdsl.backends.torch.pieces import Piece, aimed, appended, container, joined_pieces
from archdsl.backends.torch.statements import Carried, Step, Walked
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.fold import negated
from archdsl.expr.nodes import Expr, Name, names
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Containers:
    """The containers of one class."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.depth = 0
        self.stores: dict[ir.Operation, str] = {}  # what keeps the outputs of a container that are read elsewhere

    def pieces(self, node: ir.Container) -> list[Piece]:
        with self.inside(node):
            return self.chain(node.body)

    @contextmanager
    def inside(self, node: ir.Container) -> Iterator[None]:
        """What is read meanwhile stands in a container; its channels are then noted."""
        channels, numbers = self.writer.channels, self.writer.numbers
        channels[node.carry] = channels.of(node.entry)
        kept = dict(numbers.bound)
        numbers.bound.update({name: (node.id, name) for name in node.let})
        yield
        numbers.bound = kept
        channels[node.out] = channels.leaves(node.body)

    def chain(self, region: ir.Region) -> list[Piece]:
        """The children that a chain makes."""
        found: list[Piece] = []
        for node in region.nodes:
            match node:
                case ir.Primitive() | ir.Call():
                    found.append(Piece(self.writer.modules.module(node), node.key))
                case ir.If():
                    found = joined_pieces(found, self.optional_piece(node))
                case ir.Loop():
                    found += self.loop_pieces(node)
                case ir.Container():
                    found.append(self.inner_container(node))
        return found

    def inner_container(self, node: ir.Container) -> Piece:
        """A container in a container: in one expression, or made first and then added."""
        self.depth += 1
        name = self.writer.words.word("layers" if self.depth == 1 else f"layers_{self.depth}")
        pieces = self.pieces(node)
        self.depth -= 1
        whole = self.sequential(pieces)
        if whole is not None:
            return Piece(whole, node.key)
        return Piece(body=[*container(name, pieces), *appended([Piece(Name(name), node.key)])])

    def sequential(self, pieces: list[Piece], head: str = "nn.Sequential") -> Tree | None:
        """A container in one expression, or None if it takes statements."""
        if any(p.body or p.key is not None for p in pieces):
            return None
        modules = tuple(p.module for p in pieces if p.module is not None)
        if head == "nn.Sequential":
            return py.call(head, *modules)
        match modules:
            case (py.Starred(py.List(items)),):
                return py.call(head, *items)
        return py.call(head, py.List(modules))

    def optional_piece(self, node: ir.If) -> list[Piece]:
        decided = self.writer.decided(node)
        if decided is not None:
            region = node.then if decided else node.other
            found = self.chain(region)
            self.leave(node, decided)
            return found
        shown = self.writer.numbers.shown(node.condition, (node.id, "condition"))
        with self.writer.numbers.given(shown, True):
            then = self.chain(node.then)
        with self.writer.numbers.given(shown, False):
            other = self.chain(node.other)
        self.leave(node, decided)
        pair = [single_module(side) for side in (then, other)]
        if pair[0] is not None and pair[1] is not None and then[0].key == other[0].key:
            return [Piece(either(pair[0], shown, pair[1]), then[0].key)]
        if not then:  # the other side alone makes modules
            then, other, shown = other, [], negated(shown)
        if not then:
            return []
        lasting = self.writer.numbers.fixed.issuperset(name.id for name in names(shown))
        whole = py.If(shown, appended(then), appended(other))
        return [Piece(body=[whole], condition=shown if lasting and not other else None)]

    def leave(self, node: ir.If, decided: bool | None) -> None:
        """Notes the channels after an optional part of a chain: of one side, or of both."""
        channels = self.writer.channels
        if decided is None:
            channels[node.out] = channels.merge(node.condition, channels.leaves(node.then), channels.leaves(node.other))
        else:
            channels[node.out] = channels.leaves(node.then if decided else node.other)

    def set_attribute(
        self, key: str, pieces: list[Piece], let: Mapping[str, Expr], node: ir.Operation, head: str = "nn.Sequential"
    ) -> None:
        """`self.writer.key = nn.Sequential(…)`, in one expression or step by step."""
        self.writer.attributes.append(key)
        named: list[py.Statement] = [
            py.assign(name, self.writer.numbers.close(expr))
            for name, expr in reversed(list(let.items()))
            if (node.id, name) in self.writer.numbers.used
        ]
        self.writer.body += named[::-1]
        target, whole = f"self.{key}", self.sequential(pieces, head)
        if whole is not None:
            self.writer.body.append(py.assign(target, whole))
        elif head == "nn.Sequential":
            self.writer.body += container(target, pieces)
        else:
            self.writer.body += [py.assign(target, py.call(head)), *aimed(appended(pieces), target)]

    def run_container(self, node: ir.Container | ir.Loop) -> None:
        key = str(node.key)
        paths = frozenset(self.writer.origin.facts.taps.get(node.id, ()))
        if paths:
            self.stores[node] = self.writer.spoken.word(f"{key}_outputs")
        further = self.writer.resolved(further_of(node))
        if paths or further:
            entry, store, named = self.writer.resolve(node.entry), self.stores.get(node, ""), is_named(node)
            chained = isinstance(node, ir.Loop) and node.wrap
            self.writer.statements.append(Walked(node.out, entry, key, further, store, paths, chained, named))
        else:
            self.writer.run_attribute(key, node.out, (node.entry,))

    def class_loop(self, node: ir.Loop) -> None:
        if node.carry.many and not any(
            self.writer.origin.facts.turns.get(node.id, ())
        ):  # its body is no class: it never runs
            self.writer.channels[node.out] = self.writer.channels.of(node.entry)
            self.writer.alias(node.out, node.entry)
            return
        pieces = self.loop_pieces(node)
        key = str(node.key)
        if node.parallel:
            self.set_attribute(key, pieces, {}, node, "nn.ModuleList")
            self.side_by_side(node, key)
            return
        chained = not further_of(node) and not node.carry.many
        plain = "nn.Sequential" if chained else "nn.ModuleDict" if is_named(node) else "nn.ModuleList"
        self.set_attribute(key, pieces, {}, node, plain)
        if node.carry.many:
            self.run_carried(node, key)
        else:
            self.run_container(node)

    def run_carried(self, node: ir.Loop, key: str) -> None:
        """The children of a loop on the tensors that it carries."""
        (call,) = node.body.nodes
        assert isinstance(call, ir.Call)
        places: dict[ir.Operand, int] = {item: n for n, item in enumerate(node.carry.items)} or {node.carry: 0}
        taken = self.writer.done.classes[call.block.id].further
        last = max((n for n, name in enumerate(taken) if name in call.tensors), default=-1)
        given = [*call.ins, *(call.tensors.get(name) for name in taken[: last + 1])]
        args = tuple(places.get(o, self.writer.resolve(o)) if o is not None else None for o in given)
        kind = "Tensor" if node.carry.items else self.writer.calls.kind_of(call)
        entries = self.writer.lists.entries_of(node)
        self.writer.statements.append(Carried(node.out, entries, key, args, kind, is_named(node)))

    def side_by_side(self, node: ir.Loop, key: str) -> None:
        """The branches of `each:` as a comprehension, over the tensors that enter where each has its own."""
        word = self.writer.spoken.word("branch" if "branches" in key else singular(key))
        entries, further = self.writer.resolved(node.operands()), self.writer.resolved(further_of(node))
        tensor = node.entered.removeprefix("c_")
        own = self.writer.spoken.word(tensor, f"{tensor}_tensor") if node.entries else ""

        def print_branches(*trees: Tree) -> Tree:
            entering, rest = trees[: len(entries)], trees[len(entries) :]
            branches: Tree = Name(f"self.{key}")
            if not own:
                return py.List((py.Comprehension(py.call(word, entering[0], *rest), Name(word), branches),))
            rows = py.call("zip", branches, py.Tuple(tuple(entering)))
            return py.List((py.Comprehension(py.call(word, Name(own), *rest), py.targets([word, own]), rows),))

        self.writer.statements.append(Step(node.out, (*entries, *further), print_branches, named=True))

    def loop_pieces(self, node: ir.Loop) -> list[Piece]:
        return LoopWriter(self.writer, node).write()


def further_of(node: ir.Container | ir.Loop) -> tuple[ir.Operand, ...]:
    """The tensors from outside that each turn of a loop takes beside its own."""
    only = node.body.nodes[0] if len(node.body.nodes) == 1 else None
    return tuple(only.tensors.values()) if isinstance(only, ir.Call) else ()


def is_named(node: ir.Container | ir.Loop) -> bool:
    """Whether the turns of a loop have names."""
    return isinstance(node, ir.Loop) and node.table and "name" in node.columns


def singular(word: str) -> str:
    """A word for one of several."""
    if word.endswith("xes"):
        return word[:-2]
    return word[:-1] if word.endswith("s") else f"{word}_branch"


def single_module(pieces: Sequence[Piece]) -> Tree | None:
    """The module of pieces that are one."""
    found = pieces[0].module if len(pieces) == 1 else None
    return None if isinstance(found, py.Starred) else found
