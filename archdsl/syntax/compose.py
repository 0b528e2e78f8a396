"""Networks made of networks: `use:` and `extends:`, where their files may lie and how a spec overrides another."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from archdsl.diagnostics.faults import Diagnostic, Note, SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.support.naming import did_you_mean
from archdsl.support.paths import is_file, is_folder, is_there, kind, real
from archdsl.syntax.override import cut, override, replaced
from archdsl.syntax.patches.apply import Params, params_of
from archdsl.syntax.patches.elsewhere import NO_LAYERS, Layers, UsedFile, divided, names_in
from archdsl.syntax.patches.settings import Patches, as_file
from archdsl.syntax.reading.values import Context, as_mapping, as_text, clip, declared, head, is_null
from archdsl.syntax.words import PLACED
from archdsl.yaml.located import Mapping, Node, Scalar, read

MAX_FILES, MAX_SIZE = 50, 2_000_000
SUFFIXES = (".yaml", ".yml")
ROOT_MARKS = ("pyproject.toml", ".git")  # in the folder of a project


@dataclass(frozen=True, eq=False)
class Reference:
    """A file named by `use:` or `extends:`, and the stage up to which it is taken."""

    name: Scalar
    until: Scalar | None
    base: Path | None  # the folder of the file that names it


@dataclass(frozen=True, eq=False)
class Document:
    """A file with its `extends:` applied: the merged tree, and the files that any of its parts uses."""

    tree: Mapping
    uses: tuple[Reference, ...]
    path: Path | None
    extends: bool = False
    layers: Layers = NO_LAYERS  # what its patches lay on the files that it uses


@dataclass
class Files:
    """Finds and reads the files of one spec."""

    load: Callable[[Path], Source]
    shipped: tuple[Path, ...]
    open: list[Path] = field(default_factory=list)  # the way from the outermost file, for cycles
    count: int = 0
    size: int = 0

    def find(self, reference: Reference) -> Path:  # as named, so that messages show it the user's way
        """The file meant: a shipped spec by its bare name, else beside the spec, else among the shipped ones."""
        name, span = reference.name.text, reference.name.span
        path = PurePosixPath(name)
        if path.is_absolute() or "\\" in name or ":" in name or "\0" in name or name.startswith("~"):
            raise outside(reference)
        if path.suffix not in SUFFIXES:
            return self.named(reference)
        if ".." in path.parts and (reference.base is None or not within(reference.base / path, reference.base)):
            raise outside(reference)
        folders = [folder for folder in (reference.base, *self.shipped) if folder is not None]
        if ".." in path.parts:
            folders = folders[:1]
        for folder in folders:
            if is_file(folder / path):
                if not within(folder / path, folder, shipped=folder is not reference.base):  # a link
                    raise outside(reference)
                return folder / path
        there = next((folder / path for folder in folders if os.path.lexists(folder / path)), None)
        if there is not None:
            raise fault("missing-file", f"'{clip(name)}' is not a file: {kind(there)}", span)
        beside = [folder / path.parent for folder in folders]
        known = [file.name for folder in beside if is_folder(folder) for file in sorted(folder.glob("*.y*ml"))[:500]]
        help = did_you_mean(path.name, known) if len(name) <= 100 else ""
        raise fault("missing-file", f"there is no file '{clip(name)}' here", span, help=help)

    def named(self, reference: Reference) -> Path:
        """The shipped spec of a bare name, as on the command line."""
        name, span = reference.name.text, reference.name.span
        if not is_word(name):
            raise fault("missing-file", f"'{clip(name)}' is not a spec", span)
        for folder in self.shipped:
            if is_file(found := folder / f"{name}.yaml"):
                return found
        here = reference.base is not None and is_file(reference.base / f"{name}.yaml")
        known = [file.stem for folder in self.shipped for file in sorted(folder.glob("*.yaml"))]
        help = f"write '{name}.yaml' for the file beside this one" if here else did_you_mean(name, known)
        raise fault("missing-file", f"there is no shipped spec '{clip(name)}'", span, help=help)

    def enter(self, reference: Reference) -> tuple[Path, Source]:
        """Opens a file; `leave` when it is done with."""
        named = self.find(reference)
        path = real(named)
        if path in self.open:
            ring = " -> ".join(p.name for p in [*self.open[self.open.index(path) :], path])
            raise fault("file-cycle", f"this file includes itself: {ring}", reference.name.span)
        self.count += 1
        if self.count > MAX_FILES:
            raise fault("too-large", f"a spec may consist of at most {MAX_FILES} files", reference.name.span)
        with called_from(reference):
            source = self.load(named)
        self.size += len(source.text)
        if self.size > MAX_SIZE:
            message = f"the files of a spec may hold {MAX_SIZE // 1_000_000} MB together"
            raise fault("too-large", message, reference.name.span)
        self.open.append(path)
        return named, source

    def leave(self) -> None:
        self.open.pop()


def outside(reference: Reference) -> SpecError:
    """What to say of a file that may not be read."""
    base = reference.base
    place = "project" if base is not None and project(base) != real(base) else "folder"
    message = f"'{clip(reference.name.text)}' leads out of the {place} of the spec"
    return fault("outside", message, reference.name.span, help=f"name a file in the same {place}, or a shipped spec")


def within(file: Path, base: Path, *, shipped: bool = False) -> bool:
    """Whether a file lies where those of a folder may be: in its project, or, of a shipped spec, in the folder."""
    return real(file).is_relative_to(real(base) if shipped else project(base))


def project(folder: Path) -> Path:
    """The root of the project of a folder: the nearest above with a `pyproject.toml` or `.git`."""
    start = real(folder)
    return next((up for up in (start, *start.parents) if any(is_there(up / mark) for mark in ROOT_MARKS)), start)


def is_word(name: str) -> bool:
    return name.replace("_", "").replace("-", "").isalnum() and len(name) <= 60


class called_from:  # noqa: N801 - reads as a clause
    """Adds to the faults of another file where that file is named."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SpecError):
            note = Note(f"'{self.reference.name.text}', named here", self.reference.name.span)
            raise SpecError(*(with_trail(item, note) for item in error.diagnostics)) from None


