"""What the colours of a strip mean: stem, head, kinds of blocks, and what the stages without blocks do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archdsl.backends.figures.arrows import Wire
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.style import LEGEND
from archdsl.syntax.spec import Figure

BLOCKS = ("block", "block2", "block3", "block4")  # the colours of kinds of blocks; the last is that of all further ones
# what a stage without blocks is for: the first of these that it has
ROLES = ("conv", "linear", "join", "pool", "shape", "norm", "act")
STEM, HEAD = "conv", "linear"


@dataclass(frozen=True)
class Kind:
    """A colour and what it means."""

    colour: str
    word: str


def kinds(contents: Mapping[Box, Sequence[Box]], wires: Sequence[Wire], figure: Figure) -> dict[Box, Kind]:
    """The kind of each box, by the boxes that it sums up."""
    mains = {box: main(inside) for box, inside in contents.items()}
    entered = {wire.target for wire in wires if wire.source.role != "input"}
    read = {wire.source for wire in wires if wire.target.role != "output"}
    last = {box for box in contents if box not in read or vector(box)}
    first = {box for box in contents if box not in entered} - last
    body = {name for box, name in mains.items() if name and box not in last | first}
    heads, stems = ({box for box in ends if mains[box] not in body} for ends in (last, first))
    colours = block_colours({box: name for box, name in mains.items() if name and box not in heads | stems})
    found: dict[Box, Kind] = {}
    for box, inside in contents.items():
        name, role = mains[box], role_of(inside)
        given = figure.colours.get(block_of(inside, name)) if name else box.colour
        if given:
            found[box] = Kind(given, name or box.heading or box.lines[0])
        elif box in heads:
            found[box] = Kind(HEAD, "Head")
        elif box in stems and (name or role == STEM):
            found[box] = Kind(STEM, "Stem")
        else:
            found[box] = Kind(colours[name], name) if name in colours else Kind(role, LEGEND.get(role, ""))
    return found


def block_colours(mains: Mapping[Box, str]) -> dict[str, str]:
    """A colour for each kind of block, the first for the one that most of the network is made of."""
    sizes = Counter[str]()
    for box, name in mains.items():
        sizes[name] += len(box.nodes)
    names = [name for name, _ in sizes.most_common()]
    return {name: BLOCKS[min(place, len(BLOCKS) - 1)] for place, name in enumerate(names)}


def main(inside: Sequence[Box]) -> str:
    """The block that a stage is made of: the one with the most ops in it."""
    sizes = Counter[str]()
    for box in inside:
        if box.role == "block" and box.heading:
            sizes[box.heading] += len(box.nodes)
    return sizes.most_common(1)[0][0] if sizes else ""


def block_of(inside: Sequence[Box], heading: str) -> str:
    return next(box.calls[0].name for box in inside if box.heading == heading and box.calls)


def role_of(inside: Sequence[Box]) -> str:
    roles = {box.role for box in inside}
    return next((role for role in ROLES if role in roles), "other")


def vector(box: Box) -> bool:
    """Whether what leaves has no map any more."""
    tensor = box.tensor or box.nodes[-1].outputs[0]
    return len(tensor.shape) == 1


def legend(found: Sequence[Kind]) -> dict[str, str]:
    """Each colour with its meanings."""
    words: dict[str, list[str]] = {}
    for kind in found:
        known = words.setdefault(kind.colour, [])
        if kind.word and kind.word not in known:
            known.append(kind.word)
    return {
        colour: joined(sorted(known, key=("Stem", "Head").count, reverse=True))
        for colour, known in words.items()
        if known
    }


def joined(words: Sequence[str]) -> str:
    """`Stem, convolution`."""
    first, *rest = words
    return ", ".join([first, *(word[0].lower() + word[1:] if word in LEGEND.values() else word for word in rest)])
