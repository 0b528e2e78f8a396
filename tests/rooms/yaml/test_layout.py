"""The layout of a spec: even, and never another meaning."""

from __future__ import annotations

import itertools
import random
import re

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.places import BEYOND_FILES, ROOT, SPEC_FILES

from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.yaml.layout import formatted

SPECS = [*SPEC_FILES, *BEYOND_FILES, *sorted((ROOT / "specs" / "blocks").glob("*.yaml"))]
WIDE = " " * 38

CASES = {
    "indents": ("a:\n    b:\n     c: 1\n     d: 2\n", "a:\n  b:\n    c: 1\n    d: 2\n"),
    "lists at the column of their key": ("a:\n- 1\n-   - 2\n    - 3\n", "a:\n  - 1\n  - - 2\n    - 3\n"),
    "blanks in brackets": ("a: [ 1,2 ,{b :  3,c: } ,d:  4 , ]\n", None),
    "a dash alone": ("a:\n  -\n    b: 1\n    c: 2\n  -\n    - 3\n  -\n", "a:\n  - b: 1\n    c: 2\n  - - 3\n  -\n"),
    "values on lines of their own": ("a:\n      {b: 1}\nc:\n        word\n", "a:\n  {b: 1}\nc:\n  word\n"),
    "brackets over lines": ("a: [1,\n  2,   3,\n 4]\n", "a: [1,\n    2, 3,\n    4]\n"),
    "brackets on lines of their own": ("a: [\n 1,\n   [2,\n 3]\n ]\n", "a: [\n  1,\n  [2,\n   3]\n]\n"),
    "a comma at the end": ("a: [\n 1,\n ]\nb: [1,]\n", "a: [\n  1,\n]\nb: [1]\n"),
    "quotes": ("a: 'one'\nb: 'it''s'\nc: 'a \"b\"'\nd: 'a\\b'\n", 'a: "one"\nb: "it\'s"\nc: \'a "b"\'\nd: \'a\\b\'\n'),
    "blank lines": ("\n\na: 1\n\n\n\nb:\n\n  - 1\n\n\n  - 2\n\n\n", "a: 1\n\nb:\n  - 1\n\n  - 2\n"),
    "no end of the last line": ("a: 1", "a: 1\n"),
    "comments behind lines": (
        "a: 1 # one\nb: 2      # two\nc: [1] # three\n",
        f"a: 1{WIDE}       # one\nb: 2{WIDE}       # two\nc: [1]{WIDE}     # three\n",
    ),
    "comments behind long lines": (
        f"a: {'x' * 50} # one\nb: {'x' * 60} # two\nc: 1 # three\n",
        f"a: {'x' * 50}            # one\nb: {'x' * 60}  # two\nc: 1{WIDE}       # three\n",
    ),
    "a comment that goes on": (
        "a: 1 # one\n     # two\n# three\n",
        f"a: 1{WIDE}       # one\n{WIDE}           # two\n# three\n",
    ),
    "comments where things end": (
        "# top\na:\n    b:\n        - 1\n        # of the list\n    # of a\n# of c\nc: 1\n# end\n",
        "# top\na:\n  b:\n    - 1\n    # of the list\n  # of a\n# of c\nc: 1\n# end\n",
    ),
    "comments in lists at the column of their key": (
        "a:\n# of the list\n- 1\n# of the second\n- 2\n# of b\nb: 1\n",
        "a:\n  # of the list\n  - 1\n  # of the second\n  - 2\n# of b\nb: 1\n",
    ),
    "a comment below an empty value": ("a:\n   # nothing yet\nb: 1\n", "a:\n  # nothing yet\nb: 1\n"),
    "comments behind a dash": (
        "- # one\n  a: 1\n- # two\n  3\n-\n  # three\n  b: 1\n",
        f"-{WIDE}          # one\n  a: 1\n-{WIDE}          # two\n  3\n-\n  # three\n  b: 1\n",
    ),
    "comments in brackets": (
        "a: [ # one\n  1 # two\n  , # three\n  # four\n  2,\n  # five\n]\n",
        f"a: [{WIDE}       # one\n  1,{WIDE}       # two # three\n  # four\n  2,\n  # five\n]\n",
    ),
    "comments between a key and its value": ("a:\n # one\n 1\nb: {c: # two\n 3}\n", None),
    "a comment before a comma": ("a: [1\n  # one\n  , 2]\n", "a: [1,\n    # one\n    2]\n"),
    "a folded text": ("a:\n     b: >-\n          one\n            two\n\n          three\n\n\nc: 1\n", None),
    "a text that begins with blanks": (
        "a: |2\n    one\n  two\nb: |+3\n      x\n\n\nc: 1\n",
        "a: |2\n    one\n  two\nb: |2+\n     x\n\n\nc: 1\n",
    ),
    "a text at the end of a file": ("a: |\n    one\n  \n    two", "a: |-\n  one\n\n  two\n"),
    "a comment behind the head of a text": (
        "a: >  # one\n   b\n   # no comment\n# two\n",
        f"a: >{WIDE}       # one\n  b\n  # no comment\n# two\n",
    ),
    "blanks in a text": ("a: |\n  one  \n     \n  two\n", "a: |\n  one  \n     \n  two\n"),
    "words over lines": (
        "a: one\n      two\n\n      three\nb: 'four\n five'\n",
        "a: one\n  two\n\n  three\nb: 'four\n  five'\n",
    ),
    "quotes over lines": (
        'a: "one\\ \n      two \\\n    three\n\n    four "\n',
        'a: "one\\ \n  two \\\n  three\n\n  four "\n',
    ),
    "marked keys": ("? a # one\n: 1\n? b\n? 'c\n  d'\n: 2\n", f'a: 1{WIDE}       # one\nb:\n"c d": 2\n'),
    "marked keys in braces": ("{? a # one\n # two\n : 1, b}\n", None),
    "document marks": ("%YAML 1.1\n# one\n---   # two\na: 1\n...\n# three\n", None),
    "a document in braces": ("--- {a: 1}\n", "---\n{a: 1}\n"),
    "tabs between": ("a:\t[1,\t2]\t# one\n", f"a: [1, 2]{WIDE}  # one\n"),
}


