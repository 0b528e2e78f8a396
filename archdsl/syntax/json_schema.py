"""The JSON Schema of spec files, made from the ops: editors complete and explain with it, `check` validates with it.

Steps have flat `properties` and no `oneOf` over the ops: a validator then names the one wrong key
instead of every op that the step is not. What editors insert decides the rest of the form: they take the first of
several types, so scalars stand before lists; where `properties` or `items` stand beside a snippet they write all
arguments, or a list, in its place, so these stand under `allOf`; and a default of null stops them, so there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import archdsl.syntax.reading.structure  # noqa: F401 - imported for the words that register themselves
from archdsl.ops import REGISTRY, Field, Op
from archdsl.syntax.words import (
    BESIDE,
    BLOCK,
    DETECT,
    EXPECT,
    FIGURE,
    FINGERPRINT,
    FORMS,
    PAPER_FIGURE,
    PLACED,
    PUBLISHED,
    SPEC,
    STAGE,
    STEP,
    STRUCTURE,
    TOP1,
    VARIANT,
)

Json: TypeAlias = "dict[str, Any]"

FILE = Path(__file__).parent / "archdsl.schema.json"
NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
BLOCK_NAME = "^[A-Z][A-Za-z0-9_]*$"
RULES: Json = {"type": ["object", "null"], "additionalProperties": {"type": ["object", "string"]}}  # for each tensor
PATH = r"^(?!when$)[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$"
PATCH = r"^[A-Za-z_]\w*\.[\w.\[\]*]+$"  # the path of a part in a spec with extends:
PATCH_OF_A_VARIANT = r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.[A-Za-z_][\w.]*$"
VARIANT_NAME = "^[A-Za-z0-9_][A-Za-z0-9._-]*$"


def build(address: str = FILE.name) -> Json:
    """The schema as JSON data; `address` is its `$id`, by default relative to wherever it lies."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "title": "archdsl",
        "description": "A CNN architecture as the table and the block figures of its paper.",
        "type": "object",
        "properties": described(SPEC, document()),
        "additionalProperties": False,
        "$defs": {
            "expression": {
                "description": "a number, a truth value, a word, or an expression over the names in scope",
                "type": ["string", "number", "boolean", "null"],
            },
            "value": {
                "description": "an expression, or a list of them",
                "type": ["string", "number", "boolean", "null", "array"],
                "allOf": [{"items": ref("value")}],
            },
            "name": {"type": "string", "pattern": NAME, "maxLength": 64},
            "text": {"type": ["string", "number", "boolean"]},
            "reference": {"description": "the name of a tensor: a, part[0], stage.step", "type": "string"},
            "names": {"description": "a list of names, or a mapping with defaults", **names("value")},
            "let": {**named("value"), "type": ["object", "null"]},
            "body": {
                "description": "steps, one after another",
                "type": ["array", "object", "string"],
                "items": ref("step"),
                **step(),
            },
            "step": {
                "description": "an op, a block, a tensor's name, or a list of steps",
                "type": ["string", "object", "array"],
                "defaultSnippets": [
                    {"label": f"{name} alone", "body": name} for name, op in REGISTRY.items() if stands_bare(op)
                ],
                "items": ref("step"),
                **step(),
            },
            "block": block(),
            "stage": stage(),
            "variant": variant(),
            "patch": patch(),
        },
    }


def text(address: str = FILE.name) -> str:
    """The schema as it stands in a file, `archdsl.schema.json`."""
    return json.dumps(build(address), indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    """Brings the file up to date."""
    FILE.write_text(text(), encoding="utf-8")


# --- parts -------------------------------------------------------------------------------------


def ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def named(value: str, pattern: str | None = None) -> Json:
    """A mapping from names to one kind of value."""
    return {"type": "object", "propertyNames": {"pattern": pattern or NAME}, "additionalProperties": ref(value)}


def names(default: str) -> Json:
    return {
        "type": ["array", "object", "string", "null"],
        "items": {"type": ["string", "object"]},
        "additionalProperties": ref(default),
    }


def described(docs: Mapping[str, str], forms: Mapping[str, Mapping[str, object]]) -> Json:
    """The properties of a mapping: what each is for, and its form."""
    return {key: {"description": doc, **forms.get(key, {})} for key, doc in docs.items()}


def closed(docs: Mapping[str, str], forms: Mapping[str, Json], **rest: Any) -> Json:
    return {"type": "object", "properties": described(docs, forms), "additionalProperties": False, **rest}


def document() -> dict[str, Json]:
    shape = {"type": ["string", "array"], "items": ref("expression"), "minItems": 1}
    files = {
        "type": ["string", "array", "object", "null"],
        "items": {"type": ["string", "object"]},
        "additionalProperties": placed(),
    }
    return {
        "archdsl": {"const": 1},
        "name": {"type": "string", "pattern": BLOCK_NAME, "maxLength": 64},
        "doc": {"type": ["string", "number", "boolean", "null"]},
        "paper": {
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "number", "boolean", "array"]},
        },
        "input": shape,
        "inputs": {"type": ["object", "null"], "propertyNames": {"pattern": NAME}, "additionalProperties": shape},
        "outputs": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": NAME},
            "additionalProperties": ref("reference"),
        },
        "use": files,
        "extends": files,
        "until": {"type": "string"},
        "params": {**names("value"), "patternProperties": {PATCH: ref("patch")}},
        "calls": {"type": ["object", "null"], "additionalProperties": ref("patch")},
        "defaults": targets(defaults_of),
        "init": initial(),
        "figure": {**closed(FIGURE, figure_forms()), "type": ["object", "null"]},
        "detect": {**closed(DETECT, detect_forms()), "type": ["object", "null"]},
        "blocks": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"{BLOCK_NAME}|{PATCH}"},
            "patternProperties": {PATCH: ref("patch")},
            "additionalProperties": ref("block"),
        },
        "stages": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"{NAME}|{PATCH}"},
            "patternProperties": {PATCH: ref("patch")},
            "additionalProperties": ref("stage"),
        },
        "variants": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": VARIANT_NAME},
            "patternProperties": {PATCH_OF_A_VARIANT: ref("patch")},
            "additionalProperties": ref("variant"),
        },
        "default": {"type": ["string", "number"]},
        "expect": {
            "type": ["object", "null"],
            "additionalProperties": closed(EXPECT, expected_forms()),
        },
    }


