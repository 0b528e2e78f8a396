"""Which names stand in emitted source: a user's stay as they are, what the printer adds gives way.

A class has three rooms: its constructor (arguments, values of `let:`, columns), its `forward` (tensors) and its
attributes (modules, which `lower` names, and numbers kept for `forward`). The file is the fourth, of classes.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from archdsl.backends.torch.prelude import definitions
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import INPUT
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import ATTRIBUTES, DEFINED, LEADING_OUT, MEASURES, READ

IMPORTED = frozenset({"self", "nn", "torch", "Tensor", "math", "F"})
OUTPUT, TRAINING_OUTPUT = "Output", "TrainingOutput"  # what follows the network's name in those of its results
CALLED = ("layer", "key", "child", "inner")  # what loops of `forward` call the modules that they run, and their keys
SPARE = ("y", "z")  # for tensors that have no word of their own
Rename: TypeAlias = "dict[str, str]"


class Words:
    """The words of one function: those that are taken, and those that the printer adds, each the same throughout."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self.own: dict[tuple[str, ...], str] = {}

    def word(self, *wanted: str) -> str:
        """The first of some words that is free, else one made of the first with a number."""
        if wanted not in self.own:
            taken = {*self.taken, *self.own.values()}
            free = (word for word in wanted if word not in taken)
            self.own[wanted] = next(free, None) or unique(wanted[0], taken)
        return self.own[wanted]


class Tensors:
    """What a class calls its tensors where that is not the spec's word, and which that may not exist are there."""

    def __init__(self) -> None:
        self.called: dict[ir.Value, str] = {}
        self.there: set[ir.Value] = set()

    def word(self, var: ir.Value) -> str:
        return self.called.get(var, var.name)

    def may_lack(self, var: ir.Value) -> bool:
        """Whether a tensor is the result of a branch that may not exist."""
        return var.optional and var not in self.there


def numbers_of(function: ir.Function) -> set[str]:
    """The words for numbers in a constructor: all that a spec says there, and the channels and sizes that enter."""
    found = {*MEASURES, *function.params, *function.implicit, *function.let, *function.optional}
    found |= {f"c_{name}" for name in function.inputs if name != INPUT}
    for node in function.walk():
        if isinstance(node, ir.Nested):
            found.update(node.let)
        if isinstance(node, ir.Loop):
            found.update(node.columns)
    return found


def named_tensors(function: ir.Function, name: str) -> tuple[Tensors, set[str]]:
    """The tensors of a class, its inputs with names of their own, and what none of them may be called."""
    found, taken = Tensors(), hidden(name)
    for var in function.inputs.values():
        found.called[var] = unique(var.name, {*taken, *found.called.values()})
    return found, taken


def tensors_of(function: ir.Function, tensors: Tensors) -> set[str]:
    """The words that tensors want in `forward`."""
    found = {*SPARE, *function.inputs, *function.outputs, *function.training}
    for var in function.tensors():
        found |= {tensors.word(var), *var.parts}
    return found


def given(function: ir.Function) -> set[str]:
    """The words that a spec has for the tensors of a function."""
    return {word for var in function.tensors() for word in (var.name, *var.parts)}


def in_constructor(function: ir.Function) -> Words:
    """The words of `__init__`."""
    return Words(IMPORTED | LEADING_OUT | numbers_of(function))


def in_forward(function: ir.Function, name: str, tensors: Tensors) -> Words:
    """The words of `forward`; what it reads of the file is taken."""
    found = Words(hidden(name) | tensors_of(function, tensors))
    for word in CALLED:
        found.word(word)
    return found


def hidden(name: str) -> set[str]:
    """What no tensor may be called, for the same function reads something else under that name."""
    return {*IMPORTED, *READ, *LEADING_OUT, *results_of(name), "list", "zip"}


def attribute(word: str, taken: Iterable[str]) -> str:
    """The attribute that keeps a number: no module's, none of torch's."""
    return unique(word.lstrip("_") or "number", {*taken, *ATTRIBUTES})


def results_of(network: str) -> tuple[str, str]:
    """The class of the several results of a network, and that of what it gives in training if they are more then."""
    return f"{network}{OUTPUT}", f"{network}{TRAINING_OUTPUT}"


def classes(functions: Sequence[ir.Function], network: ir.Function, name: str) -> dict[int, str]:
    """The class of each function: the network has its name, a block its own unless something else is called so."""
    numbers = {word for function in functions for word in numbers_of(function)}
    taken = {name, *results_of(name), *IMPORTED, *DEFINED, *dir(builtins), *numbers}
    found = {}
    for function in functions:
        found[function.id] = name if function is network else unique(function.name, taken)
        taken.add(found[function.id])
    return found


def prelude_names(functions: Sequence[ir.Function], made: Iterable[str], name: str) -> Rename:
    """What the definitions of the prelude are called in a file whose classes, arguments or tensors have their names."""
    words = {word for function in functions for word in (*numbers_of(function), *given(function), *function.inputs)}
    taken = {*made, *results_of(name), *words}
    return {known: unique(known, taken) for known in definitions() if known in taken}
