"""Variants, and what is expected of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.expr.nodes import Expr
from archdsl.support.naming import nearest
from archdsl.syntax.identifiers import MAX_NAME, checked_variant
from archdsl.syntax.reading.numbers import percent, whole
from archdsl.syntax.reading.published import read_published
from archdsl.syntax.reading.values import Context, as_mapping, as_text, clip, head, is_null, to_expr, to_shape
from archdsl.syntax.spec import DEFAULT, Expected, Param, Published, Variant
from archdsl.syntax.words import EXPECT, FINGERPRINT, TOP1, VARIANT
from archdsl.yaml.located import Mapping, Node, Scalar

MAX_VARIANTS = 500
COUNTS = ("params", "macs")
LONE_INPUT = "x"  # the name of the tensor given by `input:`


@dataclass
class VariantReader:
    """Reads `variants:`."""

    ctx: Context
    params: dict[str, Param]
    inputs: dict[str, Expr]
    declared: frozenset[str]  # names under params:, sound or not

    def read(self, entries: list[tuple[Scalar, Node]]) -> dict[str, Variant]:
        found: dict[str, Variant] = {}
        known = [key.text for key, _ in entries]
        if len(entries) > MAX_VARIANTS:
            raise fault("too-large", f"more than {MAX_VARIANTS} variants", entries[MAX_VARIANTS][0].span)
        for key, value in entries:
            with self.ctx.catch():
                found[key.text] = self.variant(checked_variant(key), key, value, known)
        done: set[str] = set()
        for name in found:
            with self.ctx.catch():
                self.no_ring(name, found, done)
        return found

    def variant(self, name: str, key: Scalar, node: Node, known: list[str]) -> Variant:
        entries = (
            ()
            if is_null(node)
            else as_mapping(node, f"the variant '{name}'", f"write {name}: {{param: value}}").entries
        )
        values: dict[str, Expr] = {}
        shapes: dict[str, Expr] = {}
        extends: str | None = None
        published: Published | None = None
        for word, value in entries:
            with self.ctx.catch():
                if word.text == "extends":
                    extends = self.other_variant(value, known)
                elif word.text == "input":
                    shapes[self.lone_input(word)] = to_shape(value)
                elif word.text == "inputs":
                    shapes.update(self.variant_inputs(value))
                elif word.text in ("top1", "published"):
                    if published is not None:
                        raise both(word)
                    published = Published()  # there is one, whatever is wrong with it
                    published = self.accuracy(value) if word.text == "top1" else read_published(self.ctx, value)
                elif word.text in self.params or word.text not in self.declared:  # one at fault is reported already
                    values[self.param_name(word)] = to_expr(value, frozenset(self.params))
        return Variant(name, key.span, values, shapes, extends, published)

    def accuracy(self, node: Node) -> Published:
        """`top1: 71.8`, or with its source `top1: {value: 71.8, source: the authors' README}`."""
        if not isinstance(node, Mapping):
            return Published(top1=percent(node))
        self.ctx.check_keys(node, TOP1, "top1:")
        value, source = node.get("value"), node.get("source")
        if value is None:
            raise fault("wrong-type", "top1: has no value", head(node), help="write {value: 71.8, source: ...}")
        return Published(top1=percent(value), source=as_text(source, "source:") if source is not None else None)

    def other_variant(self, node: Node, known: list[str]) -> str:
        return known_variant(self.ctx, as_text(node, "extends:"), node, known)

    def lone_input(self, key: Scalar) -> str:
        inputs = self.inputs
        if len(inputs) > 1:
            raise fault(
                "wrong-type",
                f"there are {len(inputs)} inputs",
                key.span,
                help=f"write inputs: {{{next(iter(inputs))}: [..]}}",
            )
        return next(iter(inputs), LONE_INPUT)

    def variant_inputs(self, node: Node) -> dict[str, Expr]:
        found = {}
        for key, value in as_mapping(node, "inputs:").entries:
            if key.text not in self.inputs:
                raise fault(
                    "unknown-name",
                    f"there is no input '{clip(key.text)}'",
                    key.span,
                    help=self.ctx.hint(key.text, self.inputs),
                )
            found[key.text] = to_shape(value)
        return found

    def param_name(self, key: Scalar) -> str:
        params = self.params
        if key.text not in params:
            help = self.ctx.hint(key.text, [*params, *VARIANT]) or f"the params are {', '.join(params) or 'none'}"
            near = nearest(key.text[:MAX_NAME], params)
            notes = (Note(f"'{near}' is declared here", params[near].span),) if near is not None else ()
            raise fault("unknown-param", f"there is no param '{clip(key.text)}'", key.span, notes=notes, help=help)
        return key.text

    @staticmethod
    def no_ring(start: str, known: dict[str, Variant], done: set[str]) -> None:
        """Follows `extends:`; what was followed once (`done`) is sound or reported."""
        seen: dict[str, None] = {}
        name: str | None = start
        while name in known and name not in done:
            assert name is not None
            if name in seen:
                ring = " -> ".join([*list(seen)[list(seen).index(name) :][:8], name])
                done.update(seen)
                raise fault("recursive-variant", f"the variant '{name}' extends itself ({ring})", known[name].span)
            seen[name] = None
            name = known[name].extends
        done.update(seen)


def known_variant(ctx: Context, name: str, node: Node, known: list[str]) -> str:
    if name not in known:
        help = ctx.hint(name, known) or f"the variants are {', '.join(known) or 'none'}"
        raise fault("unknown-variant", f"there is no variant '{clip(name)}'", node.span, help=help)
    return name


def default_variant(ctx: Context, node: Node, known: list[str]) -> str:
    """`default: b0`; a mapping there is meant to be `defaults:`."""
    if isinstance(node, Mapping):
        raise fault("wrong-type", "default: names a variant", head(node), help="arguments of ops stand in defaults:")
    return known_variant(ctx, as_text(node, "default:"), node, known)


def expected(
    ctx: Context, entries: list[tuple[Scalar, Node]], variants: list[str], has_default: bool
) -> dict[str, Expected]:
    """`expect:` by variant; `default` is the network without one, which there is not where a variant is the default."""
    found: dict[str, Expected] = {}
    if entries and all(key.text in EXPECT for key, _ in entries):
        said = ", ".join(f"{key.text}: ..." for key, _ in entries)
        message = "numbers are expected of a variant, or of 'default', the network without one"
        ctx.add(fault("unknown-variant", message, entries[0][0].span, help=f"write expect: {{default: {{{said}}}}}"))
        return found
    for key, value in entries:
        with ctx.catch():
            if key.text != DEFAULT:
                known_variant(ctx, key.text, key, variants)
            elif has_default:
                message = "there is no network without a variant: this spec has a default one"
                raise fault("unknown-variant", message, key.span, help="state it of the variant that default: names")
            found[key.text] = numbers(ctx, key, value)
    return found


def both(key: Scalar) -> SpecError:
    """The fault of a variant that says `top1:` and `published:`."""
    message = "a variant has top1: or published:, not both"
    return fault("duplicate-key", message, key.span, help="write top1: among the others in published: {...}")


def numbers(ctx: Context, key: Scalar, node: Node) -> Expected:
    mapping = as_mapping(node, "what is expected", "write {params: 2802248, macs: 507757568}")
    ctx.check_keys(mapping, EXPECT, "expect:")
    counts = {word.text: whole(value, word.text) for word, value in mapping.entries if word.text in COUNTS}
    graph = mapping.get("graph")
    return Expected(key.span, counts.get("params"), counts.get("macs"), None if graph is None else graph_of(graph))


def graph_of(node: Node) -> str:
    """The fingerprint of a network."""
    text = as_text(node, "graph")
    if not re.fullmatch(FINGERPRINT, text):
        help = "archdsl check --update writes it: a g and 11 digits, as in g4be81c20d1f"
        raise fault("bad-value", f"'{clip(text)}' is not the fingerprint of a network", node.span, help=help)
    return text
