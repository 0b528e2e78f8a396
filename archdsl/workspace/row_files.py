"""Files of the rows of a sweep: CSV, JSON lines, Parquet. A row is there whole or not at all, and is written once.

What a file has already is not counted again. A last line that was cut when a sweep was killed is taken away. A Parquet
file can only be written whole, so its rows gather in a file of JSON lines beside it.
"""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.support.naming import did_you_mean
from archdsl.support.output import replace, unwritable
from archdsl.support.paths import is_there
from archdsl.workspace.space import LATENCY

if TYPE_CHECKING:
    import pyarrow

    from archdsl.workspace.sweep import Row, Sweep

FORMATS = ("csv", "jsonl", "parquet")
BATCH = 10_000  # rows of a Parquet file that are held at once


def format_of(path: Path | None, form: str | None) -> str:
    """The format that is asked for, or that a file's name tells."""
    if form is not None and form not in FORMATS:
        hint = did_you_mean(form, FORMATS) or f"choose from {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no format '{form}' for rows", help=hint)
    if form is None and path is not None:
        form = path.suffix[1:].lower()
        if form not in FORMATS:
            raise fault(
                "unknown-format", f"the name '{path.name}' tells no format", help="name it .csv, .jsonl or .parquet"
            )
    if form == "parquet" and path is None:
        raise fault("bad-call", "Parquet is not for a terminal or a pipe", help="give -o FILE.parquet")
    return form or "csv"


# --- lines
class Lines(ABC):
    """How rows are written as lines of text."""

    def __init__(self, sweep: Sweep) -> None:
        self.columns = sweep.columns
        self.own = sweep.space.columns  # of the setting

    @abstractmethod
    def head(self) -> str:
        """What stands above the rows."""

    @abstractmethod
    def line(self, row: Row) -> str: ...

    @abstractmethod
    def key(self, row: Row) -> tuple[str, ...]:
        """What tells a setting from the others."""

    @abstractmethod
    def key_of(self, line: str) -> tuple[str, ...] | None:
        """The same of a line; None if it is no row of these columns."""


class Csv(Lines):
    """Comma separated, quoted where it must be; shapes as 3x224x224, lists as JSON."""

    def head(self) -> str:
        return joined(self.columns)

    def line(self, row: Row) -> str:
        return joined([cell(row[name]) for name in self.columns])

    def key(self, row: Row) -> tuple[str, ...]:
        return tuple(cell(row[name]) for name in self.own)

    def key_of(self, line: str) -> tuple[str, ...] | None:
        cells = next(csv.reader([line]), [])
        return tuple(cells[: len(self.own)]) if len(cells) == len(self.columns) else None


