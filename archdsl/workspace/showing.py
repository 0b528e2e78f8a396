"""The spec that results: what it extends, its patches and those of a call, and a variant, as one text of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archdsl.analysis.setting import variants
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Source, Span
from archdsl.expr.given import Placed
from archdsl.support.naming import did_you_mean
from archdsl.support.paths import real
from archdsl.support.resources import spec_folders
from archdsl.syntax.compose import Document, Reference
from archdsl.syntax.override import as_mapping_of, replaced, without, without_figures
from archdsl.syntax.patches.places import PLACES
from archdsl.syntax.reading.comments import comment_on
from archdsl.syntax.reading.spec_file import read_tree
from archdsl.syntax.spec import DEFAULT, Spec
from archdsl.syntax.words import SPEC, VARIANT
from archdsl.workspace.in_use import patches_of_used
from archdsl.workspace.library import SpecLike, elaborated, in_memory, locate, read, read_from
from archdsl.workspace.settings import patches_in
from archdsl.yaml import located as y
from archdsl.yaml.writing import Line, lines_of

AIRY = ("blocks", "stages", "variants", "expect")  # sections with an empty line above


def show(spec: SpecLike, variant: str | None, params: Mapping[str, Any], *, origin: bool = False) -> str:
    """The spec as YAML that builds the same network, with the same keys; `origin` names where each line is from.

    It is built and compared before it is given.
    """
    known = read(spec, patches=patches_in(params, variant))
    doc = document_of(spec, params, variant)
    tree = standing(doc, known, variant, params)
    found = list(laid_out(tree))
    plain = [line.text for line in found]
    expect_same_network(joined(plain), doc.path, known, variant, params)
    return joined(with_origins(found)) if origin else joined(plain)


def joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def expect_same_network(
    text: str, path: Path | None, known: Spec, variant: str | None, params: Mapping[str, Any]
) -> None:
    """Raises unless the text builds the network of the spec; of a spec that builds none there is nothing to tell."""
    try:
        wanted = elaborated(known, variant, params, None)
    except SpecError:
        return
    found = elaborated(read_from(Source("<shown>", text), path), None, None, None)
    assert found.fingerprint == wanted.fingerprint, f"what would be shown of {known.name} builds another network"


def document_of(spec: SpecLike, params: Mapping[str, Any], variant: str | None = None) -> Document:
    given = in_memory(spec)
    if given is not None:
        return read_tree(given, base=None, patches=patches_in(params, variant))
    path = locate(spec)
    return read_tree(y.open_source(path), base=path, patches=patches_in(params, variant))


# --- what stands in the end
def standing(doc: Document, spec: Spec, variant: str | None, params: Mapping[str, Any]) -> y.Mapping:
    """The tree with the values of a variant and of a call in it."""
    tree = placeless(without_keys(doc.tree, ("extends", "use", "until")))
    if variant is not None:
        tree = chosen(tree, spec, variant)
    if params:
        tree = with_params(tree, spec, params)
    if doc.uses:
        use = y.Sequence(tuple(named(reference, doc) for reference in doc.uses), doc.uses[0].name.span)
        tree = y.Mapping((*tree.entries, (word("use", use.span), use)), tree.span)
    if doc.layers:
        tree = with_blocks(tree, patches_of_used(doc))
    order = list(SPEC)
    return y.Mapping(tuple(sorted(tree.entries, key=lambda entry: order.index(entry[0].text))), tree.span)


def with_blocks(tree: y.Mapping, more: list[tuple[y.Scalar, y.Node]]) -> y.Mapping:
    """The tree with further entries of `blocks:`."""
    held = tree.get("blocks")
    blocks = (*(held.entries if isinstance(held, y.Mapping) else ()), *more)
    return replaced(tree, "blocks", y.Mapping(blocks, tree.span), word("blocks", tree.span)) if more else tree


def word(text: str, span: Span) -> y.Scalar:
    return y.Scalar(text, text, False, span)


def without_keys(tree: y.Mapping, keys: tuple[str, ...]) -> y.Mapping:
    return y.Mapping(tuple(entry for entry in tree.entries if entry[0].text not in keys), tree.span)


def placeless(tree: y.Mapping) -> y.Mapping:
    """The stages in their order, without the words that placed them."""
    stages = tree.get("stages")
    if not isinstance(stages, y.Mapping):
        return tree

    def rest(stage: y.Node) -> y.Node:
        return without_keys(stage, PLACES) if isinstance(stage, y.Mapping) else stage

    return replaced(tree, "stages", y.Mapping(tuple((key, rest(stage)) for key, stage in stages.entries), stages.span))


def chosen(tree: y.Mapping, spec: Spec, variant: str) -> y.Mapping:
    """The tree of one variant: its values are those of the params."""
    entries = tree.get("variants")
    for one in variants(spec, variant):
        said = entries.get(one.name) if isinstance(entries, y.Mapping) else None
        for key, value in said.entries if isinstance(said, y.Mapping) else ():
            if key.text in ("input", "inputs"):
                tree = with_shape(tree, key, value)
            elif key.text not in VARIANT:
                tree = with_param(tree, key, value)
    expect = tree.get("expect")
    own = expect.get(variant) if isinstance(expect, y.Mapping) else None
    tree = without_figures(without_keys(tree, ("variants", "default", "expect")), list(spec.variants))
    if own is None:
        return tree
    stated = y.Mapping(((word(DEFAULT, own.span), own),), own.span)
    return y.Mapping((*tree.entries, (word("expect", own.span), stated)), tree.span)


def with_shape(tree: y.Mapping, key: y.Scalar, value: y.Node) -> y.Mapping:
    """The shape of the input, or those of several."""
    held = tree.get("inputs")
    if isinstance(held, y.Mapping):
        given = value.entries if isinstance(value, y.Mapping) else ((held.entries[0][0], value),)
        for name, shape in given:
            held = replaced(held, name.text, shape, name)
        return replaced(tree, "inputs", held)
    lone = value.entries[0][1] if isinstance(value, y.Mapping) else value
    return replaced(tree, "input", lone, key)


def with_param(tree: y.Mapping, key: y.Scalar, value: y.Node) -> y.Mapping:
    params = tree.get("params")
    held = as_mapping_of(params) if params is not None else y.Mapping((), key.span)
    return replaced(tree, "params", replaced(held, key.text, value, key), word("params", key.span))


def with_params(tree: y.Mapping, spec: Spec, params: Mapping[str, Any]) -> y.Mapping:
    """What a call gives goes over what any variant says; the network is then none that was counted or measured."""
    unknown = next((name for name in params if name not in spec.params), None)
    if unknown is not None:
        help = did_you_mean(unknown, spec.params) or f"its params are {', '.join(spec.params) or 'none'}"
        place = params.places.get(unknown) if isinstance(params, Placed) else None
        raise fault("unknown-param", f"'{spec.name}' has no param '{unknown}'", place, help=help)
    given = y.read(y.from_python({name: literal(value, spec) for name, value in params.items()}, "--set"))
    assert isinstance(given, y.Mapping)
    for key, value in given.entries:
        tree = with_param(tree, key, value)
    entries = tree.get("variants")
    if isinstance(entries, y.Mapping):
        kept = []
        for name, said in entries.entries:
            for gone in (*params, "top1", "published"):
                said = without(said, gone)
            kept.append((name, said))
        tree = replaced(tree, "variants", y.Mapping(tuple(kept), entries.span))
    return without_keys(tree, ("expect",))


def literal(value: Any, spec: Spec) -> Any:
    """A value as a default says it: a word that names a param is quoted, so that it stays a word."""
    if isinstance(value, (list, tuple)):
        return [literal(item, spec) for item in value]
    return repr(value) if isinstance(value, str) and value in spec.params else value


def named(reference: Reference, doc: Document) -> y.Node:
    """An entry of `use:`, as it reads beside the spec."""
    name = file_named(reference, doc)
    if reference.until is None:
        return name
    until = y.Mapping(((word("until", reference.until.span), reference.until),), reference.until.span)
    return y.Mapping(((name, until),), name.span)


def file_named(reference: Reference, doc: Document) -> y.Scalar:
    name, base = reference.name, reference.base
    here = doc.path.parent if doc.path is not None else None
    if base is None or here is None or real(base) == real(here):
        return name
    found = base / name.text
    if not found.is_file() or any(real(base).is_relative_to(real(folder)) for folder in spec_folders().values()):
        return name
    text = Path(os.path.relpath(real(found), real(here))).as_posix()
    return y.Scalar(text, text, name.quoted, name.span)


# --- the text
def laid_out(tree: y.Mapping) -> Iterator[Line]:
    """The lines, sections apart, with what comments say of blocks."""
    for key, value in tree.entries:
        if key.text in AIRY:
            yield Line("")
        blocks = value if key.text == "blocks" and isinstance(value, y.Mapping) else None
        if blocks is None:
            yield from lines_of(y.Mapping(((key, value),), tree.span))
            continue
        yield Line("blocks:", (key.span,))
        for number, (name, block) in enumerate(blocks.entries):
            if number:
                yield Line("")
            yield from block_lines(name, block)


def block_lines(name: y.Scalar, block: y.Node) -> Iterator[Line]:
    lines = lines_of(y.Mapping(((name, block),), name.span))
    said = "" if isinstance(block, y.Mapping) and "doc" in block else comment_on(name, block)
    first = Line(f"{lines[0].text}  # {said}", lines[0].spans) if said else lines[0]
    for line in (first, *lines[1:]):
        yield Line(f"  {line.text}", line.spans)


def with_origins(lines: list[Line]) -> list[str]:
    """Each line with the places that it comes from behind it."""
    width = min(max((len(line.text) for line in lines), default=0), 100)
    return [f"{line.text:<{width}}  # {origins(line)}" if line.spans else line.text for line in lines]


def origins(line: Line) -> str:
    return ", ".join(f"{short(name)}:{number}" if name != "--set" else name for name, number in line.origins())


def short(name: str) -> str:
    """The name of a file in messages; of a shipped one without the folder of the package."""
    folders = [str(folder) for folder in reversed(spec_folders().values())]
    return next((name[len(folder) + 1 :] for folder in folders if name.startswith(folder + os.sep)), name)


__all__ = ["show"]
