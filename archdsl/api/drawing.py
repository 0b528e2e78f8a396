"""Figures of networks and of their blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archdsl.api.options import Form
    from archdsl.ir.graph import Graph
    from archdsl.passes import PassLike
    from archdsl.workspace.library import Features, Inputs, SpecLike


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
    from archdsl.backends.figures import Look, inches
    from archdsl.backends.figures import draw as drawn
    from archdsl.expr.given import checked
    from archdsl.workspace.comparison import flat
    from archdsl.workspace.drawing import subject
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    checked("block", "style", block=block, cases=cases, level=level, format=format, style=style)
    checked("figure", "orient", figure=figure, orient=orient, expand=expand, theme=theme, palette=palette, font=font)
    checked("width", "height", "legend", "arrange", width=width, height=height, dpi=dpi, legend=legend, arrange=arrange)
    shown = subject(
        flat(spec),
        figure,
        variant=variant,
        params=given(params, set),
        form=form,
        block=block,
        cases=cases,
        expand=expand,
    )
    look = Look(theme, palette, font, inches(width), dpi, legend, inches(height), shapes, axes)
    rewriting = rewritten(features_only, shown.form, passes, out_indices, output_stride)
    return drawn(
        [graph_of(one, variant, shown.params, input, rewriting) for one, variant in shown.networks],
        block=shown.block,
        cases=shown.cases,
        level=level,
        format=format,
        style=style,
        orient=orient,
        expand=shown.expand,
        arrange=arrange,
        look=look,
    )
