"""Names in emitted source: spelling and uniqueness."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterable

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`ConvBNReLU` -> `conv_bn_relu`; acronyms stay whole."""
    name = name.replace("PReLU", "Prelu").replace("ReLU", "Relu").replace("SiLU", "Silu").replace("GeLU", "Gelu")
    return _WORDS.sub("_", name).lower()


def camel(name: str) -> str:
    """`dense_layers` -> `DenseLayers`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name_2`, `name_3`, … if it is taken."""
    used = set(taken)
    candidate, number = name, 1
    while candidate in used or keyword.iskeyword(candidate):
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
