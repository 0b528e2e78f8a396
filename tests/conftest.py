"""What the tests share."""

from __future__ import annotations

import importlib.abc
import os
import re
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


LONG = re.compile(r"learns|thousand|hundreds|many_random|any_variant|the_site_is_built")


def pytest_collection_modifyitems(items):
    """What takes a minute or more comes first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: (not LONG.search(item.name), "condenses" not in item.name))


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
