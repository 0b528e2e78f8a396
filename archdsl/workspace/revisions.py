"""A spec as it was at a revision of git, with the files that it names. Nothing is checked out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.support.paths import is_folder
from archdsl.syntax.patches.settings import NO_PATCHES, Patches
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import read_from
from archdsl.yaml.located import MAX_BYTES, open_source

SUFFIXES = (".yaml", ".yml")
FILES = (b"100644", b"100755")  # the modes of files that are no links
HEAD = "HEAD"
RANGE = ".."


def revisions(text: str) -> tuple[str, str | None]:
    """`HEAD~1` and the file as it is now, or both ends of `v1..v2`."""
    before, dots, after = text.partition(RANGE)
    if after.startswith("."):
        raise fault("bad-call", f"'{text}' is not a range of revisions", help=f"write {before}..{after.lstrip('.')}")
    return before or HEAD, (after or HEAD) if dots else None


def read_at(file: Path, revision: str, patches: Patches = NO_PATCHES) -> Spec:
    """The spec of a file at a revision, with `patches` laid on it. Raises `SpecError`."""
    folder = next((up for up in Path(os.path.abspath(file)).parents if is_folder(up)), Path())  # noqa: PTH100
    root = Path(git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    path = Path(os.path.realpath(file.parent)) / file.name
    try:
        name = path.relative_to(root).as_posix()
    except ValueError:
        raise fault("bad-call", f"'{file}' is not in the repository at '{root}'") from None
    commit = commit_of(folder, revision)
    blobs = specs_at(root, commit)
    if name not in blobs:
        raise fault("missing-file", f"there is no file '{name}' at {revision}")
    with TemporaryDirectory(prefix="archdsl-") as place:
        return read_in(Path(os.path.realpath(place)), root, name, revision, blobs, patches)


def read_in(place: Path, root: Path, name: str, revision: str, blobs: dict[str, str], patches: Patches) -> Spec:
    """Reads a spec among those of its revision, which are laid out below a folder for as long as that takes."""
    (place / ".git").touch()  # where the project begins, for those that look for it
    for path, text in zip(blobs, contents(root, [*blobs.values()]), strict=True):
        copy = place / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(text)

    def load(path: Path) -> Source:
        inside = path.is_relative_to(place)
        return open_source(path, f"{revision}:{path.relative_to(place).as_posix()}" if inside else None)

    return read_from(load(place / name), place / name, load, patches)


def commit_of(folder: Path, revision: str) -> str:
    """The commit that is meant."""
    if not revision.startswith("-"):
        try:
            return git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
        except SpecError:
            pass
    raise fault("bad-call", f"there is no revision '{revision}'", help="for example --rev HEAD~1, or --rev main..HEAD")


def specs_at(root: Path, commit: str) -> dict[str, str]:
    """The files that may be specs at a commit, and where git has what is in them; no links."""
    found = {}
    for entry in git(root, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0"):
        described, _, raw = entry.partition(b"\t")
        path = raw.decode(errors="surrogateescape")
        if described[:6] in FILES and path.endswith(SUFFIXES) and ".." not in PurePosixPath(path).parts:
            _, _, blob, size = described.split()
            if int(size) <= MAX_BYTES:
                found[path] = blob.decode()
    return found


def contents(root: Path, blobs: Sequence[str]) -> Iterator[bytes]:
    """What is in some files."""
    answer = git(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode())
    place = 0
    for _ in blobs:
        header, _, _ = answer[place:].partition(b"\n")
        size = int(header.split()[2])
        place += len(header) + 1
        yield answer[place : place + size]
        place += size + 1


def git(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """What git says in a folder."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], input=given, capture_output=True, check=True)
    except FileNotFoundError:
        raise fault("bad-call", "there is no git here to read a revision with") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or [f"git {words[0]} fails"]
        raise fault("bad-call", said[0].removeprefix("fatal: ")) from None
    return done.stdout
