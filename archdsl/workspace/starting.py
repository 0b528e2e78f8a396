"""A spec to start from: one that extends another, with what it could change in comments, or a copy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.ops import REGISTRY
from archdsl.support.naming import camel
from archdsl.support.paths import real
from archdsl.support.resources import spec_folders
from archdsl.syntax.compose import Document
from archdsl.syntax.identifiers import checked_name
from archdsl.syntax.patches.apply import Laying, body_of, steps_of
from archdsl.syntax.patches.draft import Draft, draft
from archdsl.syntax.patches.steps import head_of, spots
from archdsl.syntax.patches.tables import Table
from archdsl.syntax.reading.spec_file import used_files
from archdsl.syntax.reading.structure import IDENTITY
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import locate, read, read_from
from archdsl.workspace.showing import document_of, show
from archdsl.yaml.located import Mapping, Scalar, open_source
from archdsl.yaml.located import read as read_yaml
from archdsl.yaml.writing import flow

OTHERS = {"relu": "hard_swish", "relu6": "hard_swish"}  # what an example puts in the place of an activation
MODELINE = re.compile(r"# yaml-language-server: .*\n")


def start(target: Path, base: str, name: str | None, *, copy: bool) -> str:
    """The text of a new spec at a path, made from another."""
    own = name or name_of(target)
    place = Span(Source("--name" if name else target.name, own), 1, 1, 1, 1 + len(own))
    checked_name(Scalar(own, own, False, place), "spec")
    known = read(base)
    return copied(base, known, own) if copy else extending(target, base, known, own)


def name_of(target: Path) -> str:
    """The name of a network after that of its file."""
    return camel(re.sub(r"\W+", "_", target.stem, flags=re.ASCII).strip("_"))


# --- a spec that extends
def extending(target: Path, base: str, known: Spec, own: str) -> str:
    reference = reference_to(base, target)
    head = f"archdsl: 1\nextends: {reference}\nname: {own}\n"
    read_from_text(head, target)  # the base may be found from here
    said = [
        f"# {own} is {known.name} with the changes that stand here. Take away a '#' to make one of them, and see",
        f"#   archdsl check {target.name}    what is wrong",
        f"#   archdsl show {target.name}     the spec that results",
        f"#   archdsl cost {target.name}     its stage table",
        f"{head}",
    ]
    doc = document_of(base, {})
    for title, section, lines in suggestions(doc, known):
        sound = [line for line in lines if holds(head, section, line, target, known)]
        if sound:
            said += [f"# {title}", f"# {section}:", *(f"#   {line}" for line in sound), ""]
    return "\n".join(said).rstrip() + "\n"


def reference_to(base: str, target: Path) -> str:
    """How a spec at a path names its base: a shipped one bare, another by the way to it."""
    path = locate(base)
    if any(real(path).parent == real(folder) for folder in spec_folders().values()):
        return path.stem
    return Path(os.path.relpath(real(path), real(target.parent))).as_posix()


def read_from_text(text: str, target: Path) -> Spec:
    return read_from(Source(str(target), text), target)


def holds(head: str, section: str, line: str, target: Path, known: Spec) -> bool:
    """Whether a change can be made as it is written."""
    try:
        spec = read_from_text(f"{head}{section}:\n  {line}\n", target)
        for form in known.networks()[:1]:
            elaborate(spec, form)
    except SpecError:
        return False
    return True


# --- what it could change
def suggestions(doc: Document, known: Spec) -> Iterator[tuple[str, str, list[str]]]:
    """Sections with lines that the base allows, most of them with the values that hold."""
    laying = laying_on(doc.tree)
    every = [laying, *(laying_on(file.tree) for file in used_files(doc))]
    params = doc.tree.get("params")
    if isinstance(params, Mapping):
        lines = [f"{key.text}: {flow(value)}" for key, value in params.entries if len(flow(value)) < 80]
        yield "Params, with the values that they have:", "params", [line for line in lines if not line.endswith(": ")]
    yield "Another op, or other arguments, in every call of one:", "calls", list(calls(every))
    title = "One step of a block: its arguments, another step in its place, none (null), one more (after: or before:):"
    yield title, "blocks", list(in_blocks(every))
    yield "A row of a table, by name or number; a step of a stage; a stage:", "stages", list(in_stages(laying, known))
    yield "Variants, which set params:", "variants", list(a_variant(doc))


def laying_on(tree: Mapping) -> Laying:
    return Laying(draft(tree), tree, lambda _: None)


def calls(every: list[Laying]) -> Iterator[str]:
    """Another activation in the place of each, in the spec and in the files that it uses."""
    for op in dict.fromkeys(head_of(spot.step.base) for laying in every for spot in laying.all_steps()):
        if op in REGISTRY and REGISTRY[op].group == REGISTRY["relu"].group and op not in ("act", IDENTITY):
            yield f"{op}: {OTHERS.get(op, 'relu')}"


def in_blocks(every: list[Laying]) -> Iterator[str]:
    """Changes of the first block."""
    for key, block in (entry for laying in every for entry in laying.section("blocks")):
        words = [head_of(spot.step.base) for spot in spots(body_of(block))]
        for word in ("conv", "bn", "relu"):
            if words.count(word) == 1:
                change = {"conv": "{bias: true}", "bn": "{momentum: 0.05}", "relu": "hard_swish"}[word]
                yield f"{key.text}.{word}: {change}"
        if words.count("bn") == 1:
            yield f"{key.text}.drop: {{after: bn, dropout: 0.1}}"
        if words:
            return


def in_stages(laying: Laying, known: Spec) -> Iterator[str]:
    for key, stage in laying.section("stages"):
        table = laying.table(stage, "")
        if table is not None and table.rows.items:
            yield from in_table(key.text, table)
            break
    for key, stage in laying.section("stages"):
        words = [head_of(spot.step.base) for spot in steps_of(stage)]
        if words.count("dropout") == 1:
            yield f"{key.text}.dropout: null"
            break
    last = list(known.stages)[-1:]
    yield from (f"extra: {{before: {name}, body: [conv: {{out: c_in, kernel: 3}}, bn, relu]}}" for name in last)


def in_table(stage: str, table: Table) -> Iterator[str]:
    """The last row: one cell, another row behind it, the row taken out."""
    row = table.rows.items[-1]
    name = table.name_of(row) or str(len(table.rows.items) - 1)
    cells = list(zip((key.text for key, _ in table.names()), cells_of(row), strict=False))
    rest = [(column, cell) for column, cell in cells if column != "name"]
    if not rest:
        return
    numbers = [(column, cell) for column, cell in rest if cell.isdigit()] or rest
    yield f"{stage}.{name}: {{{numbers[0][0]}: {numbers[0][1]}}}"
    whole = ", ".join(f"{column}: {cell}" for column, cell in rest)
    yield f"{stage}.more: {{after: {name}, {whole}}}"
    yield f"{stage}.{name}: null"


def cells_of(row: Draft) -> list[str]:
    return [flow(cell.node) for cell in row.items] or [flow(row.node)]


def a_variant(doc: Document) -> Iterator[str]:
    params = doc.tree.get("params")
    entries = params.entries if isinstance(params, Mapping) else ()
    numbers = (entry for entry in entries if isinstance(entry[1], Scalar) and isinstance(entry[1].value, int | float))
    for key, value in list(numbers)[:1]:
        yield f"mine: {{{key.text}: {flow(value)}}}"


# --- a copy
def copied(base: str, known: Spec, own: str) -> str:
    """The text of the base with its comments; of a spec that is made of several files, what results of them."""
    path = locate(base)
    source = open_source(path)
    tree = read_yaml(source)
    assert isinstance(tree, Mapping)
    alone = "extends" not in tree and "use" not in tree
    text = source.text if alone else show(base, None, {})
    head = f"# {own} starts as a copy of {known.name} ({path.name}).\n"
    return head + renamed(MODELINE.sub("", without_measures(text)), own)


def without_measures(text: str) -> str:
    """The text without `expect:`, whose numbers an edit makes wrong, and without published accuracies."""
    tree = read_yaml(Source("", text))
    assert isinstance(tree, Mapping)
    lines = text.splitlines(keepends=True)
    variants = tree.get("variants")
    for _, said in variants.entries if isinstance(variants, Mapping) else ():
        if not isinstance(said, Mapping):
            continue
        for word in ("top1", "published"):
            key, value = said.key(word), said.get(word)
            if key is not None and value is not None:
                cut(lines, key.span, value.span)
    key, value = tree.key("expect"), tree.get("expect")
    if key is not None and value is not None:
        lines[key.span.line - 1 : value.span.end_line] = []
    return "".join(lines).rstrip() + "\n"


def cut(lines: list[str], key: Span, value: Span) -> None:
    """Takes an entry of a mapping out of its lines, and a comma that parted it from another."""
    before, after = lines[key.line - 1][: key.col - 1], lines[value.end_line - 1][value.end_col - 1 :]
    for number in range(key.line, value.end_line):
        lines[number] = ""
    if before.rstrip().endswith(","):
        before = before.rstrip()[:-1]
    else:
        after = re.sub(r"^\s*,\s*", "", after)
    alone = not before.strip() and not after.split("#")[0].strip()
    lines[key.line - 1] = "" if alone else before + after


def renamed(text: str, own: str) -> str:
    """The text with another name of the network."""
    tree = read_yaml(Source("", text))
    name = tree.get("name") if isinstance(tree, Mapping) else None
    if name is None:
        return text
    lines = text.splitlines(keepends=True)
    line = lines[name.span.line - 1]
    lines[name.span.line - 1] = line[: name.span.col - 1] + own + line[name.span.end_col - 1 :]
    return "".join(lines)
