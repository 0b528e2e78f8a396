"""What is known by name: our own, and what other packages register."""

from __future__ import annotations

from importlib import metadata

import pytest

from archdsl.diagnostics.faults import SpecError
from archdsl.support.plugins import Plugins, twice

WRITERS = Plugins("writer", "unknown-backend", "archdsl.writers", "archdsl.support", {"camel": ".naming:camel"})
PLACES = ["archdsl.support.naming:snake", "archdsl.support.naming:camel"]


@pytest.fixture(autouse=True)
def _nothing_looked_up():
    """What names mean two things is looked up once in a process."""
    twice.cache_clear()
    yield
    twice.cache_clear()


@pytest.fixture
def _registered(monkeypatch):
    """Another package offers `snake`."""
    points = [metadata.EntryPoint("snake", "archdsl.support.naming:snake", "archdsl.writers")]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == "archdsl.writers" else [])


@pytest.mark.usefixtures("_registered")
def test_our_own_stand_before_those_of_others():
    assert WRITERS.names() == ["camel", "snake"]
    assert WRITERS.load("camel")("dense_layers") == "DenseLayers"
    assert WRITERS.load("snake")("DenseLayers") == "dense_layers"


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (["camel"], "camel", "the writer 'camel' (archdsl.support.naming:snake) has the name of a writer of archdsl"),
        (
            ["kebab", "kebab"],
            "kebab",
            f"two plug-ins have the name of the writer 'kebab': {PLACES[1]} and {PLACES[0]}",
        ),
    ],
)
def test_a_name_that_means_two_things_is_refused_and_both_are_named(names, asked, message, monkeypatch):
    points = [metadata.EntryPoint(*pair, "archdsl.writers") for pair in zip(names, PLACES, strict=False)]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    for ask in (WRITERS.names, lambda: WRITERS.load(asked)):
        with pytest.raises(SpecError) as caught:
            ask()
        assert [item.code for item in caught.value.diagnostics] == ["bad-plugin"]
        assert caught.value.diagnostics[0].message == message


def test_what_cannot_be_loaded_is_the_fault_of_its_package(monkeypatch):
    point = metadata.EntryPoint("broken", "archdsl.support.naming:nothing", "archdsl.writers")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.raises(
        SpecError, match=r"the writer 'broken' \(archdsl.support.naming:nothing\) cannot be loaded: Attr"
    ):
        WRITERS.load("broken")


@pytest.mark.usefixtures("_registered")
def test_a_name_that_none_has_is_refused_with_the_one_like_it():
    with pytest.raises(SpecError) as caught:
        WRITERS.load("snaek")
    found = caught.value.diagnostics[0]
    assert (found.code, found.message) == ("unknown-backend", "there is no writer 'snaek'")
    assert found.help == "did you mean 'snake'?"
