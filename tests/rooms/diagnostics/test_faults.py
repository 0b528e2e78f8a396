"""Faults: data and text of the one exception, several gathered in a run, codes that are written down."""

from __future__ import annotations

import pytest

from archdsl.diagnostics.codes import CODES
from archdsl.diagnostics.faults import MAX_TEXT, Collector, Diagnostic, Note, SpecError, fault
from archdsl.diagnostics.spans import Source, Span

SOURCE = Source("net.yaml", "stages:\n  stem: [cnv: 8]\n  head: [liner: 10]\n")


def at(line, code="unknown-op", source=SOURCE):
    return fault(code, f"what stands in line {line}", Span(source, line, 3, line, 7))


def gathered(*errors):
    faults = Collector()
    for error in errors:
        with faults.catch():
            raise error
    return faults


def test_a_run_reports_its_faults_in_the_order_of_the_text():
    with pytest.raises(SpecError) as caught:
        gathered(at(3), at(2)).finish()
    assert [item.span.line for item in caught.value.diagnostics] == [2, 3]


def test_a_fault_that_several_variants_have_is_reported_once():
    with pytest.raises(SpecError) as caught:
        gathered(at(2), at(3), at(2)).finish()
    assert len(caught.value.diagnostics) == 2


def test_files_are_told_apart_and_a_fault_of_the_call_comes_first():
    other = Source("blocks.yaml", SOURCE.text)
    with pytest.raises(SpecError) as caught:
        gathered(at(2), at(3, source=other), fault("bad-call", "no such variant")).finish()
    places = [item.span and item.span.source.name for item in caught.value.diagnostics]
    assert places == [None, "blocks.yaml", "net.yaml"]


def test_a_run_without_faults_raises_nothing_and_mistakes_of_ours_pass():
    faults = Collector()
    with faults.catch():
        pass
    faults.finish()
    assert faults.found == []
    with pytest.raises(ZeroDivisionError), faults.catch():
        raise ZeroDivisionError


def test_a_message_that_a_spec_makes_endless_is_cut():
    (found,) = fault("bad-value", "x" * 10_000, help="y" * 10_000).diagnostics
    assert len(found.message) == len(found.help) == MAX_TEXT
    assert found.message.endswith("...")


def test_a_fault_says_its_place_and_those_of_its_notes():
    note = Note("the stage is here", Span(SOURCE, 1, 1, 1, 7))
    error = SpecError(Diagnostic("unknown-op", "there is no 'cnv'", Span(SOURCE, 2, 10, 2, 13), notes=(note,)))
    assert str(error).startswith("net.yaml:2:10: error[unknown-op]: there is no 'cnv'\n")
    assert "net.yaml:1:1: note: the stage is here" in str(error)


def test_a_code_is_a_word_or_several_joined_in_lower_case():
    assert CODES
    assert all(part.isalnum() and part == part.lower() for code in CODES for part in code.split("-"))
