"""A located tree -> `Spec`: every form that a spec may take, and what is wrong with each that it may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from archdsl.diagnostics.faults import Collector, Diagnostic, Note, SpecError, fault
from archdsl.diagnostics.spans import Source, Span
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Expr, ListOf, Lit, names
from archdsl.ops import REGISTRY
from archdsl.support.naming import argument_elsewhere, camel
from archdsl.support.paths import is_folder, real
from archdsl.support.resources import spec_folders
from archdsl.syntax.compose import Document, Files, Reference, Used, called_from, document, laid_on, with_layers
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES, checked_name, is_identifier
from archdsl.syntax.override import no_stage
from archdsl.syntax.own_ops import load_installed, refuse_words
from archdsl.syntax.patches.elsewhere import Layers, UsedFile
from archdsl.syntax.patches.settings import NO_PATCHES, Patches, values
from archdsl.syntax.reading.blocks import BodyReader
from archdsl.syntax.reading.detector import read_detect
from archdsl.syntax.reading.figures import known_blocks, known_forms, read_figure
from archdsl.syntax.reading.steps import StepReader
from archdsl.syntax.reading.values import (
    Context,
    as_mapping,
    as_text,
    clip,
    doc_text,
    head,
    is_null,
    kind_of,
    spelt,
    to_expr,
    to_params,
    to_ref,
    to_shape,
)
from archdsl.syntax.reading.variants import LONE_INPUT, VariantReader, default_variant, expected
from archdsl.syntax.spec import Defaults, Expected, NamedInit, Param, Spec
from archdsl.syntax.words import INIT, INIT_NAMES, SPEC, VARIANT, WITHOUT_BIAS
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence, open_source

VERSION = 1
Cache: TypeAlias = "dict[tuple[Path, str | None, Layers], Spec]"  # by file, its last stage, and what is laid on it
_DECLARING = {
    "as": "tensor",
    "inputs": "input",
    "for": "column",
    "each": "column",
    "params": "param",
    "let": "let",
    "stages": "stage",
}
_FORMS = {"stages": "give each stage a name: 'stem: [...]'", "blocks": "give each block a name: 'Stem: [...]'"}
_NUMBERS = ("input", "inputs", "params", "defaults", "variants")
_ALWAYS = frozenset({"input", *MEASURES, *TURN_NAMES, *TABLE_NAMES})


def read_spec(
    source: Source,
    *,
    base: Path | None,
    load: Callable[[Path], Source] = open_source,
    patches: Patches = NO_PATCHES,
) -> Spec:
    """The spec in a text, with `patches` laid on it; raises `SpecError` with all its independent faults.

    `base` is the spec's file or its folder (None: it has none). `use:` and `extends:` look there, then
    among the shipped specs, and nowhere else; `load` reads what they find.
    """
    path = base / Path(source.name).name if base is not None and is_folder(base) else base
    refuse_words()
    spec = with_installed_ops(lambda: read_document(*opened(source, path, load, patches)))
    return replace(spec, settings=values(patches)) if patches else spec


def opened(
    source: Source, path: Path | None, load: Callable[[Path], Source], patches: Patches
) -> tuple[Document, Files]:
    """A text with what it extends, and `patches` on it; and the files that it may name."""
    files = files_of(path, load)
    whole = document(source, path.parent if path is not None else None, path, files)
    return laid_on(whole, patches, files), files


def files_of(path: Path | None, load: Callable[[Path], Source]) -> Files:
    """The files that a spec may name."""
    return Files(load, tuple(spec_folders().values()), [real(path)] if path is not None else [])


def read_tree(source: Source, *, base: Path | None, patches: Patches = NO_PATCHES) -> Document:
    """The tree of a spec that has been read: what it extends and all patches in it."""
    return opened(source, base, open_source, patches)[0]


def used_files(doc: Document) -> list[UsedFile]:
    """The files that a spec uses, and those that they use in turn, the nearest first."""
    return Used(doc.uses, doc.layers, files_of(doc.path, open_source)).known


def with_installed_ops(read: Callable[[], Spec]) -> Spec:
    """Reads; if a word is no op, again with the ops of the packages that are installed."""
    edition = REGISTRY.edition
    try:
        return read()
    except SpecError as error:
        words = [item for item in error.diagnostics if item.code == "unknown-op"]
        broken = load_installed() if words else []
        if edition == REGISTRY.edition and not broken:
            raise
    try:
        return read()
    except SpecError as error:
        unknown = [item for item in error.diagnostics if item.code == "unknown-op"]
        if not unknown or not broken:
            raise
        # Each may be an op of a plug-in that cannot be loaded, which is then what is at fault.
        rest = [item for item in error.diagnostics if item.code != "unknown-op"]
        raise SpecError(*(replace(item, span=unknown[0].span) for item in broken), *rest) from None


def read_document(doc: Document, files: Files, cache: Cache | None = None) -> Spec:
    faults = Collector()
    ctx = Context(faults, file_names(doc.tree), block_names(doc.tree))
    spec = None
    with faults.catch():
        spec = _Reader(ctx, doc, files).spec()
    uses = read_uses(ctx, doc, files, {} if cache is None else cache)
    known_blocks(ctx, doc.tree, [] if spec is None else [spec, *uses])
    if spec is not None:
        known_forms(ctx, doc.tree, spec)
    if faults.found:
        elsewhere = any(ctx.misspelt(word, doc.tree) for word in ("use", "extends"))  # then blocks are not known
        whole = spec is not None and len(uses) == len(doc.uses) and not elsewhere
        rest = replace(spec, uses=uses, lost=lost(ctx)) if spec and whole else None
        raise UnreadError(faults.ordered(), rest, countable=leaves_numbers(ctx, doc.tree))
    assert spec is not None
    for use in uses:
        spec = replace(spec, figure=spec.figure.over(use.figure))
    return replace(spec, uses=uses)


class UnreadError(SpecError):
    """The faults of reading, with the rest of the spec: it may have faults of names, but is no network."""

    def __init__(self, diagnostics: Iterable[Diagnostic], rest: Spec | None, *, countable: bool) -> None:
        super().__init__(*diagnostics)
        self.rest, self.countable = rest, countable  # whether the numbers of the rest are known


def leaves_numbers(ctx: Context, tree: Mapping) -> bool:
    """Whether the steps that were read have the numbers that they would have: what gives these is not at fault."""
    parts = [node.span for node in map(tree.get, _NUMBERS) if node is not None]
    places = [item.span for item in ctx.faults.found]
    torn = any(place is None or is_within(place, part) for place in places for part in parts)
    return not torn and not ctx.misspelt("defaults", tree)


def is_within(place: Span, part: Span) -> bool:
    return place.source is part.source and part.line <= place.line <= part.end_line


def lost(ctx: Context) -> frozenset[str]:
    """The names that what could not be read may declare."""
    return ctx.names | ctx.blocks | {camel(name) for name in ctx.blocks} | ctx.lost


def read_uses(ctx: Context, doc: Document, files: Files, cache: Cache) -> tuple[Spec, ...]:
    """The files of `use:`, each whole."""
    found: list[Spec] = []
    for reference in doc.uses:
        with ctx.catch():
            spec = read_use(reference, doc.layers, files, cache)
            if spec is not None:
                found.append(spec)
    return tuple(found)


def read_use(reference: Reference, layers: Layers, files: Files, cache: Cache) -> Spec:
    path, source = files.enter(reference)
    until = reference.until.text if reference.until is not None else None
    key = real(path), until, layers
    try:
        if key not in cache:
            with called_from(reference):
                doc = document(source, path.parent, path, files)
            patched = with_layers(doc, layers, path, files)
            with called_from(reference):
                spec = read_document(patched, files, cache)
            if reference.until is not None and spec.stages:
                if until not in spec.stages:
                    raise no_stage(reference.until, list(spec.stages), f"'{clip(reference.name.text)}'")
                spec = replace(spec, until=until)
            cache[key] = spec
    finally:
        files.leave()
    return cache[key]


# --- names of a file ---------------------------------------------------------------------------


def file_names(tree: Mapping) -> frozenset[str]:
    """Every name that a file declares anywhere: enough to tell a tensor's name from a misspelt op."""
    found: set[str] = set(_ALWAYS)
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Sequence):
            todo.extend(node.items)
        elif isinstance(node, Mapping):
            for key, value in node.entries:
                if key.text in _DECLARING:
                    found.update(names_of(value))
                todo.append(value)
    return frozenset(found)


