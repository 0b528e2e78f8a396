"""Type checkers as tests call them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def mypy_strict(config: pytest.Config) -> list[str]:
    """The words of a call that keeps what it learns of torch, which takes it half a minute.

    It keeps that in files: several processes may read and write these at a time, a database not.
    """
    kept = config.cache.mkdir("mypy")
    return [sys.executable, "-m", "mypy", "--strict", "--no-sqlite-cache", f"--cache-dir={kept}"]
