"""Structure words, each one function with `word` above it, and the branches of joins.

What the step of a word becomes, `lowering` says; a word that others can say reads as these.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr, ListOf, Lit
from archdsl.ops import REGISTRY
from archdsl.syntax.identifiers import checked_name
from archdsl.syntax.reading.values import as_mapping, clip, head, is_null, kind_of, to_expr, to_lets, to_params
from archdsl.syntax.spec import (
    ChoiceStep,
    ForkStep,
    JoinStep,
    LoopStep,
    Param,
    ResidualStep,
    RunningSumStep,
    SequenceStep,
    SplitStep,
    Step,
)
from archdsl.syntax.words import BESIDE, FORMS, RESIDUAL, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from archdsl.syntax.reading.steps import StepReader

IDENTITY, MAX_BODIES = "identity", 100
_SEVERAL = ("each", "running_sum", "fork", "split", "from")  # what may stand alone where branches stand


@dataclass
class Structure:
    """One structure word: its key and value, the mapping they stand in, and the fields that every step has."""

    reader: StepReader
    key: Scalar
    value: Node
    node: Mapping
    common: dict[str, Any]

    def read(self) -> Step:
        return READERS[self.key.text](self)

    def given(self) -> Node:
        if is_null(self.value):
            raise fault("missing-value", f"'{self.key.text}' has no value", self.key.span)
        return self.value

    def steps(self) -> list[Step]:
        """The body beside the word."""
        if "body" not in self.node:
            help = "write body: [...] beside it"
            raise fault("missing-key", f"'{self.key.text}' has no body", self.key.span, help=help)
        return self.reader.body(self.node.get("body"), f"the body of '{self.key.text}'")

    def turn(self) -> tuple[list[Step], dict[str, Expr]]:
        """The body and the lets of a loop."""
        return self.steps(), to_lets(self.reader.ctx, self.node.get("let"))


Read: TypeAlias = "Callable[[Structure], Step]"
READERS: dict[str, Read] = {}


def word(
    name: str, doc: str, form: str = "body", /, *, schema: MappingABC[str, object] | None = None, **beside: str
) -> Callable[[Read], Read]:
    """Makes a function the reader of a structure word.

    `doc` says in editors what the word is for, `form` which part of the JSON Schema its value is (`body`, `expression`,
    `names`, `value`), or `schema` the whole of it; `beside` are the keys that stand beside it, with what each is for.
    """

    def register(read: Read) -> Read:
        READERS[name], STRUCTURE[name] = read, doc
        FORMS[name] = schema or {"$ref": f"#/$defs/{form}"}
        if beside:
            BESIDE[name] = {key.rstrip("_"): text for key, text in beside.items()}
        return read

    return register


RESIDUAL_FORM = {
    "type": ["object", "array", "string"],
    "items": {"$ref": "#/$defs/step"},
    "properties": {
        "body": {"description": RESIDUAL["body"], "$ref": "#/$defs/body"},
        "if": {"description": RESIDUAL["if"], "$ref": "#/$defs/expression"},
        "shortcut": {
            "description": RESIDUAL["shortcut"],
            "type": ["array", "object", "string", "null"],
            "items": {"$ref": "#/$defs/step"},
        },
    },
}


@word(
    "residual", "steps whose input is added to their result: a list of steps, or `{body, if, shortcut}`",
    schema=RESIDUAL_FORM,
)  # fmt: skip
def residual(found: Structure) -> Step:
    value, body = found.value, found.reader.body
    if not isinstance(value, Mapping):
        return ResidualStep(**found.common, body=body(value, "residual"))
    found.reader.ctx.check_keys(value, RESIDUAL, "residual")
    if "body" not in value:
        if found.reader.ctx.misspelt("body", value):
            raise SpecError
        raise fault("missing-key", "this residual has no body", found.key.span, help="write body: [...] under it")
    shortcut, condition, order = value.get("shortcut"), value.get("if"), value.keys()
    return ResidualStep(
        **found.common,
        body=body(value.get("body"), "the body of residual"),
        condition=to_expr(condition) if condition is not None else None,
        shortcut=None if shortcut is None or is_null(shortcut) else body(shortcut, "shortcut", empty=True),
        shortcut_first=shortcut is not None and order.index("shortcut") < order.index("body"),
    )


@word(
    "repeat", "runs the body this many times, one after another", "expression",
    body="the steps of one turn", let="values computed in each turn",
)  # fmt: skip
def repeat(found: Structure) -> Step:
    body, let = found.turn()
    return LoopStep(**found.common, body=body, let=let, count=to_expr(found.given()))


@word(
    "for", "names the columns of a table, and runs the body once for each row, one after another", "names",
    in_="the rows", body="the steps of one row", let="values computed in each row",
)  # fmt: skip
def rows(found: Structure) -> Step:
    return loop(found)


@word(
    "each", "names the columns of a table, and makes a parallel branch of the body for each row", "names",
    in_="the rows", body="the steps of one branch", let="values computed in each row",
)  # fmt: skip
def each(found: Structure) -> Step:
    return replace(loop(found), parallel=True)


@word("running_sum", "adds up branches one by one, and gives each sum as a branch: b1, b1 + b2, b1 + b2 + b3 and so on")
def running_sum(found: Structure) -> Step:
    return RunningSumStep(**found.common, branches=branches(found.reader, found.key, found.value))


@word("fork", "runs branches on the same tensor and keeps all their results, which `as:` names")
def fork(found: Structure) -> Step:
    return ForkStep(**found.common, branches=branches(found.reader, found.key, found.value))


@word("split", "splits the channels into n equal parts, or into parts of the given sizes; `as:` names them", "value")
def split(found: Structure) -> Step:
    return SplitStep(**found.common, sizes=to_expr(found.given()))


@word("choice", "runs one of the bodies under `of:`, which a param chooses", "expression", of="the bodies by name")
def choice(found: Structure) -> Step:
    of = found.node.get("of")
    if of is None:
        help = "write of: {name: [...], ...} beside it"
        raise fault("missing-key", "this choice has no bodies", found.key.span, help=help)
    bodies: dict[str, list[Step]] = {}
    entries = as_mapping(of, "of:", "write of: {name: [...], ...}").entries
    if len(entries) > MAX_BODIES:
        raise fault("too-large", f"a choice of more than {MAX_BODIES} bodies", entries[MAX_BODIES][0].span)
    for name, body in entries:
        with found.reader.ctx.catch():
            what = f"the choice '{clip(name.text)}'"
            bodies[checked_name(name, "choice")] = found.reader.body(body, what, empty=True)
    if not entries:
        raise fault("empty-body", "this choice has no bodies", of.span)
    return ChoiceStep(**found.common, param=to_expr(found.given()), bodies=bodies)


@word("body", "steps that belong together; other keys, such as `name:` and `when:`, stand beside it")
def together(found: Structure) -> Step:
    return SequenceStep(**found.common, body=found.reader.body(found.value, "body"))


# --- loops
def loop(found: Structure) -> LoopStep:
    """`for` and `each`: columns, rows, a body."""
    columns = to_params(found.reader.ctx, found.given(), "column")
    table = found.node.get("in")
    if table is None:
        help = "write in: [[..], [..]] beside it"
        raise fault("missing-key", f"'{found.key.text}' has no rows", found.key.span, help=help)
    body, let = found.turn()
    return LoopStep(
        **found.common,
        body=body,
        let=let,
        columns=tuple(columns),
        column_spans={name: param.span for name, param in columns.items()},
        column_defaults={name: param.default for name, param in columns.items() if param.default is not None},
        rows=table_of(found.reader, table, columns),
    )


def table_of(reader: StepReader, node: Node, columns: dict[str, Param]) -> Expr:
    """The rows; in a column `name`, and for a word that the file does not know, a cell is a word."""
    if not isinstance(node, Sequence):
        return to_expr(node)
    order = list(columns)
    found: list[Expr] = []
    for row in node.items:
        with reader.ctx.catch():
            cells = row.items if isinstance(row, Sequence) else (row,)
            items = [cell(reader, item, is_name=order[n : n + 1] == ["name"]) for n, item in enumerate(cells)]
            found.append(ListOf(tuple(items), span=head(row)) if isinstance(row, Sequence) else items[0])
    return ListOf(tuple(found), span=node.span)


def cell(reader: StepReader, node: Node, *, is_name: bool) -> Expr:
    if is_name:
        return Lit(checked_name(node, "row"), span=node.span)
    return to_expr(node, reader.ctx.names)


# --- joins
def join(reader: StepReader, key: Scalar, node: Node, common: dict[str, Any]) -> JoinStep:
    """A join of branches; arguments stand beside them: `concat: {axis: h, of: [...]}`."""
    kinds = {field.name: field.kind for field in REGISTRY[key.text].fields}
    if not (kinds and isinstance(node, Mapping) and ("of" in node or not kinds.keys().isdisjoint(node.keys()))):
        return JoinStep(**common, kind=key.text, branches=branches(reader, key, node))
    reader.ctx.check_keys(node, [*kinds, "of"], key.text)
    named: dict[str, Expr] = {}
    for name, value in node.entries:
        if name.text in kinds:
            with reader.ctx.catch():
                named[name.text] = reader.argument(value, kinds[name.text], name)
    inner = node.get("of")
    if inner is None:
        help = f"write {key.text}: {{{next(iter(kinds))}: ..., of: [...]}}"
        raise fault("missing-key", f"'{key.text}' has no branches", key.span, help=help)
    return JoinStep(**common, kind=key.text, branches=branches(reader, key, inner), named=named)


def branches(reader: StepReader, key: Scalar, node: Node) -> list[Step]:
    """The branches of a join, in order."""
    if isinstance(node, Sequence) and node.items:
        return reader.body(node, f"'{key.text}'")
    if isinstance(node, Scalar) and isinstance(node.value, str) and not reader.is_target(node.text):
        return [reader.bare(node)]  # a list of tensors: `concat: part`
    if isinstance(node, Mapping) and any(word in node for word in _SEVERAL):
        return [reader.keyed(node)]
    help = f"write {key.text}: [{IDENTITY}, ...]"
    if isinstance(node, Sequence):
        raise fault("empty-body", f"'{key.text}' has no branches", node.span, help=help)
    if is_null(node):
        raise fault("missing-value", f"'{key.text}' needs branches", key.span, help=help)
    raise fault("wrong-type", f"'{key.text}' takes a list of branches, not {kind_of(node)}", head(node), help=help)
