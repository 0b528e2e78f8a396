"""`extends:`: a spec laid on another, by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.support.naming import did_you_mean
from archdsl.syntax.patches import is_patch, patched
from archdsl.syntax.patches.apply import Params
from archdsl.syntax.reading.values import as_mapping, as_text, clip, declared, is_null
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

MAX_STAGES = 1000
ENDS = (("after", "last"), ("before", "first"))  # places that need no name
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
PATCHED = ("stages", "blocks", "params", "variants")
_BY_NAME = ("params", "blocks", "variants", "defaults", "init", "figure")


def override(base: Mapping, over: Mapping, params_of: Params | None = None) -> Mapping:
    """`over` laid on `base`. What was counted or published of the base holds no longer: no `expect:`, no `top1:`.

    `params_of` gives the params of blocks of other files.
    """
    said = mentions(over)
    base, over = patched(base, over, params_of), without_patches(base, over)
    kept = tuple(entry for entry in base.entries if entry[0].text not in ("expect", "use", "extends", "until"))
    tree = Mapping(
        tuple((key, unmeasured(value) if key.text == "variants" else value) for key, value in kept), over.span
    )
    tree = without_rules(tree, {name for key in ("stages", "blocks") for name in names_in(over.get(key))})
    tree = without_figures(tree, removed_in(over.get("variants")))
    for key, value in over.entries:
        under = tree.get(key.text)
        if key.text in ("extends", "use", "until"):
            continue
        if key.text == "stages" and under is not None:
            value = placed(as_mapping(under, "stages:"), as_mapping(value, "stages:"))
        elif key.text in _BY_NAME and under is not None and not is_null(under):
            value = named(key.text, as_mapping_of(under), as_mapping_of(value), said)
        if key.text == "inputs":
            tree = Mapping(tuple(entry for entry in tree.entries if entry[0].text != "input"), tree.span)
        tree = replaced(tree, key.text, value, key)
    return tree


def removed_in(section: Node | None) -> list[str]:
    """The entries of a section that are taken out with `null`."""
    entries = section.entries if isinstance(section, Mapping) else ()
    return [key.text for key, node in entries if isinstance(node, Scalar) and node.value is None and not node.empty]


def without_figures(tree: Mapping, variants: Collection[str]) -> Mapping:
    """The tree without what `figure:` says of figures of the paper that show these variants, which are gone."""
    figure = tree.get("figure")
    listed = figure.get("paper") if isinstance(figure, Mapping) else None
    if not isinstance(figure, Mapping) or not isinstance(listed, Mapping):
        return tree

    def stays(entry: Node) -> bool:
        variant = entry.get("variant") if isinstance(entry, Mapping) and entry.get("spec") is None else None
        return not isinstance(variant, Scalar) or variant.text not in variants

    kept = tuple(entry for entry in listed.entries if stays(entry[1]))
    if len(kept) == len(listed.entries):
        return tree
    rest = replaced(figure, "paper", Mapping(kept, listed.span)) if kept else without(figure, "paper")
    return replaced(tree, "figure", rest)


def without_patches(base: Mapping, over: Mapping) -> Mapping:
    """What a file says beside its patches; a part that it gives as a whole it does not patch too."""
    kept = []
    for key, value in over.entries:
        if key.text == "calls":
            continue
        if key.text in PATCHED and isinstance(value, Mapping):
            whole = {name.text: name for name, _ in value.entries if not is_patch(base, key.text, name.text)}
            for name, _ in value.entries:
                first = name.text.partition(".")[0]
                if name.text not in whole and first in whole:
                    note = (Note("it is given here", whole[first].span),)
                    message = f"'{first}' is given as a whole too: write this into it"
                    raise fault("unknown-override", message, name.span, notes=note)
            rest = tuple(entry for entry in value.entries if entry[0].text in whole)
            if not rest and value.entries:
                continue
            value = Mapping(rest, value.span)
        kept.append((key, value))
    return Mapping(tuple(kept), over.span)


def unmeasured(variants: Node) -> Node:
    """Variants without the numbers that were published of them."""
    if not isinstance(variants, Mapping):
        return variants
    kept = tuple((key, without(without(value, "top1"), "published")) for key, value in variants.entries)
    return Mapping(kept, variants.span)


def without(node: Node, name: str) -> Node:
    if not isinstance(node, Mapping):
        return node
    return Mapping(tuple(entry for entry in node.entries if entry[0].text != name), node.span)


def names_in(section: Node | None) -> list[str]:
    return section.keys() if isinstance(section, Mapping) else []


def without_rules(tree: Mapping, parts: Collection[str]) -> Mapping:
    """The tree without what `init:` says of modules in stages and blocks that are gone, or others now."""
    rules = tree.get("init")
    if not parts or not isinstance(rules, Mapping):
        return tree
    others = set(names_in(tree.get("stages"))) - set(parts)

    def stays(key: str) -> bool:
        head = key.partition(".")[0]
        return head in others or not any(head == part or head.startswith(f"{part}_") for part in parts)

    return replaced(tree, "init", Mapping(tuple(entry for entry in rules.entries if stays(entry[0].text)), rules.span))


def as_mapping_of(node: Node) -> Mapping:
    """A section in the form of a mapping, `params: [a, b]` too."""
    if isinstance(node, Mapping) or is_null(node):
        return node if isinstance(node, Mapping) else Mapping((), node.span)
    entries = [(key, value or Scalar(None, "", False, key.span)) for key, value in declared(node, "param")]
    return Mapping(tuple(entries), node.span)


def named(section: str, base: Mapping, over: Mapping, said: Counter[str]) -> Mapping:
    """A section laid on another by name: replaces, adds, and with `null` removes.

    A new param or block that the file itself never mentions overrides nothing: a slip of the pen.
    """
    entries = {key.text: (key, value) for key, value in base.entries}
    for key, value in over.entries:
        gone = isinstance(value, Scalar) and value.value is None and not value.empty
        known = key.text in entries
        if not known and (gone or (section in ("params", "blocks") and said[key.text] < 2)):
            help = did_you_mean(key.text, entries) or f"it has {', '.join(entries) or 'none'}"
            message = f"there is no '{clip(key.text)}' in {section}: of the spec that this one extends"
            raise fault("unknown-override", message, key.span, help=help)
        if gone:
            del entries[key.text]
        elif known and section in ("defaults", "init", "figure"):
            merged = merge(entries[key.text][1], value)
            entries[key.text] = (key, merged)
        else:
            entries[key.text] = (key, value)
    return Mapping(tuple(entries.values()), over.span)


def merge(base: Node, over: Node) -> Node:
    """Arguments laid on arguments."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    entries = {key.text: (key, value) for key, value in base.entries}
    entries.update({key.text: (key, value) for key, value in over.entries})
    return Mapping(tuple(entries.values()), over.span)


