"""`archdsl export`: a network as a file for another engine, proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.commands.options import to_choose_of_spec
from archdsl.commands.progress import note, working
from archdsl.commands.proof import quiet_torch
from archdsl.commands.terminal import say


@click.command("export")
@to_choose_of_spec
@click.option("--to", "target", metavar="FORMAT", required=True, help="onnx, torchscript, pt2, openvino.")
@click.option(
    "--weights",
    metavar="FILE",
    help="Weights of the network in training, as .safetensors or .pth. [default: freshly initialised]",
)
@click.option("--any-size", is_flag=True, help="Leave the height and width of the image free, if the network can.")
@click.option("-o", "--output", metavar="FILE", help="File to write. [default: NAME with the suffix of the format]")
def command(
    spec: str,
    target: str,
    weights: str | None,
    any_size: bool,
    output: str | None,
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    passes: tuple[str, ...],
) -> None:
    """Export a network, and prove that the file computes what the module does.

    The weights are those of the network in training, whatever the form: they are carried over. The file takes any
    batch, and with --any-size each height and width that the network takes. Its outputs of random inputs must be
    those of the module.
    """
    from archdsl.support.output import write_all
    from archdsl.workspace.library import locate, rewritten

    with quiet_torch():
        from archdsl.runtime import exporting
        from archdsl.runtime.in_training import Choice, carried_over, in_training

        exporting.expect_format(target)
        with working(f"building {spec}"):
            choice = Choice(spec, variant, params, inputs)
            rewriting = rewritten(form=layers, passes=passes)
            network, graph = carried_over(in_training(choice, weights), choice, rewriting)
        if weights is None:
            note("without --weights the network is freshly initialised")
        with working(f"exporting and proving {graph.name}"):
            found = exporting.export(network, graph, target, any_size=any_size)
    first, *further = found.files
    path = Path(output) if output else Path(f"{locate(spec).stem}{first}")
    names = {path.name: found.files[first]}
    names |= {path.with_suffix(suffix).name: found.files[suffix] for suffix in further}
    write_all(path.parent, names)
    say(f"proven: the outputs are those of the module, to {found.error:.0e} of the largest")
    for name, data in names.items():
        say(f"wrote {path.parent / name}: {len(data) / 1e6:.2f} MB")
