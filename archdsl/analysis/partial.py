"""The numbers of a network that has other faults already: its stages before the first of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError
from archdsl.lowering.entry import UnsoundError, lower_stages_alone
from archdsl.syntax.spec import Spec

# That nothing reads what a stage makes, or that a param has no value, may follow from what is at fault.
FOLLOWING = frozenset({"unused-step", "unused-input", "missing-param"})


def with_numbers(error: UnsoundError, spec: Spec, *, brief: bool = False) -> list[Diagnostic]:
    """The faults of a spec, those of numbers in the stages before the first at fault among them."""
    return Collector([*error.diagnostics, *numbers_before(spec, error.sound, brief=brief)]).ordered()


def numbers_before(spec: Spec, sound: Sequence[str], *, brief: bool = False) -> list[Diagnostic]:
    """The faults that numbers have in some stages, the first of a network, in all variants, or `brief`ly in one."""
    if not sound or not spec.inputs:
        return []
    stages = {name: spec.stages[name] for name in sound}
    part = replace(spec, stages=stages, outputs={}, detect=None, expect={}, init={}, init_when=None, until=None)
    faults = Collector()
    try:
        program = lower_stages_alone(part)
    except SpecError:  # what the stages lack alone (a last one with several results) is no fault of the whole
        return []
    for variant in part.networks()[: 1 if brief else None]:
        with faults.catch():
            elaborate(part, variant, program=program)
    return [item for item in faults.found if item.code not in FOLLOWING]
