"""Leaves of a spec as expressions, and what the parts of the reader share: faults, names in the file, hints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as SequenceABC
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import Collector, Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Index, ListOf, Lit, Name
from archdsl.expr.parse import parse
from archdsl.support.naming import did_you_mean
from archdsl.syntax.identifiers import Kind, checked_name, is_identifier, is_word
from archdsl.syntax.spec import Param
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

FORMS = {  # what to write instead of a list
    "stages": "give each stage a name: 'stem: [...]'",
    "blocks": "give each block a name: 'Stem: [...]'",
}
MAX_NAMES = 500  # params of a network or block, columns of a table, values of a let:


@dataclass
class Context:
    """One file being read."""

    faults: Collector
    names: frozenset[str] = frozenset()  # every param, let, column, tensor and stage of the file
    blocks: frozenset[str] = frozenset()
    steps: int = 0  # read so far
    lost: set[str] = field(default_factory=set)  # the words of what could not be read
    unread: set[str] = field(default_factory=set)  # those of them that stand under a key that is none
    hints: int = 50  # searching for similar names is slow, so a file of a thousand faults gets it for the first ones

    def catch(self) -> AbstractContextManager[None]:
        return self.faults.catch()

    def add(self, error: SpecError) -> None:
        """Keeps a fault after which reading can go on."""
        self.faults.found.extend(error.diagnostics)

    def hint(self, name: str, known: Iterable[str]) -> str:
        """`did you mean ...`, if there is a near name."""
        if self.hints <= 0 or len(name) > 64:
            return ""
        self.hints -= 1
        return did_you_mean(name, known)

    def unknown_key(self, key: Scalar, known: Iterable[str], what: str) -> SpecError:
        known = list(known)
        help = self.hint(key.text, known) or f"the keys of {what} are {', '.join(known)}"
        return fault("unknown-key", f"'{clip(key.text)}' is not a key of {what}", key.span, help=help)

    def misspelt(self, key: str, node: Mapping) -> bool:
        """Whether a fault already takes another key of a mapping for this one."""
        keys = [other.span for other, _ in node.entries]
        return any(item.help == f"did you mean '{key}'?" and item.span in keys for item in self.faults.found)

    def check_keys(self, node: Mapping, known: Iterable[str], what: str) -> None:
        known = list(known)
        for key, value in node.entries:
            if key.text not in known:
                self.add(self.unknown_key(key, known, what))
                self.lose(value)
                self.unread.update(words_in(value))

    def lose(self, node: Node) -> None:
        """Takes note of the words of what could not be read: a name that they may declare is no unknown one."""
        self.lost.update(words_in(node))

    def lose_name(self, key: Scalar) -> None:
        """As `lose`, of a name that cannot be one: its uses are spelt as it was meant."""
        self.lost.update(spelt(key.text))
        self.unread.update(spelt(key.text))


def spelt(name: str) -> set[str]:
    """How the uses of a name are spelt that cannot be one: `num classes` as `num_classes`."""
    return {re.sub(r"\W+", glue, name, flags=re.ASCII) for glue in ("", "_")}


def words_in(node: Node) -> Iterator[str]:
    """Every word of a part of a spec that could be a name."""
    if isinstance(node, Scalar):
        if is_identifier(node.text):
            yield node.text
        return
    parts = node.items if isinstance(node, Sequence) else [part for entry in node.entries for part in entry]
    for part in parts:
        yield from words_in(part)


def clip(text: str) -> str:
    """A text short enough to stand in a message."""
    return text if len(text) <= 60 else text[:57] + "..."


def as_mapping(node: Node, what: str, help: str = "") -> Mapping:
    if isinstance(node, Mapping):
        return node
    raise fault("wrong-type", f"{what} is a mapping, not {kind_of(node)}", head(node), help=help)


def as_text(node: Node, what: str) -> str:
    if isinstance(node, Scalar) and not node.empty:
        return node.text
    raise fault("wrong-type", f"{what} is a text, not {kind_of(node)}", head(node))


def kind_of(node: Node) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return "a truth value"
    return f"'{clip(node.text)}'"


def head(node: Node) -> Span:
    """The place of a node; of a long one, its first line."""
    span = node.span
    if span.line == span.end_line:
        return span
    width = len(span.source.line(span.line).rstrip()) if isinstance(node, Scalar) else span.col
    return span._replace(end_line=span.line, end_col=max(width, span.col) + 1)


def is_null(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is None


def section(ctx: Context, tree: Mapping, key: str) -> list[tuple[Scalar, Node]]:
    """The entries of a section; none if it is missing or no mapping."""
    node = tree.get(key)
    if node is None or is_null(node):
        return []
    if not isinstance(node, Mapping):
        with ctx.catch():
            as_mapping(node, f"{key}:", FORMS.get(key, ""))
        return []
    return list(node.entries)


# --- expressions -------------------------------------------------------------------------------


def to_expr(node: Node, names: AbstractSet[str] | None = None) -> Expr:
    """A value: a number, a truth value, an expression in text, a list of such.

    With `names`, a single word that is none of them stands for itself.
    """
    if isinstance(node, Sequence):
        return ListOf(tuple(to_expr(item, names) for item in node.items), span=node.span)
    if isinstance(node, Mapping):
        raise fault("wrong-type", "expected a value here, not a mapping", head(node))
    if node.empty:
        raise fault("missing-value", "expected a value here", node.span)
    if not isinstance(node.value, str):
        return Lit(node.value, span=node.span)
    if names is not None and is_word(node.text) and node.text not in names:
        return Lit(node.text, span=node.span)
    return parse(node.text, node.span)


def to_formula(node: Node) -> Expr:
    """Arithmetic over tensors, which has functions that other expressions have not."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return parse(node.text, node.span, formula=True)
    return to_expr(node)


