"""`archdsl emit`: a network as the text or file of a back end."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands.options import network, to_choose_of_spec, to_file
from archdsl.commands.terminal import result
from archdsl.diagnostics.faults import fault


def parse_features(_: click.Context, __: click.Parameter, value: str | None) -> Any:
    """`--features-only stem,dense.stage2`, or `all` for the last map of each resolution."""
    if value is None:
        return False
    return True if value == "all" else [part.strip() for part in value.split(",") if part.strip()]


@click.command("emit")
@to_choose_of_spec
@click.option(
    "--features-only",
    "features",
    metavar="STAGE,...",
    callback=parse_features,
    help="A backbone that gives the maps of these stages; all: the last of each resolution.",
)
@click.option(
    "--style",
    metavar="STYLE",
    default="specialized",
    show_default=True,
    help="specialized: this network, its constants folded; parametric: all params of the spec as arguments.",
)
@click.option(
    "--target", "--to", metavar="BACKEND", default="torch", show_default=True, help="torch, onnx, json, cost, svg, …"
)
@click.option("--weights", metavar="FILE", help="For onnx: a state_dict, .safetensors or .pth. [default: initialised]")
@to_file
def command(spec: str, style: str, target: str, weights: str | None, output: str | None, **choice: Any) -> None:
    """Print a network as standalone PyTorch source, or write it as ONNX."""
    from archdsl.backends import backend

    emit, graph = backend(target), network(spec, **choice)
    if weights is not None and target != "onnx":
        raise fault("bad-call", f"the back end '{target}' takes no weights", help="--target onnx does")
    if style != "specialized" and target != "torch":
        raise fault("bad-call", f"the back end '{target}' has no styles", help="--target torch has")
    given = {"onnx": (weights,), "torch": (style,)}.get(target, ())
    result(emit(graph, *given), output)
