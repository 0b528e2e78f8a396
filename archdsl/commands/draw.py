"""`archdsl draw`: a network or its blocks as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from archdsl.commands import completion
from archdsl.commands.options import group_of, network, once, to_choose, to_file
from archdsl.commands.progress import working
from archdsl.commands.terminal import result

# How a figure looks: what they say are the fields of `Look`.
to_look = group_of(
    click.option("--theme", metavar="THEME", default="light", show_default=True, help="light or dark."),
    click.option("--palette", metavar="PALETTE", default="colour", show_default=True, help="colour or grey."),
    click.option("--font", metavar="FONT", default="sans", show_default=True, help="sans or serif."),
    click.option("--width", metavar="WIDTH", help="Final width: 3.4in, 86mm, column or page. Text gets 7 to 9 points."),
    click.option("--height", metavar="HEIGHT", help="With --width: the maximum height."),
    click.option("--dpi", metavar="DPI", type=int, default=200, show_default=True, help="Dots per inch of a png."),
    click.option(
        "--legend/--no-legend", default=None, help="Show what the colours mean. [default: if there are several]"
    ),
)

to_axes = click.option(
    "--axes",
    metavar="ORDER",
    default="chw",
    shell_complete=completion.words("chw", "hwc"),
    show_default=True,
    help="Order of the axes in shapes: chw or hwc.",
)


def sized(look: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a look with lengths in inches."""
    from archdsl.backends.figures import inches

    return {**look, "width": inches(look["width"]), "height": inches(look["height"])}


@click.command("draw")
@click.argument(
    "specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...", shell_complete=completion.specs_and_variants
)
@to_choose
@click.option(
    "--block",
    metavar="BLOCK",
    multiple=True,
    shell_complete=completion.blocks,
    help="Draw the inside of a block. Repeat it to draw several side by side.",
)
@click.option(
    "--case",
    "cases",
    metavar="NAME=VALUE,...",
    multiple=True,
    help="Draw the block as called with these arguments; all draws every case that looks different. Repeatable.",
)
@click.option(
    "--figure",
    metavar="NUMBER",
    shell_complete=completion.paper_figures,
    help="Draw this figure of the paper, such as 2b, if the spec says how.",
)
@click.option(
    "--level",
    metavar="LEVEL",
    default="network",
    shell_complete=completion.words("network", "stage", "op"),
    show_default=True,
    help="How much detail to show: network, stage or op; with --block, op opens every block inside.",
)
@click.option(
    "--style",
    metavar="STYLE",
    help="strip: boxes with text; blocks: boxes drawn to the shape C×H×W. [default: strip; tikz: blocks]",
)
@click.option("--orient", metavar="ORIENT", help="landscape or portrait. [default: landscape if it fits]")
@click.option(
    "--arrange",
    metavar="WORD",
    shell_complete=completion.words("strip", "resolution"),
    help="strip, or resolution: rows by the size of the maps, the default for detectors and encoders with decoders.",
)
@click.option(
    "--expand",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.stages,
    help="Show the blocks inside a stage; with --block, open a block inside it. Repeatable.",
)
@click.option(
    "--shapes",
    metavar="SHAPES",
    default="numbers",
    shell_complete=completion.words("numbers", "symbolic"),
    show_default=True,
    help="numbers, or symbolic: shapes inside a block as formulas of its input and params, such as 2c × h/2 × w/2.",
)
@once(
    "--format",
    "form",
    metavar="FORMAT",
    shell_complete=completion.words("svg", "pdf", "png", "dot", "tikz", "drawio", "pptx", "html"),
    help="svg, pdf, png, dot, tikz, drawio, pptx or html. [default: from FILE's suffix, else svg]",
)
@to_axes
@to_look
@to_file
def command(
    specs: tuple[str, ...],
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
    block: tuple[str, ...],
    cases: tuple[str, ...],
    figure: str | None,
    level: str,
    style: str | None,
    orient: str | None,
    arrange: str | None,
    expand: tuple[str, ...],
    form: str | None,
    output: str | None,
    **look: Any,
) -> None:
    """Draw networks, or the inside of blocks.

    Several networks are drawn side by side. With --format html the figure of one network is
    an interactive page in which stages and blocks open and close. drawio and pptx are for editing in draw.io and
    PowerPoint.
    """
    from archdsl.backends.figures import SUFFIXES, Look, draw
    from archdsl.workspace.drawing import subject

    suffix = Path(output).suffix[1:].lower() if output else ""
    chosen = Look(**sized(look))
    shown = subject(specs, figure, variant=variant, params=params, form=layers, block=block, cases=cases, expand=expand)
    graphs = [
        network(
            str(spec),
            variant=of_spec,
            params=shown.params,
            inputs=inputs,
            layers=shown.form,
            passes=passes,
            features=features,
            output_stride=output_stride,
        )
        for spec, of_spec in shown.networks
    ]
    with working(f"drawing {', '.join(one.name for one in graphs)}"):
        made = draw(
            graphs,
            block=shown.block,
            cases=shown.cases,
            level=level,
            format=form or SUFFIXES.get(suffix, suffix) or "svg",
            style=style,
            orient=orient,
            expand=shown.expand,
            arrange=arrange,
            look=chosen,
        )
    result(made, output)
