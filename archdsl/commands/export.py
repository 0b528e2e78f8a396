"""`archdsl export`: a network as a file for another engine, proven."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands.options import once, to_choose_of_spec
from archdsl.commands.progress import note, working
from archdsl.commands.proof import quiet_torch
from archdsl.commands.terminal import say
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from torch import nn

    from archdsl.ir.graph import Graph


@click.command("export")
@to_choose_of_spec
@click.option("--to", "target", metavar="FORMAT", required=True, help="onnx, torchscript, pt2, openvino, litert.")
@click.option(
    "--weights",
    metavar="FILE",
    help="Weights of the trained network, as .safetensors or .pth. [default: freshly initialised]",
)
@click.option("--any-size", is_flag=True, help="Leave the height and width of the image free, if the network can.")
@click.option("--int8", is_flag=True, help="Write 8-bit integers, with --calibrate (onnx, openvino).")
@click.option(
    "--calibrate",
    metavar="SAMPLES",
    help="Samples for the ranges of --int8: a folder, or a file (.npy, .npz, .pt); or random, for a trial.",
)
@once("-o", "--output", metavar="FILE", help="File to write. [default: NAME with the suffix of the format]")
def command(
    spec: str,
    target: str,
    weights: str | None,
    any_size: bool,
    int8: bool,
    calibrate: str | None,
    output: str | None,
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
) -> None:
    """Export a network, and prove that the file matches the module.

    --weights takes the weights of the trained network, and converts them if the form is deploy. The file accepts any
    batch size (LiteRT: one image), and with --any-size every height and width that the network accepts. For random
    inputs, its outputs must equal those of the module. With --int8, a quarter of the samples is held out to measure
    how close the outputs are.
    """
    from archdsl.support.output import write_all
    from archdsl.workspace.library import locate

    expect_fitting(calibrate, int8=int8, any_size=any_size)
    with quiet_torch():
        from archdsl.runtime import exporting, quantizing
        from archdsl.runtime.in_training import Choice, carried_over, in_training

        exporting.expect_format(target)
        if int8:
            quantizing.expect_quantizer(target)
        with working(f"building {spec}"):
            choice = Choice(spec, variant, params, inputs, features, output_stride)
            carried = carried_over(in_training(choice, weights), choice, layers, passes)
            network, graph = carried.network, carried.graph
        if weights is None:
            note("without --weights the network is freshly initialised")
        if calibrate is not None:
            files, said = in_int8(network, graph, target, calibrate)
        else:
            with working(f"exporting and proving {graph.name}"):
                found = exporting.export(network, graph, target, any_size=any_size)
            files = found.files
            said = [f"proven: the outputs equal those of the module, {to_within(found.error)}"]
        if carried.error is not None:
            said.insert(
                0, f"proven: the passes keep the outputs of the network in training, {to_within(carried.error)}"
            )
    path = Path(output) if output else Path(f"{locate(spec).stem}{'-int8' * int8}{next(iter(files))}")
    names = named(files, path)
    write_all(path.parent, names)
    for line in said:
        say(line)
    for name, data in names.items():
        say(f"wrote {path.parent / name}: {len(data) / 1e6:.2f} MB")


def to_within(error: float) -> str:
    return f"to {error:.0e} of the largest" if error else "exactly"


def named(files: Mapping[str, bytes], path: Path) -> dict[str, bytes]:
    """The files by name: the first has the one that is asked for, those beside it have its stem."""
    first, *further = files
    names = {path.name: files[first], **{path.with_suffix(suffix).name: files[suffix] for suffix in further}}
    if len(names) < len(files):
        message = f"'{path.name}' is the name of another file that this format writes"
        raise fault("bad-call", message, help=f"give -o {path.with_suffix(first).name}")
    return names


def expect_fitting(calibrate: str | None, *, int8: bool, any_size: bool) -> None:
    """Raises for options of which one asks for another."""
    if int8 and calibrate is None:
        message = "--int8 needs samples, from which it takes the ranges"
        raise fault(
            "bad-call", message, help="give --calibrate FOLDER; for a trial without samples, --calibrate random"
        )
    if calibrate is not None and not int8:
        raise fault("bad-call", "--calibrate needs --int8", help="give both")
    if int8 and any_size:
        raise fault("bad-call", "--int8 and --any-size cannot be used together", help="all samples have the same size")


def in_int8(network: nn.Module, graph: Graph, target: str, source: str) -> tuple[Mapping[str, bytes], list[str]]:
    """The files of a network in 8 bits, and what is said of them."""
    from archdsl.runtime import quantizing
    from archdsl.runtime.calibration import RANDOM, calibration

    samples = calibration(source, graph)
    if source == RANDOM:
        note("the ranges come from noise: calibrate with real samples before you use the file")
    with working(f"exporting and quantising {graph.name}"):
        found = quantizing.quantized(network, graph, target, samples)
    used, held_out = samples.sizes()
    size = sum(map(len, found.files.values()))
    return found.files, [
        f"calibrated with {used} samples; over {held_out} others: {found.agreement}",
        f"{size / 1e6:.2f} MB in int8, {found.plain_size / 1e6:.2f} MB in float32",
    ]
