"""Whatever a file holds, it is built, or refused with diagnostics that say where: never anything else, never slowly.

The normal run is short; `pytest -m slow tests/whole/test_fuzz.py` runs a thousand of each kind. Both never change.
ARCHDSL_FUZZ=20000 tries as many of each kind as that, other ones each time.
"""

from __future__ import annotations

import ast
import copy
import gc
import os
import re
import time
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.places import SPEC_FILES
from support.random_specs import COMPANIONS, NAMES, NUMBERS, Maker

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.ops import REGISTRY
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.syntax.words import RESIDUAL, SPEC, STEP, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Sequence, from_python, open_source, read

SHIPPED = {path.stem: path.read_text() for path in SPEC_FILES}
LIMIT = 2.0  # seconds for one file and one variant of it; the longest is well below a second
OTHERS = os.environ.get("ARCHDSL_FUZZ")

quick = settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
long = settings(quick, max_examples=int(OTHERS or 1000), derandomize=not OTHERS, print_blob=True)


# --- the property ------------------------------------------------------------------------------


def outcome(source: Source, variant: int = 0) -> str:
    """What becomes of a text: `built`, or the codes of its faults; anything else is an exception here."""
    gc.disable()  # what other tests have left behind takes seconds to look through
    start = time.process_time()
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
    finally:
        taken = time.process_time() - start
        gc.enable()
    assert taken < LIMIT, found
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
    return [
        *lines[:at],
        " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip())) :],
        *lines[at + 1 :],
    ]


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


def plain(node: Node) -> object:
    """A located tree as dicts, lists and scalars."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node.value


TREES = {name: plain(read(Source(name, text))) for name, text in SHIPPED.items()}


def parts(tree: object, role: str = "") -> Iterator[tuple[str, object]]:
    """Every part of a tree with its role: the key it stands under, or that of its list."""
    yield role, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from parts(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from parts(item, role + "[]")


PARTS = [part for tree in TREES.values() for part in parts(tree)]
BY_ROLE: dict[str, list[object]] = {}
for _role, _part in PARTS:
    BY_ROLE.setdefault(_role, []).append(_part)


@st.composite
def grafted(draw: st.DrawFn) -> dict:
    """A shipped spec some of whose parts are gone, doubled, swapped, or those of another spec."""
    tree = copy.deepcopy(TREES[draw(st.sampled_from(sorted(TREES)))])
    for _ in range(draw(st.integers(1, 4))):
        holders = [part for _, part in parts(tree) if isinstance(part, (dict, list)) and part]
        holder = draw(st.sampled_from(holders))
        graft(draw, holder, draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder)))))
    return tree


def graft(draw: st.DrawFn, holder: dict | list, key: object) -> None:
    edit = draw(st.sampled_from(["delete", "double", "swap", "hostile", "role", "role", "role", "any", "value"]))
    roles = [role for role, part in PARTS if part == holder[key]]
    if edit == "delete":
        del holder[key]
    elif edit == "double" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif edit == "swap":
        other = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        holder[key], holder[other] = holder[other], holder[key]
    elif edit == "hostile":
        holder[key] = draw(st.sampled_from(NUMBERS))
    elif edit == "value":
        holder[key] = draw(VALUES)
    elif edit == "any" or not roles:
        holder[key] = copy.deepcopy(draw(st.sampled_from(PARTS))[1])
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(BY_ROLE[roles[0]])))


KEYS = st.sampled_from([
    *REGISTRY, *STRUCTURE, *STEP, *COMPANIONS, *RESIDUAL, *NAMES, "Unit", "Pair", "shortcut", "if", "kernel", "stride",
    "groups", "padding", "size", "scale", "like", "weight", "by", "pattern", "p", "kind",
])  # fmt: skip
SCALARS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from(
        [*NAMES, *NUMBERS, *REGISTRY, "Unit", "Pair", "part[0]", "part[i]", "s1.stem", "keep", "same", "relu"]
    ),
    st.sampled_from(["c_in // 2", "out * 2", "a + b", "n - 1", "max(8, n)", "first and n > 1", "(g c) h w -> g c h w"]),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


TREES_OF_STEPS = st.builds(
    lambda random, wild: Maker(random, wild).spec(),
    st.randoms(use_true_random=True),
    st.sampled_from([0, 0, 0.02, 0.1]),
)

ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.sampled_from(sorted(SPEC)) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=25,
)

# --- tests -------------------------------------------------------------------------------------


def check_mutated(text, variant):
    outcome(Source("fuzz.yaml", text), variant)


def check_tree(tree, variant=0):
    outcome(from_python(tree), variant)


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
    """In its last variant; all are counted and printed in tests of those rooms."""
    assert outcome(Source("fuzz.yaml", SHIPPED[name]), -1) == "built"


@settings(quick, max_examples=150)
@given(mutated(), st.integers(0, 3))
def test_a_shipped_spec_after_slips_is_built_or_refused_with_a_place(text, variant):
    check_mutated(text, variant)


@settings(quick, max_examples=150)
@given(TREES_OF_STEPS)
def test_random_steps_are_built_or_refused_with_a_place(tree):
    check_tree(tree)


@quick
@given(grafted(), st.integers(0, 3))
def test_a_shipped_spec_with_foreign_parts_is_built_or_refused_with_a_place(tree, variant):
    check_tree(tree, variant)


@quick
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_random_yaml_is_refused_with_a_place(tree, dump):
    check_anything(tree, dump)


@quick
@given(data=st.binary(max_size=40), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_random_bytes_are_refused_with_a_place(folder, data, at):
    check_bytes(folder, data, at)


@pytest.mark.slow
@pytest.mark.long
@long
@given(mutated(), st.integers(0, 20))
def test_a_thousand_of_shipped_specs_after_slips(text, variant):
    check_mutated(text, variant)


@pytest.mark.slow
@pytest.mark.long
@long
@given(grafted(), st.integers(0, 20))
def test_a_thousand_of_shipped_specs_with_foreign_parts(tree, variant):
    check_tree(tree, variant)


@pytest.mark.slow
@pytest.mark.long
@long
@given(TREES_OF_STEPS)
def test_a_thousand_of_random_steps(tree):
    check_tree(tree)


@pytest.mark.slow
@pytest.mark.long
@long
@given(ANYTHING, st.sampled_from([None, True, False]))
def test_a_thousand_of_random_yaml_trees(tree, dump):
    check_anything(tree, dump)


@pytest.mark.slow
@pytest.mark.long
@long
@given(data=st.binary(max_size=200), at=st.integers(0, len(SHIPPED["peleenet"])))
def test_a_thousand_of_random_bytes(folder, data, at):
    check_bytes(folder, data, at)
