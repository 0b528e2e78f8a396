"""What was ported, in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from archdsl.ops.base import times
from archdsl.runtime.porting import Ported
from archdsl.runtime.porting.parts import Pair

NUMBER = "a number"


def of_pairs(ported: Ported) -> Iterator[str]:
    """A line for each pair, `theirs -> ours  shape`, then what told them apart and what was proven."""
    theirs = [pair.theirs or "(none)" for pair in ported.pairs]
    left, right = max(map(len, theirs), default=0), max((len(pair.ours) for pair in ported.pairs), default=0)
    for name, pair in zip(theirs, ported.pairs, strict=True):
        said = remark(pair, ported.remarks.get(pair.ours, ""))
        yield f"{name:{left}} -> {pair.ours:{right}}  {times(pair.shape) or NUMBER}{said}"
    yield from (f"dropped  {line}" for line in gathered(ported.dropped, ported.dropped))
    yield from (f"new      {line}" for line in gathered(ported.new, ported.state))
    yield ""
    yield f"{len(ported.pairs)} tensors, paired {ported.how}"
    yield from ported.notes
    if any(pair.theirs != pair.ours for pair in ported.pairs):
        yield proven(ported)


def remark(pair: Pair, done: str) -> str:
    """What is to be said of a pair, and what was done to the tensor."""
    if pair.theirs is None:
        return "  changes nothing"
    said = [done, "channels in the order of ours" if pair.order is not None else ""]
    return "".join(f"  {text}" for text in said if text)


def proven(ported: Ported) -> str:
    """What is known of the outputs."""
    if ported.proof is None:
        return "outputs were not compared; to compare them, name the network that the weights come from with --from"
    sizes = ", with the classes and channels of the checkpoint" if ported.resized else ""
    return (
        f"outputs are equal on random images{sizes}: they differ by at most {ported.proof.difference:.1e}, "
        f"{ported.proof.relative:.1e} of the largest"
    )


def of_edit(ported: Ported) -> Iterator[str]:
    """What stayed, what moved where, what is new, what was dropped: by the path of what went as one."""
    kept = [pair for pair in ported.pairs if pair.theirs == pair.ours and pair.ours not in ported.remarks]
    yield f"kept     {counted(len(kept))}"
    moves = Counter(move(pair) for pair in ported.pairs if pair.theirs != pair.ours)
    yield from (f"moved    {old} -> {new} ({counted(count)})" for (old, new), count in moves.items())
    yield from (f"changed  {key} ({text})" for key, text in ported.remarks.items())
    for key, shape in ported.changed.items():
        now = tuple(ported.state[key].shape)
        yield f"new      {key} ({times(now) or NUMBER}, before {times(shape) or NUMBER})"
    before = [*ported.dropped, *(pair.theirs for pair in ported.pairs if pair.theirs is not None)]
    new, dropped = ([key for key in side if key not in ported.changed] for side in (ported.new, ported.dropped))
    yield from (f"new      {line}" for line in gathered(new, ported.state))
    yield from (f"dropped  {line}" for line in gathered(dropped, before))


def move(pair: Pair) -> tuple[str, str]:
    """The paths that differ, without what follows them in both."""
    old, new = str(pair.theirs).split("."), pair.ours.split(".")
    while old[1:] and new[1:] and old[-1] == new[-1]:
        old.pop()
        new.pop()
    return ".".join(old), ".".join(new)


def gathered(chosen: Iterable[str], every: Iterable[str]) -> list[str]:
    """Keys as the highest paths under which all are chosen, with how many that are."""
    chosen = list(chosen)
    of_chosen, of_all = (Counter(path for key in keys for path in paths(key)) for keys in (chosen, every))
    highest = (next(path for path in paths(key) if of_chosen[path] == of_all[path]) for key in chosen)
    return [f"{path} ({counted(count)})" for path, count in Counter(highest).items()]


def paths(key: str) -> list[str]:
    """`a.b.weight` -> `a`, `a.b`, `a.b.weight`."""
    words = key.split(".")
    return [".".join(words[: count + 1]) for count in range(len(words))]


def counted(count: int) -> str:
    return f"{count} tensor" if count == 1 else f"{count} tensors"