def mentions(node: Node) -> Counter[str]:
    """How often each word stands in a tree."""
    found: Counter[str] = Counter()
    open_: list[Node] = [node]
    while open_:
        part = open_.pop()
        if isinstance(part, Scalar):
            found.update(_WORD.findall(part.text))
        elif isinstance(part, Sequence):
            open_.extend(part.items)
        else:
            open_.extend(side for entry in part.entries for side in entry)
    return found


def placed(base: Mapping, over: Mapping) -> Mapping:
    """Stages laid on stages: replaced where they stand, removed, or put `after:` / `before:` another.

    New stages below one that says `after:` follow it.
    """
    entries = [*base.entries]
    if len(base.entries) + len(over.entries) > MAX_STAGES:
        raise fault("too-large", f"a spec may have at most {MAX_STAGES} stages", over.entries[0][0].span)
    last: Scalar | None = None  # the new stage just placed, which others may follow
    for key, value in over.entries:
        names = [name.text for name, _ in entries]
        place = place_of(value)
        if place is None and last is not None and key.text not in names and not is_null(value):
            place = ("after", last) if not did_you_mean(key.text, base.keys()) else None
        if place is None and key.text not in names:
            raise new_stage(key, value, names)
        if is_null(value):
            del entries[names.index(key.text)]
        elif place is None:
            entries[names.index(key.text)] = (key, value)
        else:
            entries = moved(entries, key, value, place)
        last = key if place is not None and place[0] == "after" and key.text not in names else None
    return Mapping(tuple(entries), over.span)


def place_of(value: Node) -> tuple[str, Scalar] | None:
    if not isinstance(value, Mapping):
        return None
    for word in ("after", "before"):
        target = value.get(word)
        if target is not None:
            as_text(target, f"{word}:")
            assert isinstance(target, Scalar)
            return word, target
    return None


def new_stage(key: Scalar, value: Node, names: list[str]) -> SpecError:
    message = f"there is no stage '{clip(key.text)}' in the spec that this one extends"
    if is_null(value):
        return fault(
            "unknown-override", message, key.span, help=did_you_mean(key.text, names) or f"it has {', '.join(names)}"
        )
    hint = did_you_mean(key.text, names)
    help = f"{hint} or say where it goes with after: or before:" if hint else "say where it goes with after: or before:"
    return fault("unknown-override", message, key.span, help=help)


def moved(
    entries: list[tuple[Scalar, Node]], key: Scalar, value: Node, place: tuple[str, Scalar]
) -> list[tuple[Scalar, Node]]:
    word, target = place
    rest = [entry for entry in entries if entry[0].text != key.text]
    names = [name.text for name, _ in rest]
    old = next((entry for entry in entries if entry[0].text == key.text), None)
    if old is not None and isinstance(value, Mapping) and set(value.keys()) <= {"after", "before"}:
        key, value = old  # as it is, in another place
    if (word, target.text) in ENDS and target.text not in names and names:
        index = len(rest) if word == "after" else 0
        return [*rest[:index], (key, value), *rest[index:]]
    if target.text not in names:
        raise no_stage(target, names, "the spec that this one extends")
    index = names.index(target.text) + (word == "after")
    return [*rest[:index], (key, value), *rest[index:]]


def replaced(tree: Mapping, name: str, value: Node, key: Scalar | None = None) -> Mapping:
    """The tree with another value under a key, in its place or at the end."""
    if name in tree:
        entries = tuple((key or old, value) if old.text == name else (old, kept) for old, kept in tree.entries)
    else:
        assert key is not None
        entries = (*tree.entries, (key, value))
    return Mapping(entries, tree.span)


def cut(tree: Mapping, until: Scalar | None, file: str) -> Mapping:
    """The tree without the stages after `until`."""
    stages = tree.get("stages")
    if until is None or not isinstance(stages, Mapping):
        return tree
    names = stages.keys()
    if until.text not in names:
        raise no_stage(until, names, f"'{clip(file)}'")
    last = names.index(until.text) + 1
    kept = Mapping(stages.entries[:last], stages.span)
    return without_rules(replaced(tree, "stages", kept), names[last:])


def no_stage(name: Scalar, known: list[str], file: str) -> SpecError:
    hint = did_you_mean(name.text, known)
    help = f"{hint + ' ' if hint else ''}its stages are {', '.join(known[:20])}"
    return fault("unknown-override", f"{file} has no stage '{clip(name.text)}'", name.span, help=help)
