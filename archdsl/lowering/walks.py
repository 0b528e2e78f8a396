"""What stands in a step, inner steps included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Name, rebuild
from archdsl.syntax import spec as s


def step_exprs(step: s.Step) -> Iterator[Expr]:
    """Every expression in a step, those of inner steps included."""
    for value in vars(step).values():
        yield from _exprs_of(value)


def _exprs_of(value: object) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
    elif isinstance(value, s.Step):
        yield from step_exprs(value)
    else:
        for item in _items(value):
            yield from _exprs_of(item)


def _items(value: object) -> Iterable[object]:
    """What a mapping or a list holds; other values hold nothing."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) and not isinstance(value, Span) else ()


def steps_in(values: Iterable[object]) -> Iterator[s.Step]:
    """The outermost steps among values."""
    for value in values:
        if isinstance(value, s.Step):
            yield value
        else:
            yield from steps_in(_items(value))


def all_steps(values: Iterable[object]) -> Iterator[s.Step]:
    """Every step among values, each before those in it."""
    for step in steps_in(values):
        yield step
        yield from all_steps(vars(step).values())


def step_bindings(step: s.Step) -> Iterator[str]:
    """Every tensor name a step gives, those of inner steps included."""
    for inner in all_steps([step]):
        if inner.into:
            yield from [inner.into] if isinstance(inner.into, str) else inner.into


def step_names(steps: Iterable[s.Step]) -> Iterator[str]:
    """Every `name:` that steps have, those of inner steps included."""
    return (step.name for step in all_steps(steps) if step.name is not None)


def repeats(step: s.Step, *, whole: bool = True) -> Iterator[s.Step]:
    """The loops in a step, itself included if `whole`, that turn one after another."""
    inner = all_steps([step] if whole else vars(step).values())
    return (loop for loop in inner if isinstance(loop, s.LoopStep) and not loop.parallel)


def renamed(value: Any, new: Mapping[str, str]) -> Any:
    """A step, or a part of one, with names that it reads replaced."""
    if isinstance(value, Name):
        return replace(value, id=new.get(value.id, value.id))
    if isinstance(value, Expr):
        return rebuild(value, lambda part: renamed(part, new))
    if isinstance(value, s.Step):
        return replace(value, **{name: renamed(part, new) for name, part in vars(value).items()})
    if isinstance(value, Mapping):
        return {key: renamed(part, new) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, Span):
        return type(value)(renamed(part, new) for part in value)
    return value
