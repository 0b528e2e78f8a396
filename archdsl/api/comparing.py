"""Several networks beside one another: in a table, in every setting, before and after an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from archdsl.api.options import latencies

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from archdsl.analysis.difference import Difference
    from archdsl.api.options import Form
    from archdsl.ir.graph import Graph
    from archdsl.passes import PassLike
    from archdsl.workspace.comparison import Comparison
    from archdsl.workspace.library import Inputs, SpecLike


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
    from archdsl.workspace.settings import given

    checked("sort", variants=variants, sort=sort)
    return comparison.compare(
        comparison.flat(specs),
        variants=variants,
        sort=sort,
        inputs=input,
        params=given(params, set),
        layers=form,
        passes=passes,
        latency=latencies(latency),
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

    return difference.diff(before, after, latencies(latency))
