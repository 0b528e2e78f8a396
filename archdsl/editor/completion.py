"""What may be written at a cursor: keys, ops, blocks, arguments, words and the names in scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archdsl.editor.declared import block_of, declared_in, inputs_of, params_of, within
from archdsl.editor.grammar import Place, head_of, place
from archdsl.editor.names import Scope, scope_of
from archdsl.editor.project import File, Project
from archdsl.editor.spots import Level, Spot, spot
from archdsl.expr.evaluate import FUNCTIONS
from archdsl.ops import REGISTRY, Field, Op
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES
from archdsl.syntax.json_schema import stands_bare, summary
from archdsl.syntax.words import BESIDE, STEP, STRUCTURE
from archdsl.workspace.library import all_shipped
from archdsl.yaml.located import Mapping, Node

Kind = Literal["key", "op", "block", "argument", "param", "tensor", "word", "function", "file", "stage"]

_WORD = re.compile(r"[A-Za-z_][\w.]*$", re.ASCII)
_NAMED = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Item:
    """One thing that may be written: `text` stands for the word before the cursor, `$1` is where one goes on."""

    label: str
    kind: Kind
    text: str
    detail: str = ""
    doc: str = ""


@dataclass(frozen=True)
class Completion:
    """What may be written, and how many characters before the cursor it takes the place of."""

    items: tuple[Item, ...]
    length: int


def complete(text: str, line: int, column: int, path: Path, project: Project) -> Completion:
    """What may be written at a line and column, from 0; names are those of the last state that was YAML."""
    found = spot(text, line, column)
    if found is None:
        return Completion((), 0)
    word = _WORD.search(found.word)
    items = _Offer(found, project.file(path), project).items()
    unique = {(item.label, item.kind): item for item in items}
    return Completion(tuple(unique.values()), len(word[0]) if word else 0)


@dataclass
class _Offer:
    spot: Spot
    file: File | None
    project: Project

    def items(self) -> Iterator[Item]:
        here = self.here()
        levels = self.spot.levels
        if self.spot.where == "key":
            yield from self.keys(here, levels[-1])
            return
        yield from self.values(here)
        if self.spot.fresh and (here.is_step or self.spot.where == "value"):
            yield from self.keys(here, Level(is_list=False))

    def here(self) -> Place:
        """The place of what is being written: the mapping of a key, the value of one, an item."""
        way: list[str | int] = []
        for level in self.spot.levels:
            if level.is_list:
                way.append(level.index)
            elif level.key:
                way.append(level.key)
        return place(way)

    # --- keys
    def keys(self, here: Place, level: Level) -> Iterator[Item]:
        given = set(level.entries) - {level.key}
        for item in self.all_keys(here, list(given)):
            if item.label not in given:
                yield item

    def all_keys(self, here: Place, given: list[str]) -> Iterator[Item]:
        if here.op is not None and not here.op.many:
            yield from (self.argument(field) for field in here.op.fields)
        elif here.block:
            yield from self.block_arguments(here.block)
        elif here.is_step:
            yield from self.step_keys(here, head_of(given))
        else:
            yield from (key_item(key, form) for key, form in here.properties.items() if key not in REGISTRY)
            yield from self.named_keys()

    def step_keys(self, here: Place, head: str) -> Iterator[Item]:
        inner = "stages" in self.spot.path[:1] and len(self.spot.path) == 2
        if not head:
            yield from (op_item(op) for op in REGISTRY.values())
            yield from (Item(word, "key", f"{word}: $1", "structure", doc) for word, doc in STRUCTURE.items())
            yield from self.blocks(as_key=True)
        beside = {**STEP, **BESIDE.get(head, {})} if head or not inner else {}
        yield from (Item(key, "key", f"{key}: $1", "", doc) for key, doc in beside.items())
        if inner:
            forms = here.properties
            yield from (key_item(key, forms[key]) for key in forms if key not in {*REGISTRY, *STRUCTURE, *STEP})

    def named_keys(self) -> Iterator[Item]:
        """Keys that are names of the spec: blocks in `defaults:`, params in a variant."""
        section, *rest = self.spot.path or [""]
        if section in ("defaults", "init", "calls") and not rest:
            yield from (Item(op.name, "op", f"{op.name}: {{$1}}", op.group, summary(op)) for op in REGISTRY.values())
            yield from (Item(i.label, "block", f"{i.label}: {{$1}}") for i in self.blocks(as_key=True))
        elif section == "variants" and len(rest) == 1 and self.file is not None:
            names = scope_of(self.file, self.project, "", "")
            yield from (Item(name, "param", f"{name}: $1", "param of the network") for name in names)
        elif section == "figure" and rest:
            yield from (Item(i.label, "block", f"{i.label}: $1") for i in self.blocks(as_key=True))
        elif section in ("blocks", "stages") and not rest and self.file is not None:
            for base in list(self.project.bases(self.file))[1:]:  # parts of which may be changed here
                yield from (Item(name, "key", f"{name}: $1", base.path.name) for name in declared_in(base, section))
        elif section == "expect" and not rest and self.file is not None:
            variants = self.file.tree.get("variants")
            known = [*(variants.keys() if isinstance(variants, Mapping) else ()), "default"]
            yield from (Item(name, "word", f"{name}: {{params: $1}}", "variant") for name in known)

    def argument(self, field: Field) -> Item:
        default = "required" if field.required else "" if field.default is None else f"default {field.default}"
        words = f"{', '.join(field.choices)}" if field.choices else ""
        return Item(field.name, "argument", f"{field.name}: $1", default, "; ".join(filter(None, (field.doc, words))))

    def block_arguments(self, name: str) -> Iterator[Item]:
        found = block_of(name, self.file, self.project) if self.file is not None else None
        if found is None:
            return
        for param, (_, default) in params_of(found[2]).items():
            text = source_of(default)
            yield Item(param, "argument", f"{param}: $1", f"default {text}" if text else "required", f"param of {name}")
        for given in inputs_of(found[2]):
            yield Item(given, "argument", f"{given}: $1", "tensor", f"input of {name}")

    # --- values
    def values(self, here: Place) -> Iterator[Item]:
        path = self.spot.path
        if path[:1] in (["use"], ["extends"]) and len(path) == 1:
            yield from self.files()
        elif here.is_step or (here.op is not None and here.op.many):
            yield from self.bare_steps()
        elif here.op is not None or here.field is not None:
            yield from self.field_values(here)
        elif "reference" in here.refs or path[-1:] == ["from"]:
            yield from self.names(lambda kind: kind in ("tensor", "stage", "input"))
        elif set(here.refs) & {"expression", "value"} or here.block:
            yield from self.names(lambda kind: True)
            yield from functions()

    def field_values(self, here: Place) -> Iterator[Item]:
        field = here.field or (here.op.fields[0] if here.op is not None and here.op.fields else None)
        if field is None:
            return
        yield from (Item(word, "word", word, field.name, field.doc) for word in field.choices)
        if field.kind == "bool":
            yield from (Item(word, "word", word) for word in ("true", "false"))
        if field.kind == "tensor":
            yield from self.names(lambda kind: kind in ("tensor", "stage", "input"))
        elif field.kind != "text":
            yield from self.names(lambda kind: field.kind == "formula" or kind not in ("tensor", "stage"))
            yield from functions()

    def bare_steps(self) -> Iterator[Item]:
        yield from (Item(op.name, "op", op.name, op.group, summary(op)) for op in REGISTRY.values() if stands_bare(op))
        yield from self.blocks(as_key=False)
        yield from self.names(lambda kind: kind in ("tensor", "stage", "input"))
        if self.spot.where == "item" and not self.spot.fresh:  # `[conv: 8, ...`, a pair in brackets
            yield from (op_item(op) for op in REGISTRY.values())
            yield from self.blocks(as_key=True)

    def names(self, wanted: Callable[[str], bool]) -> Iterator[Item]:
        section, name = [*self.spot.path, "", ""][:2]
        if section in ("blocks", "stages"):
            if wanted("tensor"):
                yield Item("input", "tensor", "input", "the tensor that enters")
            if wanted("param"):
                yield from (Item(word, "param", word, "of the tensor that enters") for word in MEASURES)
                yield from self.columns()
        if self.file is None:
            return
        for word, symbol in self.scope(section, name).items():
            if wanted(symbol.kind) and symbol.kind != "column":
                kind: Kind = (
                    "tensor" if symbol.kind in ("tensor", "input") else "stage" if symbol.kind == "stage" else "param"
                )
                yield Item(word, kind, word, f"{symbol.kind} of {symbol.owner or 'the network'}")

    def scope(self, section: str, name: str) -> Scope:
        assert self.file is not None
        found = scope_of(self.file, self.project, section, name)
        return {key: symbol for key, symbol in found.items() if symbol.name == key}

    def columns(self) -> Iterator[Item]:
        """The columns and values of the loops around the cursor, as they stand in the text."""
        for level in self.spot.levels:
            loop = level.entries.get("for", level.entries.get("each", ""))
            if level.key in ("for", "each", "in"):
                continue
            if loop or "repeat" in level.entries:
                yield from (Item(word, "param", word, "of the loop") for word in (*TURN_NAMES, *TABLE_NAMES))
            yield from (Item(word, "param", word, "column") for word in _NAMED.findall(loop))
            let = level.entries.get("let", "")
            yield from (Item(word, "param", word, "let") for word in re.findall(r"(\w+)\s*:", let))

    def blocks(self, *, as_key: bool) -> Iterator[Item]:
        if self.file is None:
            return
        seen: dict[str, Node] = {}
        for base in self.project.bases(self.file):
            own = base.tree.get("blocks")
            for key, value in own.entries if isinstance(own, Mapping) else ():
                seen.setdefault(key.text, value)
            for used in filter(None, map(self.project.file, base.uses)):
                for name in blocks_in(used, self.project):
                    found = within(name, used, self.project)
                    if found is not None:
                        seen.setdefault(name, found[2])
        for name, node in seen.items():
            params = params_of(node)
            needed = [param for param, (_, default) in params.items() if not source_of(default)]
            if as_key or not needed:
                text = f"{name}: {called(needed)}" if as_key else name
                yield Item(name, "block", text, f"({', '.join(params)})", doc_of(node))

    def files(self) -> Iterator[Item]:
        here = self.file.path.parent if self.file is not None else None
        own = sorted(path.name for path in here.glob("*.y*ml")) if here is not None else []
        yield from (Item(name, "file", name, "in this folder") for name in own)
        yield from (Item(f"{name}.yaml", "file", f"{name}.yaml", "shipped") for name in all_shipped())
        yield Item("blocks/mbconv.yaml", "file", "blocks/mbconv.yaml", "shipped")


def blocks_in(file: File, project: Project) -> list[str]:
    """The blocks that a file gives to those that use it, its network among them."""
    names: list[str] = []
    for base in project.bases(file):
        own = base.tree.get("blocks")
        names += own.keys() if isinstance(own, Mapping) else ()
    title = file.tree.get("name")
    return [*names, *([title.text] if title is not None and hasattr(title, "text") and "stages" in file.tree else [])]


def called(needed: list[str]) -> str:
    """The arguments that a call needs: one alone by its place, several by name."""
    if not needed:
        return "$1"
    if len(needed) == 1:
        return f"${{1:{needed[0]}}}"
    return "{" + ", ".join(f"{name}: ${{{number}:{name}}}" for number, name in enumerate(needed, 1)) + "}"


def op_item(op: Op) -> Item:
    needed = [] if op.many else [field.name for field in op.fields if field.required]
    if op.many:
        text = f"{op.name}: [$1]"
    elif needed == [field.name for field in op.fields[:1]]:
        text = f"{op.name}: {called(needed)}"
    else:
        text = (
            f"{op.name}: {{{', '.join(f'{name}: ${{{n}:{name}}}' for n, name in enumerate(needed, 1))}}}"
            if needed
            else f"{op.name}: $1"
        )
    return Item(op.name, "op", text, op.group, summary(op))


def key_item(key: str, form: dict[str, object]) -> Item:
    return Item(key, "key", f"{key}: $1", "", str(form.get("description", "")))


def functions() -> Iterator[Item]:
    yield from (Item(name, "function", f"{name}($1)", "function") for name in FUNCTIONS)


def source_of(node: Node | None) -> str:
    """A value as it is written, on one line."""
    if node is None:
        return ""
    span = node.span
    lines = span.source.text.splitlines()[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_col - 1]
    lines[0] = lines[0][span.col - 1 :]
    return " ".join(line.strip() for line in lines)


def doc_of(node: Node) -> str:
    found = node.get("doc") if isinstance(node, Mapping) else None
    return source_of(found)
