"""What the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.ports import Theirs, alive


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def state():
    """The weights of another network."""
    return alive(Theirs()).state_dict()
