"""How the weights of 2-D convolutions lie in memory: channels last, as the fast kernels of CPUs and GPUs read them."""

from __future__ import annotations

from archdsl.ir.program import Program
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied
from archdsl.passes.base import Pass


def channels_last(program: Program) -> Program:
    """Stores the weights of 2-D convolutions channels last, except in networks with many groups, which get slower."""
    made = copied(program)
    made.main.channels_last = True
    return program_of(made.main)


CHANNELS_LAST = Pass(channels_last)
