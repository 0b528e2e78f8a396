"""What is known by name: our own, and what other packages register."""

from __future__ import annotations

from importlib import metadata

import pytest

from archdsl.diagnostics.faults import SpecError
from archdsl.support.plugins import Plugins

WRITERS = Plugins("writer", "unknown-backend", "archdsl.writers", "archdsl.support", {"camel": ".naming:camel"})


@pytest.fixture
def _registered(monkeypatch):
    """Another package offers `snake`, and a `camel` of its own."""
    points = [
        metadata.EntryPoint(name, "archdsl.support.naming:snake", "archdsl.writers") for name in ("snake", "camel")
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == "archdsl.writers" else [])


@pytest.mark.usefixtures("_registered")
def test_our_own_go_before_those_of_others():
    assert WRITERS.names() == ["camel", "snake"]
    assert WRITERS.load("camel")("dense_layers") == "DenseLayers"
    assert WRITERS.load("snake")("DenseLayers") == "dense_layers"


@pytest.mark.usefixtures("_registered")
def test_a_name_that_none_has_is_refused_with_the_one_like_it():
    with pytest.raises(SpecError) as caught:
        WRITERS.load("snaek")
    found = caught.value.diagnostics[0]
    assert (found.code, found.message) == ("unknown-backend", "there is no writer 'snaek'")
    assert found.help == "did you mean 'snake'?"
