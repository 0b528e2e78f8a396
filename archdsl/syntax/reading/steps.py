"""Bodies: located nodes -> steps, with a message of its own for each slip that YAML invites."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass
from typing import Any

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Lit
from archdsl.ops import REGISTRY
from archdsl.support.naming import op_elsewhere
from archdsl.syntax.identifiers import checked_name, is_block_name, is_identifier
from archdsl.syntax.reading.sharing import check_share, to_share
from archdsl.syntax.reading.structure import IDENTITY, Structure, join
from archdsl.syntax.reading.values import Context, as_text, clip, head, is_null, kind_of, to_expr, to_formula, to_ref
from archdsl.syntax.spec import Hole, SequenceStep, Step, TensorStep, UseStep
from archdsl.syntax.words import BESIDE, RESIDUAL, STEP, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

MAX_STEPS = 5000  # of one file
_PATH = re.compile(r"[A-Za-z_][\w.]*(\[.*\])?", re.ASCII)
_CALLED = re.compile(r"([A-Za-z_]\w*)\s*(\(|:|\s)\s*(.*?)\)?", re.ASCII)


def companions() -> set[str]:
    """The keys that stand beside a structure word."""
    return {key for keys in BESIDE.values() for key in keys}


@dataclass
class StepReader:
    """Reads the bodies of one file."""

    ctx: Context

    def body(self, node: Node | None, what: str, *, empty: bool = False) -> list[Step]:
        """A list of steps, or a single one; each is read on its own, so that all faults are found."""
        if node is None or is_null(node):
            span = node.span if node is not None else None
            raise fault("empty-body", f"{what} has no steps", span, help="write a list of steps")
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items and not empty:
            raise fault(
                "empty-body",
                f"{what} has no steps",
                node.span,
                help=f"write {IDENTITY} to pass the tensor on unchanged",
            )
        self.within_bounds(items)
        steps: list[Step] = []
        for number, item in enumerate(items):
            with self.ctx.catch():
                steps.append(self.step(item, items[number - 1] if number else None))
            if len(steps) == number:
                self.ctx.lose(item)
                steps.append(Hole(span=head(item)))
        return steps

    def within_bounds(self, items: SequenceABC[Node]) -> None:
        """Counts the steps of the file; too many are said to be so once."""
        over = self.ctx.steps > MAX_STEPS
        self.ctx.steps += len(items)
        if self.ctx.steps > MAX_STEPS:
            help = "write what repeats as a block or a loop"
            raise SpecError if over else fault("too-large", f"more than {MAX_STEPS} steps", head(items[-1]), help=help)

    def step(self, node: Node, previous: Node | None = None) -> Step:
        if isinstance(node, Sequence):
            return SequenceStep(span=head(node), body=self.body(node, "this list"))
        if isinstance(node, Scalar):
            return self.bare(node, previous)
        return self.keyed(node, previous)

    # --- a word
    def bare(self, node: Scalar, previous: Node | None = None) -> Step:
        """An op, a block, or the name of a tensor."""
        text = node.text
        if not isinstance(node.value, str):
            message = f"a step is an op, a block or the name of a tensor, not {kind_of(node)}"
            op = previous.text if isinstance(previous, Scalar) and self.is_target(previous.text) else ""
            help = f"write '{op}: {clip(node.text)}'" if op and node.text else ""
            self.ctx.lost.update([op] if help else [])  # it lacks no other argument than this
            raise fault("wrong-type", message, node.span, help=help)
        if text in STRUCTURE or self.is_join(text):
            raise fault("missing-value", f"'{text}' needs {'a value' if text in STRUCTURE else 'branches'}", node.span)
        if self.is_target(text):
            return UseStep(span=node.span, target=text)
        if is_identifier(text) and text not in self.ctx.names:
            raise SpecError if text in self.ctx.unread else self.unknown_op(node)
        if not _PATH.fullmatch(text):
            raise self.no_step(node)
        return TensorStep(span=node.span, ref=to_ref(node))

    def is_target(self, text: str) -> bool:
        """Whether it is an op or a block; whether a block exists is known only once all files are read."""
        return text in REGISTRY or text == IDENTITY or is_block_name(text) or text in self.ctx.blocks

    @staticmethod
    def is_join(text: str) -> bool:
        return text in REGISTRY and REGISTRY[text].many

    def unknown_op(self, node: Scalar) -> SpecError:
        known = [*REGISTRY, *STRUCTURE, *sorted(self.ctx.blocks), *sorted(self.ctx.names)]
        hint = op_elsewhere(node.text) or self.ctx.hint(node.text, known)
        help = hint or "'archdsl ops' lists the ops"
        return fault("unknown-op", f"'{clip(node.text)}' is not an op", node.span, help=help)

    def no_step(self, node: Scalar) -> SpecError:
        """`conv(64)`, `conv:64`, `conv 64`."""
        message = f"'{clip(node.text)}' is not a step"
        called = _CALLED.fullmatch(node.text)
        if called and self.is_target(called[1]):
            value = called[3]
            if "=" in value:  # conv(out=64, kernel=3)
                value = f"{{{', '.join(': '.join(map(str.strip, part.split('=', 1))) for part in value.split(','))}}}"
            elif "," in value and called[2] == "(":
                value = f"[{value}]"
            space = ", with a space after the ':'" if called[2] == ":" else ""
            return fault("bad-step", message, head(node), help=f"write '{called[1]}: {clip(value)}'{space}")
        return fault("bad-step", message, head(node), help="a step is an op, a block or the name of a tensor")

    # --- a mapping
    def keyed(self, node: Mapping, previous: Node | None = None) -> Step:
        """One op, block or structure word with its value, and the keys beside it."""
        heads = self.heads(node)
        if not heads:
            return self.headless(node, previous)
        key, value = heads[0]
        if len(heads) > 1:
            raise self.two_heads(key, value, heads[1][0])
        self.check_beside(node, key)
        common = self.common(node)
        check_share(common, key.text, calls=self.is_target(key.text) and not self.is_join(key.text))
        if key.text in STRUCTURE:
            return Structure(self, key, value, node, common).read()
        if self.is_join(key.text):
            return join(self, key, value, common)
        if self.is_target(key.text):
            return self.use(key, value, common)
        if is_null(value) and _PATH.fullmatch(key.text) and key.text.split(".")[0].split("[")[0] in self.ctx.names:
            return TensorStep(**common, ref=to_ref(key))
        raise self.unknown_op(key)

    @staticmethod
    def heads(node: Mapping) -> list[tuple[Scalar, Node]]:
        """The entries that say what the step is; `body` is one only where no other key owns it."""
        owned = frozenset(key for word, _ in node.entries for key in BESIDE.get(word.text, ()))
        outside = STEP.keys() | owned | (companions() - STRUCTURE.keys())
        return [(key, value) for key, value in node.entries if key.text not in outside]

    def headless(self, node: Mapping, previous: Node | None) -> Step:
        """Only keys that stand beside an op: a slip, or `from:` / `as:` alone."""
        keys = node.keys()
        if keys and set(keys) <= {"when", "else"}:
            raise fault(
                "when-alone",
                f"a step that holds only '{keys[0]}'",
                self.key_span(node),
                help=self.joined(node, previous),
            )
        stray = [key for key, _ in node.entries if key.text not in STEP]
        if stray:
            owners = [word for word, words in BESIDE.items() if stray[0].text in words]
            message = f"'{stray[0].text}' needs {' or '.join(owners)} beside it"
            raise fault("no-op", message, stray[0].span, help=f"write it beside '{owners[0]}:'")
        common = self.common(node)
        if common.get("share") is not None:
            help = f"name the op or block too: {{Head: , share: {common['share'].path}}}"
            raise fault("no-op", "this step has no op", self.key_span(node), help=help)
        source = common["source"]
        if common["into"] is not None:
            return UseStep(**common, target=IDENTITY)
        if source is None:
            raise fault("no-op", "this step has no op", self.key_span(node), help=self.joined(node, previous))
        return TensorStep(**common, ref=source)

    @staticmethod
    def key_span(node: Mapping) -> Span:
        return node.entries[0][0].span if node.entries else node.span

    def joined(self, node: Mapping, previous: Node | None) -> str:
        """How `[conv: 8, when: x]` is written as one step."""
        mine = ", ".join(f"{key.text}: {clip(value.text)}" for key, value in node.entries if isinstance(value, Scalar))
        if previous is None or not mine or previous.span.line != previous.span.end_line:
            return "write it inside the braces of the step that it belongs to: {conv: 8, when: x}"
        span = previous.span
        text = span.source.line(span.line)[span.col - 1 : span.end_col - 1]
        inner = text[1:-1] if text.startswith("{") else text if isinstance(previous, Mapping) else f"{text}: "
        return f"write {{{clip(inner)}, {mine}}}"

    def two_heads(self, first: Scalar, value: Node, second: Scalar) -> SpecError:
        """Two ops in one step, or an argument that is not indented enough."""
        note = (Note(f"the step is '{clip(first.text)}'", first.span),)
        if second.text in self.argument_names(first.text) and not isinstance(value, Mapping):
            message = f"'{second.text}' is beside '{first.text}', not under it"
            help = f"indent it further, or write {first.text}: {{{second.text}: ...}}"
            return fault("not-under", message, second.span, notes=note, help=help)
        if second.text in RESIDUAL and first.text == "residual":
            return fault(
                "not-under",
                f"'{second.text}' is beside 'residual', not under it",
                second.span,
                help="indent it further",
            )
        if not self.is_target(second.text) and second.text not in STRUCTURE:
            known = [*BESIDE.get(first.text, ()), *STEP]
            help = (
                self.ctx.hint(second.text, known)
                or f"the keys allowed beside '{clip(first.text)}' are {', '.join(known)}"
            )
            return fault(
                "unknown-key", f"'{clip(second.text)}' cannot stand beside '{clip(first.text)}'", second.span, help=help
            )
        message = f"a step has one op, this one has '{clip(first.text)}' and '{clip(second.text)}'"
        return fault(
            "two-ops", message, second.span, notes=note, help=f"start a new step: '- {clip(second.text)}: ...'"
        )

    @staticmethod
    def argument_names(target: str) -> list[str]:
        return [field.name for field in REGISTRY[target].fields] if target in REGISTRY else []

    def check_beside(self, node: Mapping, key: Scalar) -> None:
        """`in:` beside `repeat:` and the like."""
        allowed = BESIDE.get(key.text, {})
        for other, _ in node.entries:
            if other.text in companions() and other is not key and other.text not in allowed:
                owners = [word for word, words in BESIDE.items() if other.text in words]
                message = f"'{other.text}' cannot stand beside '{clip(key.text)}'"
                self.ctx.add(fault("unknown-key", message, other.span, help=f"it belongs to {' and '.join(owners)}"))

    def common(self, node: Mapping) -> dict[str, Any]:
        """The keys beside the op, as the fields of `Step`."""
        found: dict[str, Any] = {"span": self.key_span(node), "source": None, "into": None}
        heads = self.heads(node)
        if heads:
            found["span"] = heads[0][0].span
        readers: dict[str, tuple[str, Callable[[Node], Any]]] = {
            "name": ("name", lambda value: checked_name(value, "step")),
            "when": ("when", to_expr),
            "else": ("other", lambda value: self.body(value, "else:", empty=True)),
            "as": ("into", self.into),
            "from": ("source", to_ref),
            "label": ("label", lambda value: as_text(value, "a label")),
        }
        for key, value in node.entries:
            if key.text in readers:
                field, read = readers[key.text]
                if key.text in ("as", "from"):  # without which it would be another step
                    found[field] = self.read_or_lose(value, read)
                    continue
                with self.ctx.catch():
                    found[field] = read(value)
        if "share" in node:  # without it the step would be another one
            found["share"] = to_share(next(value for key, value in node.entries if key.text == "share"))
        if "else" in node and "when" not in node:
            key_span = next(key.span for key, _ in node.entries if key.text == "else")
            self.ctx.add(fault("else-alone", "'else' needs a 'when'", key_span, help="write when: condition beside it"))
        return found

    def read_or_lose(self, node: Node, read: Callable[[Node], Any]) -> Any:
        """What a node says; if it cannot be read, the names in it are those that others mean."""
        try:
            return read(node)
        except SpecError:
            for item in node.items if isinstance(node, Sequence) else [node]:
                if isinstance(item, Scalar):
                    self.ctx.lose_name(item)
            raise

    def into(self, node: Node) -> str | tuple[str, ...]:
        """`as: part` or `as: [a, b]`."""
        if isinstance(node, Sequence):
            names = tuple(checked_name(item, "tensor") for item in node.items)
            if len(set(names)) < len(names) or not names:
                raise fault("bad-name", "the names in as: must be different", node.span)
            return names
        return checked_name(node, "tensor")

    # --- ops and blocks
    def use(self, key: Scalar, value: Node, common: dict[str, Any]) -> UseStep:
        """Arguments by name, by position, or a lone one."""
        fields = REGISTRY[key.text].fields if key.text in REGISTRY else ()
        kinds = {field.name: field.kind for field in fields}
        order = [field.kind for field in fields]
        if isinstance(value, Mapping):
            named, spans = {}, {}
            for name, argument in value.entries:
                with self.ctx.catch():
                    spans[name.text] = name.span
                    named[name.text] = self.argument(argument, kinds.get(name.text, ""), name)
            if len(named) < len(spans):
                raise SpecError  # told; without it another argument would be missed
            return UseStep(**common, target=key.text, named=named, named_spans=spans)
        if is_null(value):
            return UseStep(**common, target=key.text)
        whole = isinstance(value, Sequence) and not (len(order) == 1 and order[0] in ("axes", "ints"))
        items = value.items if whole and isinstance(value, Sequence) else (value,)
        positional = [self.argument(item, order[n] if n < len(order) else "", key) for n, item in enumerate(items)]
        return UseStep(**common, target=key.text, positional=tuple(positional))

    def argument(self, node: Node, kind: str, key: Scalar) -> Expr:
        """One argument; `text` fields are no expressions."""
        if isinstance(node, Scalar) and node.empty:
            raise fault(
                "missing-value", f"'{clip(key.text)}' has no value", key.span, help="give one, or remove the key"
            )
        if isinstance(node, Mapping):
            message = (
                f"the value of '{clip(key.text)}' is a mapping, where a number, a list or an expression is expected"
            )
            raise fault("wrong-type", message, head(node))
        if kind == "text":
            return Lit(as_text(node, f"'{key.text}'"), span=node.span)
        if kind == "tensor":
            return to_ref(node)
        return to_formula(node) if kind == "formula" else to_expr(node)


def without(node: Mapping, keys: SequenceABC[str]) -> Mapping:
    """The mapping less some of its keys."""
    return Mapping(tuple(entry for entry in node.entries if entry[0].text not in keys), node.span)
