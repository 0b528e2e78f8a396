"""archdsl: CNN architectures as YAML, compiled to PyTorch modules, source, figures and tables.

Importing it imports neither torch nor networkx; each function imports what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from archdsl.diagnostics.faults import Diagnostic, SpecError, fault

# Imported first: a first import of the submodule later on would put it in the place of the function `graph`.
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, per_axis, times

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import torch

    from archdsl.analysis.cost import Cost, StageCost
    from archdsl.analysis.difference import Difference
    from archdsl.analysis.latency import LatencyTable
    from archdsl.passes import PassLike
    from archdsl.runtime.porting import Ported, Reference, Weights
    from archdsl.workspace.checking import Checked
    from archdsl.workspace.comparison import Comparison
    from archdsl.workspace.library import Features, Inputs, SpecLike

Form: TypeAlias = Literal["train", "deploy"]
Style: TypeAlias = Literal["specialized", "parametric"]
__version__ = "0.1.0"
# What functions give, which is imported when it is asked for.
LATE = {
    "Checked": "archdsl.workspace.checking",
    "Comparison": "archdsl.workspace.comparison",
    "Cost": "archdsl.analysis.cost",
    "Difference": "archdsl.analysis.difference",
    "StageCost": "archdsl.analysis.cost",
}


def __getattr__(name: str) -> Any:
    if name not in LATE:
        raise AttributeError(f"module 'archdsl' has no attribute '{name}'")
    return getattr(import_module(LATE[name]), name)


def graph(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Graph:
    """The network as a checked graph: `.nodes` in order of execution, `.nx` the networkx DiGraph.

    `spec` is a path, the name of a shipped spec, a dict, or YAML as text. `input` overrides C×H×W (several: by name),
    `params` the spec's params, `set` parts of the spec by their path (`set={"dense.stage3.layers": 12}`), and params
    whose names are taken here. `features_only` makes a backbone of it, whose outputs are the maps of the stages named
    (`["stem", "dense.stage2"]`), or, if true, the last map of each resolution, the largest first; `out_indices` are the
    numbers of those that are wanted, or names. With `output_stride` (8, 16, 32) no map is more times smaller than the
    image: further strides become dilations, under the same weights. `form` is `train`, or `deploy`: the network as it
    is used, with the same outputs by fewer steps. `passes` rewrite it then, one after another: names (`archdsl passes`
    lists them), or functions from a Program to a Program. A fault raises `SpecError`.
    """
    from archdsl.workspace.library import graph_of, rewritten

    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    return graph_of(spec, variant, _given(params, set), input, rewriting)


def build(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    verify: bool = False,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> torch.nn.Module:
    """The network as a torch module, in train mode, initialised as the spec says; arguments as for `graph`.

    It takes N×C×H×W tensors, one for each input of the spec. With `verify` it is proven to be its graph first: every
    module has the arguments of its node, and with the same weights the module and the graph, computed op by op, give
    the same outputs of a random input in eval mode. Raises `SpecError`, its code `differs`, if they do not.
    A classifier's class may be given what it takes beside the spec's params too: no classes (`num_classes=0` gives
    features, N×C), `in_chans`, `global_pool`.
    A backbone (`features_only`) gives a NamedTuple of maps; its state_dict is a part of the whole network's.
    """
    from archdsl.runtime import module
    from archdsl.workspace.library import rewritten

    if isinstance(spec, Graph):
        whole = graph(
            spec,
            variant,
            input=input,
            features_only=features_only,
            out_indices=out_indices,
            output_stride=output_stride,
            form=form,
            passes=passes,
            set=set,
            **params,
        )
        return module.build(whole, verify=verify)
    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    return module.build_spec(spec, variant, _given(params, set), input, rewriting, verify=verify)


def emit(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    style: Style = "specialized",
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str:
    """The same module as standalone Python source.

    Specialized, it is this one network; parametric, its class takes all params of the spec, and `VARIANTS` says
    which arguments make each variant. Both have the same state_dict keys.
    """
    from archdsl.backends import torch as torch_source
    from archdsl.expr.given import checked
    from archdsl.workspace.library import graph_of, rewritten

    checked(style=style)
    rewriting = rewritten(features_only, form, passes, out_indices, output_stride, style)
    found = graph_of(spec, variant, _given(params, set), input, rewriting)
    return torch_source.emit(found, style)


def export_onnx(
    spec: SpecLike | Graph,
    file: str | os.PathLike[str],
    /,
    variant: str | None = None,
    *,
    weights: Weights | None = None,
    any_size: bool = False,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> None:
    """Writes the network in eval mode to `file` as a checked ONNX model (float32, any batch); arguments as for `graph`.

    `weights` are a state_dict or a file with one (safetensors, or a pickle of tensors), which must fit;
    without them the network is initialised as the spec says, from seed 0. With `any_size` the height and width of the
    image are free too, or multiples of what the network divides them by. Inputs and outputs have the spec's names.
    Needs the packages of `archdsl[onnx]`. A fault raises `SpecError`, and nothing is written.
    """
    from pathlib import Path

    from archdsl.expr.given import checked
    from archdsl.runtime import onnx as onnx_export
    from archdsl.support import output

    checked("weights", file=file, weights=weights, any_size=any_size)
    whole = graph(
        spec,
        variant,
        input=input,
        features_only=features_only,
        out_indices=out_indices,
        output_stride=output_stride,
        form=form,
        passes=passes,
        set=set,
        **params,
    )
    output.write(Path(file), onnx_export.emit(whole, weights, any_size))


def cost(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    latency: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Cost:
    """Parameters, MACs, other work, memory, receptive field: in all and by stage; arguments as for `graph`.

    With the file of a latency table (`archdsl time --per-op`), its `.latency` is known too.
    """
    from archdsl.analysis import cost as counting

    table = _latencies(latency)
    if isinstance(spec, Graph) or features_only is not False or out_indices is not None or output_stride is not None:
        from archdsl.workspace.expected import with_published

        whole = graph(
            spec,
            variant,
            input=input,
            features_only=features_only,
            out_indices=out_indices,
            output_stride=output_stride,
            form=form,
            passes=passes,
            set=set,
            **params,
        )
        return counting.timed(with_published(counting.cost(whole)), table)
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.recent import cost_of

    found = cost_of(spec, variant, _given(params, set), input, rewritten(form=form, passes=passes))
    return counting.timed(found, table)


def convert(
    model: torch.nn.Module,
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    passes: Sequence[PassLike] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> torch.nn.Module:
    """A trained network, built from the same spec without passes, as passes make it: with its weights.

    In eval mode its outputs are the same. Without `passes` it is the form `deploy`: its learned groups must be
    condensed to the end, and layers whose op says so (`learned_linear`) change the outputs. Each tensor keeps its
    precision and device. Raises `SpecError` if the module is not that of the spec and variant, or has hooks, which
    would be lost.
    """
    from archdsl.expr.given import checked
    from archdsl.passes import DEPLOYED, chosen
    from archdsl.runtime import carrying

    checked(model=model)
    passes = chosen(DEPLOYED if passes is None else passes)
    return carrying.convert(model, spec, variant, _given(params, set), input, passes)


def port(
    weights: Weights,
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    reference: Reference | None = None,
    before: SpecLike | Graph | None = None,
    key: str | None = None,
    map: Mapping[str, str] | None = None,
    input: Inputs | None = None,
    form: Form = "train",
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Ported:
    """Weights of another network for this one: `.state`, `.pairs`, `.save(path)`. Pairs by structure, never by name.

    `weights` are a state_dict, a file (`.pth`, `.safetensors`) or a library's network (`"timm:NAME(pretrained=True)"`),
    `reference` the network that they belong to, as a module or by name: both are run, and their outputs must be equal
    (`.proof`). Without it the order of the file and the shapes must leave one pairing alone. `before` is the same spec
    before an edit: all that still has its place is carried over (`.new`, `.dropped`). `key` chooses an entry of a
    checkpoint, `map` gives new names for the beginnings of old ones, or for the paths of parts before the edit. The
    weights may have another number of classes (the last layer is new) or of channels of the image (the first
    convolution is summed or tiled: `.remarks`, `.notes`). `form="deploy"` is for weights of layers as once trained
    (CondenseNet's), with the norms beside them: build with `passes=["deploy"]` what takes them. Raises `SpecError`
    where it is not certain which weight is which.
    """
    from archdsl.expr.given import checked
    from archdsl.runtime import porting
    from archdsl.workspace.library import weighted_as

    checked("reference", "key", "map", weights=weights, reference=reference, key=key, map=map)
    network = graph(spec, variant, input=input, passes=weighted_as(form), set=set, **params)
    renamed = map or {}
    if before is None:
        maker = porting.maker_of(spec, variant, _given(params, set), input, form)
        return porting.port(weights, network, reference, key, maker, renamed)
    if reference is not None:
        raise fault("bad-call", "weights come from elsewhere or from before an edit, not both")
    return porting.port_over_edit(
        weights, porting.old_graphs(before, variant, _given(params, set), input, form), network, key, renamed
    )


@overload
def draw(
    spec: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    block: str | Sequence[str] | None = ...,
    cases: Sequence[str | Mapping[str, Any]] = ...,
    figure: str | None = ...,
    level: Literal["network", "stage", "op"] = ...,
    format: Literal["svg", "dot", "tikz", "drawio", "html"] = ...,
    style: Literal["strip", "blocks"] | None = ...,
    orient: Literal["landscape", "portrait"] | None = ...,
    expand: Sequence[str] = ...,
    arrange: Literal["strip", "resolution"] | None = ...,
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    shapes: Literal["numbers", "symbolic"] = ...,
    axes: Literal["chw", "hwc"] = ...,
    variant: str | None = ...,
    input: Inputs | None = ...,
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str: ...


@overload
def draw(
    spec: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    block: str | Sequence[str] | None = ...,
    cases: Sequence[str | Mapping[str, Any]] = ...,
    figure: str | None = ...,
    level: Literal["network", "stage", "op"] = ...,
    format: Literal["pdf", "png", "pptx"],
    style: Literal["strip", "blocks"] | None = ...,
    orient: Literal["landscape", "portrait"] | None = ...,
    expand: Sequence[str] = ...,
    arrange: Literal["strip", "resolution"] | None = ...,
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    shapes: Literal["numbers", "symbolic"] = ...,
    axes: Literal["chw", "hwc"] = ...,
    variant: str | None = ...,
    input: Inputs | None = ...,
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> bytes: ...


@overload
def draw(
    spec: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    block: str | Sequence[str] | None = ...,
    cases: Sequence[str | Mapping[str, Any]] = ...,
    figure: str | None = ...,
    level: Literal["network", "stage", "op"] = ...,
    format: str,
    style: Literal["strip", "blocks"] | None = ...,
    orient: Literal["landscape", "portrait"] | None = ...,
    expand: Sequence[str] = ...,
    arrange: Literal["strip", "resolution"] | None = ...,
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    shapes: Literal["numbers", "symbolic"] = ...,
    axes: Literal["chw", "hwc"] = ...,
    variant: str | None = ...,
    input: Inputs | None = ...,
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str | bytes: ...


def draw(
    spec: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    block: str | Sequence[str] | None = None,
    cases: Sequence[str | Mapping[str, Any]] = (),
    figure: str | None = None,
    level: Literal["network", "stage", "op"] = "network",
    format: str = "svg",
    style: Literal["strip", "blocks"] | None = None,
    orient: Literal["landscape", "portrait"] | None = None,
    expand: Sequence[str] = (),
    arrange: Literal["strip", "resolution"] | None = None,
    theme: Literal["light", "dark"] = "light",
    palette: Literal["colour", "grey"] = "colour",
    font: Literal["sans", "serif"] = "sans",
    width: str | float | None = None,
    height: str | float | None = None,
    dpi: int = 200,
    legend: bool | None = None,
    shapes: Literal["numbers", "symbolic"] = "numbers",
    axes: Literal["chw", "hwc"] = "chw",
    variant: str | None = None,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str | bytes:
    """A figure of the network, or of one of its blocks, as str; bytes for the formats pdf, png and pptx.

    tikz is LaTeX, which a paper can input; drawio (draw.io) and pptx (PowerPoint) are for editing; html is a page.

    At the level `network` it is a strip of the stages, in boxes with text (`style="strip"`, the default) or in boxes
    that show resolution and channels (`"blocks"`; in tikz, where it is the default, in perspective). `orient` is
    landscape for a figure as wide as a page, portrait for one as wide as a column; if None, landscape if it fits. The
    stages named in `expand` are opened into their blocks. `arrange="resolution"` puts the stages into rows by the
    resolution of their maps instead: an encoder goes down, a decoder up. This is the default for an encoder with a
    decoder and for a detector, if it fits and no more lines cross than in a strip; `arrange="strip"` draws the strip.

    Several blocks stand side by side, and so do the `cases` of one, each a call that meets conditions
    (`["stride=1", "stride=2"]`; values may read arguments and `c_in`: `"out=c_in"`). `["all"]` are the calls that
    differ in their ops. Without any, a block is drawn as most of its calls are. Blocks inside a block are open if
    `expand` names them, at the level `op` all of them.
    `figure` is a figure of the paper, as `"2b"`: the block, cases, `expand` and variant that the spec gives for it.

    `width` is that of the page, in inches or with a unit (`"3.4in"`, `"86mm"`), and `height` the most that it may be
    high. Text then has 7 to 9 points. To fit, a strip is broken into rows or turned, its tables are closed and its gaps
    made smaller; what does not fit even so raises `SpecError`. `dpi` is for png. `legend` says what the colours mean:
    if None, where there are several.

    `shapes="symbolic"` writes the shapes inside a block over what enters it and its params (`2c × h/2 × w/2`), and
    `axes="hwc"` writes channels last, here and in a strip.

    A list of networks (each a spec, `"spec@variant"`, or a Graph) is drawn side by side, with the stages of all of them
    in common rows by resolution.
    """
    from archdsl.backends import figures
    from archdsl.expr.given import checked
    from archdsl.workspace import comparison
    from archdsl.workspace.paper_figures import paper_figure

    checked("block", "style", block=block, cases=cases, level=level, format=format, style=style)
    checked("figure", "orient", figure=figure, orient=orient, expand=expand, theme=theme, palette=palette, font=font)
    checked("width", "height", "legend", "arrange", width=width, height=height, dpi=dpi, legend=legend, arrange=arrange)
    networks = [comparison.halves(one) for one in comparison.flat(spec)]
    if figure is not None:
        if len(networks) > 1:
            raise fault("bad-call", "several networks have no 'figure'", help="draw one network with it")
        first = networks[0][0]
        shown = paper_figure(first, figure, block, cases, expand)
        block, cases, expand = shown.block, shown.cases, shown.expand
        if shown.spec is not None:
            networks = [(shown.spec, None)]
        if shown.spec is not None or not isinstance(first, Graph):
            variant, params = variant or shown.variant, {**shown.params, **params}
            form = "deploy" if shown.form == "deploy" else form
    inches = figures.inches
    look = figures.Look(theme, palette, font, inches(width), dpi, legend, inches(height), shapes, axes)
    graphs = [
        graph(
            one,
            of_spec or variant,
            input=input,
            features_only=features_only,
            out_indices=out_indices,
            output_stride=output_stride,
            form=form,
            passes=passes,
            set=set,
            **params,
        )
        for one, of_spec in networks
    ]
    return figures.draw(
        graphs,
        block=block,
        cases=cases,
        level=level,
        format=format,
        style=style,
        orient=orient,
        expand=expand,
        arrange=arrange,
        look=look,
    )


@overload
def plot(
    kind: Literal["accuracy", "stages", "receptive"],
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    against: Literal["macs", "params", "latency"] | None = ...,
    times: str | os.PathLike[str] | None = ...,
    latency: str | os.PathLike[str] | None = ...,
    variants: bool = ...,
    format: Literal["svg", "tikz", "html"] = ...,
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    input: Inputs | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str: ...


@overload
def plot(
    kind: Literal["accuracy", "stages", "receptive"],
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    against: Literal["macs", "params", "latency"] | None = ...,
    times: str | os.PathLike[str] | None = ...,
    latency: str | os.PathLike[str] | None = ...,
    variants: bool = ...,
    format: Literal["pdf", "png"],
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    input: Inputs | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> bytes: ...


@overload
def plot(
    kind: Literal["accuracy", "stages", "receptive"],
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    against: Literal["macs", "params", "latency"] | None = ...,
    times: str | os.PathLike[str] | None = ...,
    latency: str | os.PathLike[str] | None = ...,
    variants: bool = ...,
    format: str = ...,
    theme: Literal["light", "dark"] = ...,
    palette: Literal["colour", "grey"] = ...,
    font: Literal["sans", "serif"] = ...,
    width: str | float | None = ...,
    height: str | float | None = ...,
    dpi: int = ...,
    legend: bool | None = ...,
    input: Inputs | None = ...,
    form: Form = ...,
    passes: Sequence[PassLike] = ...,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str | bytes: ...


def plot(
    kind: Literal["accuracy", "stages", "receptive"],
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    against: Literal["macs", "params", "latency"] | None = None,
    times: str | os.PathLike[str] | None = None,
    latency: str | os.PathLike[str] | None = None,
    variants: bool = False,
    format: str = "svg",
    theme: Literal["light", "dark"] = "light",
    palette: Literal["colour", "grey"] = "colour",
    font: Literal["sans", "serif"] = "sans",
    width: str | float | None = None,
    height: str | float | None = None,
    dpi: int = 200,
    legend: bool | None = None,
    input: Inputs | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str | bytes:
    """A plot of the numbers of networks: str for svg, tikz (pgfplots) and html, bytes for pdf and png.

    `accuracy` is the published top-1 accuracy `against` MACs (the default), parameters or latency; latencies come from
    a file of `times` (`archdsl time --format json`), where networks that it lacks are left out, or from a table of
    measured ops, `latency` (`archdsl time --per-op`). A line joins those that no other one beats. One spec alone stands
    for all its variants, with `variants` every one does. `stages` has bars of parameters, MACs and activations for each
    stage, `receptive` the receptive field by depth.

    The other arguments are those of `draw` and `table`. Without a `width` a plot is as wide as a column (3.23 in). Its
    text has 7 to 8 points; labels for which there is no room are left out. Needs the package of `archdsl[plot]`.
    """
    from archdsl.backends.figures import Look, inches, plots
    from archdsl.expr.given import checked
    from archdsl.workspace.comparison import flat
    from archdsl.workspace.plotting import plotted

    checked("times", variants=variants, format=format, theme=theme, palette=palette, font=font, times=times)
    checked("latency", latency=latency)
    checked("width", "height", "legend", width=width, height=height, dpi=dpi, legend=legend)
    look = Look(theme, palette, font, inches(width), dpi, legend, inches(height))
    found = plotted(
        kind,
        flat(specs),
        against=against,
        times=times,
        latency=latency,
        variants=variants,
        inputs=input,
        params=_given(params, set),
        layers=form,
        passes=passes,
    )
    return plots.plot(found.data, format, look)[0]


def table(
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    variants: bool = False,
    sort: Literal["params", "macs", "top1", "latency"] | None = None,
    input: Inputs | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    latency: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Comparison:
    """Networks side by side: input, parameters, multiply-adds, published top-1 with its source.

    Each is a spec, `"spec@variant"`, or a Graph. One spec alone stands for all its variants, with `variants` every one
    does. `sort` puts the least count, or the highest accuracy, first. `input` and `params` are set in each, which then
    has no published numbers; those of a form are shown in that `form`. `latency` is the file of a latency table
    (`archdsl time --per-op`). `.rows` is data; `.to_latex()`, `.to_markdown()`, `.to_csv()`, `.to_text()` write it.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace import comparison

    checked("sort", variants=variants, sort=sort)
    return comparison.compare(
        comparison.flat(specs),
        variants=variants,
        sort=sort,
        inputs=input,
        params=_given(params, set),
        layers=form,
        passes=passes,
        latency=_latencies(latency),
    )


def sweep(
    spec: SpecLike,
    /,
    variant: str | Sequence[str] | None = None,
    *,
    input: Inputs | Sequence[Inputs] | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    stages: bool = False,
    sample: int | None = None,
    seed: int = 0,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> list[dict[str, Any]]:
    """The network counted in every combination of settings: a record each, for `pandas.DataFrame`.

    A list (a range, an array) of `variant`, `input` or a param has the values to try; a param that is a list itself is
    given as a list of those. A record has the setting, then params, macs, peak_bytes and receptive_field, with `stages`
    the shape of each stage, then `code` and `message`: of the fault of a setting that cannot be, which has no counts.
    `set` has values of parts of the spec by path: `{"dense.stage3.layers": [8, 12]}`. `sample` draws so many settings
    at random. Thousands are counted in a second: a number that differs is an array.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.space import space_given
    from archdsl.workspace.sweep import chunks, sweep_of

    checked("sample", stages=stages, sample=sample, seed=seed)
    found = sweep_of(
        spec,
        space_given(variant, params, input, {} if set is None else set),
        rewritten(form=form, passes=passes),
        stages=stages,
    )
    return [row for rows in chunks(found, found.space.places(sample, seed)) for row in rows]


def diff(
    before: SpecLike | Graph, after: SpecLike | Graph, /, *, latency: str | os.PathLike[str] | None = None
) -> Difference:
    """What makes the network `after` of the network `before`: `.changes` in the words of a paper, `.rows`, `.weights`.

    Each is a spec, `"spec@variant"`, or a Graph (`archdsl.graph("peleenet", growth=24)`). Parts are matched by
    structure, whatever their names and places. `.is_empty` says whether both are the same network; `.to_text()`,
    `.to_markdown()`, `.to_latex()`, `.to_json()` write it. `latency` is the file of a latency table
    (`archdsl time --per-op`), by which latencies are compared too.
    """
    from archdsl.workspace import difference

    return difference.diff(before, after, _latencies(latency))


def show(
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    origin: bool = False,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str:
    """The spec that results, as YAML that builds the same network: with all that it extends, patches and is given.

    With `origin`, a comment behind each line names the file and line that it comes from.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace import showing

    checked(origin=origin)
    return showing.show(spec, variant, _given(params, set), origin=origin)


def specs() -> list[str]:
    """The bare names of the specs that come with archdsl; each may stand where a spec is wanted."""
    from archdsl.workspace.library import all_shipped

    return all_shipped()


def variants(spec: SpecLike, /) -> list[str]:
    """The names of the variants of a spec, in its order."""
    from archdsl.workspace.library import read

    return list(read(spec).variants)


def check(spec: SpecLike, /) -> Checked:
    """Checks a spec in all of its variants, and the numbers that it states: what `archdsl check` does.

    Raises `SpecError` with all faults that do not follow from others.
    """
    from archdsl.workspace import checking

    return checking.check(spec)


def _latencies(file: str | os.PathLike[str] | None) -> LatencyTable | None:
    """The latency table in a file."""
    from archdsl.expr.given import checked
    from archdsl.workspace.latency_file import read_latencies

    checked("latency", latency=file)
    return read_latencies(file) if file is not None else None


def _given(params: Mapping[str, Any], settings: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Params, with what `set=` says by path."""
    if settings is None:
        return params
    from archdsl.workspace.settings import given

    return given(params, settings)


def load_ops(file: str | os.PathLike[str], /) -> list[str]:
    """Runs a Python file, or the folder of a package, with classes of ops (`archdsl.Op`); gives the names of its ops.

    They are ops of this process from then on, in every spec. A file that is loaded again replaces its ops. Raises
    `SpecError`, and adds none, where the file fails or an op has the name of another one.
    """
    from archdsl.syntax import own_ops

    return own_ops.load_ops(file)


__all__ = [
    "Checked",
    "Comparison",
    "Cost",
    "Diagnostic",
    "Difference",
    "Field",
    "Graph",
    "Module",
    "Node",
    "Op",
    "OpFault",
    "Run",
    "Scope",
    "Shape",
    "Site",
    "SpecError",
    "StageCost",
    "Tensor",
    "__version__",
    "build",
    "check",
    "convert",
    "cost",
    "diff",
    "draw",
    "emit",
    "export_onnx",
    "graph",
    "load_ops",
    "per_axis",
    "plot",
    "port",
    "show",
    "specs",
    "sweep",
    "table",
    "times",
    "variants",
]
