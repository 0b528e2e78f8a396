"""`archdsl port`: weights from another network, or from before an edit."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import click

from archdsl.commands.completion import spec_argument
from archdsl.commands.options import network, once, split_setting, to_change, to_form, to_variant
from archdsl.commands.terminal import say
from archdsl.diagnostics.faults import fault


def parse_map(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """`--map features=backbone.layers`; a name may be replaced by nothing."""
    return dict(split_setting("--map", text, "old=new") for text in values)


@click.command("port")
@click.argument("checkpoint")
@spec_argument("spec", required=False)
@click.option(
    "--from",
    "reference",
    metavar="NETWORK",
    help="Model that the weights belong to: torchvision:NAME, timm:NAME, pytorchcv:NAME, or a file with the key order.",
)
@click.option("--between", nargs=2, metavar="OLD NEW", help="Spec before and after an edit, in place of SPEC.")
@click.option("--key", metavar="NAME", help="Entry of CHECKPOINT that holds the weights.")
@click.option(
    "--map",
    "renamed",
    metavar="OLD=NEW",
    multiple=True,
    callback=parse_map,
    help="Rename weights whose name begins with OLD; with --between, the part at that path. Repeatable.",
)
@to_variant
@to_change
@to_form
@once("-o", "--output", metavar="FILE", required=True, help="File to write: .safetensors, .pth or .pt.")
def command(
    checkpoint: str,
    spec: str | None,
    reference: str | None,
    between: tuple[str, str] | None,
    key: str | None,
    renamed: dict[str, str],
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    output: str,
) -> None:
    """Load the weights of another implementation into a network.

    The weights of torchvision, timm and pytorchcv are matched by structure. With --between, the weights of a spec are
    carried over to its edited version.
    """
    if (spec is None) == (between is None) or (between and reference):
        raise fault("bad-call", "port takes CHECKPOINT SPEC [--from …] or CHECKPOINT --between OLD NEW")
    from archdsl.runtime import porting
    from archdsl.runtime.porting import listing
    from archdsl.workspace.library import weighted_as

    new = between[1] if between else str(spec)
    passes = weighted_as(layers)
    graph = network(new, variant=variant, params=params, inputs=inputs, layers="train", passes=passes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and of libraries: nothing that a user of archdsl can act on
        if between:
            before = porting.old_graphs(between[0], variant, params, inputs, layers)
            ported = porting.port_over_edit(checkpoint, before, graph, key, renamed)
        else:
            maker = porting.maker_of(new, variant, params, inputs, layers)
            ported = porting.port(checkpoint, graph, reference, key, maker, renamed)
    ported.save(output)
    for line in listing.of_edit(ported) if between else listing.of_pairs(ported):
        say(line)
    say(f"wrote {output}")
