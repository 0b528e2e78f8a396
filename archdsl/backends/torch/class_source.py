"""A class as it is printed: its arguments, bodies and what the file must know of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir


@dataclass
class Argument:
    """A constructor parameter of a class."""

    name: str
    type: str
    default: Tree | None = None


@dataclass
class Flag:
    """What an attribute keeps for `forward`, if it still is that, and on which sides of conditions it is made."""

    value: Expr | None
    sides: tuple[object, ...]


@dataclass
class ClassSource:
    """A class, ready to print."""

    name: str
    inputs: list[str]
    lists: list[str]  # those that are several tensors
    further: list[str]  # the tensors beside the one that enters, as the spec calls them
    optional: list[str]
    training: list[str]  # what it gives beside its outputs in training
    result: str  # the type of what a block gives
    base: str = "nn.Module"
    arguments: list[Argument] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)  # those that follow from others
    init: list[py.Statement] = field(default_factory=list)
    forward: list[py.Statement] = field(default_factory=list)
    features: list[py.Statement] = field(default_factory=list)  # of a classifier: `forward_features`,
    head: list[py.Statement] = field(default_factory=list)  # `forward_head`,
    entering: str = ""  # with the map that it takes,
    last_layer: Tree | None = None  # `get_classifier`,
    reset: list[py.Statement] = field(default_factory=list)  # and `reset_classifier`
    classes: str = ""  # with its param
    detect: list[py.Statement] = field(default_factory=list)  # of a detector: `detect`
    doc: str = ""
    modules: dict[str, set[str]] = field(default_factory=dict)  # op name -> torch classes
    weighted: dict[str, set[str]] = field(default_factory=dict)  # those of them whose weights are their own
    biased: dict[str, set[bool]] = field(default_factory=dict)  # op name -> whether its modules have a bias
    learned: dict[str, set[bool]] = field(default_factory=dict)  # op name -> whether its norms have a scale
    named_init: list[tuple[ir.NamedInit, Expr]] = field(default_factory=list)  # under which conditions, to print
