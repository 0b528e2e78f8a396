"""YAML that went wrong, as one who writes a spec gets it wrong: the message, its place, and what to write."""

from __future__ import annotations

import pytest

from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.yaml.located import read


def slip(text):
    with pytest.raises(SpecError) as caught:
        read(Source("net.yaml", text))
    (found,) = caught.value.diagnostics
    return found


def test_a_space_that_lacks_behind_a_colon_is_found_above_the_line_that_yaml_complains_of():
    found = slip("stages:\n  stem:\n    - conv:32\n      when: wide\n")
    assert (found.span.line, found.span.col, found.span.end_col) == (3, 7, 14)
    assert found.help == "write 'conv: 32'"


def test_a_brace_that_is_never_closed_is_shown_where_it_opens():
    found = slip("stages:\n  stem:\n    - conv: {out: 8, kernel: 3\n    - bn\n")
    assert found.message == "this '{' is never closed"
    assert (found.span.line, found.span.col) == (3, 13)
    assert (found.notes[0].span.line, found.notes[0].span.col) == (4, 5)
    assert found.help == "write '}' where it ends"


def test_a_key_below_a_bare_step_is_told_how_a_step_takes_keys():
    found = slip("body:\n  - relu\n    # only in the wide one\n    when: wide\n")
    assert found.code == "bare-step"
    assert (found.span.line, found.span.col) == (4, 5)
    assert found.help == "write '- relu:'"


def test_an_expression_with_a_comma_is_shown_whole_to_be_quoted():
    found = slip("body: [conv: {out: make_divisible(width * 32, 8), kernel: 3}]")
    assert found.code == "torn-value"
    assert found.help == 'quote it: "make_divisible(width * 32, 8)"'


def test_quotes_of_print_are_not_those_of_yaml():
    found = slip("name: Net\nlabel: [\u201cstem\u201d: 1\n")
    assert found.message == "\u201c is a typographic quote, not one of YAML"
    assert (found.span.line, found.span.col) == (2, 9)


def test_a_tab_is_shown_where_it_indents():
    found = slip("stages:\n\tstem: [relu]\n")
    assert (found.message, found.help) == ("a tab cannot indent", "indent with spaces")
    assert found.span.line == 2


def test_a_colon_without_a_key_is_told_so():
    found = slip("stages:\n  : [relu]\n  a: }\n")
    assert (found.code, found.span.line, found.span.col) == ("bad-key", 2, 3)
