"""The command line. Each command imports what it needs when it runs; torch `build`, `port`, and `emit` for ONNX."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archdsl import __version__
from archdsl.commands.terminal import complain, console, deliver, prepare, quiet, report, say
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError, fault

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

OK, INTERNAL, FAULT = 0, 1, 2
ISSUES = "the issue tracker of archdsl's repository"
NOT_YOURS = f"This is a fault of archdsl {__version__}, not of your spec. Please report it to {ISSUES}"

Command = TypeVar("Command", bound=Callable[..., Any])


# --- the process
def main(args: Sequence[str] | None = None) -> int:
    """The console script: runs a command and tells how it went by the exit status."""
    prepare()
    try:
        run(args)
        sys.stdout.flush()
    except SpecError as error:
        report(error)
        return status_of(error.diagnostics)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.status if isinstance(error, Told) else FAULT
    except (BrokenPipeError, SystemExit):  # which click makes of the former
        quiet()  # who read has read enough
    except (KeyboardInterrupt, click.Abort):
        return 130
    except OSError as error:
        if error.filename is not None:
            return internal(error)
        complain(f"archdsl: cannot write the output: {error.strerror or error}")  # a full disk behind a redirection
        quiet()
        return FAULT
    except Exception as error:  # noqa: BLE001 - the one place where a fault of ours is told from one of the user's
        return internal(error)
    return OK


def run(args: Sequence[str] | None) -> None:
    archdsl.main(list(args) if args is not None else None, prog_name="archdsl", standalone_mode=False)


def status_of(found: Sequence[Diagnostic]) -> int:
    """The exit status for faults: a module that differs from its graph is one of archdsl itself, which is then said."""
    if not any(item.code == "differs" for item in found):
        return FAULT
    complain(f"{NOT_YOURS},\nwith the spec and the command.")
    return INTERNAL


def internal(error: Exception) -> int:
    """A fault of archdsl itself: says so, and what to send where."""
    if os.environ.get("ARCHDSL_DEBUG"):
        raise error
    place = f" ({where(error)})" if where(error) else ""
    complain(
        f"archdsl: internal error: {type(error).__name__}: {error}{place}\n"
        f"{NOT_YOURS},\nwith the spec, the command, and what ARCHDSL_DEBUG=1 in front of it prints."
    )
    return INTERNAL


def where(error: BaseException) -> str:
    """File and line of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


# --- options
def parse_set(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, Any]:
    """`--set growth=16 --set 'widths=[8, 16]'` as params."""
    found: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise fault("bad-call", f"--set takes name=value, not '{text}'", help="for example --set growth=16")
        found[name.strip()] = setting(name.strip(), value.strip())
    return found


def setting(name: str, text: str) -> Any:
    """A YAML scalar or list."""
    from archdsl.diagnostics.spans import Source
    from archdsl.yaml.located import Mapping, Node, Scalar, read

    def plain(node: Node) -> Any:
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Mapping):
            raise fault("bad-value", f"the param '{name}' cannot be a mapping", node.span)
        return [plain(item) for item in node.items]

    return None if text in ("", "~", "null") else plain(read(Source(f"--set {name}", text)))


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


to_set = click.option("--set", "params", metavar="NAME=VALUE", multiple=True, callback=parse_set, help="Set a param.")
to_input = click.option("--input", "inputs", metavar="C,H,W", multiple=True, callback=parse_input, help="Input size.")


def choosing(command: Command) -> Command:
    """The argument and options by which a network is chosen."""
    return click.argument("spec")(chosen(command))


