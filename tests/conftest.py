"""What the tests share."""

from __future__ import annotations

import gc
import importlib.abc
import os
import sys
from pathlib import Path

import pytest
from support.places import ROOT

os.environ.setdefault("NO_COLOR", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores


class TorchvisionShim(importlib.abc.MetaPathFinder):
    """Torchvision refuses to be imported where its compiled ops do not fit torch; its models need none of them.

    Declares the two ops that it asks for, just before its first import, so that torch is imported by those
    tests alone that want it.
    """

    library = None

    def find_spec(self, fullname, path=None, target=None):
        """Finds nothing: only listens."""
        if fullname == "torchvision" and TorchvisionShim.library is None:
            import torch

            library = TorchvisionShim.library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, TorchvisionShim())


def pytest_collection_modifyitems(items):
    """The longest come first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish():
    """The garbage collector looks seldom, and never at what stands until the end: that took a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


@pytest.fixture(autouse=True)
def _ops_of_the_test():
    """An op that a test defines or loads is gone after it."""
    from archdsl.ops import REGISTRY
    from archdsl.syntax import own_ops

    before, installed = dict(REGISTRY), list(own_ops._installed)
    yield
    own_ops._installed[:] = installed
    if before != dict(REGISTRY):
        REGISTRY.clear()
        REGISTRY.update(before)
        REGISTRY.edition += 1


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
