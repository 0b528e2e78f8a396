"""The tree of one file -> `Spec`: every section, and what is wrong with each form that it may not take."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics.faults import Note, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr
from archdsl.support.naming import camel
from archdsl.syntax.compose import Document, Files, Reference
from archdsl.syntax.identifiers import checked_name
from archdsl.syntax.reading.blocks import BodyReader
from archdsl.syntax.reading.detector import read_detect
from archdsl.syntax.reading.figures import read_figure
from archdsl.syntax.reading.names import names_of
from archdsl.syntax.reading.of_ops import OpsReader
from archdsl.syntax.reading.steps import StepReader
from archdsl.syntax.reading.values import (
    Context,
    as_text,
    clip,
    doc_text,
    head,
    kind_of,
    section,
    spelt,
    to_params,
    to_ref,
    to_shape,
)
from archdsl.syntax.reading.variants import LONE_INPUT, VariantReader, default_variant, expected
from archdsl.syntax.spec import Expected, Param, Spec
from archdsl.syntax.words import SPEC, VARIANT
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

VERSION = 1


@dataclass
class DocumentReader:
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
        of_ops = OpsReader(ctx, self.steps, tree)
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
            defaults=of_ops.defaults(),
            init=of_ops.init(),
            init_when=of_ops.init_when(),
            named_init=of_ops.named_init(),
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
        return section(self.ctx, self.doc.tree, key)

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
            message = "'calls' changes the spec that this one extends, but there is no extends:"
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
