"""The arguments and options that several commands share, and the network that they choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from archdsl.commands import completion
from archdsl.commands.progress import note, working
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from archdsl.analysis.latency import LatencyTable
    from archdsl.ir.graph import Graph
    from archdsl.passes.pipeline import Rewriting
    from archdsl.workspace.settings import Given

Command = TypeVar("Command", bound=Callable[..., Any])

SUFFIXES = {"tex": "latex", "txt": "text"}  # of tables, where they are not the names of formats


# --- values
def parse_set(_: click.Context, where: click.Parameter, values: Sequence[str]) -> Given:
    """`--set growth=16 --set dense.stage3.layers=12`: params, and parts of the spec by their path."""
    from archdsl.workspace.settings import from_words

    return from_words(where.opts[0], values)


def parse_option(context: click.Context, where: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    """`--option level=op`, of a back end."""
    found = parse_set(context, where, values)
    if found.patches:
        key = found.patches[0][0]
        raise fault("bad-call", f"there is no option '{key.text}'", key.span, help="names of options have no dots")
    return dict(found)


def split_setting(option: str, text: str, example: str = "growth=16") -> tuple[str, str]:
    """The two sides of `name=value`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise fault("bad-call", f"{option} takes name=value, not '{text}'", help=f"for example {option} {example}")
    return name.strip(), value.strip()


def parse_input(_: click.Context, __: click.Parameter, values: Sequence[str]) -> Any:
    """`--input 3,192,192`, or for a network of several inputs `--input image=3,192,192`."""
    shapes = [(name.strip() if equals else None, sizes(shape)) for name, equals, shape in map(halves, values)]
    unnamed = [shape for name, shape in shapes if name is None]
    if unnamed and len(shapes) > 1:
        raise fault("bad-call", "several --input each need a name", help="--input image=3,192,192")
    return (unnamed[0] if unnamed else dict(shapes)) if shapes else None


def halves(text: str) -> tuple[str, str, str]:
    name, equals, shape = text.rpartition("=")
    return name, equals, shape


