"""Plots of the numbers of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from archdsl.api.options import Form
    from archdsl.ir.graph import Graph
    from archdsl.passes import PassLike
    from archdsl.workspace.library import Features, Inputs, SpecLike


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
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
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
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
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
    features_only: Features = ...,
    out_indices: Sequence[str | int] | None = ...,
    output_stride: int | None = ...,
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
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str | bytes:
    """Plot the numbers of networks: str for svg, tikz (pgfplots) and html, bytes for pdf and png.

    - `accuracy`: published top-1 accuracy `against` MACs (the default), parameters or latency. Latencies come from a
      file of `times` (`archdsl time --format json`; networks that are not in it are left out), or from a table of
      measured ops, `latency` (`archdsl time --per-op`). A line joins the networks that no other one beats.
    - `stages`: bars of the parameters, MACs and activations of each stage.
    - `receptive`: the receptive field by depth.

    A single spec stands for all its variants; with `variants`, every spec does. The other arguments are those of `draw`
    and `table`. Without `width`, a plot is as wide as a column (3.23 in). Text has 7 to 8 points, and labels without
    room are left out. Needs the package of `archdsl[plot]`.
    """
    from archdsl.backends.figures import Look, inches, plots
    from archdsl.expr.given import checked
    from archdsl.workspace.comparison import Change, flat
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.plotting import plotted
    from archdsl.workspace.settings import given

    checked("times", variants=variants, format=format, theme=theme, palette=palette, font=font, times=times)
    checked("latency", latency=latency)
    checked("width", "height", "legend", width=width, height=height, dpi=dpi, legend=legend)
    look = Look(theme, palette, font, inches(width), dpi, legend, inches(height))
    made = rewritten(features_only, form, passes, out_indices, output_stride)
    change = Change(input, given(params, set), form, made)
    found = plotted(kind, flat(specs), change, against=against, times=times, latency=latency, variants=variants)
    return plots.plot(found.data, format, look)[0]
