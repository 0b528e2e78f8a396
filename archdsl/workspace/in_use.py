"""What patches have made of files in `use:`, as patches of one file that say the same: each part in its last form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Span
from archdsl.syntax.compose import Document
from archdsl.syntax.override import as_mapping_of
from archdsl.syntax.patches.elsewhere import UsedFile, names_in
from archdsl.syntax.reading.spec_file import used_files
from archdsl.syntax.words import BLOCK
from archdsl.yaml.located import Mapping, Node, Scalar

Entry = tuple[Scalar, Node]
BY_NAME = ("params", "inputs", "let")  # of a block: laid on by name


def patches_of_used(doc: Document) -> list[Entry]:
    """The entries of `blocks:` that make of the files in `use:` what the spec makes of them."""
    if not doc.layers:
        return []
    known, found = used_files(doc), []
    for file in known:
        for name, entries in (*of_blocks(file), *of_stages(file)):
            for key, value in entries:
                expect_meant(name, file, doc, known, key.span)
                found.append((word(f"{name}.{key.text}", key.span), value))
    return found


def expect_meant(name: str, file: UsedFile, doc: Document, known: Sequence[UsedFile], span: Span) -> None:
    """Raises where a patch of that name would be laid on another block, or on one that is not as the file has it."""
    nearest = next(other for other in known if name in other.blocks())
    if name in names_in(doc.tree, "blocks") or nearest is not file:
        why, help = "another one has its name", "give one of the two blocks another name"
    elif other := next((other for other in known if other.layers.of(file.path)), None):
        why, help = f"'{other.path.name}' has patches of that file too", "write them into one file"
    else:
        return
    message = f"the block '{name}' of '{file.path.name}' is changed here, and cannot be shown: {why}"
    raise fault("unknown-override", message, span, help=help)


def of_blocks(file: UsedFile) -> Iterator[tuple[str, list[Entry]]]:
    """The blocks that have changed, and the keys of each that have."""
    for name, own, block in changed(file, "blocks"):
        before, after = in_full(own), in_full(block)
        yield name, [entry for key in BLOCK for entry in of_key(key, before, after, block.span)]


def of_key(key: str, before: Mapping, after: Mapping, span: Span) -> Iterator[Entry]:
    old, new = before.get(key), after.get(key)
    if old is new:
        return
    at = after.key(key) or before.key(key) or word(key, span)
    if key not in BY_NAME:
        yield at, null(at.span) if new is None else new
        return
    olds, news = (dict[str, Entry]() if side is None else by_name(side) for side in (old, new))
    laid = [entry for name, entry in news.items() if name not in olds or olds[name][1] is not entry[1]]
    gone = [(entry[0], null(entry[0].span)) for name, entry in olds.items() if name not in news]
    if laid or gone:
        yield at, Mapping((*laid, *gone), at.span)


def of_stages(file: UsedFile) -> Iterator[tuple[str, list[Entry]]]:
    """The stages of a network that have changed, are new, stand elsewhere or are gone."""
    olds, news = names_in(file.own, "stages"), names_in(file.tree, "stages")
    stages = file.tree.get("stages")
    if not isinstance(stages, Mapping):
        return
    others = {name for name, _, _ in changed(file, "stages")}
    moved = [name for name in olds if name in news] != [name for name in news if name in olds]
    entries: list[Entry] = [(word(name, stages.span), null(stages.span)) for name in olds if name not in news]
    for number, (key, stage) in enumerate(stages.entries):
        if moved or key.text not in olds:
            entries.append((key, placed(stage, news[number - 1] if number else "")))
        elif key.text in others:
            entries.append((key, stage))
    if entries:
        yield file.network, entries


def placed(stage: Node, before: str) -> Node:
    """A stage that says which one it follows."""
    place = (word("after", stage.span), word(before, stage.span)) if before else None
    first = place or (word("before", stage.span), word("first", stage.span))
    if isinstance(stage, Mapping):
        rest = tuple(entry for entry in stage.entries if entry[0].text not in ("after", "before"))
        return Mapping((first, *rest), stage.span)
    return Mapping((first, (word("body", stage.span), stage)), stage.span)


def changed(file: UsedFile, section: str) -> Iterator[tuple[str, Node, Node]]:
    """The entries of a section that are in both and differ; what no patch has met is one and the same node."""
    before, after = file.own.get(section), file.tree.get(section)
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return
    for key, node in after.entries:
        old = before.get(key.text)
        if old is not None and old is not node:
            yield key.text, old, node


def in_full(block: Node) -> Mapping:
    """A block with its keys, also where it is a mere body."""
    return block if isinstance(block, Mapping) else Mapping(((word("body", block.span), block),), block.span)


def by_name(node: Node) -> dict[str, Entry]:
    return {key.text: (key, value) for key, value in as_mapping_of(node).entries}


def word(text: str, span: Span) -> Scalar:
    return Scalar(text, text, False, span)


def null(span: Span) -> Scalar:
    return Scalar(None, "null", False, span)
