"""Tables of what a journal holds: a row a record, a column a member of the contract's structs.

The kinds whose payload the contract lays down (executions, orders, intents, commands, packets, sessions) get
the columns of that struct; of the others, and of what follows a struct, the bytes stand in hexadecimal.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from appliance.errors import printable
from appliance.journal.errors import JournalError
from appliance.journal.names import kind_name
from appliance.journal.reader import Journal, chosen
from appliance.journal.segment import Segment
from appliance.native import dtype

# Kind -> the struct its payload begins with, and whether bytes follow it.
_LAYOUTS = {
    "session": ("journal_session", False),
    "packet": ("journal_packet", True),
    "command": ("journal_command", False),
    "execution": ("journal_execution", False),
    "order": ("journal_order", True),
    "intent": ("intent", False),
}
_HEADER = ("kind", "stream", "number", "cycles")
_ROWS_AT_ONCE = 1 << 16

Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of record."""

    kind: int
    struct: npt.DTypeLike | None
    has_tail: bool

    @classmethod
    def of(cls, kind: int) -> Layout:
        """Return the layout of a kind; one that the contract does not lay down is bytes alone."""
        struct, has_tail = _LAYOUTS.get(kind_name(kind), (None, True))
        return cls(kind, dtype(struct) if struct else None, has_tail)

    @property
    def struct_bytes(self) -> int:
        """How many bytes of a payload the struct takes."""
        return np.dtype(self.struct).itemsize if self.struct is not None else 0


def tables(journal: Journal, kind: int) -> Iterator[Columns]:
    """Return the records of one kind, some at a time, as columns of equal length."""
    layout = Layout.of(kind)
    for segment in journal.segments():
        offsets, headers = chosen(segment, kinds=[kind])
        if len(offsets) and layout.struct is not None and not segment.is_of_this_build:
            raise JournalError(
                f"{printable(segment.path.name)}: another build wrote it, and may have laid out "
                f"{kind_name(kind)} records otherwise: export with that build, or show them as bytes"
            )
        for start in range(0, len(offsets), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            yield _columns(segment, layout, offsets[some], headers[some])


def _columns(
    segment: Segment, layout: Layout, offsets: npt.NDArray[np.uint64], headers: npt.NDArray[Any]
) -> Columns:
    least = layout.struct_bytes
    wrong = np.flatnonzero(headers["bytes"] < least if layout.has_tail else headers["bytes"] != least)
    if len(wrong):
        at, size = int(offsets[wrong[0]]), int(headers["bytes"][wrong[0]])
        raise JournalError(
            f"{printable(segment.path.name)}: byte {at:,}: a record of kind {kind_name(layout.kind)} has "
            f"{size} bytes, and should have {least}{' or more' if layout.has_tail else ''}"
        )
    columns: Columns = {"segment": np.full(len(offsets), segment.number, np.uint64), "offset": offsets}
    columns |= {name: headers[name] for name in _HEADER}
    if layout.struct is not None:
        columns |= dict(_flattened("", segment.payloads(offsets, layout.struct)))
    if layout.has_tail:
        sizes = headers["bytes"].astype(np.int64)
        tails = [
            segment.payload(int(at), int(size))[least:].hex() for at, size in zip(offsets, sizes, strict=True)
        ]
        columns["tail" if layout.struct is not None else "payload"] = np.array(tails, dtype=object)
    return columns


def _flattened(prefix: str, records: npt.NDArray[Any]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Return (name, column) of each member, inner ones behind a dot; what is reserved is left out."""
    for name in records.dtype.names or ():
        column = records[name]
        if name.startswith("reserved"):
            continue
        if column.dtype.names:
            yield from _flattened(f"{prefix}{name}.", column)
        elif column.ndim > 1:
            rows = np.ascontiguousarray(column)
            yield prefix + name, np.array([row.tobytes().hex() for row in rows], dtype=object)
        elif column.dtype.kind == "S":
            yield prefix + name, np.array([_text(value) for value in column.tolist()], dtype=object)
        else:
            yield prefix + name, column


def _text(value: bytes) -> str:
    return value.decode("ascii", errors="backslashreplace").rstrip()


def write_csv(journal: Journal, kind: int, to: IO[str], shown: Callable[[int], None]) -> int:
    """Write one kind of record as CSV with a row of names, and return how many there were."""
    writer = csv.writer(to, lineterminator="\n")
    rows = 0
    for columns in tables(journal, kind):
        if not rows:
            writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
        rows += len(columns["offset"])
        shown(rows)
    return rows


def write_parquet(journal: Journal, kind: int, to: Path, shown: Callable[[int], None]) -> int:
    """Write one kind of record as a Parquet file, and return how many there were."""
    try:
        import pyarrow  # noqa: PLC0415  (needed by nobody who does not ask for it)
        import pyarrow.parquet  # noqa: PLC0415  (as above)
    except ImportError:
        raise JournalError(
            "Parquet needs pyarrow, which is not installed: pip install 'appliance[parquet]', or export CSV"
        ) from None
    writer = None
    rows = 0
    try:
        for columns in tables(journal, kind):
            table = pyarrow.table({name: pyarrow.array(column) for name, column in columns.items()})
            writer = writer or pyarrow.parquet.ParquetWriter(to, table.schema)
            writer.write_table(table)
            rows += table.num_rows
            shown(rows)
    finally:
        if writer is not None:
            writer.close()
    return rows
