"""A spec checked: all of its variants counted, and compared with what it states of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from archdsl.analysis.counting import Kept, run
from archdsl.analysis.elaborate import elaborate, lowered
from archdsl.analysis.hard_to_print import Watch
from archdsl.analysis.partial import with_numbers
from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.ir.graph import Graph
from archdsl.lowering.entry import UnsoundError, lower_blocks
from archdsl.passes.reparameterize import expect_mergeable
from archdsl.workspace.expected import expect_stated
from archdsl.workspace.library import SpecLike, Stamp, read, read_from
from archdsl.workspace.validation import expect_valid, hold

MAX_OPS = 200_000  # of all variants together


@dataclass(frozen=True)
class Checked:
    """The result of `check`: the network, how many configurations were checked, and how many state numbers."""

    name: str
    variants: int
    expected: int

    def __str__(self) -> str:
        if not self.variants:
            return f"ok ({self.name}: blocks only)"
        checked = "1 configuration" if self.variants == 1 else f"{self.variants} configurations"
        state = "state" if self.expected > 1 else "states"
        return f"ok ({self.name}: {checked} checked, {self.expected or 'none'} {state} expected numbers)"


def check(spec: SpecLike | Source, prove: Callable[[Sequence[Graph]], None] | None = None) -> Checked:
    """Raises `SpecError` with the faults of all variants, each once; `prove` is given the sound graphs of all.

    A text that comes from no file finds those that it names in the current folder.
    """
    files: dict[Path, Stamp] = {}
    found, faults = read_from(spec, Path()) if isinstance(spec, Source) else read(spec, files), Collector()
    forms = found.networks()
    if not forms:
        lower_blocks(found)
        hold([spec]) if isinstance(spec, Source) else expect_valid(spec, files)
        return Checked(found.name, 0, len(found.expect))
    try:
        program, kept = lowered(found), Kept()
    except UnsoundError as error:
        raise SpecError(*with_numbers(error, found)) from None
    expect_mergeable(program)
    ops, graphs = 0, []
    kept.watch = Watch(program)
    for variant in forms:
        with faults.catch():
            ran = run(found, program, kept, variant)
            counted = ran.trace.total()
            expect_stated(found, variant, counted.params, counted.macs, ran.fingerprint)
            if prove is not None:
                graphs.append(elaborate(found, variant))
            elif kept.watch.differs:
                printed(elaborate(found, variant))
            ops += len(ran.trace.steps)
        if ops > MAX_OPS:
            message = f"the variants have more than {MAX_OPS:,} ops in all"
            raise fault("too-large", message, found.variants[variant].span if variant else found.span)
    faults.finish()
    hold([spec]) if isinstance(spec, Source) else expect_valid(spec, files)
    if prove is not None and graphs:
        prove(graphs)
    return Checked(found.name, len(forms), len(found.expect))


def printed(graph: Graph) -> None:
    """Raises `SpecError` where the source of a network has no expression for what differs between calls or turns."""
    from archdsl.backends.torch import emit

    emit(graph)
