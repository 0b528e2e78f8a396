"""`figure:`, what a spec says of its figures: words, colours, what is hidden, which cases of a block are drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from pathlib import Path
from typing import TypeAlias, TypeVar

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Constant
from archdsl.expr.parse import parse
from archdsl.ops import REGISTRY
from archdsl.ops.base import Op
from archdsl.syntax.reading.published import known_form
from archdsl.syntax.reading.values import Context, as_mapping, as_text, clip, head, is_null, to_expr
from archdsl.syntax.reading.variants import known_variant
from archdsl.syntax.spec import Figure, PaperFigure, Spec
from archdsl.syntax.words import FIGURE, PAPER_FIGURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

ROLES = tuple(sorted({op.role for op in REGISTRY.values()} | {"block"}))
DARKEST = 0.175  # luminance of a ground on which black text can be read (a contrast of 4.5, as WCAG 2 asks for)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_BLOCK = re.compile(r"[A-Z]\w*", re.ASCII)
_ARGUMENT = re.compile(r"[A-Z]\w*\.\w+", re.ASCII)
_CONDITION = re.compile(r"\s*(\w+)\s*=\s*([^=].*)", re.ASCII)

Read = TypeVar("Read")
Find: TypeAlias = Callable[[Scalar], Path]  # the file of a spec that is named


def read_figure(ctx: Context, tree: Mapping, found: Find) -> Figure:
    """The section; each entry on its own, so that all faults are found. `found` gives the file of another spec."""
    node = tree.get("figure")
    if node is None or is_null(node):
        return Figure()
    with ctx.catch():
        section = as_mapping(node, "figure:", "write figure: {labels: {SqueezeExcite: SE}}")
        ctx.check_keys(section, FIGURE, "figure:")
        return Figure(
            entries(ctx, section, "labels", lambda key, value: as_text(value, f"the label of '{clip(key.text)}'")),
            entries(ctx, section, "colours", colour),
            frozenset(hidden(ctx, section)),
            entries(ctx, section, "cases", cases),
            read_paper(ctx, section.get("paper"), found),
        )
    return Figure()  # type: ignore[unreachable]


def entries(
    ctx: Context, section: Mapping, word: str, value_of: Callable[[Scalar, Node], Read]
) -> MappingABC[str, Read]:
    """A mapping from ops and blocks; arguments of blocks have labels too."""
    node, found = section.get(word), dict[str, Read]()
    if node is None or is_null(node):
        return found
    with ctx.catch():
        for key, value in as_mapping(node, f"{word}:", f"write {word}: {{Unit: ...}}").entries:
            with ctx.catch():
                argument = word == "labels" and _ARGUMENT.fullmatch(key.text)
                if key.text not in REGISTRY and not _BLOCK.fullmatch(key.text) and not argument:
                    raise unknown(ctx, key)
                found[key.text] = value_of(key, value)
    return found


def unknown(ctx: Context, name: Scalar) -> SpecError:
    hint = ctx.hint(name.text, [*REGISTRY, *ctx.blocks])
    return fault("unknown-op", f"there is no op or block '{clip(name.text)}'", name.span, help=hint)


def colour(key: Scalar, node: Node) -> str:
    """A role's name, or a colour that text can be read on."""
    if is_null(node):
        help = "write '#ffd0a0' in quotes: a bare # begins a comment"
        raise fault("missing-value", f"'{clip(key.text)}' has no colour", key.span, help=help)
    text = as_text(node, f"the colour of '{clip(key.text)}'")
    if text in ROLES:
        return text
    if not _COLOUR.fullmatch(text):
        help = f"choose from {', '.join(ROLES)}, or write '#rrggbb'"
        raise fault("bad-word", f"'{clip(text)}' is not a colour", node.span, help=help)
    parts = [int(text[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    if 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] < DARKEST:
        help = "give a lighter colour; the dark theme darkens it by itself"
        raise fault("bad-value", f"black text is not readable on {text}", node.span, help=help)
    return text.lower()


def hidden(ctx: Context, section: Mapping) -> Iterator[str]:
    """Ops that pass one tensor on, blocks, and arguments of blocks."""
    node = section.get("hide")
    if node is None or is_null(node):
        return
    for item in node.items if isinstance(node, Sequence) else (node,):
        with ctx.catch():
            name = as_text(item, "what is hidden")
            assert isinstance(item, Scalar)
            block, dot, _ = name.partition(".")
            if not _BLOCK.fullmatch(block):
                if dot or name not in REGISTRY:
                    raise unknown(ctx, item)
                if not passes(REGISTRY[name]):
                    message = f"'{name}' cannot be hidden: several tensors enter or leave it"
                    raise fault("bad-word", message, item.span, help="hide ops that pass one tensor on")
            yield name


def passes(op: Op) -> bool:
    """Whether one tensor enters and one leaves."""
    several = type(op).shapes is not Op.shapes
    return not op.many and not several


def cases(key: Scalar, node: Node) -> tuple[str, ...]:
    """`stride=1, out=c_in`, as on the command line."""
    if not _BLOCK.fullmatch(key.text):
        raise fault("bad-word", f"'{clip(key.text)}' is not a block, and only blocks have cases", key.span)
    return conditions(key, node)


def conditions(key: Scalar, node: Node) -> tuple[str, ...]:
    found = []
    for item in node.items if isinstance(node, Sequence) else (node,):
        text = as_text(item, f"a case of '{clip(key.text)}'")
        for part in re.split(r",(?![^\[]*\])", text):
            condition = _CONDITION.fullmatch(part)
            if condition is None:
                raise fault("bad-value", f"a case is name=value, not '{clip(part.strip())}'", head(item))
            parse(condition[2], head(item))
        found.append(text)
    return tuple(found)


# --- the figures of the paper
def read_paper(ctx: Context, node: Node | None, found: Find) -> dict[str, PaperFigure]:
    """`Figure 2 (b): {block: Unit, cases: stride=1}`."""
    figures: dict[str, PaperFigure] = {}
    if node is None or is_null(node):
        return figures
    with ctx.catch():
        help = "write paper: {Figure 2 (b): {block: Unit, cases: stride=1}}"
        for key, value in as_mapping(node, "paper:", help).entries:
            with ctx.catch():
                shown = as_mapping(value, f"'{clip(key.text)}'", help)
                figures[key.text] = read_paper_figure(ctx, key, shown, found)
    return figures


def read_paper_figure(ctx: Context, key: Scalar, node: Mapping, found: Find) -> PaperFigure:
    ctx.check_keys(node, PAPER_FIGURE, f"'{clip(key.text)}'")
    if re.search(r"\d", key.text) is None:
        help = "write its number as the paper has it: Figure 2 (b)"
        raise fault("bad-value", f"'{clip(key.text)}' has no number", key.span, help=help)
    block, shown = texts(node, "block"), node.get("cases")
    if shown is not None and not block:
        raise fault("bad-value", "only a block has cases", head(shown), help="add block: and the name of the block")
    variant, params, differs = node.get("variant"), node.get("params"), node.get("differs")
    spec, form = node.get("spec"), node.get("form")
    return PaperFigure(
        key.text,
        block,
        () if shown is None else conditions(key, shown),
        texts(node, "expand"),
        None if variant is None else as_text(variant, "variant:"),
        {} if params is None else values(params),
        "" if differs is None else as_text(differs, "differs:"),
        None if spec is None else other_spec(spec, found),
        "train" if form is None else known_form(form),
    )


def other_spec(node: Node, found: Find) -> Path:
    as_text(node, "spec:")
    assert isinstance(node, Scalar)
    return found(node)


def values(node: Node) -> dict[str, Constant]:
    """Params with their values, which read no other."""
    found = as_mapping(node, "params:", "write params: {groups: 3}").entries
    return {key.text: evaluate(to_expr(value, frozenset()), {}) for key, value in found}


def texts(node: Mapping, word: str) -> tuple[str, ...]:
    """A text, or a list of them."""
    value = node.get(word)
    items = () if value is None else value.items if isinstance(value, Sequence) else (value,)
    return tuple(as_text(item, f"{word}:") for item in items)


def shows_another(figure: Mapping) -> bool:
    """Whether a figure of the paper shows another spec, whose blocks, variants and params it then names."""
    return figure.get("spec") is not None


def blocks_of_paper(node: Node) -> Iterator[Scalar]:
    for _, shown in node.entries if isinstance(node, Mapping) else ():
        block = shown.get("block") if isinstance(shown, Mapping) and not shows_another(shown) else None
        if block is not None:
            yield from (n for n in (block.items if isinstance(block, Sequence) else (block,)) if isinstance(n, Scalar))


def known_forms(ctx: Context, tree: Mapping, spec: Spec) -> None:
    """Variants and params named in `figure: paper:` are there."""
    section = tree.get("figure")
    paper = section.get("paper") if isinstance(section, Mapping) else None
    for _, shown in paper.entries if isinstance(paper, Mapping) else ():
        if not isinstance(shown, Mapping) or shown.span.source is not tree.span.source or shows_another(shown):
            continue
        variant, params = shown.get("variant"), shown.get("params")
        if isinstance(variant, Scalar):
            with ctx.catch():
                known_variant(ctx, variant.text, variant, list(spec.variants))
        for key, _ in params.entries if isinstance(params, Mapping) else ():
            if key.text not in spec.params:
                hint = ctx.hint(key.text, spec.params) or (
                    f"choose from {', '.join(spec.params)}" if spec.params else "the network has no params"
                )
                ctx.add(fault("unknown-param", f"there is no param '{clip(key.text)}'", key.span, help=hint))


# --- the blocks that are named
def known_blocks(ctx: Context, tree: Mapping, specs: SequenceABC[Spec]) -> None:
    """Blocks named in `figure:` are there, in the file or in those that it uses."""
    section = tree.get("figure")
    if not specs or not isinstance(section, Mapping):
        return
    params: dict[str, list[str]] = {}
    for spec in specs:
        params |= {name: list(block.params) for name, block in spec.blocks.items()}
        if spec.stages:
            params[spec.name] = list(spec.params)
    for name in named(section):
        if name.span.source is not tree.span.source:
            continue  # of the base, some of whose blocks may be gone
        block, dot, param = name.text.partition(".")
        if not _BLOCK.fullmatch(block):
            continue
        if block not in params:
            hint = ctx.hint(block, params) or (
                f"choose from {', '.join(params)}" if params else "the spec has no blocks"
            )
            ctx.add(fault("unknown-block", f"there is no block '{clip(block)}'", name.span, help=hint))
        elif dot and param not in params[block]:
            hint = ctx.hint(param, params[block]) or f"it has {', '.join(params[block]) or 'none'}"
            ctx.add(fault("unknown-argument", f"'{block}' has no argument '{clip(param)}'", name.span, help=hint))


def named(section: Mapping) -> Iterator[Scalar]:
    for word, node in section.entries:
        if word.text == "paper":
            yield from blocks_of_paper(node)
        elif isinstance(node, Mapping):
            yield from (key for key, _ in node.entries)
        elif word.text == "hide":
            yield from (n for n in (node.items if isinstance(node, Sequence) else (node,)) if isinstance(n, Scalar))
