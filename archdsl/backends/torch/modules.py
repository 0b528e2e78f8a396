"""The expressions that make the modules of ops."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

from archdsl.analysis.noting import ENTERS
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.argument_checks import refused_word
from archdsl.backends.torch.classifier import chosen_pool, exchangeable, read_by, width_of
from archdsl.backends.torch.faults import placed, printable
from archdsl.backends.torch.kept import FEATURES
from archdsl.backends.torch.norms import CONSTANTS
from archdsl.backends.torch.numbers import LOOPED, UNKNOWN
from archdsl.backends.torch.parse import CHANNELS, LAST
from archdsl.backends.torch.pieces import module_call
from archdsl.backends.torch.prelude import refuse_unknown
from archdsl.backends.torch.syntax import Tree
from archdsl.diagnostics.faults import SpecError, at, fault
from archdsl.expr.nodes import Call, Compare, Constant, Expr, IfElse, Index, ListOf, Lit, Name, wrap
from archdsl.ir import program as ir
from archdsl.ops.base import NEEDS_NUMBERS, Field, Module, Site, is_lit

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Modules:
    """The modules of ops in one class."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.classes: dict[str, set[str]] = {}  # of torch, by the name of the op
        self.weighted: dict[str, set[str]] = {}  # those of them whose weights are their own
        self.biased: dict[str, set[bool]] = {}  # whether modules have a bias, by the name of the op
        self.learned: dict[str, set[bool]] = {}  # whether norms have a scale, by the name of the op
        self.read_by_words: dict[tuple[int, str], set[tuple[int, str]]] = {}  # what the words of a field read
        self.last_block: Tree | None = None  # that of a classifier, if a block gives the scores
        self.choices: dict[str, str] = {}  # arguments by which ops are chosen, with the words for those of the spec
        self.layer_fields: dict[ir.Primitive, dict[str, Expr]] = {}  # those of last layers that are attributes
        self.of_scores: dict[ir.Primitive, Tree] = {}  # the activations of its scores
        self.fresh: set[ir.Value] = set()  # tensors whose memory a step of this class makes
        self.norm_used = False  # whether this class makes the norm of the network

    def site(self, node: ir.Primitive) -> Site:
        seen = self.writer.origin.facts.seen
        fields = {}
        shared = self.writer.norm is not None and node.id in self.writer.norm.nodes
        for item in node.op.fields:
            if shared and item.name in CONSTANTS:
                fields[item.name] = wrap(item.default)
            elif item.name in node.fields and item.kind != "formula":
                fields[item.name] = self.field(node, item)
        fields |= {
            n: self.writer.numbers.shown(e, (node.id, n)) for n, e in node.fields.items() if node.op.field(n) is None
        }
        fields |= dict.fromkeys(node.tensors, Lit(True))
        rank = self.writer.origin.facts.ranks.get(node.id, 2)
        size = seen.get((node.id, ENTERS))
        fixed = size is not None and not size.varies and not size.deps & self.writer.numbers.symbolic
        bound = tuple(size.value) if size is not None and fixed else None
        width = LAST if size is not None and rank else CHANNELS
        spread = node.op.spreads and self.writer.channels.is_spread(node)
        site = Site(SimpleNamespace(**fields), CHANNELS, rank, bound, self.may_overwrite(node), not spread, width)
        self.expect_one_rank(node, site)
        return site

    def expect_one_rank(self, node: ir.Primitive, site: Site) -> None:
        """Raises where tensors of several numbers of axes enter a step that is printed for one."""
        ranks = sorted(self.writer.origin.facts.mixed.get(node.id, ()))
        f = SimpleNamespace(**{**node.fields, **vars(site.f)})
        found: set[str] = set()
        for rank in ranks:
            made = replace(site, f=f, rank=rank)
            names_ = [f"x{n}" for n in range(len(node.operands()))]
            with suppress(*NEEDS_NUMBERS):
                found.add(repr(node.op.function(made, *names_) if node.functional else node.op.module(made)))
        if len(found) > 1:
            message = (
                f"the tensors that enter this step have {' or '.join(map(str, ranks))} spatial axes, in different calls"
            )
            help = "write a block of its own for each number of axes"
            raise fault("cannot-print", message, node.span, help=help)

    def field(self, node: ir.Primitive, item: Field) -> Expr:
        """A field, to print. Words and lists choose what is printed: they cannot come and go between calls."""
        worded = self.chooses(node, item.name)
        before = set(self.writer.numbers.used) if worded else set()
        shown = self.writer.numbers.shown(node.fields[item.name], (node.id, item.name))
        if worded:  # read only where the words make a difference
            self.read_by_words[node.id, item.name] = self.writer.numbers.used - before
            self.writer.numbers.used -= self.read_by_words[node.id, item.name]
        seen = self.writer.origin.facts.seen.get((node.id, item.name))
        if seen is None or isinstance(shown, (Lit, ListOf)):
            return shown
        mixed = is_mixed(seen.kinds)
        if mixed and node.functional:
            raise self.of_another_kind(node, item.name)
        if not mixed and isinstance(seen.value, list) and node.functional is False:
            return items_of_list(shown, len(seen.value))
        return shown

    @staticmethod
    def of_another_kind(node: ir.Primitive, field: str) -> SpecError:
        message = f"the {field} of '{node.op.name}' is a number in one call of this block and a list in another"
        return fault("cannot-print", message, node.field_spans.get(field, node.span))

    def module_of_kinds(self, node: ir.Primitive, site: Site, mixed: Sequence[str]) -> Module:
        """The module of an op whose `mixed` fields are numbers in some calls and lists in others.

        What is computed from one of them is computed for each kind, under the condition that tells them apart.
        """
        if not mixed:
            with at(node.span):
                found = node.op.module(site)
                refuse_unknown(node.op, found.cls)
                return found
        name, *rest = mixed
        value = getattr(site.f, name)

        def made(of: Expr, fields: Sequence[str]) -> Module:
            return self.module_of_kinds(node, replace(site, f=SimpleNamespace(**{**vars(site.f), name: of})), fields)

        if isinstance(value, (Lit, ListOf)):
            return made(value, rest)
        if isinstance(value, IfElse):
            condition, sides = value.condition, [made(side, mixed) for side in (value.then, value.other)]
        else:
            condition = Call("isinstance", (value, Name("int")))
            sides = [made(kind, rest) for kind in (value, items_of_list(value, site.rank))]
        return self.either(node, name, condition, *sides)

    def either(self, node: ir.Primitive, field: str, condition: Expr, then: Module, other: Module) -> Module:
        """One module of two that differ in their arguments."""
        if then.cls != other.cls or len(then.args) != len(other.args) or then.kwargs.keys() != other.kwargs.keys():
            raise self.of_another_kind(node, field)
        args = tuple(one_of(condition, a, b) for a, b in zip(then.args, other.args, strict=True))
        kwargs = {
            name: (one_of(condition, value, other.kwargs[name][0]), default)
            for name, (value, default) in then.kwargs.items()
        }
        return Module(then.cls, args, kwargs)

    def mixed_fields(self, node: ir.Primitive) -> list[str]:
        """The fields that are numbers in some calls and lists in others."""
        seen = self.writer.origin.facts.seen
        return [n for n in node.fields if (node.id, n) in seen and is_mixed(seen[node.id, n].kinds)]

    def may_overwrite(self, node: ir.Primitive) -> bool:
        """In place only on memory that a step of this class has just made, and that nothing else reads.

        Whatever may be another word for a tensor (a view, what a block or a container gives, an optional step, a join
        with one branch left) is no memory of its own.
        """
        operand = node.ins[0]
        alone = not node.reused  # what enters the module elsewhere may be read there
        return alone and isinstance(operand, ir.Value) and operand in self.fresh and self.writer.consumers[operand] == 1

    def module(self, node: ir.Primitive | ir.Call) -> Tree:
        """The expression that makes the module of a node; its channels are noted."""
        with placed(node.span):
            return self.module_at(node)

    def module_at(self, node: ir.Primitive | ir.Call) -> Tree:
        if isinstance(node, ir.Call):
            made_block: Tree = self.writer.calls.block(node)
            if self.writer.classifier is not None and node in self.writer.classifier.layers:
                self.keep_features(node)
                made_block = exchangeable(made_block, Name(self.writer.classifier.param))
                self.last_block = self.remade(made_block, self.writer.classifier.param)
            return made_block
        site = self.site(node)
        made = self.made_by_words(node, site, [name for name in node.fields if self.chooses(node, name)])
        self.writer.channels[node.out] = self.writer.channels.after(node)
        gone = (
            self.writer.classifier is not None and node in self.writer.classifier.layers
        )  # a classifier may be made without it:
        if node.op.makes_memory(site.f) and (self.fresh or not gone):  # then what enters must not be the image
            self.fresh.add(node.out)
        return self.exchanged(node, site, made)

    def made(self, node: ir.Primitive, site: Site) -> Tree:
        """The expression that makes an op's module; what the file then needs is noted."""
        mixed = self.mixed_fields(node)
        with printable(node):
            made = self.module_of_kinds(node, site, mixed)
        if py.reads(module_call(made), CHANNELS.id):  # only what is printed counts as used
            made = self.module_of_kinds(node, replace(site, c=self.writer.channels.shown(node.ins[0])), mixed)
        if py.reads(module_call(made), LAST.id):
            made = self.module_of_kinds(node, replace(site, width=self.last_axis(node)), mixed)
        self.classes.setdefault(node.op.name, set()).add(made.cls)
        if not node.tensors:
            self.weighted.setdefault(node.op.name, set()).add(made.cls)
        self.biased.setdefault(node.op.name, set()).update(truths(made, "bias"))
        affine = next((word for word in ("affine", "elementwise_affine") if word in made.kwargs), "")
        self.learned.setdefault(node.op.name, set()).update(truths(made, affine))
        if self.writer.norm is not None and node.id in self.writer.norm.nodes:
            self.norm_used = True
            return module_call(made, Name(self.writer.norm.word))
        return module_call(made, Name(self.writer.plan.prelude.get(made.cls, made.cls)))

    def chooses(self, node: ir.Primitive, name: str) -> bool:
        """Whether the words (or truths) of a field choose which module is made, and they differ."""
        item, seen = node.op.field(name), self.writer.numbers.seen.get((node.id, name))
        if item is None or seen is None or self.writer.numbers.constant((node.id, name)) is not None:
            return False
        return item.chooses or (item.kind != "word" and bool(item.choices and seen.words))

    def made_by_words(self, node: ir.Primitive, site: Site, fields: Sequence[str]) -> Tree:
        """A module for each word that these fields may be: by the conditions of an expression, or by what a name is."""
        if not fields:
            return self.made(node, site)
        name, *rest = fields
        seen, read = self.writer.numbers.seen[node.id, name], self.read_by_words[node.id, name]

        def made(word: Expr) -> Tree:
            return self.made_by_words(node, replace(site, f=SimpleNamespace(**{**vars(site.f), name: word})), rest)

        def either(then: Tree, condition: Expr, other: Tree) -> Tree:
            if then == other:
                return then
            self.writer.numbers.used |= read
            return py.Conditional(then, condition, other)

        def by_value(value: Expr) -> Tree:
            if isinstance(value, IfElse):
                return either(by_value(value.then), value.condition, by_value(value.other))
            if isinstance(value, Lit):
                return made(value)
            if not seen.words:
                return either(made(Lit(True)), value, made(Lit(False)))
            words, numbers = list(seen.words), len(seen.kinds) > 1
            found = made(value) if numbers else made(Lit(words.pop()))
            for word in reversed(words):
                found = either(made(Lit(word)), Compare("==", value, Lit(word)), found)
            return found

        if len(seen.kinds) > 1:
            self.writer.numbers.used |= read
        return by_value(getattr(site.f, name))

    def exchanged(self, node: ir.Primitive, site: Site, made: Tree) -> Tree:
        """A module; of a classifier the last layer and the last pooling are what its arguments say."""
        classifier = self.writer.classifier
        if classifier is None:
            return made
        if node in classifier.layers:
            self.keep_layer(node)
            return exchangeable(made, getattr(site.f, width_of(node.op) or ""))
        if node in classifier.of_scores:
            self.of_scores[node] = made
            return exchangeable(made, Name(classifier.param))
        if node is classifier.pool:
            argument = self.writer.words.word(node.op.chosen_by)
            self.choices[argument] = node.op.word_of_choice
            word = self.writer.words.word("pools", "poolings")
            table, made = chosen_pool(node.op, site.rank, word, argument)
            self.writer.body[:0] = [table, refused_word(Name(argument), word)]
        return made

    def remade(self, block: Tree, param: str) -> Tree:
        """The call of a classifier's last block as `reset_classifier` can make it: params are kept as attributes."""
        kept = {
            *self.writer.function.params,
            *([self.writer.norm.word] if self.writer.norm is not None and self.writer.norm.handed else []),
        }
        for word in sorted(read_by(block) & kept - {param}):
            block = py.renamed(block, word, f"self.{self.writer.kept.flag(word, Name(word))}")
        return block

    def keep_layer(self, node: ir.Primitive) -> None:
        """Keeps the arguments of a classifier's last layer as `reset_classifier` can read them, if there are such."""
        others = [name for name in node.fields if name != width_of(node.op)]
        worded = any(self.chooses(node, name) for name in others) or bool(self.mixed_fields(node))
        if self.writer.outermost and not worded and self.keep_features(node):
            seen = self.writer.numbers.seen
            open_ = [n for n in others if (node.id, n) in seen and not self.writer.numbers.constant((node.id, n))]
            self.layer_fields[node] = {n: self.writer.kept.in_forward(node.fields[n], n, (node.id, n)) for n in open_}

    def keep_features(self, node: ir.Operation) -> bool:
        """Keeps the channels that enter a classifier's last layer, if they have an expression."""
        channels = self.writer.channels.of(node.operands()[0])
        if not self.writer.outermost or {UNKNOWN, LOOPED} & {*channels.mentioned}:
            return False
        if FEATURES not in self.writer.kept.own:  # layers in one place take the same tensor
            self.writer.kept.keep(FEATURES, self.writer.channels.shown(node.operands()[0]))
        return True

    def last_axis(self, node: ir.Primitive) -> Expr:
        """The size of the last axis of what enters an op, to print."""
        size = self.writer.sizes.of(node.ins[0])
        if size is None:
            message = "the size of the last axis differs between calls, and no expression over the arguments gives it"
            raise fault("cannot-print", message, node.span)
        return self.writer.numbers.shown(size[-1])


def is_mixed(kinds: set[str]) -> bool:
    """Whether a place has a number in one call and a list in another."""
    return "int" in kinds and any(kind.startswith("tuple") for kind in kinds)


def items_of_list(whole: Expr, count: int) -> Expr:
    """A list as its items."""
    return ListOf(tuple(Index(whole, Lit(n)) for n in range(count)))


def one_of(condition: Expr, then: Expr | Constant, other: Expr | Constant) -> Expr:
    """An argument that is one thing or another; a list that is spelt out as its items is itself."""
    a, b = wrap(then), wrap(other)
    spelt = isinstance(b, ListOf) and b == items_of_list(a, len(b.items))
    return a if spelt or a == b else IfElse(condition, a, b)


def truths(made: Module, keyword: str) -> set[bool]:
    """What a keyword of a module may be that is true or false; true where the module has none."""
    value = wrap(made.kwargs[keyword][0]) if keyword in made.kwargs else Lit(True)
    return {not is_lit(value, False)} if isinstance(value, Lit) else {False, True}
