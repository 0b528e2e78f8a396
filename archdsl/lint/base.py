"""What a rule is: a code, a reason, the paper behind it, and how it finds what it speaks of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from archdsl.ir.graph import Node
from archdsl.lint.network import Network


@dataclass(frozen=True)
class Paper:
    """What a rule rests on."""

    title: str
    arxiv: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.title}{f', {self.part}' if self.part else ''} (arXiv {self.arxiv})"


@dataclass(frozen=True)
class Finding:
    """A step that a rule speaks of: what is said of it, and how much of the network it is."""

    node: Node
    message: str
    weight: float = 1.0


class Rule:
    """A rule; its docstring is the reason that the docs give."""

    code: ClassVar[str]
    title: ClassVar[str]  # what it finds, in a few words
    help: ClassVar[str]  # what to do
    paper: ClassVar[Paper | None] = None
    wrong: ClassVar[str]  # stages that it speaks of, for tests and docs; their input is 3×64×64
    right: ClassVar[str]  # and such that it does not
    least: ClassVar[float] = 0.0  # the sum of weights, of one step in all its runs, from which it is told
    every: ClassVar[bool] = False  # told of a step only if it is true of all its runs

    def __init_subclass__(cls, code: str, **rest: object) -> None:
        super().__init_subclass__(**rest)
        cls.code = code
        RULES[code] = cls()

    def find(self, net: Network) -> Iterator[Finding]:
        """What there is in a network."""
        raise NotImplementedError

    @classmethod
    def reason(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or "")


RULES: dict[str, Rule] = {}  # by code