def with_trail(item: Diagnostic, note: Note) -> Diagnostic:
    if item.span is None:  # the file could not be read at all
        return replace(item, span=note.span)
    return Diagnostic(item.code, item.message, item.span, item.label, item.notes, item.help, (*item.trail, note))


# --- reading -----------------------------------------------------------------------------------


def document(source: Source, base: Path | None, path: Path | None, files: Files) -> Document:
    """A file as a tree, with what it extends underneath."""
    tree = as_mapping(read(source), "a spec", "start with 'archdsl: 1' and 'name:'")
    until = last_stage(tree)
    references = references_of(tree.get("extends"), base, until, "extends")
    uses = references_of(tree.get("use"), base, None if references else until, "use")
    if not references:
        own, layers = divided(tree, tree, lambda: Used(uses, NO_LAYERS, files).known, list)
        return Document(own, uses, path, layers=layers)
    if len(references) > 1:
        raise fault(
            "wrong-type",
            "a spec extends one other",
            head(as_node(tree.get("extends"))),
            help="name blocks of others in use:",
        )
    reference = references[0]
    found, text = files.enter(reference)
    try:
        with called_from(reference):
            under = document(text, found.parent, found, files)
    finally:
        files.leave()
    whole = replace(under, tree=cut(under.tree, reference.until, reference.name.text))
    return replace(laid(whole, tree, uses, files), path=path)


def laid_on(doc: Document, patches: Patches, files: Files) -> Document:
    """A file with the patches of a call."""
    if not patches:
        return doc
    known = Used(doc.uses, doc.layers, files)
    return laid(doc, as_file(doc.tree, patches, known.blocks), (), files)


def laid(base: Document, over: Mapping, uses: tuple[Reference, ...], files: Files) -> Document:
    """A file laid on another one, and on the files that either uses."""
    by_base, used = Used(base.uses, base.layers, files), Used((*base.uses, *uses), base.layers, files)
    own, layers = divided(base.tree, over, lambda: used.known, lambda: by_base.known)
    tree = base.tree
    for file in used.known if layers else ():
        for patches in layers.of(file.path):
            tree = with_moved_rules(tree, file, patches, used.params)
    tree = override(tree, own, used.params)
    return Document(tree, used.uses, base.path, extends=True, layers=base.layers.under(layers))


