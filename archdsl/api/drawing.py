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
    """Draw a network, its blocks, or several networks: str, or bytes for the formats pdf, png and pptx.

    tikz is LaTeX that a paper can input, drawio (draw.io) and pptx (PowerPoint) are for editing, and html is an
    interactive page.

    At the level `network` the figure is a strip of the stages, either boxes with text (`style="strip"`, the default) or
    boxes that show resolution and channels (`"blocks"`, the default for tikz, where it is in perspective). `orient` is
    `landscape` for a figure as wide as a page and `portrait` for one as wide as a column; if None, landscape if it
    fits. `expand` names stages whose blocks are shown. `arrange="resolution"` puts the stages into rows by the
    resolution of their maps, so that an encoder goes down and a decoder up. This is the default for encoders with
    decoders and for detectors, if it fits and no more lines cross than in a strip; `arrange="strip"` always draws the
    strip.

    Several blocks are drawn side by side, and so are several `cases` of one: calls that meet conditions (`["stride=1",
    "stride=2"]`; values may read arguments and `c_in`: `"out=c_in"`), or `["all"]` calls that differ in their ops.
    Without `cases`, a block is drawn as in most of its calls. Blocks inside a block are shown open if `expand` names
    them, or all of them at the level `op`. `figure` is a figure of the paper such as `"2b"`, for which the spec gives
    the block, the cases and the variant.

    `width` is the width of the page, in inches or with a unit (`"3.4in"`, `"86mm"`), and `height` its greatest height.
    Text then has 7 to 9 points. To fit, a strip is broken into rows or turned, its tables are closed and its gaps made
    smaller; if that is not enough, `SpecError` is raised. `dpi` is for png. `legend` shows what the colours mean; if
    None, it is shown if there are several.

    `shapes="symbolic"` writes the shapes inside a block as formulas of its input and params (`2c × h/2 × w/2`), and
    `axes="hwc"` writes channels last.

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
