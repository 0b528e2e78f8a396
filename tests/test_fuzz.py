"""Whatever a file holds, it is built, or refused with diagnostics that say where: never anything else, never slowly.

The normal run is short and always the same; `pytest -m slow tests/test_fuzz.py` runs thousands of examples, and
ARCHDSL_FUZZ=20000 as many of each kind as that.
"""

from __future__ import annotations

import ast
import os
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.codes import CODES
from archdsl.elaborate import elaborate
from archdsl.ops import REGISTRY
from archdsl.reader import read_spec
from archdsl.report import Source, SpecError
from archdsl.schema.shape import BESIDE, BLOCK, RESIDUAL, SPEC, STAGE, STEP, STRUCTURE, VARIANT
from archdsl.text import from_python, open_source

SHIPPED = {path.stem: path.read_text() for path in sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))}
LIMIT = 2.0  # seconds for one file and one variant of it; the longest is well below a second
MANY = int(os.environ.get("ARCHDSL_FUZZ", "3000"))

quick = settings(max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
long = settings(quick, max_examples=MANY, derandomize=False, print_blob=True)


# --- the property ------------------------------------------------------------------------------


def outcome(source: Source, variant: int = 0) -> str:
    """What becomes of a text: `built`, or the codes of its faults; anything else is an exception here."""
    start = time.perf_counter()
    try:
        spec = read_spec(source, base=None)
        names = [None, *spec.variants]
        graph = elaborate(spec, names[variant % len(names)])
        ast.parse(archdsl.emit(graph))
        assert archdsl.cost(graph).params >= 0
        found = "built"
    except SpecError as error:
        found = ", ".join(sorted({item.code for item in error.diagnostics}))
        sound(error)
    assert time.perf_counter() - start < LIMIT, found
    return found


def sound(error: SpecError) -> None:
    """Every diagnostic has a known code, a message, and a place that is there."""
    assert error.diagnostics, "an error that says nothing"
    for item in error.diagnostics:
        assert item.code in CODES
        assert item.message
        assert item.span is not None, item.message
        for span in (item.span, *(note.span for note in (*item.notes, *item.trail) if note.span is not None)):
            lines = span.source.text.splitlines()
            assert 1 <= span.line <= max(len(lines), 1)
            assert 1 <= span.col <= len(span.source.line(span.line)) + 1
    assert all(character.isprintable() or character == "\n" for character in str(error))


# --- texts -------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[^\w\s]|\s+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
TOKENS = sorted({token for text in SHIPPED.values() for token in _TOKEN.findall(text) if not token.isspace()})
LINES = sorted({line for text in SHIPPED.values() for line in text.splitlines() if line.strip()})
NUMBERS = [
    "0", "-1", "1", "2", "3", "7", "0.5", "1e9", "-0.0", "1e308", "1000000000", "999999999999999999", "9**9**9", "9**64",
    "true", "null", "''", "[]", "[1]", "[[]]", "{}", "1/0", "c_in", "h_in", "input", "i", "nan", ".inf", "0x10", "~",
    "'a' * 9", "[0] * 100000", "[[1] * 9] * 9", "-c_in", "c_in / 3", "c_in * 1000000", "not c_in", "first", "len([])",
    "min([])", "max(1)", "sum([[1]])", "int('9' )", "round(1, 2)", "gcd(0.5)", "sqrt(-1)", "make_divisible(0, 0)", "1 if 2",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped spec after one to four slips."""
    lines = SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))].splitlines()
    for _ in range(draw(st.integers(1, 4))):
        slip = draw(st.sampled_from(SLIPS))
        lines = slip(draw, lines, draw(st.integers(0, len(lines) - 1)))
        if not lines:
            return ""
    return "\n".join(lines) + "\n"


def delete(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return lines[:at] + lines[at + 1 :]


def duplicate(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[: at + 1], *lines[at:]]


def swap(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    other = draw(st.integers(0, len(lines) - 1))
    lines = list(lines)
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def insert(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[:at], draw(st.sampled_from(LINES)), *lines[at:]]


def shift(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    by = draw(st.sampled_from([-4, -2, -1, 1, 2, 4]))
    line = lines[at]
    return [*lines[:at], " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip())) :], *lines[at + 1 :]]


def cut(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    return [*lines[:at], lines[at][: draw(st.integers(0, len(lines[at])))], *lines[at + 1 :]]


def token(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One token by another one of any spec, or by nothing."""
    parts = _TOKEN.findall(lines[at])
    if not parts:
        return lines
    parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(["", *TOKENS]))
    return [*lines[:at], "".join(parts), *lines[at + 1 :]]


def number(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One number by a hostile one."""
    places = [(n, found) for n, line in enumerate(lines) for found in _NUMBER.finditer(line.split(" #")[0])]
    if not places:
        return lines
    n, found = draw(st.sampled_from(places))
    new = draw(st.sampled_from(NUMBERS))
    return [*lines[:n], lines[n][: found.start()] + new + lines[n][found.end() :], *lines[n + 1 :]]


def word(draw: st.DrawFn, lines: list[str], at: int) -> list[str]:
    """One word of the file by another word of the same file."""
    places = [(n, found) for n, line in enumerate(lines) for found in re.finditer(r"[A-Za-z_]\w*", line.split(" #")[0])]
    if not places:
        return lines
    n, found = draw(st.sampled_from(places))
    _, other = draw(st.sampled_from(places))
    return [*lines[:n], lines[n][: found.start()] + other[0] + lines[n][found.end() :], *lines[n + 1 :]]


SLIPS = [delete, duplicate, swap, insert, shift, cut, token, token, number, number, word, word]

# --- trees -------------------------------------------------------------------------------------

_COMPANIONS = sorted({key for keys in BESIDE.values() for key in keys})
NAMES = ["a", "b", "n", "out", "part", "stem", "s1", "input", "c_in", "i", "first", "x"]
KEYS = st.sampled_from([
    *REGISTRY, *STRUCTURE, *STEP, *_COMPANIONS, *RESIDUAL, *NAMES, "Unit", "Pair", "shortcut", "if", "kernel", "stride",
    "groups", "padding", "size", "scale", "like", "weight", "by", "pattern", "p", "kind",
])  # fmt: skip
SCALARS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([*NAMES, *NUMBERS, *REGISTRY, "Unit", "Pair", "part[0]", "part[i]", "s1.stem", "keep", "same", "relu"]),
    st.sampled_from(["c_in // 2", "out * 2", "a + b", "n - 1", "max(8, n)", "first and n > 1", "(g c) h w -> g c h w"]),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
OPS = st.sampled_from([name for name, op in REGISTRY.items() if not op.many])
JOINS = st.sampled_from([name for name, op in REGISTRY.items() if op.many])
SIDE = st.fixed_dictionaries(
    {},
    optional={
        "when": st.sampled_from([True, False, "n > 1", "first"]),
        "else": st.sampled_from([[], ["relu"], ["a"]]),
        "as": st.sampled_from(["t", "u", ["t", "u"], "part"]),
        "from": st.sampled_from(["input", "t", "part[0]", "s1"]),
        "name": st.sampled_from(["one", "two", "name"]),
        "label": st.text(max_size=5),
    },
)
ARGUMENTS = st.one_of(
    st.none(), st.sampled_from([1, 2, 4, 8, "n", "out", "c_in", "c_in // 2"]), SCALARS, st.lists(SCALARS, max_size=3),
    st.dictionaries(KEYS, SCALARS, max_size=3), st.fixed_dictionaries({"out": st.sampled_from([4, 8, "n", "c_in"])}),
)  # fmt: skip


def steps_over(step: st.SearchStrategy) -> st.SearchStrategy:
    """Structure words around steps: mostly well-formed, so that much of it reaches the later passes."""
    body = st.lists(step, min_size=0, max_size=3)
    return st.one_of(
        st.builds(lambda word, inner, side: {word: inner, **side}, JOINS, body, SIDE),
        st.builds(lambda inner, side: {"residual": inner, **side}, body, SIDE),
        st.builds(lambda inner, short, c: {"residual": {"body": inner, "shortcut": short, "if": c}}, body, body, ARGUMENTS),
        st.builds(lambda n, inner, side: {"repeat": n, "body": inner, **side}, st.sampled_from([0, 1, 2, "n", -1]), body, SIDE),
        st.builds(lambda inner, rows: {"for": ["s", "k"], "in": rows, "body": inner}, body, st.lists(st.lists(SCALARS, max_size=3), max_size=3)),
        st.builds(lambda inner, word: {word: "d", "in": [1, 2, 4], "body": inner}, body, st.sampled_from(["for", "each"])),
        st.builds(lambda inner, side: {"running_sum": inner, **side}, body, SIDE),
        st.builds(lambda inner, side: {"fork": inner, "as": "part", **side}, body, SIDE),
        st.builds(lambda n, side: {"split": n, "as": "part", **side}, st.sampled_from([1, 2, 3, [4, 4], "n"]), SIDE),
        st.builds(lambda inner, other: {"choice": "kind", "of": {"small": inner, "large": other}}, body, body),
        st.builds(lambda inner, side: {"body": inner, **side}, body, SIDE),
        body,
    )  # fmt: skip


STEPS = st.recursive(
    st.one_of(
        st.sampled_from(["relu", "bn", "identity", "t", "part[0]", "input", "Unit", {"conv": 8}, {"Unit": 4}, "Pair"]),
        st.builds(lambda op, value, side: {op: value, **side}, OPS, ARGUMENTS, SIDE),
        st.builds(lambda block, value, side: {block: value, **side}, st.sampled_from(["Unit", "Pair"]), ARGUMENTS, SIDE),
        VALUES,
    ),
    steps_over,
    max_leaves=6,
)
BODIES = st.lists(STEPS, min_size=1, max_size=4)


@st.composite
def trees(draw: st.DrawFn) -> dict:
    """A spec of random steps over sound ground, now and then with a random section."""
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": draw(st.sampled_from([[8, 16, 16], [8, 16, 16], [4, 9], [16], [8, 6, 5, 4]])),
        "params": {"n": draw(st.sampled_from([1, 2, 3, 8])), "kind": "small", "a": 4, "b": "n * 2"},
        "blocks": {
            "Unit": {"params": {"out": 8, "k": 1}, "body": [{"conv": {"out": "out", "kernel": "k"}}, *draw(st.lists(STEPS, max_size=2))]},
            "Pair": {"inputs": {"code": "optional"}, "body": draw(BODIES)},
        },
        "stages": {"s1": draw(BODIES), "s2": {"when": draw(st.sampled_from([True, "n > 1"])), "body": draw(BODIES)}},
    }
    for part, keys in ((spec["blocks"]["Unit"], sorted(BLOCK)), (spec["stages"], [*STAGE, "s3", "Unit", "relu"]), (spec, sorted(SPEC))):
        if draw(st.integers(0, 5)) == 0:
            part[draw(st.sampled_from(keys))] = draw(VALUES)
    if draw(st.integers(0, 3)) == 0:
        spec["variants"] = {"v": {draw(st.sampled_from([*VARIANT, "n", "a", "kind"])): draw(VALUES)}}
    return spec


ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(KEYS | st.sampled_from(sorted(SPEC)) | st.text(max_size=4), inner, max_size=4),
    max_leaves=25,
)

# --- tests -------------------------------------------------------------------------------------


def check_mutated(text, variant):
    outcome(Source("fuzz.yaml", text), variant)


def check_tree(tree):
    try:
        source = from_python(tree)
    except SpecError as error:  # what no text could hold
        assert error.diagnostics
        return
    outcome(source)


def check_anything(tree, dump):
    text = yaml.safe_dump(tree, default_flow_style=dump)
    outcome(Source("fuzz.yaml", text))


def check_bytes(folder, data, at):
    """Bytes alone, and bytes in the middle of a spec."""
    path = folder / "fuzz.yaml"
    for content in (data, SHIPPED["peleenet"].encode()[:at] + data + SHIPPED["peleenet"].encode()[at:]):
        path.write_bytes(content)
        try:
            source = open_source(path)
        except SpecError as error:
            sound(error)
            continue
        outcome(source)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Imports and caches are no part of what is measured."""
    elaborate(read_spec(Source("warm.yaml", SHIPPED["peleenet"]), base=None))
    archdsl.emit("peleenet")
    archdsl.cost("peleenet")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_spec_is_built(name):
    for variant in range(SHIPPED[name].count("\n")):
        if outcome(Source("fuzz.yaml", SHIPPED[name]), variant) != "built":
            pytest.fail(f"variant {variant}")


@settings(quick, max_examples=250)
@given(mutated(), st.integers(0, 3))
def test_a_shipped_spec_after_slips_is_built_or_refused_with_a_place(text, variant):
    check_mutated(text, variant)


@settings(quick, max_examples=250)
@given(trees())
def test_random_steps_are_built_or_refused_with_a_place(tree):
    check_tree(tree)


@quick
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_random_yaml_is_refused_with_a_place(tree, dump):
    check_anything(tree, dump)


@quick
@given(data=st.binary(max_size=40), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_random_bytes_are_refused_with_a_place(folder, data, at):
    check_bytes(folder, data, at)


@pytest.mark.slow
@long
@given(mutated(), st.integers(0, 20))
def test_thousands_of_shipped_specs_after_slips(text, variant):
    check_mutated(text, variant)


@pytest.mark.slow
@long
@given(trees())
def test_thousands_of_random_steps(tree):
    check_tree(tree)


@pytest.mark.slow
@long
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_thousands_of_random_yaml_trees(tree, dump):
    check_anything(tree, dump)


@pytest.mark.slow
@long
@given(data=st.binary(max_size=200), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_thousands_of_random_bytes(folder, data, at):
    check_bytes(folder, data, at)
