"""``appliance journal``: verified, listed, and exported as tables that are compared with what was written."""

from __future__ import annotations

import csv
import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from model.command import appliance, refusal
from model.journal import END, FULL, Writer

from appliance.native import abi_hash

PACKET, COMMAND, EXECUTION, ORDER, NOTE, INTENT = 2, 7, 8, 9, 13, 14


def execution(position: int, qty: int, px: int) -> bytes:
    """Return a journal_execution, written by hand: position, then struct execution."""
    fixed = struct.pack("<4I6Q", ord("E"), 70 + qty, 0, qty, px, 5, 6, 7, 8, 9)
    rest = struct.pack("<I4B8sI44x", 11, ord("B"), 0, ord("L"), ord("A"), b"SPY     ", 0)
    return struct.pack("<Q", position) + fixed + rest


def order(number: int, sent: bytes) -> bytes:
    """Return a journal_order, and the bytes that were sent."""
    fixed = struct.pack("<5IH2B8s4Q", 1, number, 0, 300, 1_234_500, 17, 1, 3, b"EORX    ", number, 4, 5, 6)
    return fixed + struct.pack("<II", len(sent), 0) + sent


def intent(number: int) -> bytes:
    """Return an intent: a book event, a signal, and what goes with them."""
    event = struct.pack("<3Q8I2HI", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0)
    signal = struct.pack("<2H2BH2I", 1, 2, 0, 3, 0, 456, 789)
    return event + signal + struct.pack("<2I2Q24x", 17, 99, number, 5)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Write a journal of two segments."""
    directory = tmp_path / "journal"
    writer = Writer(abi_hash(), size=1 << 16)
    first = [
        (EXECUTION, 2, execution(0, 100, 1_000_000)),
        (ORDER, 3, order(1, b"\x01\x02")),
        (NOTE, 4, b"a note"),
        (INTENT, 1, intent(1)),
    ]
    second = [
        (EXECUTION, 2, execution(1 << 40, 2**32 - 71, 2**64 - 1)),
        (ORDER, 3, order(2, b"")),
        (PACKET, 0, struct.pack("<QIHH", 77, 3, 1, 0) + b"abc"),
    ]
    writer.segment(first, FULL)
    writer.segment(second, END)
    writer.write(directory)
    return directory


def rows_of(directory: Path, kind: str, *words: str | Path) -> list[dict[str, str]]:
    done = appliance("journal", "export", directory, "--kind", kind, *words)
    assert done.returncode == 0, done
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_whole_journal_is_verified(journal: Path) -> None:
    done = appliance("journal", "verify", journal)
    assert done.returncode == 0
    assert done.stderr == ""
    size = sum(path.stat().st_size for path in journal.iterdir())
    assert done.stdout.splitlines() == [
        f"2 segments from number 1, 7 records, {size:,} bytes: whole",
        "  feed       up to record 1",
        "  strategy   up to record 1",
        "  decision   up to record 2",
        "  gateway    up to record 2",
        "  control    up to record 1",
    ]


def test_a_damaged_journal_is_told_and_the_status_says_so(journal: Path) -> None:
    file = journal / "journal-000002.seg"
    text = bytearray(file.read_bytes())
    text[330] ^= 1
    file.write_bytes(text)
    done = appliance("journal", "verify", journal)
    assert done.returncode == 1
    assert done.stderr == (
        "journal-000002.seg: byte 320, behind record 0: the record has another checksum than it says\n"
    )
    assert "4 records" in done.stdout
    assert "DAMAGED" in done.stdout
    assert "journal-000002.seg: byte 320" in appliance("journal", "show", journal).stderr
    assert appliance("journal", "show", journal).returncode == 2


def test_a_torn_end_is_told_and_is_fine(tmp_path: Path) -> None:
    writer = Writer(abi_hash())
    text = writer.segment([(NOTE, 0, b"whole")])
    (file,) = writer.write(tmp_path)
    file.write_bytes(text[:400] + b"torn" + text[404:])
    done = appliance("journal", "verify", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "journal-000001.seg: byte 400" in done.stdout
    assert "1 records" in done.stdout


def test_records_are_listed_in_their_order(journal: Path) -> None:
    lines = appliance("journal", "show", journal).stdout.splitlines()
    fields = [line.split() for line in lines]
    assert [line[:5] for line in fields] == [
        ["1", "320", "decision", "1", "execution"],
        ["1", "488", "gateway", "1", "order"],
        ["1", "600", "control", "1", "note"],
        ["1", "640", "strategy", "1", "intent"],
        ["2", "320", "decision", "2", "execution"],
        ["2", "488", "gateway", "2", "order"],
        ["2", "592", "feed", "1", "packet"],
    ]
    assert fields[2][6:] == ["6", "a", "note"]  # a note is text, and shown as it
    assert fields[6][6:] == ["19", (struct.pack("<QIHH", 77, 3, 1, 0) + b"abc").hex()]


@pytest.mark.parametrize(
    ("words", "offsets"),
    [
        (["--kind", "order"], ["488", "488"]),
        (["--kind", "order", "--kind", "note", "--limit", 2], ["488", "600"]),
        (["--kind", "9", "--skip", 1], ["488"]),
        (["--stream", "feed"], ["592"]),
        (["--stream", "2", "--kind", "execution"], ["320", "320"]),
        (["--kind", "session"], []),
    ],
)
def test_some_records_can_be_asked_for(journal: Path, words: list[str], offsets: list[str]) -> None:
    lines = appliance("journal", "show", journal, *words).stdout.splitlines()
    assert [line.split()[1] for line in lines] == offsets


def test_executions_become_columns(journal: Path) -> None:
    first, second = rows_of(journal, "execution")
    expected = {
        "segment": "1",
        "offset": "320",
        "kind": "8",
        "stream": "2",
        "number": "1",
        "position": "0",
        "execution.kind": "69",
        "execution.user_ref": "170",
        "execution.qty": "100",
        "execution.px": "1000000",
        "execution.match": "5",
        "execution.order_ref": "6",
        "execution.venue_ns": "7",
        "execution.sequence": "8",
        "execution.rx_cycles": "9",
        "execution.reason": "11",
        "execution.side": "66",
        "execution.state": "76",
        "execution.symbol": "SPY",
    }
    assert first | expected == first
    assert (second["position"], second["execution.px"]) == (str(1 << 40), str(2**64 - 1))
    assert (second["execution.qty"], second["execution.user_ref"]) == (str(2**32 - 71), str(2**32 - 1))
    assert not any("reserved" in name for name in first)


def test_orders_have_what_was_sent_behind_them(journal: Path) -> None:
    first, second = rows_of(journal, "order")
    assert (first["order.symbol"], first["order.px"], first["order.instrument"]) == ("EORX", "1234500", "17")
    assert (first["bytes"], first["tail"], second["bytes"], second["tail"]) == ("2", "0102", "0", "")


def test_other_kinds_become_columns_or_bytes(journal: Path) -> None:
    (row,) = rows_of(journal, "intent")
    assert (row["event.sequence"], row["event.flags"], row["signal.px"]) == ("1", "13", "456")
    assert (row["instrument"], row["last_px"]) == ("17", "99")
    (row,) = rows_of(journal, "packet")
    assert (row["rx_cycles"], row["line"], row["bytes"], row["tail"]) == ("77", "1", "3", b"abc".hex())
    (row,) = rows_of(journal, "note")
    assert row["payload"] == b"a note".hex()
    assert rows_of(journal, "session") == []


def test_a_table_can_be_a_file(journal: Path, tmp_path: Path) -> None:
    to = tmp_path / "orders.csv"
    assert rows_of(journal, "order", "--out", to) == []
    assert [row["order.number"] for row in csv.DictReader(to.open())] == ["1", "2"]


def test_a_parquet_file_holds_the_same_in_its_own_types(journal: Path, tmp_path: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    for kind in ("execution", "order", "intent", "note"):
        to = tmp_path / f"{kind}.parquet"
        rows_of(journal, kind, "--format", "parquet", "--out", to)
        table = parquet.read_table(to)
        rows = [{name: str(value) for name, value in row.items()} for row in table.to_pylist()]
        assert rows == rows_of(journal, kind)
    schema = parquet.read_schema(tmp_path / "execution.parquet")
    assert [str(schema.field(name).type) for name in ("execution.px", "execution.qty", "execution.side")] == [
        "uint64",
        "uint32",
        "uint8",
    ]


def test_parquet_without_its_library_says_what_to_do(journal: Path, tmp_path: Path) -> None:
    """A module of this name that cannot be imported stands in front."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError")
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": ":".join(paths)}
    words = ("journal", "export", journal, "--kind", "order", "--format", "parquet", "--out", tmp_path / "x")
    done = appliance(*words, environment=environment)
    assert done.returncode == 2
    assert "pip install 'appliance[parquet]'" in done.stderr


