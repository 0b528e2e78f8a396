"""`archdsl plot`: accuracy against cost, bars by stage, receptive fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.commands import completion
from archdsl.commands.draw import sized, to_look
from archdsl.commands.options import once, rewriting, to_change, to_file, to_rewrite
from archdsl.commands.progress import note, working
from archdsl.commands.terminal import result


@click.command("plot")
@click.argument("kind", metavar="KIND", shell_complete=completion.words("accuracy", "stages", "receptive"))
@click.argument(
    "specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...", shell_complete=completion.specs_and_variants
)
@click.option("--variants", is_flag=True, help="Plot all variants of each spec.")
@click.option(
    "--against",
    metavar="COUNT",
    shell_complete=completion.words("macs", "params", "latency"),
    help="macs, params or latency: what accuracy is plotted against. [default: macs]",
)
@click.option("--times", metavar="FILE", help="Read latencies from a file that `archdsl time --format json` wrote.")
@click.option(
    "--latency", metavar="FILE", help="Read latencies from the table that `archdsl time --per-op FILE` measured."
)
@to_change
@to_rewrite
@once(
    "--format",
    "form",
    metavar="FORMAT",
    shell_complete=completion.words("svg", "pdf", "png", "tikz", "html"),
    help="svg, pdf, png, tikz or html. [default: from FILE's suffix, else svg]",
)
@to_look
@to_file
def command(
    kind: str,
    specs: tuple[str, ...],
    variants: bool,
    against: str | None,
    times: str | None,
    latency: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
    form: str | None,
    output: str | None,
    **look: Any,
) -> None:
    """Plot accuracy, costs or receptive fields of networks.

    KIND is accuracy (published top-1 accuracy against cost), stages (parameters, MACs and activations of each stage)
    or receptive (the receptive field by depth).
    """
    from archdsl.backends.figures import SUFFIXES, Look
    from archdsl.backends.figures.plots import plot
    from archdsl.workspace.comparison import Change
    from archdsl.workspace.plotting import plotted

    suffix = Path(output).suffix[1:].lower() if output else ""
    chosen = Look(**sized(look))
    with working("counting networks"):
        made = rewriting(layers=layers, passes=passes, features=features, output_stride=output_stride)
        change = Change(inputs, params, layers, made)
        found = plotted(kind, specs, change, against=against, times=times, latency=latency, variants=variants)
    with working("plotting"):
        drawn, left_out = plot(found.data, form or SUFFIXES.get(suffix, suffix) or "svg", chosen)
    for why in dict.fromkeys(found.missing.values()):
        names = [network for network, reason in found.missing.items() if reason == why]
        note(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} left out: {why}")
    if left_out:
        what = "1 label has" if left_out == 1 else f"{left_out} labels have"
        note(f"{what} no room: give the plot a larger --width or --height, or fewer networks")
    result(drawn, output)
