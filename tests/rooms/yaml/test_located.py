"""YAML to located nodes."""

import time

import pytest

from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.rendering import render_text
from archdsl.diagnostics.spans import Source
from archdsl.yaml.located import MAX_BYTES, Mapping, Scalar, Sequence, from_python, open_source, read


def values(node):
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [values(item) for item in node.items]
        case Mapping():
            return {key.text: values(value) for key, value in node.entries}


def parsed(text):
    return values(read(Source("a.yaml", text)))


def refused(text):
    with pytest.raises(SpecError) as caught:
        read(Source("a.yaml", text))
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("n", "n"),
        ("yes", "yes"),
        ("1:2", "1:2"),
        ("1e-3", 0.001),
        ("1.0e-5", 1e-5),
        (".5", 0.5),
        ("0o7", 7),
        ("0x1f", 31),
        ("010", 10),
        ("-3", -3),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("'3'", "3"),
        ("2001-01-01", "2001-01-01"),
        ("1_000", "1_000"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text, value):
    found = parsed(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_scalar_keeps_its_text_so_that_version_numbers_keep_their_zeros():
    (entry,) = read(Source("a.yaml", "1.00: 1602.07360")).entries
    assert (entry[0].text, entry[1].text) == ("1.00", "1602.07360")


def test_every_node_knows_its_place():
    node = read(Source("a.yaml", "a:\n  - b: [1, two]\n    c: 3\n\nd: 4\n"))
    first = node.get("a")
    assert str(first.span) == "a.yaml:2:3"
    assert (first.span.end_line, first.span.end_col) == (3, 9)
    inner = first.items[0].get("b").items[1]
    assert (inner.span.line, inner.span.col, inner.span.end_col) == (2, 12, 15)


def test_an_empty_value_differs_from_a_written_null():
    node = read(Source("a.yaml", "{a: , b: null}"))
    assert node.get("a").empty
    assert not node.get("b").empty
    assert node.get("c") is None


@pytest.mark.parametrize(
    ("text", "code", "place", "help"),
    [
        ("a: &x 1", "anchors", (1, 4), "param or a block"),
        ("a: *x", "anchors", (1, 4), "write the value out"),
        ("a: !!int 1", "tags", (1, 4), "remove it"),
        ("!!python/object/apply:os.system [ls]", "tags", (1, 1), "plain data"),
        ("%TAG ! x\n--- 1", "tags", (1, 1), ""),
        ("<<: {a: 1}", "merge-key", (1, 1), "write the keys out"),
        ("a: 1\nb: 2\na: 3", "duplicate-key", (3, 1), "keep one"),
        ("[a]: 1", "bad-key", (1, 1), ""),
        ("? {a: 1}\n: 2", "bad-key", (1, 3), ""),
        ("a: 1\n---\nb: 2", "several-documents", (2, 1), "one spec into each file"),
        ("", "empty-file", (1, 1), ""),
        ("# only a comment\n", "empty-file", (1, 1), ""),
        ("a: \x1b[31m", "bad-character", (1, 4), "remove"),
        ("a: .inf", "bad-value", (1, 4), ""),
        ("a: -.NaN\nb: .nan", "bad-value", (2, 4), ""),
        ("a: 1e999", "bad-value", (1, 4), ""),
        ("a: " + "9" * 5000, "bad-value", (1, 4), ""),
        ("a: {out: max(8, c)}", "torn-value", (1, 10), '"max(8, c)"'),
        ("a: [max(8, c), 3]", "torn-value", (1, 5), '"max(8, c)"'),
        ("a: {out: w[0]}", "torn-value", (1, 10), '"w[0]"'),
        ("- relu\n  when: x", "bare-step", (2, 3), "'- relu:'"),
        ("- relu  # why\n  when: x", "bare-step", (2, 3), "'- relu:'"),
        ("- [conv, bn]\n  when: x", "list-step", (2, 3), "body:"),
        ("a: {b: c", "yaml-syntax", (1, 9), "close the '{'"),
        ("a: 'x", "yaml-syntax", (1, 4), "close it"),
        ("a:\n\t- b", "yaml-syntax", (2, 1), "spaces"),
        ("a: @x", "yaml-syntax", (1, 4), "quote"),
        ("a: b: c", "yaml-syntax", (1, 5), "quote"),
        ("a:\n  b: 1\n c: 2", "yaml-syntax", (3, 2), "align"),
        ("a: }", "yaml-syntax", (1, 4), ""),
    ],
)
def test_what_the_language_has_not_is_refused_at_its_place(text, code, place, help):
    found = refused(text)
    assert found.code == code
    assert (found.span.line, found.span.col) == place
    assert help in found.help


def test_balanced_brackets_in_a_flow_mapping_are_left_alone():
    text = "{pattern: (g c) h w -> g c h w, g: groups, out: make_divisible(32 * width)}"
    assert parsed(text)["pattern"] == "(g c) h w -> g c h w"


def test_a_duplicate_key_points_at_the_first_one():
    (note,) = refused("a: 1\na: 2").notes
    assert str(note.span) == "a.yaml:1:1"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000,
        "{a: " * 10_000,
        "&a [" + "*a," * 1000 + "]",
        "? " * 100_000,
        "a: [" + "x," * 400_000 + "]",
        "a: [" + "(x," * 200_000 + "]",
        "".join(f"k{i}: 1\n" for i in range(80_000)),
        "a" * (MAX_BYTES + 1),
    ],
)
def test_a_hostile_text_is_refused_within_two_seconds(text):
    start = time.process_time()
    found = refused(text)
    assert found.code in ("too-deep", "anchors", "bad-key", "too-large", "torn-value")
    assert found.span is not None
    assert len(render_text([found])) < 2000
    assert time.process_time() - start < 2


def test_a_file_that_is_missing_large_or_no_utf8_is_a_fault(tmp_path):
    with pytest.raises(SpecError, match="missing-file"):
        open_source(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="missing-file"):
        open_source(tmp_path)
    (tmp_path / "large.yaml").write_bytes(b"a" * (MAX_BYTES + 1))
    with pytest.raises(SpecError, match="too-large"):
        open_source(tmp_path / "large.yaml")
    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: é".encode("latin-1"))
    with pytest.raises(SpecError) as caught:
        open_source(tmp_path / "latin.yaml")
    assert (caught.value.diagnostics[0].span.line, caught.value.diagnostics[0].span.col) == (2, 4)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert values(read(open_source(tmp_path / "bom.yaml"))) == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        {"a": ["no", "1:2", "on", "~", "", "a: b", "x" * 500, "é", "two\nlines"]},
        {"a": 1e-5, "b": None, "c": True, "d": [[1, [2.5]], []], "e": {}},
        {"1.0": {"x": -3}},
    ],
)
def test_a_dict_survives_the_way_through_text(data):
    assert values(read(from_python(data))) == data


def test_a_value_that_stands_twice_in_a_dict_needs_no_anchor():
    shared = [1, 2]
    assert values(read(from_python({"a": shared, "b": shared, "c": (1, 2)}))) == {"a": [1, 2], "b": [1, 2], "c": [1, 2]}


@pytest.mark.parametrize("strange", [object(), {1}, b"bytes"])
def test_a_dict_of_anything_else_is_refused(strange):
    with pytest.raises(SpecError, match="wrong-type"):
        from_python({"a": strange})


def test_a_dict_that_contains_itself_is_refused():
    data: dict = {}
    data["a"] = data
    with pytest.raises(SpecError, match="too-deep"):
        from_python(data)
