"""A text -> `Spec`: what it extends and is patched with, its own document, and the files that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.ops import REGISTRY
from archdsl.support.naming import camel
from archdsl.support.paths import is_folder, real
from archdsl.support.resources import spec_folders
from archdsl.syntax.compose import Document, Files, Reference, Used, called_from, document, laid_on, with_layers
from archdsl.syntax.override import no_stage
from archdsl.syntax.own_ops import load_installed, refuse_words
from archdsl.syntax.patches.elsewhere import Layers, UsedFile
from archdsl.syntax.patches.settings import NO_PATCHES, Patches, values
from archdsl.syntax.reading.document import DocumentReader
from archdsl.syntax.reading.figures import known_blocks, known_forms
from archdsl.syntax.reading.names import block_names, file_names
from archdsl.syntax.reading.values import Context, clip
from archdsl.syntax.spec import Spec
from archdsl.yaml.located import Mapping, open_source

Cache: TypeAlias = "dict[tuple[Path, str | None, Layers], Spec]"  # by file, its last stage, and what is laid on it
_NUMBERS = ("input", "inputs", "params", "defaults", "variants")


def read_spec(
    source: Source,
    *,
    base: Path | None,
    load: Callable[[Path], Source] = open_source,
    patches: Patches = NO_PATCHES,
    shipped: tuple[Path, ...] | None = None,
) -> Spec:
    """The spec in a text, with `patches` laid on it; raises `SpecError` with all its independent faults.

    `base` is the spec's file or its folder (None: it has none). `use:` and `extends:` look there, then
    among the shipped specs, and nowhere else; `load` reads what they find. `shipped` are the folders of the
    specs that another archdsl shipped, in place of those of this one.
    """
    path = base / Path(source.name).name if base is not None and is_folder(base) else base
    refuse_words()
    spec = with_installed_ops(lambda: read_document(*opened(source, path, load, patches, shipped)))
    return replace(spec, settings=values(patches)) if patches else spec


def opened(
    source: Source,
    path: Path | None,
    load: Callable[[Path], Source],
    patches: Patches,
    shipped: tuple[Path, ...] | None = None,
) -> tuple[Document, Files]:
    """A text with what it extends, and `patches` on it; and the files that it may name."""
    files = files_of(path, load, shipped)
    whole = document(source, path.parent if path is not None else None, path, files)
    return laid_on(whole, patches, files), files


def files_of(path: Path | None, load: Callable[[Path], Source], shipped: tuple[Path, ...] | None = None) -> Files:
    """The files that a spec may name."""
    folders = spec_folders().values() if shipped is None else shipped
    return Files(load, tuple(folders), [real(path)] if path is not None else [])


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
        spec = DocumentReader(ctx, doc, files).spec()
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
