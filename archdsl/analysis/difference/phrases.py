"""Changes as a figure and a table of a paper tell them: by what stages and operators are called in print, not in code.

What does nothing (a dropout of 0), names in the spec and initialisation are no change there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from archdsl.analysis.difference.changes import Change, Parts
from archdsl.analysis.difference.statements import ARROW, Statement, plural, value_text
from archdsl.analysis.difference.structure import NAMED, Part, is_idle
from archdsl.analysis.lines import describe, places, spelled
from archdsl.analysis.stage_table import activation, spoken
from archdsl.analysis.stage_table.units import goes_along, named
from archdsl.analysis.trace import is_operator
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.support.naming import spaced

MOST = 3  # places, or kinds of one change, that are spelled out
SIGNS = {"added": "+", "removed": "−"}
RUNS = {"conv": "convolution", "linear": "linear layer"}  # blocks that papers know as one operator
OUTPUT = "output "  # the subject of such a change begins so
_SIZE = re.compile(r"(^|[ (\[])[\d×.–]+ (?=[A-Z])")  # `3×3 ` of `3×3 Conv`
_DETAIL = re.compile(r", [a-z]+[\d×.]+(?=[,;)\]]| |$)")  # `, s2`


def phrases(statements: Sequence[Statement], before: Graph, after: Graph) -> list[str]:
    """The statements that a figure has a change for, in its words."""
    speaker = Speaker(before, after)
    said = [text for statement in statements if (text := speaker.statement(statement))]
    return [*dict.fromkeys([*outputs(statements), *said])]


def outputs(statements: Iterable[Statement]) -> Iterator[str]:
    """The outputs of a network that has several: `− outputs boxes, scores`."""
    changes = [change for statement in statements for change in statement.changes if is_output(change)]
    for kind, sign in SIGNS.items():
        names = [spaced(change.subject.removeprefix(OUTPUT)) for change in changes if change.kind == kind]
        named = [name for name in names if name != OUTPUT.strip()]
        if named:
            yield f"{sign} {'output' if len(named) == 1 else 'outputs'} {', '.join(named)}"


def is_output(change: Change) -> bool:
    return change.kind in SIGNS and change.subject.startswith(OUTPUT) and change.place.is_whole


class Speaker:
    """Knows the words of two networks."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before, self.after = before, after
        self.calls: dict[str, list[Scope]] = {}  # of each block one in each network
        for graph in (before, after):
            for name, scope in {scope.name: scope for scope in graph.root.scopes()}.items():
                self.calls.setdefault(name, []).append(scope)

    def statement(self, statement: Statement) -> str:
        """Empty for what no figure shows."""
        texts = [*dict.fromkeys(filter(None, map(self.in_all, statement.alike)))]
        where = self.where(statement)
        said = "; ".join(texts)
        return f"{where}: {said}" if where and said else said

    # --- where
    def where(self, statement: Statement) -> str:
        block, paths = statement.changes[0].place.block, statement.after
        if not block:
            return stages(paths)
        word, number, whole = self.word_of_block(block), len(paths), len(paths) >= statement.calls
        of_rows = f" of {stages(statement.rows)}" if 0 < len(statement.rows) <= MOST and not whole else ""
        if number == 1:
            return f"in the {word}{of_rows}"
        if word in RUNS.values():  # other blocks are such, too
            return f"in {number} {plural(word)}{of_rows}"
        if whole or of_rows:
            return f"in {'both' if number == 2 else f'all {number}'} {plural(word)}{of_rows}"
        return f"in {number} of {statement.calls} {plural(word)}"

    def word_of_block(self, block: str) -> str:
        """`convolution`, of a block that is but one with its norm and activation; else its name in print."""
        calls, labels = self.calls[block], self.labels
        if block not in labels and all(named(call, labels) != describe(call, labels) for call in calls):
            return next((RUNS[node.op.role] for node in calls[0].nodes() if node.op.role in RUNS), block)
        return labels.get(block, block)

    @property
    def labels(self) -> Mapping[str, str]:
        return {**self.before.figure.labels, **self.after.figure.labels}

    # --- what
    def in_all(self, changes: Sequence[Change]) -> str:
        """A change that was made in several places, without the numbers in which these differ."""
        texts = [*dict.fromkeys(self.change(change) for change in changes)]
        if len(texts) == 1:
            return texts[0]
        plain = [*dict.fromkeys(map(plainly, filter(None, texts)))]
        return " or ".join(plain) if len(plain) <= MOST else f"{plain[0]} and others"

    def change(self, change: Change) -> str:
        match change.kind:
            case "setting":
                return setting(change)
            case "value":
                return self.value(change)
            case "repeats":
                return self.repeats(change)
            case "added" | "removed" if change.parts.wrap is not None:
                return self.wrapped(change)
            case "added" | "removed":
                return self.alone(change)
            case "replaced":
                return self.replaced(change.parts)
            case "order":
                return self.order(change)
            case "inputs":
                return self.inputs(change)
        return ""

    def value(self, change: Change) -> str:
        """Of an op what it is called now, if that tells; else the value."""
        if not change.parts.after:
            return valued(word_of(change.what), change.before, change.after)  # a column of a row
        old, new = change.parts.before[0], change.parts.after[0]
        if is_idle(old) or is_idle(new):
            gone, come = ("" if is_idle(part) else self.word(part) for part in (old, new))
            return became(gone, come)
        words = self.word(old), self.word(new)
        if words[0] != words[1] and isinstance(new, Node):
            return f"{words[0]} {ARROW} {words[1]}"
        subject = plainly(words[1]) if change.subject else ""
        return valued(self.name_of(change, new), change.before, change.after, subject)

    def name_of(self, change: Change, part: Part) -> str:
        """What a field or an argument is called."""
        block = part.name if isinstance(part, Scope) else part.op.name
        said = self.labels.get(f"{block}.{change.what}", "").rstrip("= ×")
        return said or word_of(change.what)

    def repeats(self, change: Change) -> str:
        counts = change.before, change.after
        if change.what:
            word = word_of(change.subject)
            return (
                f"{counts[0]} {ARROW} {counts[1]} {word}"
                if len(word) > 1
                else f"{word} {counts[0]} {ARROW} {counts[1]}"
            )
        said = self.contents(change.parts.after)
        said = f"({said})" if ";" in said else said
        return f"{said} ×{counts[0]} {ARROW} ×{counts[1]}"

    def alone(self, change: Change) -> str:
        """What stands in one of the networks alone."""
        parts = change.parts.after if change.kind == "added" else change.parts.before
        if is_output(change):
            return ""  # told of all of them
        named = isinstance(parts[0], Scope) and parts[0].kind in NAMED
        said = self.contents(parts, main=named)
        near = self.near(change.parts.near) if said else ""
        if named and said:
            where = change.place.after or change.place.before
            return f"{SIGNS[change.kind]} {within([part.path for part in parts], where)}{near}: {said}"
        return f"{SIGNS[change.kind]} {said}{near}" if said else ""

    def near(self, part: Part | None) -> str:
        """Where something was added: after a stage, or an operator that figures show."""
        if part is None or is_idle(part):
            return ""
        if isinstance(part, Scope) and part.kind in NAMED:
            return f" after {stages([part.path])}" if of_named([part.path]) else ""
        said = plainly(self.contents([part]))
        return f" after {said}" if said and ";" not in said else ""

    def wrapped(self, change: Change) -> str:
        """A join around steps."""
        wrap = change.parts.wrap
        assert wrap is not None
        join = wrap.join.part
        if is_idle(join):
            return ""
        is_residual = wrap.join.word == "add"
        around, beside = (self.contents([item.part for item in items]) for items in (wrap.around, wrap.beside))
        others = f", {'with the shortcut' if is_residual else 'beside'} {beside}" if beside else ""
        return f"{SIGNS[change.kind]} {'residual' if is_residual else self.word(join)} around {around}{others}"

    def replaced(self, parts: Parts) -> str:
        sides = parts.before, parts.after
        before, after = map(self.contents, sides)
        if before == after:
            before, after = apart(*([*self.inside(side)] for side in sides))
        return became(before, after)

    def order(self, change: Change) -> str:
        """Steps, or inputs of a join, in another order."""
        if change.what:
            assert change.parts.near is not None
            return f"inputs of {self.word(change.parts.near)} in another order"
        before, after = (
            ", ".join(plainly(self.word(part)) for part in self.shown(side))
            for side in (change.parts.before, change.parts.after)
        )
        return f"in another order: {before} {ARROW} {after}" if before != after else ""

    def inputs(self, change: Change) -> str:
        """What an op reads that it did not."""
        op, whole = change.parts.near, not change.place.block
        assert op is not None
        lost, gained = (self.sources(side, whole=whole) for side in (change.parts.before, change.parts.after))
        word = self.word(op)
        if not lost:
            return f"{word} reads {gained or 'the input'} too"
        if not change.after:
            return f"{word} no longer reads {lost}"
        return (
            f"{word} reads {gained or 'the input'} in place of {lost}"
            if gained != lost
            else f"{word} reads another {lost}"
        )

    def sources(self, parts: Sequence[Part], *, whole: bool) -> str:
        """What makes tensors: in a block by what it is, in a network by its stage."""
        if not whole:
            return ", ".join(map(self.word, parts))
        return stages([*dict.fromkeys(stage_of(part) for part in parts)])

    # --- parts
    def word(self, part: Part) -> str:
        """An operator or a block in print."""
        if isinstance(part, Node):
            return self.labels.get(part.op.name) or describe(part) if not part.label else part.label
        return named(part, self.labels) if part.is_block else self.contents([part])

    def contents(self, parts: Iterable[Part], *, main: bool = False) -> str:
        """What is in parts, each kind of it with its number: `InvertedResidual ×17`.

        `main`: without norms, activations and dropouts, where there is anything else.
        """
        shown = [*self.shown(parts)]
        chief = [part for part in shown if isinstance(part, Scope) or not goes_along(part)] if main else []
        return spelled([*Counter(map(self.word, chief or shown)).items()])

    def shown(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The operators and blocks in parts that a figure shows."""
        for part in parts:
            if is_idle(part) or (isinstance(part, Node) and part.op.role == "shape" and len(part.shape) == 1):
                continue
            if isinstance(part, Node) or part.label or (part.is_block and is_operator(part.name)):
                yield part
            else:
                yield from self.shown(part.children)

    def inside(self, parts: Iterable[Part]) -> Iterator[str]:
        """The ops in parts, one by one."""
        for part in parts:
            nodes = [part] if isinstance(part, Node) else part.nodes()
            yield from (self.word(node) for node in self.shown(nodes))


# --- words
def stages(paths: Sequence[str]) -> str:
    """Stages and rows in print: `stem, stage 2`, of rows without names `body (rows 1 and 7)`."""
    rows: dict[str, list[int]] = {}
    for path, place in zip(paths, places(paths), strict=True):
        *_, last = path.split(".")
        rows.setdefault(spaced(place), []).extend([int(last) + 1] if last.isdigit() else [])
    texts = [f"{place} ({in_words(numbers)})" if numbers else place for place, numbers in rows.items()]
    return ", ".join(texts) if len(texts) <= MOST else f"{len(texts)} stages"


def within(paths: Sequence[str], where: str) -> str:
    """The same as seen from the stage that they are in."""
    names = [path.rpartition(".")[2] for path in paths if path.rpartition(".")[0] == where]
    if where and len(names) == len(paths):
        if all(map(str.isdigit, names)):
            return in_words([int(name) + 1 for name in names])
        return stages(paths) if len(names) <= MOST else f"{len(names)} rows"
    return stages(paths)


def in_words(numbers: Sequence[int]) -> str:
    """`row 1`, `rows 1 and 7`, `14 rows`."""
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > MOST:
        return f"{len(numbers)} rows"
    return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def of_named(paths: Sequence[str]) -> bool:
    """Whether all these stages and rows have names."""
    return bool(paths) and not any(path.rpartition(".")[2].isdigit() for path in paths)


def stage_of(part: Part) -> str:
    """The path of the stage or row in which a part stands."""
    scope = part.scope if isinstance(part, Node) else part
    while scope.parent is not None and scope.kind not in NAMED:
        scope = scope.parent
    return scope.path or part.path


def setting(change: Change) -> str:
    """A param of the network, or its input."""
    return valued(word_of(change.subject.removeprefix("num_")), change.before, change.after)


def valued(name: str, before: Any, after: Any, subject: str = "") -> str:
    """`growth 32 → 24`, `+ SE`, `− bias of Conv`."""
    if {type(before), type(after)} <= {bool, type(None)} and bool(before) != bool(after):
        return f"{'+' if after else '−'} {name}" + (f" of {subject}" if subject else "")
    return f"{subject} {name} {in_print(before)} {ARROW} {in_print(after)}".strip()


def became(before: str, after: str) -> str:
    """`BN → GN`; `− BN` and `+ GN` of what one of the networks has."""
    if before and after:
        return f"{before} {ARROW} {after}"
    return f"− {before}" if before else f"+ {after}" if after else ""


def set_to(name: str, value: Any) -> str:
    """A param of a network in its name: `growth 24`, `no SE`."""
    word = word_of(name.removeprefix("num_"))
    if value is None or isinstance(value, bool):
        return word if value else f"no {word}"
    return f"{word} {in_print(value)}"


def word_of(name: str) -> str:
    """The name of a param, an argument, a field or a column."""
    return "channels" if name == "out" else spoken(name)


def in_print(value: Any) -> str:
    return activation(value) or value_text(value)


def plainly(text: str) -> str:
    """Without sizes and strides: `Conv` of `3×3 Conv, s2`."""
    return _DETAIL.sub("", _SIZE.sub(r"\1", text))


def apart(before: list[str], after: list[str]) -> tuple[str, str]:
    """Two runs of ops without those at both ends that are equal."""
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return ", ".join(before), ", ".join(after)
