"""What the names in a file mean: all places where blocks, params, tensors, columns, stages are named."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from archdsl.diagnostics.spans import Span
from archdsl.editor.declared import (
    block_of,
    declared,
    declared_in,
    entries,
    inputs_of,
    params_of,
    scalars,
    tensors_in,
    word_span,
    words,
)
from archdsl.editor.project import File, Project
from archdsl.ops import REGISTRY
from archdsl.syntax.identifiers import is_block_name
from archdsl.syntax.reading.values import is_null
from archdsl.syntax.words import RESIDUAL, STEP, STRUCTURE, VARIANT
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

Kind: TypeAlias = Literal["block", "param", "let", "column", "tensor", "stage", "variant", "input"]

_TAP = re.compile(r"\.([A-Za-z_]\w*)", re.ASCII)


class Symbol(NamedTuple):
    """A thing with a name: which file it is of, and the block or stage in it, if it is of one."""

    kind: Kind
    name: str
    file: Path
    owner: str = ""


@dataclass(frozen=True)
class Use:
    """A place where a symbol is named."""

    symbol: Symbol
    span: Span
    declares: bool = False


Scope: TypeAlias = "dict[str, Symbol]"


def uses(file: File, project: Project) -> list[Use]:
    """Every name of a file that has a meaning, in the order of the walk."""
    return _Walk(file, project).run()


def scope_of(file: File, project: Project, section: str, name: str) -> Scope:
    """The names that may be read somewhere in a block or a stage, but the columns of its loops."""
    walk = _Walk(file, project)
    walk.run()
    return {**walk.params, **walk.scopes.get((section, name), {})}


@dataclass
class _Walk:
    """One file, from top to bottom."""

    file: File
    project: Project
    found: list[Use] = field(default_factory=list)
    params: Scope = field(default_factory=dict)
    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)  # by section and name

    def run(self) -> list[Use]:
        tree = self.file.tree
        self.params = {name: self.network_param(name) for name in self.param_names()}
        for name, (key, default) in declared(tree.get("params")).items():
            self.note(self.params[name], key, declares=True)
            self.values(default, self.params)
        title = tree.get("name")
        if isinstance(title, Scalar):
            self.note(Symbol("block", title.text, self.file.path), title, declares=True)
        for key, value in entries(tree.get("blocks")):
            if "." not in key.text:  # a patch is looked at once the stages are known
                self.note(self.block_symbol(key.text), key, declares=True)
                self.block(key.text, value)
        stages = {**self.entries_of("inputs", "input"), **self.entries_of("stages", "stage")}
        for section in ("inputs", "stages"):
            for key, value in entries(tree.get(section)):
                if key.text not in stages:
                    continue
                self.note(stages[key.text], key, declares=True)
                if section == "stages":
                    self.bodies("stages", key.text, value, {**self.params, **stages})
        for _, value in entries(tree.get("outputs")):
            self.values(value, {**stages, **self.all_tensors()})
        self.tops(stages)
        self.patches(stages)
        return self.found

    def patches(self, stages: Scope) -> None:
        """Parts of another spec, by a path that begins with the name of a block or stage: `dense.stage3.layers`."""
        for section in ("blocks", "stages", "calls"):
            for key, value in entries(self.file.tree.get(section)):
                home, dot, _ = key.text.partition(".")
                if dot or section == "calls":
                    self.target(key, stages)
                    self.calls_on(key, value)
                    self.block_arguments(key.text, value)
                    own = {name: self.param_of_block(home, name) for name in self.params_of_block(home)}
                    self.steps(value, {**self.params, **stages, **own}, key.text)

    def calls_on(self, key: Scalar, value: Node) -> None:
        """The blocks that the steps on a path call, and an argument of the last: `mid.Unit.out`, `mid.Unit[1]`."""
        first, *rest = key.text.split(".")
        place, block = next((span for word, span in words(key) if word == first), None), ""
        if place is None:
            return
        for part in rest:
            word = part.partition("[")[0]
            if word in self.params_of_block(block):
                self.found.append(Use(self.param_of_block(block, word), _after(place, word)))
            block = word if is_block_name(word) and block_of(word, self.file, self.project) else ""
            if block:
                self.found.append(Use(self.block_symbol(block), _after(place, block)))
            place = _after(place, part)
        self.block_arguments(block, value)

    def entries_of(self, section: str, kind: Kind) -> Scope:
        """The entries of a section, each of the file that has it first where one extends another."""
        found: Scope = {}
        for base in self.project.bases(self.file):
            found |= {name: Symbol(kind, name, base.path) for name in declared_in(base, section)}
        return found

    def param_names(self) -> dict[str, None]:
        """The params of the network, those of the files that it extends among them."""
        bases = self.project.bases(self.file)
        return dict.fromkeys(name for base in bases for name in declared(base.tree.get("params")))

    def network_param(self, name: str) -> Symbol:
        """A param of the network, which is that of the file that declares it first."""
        bases = [base for base in self.project.bases(self.file) if name in declared(base.tree.get("params"))]
        return Symbol("param", name, (bases or [self.file])[-1].path)

    def block_symbol(self, name: str) -> Symbol:
        """A block, which is that of the file that has it first where one extends another."""
        found = block_of(name, self.file, self.project)
        if found is None:
            return Symbol("block", name, self.file.path)
        home = [base for base in self.project.bases(found[0]) if base.entry("blocks", name)]
        return Symbol("block", name, (home or [found[0]])[-1].path)

    def note(self, symbol: Symbol, node: Scalar, *, declares: bool = False) -> None:
        self.found.append(Use(symbol, word_span(node), declares))

    def values(self, node: Node | None, scope: MappingABC[str, Symbol]) -> None:
        """The names in a value, wherever in it they stand."""
        for leaf in scalars(node):
            for word, span in words(leaf):
                if word in scope:
                    self.found.append(Use(scope[word], span))
                    self.tap(scope[word], span)
                elif word.startswith("c_") and word[2:] in scope:  # the channels of a tensor
                    self.found.append(Use(scope[word[2:]], span._replace(col=span.col + 2)))

    def tap(self, symbol: Symbol, span: Span) -> None:
        """The tensor of another stage that is read by its path, `stage.tensor`."""
        rest = span.source.line(span.line)[span.end_col - 1 :]
        found = _TAP.match(rest) if symbol.kind == "stage" else None
        tensor = self.scopes.get(("stages", symbol.name), {}).get(found[1]) if found else None
        if tensor is not None and tensor.kind == "tensor":
            self.found.append(Use(tensor, _after(span, tensor.name)))

    # --- sections
    def tops(self, stages: Scope) -> None:
        tree = self.file.tree
        for section in ("input", "inputs"):
            self.values(tree.get(section), self.params)
        for section in ("defaults", "init"):
            for key, value in entries(tree.get(section)):
                self.target(key, stages)
                self.block_arguments(key.text, value)
                self.values(value, self.params)
        self.figure(tree.get("figure"))
        self.variants()

    def figure(self, node: Node | None) -> None:
        """Blocks, their arguments, and the conditions of their cases: `stride=1, out=c_in`."""
        for part, found in entries(node):
            if part.text == "hide":
                for leaf in scalars(found):
                    self.target(leaf, {})
            for key, value in entries(found):
                if part.text == "paper":
                    self.paper_figure(value)
                    continue
                self.target(key, {})
                if part.text == "cases":
                    self.cases(key.text, value)

    def cases(self, block: str, node: Node | None) -> None:
        self.values(node, {name: self.param_of_block(block, name) for name in self.params_of_block(block)})

    def paper_figure(self, node: Node) -> None:
        """`{block: Unit, cases: stride=1, expand: Branch}`; the stages of a network are not told from words there.

        One with `spec:` names the parts of another spec.
        """
        if isinstance(node, Mapping) and node.get("spec") is None:
            blocks = list(scalars(node.get("block")))
            for leaf in [*blocks, *scalars(node.get("expand"))]:
                self.target(leaf, {})
            for block in blocks:
                self.cases(block.text, node.get("cases"))
            self.network_params(node.get("params"))
            self.chosen_variant(node.get("variant"))

    def network_params(self, node: Node | None) -> None:
        for key, _ in entries(node):
            if key.text in self.params:
                self.note(self.params[key.text], key)

    def variants(self) -> None:
        for section in ("variants", "expect"):
            for key, value in entries(self.file.tree.get(section)):
                self.note(self.variant_symbol(key.text), key, declares=section == "variants")
                if section == "variants":
                    self.variant(value)
        self.chosen_variant(self.file.tree.get("default"))

    def chosen_variant(self, node: Node | None) -> None:
        """The name of a variant, as `default:` and others say it."""
        if isinstance(node, Scalar):
            self.note(self.variant_symbol(node.text), node)

    def variant_symbol(self, name: str) -> Symbol:
        """A variant, which is that of the file that has it first where one extends another."""
        bases = list(self.project.bases(self.file))
        home = [base for base in bases if base.entry("variants", name)]
        return Symbol("variant", name, (home or bases)[-1].path)

    def variant(self, node: Node) -> None:
        for key, value in entries(node):
            if key.text == "extends":
                self.chosen_variant(value)
            elif key.text in self.params and key.text not in VARIANT:
                self.note(self.params[key.text], key)
                self.values(value, self.params)

    def target(self, key: Scalar, stages: Scope) -> None:
        """A word that begins with the name of a block or stage: `Unit`, `Unit.bn`, `stem.conv`."""
        for word, span in words(key):
            if word in stages:
                self.found.append(Use(stages[word], span))
            elif is_block_name(word) and block_of(word, self.file, self.project):
                self.found.append(Use(self.block_symbol(word), span))
                rest = key.text[len(word) + 1 :]
                if rest in self.params_of_block(word):
                    self.found.append(Use(self.param_of_block(word, rest), _after(span, rest)))

    def params_of_block(self, name: str) -> dict[str, tuple[Scalar, Node | None]]:
        found = block_of(name, self.file, self.project)
        return {**params_of(found[2]), **inputs_of(found[2])} if found is not None else {}

    def param_of_block(self, block: str, name: str) -> Symbol:
        symbol = self.block_symbol(block)
        found = block_of(block, self.file, self.project)
        if found is not None and found[2] is found[0].tree:  # a network taken as a block
            return Symbol("param", name, found[0].path)
        return Symbol("param", name, symbol.file, block)

    # --- bodies
    def block(self, name: str, node: Node) -> None:
        home = self.block_symbol(name).file
        scope: Scope = dict(self.params)
        if isinstance(node, Mapping):
            for param, (key, default) in params_of(node).items():
                self.values(default, scope)
                scope[param] = Symbol("param", param, home, name)
                self.note(scope[param], key, declares=True)
            for given, (key, _) in inputs_of(node).items():
                scope[given] = Symbol("param", given, home, name)
                self.note(scope[given], key, declares=True)
            self.lets(node.get("let"), scope, name)
            self.values(node.get("require"), scope)
        body = node.get("body") if isinstance(node, Mapping) else node
        self.bodies("blocks", name, body, scope)

    def bodies(self, section: str, name: str, body: Node | None, scope: Scope) -> None:
        for leaf in tensors_in(body):
            scope[leaf.text] = Symbol("tensor", leaf.text, self.file.path, f"{section}.{name}")
        self.scopes[section, name] = scope
        self.steps(body, scope, name)

    def all_tensors(self) -> Scope:
        found = (scope for (section, _), scope in self.scopes.items() if section == "stages")
        return {name: symbol for scope in found for name, symbol in scope.items() if symbol.kind == "tensor"}

    def lets(self, node: Node | None, scope: Scope, owner: str) -> None:
        for key, value in entries(node):
            self.values(value, scope)
            scope[key.text] = Symbol("let", key.text, self.file.path, f"{owner}:{key.span.line}")
            self.note(scope[key.text], key, declares=True)

    def steps(self, node: Node | None, scope: Scope, owner: str) -> None:
        if isinstance(node, Sequence):
            for item in node.items:
                self.steps(item, scope, owner)
        elif isinstance(node, Mapping):
            self.step(node, scope, owner)
        elif node is not None:
            self.bare(node, scope)

    def bare(self, node: Scalar, scope: Scope) -> None:
        if is_block_name(node.text):
            self.note(self.block_symbol(node.text), node)
        elif node.text not in REGISTRY:
            self.values(node, scope)

    def step(self, node: Mapping, scope: Scope, owner: str) -> None:
        inner = dict(scope)
        loop = next((node.get(word) for word in ("for", "each") if word in node), None)
        if loop is not None:
            self.values(node.get("in"), scope)
            for name, (key, default) in declared(loop).items():
                self.values(default, inner)
                inner[name] = Symbol("column", name, self.file.path, f"{owner}:{key.span.line}:{key.span.col}")
                self.note(inner[name], key, declares=True)
        self.lets(node.get("let"), inner, owner)
        for key, value in node.entries:
            self.entry(key, value, (scope, inner), owner)

    def entry(self, key: Scalar, value: Node, scopes: tuple[Scope, Scope], owner: str) -> None:
        """One key of a step, with the names outside and inside of its loop."""
        scope, inner = scopes
        word = key.text
        if word == "as":
            for leaf in scalars(value):
                self.note(
                    scope.get(leaf.text) or Symbol("tensor", leaf.text, self.file.path, owner), leaf, declares=True
                )
        elif word in ("for", "each", "let", "in", "name", "label"):
            return
        elif word == "share" and isinstance(value, Scalar):
            self.target(value, {name: symbol for name, symbol in scope.items() if symbol.kind == "stage"})
        elif word == "body":
            self.steps(value, inner, owner)
        elif word == "else" or word in ("fork", "running_sum"):
            self.steps(value, scope, owner)
        elif word == "of":
            for _, body in entries(value):
                self.steps(body, scope, owner)
        elif word == "residual":
            self.residual(value, scope, owner)
        elif word in STEP or word in STRUCTURE:
            self.values(value, scope)
        elif word in REGISTRY and REGISTRY[word].many:
            self.join(word, value, scope, owner)
        elif word in REGISTRY:
            self.values(value, scope)
        elif is_block_name(word):
            self.note(self.block_symbol(word), key)
            self.block_arguments(word, value)
            self.values(value, scope)
        else:
            self.values(value, scope)  # `when:`, `from:`, `training:` of a stage

    def residual(self, node: Node, scope: Scope, owner: str) -> None:
        if not isinstance(node, Mapping) or not set(node.keys()) <= set(RESIDUAL):
            self.steps(node, scope, owner)
            return
        for key, value in node.entries:
            if key.text == "if":
                self.values(value, scope)
            elif not is_null(value):
                self.steps(value, scope, owner)

    def join(self, word: str, node: Node, scope: Scope, owner: str) -> None:
        fields = {item.name for item in REGISTRY[word].fields}
        if not (isinstance(node, Mapping) and fields and ("of" in node or fields & set(node.keys()))):
            self.steps(node, scope, owner)
            return
        for key, value in node.entries:
            if key.text == "of":
                self.steps(value, scope, owner)
            else:
                self.values(value, scope)

    def block_arguments(self, name: str, node: Node) -> None:
        """The names of the arguments of a call."""
        known = self.params_of_block(name) if is_block_name(name) else {}
        for key, _ in entries(node):
            if key.text in known:
                self.note(self.param_of_block(name, key.text), key)


def _after(span: Span, word: str) -> Span:
    """The place of a word behind a name and a dot."""
    return span._replace(col=span.end_col + 1, end_col=span.end_col + 1 + len(word))
