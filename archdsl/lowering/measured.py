"""Sizes that are those of a map: `upsample: {size: [h_in, w_in]}` takes them from the map, as `like:` does.

A step whose `size:` reads `h_in` or `w_in`, of itself or through a `let:`, is rewritten so that it takes the map which
they measure under `like:`, and its size is said over the height and width of that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, ListOf, Name, rebuild
from archdsl.lowering.expressions import resolve
from archdsl.lowering.scope import Scope
from archdsl.ops import REGISTRY
from archdsl.ops.target import HEIGHT, SIDES, WIDTH
from archdsl.syntax import spec as s

SIDE_OF = {"h_in": Name(HEIGHT), "w_in": Name(WIDTH)}
WHOLE = (ListOf((Name(HEIGHT), Name(WIDTH))), ListOf((Name(WIDTH),)))  # the very size of a map, and of a sequence


@dataclass(frozen=True)
class Follower:
    """Rewrites the steps of one function, stage or turn, all of which read the same `h_in` and `w_in`."""

    map: str | None  # the tensor that they measure; None in a turn that is made a block of its own, where it has a name
    let: Mapping[str, Expr]  # what depends on them
    staged: bool  # whether the turns of a loop have a height and width of their own

    def rewritten(self, value: Any) -> Any:
        """A step, or a part of one, with the steps inside."""
        if isinstance(value, s.LoopStep):
            return self.loop(value)
        if isinstance(value, s.Step):
            found = replace(value, **{name: self.rewritten(part) for name, part in vars(value).items()})
            return self.use(found) if isinstance(found, s.UseStep) else found
        if isinstance(value, Mapping):
            return {key: self.rewritten(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)) and not isinstance(value, Span):
            return type(value)(self.rewritten(part) for part in value)
        return value

    def loop(self, step: s.LoopStep) -> s.LoopStep:
        let = depending(step.let, {} if self.staged else self.let)
        inner = Follower(None if self.staged else self.map, let, self.staged)
        return replace(step, body=inner.rewritten(step.body), other=self.rewritten(step.other))

    def use(self, step: s.UseStep) -> s.UseStep:
        """A step whose size depends on the map takes that; of another turn, its size is said without lets."""
        size = size_of(step, self.let)
        if size is None:
            return step
        op = REGISTRY[step.target]
        given = dict(zip((item.name for item in op.fields), step.positional, strict=False))
        spans = {**{name: value.span for name, value in given.items() if value.span}, **step.named_spans}
        named = {**given, **step.named, "size": size}
        if self.map is not None:
            named |= {"size": replaced(size, SIDE_OF), "like": Name(self.map, span=step.span)}
            if named["size"] in WHOLE:
                del named["size"]
        return replace(step, positional=(), named=named, named_spans=spans)


def follow(steps: list[s.Step], let: Mapping[str, Expr], entering: str, *, staged: bool) -> list[s.Step]:
    """Steps that read the `h_in` and `w_in` of the tensor `entering`, rewritten."""
    found: list[s.Step] = Follower(entering, depending(let, {}), staged).rewritten(steps)
    return found


def depending(let: Mapping[str, Expr], known: Mapping[str, Expr]) -> dict[str, Expr]:
    """The lets that depend on `h_in` and `w_in`, as expressions over these; `known` are those around."""
    found = dict(known)
    for name, expr in let.items():
        whole = replaced(expr, found)
        if not SIDE_OF.keys().isdisjoint(whole.mentioned):
            found[name] = whole
    return found


def replaced(expr: Expr, known: Mapping[str, Expr]) -> Expr:
    """An expression in which others stand in the place of names."""
    if isinstance(expr, Name):
        return known.get(expr.id, expr)
    return rebuild(expr, lambda part: replaced(part, known))


def size_of(step: s.Step, let: Mapping[str, Expr]) -> Expr | None:
    """The size of a step over `h_in` and `w_in`, if it reads one; None if the step has a module of its own name."""
    if not isinstance(step, s.UseStep) or step.name is not None or not sizes(step.target):
        return None
    op = REGISTRY[step.target]
    given = {**dict(zip((item.name for item in op.fields), step.positional, strict=False)), **step.named}
    size = replaced(given.get("size", Name("")), let)
    if not given.keys().isdisjoint({"like", "scale"}) or SIDE_OF.keys().isdisjoint(size.mentioned):
        return None
    return size if op.field(SIDES.name) is not None or replaced(size, SIDE_OF) in WHOLE else None


def sizes(target: str) -> bool:
    """Whether an op makes maps of a size, or of that of another map."""
    op = REGISTRY.get(target)
    return op is not None and None not in (op.field("size"), op.field("like"))


def is_over_map(given: Mapping[str, Expr]) -> bool:
    """Whether a size among the arguments of a step is said over that of another map."""
    return "like" in given and "size" in given and not {HEIGHT, WIDTH}.isdisjoint(given["size"].mentioned)


def sides_of(size: Expr, scope: Scope) -> Expr:
    """A size over that of another map, with its other names resolved."""
    sides = {HEIGHT: None, WIDTH: None}
    return resolve(size, replace(scope, numbers={**scope.numbers, **sides}))


def is_measured(step: s.UseStep) -> bool:
    """Whether a step, in a turn that is made a block of its own, takes the map that enters."""
    return size_of(step, {}) is not None