def joined(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def cell(value: Any) -> str:
    """A value in CSV."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and value and all(type(item) is int for item in value):
        return "x".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class JsonLines(Lines):
    """An object a line."""

    def head(self) -> str:
        return ""

    def line(self, row: Row) -> str:
        return json.dumps(row, ensure_ascii=False) + "\n"

    def key(self, row: Row) -> tuple[str, ...]:
        return tuple(json.dumps(row[name], ensure_ascii=False) for name in self.own)

    def key_of(self, line: str) -> tuple[str, ...] | None:
        try:
            row = json.loads(line)
        except ValueError:
            return None
        return self.key(row) if isinstance(row, dict) and list(row) == self.columns else None


# --- a file of lines
class RowFile:
    """A file of rows that grows; `done` has the lines of those that were there before, by setting."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self.path, self.lines = path, lines
        self.done: dict[tuple[str, ...], str] = {}
        self.file = self.opened()

    def opened(self) -> BinaryIO:
        """The file, behind its last row."""
        try:
            file = self.path.open("r+b" if is_there(self.path) else "xb")
        except OSError as error:
            raise unwritable(self.path, error) from None
        try:
            if file.readable():
                self.resume(file)
            if file.tell() == 0:
                file.write(self.lines.head().encode())
        except BaseException:
            file.close()
            raise
        return file

    def resume(self, file: BinaryIO) -> None:
        """Takes note of the rows of a file, and takes away a last one that was cut."""
        head = self.lines.head()
        whole = file.read()
        kept = whole[: whole.rfind(b"\n") + 1]
        text = kept.decode(errors="replace")
        if not text.startswith(head) and not (head.startswith(whole.decode(errors="replace")) and not kept):
            raise self.foreign(1)
        for number, line in enumerate(text[len(head) :].split("\n")[:-1], 1 + bool(head)):
            key = self.lines.key_of(line)
            if key is None:
                raise self.foreign(number)
            self.done[key] = f"{line}\n"
        if not kept and whole and not head and not whole.startswith(b"{"):
            raise self.foreign(1)
        file.seek(len(kept))
        file.truncate()

    def foreign(self, line: int) -> SpecError:
        message = (
            f"line {line} of '{self.path}' is no row of this sweep, whose columns are {', '.join(self.lines.columns)}"
        )
        return fault("bad-call", message, help="it is left as it is: write to another file")

    def has(self, row: Row) -> bool:
        """Whether the file has had a row of this setting."""
        return self.lines.key(row) in self.done

    def agrees(self, row: Row) -> bool:
        """Whether that row is this one."""
        return self.done[self.lines.key(row)] == self.lines.line(row)

    def write(self, rows: Iterable[Row]) -> None:
        """Further rows."""
        try:
            self.file.write("".join(map(self.lines.line, rows)).encode())
            self.file.flush()
        except OSError as error:
            raise unwritable(self.path, error) from None

    def finish(self) -> None:
        """All rows are there."""

    def close(self) -> None:
        self.file.close()


# --- Parquet
class ParquetFile(RowFile):
    """A Parquet file, made of the rows beside it once all are there."""

    def __init__(self, path: Path, sweep: Sweep) -> None:
        self.target, self.schema = path, schema_of(sweep)
        beside = path.with_name(f"{path.name}.jsonl")
        if is_there(path) and not is_there(beside):
            self.unpack(path, beside, JsonLines(sweep))
        super().__init__(beside, JsonLines(sweep))

    def unpack(self, path: Path, beside: Path, lines: Lines) -> None:
        """Writes the rows of a finished file as lines again."""
        from pyarrow import ArrowException, parquet

        try:
            found = parquet.ParquetFile(path)
            if not found.schema_arrow.equals(self.schema):
                raise fault("bad-call", f"'{path}' has other columns than this sweep", help="write to another file")
            with beside.open("x", encoding="utf-8", newline="\n") as file:
                for batch in found.iter_batches(BATCH):
                    file.writelines(lines.line(self.of_text(row)) for row in batch.to_pylist())
        except ArrowException as error:
            raise fault("bad-call", f"'{path}' is not a Parquet file: {error}") from None
        except OSError as error:
            raise unwritable(beside, error) from None

    def of_text(self, row: Row) -> Row:
        """A row with the values that stand as JSON in it."""
        return {name: json.loads(value) if name in self.mixed else value for name, value in row.items()}

    @property
    def mixed(self) -> set[str]:
        """The columns whose values are of several kinds, and so stand as JSON."""
        return {field.name for field in self.schema if field.metadata is not None}

    def finish(self) -> None:
        from pyarrow import RecordBatch, parquet

        self.file.flush()
        temporary = self.target.with_name(f".{self.target.name}.tmp")
        try:
            with parquet.ParquetWriter(temporary, self.schema) as writer, self.path.open(encoding="utf-8") as file:
                while rows := [json.loads(line) for _, line in zip(range(BATCH), file, strict=False)]:
                    told = [{n: json.dumps(v) if n in self.mixed else v for n, v in row.items()} for row in rows]
                    writer.write_batch(RecordBatch.from_pylist(told, self.schema))
            replace(self.target, temporary)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise unwritable(self.target, error) from None
        self.path.unlink()


def schema_of(sweep: Sweep) -> pyarrow.Schema:
    """The types of columns; one with values of several kinds has them as JSON, and says so in its metadata."""
    try:
        import pyarrow as pa
    except ImportError:
        raise fault("no-package", "Parquet is written by pyarrow", help="pip install 'archdsl[parquet]'") from None
    types: Mapping[type, Any] = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}
    shape = pa.list_(pa.int64())
    fields = []
    for axis in sweep.space.axes:
        kinds = {type(value) for value in axis.values}
        if axis.kind == "input":
            fields.append(pa.field(axis.column, shape))
        elif len(kinds) == 1 and kinds <= types.keys():
            fields.append(pa.field(axis.column, types[kinds.pop()]))
        else:
            fields.append(pa.field(axis.column, pa.string(), metadata={"json": "true"}))
    kinds_of = {"receptive_field": shape, LATENCY: pa.float64(), "code": pa.string(), "message": pa.string()}
    for name in sweep.columns[len(fields) :]:
        stage = name.startswith("stage.")
        fields.append(pa.field(name, shape if stage else kinds_of.get(name, pa.int64())))
    return pa.schema(fields)


def opened(path: Path, form: str, sweep: Sweep) -> RowFile:
    """A file for the rows of a sweep, those that it has among them."""
    if form == "parquet":
        return ParquetFile(path, sweep)
    return RowFile(path, lines_of(form, sweep))


def lines_of(form: str, sweep: Sweep) -> Lines:
    return Csv(sweep) if form == "csv" else JsonLines(sweep)