def expected_forms() -> dict[str, Json]:
    number: Json = {"type": ["integer", "string"]}
    return {"params": number, "macs": number, "graph": {"type": "string", "pattern": FINGERPRINT}}


def figure_forms() -> dict[str, Json]:
    texts: Json = {"type": "object", "additionalProperties": ref("text")}
    cases: Json = {"type": ["array", "string"], "items": {"type": "string"}}
    return {
        "labels": texts,
        "colours": texts,
        "hide": {"type": ["array", "string"], "items": {"type": "string"}},
        "cases": {"type": "object", "propertyNames": {"pattern": BLOCK_NAME}, "additionalProperties": cases},
        "paper": {"type": "object", "additionalProperties": closed(PAPER_FIGURE, paper_figure_forms())},
    }


def paper_figure_forms() -> dict[str, Json]:
    texts: Json = {"type": ["array", "string"], "items": {"type": "string"}}
    variant: Json = {"type": ["string", "number"]}
    params: Json = {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": ref("value")}
    return dict.fromkeys(("block", "cases", "expand"), texts) | {
        "spec": {"type": "string"},
        "variant": variant,
        "params": params,
        "form": {"enum": ["train", "deploy"]},
        "differs": ref("text"),
    }


def detect_forms() -> dict[str, Json]:
    outputs: dict[str, Json] = {name: {"type": "string", "pattern": NAME} for name in ("boxes", "scores", "priors")}
    return {
        **outputs,
        "variances": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "iou": {"type": "number", "minimum": 0, "maximum": 1},
        "top_k": {"type": "integer", "minimum": 1},
        "keep": {"type": "integer", "minimum": 1},
        "background": {"type": "integer", "minimum": 0},
    }


def placed() -> Json:
    return {**closed(PLACED, {"until": {"type": "string"}}), "type": ["object", "null"]}


def targets(form: Callable[[Op], Json]) -> Json:
    """A mapping whose keys are ops and blocks."""
    return {
        "type": ["object", "null"],
        "properties": {name: {"description": summary(op), **form(op)} for name, op in REGISTRY.items()},
        "patternProperties": {BLOCK_NAME: {"type": ["object", "null"]}},
        "additionalProperties": False,
    }


def initial() -> Json:
    """Rules by op, and by the paths of modules; with a `when:`."""
    form = targets(lambda _: RULES)
    named = {**RULES, "properties": {"when": ref("expression")}}
    properties = {"when": ref("expression"), **form["properties"]}
    return {**form, "properties": properties, "patternProperties": {PATH: named}}


def defaults_of(op: Op) -> Json:
    return {**fields_of(op), "type": ["object", "null"]}  # by name alone


def summary(op: Op) -> str:
    return op.doc().split("\n\n")[0].replace("\n", " ")


def step() -> Json:
    """What a mapping that is a step may hold."""
    properties: Json = described(STEP, beside_forms())
    for words in BESIDE.values():
        properties |= described(words, {"body": ref("body"), "let": ref("let"), "in": ref("value"), "of": bodies()})
    properties |= described(STRUCTURE, FORMS)
    properties |= {name: {"description": summary(op), **arguments(op)} for name, op in REGISTRY.items()}
    return {
        "properties": properties,
        "patternProperties": {BLOCK_NAME: {"description": "a block", **block_arguments()}},
    }


def bodies() -> Json:
    return {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": ref("body")}


def beside_forms() -> dict[str, Json]:
    several = {"type": ["string", "array"], "items": ref("name")}
    return {
        "name": ref("name"),
        "when": ref("expression"),
        "else": ref("body"),
        "as": several,
        "from": ref("reference"),
        "label": ref("text"),
        "share": {"type": ["string", "boolean"]},
    }


def arguments(op: Op) -> Json:
    """What may stand after an op: its fields by name, in order, or the first alone; branches, if it joins."""
    if op.many and not op.fields:
        return ref("body")
    if op.many:  # branches, or {axis: h, of: [...]}
        beside = {**fields_of(op)["properties"], "of": ref("body")}
        return {"type": ["array", "object", "string"], "items": ref("step"), "properties": beside}
    form = {"type": ["string", "number", "boolean", "null", "object", "array"]}
    return {**form, **snippets(op), "allOf": [{**fields_of(op), "items": ref("value")}]}


def snippets(op: Op) -> Json:
    """What an editor writes after an op: the arguments that must be given; one that comes first needs no name."""
    needed = [field.name for field in op.fields if field.required]
    if not needed:
        return {}
    lone = needed == [op.fields[0].name]
    body = f"${{1:{needed[0]}}}" if lone else {name: f"${{{n}:{name}}}" for n, name in enumerate(needed, 1)}
    return {"defaultSnippets": [{"label": f"{op.name} with {', '.join(needed)}", "body": body}]}


def stands_bare(op: Op) -> bool:
    """Whether an op may be a step by its name alone."""
    return not op.many and not any(field.required for field in op.fields)


def block_arguments() -> Json:
    return {
        "type": ["string", "number", "boolean", "null", "object", "array"],
        "items": ref("value"),
        "additionalProperties": ref("value"),
    }


def fields_of(op: Op) -> Json:
    properties = {field.name: field_form(field) for field in op.fields}
    further: Field | None = getattr(op, "further", None)  # arguments of any name: the axes of a pattern
    return {"properties": properties, "additionalProperties": field_form(further) if further else False}


def field_form(field: Field) -> Json:
    """One argument; any may be an expression, so the schema holds types loosely and explains."""
    kinds = {"text": "text", "tensor": "reference", "axes": "value", "ints": "value", "factors": "value"}
    form: Json = {**ref(kinds.get(field.kind, "expression"))}
    doc = [field.doc] if field.doc else []
    if field.choices:
        doc.append(f"one of {', '.join(field.choices)}" if field.kind == "word" else f"or {', '.join(field.choices)}")
        form["examples"] = list(field.choices)
    if field.required:
        doc.append("required")
    elif field.default is not None:
        form["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
    return {"description": "; ".join(doc) or field.name, **form}


def block() -> Json:
    forms = {
        "params": ref("names"),
        "inputs": {
            "type": ["array", "object", "string", "null"],
            "items": {"type": ["string", "object"]},
            "additionalProperties": {"enum": ["optional", "required", None]},
        },
        "let": ref("let"),
        "require": {"type": ["array", "string", "boolean", "null"], "items": ref("expression")},
        "body": ref("body"),
        "doc": {"type": ["string", "number", "boolean", "null"]},
    }
    return {
        "description": "a block: a list of steps, or params and a body",
        "type": ["object", "array", "null"],
        "items": ref("step"),
        "properties": described(BLOCK, forms),
        "additionalProperties": False,
        "required": ["body"],
    }


def stage() -> Json:
    forms = {
        "when": ref("expression"),
        "from": ref("reference"),
        "let": ref("let"),
        "after": ref("name"),
        "before": ref("name"),
    }
    whole = step()
    return {
        "description": "a stage: a list of steps, a table of rows, or a single step",
        "type": ["object", "array", "string", "null"],
        "items": ref("step"),
        "properties": {**whole["properties"], **described(STAGE, forms)},
        "patternProperties": whole["patternProperties"],
    }


def patch() -> Json:
    """What becomes of a part of the spec that is extended: null removes it."""
    return {
        "description": "arguments, cells of a row, or a step in place of the one named; null removes it",
        "type": ["object", "array", "string", "number", "boolean", "null"],
        "properties": {word: {"description": f"its place: {word} which part"} for word in ("after", "before")},
    }


def published() -> dict[str, Json]:
    """The numbers that were published of a variant."""
    count: Json = {"type": ["integer", "string"]}
    return {
        "params": count,
        "macs": count,
        "top1": {"type": ["number", "string"]},
        "source": {"type": "string"},
        "form": {"enum": ["train", "deploy"]},
    }


def variant() -> Json:
    shape: Json = {"type": ["string", "array"], "items": ref("expression")}
    forms: dict[str, Json] = {
        "input": shape,
        "inputs": {"type": "object", "additionalProperties": shape},
        "extends": {"type": "string"},
        "top1": {
            "type": ["number", "string", "object"],
            "properties": described(TOP1, {"value": {"type": ["number", "string"]}, "source": {"type": "string"}}),
            "additionalProperties": False,
            "required": ["value"],
        },
        "published": {
            "type": "object",
            "properties": described(PUBLISHED, published()),
            "additionalProperties": False,
            "anyOf": [{"required": [word]} for word in ("params", "macs", "top1")],
        },
    }
    properties = described(VARIANT, forms)
    return {
        "type": ["object", "null"],
        "properties": properties,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": ref("value"),
    }