def laid(text: str) -> str:
    return formatted(Source("a.yaml", text))


@pytest.mark.parametrize("name", CASES)
def test_the_layout_is_even_and_is_kept_by_a_second_run(name):
    text, wanted = CASES[name]
    found = laid(text)
    if wanted is None:
        assert found.count("#") == text.count("#")
    else:
        assert found == wanted
    assert laid(found) == found


def test_an_empty_value_in_braces_has_a_blank_behind_its_colon():
    assert laid("a: {out: ,kernel: 1}\nb: [{from: x,relu: }]\n") == "a: {out: , kernel: 1}\nb: [{from: x, relu: }]\n"


def test_the_ends_of_lines_stay_those_of_the_file():
    assert laid("a:\r\n    - 1\r\n    - |\r\n     b\r\n") == "a:\r\n  - 1\r\n  - |\r\n    b\r\n"


def test_what_is_no_yaml_is_refused_at_its_place():
    with pytest.raises(SpecError) as caught:
        laid("a: 1\nb: {c: [1}\n")
    assert caught.value.diagnostics[0].span.line == 2


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_shipped_specs_are_laid_out(path):
    assert laid(path.read_text()) == path.read_text()


def mutilated(text: str, dice: random.Random) -> str:
    """A spec with other indents, blanks, blank lines and places of comments."""
    tokens = list(yaml.scan(text))
    texts = [range(t.start_mark.line + 1, t.end_mark.line) for t in tokens if getattr(t, "style", None) in {"|", ">"}]
    blanks: dict[int, str] = {}
    for token, after in itertools.pairwise(tokens):
        mark = token.end_mark.index
        same_line = after.start_mark.line == token.end_mark.line
        if isinstance(
            token, (yaml.FlowEntryToken, yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.ValueToken)
        ):
            blanks[mark] = " " * dice.choice((0, 0, 1, 3)) if same_line else ""
    out = "".join(blanks.get(place, "") + mark for place, mark in enumerate(text))
    times, lines = dice.choice((1, 2, 3)), []
    for number, line in enumerate(out.split("\n")):
        inside = any(number in part for part in texts)
        before, mark, behind = line.partition("  # ")
        if mark and before.strip() and not inside:
            line = before.rstrip() + " " * dice.randint(1, 60) + "# " + behind
        indent = len(line) - len(line.lstrip(" "))
        line = " " * (indent * times) + line[indent:]
        dashes = re.match(r"(- )*", line.lstrip(" "))[0]
        line = line.replace(dashes, dashes.replace(" ", " " * (2 * times - 1)), 1) if not inside else line
        if not inside:
            line += " " * dice.choice((0, 0, 2))
            if not line.strip():
                line = "\n" * dice.randint(0, 2)
        lines.append(line)
    return "\n".join(lines)


@settings(max_examples=60, deadline=None, phases=[Phase.generate])  # a smaller one would say no more
@given(st.sampled_from(SPECS), st.randoms(use_true_random=False))
def test_a_spec_mutilated_in_layout_becomes_what_it_was(path, dice):
    assert laid(mutilated(path.read_text(), dice)) == path.read_text()


WORDS = st.text("ab01 #:,'\"\\-?!%&*{}[]|>é\n", max_size=8) | st.integers(-5, 5) | st.none() | st.booleans()
TREES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc ", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    TREES,
    st.sampled_from([None, True, False]),
    st.integers(2, 5),
    st.integers(8, 40),
    st.randoms(use_true_random=False),
)
def test_any_yaml_keeps_its_meaning_and_its_comments(tree, style, indent, width, dice):
    text = yaml.safe_dump({"a": tree}, default_flow_style=style, indent=indent, width=width, allow_unicode=True)
    lines, spoilt = text.split("\n"), set()
    for token in yaml.scan(text):
        if isinstance(token, yaml.ScalarToken):
            spoilt.update(range(token.start_mark.line, token.end_mark.line))
            spoilt.update(range(token.start_mark.line, token.end_mark.line + 1) if token.style in {"|", ">"} else ())
    for number in range(len(lines)):
        if number not in spoilt and lines[number].strip() and dice.random() < 0.4:
            lines[number] += f" # c{number}" + (
                "\n" + " " * dice.randint(0, 9) + f"# d{number}" if dice.random() < 0.4 else ""
            )
    commented = "\n".join(lines)
    try:
        found = laid(commented)
    except SpecError:
        return  # such as two keys that are equal
    assert laid(found) == found
    assert [word for word in commented.split() if word[:1] in "cd" and word[1:].isdigit()] == [
        word for word in found.split() if word[:1] in "cd" and word[1:].isdigit()
    ]
