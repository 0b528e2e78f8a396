"""Diagnostics as text for people, JSON for programs, commands for GitHub."""

import json

from archdsl.diagnostics.faults import Diagnostic, Note, fault
from archdsl.diagnostics.rendering import render_github, render_json, render_text
from archdsl.diagnostics.spans import Source, Span


def example():
    source = Source("specs/my.yaml", "one\n  - dwcon: {kernel: 3}\n")
    span = Span(source, 2, 5, 2, 10)
    note = Note("the other one", Span(source, 1, 1, 1, 4))
    trail = (Note("the block 'Fire' is called here", span),)
    return Diagnostic("unknown-op", "'dwcon' is not an op", span, "here", (note,), "did you mean 'dwconv'?", trail)


def test_a_diagnostic_shows_place_code_line_caret_notes_trail_and_help():
    assert render_text([example()]) == (
        "specs/my.yaml:2:5: error[unknown-op]: 'dwcon' is not an op\n"
        "  |\n"
        "2 |   - dwcon: {kernel: 3}\n"
        "  |     ^^^^^ here\n"
        "specs/my.yaml:1:1: note: the other one\n"
        "  |\n"
        "1 | one\n"
        "  | ---\n"
        "  = in: the block 'Fire' is called here (specs/my.yaml:2:5)\n"
        "  = help: did you mean 'dwconv'?"
    )


def test_an_error_is_its_rendered_text():
    assert str(fault("a-code", "what is wrong")) == "error[a-code]: what is wrong"


def test_colour_adds_only_escape_sequences():
    plain, coloured = render_text([example()]), render_text([example()], color=True)
    assert "\x1b[" not in plain
    assert "\x1b[1;31m" in coloured


def test_nothing_in_a_spec_can_drive_a_terminal():
    source = Source("a\x1b[2Jb.yaml", "x: \x1b[31m\u202e\x07 y")
    text = render_text([Diagnostic("c", "\x1b]0;title\x07", Span(source, 1, 1, 1, 2))])
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\\x1b[31m\\u202e\\x07 y" in text


def test_a_long_line_is_cut_around_the_part_that_is_meant():
    source = Source("a.yaml", "x" * 500 + "BAD" + "y" * 500)
    lines = render_text([Diagnostic("c", "m", Span(source, 1, 501, 1, 504))]).splitlines()
    assert max(map(len, lines)) < 120
    start = lines[2].index("BAD")
    assert lines[3][start : start + 3] == "^^^"
    assert lines[3].strip(" |") == "^^^"


def test_the_caret_stands_under_wide_characters_too():
    source = Source("a.yaml", "漢字: bad")
    lines = render_text([Diagnostic("c", "m", Span(source, 1, 5, 1, 8))]).splitlines()
    assert lines[3] == "  |       ^^^"


def test_json_holds_the_same_facts():
    (found,) = json.loads(render_json([example()]))["diagnostics"]
    assert (found["file"], found["line"], found["column"], found["code"]) == ("specs/my.yaml", 2, 5, "unknown-op")
    assert found["notes"][0]["line"] == 1
    assert found["trail"][0]["column"] == 5


def test_a_github_command_cannot_be_broken_out_of():
    source = Source("a,b:c.yaml", "x")
    found = render_github([Diagnostic("c", "100%\n::error::x", Span(source, 1, 1, 1, 2), help="do it")])
    assert found == "::error file=a%2Cb%3Ac.yaml,line=1,col=1,title=c::100%25%0A::error::x%0Ahelp: do it"
