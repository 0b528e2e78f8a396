"""From what a user names to a Spec and a Graph: a path, the bare name of a shipped spec, a dict."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.expr.given import checked, is_path, known_word, shown
from archdsl.ir.graph import Graph
from archdsl.ir.seal import refuse_edited
from archdsl.ops.base import FORM
from archdsl.support.naming import did_you_mean
from archdsl.support.paths import is_file, is_folder, is_there, kind
from archdsl.support.resources import SPECS, spec_folders
from archdsl.syntax.patches.settings import NO_PATCHES, Patches
from archdsl.syntax.spec import Spec
from archdsl.workspace.settings import patches_in

if TYPE_CHECKING:
    from archdsl.passes import PassLike
    from archdsl.passes.pipeline import Rewriting

SUFFIX = ".yaml"

OFFERED = frozenset({"in_chans", "global_pool"})  # what the class of a classifier takes beside the params of its spec
SpecLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
Stamp: TypeAlias = "tuple[int, int] | None"
Features: TypeAlias = "Sequence[str | int] | bool"
Inputs: TypeAlias = "Sequence[int] | Mapping[str, Sequence[int]]"


def shipped(folder: str = SPECS[0]) -> list[str]:
    """The bare names of the specs that come with archdsl in one of the folders `SPECS`."""
    return sorted(path.stem for path in spec_folders()[folder].glob(f"*{SUFFIX}"))


def all_shipped() -> list[str]:
    """The bare names of all specs that come with archdsl, folder by folder."""
    return [name for folder in SPECS for name in shipped(folder)]


def read(spec: SpecLike, files: dict[Path, Stamp] | None = None, patches: Patches = NO_PATCHES) -> Spec:
    """A spec, read and checked as far as that goes without numbers; `files` takes note of what was read.

    `patches` are laid on it, as those of a file that extends it.
    """
    from archdsl.yaml.located import open_source

    given = in_memory(spec)
    if given is not None:
        return read_from(given, None, patches=patches)
    path = locate(spec)

    def load(path: Path) -> Source:
        if files is not None:
            files[path] = stamp(path)
        return open_source(path)

    return read_from(load(path), path, load, patches)


def in_memory(spec: SpecLike) -> Source | None:
    """The text of a spec that is no file: of a dict, or YAML as text, which has more than one line."""
    from archdsl.yaml.located import from_python

    if isinstance(spec, Mapping):
        return from_python(dict(spec))
    return Source("<text>", spec) if isinstance(spec, str) and "\n" in spec else None


def read_from(
    source: Source,
    base: Path | None,
    load: Callable[[Path], Source] | None = None,
    patches: Patches = NO_PATCHES,
    *,
    brief: bool = False,
    shipped: tuple[Path, ...] | None = None,
) -> Spec:
    """A spec from its text; if that cannot be read whole, the faults of names and numbers in the rest are told too.

    Those of numbers in all variants, or `brief`ly in one. `shipped` is as for `read_spec`.
    """
    from archdsl.analysis.partial import numbers_before
    from archdsl.lowering.entry import UnsoundError, lower, lower_blocks
    from archdsl.syntax.reading.spec_file import UnreadError, read_spec
    from archdsl.yaml.located import open_source

    try:
        return read_spec(source, base=base, load=load or open_source, patches=patches, shipped=shipped)
    except UnreadError as error:
        if error.rest is None:
            raise
        found, rest = Collector(list(error.diagnostics)), error.rest
        sound: tuple[str, ...] = ()
        try:
            lower(rest) if rest.stages else lower_blocks(rest)
        except UnsoundError as further:
            found.found += further.diagnostics
            sound = further.sound if error.countable else ()
        except SpecError as further:
            found.found += further.diagnostics
        found.found += numbers_before(rest, sound, brief=brief)
        raise SpecError(*found.ordered()) from None


def stamp(path: Path) -> Stamp:
    """What tells that a file has changed; nothing if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def graph_of(
    spec: SpecLike | Graph,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Inputs | None = None,
    rewriting: Rewriting | None = None,
) -> Graph:
    """The graph of a spec, rewritten; a Graph is its own, unless it was edited."""
    if isinstance(spec, Graph):
        if (
            variant is not None
            or params
            or patches_in(params)
            or inputs is not None
            or rewriting not in (None, rewritten())
        ):
            raise fault(
                "bad-call",
                "a Graph is already a specific network",
                help="give the variant, params and input with the spec",
            )
        refuse_edited(spec)
        return spec
    return elaborated(read(spec, patches=patches_in(params, variant)), variant, params, inputs, rewriting)


