"""Keys of a state_dict that an earlier archdsl derived in another way from the same spec."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.runtime.porting.parts import Shapes

NUMBER = re.compile(r"_\d+$")  # of the further ones of a name in a class
BRANCH = re.compile(r"(?<![^_])branch\d+$")  # of a join, by its place


def derived(old: Shapes, new: Shapes) -> dict[str, str] | None:
    """The old key of each new one, where the two list the same tensors in one order; None if they do not.

    Keys may differ by the number at the end of a part (`double`, `double_2`), by a part that has come in (the name of
    the only step of a stage), and by what the branch of a product is called (`branch2`, `gate`). Any other word is
    another spec.
    """
    pairs = list(zip(old.items(), new.items(), strict=False))
    if len(old) != len(new) or any(before[1] != after[1] for before, after in pairs):
        return None
    if not all(is_derived(before, after) for (before, _), (after, _) in pairs):
        return None
    return {after: before for (before, _), (after, _) in pairs}


def is_derived(old: str, new: str) -> bool:
    """Whether all parts of the old key are in the new one, in their order."""
    left = words(new)
    return all(any(part in (word, BRANCH.sub("gate", word)) for part in left) for word in words(old))


def words(key: str) -> Iterator[str]:
    """The parts of a key without their numbers; to look for one uses up those before."""
    return (NUMBER.sub("", part) for part in key.split("."))
