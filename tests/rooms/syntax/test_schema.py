"""The JSON Schema for editors, the codes, and their agreement with the reader."""

import re

import jsonschema
import pytest
from support.places import BEYOND_FILES, ROOT, SPEC_FILES

from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.spans import Source
from archdsl.ops import REGISTRY
from archdsl.syntax import json_schema as schema
from archdsl.syntax import validation, words
from archdsl.yaml.located import Mapping, Scalar, Sequence, open_source, read

SPECS = [*SPEC_FILES, *BEYOND_FILES]
VALIDATOR = jsonschema.Draft202012Validator(schema.build())


def data(node):
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [data(item) for item in node.items]
        case Mapping():
            return {key.text: data(value) for key, value in node.entries}


def faults(**parts):
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"a": ["relu"]}} | parts
    return [error.message for error in VALIDATOR.iter_errors(spec)]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema.build())


def test_the_file_is_up_to_date():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run archdsl.syntax.json_schema.write()"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_shipped_spec_fits_the_schema(path):
    assert [error.message for error in VALIDATOR.iter_errors(data(read(open_source(path))))] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_shipped_spec_names_the_schema_for_editors(path):
    before, _, named = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")
    assert before == "# yaml-language-server: "
    assert (path.parent / named).resolve() == schema.FILE.resolve()


def test_every_op_stands_in_it_with_its_fields_and_their_defaults():
    steps = schema.build()["$defs"]["step"]["properties"]
    for name, op in REGISTRY.items():
        assert steps[name]["description"]
        if not op.many:
            assert set(steps[name]["allOf"][0]["properties"]) == {field.name for field in op.fields}
    assert schema.fields_of(REGISTRY["conv"])["properties"]["kernel"]["default"] == 1
    assert "keep" in schema.fields_of(REGISTRY["conv"])["properties"]["padding"]["description"]


def test_an_editor_writes_what_an_op_needs_and_is_stopped_by_no_default():
    """As `yaml-language-server` reads it: the first type, the one snippet, no `properties` beside it, no null."""
    step = schema.build()["$defs"]["step"]
    for name, op in REGISTRY.items():
        form = step["properties"][name]
        assert op.many or (form["type"][0] == "string" and not {"properties", "items"} & form.keys())
        assert all(field.get("default", 0) is not None for field in schema.fields_of(op)["properties"].values())
    bodies = {
        name: form["defaultSnippets"][0]["body"]
        for name, form in step["properties"].items()
        if "defaultSnippets" in form
    }
    assert (bodies["conv"], bodies["linear"]) == ("${1:out}", "${1:out}")
    assert {"label": "relu alone", "body": "relu"} in step["defaultSnippets"]


def test_what_the_schema_refuses_is_told_at_its_place():
    text = "name: Net\nstages:\n  a: [{conv: {outt: 3}}]\npaper:\n  year: \nblocks: {low: [relu]}\n"
    found = validation.refused(read(Source("net.yaml", text)))
    assert [(str(item.span), item.code) for item in found] == [
        ("net.yaml:3:15", "schema"), ("net.yaml:5:8", "schema"), ("net.yaml:6:10", "schema"),
    ]  # fmt: skip
    assert "'outt' was unexpected" in found[0].message


def test_every_key_has_a_description():
    for table in (words.SPEC, words.BLOCK, words.STAGE, words.STEP, words.STRUCTURE, words.VARIANT, words.EXPECT):
        assert all(doc and doc[0].islower() for doc in table.values())


def test_a_misspelt_argument_gives_one_error():
    assert faults(stages={"a": [{"conv": {"outt": 3}}]}) == [
        "Additional properties are not allowed ('outt' was unexpected)"
    ]


@pytest.mark.parametrize(
    "parts",
    [
        {"stage": {}},
        {"name": "net"},
        {"input": 3},
        {"defaults": {"conv": {"bais": False}}},
        {"blocks": {"lower": ["relu"]}},
        {"blocks": {"Block": {"params": ["a"]}}},
        {"expect": {"default": {"parms": 3}}},
        {"stages": ["relu"]},
    ],
)
def test_a_spec_of_the_wrong_form_does_not_fit(parts):
    assert len(faults(**parts)) == 1


def test_every_code_that_is_raised_has_a_meaning():
    pattern = re.compile(r'(?:fault|Diagnostic)\(\s*"([a-z0-9-]+)"')
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "archdsl").rglob("*.py"))]
    raised = {code for text in texts for code in pattern.findall(text)}
    assert raised <= set(CODES)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in CODES)
