"""The two ways into this room: the network of a spec, and the faults of a file of blocks."""

from __future__ import annotations

from collections.abc import Sequence

import archdsl.lowering.calls
import archdsl.lowering.choices
import archdsl.lowering.joins
import archdsl.lowering.residuals  # noqa: F401 - imported for the kinds of step that register themselves
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError
from archdsl.ir import program as ir
from archdsl.lowering.blocks import lower_block
from archdsl.lowering.initialisation import initialise
from archdsl.lowering.library import Library
from archdsl.lowering.network import lower_network
from archdsl.lowering.refusals import too_deep
from archdsl.syntax import spec as s


class UnsoundError(SpecError):
    """The faults that need no numbers, and which stages come before the first of them."""

    def __init__(self, diagnostics: Sequence[Diagnostic], sound: Sequence[str]) -> None:
        super().__init__(*diagnostics)
        self.sound = tuple(sound)


def lower(spec: s.Spec) -> ir.Program:
    """The network of `spec` with the blocks that it calls.

    Raises `SpecError` with every fault that needs no numbers.
    """
    faults = Collector()
    library = Library(spec, faults, lower_block, lower_network)
    function = None
    try:
        with faults.catch():
            function = library.network(spec)
        library.blocks(spec)
        if function is not None:
            initialise(function, library, spec)
    except RecursionError:
        raise too_deep(spec.span) from None
    if not faults.clean:
        raise UnsoundError(faults.ordered(), library.sound)
    assert function is not None
    return ir.program(function)


def lower_stages_alone(spec: s.Spec) -> ir.Program:
    """The program of stages that are sound, whatever the blocks are that they do not call."""
    return ir.program(Library(spec, Collector(), lower_block, lower_network).network(spec))


def lower_blocks(spec: s.Spec) -> None:
    """The faults of a file of blocks alone."""
    faults = Collector()
    try:
        Library(spec, faults, lower_block, lower_network).blocks(spec)
    except RecursionError:
        raise too_deep(spec.span) from None
    faults.finish()