def names_of(node: Node) -> list[str]:
    if isinstance(node, Mapping):
        return node.keys()
    items = node.items if isinstance(node, Sequence) else (node,)
    scalars = [item for item in items if isinstance(item, Scalar)]
    keys = [key.text for item in items if isinstance(item, Mapping) for key, _ in item.entries]
    return [item.text for item in scalars if is_identifier(item.text)] + keys


def block_names(tree: Mapping) -> frozenset[str]:
    blocks = tree.get("blocks")
    return frozenset(blocks.keys()) if isinstance(blocks, Mapping) else frozenset()


# --- the document ------------------------------------------------------------------------------


@dataclass
class _Reader:
    """Reads the sections of one file; each part on its own, so that all faults are found."""

    ctx: Context
    doc: Document
    files: Files
    steps: StepReader = field(init=False)
    declared: frozenset[str] = frozenset()  # names under params:, sound or not

    def __post_init__(self) -> None:
        self.steps = StepReader(self.ctx)
        params = self.doc.tree.get("params")
        found = names_of(params) if params is not None else []
        self.declared = frozenset(found).union(*map(spelt, found))

    def spec(self) -> Spec:
        tree, ctx = self.doc.tree, self.ctx
        ctx.check_keys(tree, SPEC, "a spec")
        self.version(tree.get("archdsl"))
        params = self.params()
        inputs = self.inputs()
        bodies = BodyReader(ctx, self.steps, self.doc.extends)
        stages = bodies.stages(tree.get("stages"), self.section("stages"))
        unread = ctx.misspelt("params", tree)  # then no variant's params are known
        unsure = ctx.misspelt("variants", tree)  # then no variant is known
        variants = {} if unread else VariantReader(ctx, params, inputs, self.declared).read(self.section("variants"))
        self.whole()
        return Spec(
            name=self.name(bool(stages)),
            span=self.name_span(),
            path=self.doc.path,
            inputs=inputs,
            params=params,
            defaults=self.defaults(),
            init=self.init(),
            init_when=self.init_when(),
            named_init=self.named_init(),
            blocks=bodies.blocks(self.section("blocks")),
            stages=stages,
            variants=variants,
            expect={} if unsure else self.expect(),
            default=None if unsure else self.default(),
            outputs=self.outputs(),
            detect=read_detect(ctx, tree, [key.text for key, _ in self.section("outputs")]),
            figure=read_figure(ctx, tree, self.found),
            paper=self.paper(),
            doc=doc_text(tree),
        )

    def found(self, name: Scalar) -> Path:
        """The file of another spec, looked for from the file that names it."""
        own = name.span.source is self.doc.tree.span.source
        path = self.doc.path if own else Path(name.span.source.name)
        return self.files.find(Reference(name, None, path.parent if path is not None else None))

    def variant_names(self) -> list[str]:
        return [key.text for key, _ in self.section("variants")]

    def expect(self) -> dict[str, Expected]:
        return expected(self.ctx, self.section("expect"), self.variant_names(), "default" in self.doc.tree)

    def default(self) -> str | None:
        """The variant that is used where none is given."""
        node, found = self.doc.tree.get("default"), None
        if node is not None:
            with self.ctx.catch():
                found = default_variant(self.ctx, node, self.variant_names())
        return found

    def section(self, key: str) -> list[tuple[Scalar, Node]]:
        """The entries of a section; none if it is missing or no mapping."""
        node = self.doc.tree.get(key)
        if node is None or is_null(node):
            return []
        if not isinstance(node, Mapping):
            with self.ctx.catch():
                as_mapping(node, f"{key}:", _FORMS.get(key, ""))
            return []
        return list(node.entries)

    def name_span(self) -> Span:
        node = self.doc.tree.get("name")
        if node is not None:
            return node.span
        entries = self.doc.tree.entries
        return entries[0][0].span if entries else self.doc.tree.span

    def version(self, node: Node | None) -> None:
        if node is not None and not (isinstance(node, Scalar) and type(node.value) is int and node.value == VERSION):
            message = f"this archdsl reads version {VERSION} of the spec format, not {kind_of(node)}"
            self.ctx.add(
                fault("version", message, head(node), help=f"write archdsl: {VERSION}, or use a later archdsl")
            )

    def name(self, needed: bool) -> str:
        node = self.doc.tree.get("name")
        if node is not None:
            with self.ctx.catch():
                return checked_name(node, "spec")
        elif needed and not self.ctx.misspelt("name", self.doc.tree):
            self.ctx.add(
                fault(
                    "missing-key",
                    "this spec has no name",
                    self.name_span(),
                    help="write name: MyNet; it becomes the class",
                )
            )
        stem = camel(re.sub(r"\W+", "_", self.doc.path.stem, flags=re.ASCII)) if self.doc.path else ""
        return stem if stem[:1].isalpha() and stem.isascii() else "Spec"

    def whole(self) -> None:
        """What a spec must have."""
        tree = self.doc.tree
        if self.ctx.misspelt("extends", tree):
            return  # what it must have is there
        if (calls := tree.key("calls")) is not None:
            help = "give arguments in defaults:, or change the steps themselves"
            message = "'calls' changes a spec that extends: names"
            self.ctx.add(fault("unknown-key", message, calls.span, help=help))
        if not any(word in tree or self.ctx.misspelt(word, tree) for word in ("stages", "blocks")):
            help = "write stages: with the network, or blocks: for others to use"
            self.ctx.add(fault("missing-key", "this spec has neither stages nor blocks", self.name_span(), help=help))
        given = any(word in tree or self.ctx.misspelt(word, tree) for word in ("input", "inputs"))
        if "stages" in tree and not given:
            self.ctx.add(
                fault("missing-key", "this network has no input", self.name_span(), help="write input: [3, 224, 224]")
            )
        name, blocks = tree.get("name"), tree.get("blocks")
        key = blocks.key(name.text) if isinstance(blocks, Mapping) and isinstance(name, Scalar) else None
        if key is not None and name is not None:
            note = (Note("the network has this name", name.span),)
            self.ctx.add(fault("bad-name", f"the block '{key.text}' has the name of the network", key.span, notes=note))

    def paper(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self.section("paper"):
            with self.ctx.catch():
                items = value.items if isinstance(value, Sequence) else (value,)
                found[key.text] = ", ".join(as_text(item, f"'{clip(key.text)}'") for item in items)
        return found

    # --- inputs, outputs, params
    def inputs(self) -> dict[str, Expr]:
        tree, found = self.doc.tree, dict[str, Expr]()
        lone, several = tree.get("input"), tree.get("inputs")
        if lone is not None and several is not None:
            key = tree.key("inputs")
            self.ctx.add(fault("wrong-type", "a spec has input: or inputs:, not both", key.span if key else lone.span))
        if lone is not None:
            with self.ctx.catch():
                found[LONE_INPUT] = to_shape(lone)
        for key, value in self.section("inputs"):
            with self.ctx.catch():
                found[checked_name(key, "entry")] = to_shape(value)
            if key.text not in found:
                self.ctx.lose_name(key)
        return found

    def outputs(self) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for key, value in self.section("outputs"):
            with self.ctx.catch():
                found[checked_name(key, "output")] = to_ref(value)
        return found

    def params(self) -> dict[str, Param]:
        found: dict[str, Param] = {}
        with self.ctx.catch():
            found = to_params(self.ctx, self.doc.tree.get("params"), "param", words=True)
        for name, param in found.items():
            if name in VARIANT:
                message = f"'{name}' cannot name a param: a variant has a key of that name"
                self.ctx.add(fault("bad-name", message, param.span, help="choose another name"))
        return found

    # --- defaults and init
    def defaults(self) -> dict[str, Defaults]:
        found: dict[str, Defaults] = {}
        for key, value in self.section("defaults"):
            with self.ctx.catch():
                self.known_target(key)
                fields = {item.name for item in REGISTRY[key.text].fields} if key.text in REGISTRY else None
                values: dict[str, Expr] = {}
                for name, argument in as_mapping(
                    value, f"what '{clip(key.text)}' gets", f"write {clip(key.text)}: {{name: value}}"
                ).entries:
                    if fields is not None and name.text not in fields:
                        self.ctx.add(self.unknown_field(key.text, name, fields))
                        self.ctx.lost.add(key.text)  # the op may lack an argument for that alone
                        continue
                    with self.ctx.catch():
                        values[name.text] = to_expr(argument)
                    if name.text not in values:
                        self.ctx.lost.add(key.text)  # the op may lack an argument for that alone
                found[key.text] = Defaults(key.text, key.span, values)
        return found

    def unknown_field(self, op: str, name: Scalar, fields: set[str]) -> SpecError:
        hint = argument_elsewhere(name.text, fields) or self.ctx.hint(name.text, fields)
        help = hint or f"it takes {', '.join(sorted(fields)) or 'no arguments'}"
        return fault("unknown-argument", f"the op '{op}' has no argument '{clip(name.text)}'", name.span, help=help)

    def known_target(self, key: Scalar) -> None:
        """An op, or a block in PascalCase, which may come from another file."""
        if not self.steps.is_target(key.text):
            raise self.steps.unknown_op(key)

    def init(self) -> dict[str, Defaults]:
        """Like defaults; `{weight: {normal: sqrt(2 / fan_out)}}` is kept as the call `normal(sqrt(2 / fan_out))`."""
        found: dict[str, Defaults] = {}
        for key, value in self.section("init"):
            if key.text == "when" or self.names_module(key):
                continue
            with self.ctx.catch():
                self.known_target(key)
                if key.text not in REGISTRY:
                    message = f"'{clip(key.text)}' is a block: init: names an op, or a module in the block"
                    raise fault("bad-init", message, key.span, help=f"such as {clip(key.text)}.conv")
                group = "linear" if key.text == "linear" else REGISTRY[key.text].group
                known = INIT_NAMES.get(group, ())
                found[key.text] = Defaults(key.text, key.span, self.rules(key, value, known))
        return found

    def named_init(self) -> tuple[NamedInit, ...]:
        """The entries for single modules."""
        found: list[NamedInit] = []
        for key, value in self.section("init"):
            if key.text == "when" or not self.names_module(key):
                continue
            with self.ctx.catch():
                rules = self.rules(key, value, INIT_NAMES["convolution"], beside=("when",))
                when = value.get("when") if isinstance(value, Mapping) else None
                path = tuple(key.text.split("."))
                found.append(NamedInit(path, key.span, rules, to_expr(when) if when is not None else None))
        return tuple(found)

    def names_module(self, key: Scalar) -> bool:
        """Whether a key of `init:` is the path of a module: it has a dot, or is a stage."""
        stages = self.doc.tree.get("stages")
        return "." in key.text or (isinstance(stages, Mapping) and key.text in stages)

    def rules(self, key: Scalar, value: Node, known: Collection[str], beside: Collection[str] = ()) -> dict[str, Expr]:
        """The rule of each tensor; `known` is what they may read, `beside` the keys that are no tensors."""
        entries = as_mapping(
            value, f"the initialisation of '{clip(key.text)}'", "write conv: {weight: {normal: 0.01}}"
        ).entries
        found: dict[str, Expr] = {}
        for name, part in entries:
            if name.text not in beside:
                with self.ctx.catch():
                    found[name.text] = self.rule(key.text, name, part, known)
        return found

    def init_when(self) -> Expr | None:
        """`when:` in `init:`: without it torch's own initialisation stays."""
        for key, value in self.section("init"):
            if key.text == "when":
                with self.ctx.catch():
                    return to_expr(value)
        return None

    def rule(self, target: str, tensor: Scalar, node: Node, known: Collection[str]) -> Expr:
        """`{normal: 0.01}` for the weight or the bias of an op."""
        if tensor.text not in ("weight", "bias"):
            message = f"init: gives weight and bias, not '{clip(tensor.text)}'"
            raise fault("unknown-key", message, tensor.span, help=self.ctx.hint(tensor.text, ("weight", "bias")))
        if tensor.text == "bias" and target in WITHOUT_BIAS:
            raise fault("bad-init", f"the op '{target}' has no bias", tensor.span, help="leave out the rule")
        if not isinstance(node, Mapping) or len(node.entries) != 1:
            message = "an initialisation is one rule with its number"
            raise fault("wrong-type", message, head(node), help="such as {normal: 0.01}")
        name, value = node.entries[0]
        if name.text not in INIT:
            help = self.ctx.hint(name.text, INIT) or f"there are {', '.join(INIT)}"
            raise fault("bad-init", f"there is no initialisation '{clip(name.text)}'", name.span, help=help)
        number = to_expr(value.items[0] if isinstance(value, Sequence) and len(value.items) == 1 else value)
        if isinstance(number, ListOf) or number == Lit(None):
            raise fault(
                "bad-init", f"'{name.text}' takes one number", head(value), help=f"such as {{{name.text}: 0.01}}"
            )
        for read in names(number):
            if read.id not in known:
                help = self.ctx.hint(read.id, known) or f"it reads {', '.join(known) or 'numbers alone'}"
                message = f"'{clip(read.id)}' is not known to the initialisation of '{target}'"
                raise fault("unknown-name", message, read.span, help=help)
        try:
            substitute(number, {})  # what is constant in it has a value
        except SpecError as error:
            raise fault("bad-value", error.diagnostics[0].message, number.span or head(value)) from None
        return Call(name.text, (number,), span=name.span)