def sizes(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.replace("×", ",").replace("x", ",").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise fault("bad-call", f"--input takes C,H,W, not '{text}'", help="for example --input 3,192,192")
    return tuple(map(int, parts))


def parse_features(_: click.Context, __: click.Parameter, value: str | None) -> Any:
    """`--features-only stem,dense.stage2`, `2,3` for maps by number, or `all` for the last of each resolution."""
    if value is None:
        return False
    words = [part.strip() for part in value.split(",") if part.strip()]
    return True if words == ["all"] else [int(word) if is_whole(word) else word for word in words]


def is_whole(word: str) -> bool:
    return word.isascii() and word.removeprefix("-").isdigit()


def load_own(_: click.Context, __: click.Parameter, values: Sequence[str]) -> None:
    """`--ops my_ops.py`: its ops are there before a spec is read."""
    if values:
        from archdsl.syntax.own_ops import load_ops

        for file in values:
            load_ops(file)


def all_ops() -> None:
    """Loads the ops of the packages that are installed; raises `SpecError` if one cannot be."""
    from archdsl.diagnostics.faults import SpecError
    from archdsl.syntax.own_ops import load_installed

    broken = load_installed()
    if broken:
        raise SpecError(*broken)


def latencies(file: str | None) -> LatencyTable | None:
    """The latency table of a call, if it names one."""
    from archdsl.workspace.latency_file import read_latencies

    return read_latencies(file) if file is not None else None


def format_of(form: str | None, output: str | None) -> str:
    """The format of a table: the one named, or else that of the file's suffix."""
    suffix = Path(output).suffix[1:].lower() if output else ""
    return form or SUFFIXES.get(suffix, suffix) or "text"


def was_given(option: str) -> bool:
    """Whether an option stands in the call."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def single(_: click.Context, option: click.Parameter, values: Sequence[str]) -> str | None:
    """The value of an option that has only one: a second would be dropped in silence."""
    if len(values) > 1:
        raise click.UsageError(f"{max(option.opts, key=len)} is given {len(values)} times, and takes one value")
    return values[0] if values else None


once = partial(click.option, multiple=True, callback=single)

# --- options
to_own = click.option(
    "--ops",
    metavar="FILE",
    multiple=True,
    callback=load_own,
    expose_value=False,
    is_eager=True,
    help="Python file with your own ops. Repeatable.",
)
to_only_specs = click.option("--specs-only", is_flag=True, help="Skip files without an 'archdsl:' line, as in folders.")
to_set = click.option(
    "--set",
    "params",
    metavar="NAME=VALUE",
    multiple=True,
    callback=parse_set,
    shell_complete=completion.params,
    help="Set a param, or a part of the spec by its path: dense.stage3.layers=12. Repeatable.",
)
to_input = click.option(
    "--input", "inputs", metavar="C,H,W", multiple=True, callback=parse_input, help="Override the input size."
)
to_form = click.option(
    "--form",
    "layers",
    metavar="FORM",
    default="train",
    shell_complete=completion.words("train", "deploy"),
    help="train, or deploy for the form used after training. [default: train]",
)
to_latency = click.option(
    "--latency", metavar="FILE", help="Show latencies, from the table that `archdsl time --per-op FILE` measured."
)
to_features = click.option(
    "--features-only",
    "features",
    metavar="MAPS",
    callback=parse_features,
    help="Build a backbone. It returns the maps of these stages (stem,body), the maps with these numbers (2,3), or the "
    "last map of each resolution (all).",
)
to_output_stride = click.option(
    "--output-stride",
    metavar="N",
    type=int,
    help="Turn strides into dilations, so that no map is smaller than 1/N of the image. N is 1, 2, 4, 8, 16 or 32.",
)
to_file = once("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout.")
to_format = once(
    "--format",
    "form",
    metavar="FORMAT",
    shell_complete=completion.tables,
    help="text, md, latex, json, csv. [default: from FILE's suffix, else text]",
)


def parse_columns(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """`--columns stage,input,params`."""
    return tuple(filter(None, (name.strip() for name in (value or "").split(","))))


def group_of(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Options as one decorator, in the order in which `--help` lists them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# How a table stands in a paper.
to_place = group_of(
    click.option(
        "--columns",
        metavar="NAME,...",
        callback=parse_columns,
        help="The columns to show, in order (not json, csv).",
    ),
    click.option(
        "--width",
        metavar="WIDTH",
        shell_complete=completion.words("column", "page"),
        help="column or page: make the table fit it, in a paper of two columns (latex).",
    ),
    click.option("--caption", metavar="TEXT", help="Put the table into a float with this caption (latex)."),
    click.option("--label", metavar="NAME", help="The label of the float, such as tab:stages (latex)."),
)
# Which numbers and sizes networks have: of one spec, or of each of several.
to_change = group_of(to_set, to_input, to_own)
to_variant = once(
    "--variant", "-v", metavar="NAME", shell_complete=completion.variants, help="Use this variant of the spec."
)
to_pass = click.option(
    "--pass",
    "passes",
    metavar="PASS",
    multiple=True,
    shell_complete=completion.passes,
    help="Apply a pass (see `archdsl passes`). Repeatable.",
)
# What is then made of networks; what they say is what `rewriting` takes.
to_rewrite = group_of(to_form, to_pass, to_features, to_output_stride)
# By which a network of a spec is chosen; what they say is what `network` takes after the spec.
to_choose = group_of(to_variant, to_change, to_rewrite)
to_choose_of_spec = group_of(completion.spec_argument("spec"), to_choose)


def rewriting(
    *,
    layers: str,
    passes: tuple[str, ...],
    features: Any = False,
    output_stride: int | None = None,
    style: str = "specialized",
) -> Rewriting:
    """What the options ask to be made of networks, to be printed in a style."""
    from archdsl.workspace.library import rewritten

    return rewritten(features, layers, passes, output_stride=output_stride, style=style)


def network(
    spec: str,
    *,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Any,
    **rewrite: Any,
) -> Graph:
    """The network of a spec that the options choose; `rewrite` is what `rewriting` takes."""
    from archdsl.workspace.library import graph_of

    with working(f"reading {spec}"):
        graph = graph_of(spec, variant, params, inputs, rewriting(**rewrite))
    if variant is None and graph.variant is not None:
        note(f"{spec} is built as its default variant, {graph.variant}")
    return graph
