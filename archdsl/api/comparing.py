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
    from archdsl.workspace.library import Features, Inputs, SpecLike


def table(
    specs: SpecLike | Graph | Sequence[SpecLike | Graph],
    /,
    *,
    variants: bool = False,
    sort: Literal["params", "macs", "top1", "latency"] | None = None,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    latency: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Comparison:
    """Compare networks: input, parameters, multiply-adds, and published top-1 accuracy with its source.

    Each is a spec, `"spec@variant"`, or a Graph. A single spec stands for all its variants; with `variants`, every spec
    does. `sort` puts the smallest count, or the highest accuracy, first. The arguments that `graph` has too apply to
    each network. Numbers that were published for another network, or for another `form` of this one, are not shown.
    `latency` is the file of a latency table (`archdsl time --per-op`). `.rows` is the data; `.to_latex()`,
    `.to_markdown()`, `.to_csv()` and `.to_text()` print it.
    """
    from archdsl.expr.given import checked
    from archdsl.workspace import comparison
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.settings import given

    checked("sort", variants=variants, sort=sort)
    made = rewritten(features_only, form, passes, out_indices, output_stride)
    change = comparison.Change(input, given(params, set), form, made)
    networks = comparison.flat(specs)
    return comparison.compare(networks, change, variants=variants, sort=sort, latency=latencies(latency))


def sweep(
    spec: SpecLike,
    /,
    variant: str | Sequence[str] | None = None,
    *,
    input: Inputs | Sequence[Inputs] | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    latency: str | os.PathLike[str] | None = None,
    stages: bool = False,
    sample: int | None = None,
    seed: int = 0,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> list[dict[str, Any]]:
    """Count a network for every combination of settings, and return a record for each, for `pandas.DataFrame`.

    A list, a range or an array given for `variant`, `input` or a param holds the values to try; for a param that is
    itself a list, give a list of lists. `set` has values for parts of the spec by path: `{"dense.stage3.layers": [8,
    12]}`. `sample` draws this many settings at random.

    A record has the setting, `params`, `macs`, `peak_bytes` and `receptive_field`, with `stages` the shape of each
    stage, and for an invalid setting no counts, but the `code` and `message` of its error. Thousands of settings are
    counted per second, because they are counted together.

    With `latency`, the file of a latency table (`archdsl time --per-op`), a record also has `latency_ms`. Each setting
    is then made into a graph of its own, which takes longer. If ops are not in the table, `SpecError` names each once.
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
        latency=latencies(latency),
    )
    return [row for rows in chunks(found, found.space.places(sample, seed)) for row in rows]


def diff(
    before: SpecLike | Graph, after: SpecLike | Graph, /, *, latency: str | os.PathLike[str] | None = None
) -> Difference:
    """Return what changed from the network `before` to the network `after`.

    Each is a spec, `"spec@variant"`, or a Graph (`archdsl.graph("peleenet", growth=24)`). Parts are matched by
    structure, whatever their names and positions. The result has `.changes` in the words of a paper, `.rows` of the
    stage table, `.weights` and `.is_empty`; `.to_text()`, `.to_markdown()`, `.to_latex()` and `.to_json()` print it.
    With `latency`, the file of a latency table (`archdsl time --per-op`), latencies are compared too.
    """
    from archdsl.workspace import difference

    return difference.diff(before, after, latencies(latency))