def test_payloads_of_another_size_or_build_are_refused(tmp_path: Path) -> None:
    writer = Writer(abi_hash())
    writer.segment([(EXECUTION, 2, bytes(135)), (ORDER, 3, bytes(71))], END)
    writer.write(tmp_path / "short")
    said = refusal("journal", "export", tmp_path / "short", "--kind", "execution")
    assert "byte 320: a record of kind execution has 135 bytes, and should have 136" in said
    assert "should have 72 or more" in refusal("journal", "export", tmp_path / "short", "--kind", "order")

    writer = Writer(bytes(32))
    writer.segment([(EXECUTION, 2, bytes(136)), (NOTE, 2, b"text")], END)
    writer.write(tmp_path / "other")
    assert "another build wrote it" in refusal("journal", "export", tmp_path / "other", "--kind", "execution")
    assert len(rows_of(tmp_path / "other", "note")) == 1


def test_words_that_mean_nothing_are_refused(journal: Path, tmp_path: Path) -> None:
    assert "kind 'orders': one of session, packet" in refusal("journal", "show", journal, "--kind", "orders")
    assert "stream 'x': one of feed" in refusal("journal", "show", journal, "--stream", "x")
    assert "name a file" in refusal("journal", "export", journal, "--kind", "order", "--format", "parquet")
    assert "no journal" in refusal("journal", "show", tmp_path)
    assert "No such file" in refusal("journal", "verify", tmp_path / "nowhere")
    nowhere = tmp_path / "nowhere" / "x.csv"
    assert "No such file" in refusal("journal", "export", journal, "--kind", "order", "--out", nowhere)