def with_moved_rules(tree: Mapping, file: UsedFile, over: Mapping, params_of: Params) -> Mapping:
    """The tree with what its `init:` says of modules in blocks of a used file, as patches move and remove them."""
    init, key = tree.get("init"), tree.key("init")
    if not isinstance(init, Mapping) or key is None:
        return tree
    blocks = set(names_in(file.tree, "blocks")) - set(names_in(tree, "blocks"))
    meant = tuple(entry for entry in init.entries if entry[0].text.partition(".")[0] in blocks)
    rest = tuple(entry for entry in init.entries if entry not in meant)
    settled = override(replaced(file.tree, "init", Mapping(meant, init.span), key), over, params_of).get("init")
    kept = settled.entries if isinstance(settled, Mapping) else ()
    return replaced(tree, "init", Mapping((*rest, *kept), init.span))


def with_layers(doc: Document, layers: Layers, path: Path, files: Files) -> Document:
    """A file in `use:` with what specs further out lay on it, and on those that it uses itself."""
    for over in layers.of(real(path)):
        doc = replace(doc, tree=override(doc.tree, over, Used(doc.uses, doc.layers, files).params), extends=True)
    return replace(doc, layers=doc.layers.under(layers))


@dataclass(eq=False)
class Used:
    """The files that a spec uses, and those that they use in turn, which are read if they are asked for."""

    uses: tuple[Reference, ...]
    layers: Layers
    files: Files

    @cached_property
    def known(self) -> list[UsedFile]:
        """The nearest first; of two at one distance the one that is named last, as for calls."""
        found: dict[Path, UsedFile] = {}
        level = [(reference, self.layers) for reference in reversed(self.uses)]
        while level:
            following = []
            for reference, layers in level:
                path, text = self.files.enter(reference)
                try:
                    with called_from(reference):
                        own = document(text, path.parent, path, self.files)
                finally:
                    self.files.leave()
                if real(path) not in found:
                    doc = with_layers(own, layers, path, self.files)
                    found[real(path)] = UsedFile(real(path), own.tree, doc.tree, own.layers)
                    following += [(inner, doc.layers) for inner in reversed(doc.uses)]
            level = following
        return list(found.values())

    def blocks(self) -> list[str]:
        """The names of all blocks."""
        return [name for file in self.known for name in file.blocks()]

    def params(self, block: str) -> list[str] | None:
        """The params of a block in their order."""
        for file in self.known:
            if block == file.network:
                return params_of(file.tree)
            blocks = file.tree.get("blocks")
            node = blocks.get(block) if isinstance(blocks, Mapping) else None
            if node is not None:
                return params_of(node)
        return None


def as_node(node: Node | None) -> Node:
    assert node is not None
    return node


def last_stage(tree: Mapping) -> Scalar | None:
    node = tree.get("until")
    if node is None:
        return None
    as_text(node, "until:")
    if "use" not in tree and "extends" not in tree:
        key = tree.key("until")
        help = "name the network in use: or extends:"
        raise fault("missing-key", "'until' needs 'use' or 'extends'", key.span if key else None, help=help)
    return node if isinstance(node, Scalar) else None


def references_of(node: Node | None, base: Path | None, until: Scalar | None, what: str) -> tuple[Reference, ...]:
    """`use: [common.yaml, peleenet.yaml: {until: dense}]`, or a single file."""
    if node is None or is_null(node):
        return ()
    found = []
    for name, options in declared(node, "file"):
        as_text(name, f"a file in {what}:")
        stage = until
        if options is not None and not is_null(options):
            mapping = as_mapping(options, f"the keys of '{clip(name.text)}'", f"write {name.text}: {{until: stage}}")
            for key, _ in mapping.entries:
                if key.text not in PLACED:
                    raise fault(
                        "unknown-key",
                        f"'{clip(key.text)}' is not a key for a file",
                        key.span,
                        help="only until: stage",
                    )
            value = mapping.get("until")
            stage = value if isinstance(value, Scalar) and not value.empty else until
        found.append(Reference(name, stage, base))
    return tuple(found)


def check_place(ctx: Context, node: Mapping, extends: bool) -> None:
    """`after:` / `before:` mean something only where there are other stages to stand between."""
    for word in ("after", "before"):
        key = node.key(word)
        if key is not None and not extends:
            ctx.add(
                fault(
                    "unknown-key",
                    f"'{word}' places a stage in a spec with extends:",
                    key.span,
                    help="move the stage itself",
                )
            )
