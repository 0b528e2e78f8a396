"""What may stand at a place of a spec: the JSON Schema walked along the keys that lead there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from archdsl.ops import REGISTRY, Field, Op
from archdsl.syntax.identifiers import is_block_name
from archdsl.syntax.json_schema import build
from archdsl.syntax.words import BESIDE, STRUCTURE

ITEM = 0  # a step of a path into a list is a number; this one where it does not matter which


@lru_cache(maxsize=1)
def _schema(_: int) -> dict[str, Any]:
    return build()


def schema() -> dict[str, Any]:
    return _schema(REGISTRY.edition)


@dataclass(frozen=True)
class Place:
    """A place of the grammar: its part of the schema, and whose argument it is."""

    form: dict[str, Any]
    refs: tuple[str, ...] = ()  # the definitions that it is: `step`, `expression`, `reference`, ...
    op: Op | None = None  # whose arguments stand here
    block: str = ""  # the block whose arguments stand here
    field: Field | None = None  # the argument of an op that stands here
    argument: str = ""  # the argument of a block that stands here

    @property
    def is_step(self) -> bool:
        return "residual" in self.properties

    @property
    def properties(self) -> dict[str, Any]:
        return {key: value for part in parts(self.form) for key, value in part.get("properties", {}).items()}


def parts(form: dict[str, Any]) -> list[dict[str, Any]]:
    """A form and those under its `allOf`."""
    return [form, *form.get("allOf", [])]


def place(path: Iterable[str | int]) -> Place:
    """Where keys and numbers of items lead, from the top of a spec."""
    here = resolved(Place(schema()))
    for step in path:
        here = inside(here, step)
    return here


def resolved(here: Place) -> Place:
    """The definition that a reference means."""
    form, refs = here.form, list(here.refs)
    while "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        refs.append(name)
        form = {**schema()["$defs"][name], **{key: value for key, value in form.items() if key != "$ref"}}
    return Place(form, tuple(refs), here.op, here.block, here.field, here.argument)


def inside(here: Place, step: str | int) -> Place:
    """One key or item further."""
    if isinstance(step, int):
        return item(here, step)
    if here.op is not None:
        found = next((field for field in here.op.fields if field.name == step), None)
        return resolved(Place(below(here.form, step), field=found))
    if here.block:
        return resolved(Place(below(here.form, step), argument=step, block=here.block))
    form = below(here.form, step)
    if here.is_step and step in REGISTRY:
        return resolved(Place(form, op=REGISTRY[step]))
    if here.is_step and is_block_name(step):
        return resolved(Place(form, block=step))
    return resolved(Place(form))


def item(here: Place, index: int) -> Place:
    form: dict[str, Any] = next((part["items"] for part in parts(here.form) if "items" in part), {})
    if here.op is not None and not here.op.many:
        field = here.op.fields[index] if index < len(here.op.fields) else None
        return resolved(Place(form, field=field))
    return resolved(Place(form, argument=str(index), block=here.block) if here.block else Place(form))


def below(form: dict[str, Any], key: str) -> dict[str, Any]:
    """The form of what stands under a key."""
    for part in parts(form):
        if key in part.get("properties", {}):
            return dict(part["properties"][key])
        for pattern, found in part.get("patternProperties", {}).items():
            if re.search(pattern, key):
                return dict(found)
        if isinstance(part.get("additionalProperties"), dict):
            return dict(part["additionalProperties"])
    return {}


def head_of(keys: Sequence[str]) -> str:
    """The key of a step that says what it is: an op, a block or a structure word."""
    heads = [key for key in keys if key in REGISTRY or key in STRUCTURE or is_block_name(key)]
    looping = [key for key in heads if key in BESIDE]  # `body:` stands beside it
    return (looping or heads or [""])[0]
