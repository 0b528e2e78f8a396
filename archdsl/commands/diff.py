"""`archdsl diff`: what makes one network of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands.draw import sized, to_axes, to_look
from archdsl.commands.options import format_of, latencies, once, rewriting, to_choose, to_file, to_latency, was_given
from archdsl.commands.status import CHANGES
from archdsl.commands.terminal import console, result
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from archdsl.analysis.difference import Difference
    from archdsl.workspace.difference import Choice, Named

FORMATS = ("text", "md", "latex", "json", "html", "svg", "pdf", "png", "dot", "tikz", "drawio", "pptx")


@click.command("diff")
@click.argument("specs", nargs=-1, required=True, metavar="A [B]")
@to_choose
@to_latency
@click.option(
    "--rev", "between", metavar="REV[..REV]", help="Compare with a git revision, or two revisions with each other."
)
@once(
    "--format",
    "form",
    metavar="FORMAT",
    help="text, md, latex, json, html, or a figure: svg, pdf, png, dot, tikz, drawio, pptx. "
    "[default: from FILE's suffix, else text]",
)
@click.option("--exit-code", "told", is_flag=True, help="Exit with status 3 if the networks differ.")
@to_axes
@to_look
@to_file
def command(
    specs: tuple[str, ...],
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    latency: str | None,
    between: str | None,
    form: str | None,
    told: bool,
    output: str | None,
    layers: str,
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
    **look: Any,
) -> None:
    """Compare two networks: what changed, stage by stage.

    A and B are each SPEC or SPEC@VARIANT. A bare @VARIANT is a variant of A's spec. The options that choose a network
    apply to both. Without B, A is compared with itself: at a git revision (--rev), or with and without these options
    (--set, --input, --form, --pass, ...), or as it was last committed.
    """
    from archdsl.workspace.difference import Choice, compared

    chosen = format_of(form, output)
    known(chosen)
    table = latencies(latency)
    made = rewriting(layers=layers, passes=passes, features=features, output_stride=output_stride)
    sides = asked(specs, between, Choice(variant, params, inputs, made))
    found = compared(*sides, table)
    if chosen == "text" and output is None:
        from archdsl.backends.difference import show

        show(found, console())
    else:
        result(written(found, chosen, look), output)
    if told and not found.is_empty:
        click.get_current_context().exit(CHANGES)


def known(form: str) -> None:
    """Raises `SpecError` if there is no such format."""
    from archdsl.support.naming import did_you_mean

    if form not in FORMATS:
        hint = did_you_mean(form, FORMATS) or f"choose from {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no format '{form}'", help=hint)


def asked(specs: tuple[str, ...], between: str | None, choice: Choice) -> tuple[Named, Named]:
    """The two networks that a call asks for."""
    from archdsl.workspace import difference

    first, *others = specs
    if len(others) > 1:
        raise fault("bad-call", f"diff compares two networks, not {len(specs)}")
    if others and between is not None:
        raise fault(
            "bad-call", "--rev compares a file with an earlier version of itself", help="remove the second spec"
        )
    if others:
        return difference.two(first, others[0], choice)
    if between is None and (was_given("params") or was_given("inputs") or choice.is_rewritten):
        return difference.settings(first, choice)
    return difference.history(first, choice, between)


def written(found: Difference, form: str, look: Mapping[str, Any]) -> str | bytes:
    """The difference in a format."""
    from archdsl.backends import difference
    from archdsl.support.latex import Placement

    if form == "latex":
        return difference.latex(found, Placement(look["width"]))
    if form in difference.FORMATS:
        return difference.FORMATS[form](found)
    from archdsl.backends.figures import Look, draw_difference

    if form == "html":
        return difference.page(found, str(draw_difference(found, told=False)))
    return draw_difference(found, form, Look(**sized(look)))
