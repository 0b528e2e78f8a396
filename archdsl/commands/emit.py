"""`archdsl emit`: a network as the text or file of a back end."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands import completion
from archdsl.commands.options import network, parse_option, to_choose_of_spec, to_file
from archdsl.commands.progress import working
from archdsl.commands.terminal import result


class Emit(click.Command):
    """Its help lists the back ends that are installed."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from archdsl.backends import names

        formatter.write_paragraph()
        formatter.write_text(f"Back ends: {', '.join(names())}.")
        super().format_epilog(context, formatter)


@click.command("emit", cls=Emit)
@to_choose_of_spec
@click.option(
    "--style",
    metavar="STYLE",
    help="specialized: this network alone; parametric: one class with all params as arguments.  [default: specialized]",
)
@click.option(
    "--target",
    "--to",
    metavar="BACKEND",
    default="torch",
    show_default=True,
    shell_complete=completion.targets,
    help="Back end: torch, onnx, json, cost, svg, …",
)
@click.option(
    "--weights", metavar="FILE", help="Weights for onnx, as .safetensors or .pth. [default: freshly initialised]"
)
@click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=parse_option,
    help="Option of the back end. Repeatable.",
)
@to_file
def command(spec: str, target: str, output: str | None, options: dict[str, Any], **choice: Any) -> None:
    """Print a network as standalone PyTorch code, or export it."""
    from archdsl.backends import printed

    own = {name: choice.pop(name) for name in ("style", "weights")}
    options |= {name: value for name, value in own.items() if value is not None}
    graph = network(spec, **choice, style=own["style"] or "specialized")
    with working(f"writing {graph.name} for {target}"):
        made = printed(target, graph, options)
    result(made, output)
