"""Words with a meaning of their own once a spec is lowered."""

from __future__ import annotations

import re
from functools import lru_cache

from archdsl.ops import REGISTRY

ENTERING = ""  # the tensor that enters a stage, which has no name there
INPUT = "input"  # the tensor that enters a function
LONE_OUTPUT = "output"  # the name of what leaves a network that states no outputs
# what tensors are called whose step gives no name
GENERIC = frozenset({"x", "branches", "parts", "sums", *(f"branch{n}" for n in range(1, 20))})
TENSOR_NAME = re.compile(r"t[0-9]+")  # what a formula's tensors are called once lowered


def fixed_words() -> frozenset[str]:
    """The fixed words that arguments of ops may be."""
    return _words(REGISTRY.edition)


@lru_cache(maxsize=1)
def _words(_: int) -> frozenset[str]:
    return frozenset(word for op in REGISTRY.values() for item in op.fields for word in item.choices)