def chosen(command: Command) -> Command:
    """The options by which a network of a spec is chosen."""
    options = (
        click.option("--variant", "-v", metavar="NAME", help="A variant of the spec."),
        to_set,
        to_input,
        click.option("--form", "layers", metavar="FORM", default="train", help="train, or deploy: as once trained."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def looking(command: Command) -> Command:
    """The options of how a figure looks."""
    options = (
        click.option("--theme", metavar="THEME", default="light", show_default=True, help="light or dark."),
        click.option("--palette", metavar="PALETTE", default="colour", show_default=True, help="colour or grey."),
        click.option("--font", metavar="FONT", default="sans", show_default=True, help="sans or serif."),
        click.option("--width", metavar="WIDTH", help="Final width, as 3.4in or 86mm: text gets 7 to 9 points."),
        click.option("--dpi", metavar="DPI", type=int, default=200, show_default=True, help="Dots per inch of a png."),
        click.option("--legend/--no-legend", default=None, help="What the colours mean. [default: if several]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


to_file = click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout.")


def graph_for(
    spec: str, variant: str | None, params: dict[str, Any], inputs: Any, layers: str, features: Any = False
) -> Graph:
    from archdsl.workspace.library import graph_of

    return graph_of(spec, variant, params, inputs, features, layers)


def result(data: str | bytes, output: str | None) -> None:
    """To FILE or stdout; binary never to a terminal."""
    from archdsl.support.output import write

    if output not in (None, "-"):
        write(Path(str(output)), data)
    elif isinstance(data, bytes) and not printable(data) and sys.stdout.isatty():
        raise fault("bad-call", "this is binary, not for a terminal", help="give -o FILE")
    else:
        deliver(data)


def printable(data: bytes) -> bool:
    return b"\0" not in data and not data.startswith(b"%PDF")


# --- commands
@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="archdsl")
def archdsl() -> None:
    """CNN architectures as YAML, compiled to PyTorch modules, source, figures and tables.

    SPEC is a file, or the bare name of a shipped spec (`archdsl list`).
    """


@archdsl.command()
@choosing
@click.option("--out", metavar="DIR", help="Folder to write into. [default: build/NAME or build/NAME-VARIANT]")
def build(spec: str, variant: str | None, params: dict[str, Any], inputs: Any, layers: str, out: str | None) -> None:
    """Check a spec, build its network, prove that it is what the spec says, print its table, write source and more."""
    from archdsl.analysis.cost import cost as cost_of
    from archdsl.commands.building import files, verified
    from archdsl.commands.checking import PROVEN
    from archdsl.support.output import write_all
    from archdsl.workspace.library import locate

    name, graph = locate(spec).stem, graph_for(spec, variant, params, inputs, layers)
    verified(graph)
    found = cost_of(graph)
    written = files(graph, found, name)
    folder = Path(out) if out else Path("build") / "-".join(filter(None, (name, variant)))
    write_all(folder, written)
    show_cost(found)
    say(f"\nproven: {PROVEN}")
    say(f"wrote {folder}{os.sep}: {', '.join(list_files(written))}")


def list_files(written: dict[str, str | bytes]) -> list[str]:
    """Names for one line: the blocks counted."""
    blocks = [name for name in written if "/" in name]
    return [name for name in written if "/" not in name] + ([f"{len(blocks)} figures in blocks"] if blocks else [])


@archdsl.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option(
    "--deep",
    is_flag=True,
    help="Build every variant too, in both styles of source, and prove that it is what the spec says.",
)
def check(specs: tuple[str, ...], form: str, deep: bool) -> None:
    """Check specs, every variant too, and the numbers that they expect."""
    from archdsl.commands import checking

    faults = Collector()
    for spec in specs:
        with faults.catch():
            checked = checking.check(spec, deep=deep)
            if form == "text":
                say(f"{spec}: {checked}" + (f"; proven: {checking.PROVEN}" if deep and checked.variants else ""))
    tell(faults.found, form)


def tell(found: list[Diagnostic], form: str) -> None:
    """Diagnostics as asked for: for people on stderr; for programs they are the result, on stdout."""
    if form == "text":
        if found:
            raise SpecError(*found)
        return
    from archdsl.diagnostics import rendering as render

    text = render.render_json(found) if form == "json" else render.render_github(found)
    if text:
        say(text)
    if found:
        raise Told(status_of(found))


class Told(click.ClickException):
    """The faults have been printed; only the exit status is left to say."""

    def __init__(self, status: int) -> None:
        super().__init__("")
        self.status = status

    def show(self, file: Any = None) -> None:
        """Nothing more."""


def parse_features(_: click.Context, __: click.Parameter, value: str | None) -> Any:
    """`--features-only stem,dense.stage2`, or `all` for the last map of each resolution."""
    if value is None:
        return False
    return True if value == "all" else [part.strip() for part in value.split(",") if part.strip()]


@archdsl.command()
@choosing
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
def emit(
    spec: str,
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    features: Any,
    style: str,
    target: str,
    weights: str | None,
    output: str | None,
) -> None:
    """Print a network as standalone PyTorch source, or write it as ONNX."""
    from archdsl.backends import backend

    chosen, graph = backend(target), graph_for(spec, variant, params, inputs, layers, features)
    if weights is not None and target != "onnx":
        raise fault("bad-call", f"the back end '{target}' takes no weights", help="--target onnx does")
    if style != "specialized" and target != "torch":
        raise fault("bad-call", f"the back end '{target}' has no styles", help="--target torch has")
    given = {"onnx": (weights,), "torch": (style,)}.get(target, ())
    result(chosen(graph, *given), output)


@archdsl.command()
@choosing
@click.option("--block", metavar="BLOCK", multiple=True, help="The inside of a block; several stand side by side.")
@click.option("--case", "cases", metavar="NAME=VALUE,...", multiple=True, help="A case of the block, by its arguments.")
@click.option("--level", metavar="LEVEL", default="network", show_default=True, help="network, stage or op.")
@click.option("--style", metavar="STYLE", help="strip: boxes with text; blocks: boxes that show C×H×W.")
@click.option("--orient", metavar="ORIENT", default="landscape", show_default=True, help="landscape or portrait.")
@click.option("--expand", metavar="STAGE", multiple=True, help="Open a stage into its blocks; as often as wanted.")
@click.option(
    "--format", "form", metavar="FORMAT", help="svg, pdf, png, dot, tikz or html. [default: by FILE's name, else svg]"
)
@looking
@to_file
def draw(
    spec: str,
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    block: tuple[str, ...],
    cases: tuple[str, ...],
    level: str,
    style: str | None,
    orient: str,
    expand: tuple[str, ...],
    form: str | None,
    output: str | None,
    **look: Any,
) -> None:
    """Draw a network as a strip of its stages, or a block; as html a page in which stages and blocks open and close."""
    from archdsl.backends.figures import SUFFIXES, Look, inches
    from archdsl.backends.figures import draw as drawn

    suffix = Path(output).suffix[1:].lower() if output else ""
    chosen = Look(**{**look, "width": inches(look["width"])})
    made = drawn(
        graph_for(spec, variant, params, inputs, layers),
        block=block,
        cases=cases,
        level=level,
        format=form or SUFFIXES.get(suffix, suffix) or "svg",
        style=style,
        orient=orient,
        expand=expand,
        look=chosen,
    )
    result(made, output)


@archdsl.command()
@choosing
@click.option(
    "--format", "form", metavar="FORMAT", default="text", show_default=True, help="text, md, latex, json, csv."
)
def cost(spec: str, variant: str | None, params: dict[str, Any], inputs: Any, layers: str, form: str) -> None:
    """Print the stage table and what the network costs."""
    from archdsl.analysis.cost import cost as cost_of
    from archdsl.backends.cost import FORMATS
    from archdsl.support.naming import did_you_mean

    if form not in FORMATS:
        known = f"known are {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no table format '{form}'", help=did_you_mean(form, FORMATS) or known)
    found = cost_of(graph_for(spec, variant, params, inputs, layers))
    if form == "text":
        show_cost(found)
    else:
        deliver(FORMATS[form](found))


def show_cost(found: Any) -> None:
    from archdsl.backends.cost import show

    show(found, console())


@archdsl.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...")
@click.option("--variants", is_flag=True, help="All variants of each spec, as of one alone.")
@click.option("--sort", metavar="COLUMN", help="params, macs or top1. [default: the order given]")
@click.option("--bold", is_flag=True, help="The best of each column in bold (latex, md).")
@to_set
@to_input
@click.option(
    "--format", "form", metavar="FORMAT", default="text", show_default=True, help="text, md, latex, json, csv."
)
@to_file
def table(
    specs: tuple[str, ...],
    variants: bool,
    sort: str | None,
    bold: bool,
    params: dict[str, Any],
    inputs: Any,
    form: str,
    output: str | None,
) -> None:
    """Compare networks: input, parameters, multiply-adds, published top-1."""
    from archdsl.workspace.comparison import compare, show, written

    found = compare(specs, variants=variants, sort=sort, inputs=inputs, params=params)
    if form == "text" and output is None:
        show(found, console())
    else:
        result(written(found, form, bold=bold), output)


@archdsl.command()
@click.argument("checkpoint")
@click.argument("spec", required=False)
@click.option(
    "--from",
    "reference",
    metavar="NETWORK",
    help="What the weights belong to: torchvision:NAME, timm:NAME, pytorchcv:NAME, or a file with the names in order.",
)
@click.option("--between", nargs=2, metavar="OLD NEW", help="The spec before and after an edit, instead of SPEC.")
@click.option("--key", metavar="NAME", help="The entry of CHECKPOINT that holds the weights.")
@chosen
@click.option("-o", "--output", metavar="FILE", required=True, help="Safetensors, or by its name .pth or .pt.")
def port(
    checkpoint: str,
    spec: str | None,
    reference: str | None,
    between: tuple[str, str] | None,
    key: str | None,
    variant: str | None,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    output: str,
) -> None:
    """Give a network the weights of another one, or those that it had before an edit of its spec."""
    import warnings

    if (spec is None) == (between is None) or (between and reference):
        raise fault("bad-call", "port takes CHECKPOINT SPEC [--from …] or CHECKPOINT --between OLD NEW")
    from archdsl.runtime import porting
    from archdsl.runtime.porting import listing

    network = graph_for(between[1] if between else str(spec), variant, params, inputs, layers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and of libraries: nothing that a user of archdsl can act on
        if between:
            before = porting.old_graphs(between[0], variant, params, inputs, layers)
            ported = porting.port_over_edit(checkpoint, before, network, key)
        else:
            ported = porting.port(checkpoint, network, reference, key)
    ported.save(output)
    for line in listing.of_edit(ported) if between else listing.of_pairs(ported):
        say(line)
    say(f"wrote {output}")


@archdsl.command("list")
@click.option("--variants", is_flag=True, help="A line for each variant.")
def list_(variants: bool) -> None:
    """List the shipped specs with their numbers."""
    from archdsl.commands.overview import show_specs

    show_specs(console(), variants=variants)


@archdsl.command()
@click.argument("name", required=False)
def ops(name: str | None) -> None:
    """List the primitives, or one with its fields, defaults and shapes."""
    from archdsl.commands.overview import show_op, show_ops

    if name is None:
        show_ops(console())
    else:
        show_op(name, console())


@archdsl.command()
@to_file
def schema(output: str | None) -> None:
    """Print the JSON Schema of spec files."""
    import json

    from archdsl.syntax.json_schema import build as built

    result(json.dumps(built(), indent=2, ensure_ascii=False) + "\n", output)
