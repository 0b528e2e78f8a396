"""`expect:` of a spec file brought up to date: what its networks come to now, written into its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from archdsl.analysis.counting import Kept, Ran, run
from archdsl.analysis.elaborate import lowered
from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.support.output import write
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.syntax.spec import DEFAULT, Spec
from archdsl.workspace.expected import TAKE_OUT, measured_on, wrong_counts, wrong_network
from archdsl.workspace.library import SpecLike, in_memory, locate, read
from archdsl.yaml.edits import with_numbers

Numbers: TypeAlias = "dict[str, dict[str, int | str]]"  # by variant, or `default`
MARK = "\ufeff"  # that some editors put in front of UTF-8


def update(spec: SpecLike) -> list[str]:
    """Writes what is no longer so in the `expect:` of a spec file; gives what it wrote, by variant.

    An accuracy is bound to its network where it was bound to none; one that was measured on another network is a
    fault, and nothing is written.
    """
    if in_memory(spec) is not None:
        raise fault("bad-call", "only a file can be brought up to date, not a dict or a text")
    path, found = locate(spec), read(spec)
    numbers = changed(found, dict(counted(found)))
    if numbers:
        write(path, rewritten(path, numbers))
    return [said(found, name, values) for name, values in numbers.items()]


def said(spec: Spec, name: str, values: Mapping[str, int | str]) -> str:
    """What was written of a network, for people."""
    published = spec.variants[name].published if name in spec.variants and "graph" in values else None
    if published is None:
        return name
    if published.top1 is None:
        return f"{name} (its published numbers are now those of {values['graph']})"
    return f"{name} (its top1, {published.top1:g}, is now that of {values['graph']})"


def counted(spec: Spec) -> Iterator[tuple[str, dict[str, int | str]]]:
    """What each network comes to of which something is stated; of all, if nothing is yet."""
    program, kept, faults = lowered(spec), Kept(), Collector()
    for variant in networks(spec):
        with faults.catch():
            ran = run(spec, program, kept, variant)
            total = ran.trace.total()
            found: dict[str, int | str] = {"params": total.params, "macs": total.macs}
            if is_published(spec, variant):
                expect_unchanged(spec, variant, total.params, total.macs)
            if fingerprinted(spec, variant):
                found["graph"] = print_of(spec, variant, ran)
            yield variant or DEFAULT, found
    faults.finish()


def networks(spec: Spec) -> list[str | None]:
    """The networks that numbers are written of."""
    forms = spec.networks()
    if not spec.expect:
        return [form for form in forms if form is not None or spec.standing() is None]
    return [form for form in forms if (form or DEFAULT) in spec.expect or fingerprinted(spec, form)]


def fingerprinted(spec: Spec, variant: str | None) -> bool:
    """Whether a network has an accuracy, or a fingerprint already."""
    stated = spec.expect.get(variant or DEFAULT)
    return bool(stated and stated.graph) or is_published(spec, variant)


def is_published(spec: Spec, variant: str | None) -> bool:
    """Whether numbers of a variant were published."""
    return variant is not None and spec.variants[variant].published is not None


def expect_unchanged(spec: Spec, variant: str | None, params: int, macs: int) -> None:
    """Raises where a network has other counts than the one that its accuracy was measured on."""
    stated = spec.expect.get(variant or DEFAULT)
    wrong = [] if stated is None else wrong_counts(spec, variant, stated, params, macs)
    if wrong:
        note = measured_on(spec, variant)
        raise SpecError(*(replace(item, notes=(note,), help=TAKE_OUT) for item in wrong))


def print_of(spec: Spec, variant: str | None, ran: Ran) -> str:
    """The fingerprint of a network; raises where an accuracy is that of another one."""
    found = ran.fingerprint()
    if is_published(spec, variant):
        wrong = wrong_network(spec, variant, spec.expect.get(variant or DEFAULT), lambda: found, top1=False)
        if wrong:
            raise SpecError(*wrong)
    return found


def changed(spec: Spec, numbers: Numbers) -> Numbers:
    """Those that the spec does not state yet; of an entry that it has only the words that it has, and the graph."""
    found: Numbers = {}
    for name, values in numbers.items():
        stated = spec.expect.get(name)
        words = {word: getattr(stated, word) for word in values} if stated else dict.fromkeys(values)
        new = {
            word: value
            for word, value in values.items()
            if words[word] != value and (stated is None or words[word] is not None or word == "graph")
        }
        if new:
            found[name] = new
    return found


def rewritten(path: Path, numbers: Numbers) -> bytes:
    """The file with these numbers in it, which was read again to see that it says them."""
    raw = path.read_bytes().decode("utf-8")
    text = with_numbers(raw.removeprefix(MARK), "expect", numbers)
    try:
        again = read_spec(Source(str(path), text), base=path).expect
        sound = all(
            getattr(again[name], word) == value for name, part in numbers.items() for word, value in part.items()
        )
    except (SpecError, KeyError):
        sound = False
    if not sound:
        said = "; ".join(f"{name}: {values}" for name, values in numbers.items())
        raise fault("cannot-write", f"expect: of '{path}' cannot be edited as it is written", help=f"write {said}")
    return (MARK * raw.startswith(MARK) + text).encode()
