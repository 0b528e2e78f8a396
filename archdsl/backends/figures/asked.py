"""What a call asks of a figure, and what of it no figure can have, or not together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from archdsl.backends.figures.cases import Case
from archdsl.backends.figures.levels import LEVELS
from archdsl.backends.figures.shapes import KINDS
from archdsl.backends.figures.theme import DPI, Look
from archdsl.backends.figures.writers import WRITERS
from archdsl.diagnostics.faults import fault
from archdsl.expr.given import known_word
from archdsl.support.naming import did_you_mean

Blocks: TypeAlias = "str | Sequence[str]"

FORMATS = ("svg", "pdf", "png", "dot", *WRITERS, "html")
ARRANGEMENTS = ("strip", "resolution")
WHOLE = next(iter(LEVELS))  # the level of a strip of stages
WRITTEN = ("shapes", "axes")  # what of a look a page has too
OF_NETWORK = "it is for the figure of the network"


@dataclass(frozen=True)
class Asked:
    """The arguments of `draw` beside the networks and the look."""

    format: str
    block: tuple[str, ...]
    cases: Sequence[Case]
    level: str
    style: str | None
    orient: str | None
    expand: Sequence[str]
    arrange: str | None

    @property
    def is_whole(self) -> bool:
        """Whether the stages of a network are drawn."""
        return not self.block and self.level == WHOLE

    @property
    def called(self) -> str:
        """What is drawn, as a fault says it."""
        return (
            "an interactive page" if self.format == "html" else f"the figure of a {'block' if self.block else 'level'}"
        )


def named(block: Blocks | None) -> tuple[str, ...]:
    return (block,) if isinstance(block, str) else tuple(block or ())


def hint(word: str, known: Sequence[str]) -> str:
    return did_you_mean(word, known) or f"choose from {', '.join(known) or 'none'}"


def refuse(what: str, given: Mapping[str, object], help: str) -> None:
    """Raises at the first word that is given: `what` ("the figure of a block") does not take it."""
    for word in (word for word, value in given.items() if value):
        raise fault("bad-call", f"{what} does not take '{word}'", help=help)


def of_strip(asked: Asked) -> dict[str, bool]:
    """What a strip alone has, and whether it is asked for."""
    return {"style": asked.style is not None, "orient": asked.orient is not None, "expand": bool(asked.expand)}


def expect_look(asked: Asked, look: Look) -> None:
    """A page looks one way but for its shapes, only a png has dots, and only the inside of a block symbolic shapes."""
    if asked.format not in FORMATS:
        raise fault("unknown-format", f"there is no figure format '{asked.format}'", help=hint(asked.format, FORMATS))
    for item in fields(look) if asked.format == "html" else ():
        if item.name not in WRITTEN and getattr(look, item.name) != item.default:
            raise fault("bad-call", f"html does not take '{item.name}'", help="all other formats do")
    if asked.format in WRITERS and look.dpi != DPI:
        raise fault("bad-call", f"{asked.format} does not take 'dpi'", help="only png does")
    if look.shapes != KINDS[0] and not asked.block and asked.format != "html":
        what = "a strip" if asked.is_whole else "this level"
        raise fault("bad-call", f"{what} has no symbolic shapes", help="the figure of a block has: give --block")


def expect_of_several(asked: Asked) -> None:
    """Raises at what only the figure of one network has."""
    given: dict[str, object] = {
        "block": asked.block,
        "cases": asked.cases,
        "style": asked.style,
        "orient": asked.orient,
        "arrange": asked.arrange,
        "expand": asked.expand,
        "level": asked.level != WHOLE,
    }
    refuse("a figure of several networks", given, "draw one network with it")


def expect_of_one(asked: Asked) -> None:
    """Raises at what the figure of a network, of a level or of a block, or the page of a network does not have."""
    expect_arrangement(asked)
    if asked.format == "html":
        refuse(asked.called, of_strip(asked), OF_NETWORK)
        if asked.cases:
            raise fault("bad-call", "an interactive page does not take 'cases'", help="it shows every call of a block")
        if len(asked.block) > 1:
            raise fault("bad-call", "an interactive page starts at one block", help="give one block with it")
    elif asked.block:
        expect_level_of_block(asked)
        refuse(asked.called, of_strip(asked) | {"expand": False}, OF_NETWORK)
    elif not asked.is_whole:
        refuse(asked.called, of_strip(asked), OF_NETWORK)
    elif asked.cases:
        raise fault("bad-call", "cases are those of a block", help="give the block with them")


def expect_arrangement(asked: Asked) -> None:
    """Only the figure of a whole network has an arrangement; one by resolution has no other choices of a strip."""
    if asked.arrange is None:
        return
    known_word("arrangement", asked.arrange, ARRANGEMENTS)
    if asked.format == "html":
        message = "an interactive page has an arrangement of its own"
        help = f"leave out 'arrange', or draw it by {asked.arrange} as svg, pdf or png"
        raise fault("bad-call", message, help=help)
    if not asked.is_whole:
        refuse(asked.called, {"arrange": True}, OF_NETWORK)
    if asked.arrange == "resolution":
        refuse("a figure arranged by resolution", of_strip(asked), "it is for strips")


def expect_level_of_block(asked: Asked) -> None:
    """Inside a block all blocks are open, or those that are named."""
    if asked.level == "stage":
        raise fault("bad-call", "a block has no level 'stage'", help="the level op opens every block inside it")
    if asked.level == "op" and asked.expand:
        raise fault("bad-call", "the level op opens every block", help="give the level, or the blocks")