def asks_beside(spec: Spec, params: Mapping[str, Any]) -> bool:
    """Whether a call gives what is beside the params of a spec, or a 0 that may ask for no classes."""
    others = params.keys() - spec.params.keys()
    zero = any(name in spec.params and type(value) is int and value == 0 for name, value in params.items())
    return zero or bool(others & OFFERED)


def elaborated(
    spec: Spec,
    variant: str | None,
    params: Mapping[str, Any] | None,
    inputs: Inputs | None,
    rewriting: Rewriting | None = None,
) -> Graph:
    """The graph of a spec that has been read; `params` may be what the class of a classifier takes beside its own."""
    from archdsl.passes import pipeline

    if asks_beside(spec, params or {}):
        from archdsl.workspace.beside import graph_beside

        return graph_beside(spec, variant, params or {}, inputs, rewriting)
    return pipeline.graph_of(spec, variant, params, inputs, rewriting)


def rewritten(
    features: Features = False,
    form: str = "train",
    passes: Sequence[PassLike] = (),
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    style: str = "specialized",
) -> Rewriting:
    """What a call asks to be done to a network: a backbone, the passes of its form, then further ones, dilations."""
    from archdsl.passes import DEPLOYED, chosen
    from archdsl.passes.output_stride import expect_stride
    from archdsl.passes.pipeline import Rewriting

    checked("out_indices", features_only=features, form=form, out_indices=out_indices)
    if out_indices is not None:
        if features is not True:
            message = "out_indices chooses among the maps of a backbone"
            raise fault("bad-call", message, help="give features_only=True with it, or the maps as features_only=[...]")
        features = out_indices
    known_word("form", form, FORM.choices)
    if output_stride is not None:
        expect_stride(output_stride)
    trained = DEPLOYED if form == "deploy" else ()
    return Rewriting(
        features if isinstance(features, bool) else tuple(features),
        (*chosen(trained), *chosen(passes)),
        output_stride,
        output_stride is not None and style == "parametric",
    )


def weighted_as(form: str) -> tuple[str, ...]:
    """The passes that make the network whose weights a checkpoint of a form holds: its norms are not folded."""
    known_word("form", form, FORM.choices)
    return ("deploy",) if form == "deploy" else ()


def locate(spec: SpecLike) -> Path:
    """The file meant: one that exists, or else a shipped spec of that name."""
    if isinstance(spec, Mapping) or not is_path(spec):
        raise fault("bad-call", f"a spec is a path, a name, a text or a dict, not {shown(spec)}")
    text = os.fspath(spec)
    if "\0" in text:
        raise fault("missing-file", f"there is no file {text!r}")
    path = Path(text)
    if is_there(path) and not is_folder(path):
        return path
    if isinstance(spec, str) and path.name == text:
        for folder in spec_folders().values():
            if is_file(named := folder / f"{text}{SUFFIX}"):
                return named
    raise missing(text, path)


def missing(text: str, path: Path) -> SpecError:
    """What to say of a spec that is not there."""
    names = all_shipped()
    if is_folder(path):
        hint = near(path, "") or did_you_mean(path.name, names)
        return fault("missing-file", f"'{text}' is a folder, not a spec", help=hint)
    if os.path.lexists(path):
        return fault("missing-file", f"'{text}' is not a file: {kind(path)}")
    if path.suffix or path.parent != Path():
        bare = f"'{path.stem}' is a shipped spec: give its bare name" if path.stem in names else ""
        hint = near(path.parent, path.name) or bare or did_you_mean(path.stem, names)
        return fault("missing-file", f"there is no file '{text}'", help=hint)
    here = [item.name for item in Path().glob(f"*{SUFFIX}")]
    hint = did_you_mean(text, [*here, *names])
    known = f"the shipped specs are {', '.join(names)}"
    return fault(
        "unknown-spec",
        f"there is no spec '{text}', neither here nor among the shipped ones",
        help=hint or known,
    )


def near(where: Path, name: str) -> str:
    """A hint at a spec in the folder."""
    here = sorted(item.name for item in where.glob(f"*{SUFFIX}")) if is_folder(where) else []
    if not name:
        return f"there are {', '.join(here[:5])} in it" if here else ""
    return did_you_mean(name, here)


__all__ = [
    "Features",
    "Inputs",
    "SpecLike",
    "all_shipped",
    "graph_of",
    "in_memory",
    "locate",
    "read",
    "rewritten",
    "shipped",
    "weighted_as",
]