def to_shape(node: Node) -> Expr:
    """`[3, 224, 224]`, or an expression for it."""
    if isinstance(node, Mapping) or (isinstance(node, Sequence) and not node.items) or is_null(node):
        raise fault(
            "wrong-type", "a shape is a list", head(node), help="write [channels, height, width]: [3, 224, 224]"
        )
    if isinstance(node, Scalar) and isinstance(node.value, bool | float):
        raise fault("wrong-type", "a shape is a list", node.span, help="write [channels, height, width]: [3, 224, 224]")
    return to_expr(node)


def to_ref(node: Node) -> Expr:
    """The name of a tensor: `a`, `part[0]`, `dense.stage3`."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        found = parse(node.text, node.span)
        base = found.base if isinstance(found, Index) else found
        if isinstance(base, Name):
            return found
    raise fault(
        "bad-tensor", "expected the name of a tensor here", head(node), help="such as 'a', 'part[0]' or 'stage.step'"
    )


def to_lets(ctx: Context, node: Node | None) -> dict[str, Expr]:
    """`let:`, in order."""
    found: dict[str, Expr] = {}
    if node is None or is_null(node):
        return found
    entries = as_mapping(node, "let:", "write let: {half: out // 2}").entries
    within_bounds(entries, "values in let:")
    for key, value in entries:
        with ctx.catch():
            found[checked_name(key, "let")] = to_expr(value)
        if key.text not in found:
            ctx.lose_name(key)
    return found


def to_params(ctx: Context, node: Node | None, kind: Kind, *, words: bool = False) -> dict[str, Param]:
    """Params or columns: a list of names, or a mapping with defaults; nothing as a default means required.

    With `words`, a default that is a word and no earlier param stands for itself.
    """
    found: dict[str, Param] = {}
    if node is None or is_null(node):
        return found
    known: set[str] = set()
    entries = declared(node, kind)
    within_bounds(entries, f"{kind}s")
    for key, value in entries:
        with ctx.catch():
            name = checked_name(key, kind)
            if name in found:
                note = Note(f"'{name}' is first given here", found[name].span)
                raise fault(
                    "duplicate-key", f"'{name}' is given twice", key.span, notes=(note,), help="keep one of the two"
                )
            found[name] = Param(name, key.span)  # kept even if its default is at fault, so that its uses are not
            if value is not None and not (isinstance(value, Scalar) and value.empty):
                found[name] = Param(name, key.span, to_expr(value, known if words else None))
            known.add(name)
        if key.text not in found:
            ctx.lose_name(key)
    return found


def within_bounds(entries: SequenceABC[tuple[Scalar, object]], what: str) -> None:
    if len(entries) > MAX_NAMES:
        raise fault("too-large", f"more than {MAX_NAMES} {what}", entries[MAX_NAMES][0].span)


def declared(node: Node, kind: str) -> list[tuple[Scalar, Node | None]]:
    """Names with their defaults, in whichever form they are written."""
    if isinstance(node, Mapping):
        return list(node.entries)
    if isinstance(node, Scalar):
        return [(node, None)]
    found: list[tuple[Scalar, Node | None]] = []
    for item in node.items:
        if isinstance(item, Mapping):
            found.extend(item.entries)  # [out, kernel: 1]
        elif isinstance(item, Scalar):
            found.append((item, None))
        else:
            raise fault("bad-name", f"expected the name of a {kind} here, not a list", head(item))
    return found


def doc_text(node: Mapping) -> str:
    """`doc:` of a spec or a block."""
    value = node.get("doc")
    return as_text(value, "doc:").strip() if value is not None and not is_null(value) else ""
