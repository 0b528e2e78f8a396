"""What a figure shows: networks that are named as in a comparison, or what a figure of the paper shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.workspace.comparison import Compared, halves
from archdsl.workspace.expected import TRAIN
from archdsl.workspace.paper_figures import paper_figure
from archdsl.workspace.settings import filled

if TYPE_CHECKING:
    from archdsl.backends.figures.asked import Blocks
    from archdsl.backends.figures.cases import Case


@dataclass(frozen=True)
class Subject:
    """Networks, each with its variant, what a call sets in them, and what of them is drawn."""

    networks: Sequence[tuple[Compared, str | None]]
    params: Mapping[str, Any]
    form: str
    block: Blocks | None
    cases: Sequence[Case]
    expand: Sequence[str]


def subject(
    specs: Sequence[Compared],
    figure: str | None = None,
    *,
    variant: str | None = None,
    params: Mapping[str, Any],
    form: str = TRAIN,
    block: Blocks | None = None,
    cases: Sequence[Case] = (),
    expand: Sequence[str] = (),
) -> Subject:
    """What a call draws of the networks that it names, or what the `figure` of their paper shows.

    The variant and the params of the call go before those of the figure. A Graph is one network already: of a figure of
    its own it takes the block, the cases and what is open.
    """
    networks = [halves(spec) for spec in specs]
    if variant is not None and any(own for _, own in networks):
        raise fault("bad-call", "the variant is given twice", help="leave out the variant, or the @ behind the spec")
    asked = Subject([(spec, own or variant) for spec, own in networks], params, form, block, cases, expand)
    if figure is None:
        return asked
    if len(networks) > 1:
        raise fault("bad-call", "'figure' draws a single network", help="give one network")
    [(spec, own)] = networks
    shown = paper_figure(spec, figure, block, cases, expand)
    asked = replace(asked, block=shown.block, cases=shown.cases, expand=shown.expand)
    if shown.spec is not None:
        spec, own = shown.spec, None
    if isinstance(spec, Graph):
        return asked
    return replace(
        asked,
        networks=[(spec, own or variant or shown.variant)],
        params=filled(params, shown.params),
        form=form if shown.form == TRAIN else shown.form,
    )


__all__ = ["Subject", "subject"]
