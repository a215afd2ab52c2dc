"""The writer of the journal as a program: it may be killed anywhere, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from model.journal import END, FULL, Writer, record

from appliance.journal import Journal, JournalError, JournalWriter, Tap, Taps, verify
from appliance.native import abi_hash, library
from appliance.programs import installed

NOTE, PACKET = 13, 2
FEED, DECISION, CONTROL = 0, 2, 4
SMALL = 1 << 16
RINGS = {FEED: SMALL, DECISION: SMALL, CONTROL: 4096}
PATIENCE_S = 20.0


@contextmanager
def writing(directory: Path, segment_bytes: int = SMALL, sync_s: float = 1.0) -> Iterator[JournalWriter]:
    """Start a writer with small rings and segments."""
    writer = JournalWriter.start(directory, RINGS, segment_bytes, sync_s)
    try:
        yield writer
    finally:
        writer.close()


def append(tap: Tap, payload: bytes, kind: int = NOTE) -> None:
    """Append, and wait for room if need be."""
    deadline = time.monotonic() + PATIENCE_S
    while not tap.append(kind, payload):
        assert time.monotonic() < deadline
        time.sleep(0.0002)


def written(directory: Path, stream: int) -> list[bytes]:
    """Return what a whole journal holds of a stream; its numbers go up from 1 by one."""
    report = verify(directory)
    assert report.is_whole, [str(finding) for finding in report.findings]
    records = list(Journal(directory).records(streams=[stream]))
    assert [found.number for found in records] == list(range(1, len(records) + 1))
    return [found.payload for found in records]


def payload_of(number: int) -> bytes:
    """Return a payload of any length that its number decides."""
    return number.to_bytes(4, "little") * (number * 7 % 60)


def test_what_three_streams_append_stands_in_the_files_over_many_segments(tmp_path: Path) -> None:
    sent: dict[int, list[bytes]] = {FEED: [], DECISION: [], CONTROL: []}
    with writing(tmp_path) as writer:
        taps = {stream: writer.tap(stream) for stream in sent}
        for number in range(4000):
            stream = (FEED, DECISION, FEED, CONTROL)[number % 4]
            append(taps[stream], payload_of(number))
            sent[stream].append(payload_of(number))
        assert writer.stop().state == "stopped"
        assert writer.state.synced[FEED] == len(sent[FEED])
        assert writer.state.records == 4000
    for stream, payloads in sent.items():
        assert written(tmp_path, stream) == payloads
    assert verify(tmp_path).segments > 4
    assert verify(tmp_path).findings == []
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"journal-{number:06}.seg" for number in range(1, len(names) + 1)]  # and nothing else


def test_the_files_are_those_of_the_contract_byte_for_byte(tmp_path: Path) -> None:
    with writing(tmp_path, segment_bytes=32768) as writer:
        tap = writer.tap(FEED)
        records = [(PACKET, FEED, payload_of(number)) for number in range(600)]
        for kind, _, payload in records:
            while not tap.append(kind, payload, cycles=0):
                time.sleep(0.001)
        writer.stop()
    model = Writer(abi_hash(), size=32768)
    seal_bytes = 32 + 88
    for file in sorted(tmp_path.iterdir()):
        text = file.read_bytes()
        wall_ns = int.from_bytes(text[120:128], "little")
        taken = end = 0
        end = 320
        while taken < len(records) and end + len(record(0, 0, 0, records[taken][2])) + seal_bytes <= 32768:
            end += len(record(0, 0, 0, records[taken][2]))
            taken += 1
        segment, records = records[:taken], records[taken:]
        assert text == model.segment(segment, FULL if records else END, wall_ns)
    assert not records


def test_numbers_go_on_when_writer_and_producers_are_new(tmp_path: Path) -> None:
    """Other rings, and the same journal."""
    for run in range(4):
        with writing(tmp_path) as writer:
            tap = writer.tap(FEED)
            for number in range(100):
                assert tap.append(NOTE, payload_of(100 * run + number)) == 100 * run + number + 1
            writer.stop()
    assert written(tmp_path, FEED) == [payload_of(number) for number in range(400)]
    assert verify(tmp_path).segments == 4  # each was sealed at its end


def test_a_producer_that_is_killed_is_followed_by_one_that_knows_its_number(tmp_path: Path) -> None:
    """Whether its last records are in the ring still, or in the file."""
    with writing(tmp_path) as writer:
        expected = 1
        for turn in range(12):
            if turn % 3 == 0:
                assert writer.process is not None
                writer.process.send_signal(signal.SIGSTOP if turn % 2 else signal.SIGCONT)
            child = os.fork()
            if not child:
                tap = writer.taps.open(FEED)
                for number in range(turn + 1):
                    tap.append(NOTE, payload_of(expected - 1 + number))
                os.kill(os.getpid(), signal.SIGKILL)
            os.waitpid(child, 0)
            expected += turn + 1
            tap = writer.taps.open(FEED)
            assert tap.append(NOTE, payload_of(expected - 1)) == expected
            tap.close()
            expected += 1
        assert writer.process is not None
        writer.process.send_signal(signal.SIGCONT)
        writer.stop()
    assert written(tmp_path, FEED) == [payload_of(number) for number in range(expected - 1)]


def test_a_writer_killed_twenty_times_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    print(f"seed {seed}")
    with writing(tmp_path, sync_s=0.01) as writer:
        taps = [writer.tap(FEED), writer.tap(DECISION)]
        counts = [0, 0]
        for _ in range(20):
            until = time.monotonic() + dice.random() * 0.08
            while time.monotonic() < until:
                for which, tap in enumerate(taps):
                    if tap.append(NOTE, payload_of(counts[which])):
                        counts[which] += 1
            writer.kill()
            for which, tap in enumerate(taps):  # the ring takes what comes meanwhile
                for _ in range(5):
                    counts[which] += bool(tap.append(NOTE, payload_of(counts[which])))
            writer.restart()
        state = writer.stop()
        assert state.state == "stopped", state
    for stream, count in zip((FEED, DECISION), counts, strict=True):
        assert written(tmp_path, stream) == [payload_of(number) for number in range(count)]
    assert sum(counts) > 2000


def test_rings_of_a_killed_control_plane_are_emptied(tmp_path: Path) -> None:
    """Its end is the writer's; but first all that was accepted goes into the file."""
    child = os.fork()
    if not child:
        writer = JournalWriter.start(tmp_path, RINGS, SMALL)
        assert writer.process is not None
        (tmp_path / "pid").write_text(str(writer.process.pid))
        tap = writer.tap(FEED)
        for number in range(5000):
            append(tap, payload_of(number))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    pid = int((tmp_path / "pid").read_text())
    (tmp_path / "pid").unlink()
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}/exe").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert written(tmp_path, FEED) == [payload_of(number) for number in range(5000)]
    assert verify(tmp_path).findings == []


def test_a_writer_that_is_told_to_stop_waits_for_the_producers(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        child = os.fork()
        if not child:
            tap = writer.taps.open(FEED)
            for number in range(50):
                append(tap, payload_of(number))
                time.sleep(0.01)
            tap.close()
            os._exit(0)
        while not writer.state.written[FEED]:
            time.sleep(0.001)
        assert writer.stop().state == "stopped"
        os.waitpid(child, 0)
    assert written(tmp_path, FEED) == [payload_of(number) for number in range(50)]


def test_a_stream_without_a_writer_is_not_opened(tmp_path: Path) -> None:
    taps = Taps(RINGS, SMALL)
    with pytest.raises(JournalError, match="no writer has read the journal yet"):
        taps.open(FEED)
    taps.close()
    with writing(tmp_path) as writer:
        for stream in (1, 7, 8, 1 << 31):
            with pytest.raises(JournalError, match="no such stream"):
                writer.taps.open(stream)


def test_without_a_writer_a_ring_fills_and_each_refusal_is_counted(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        tap = writer.tap(CONTROL)
        writer.kill()
        taken = 0
        while tap.append(NOTE, bytes(88)):
            taken += 1
        # 8 of the ring, 32 of the header, 88: 32 records of 4096 bytes.
        assert taken == 32
        assert not tap.append(NOTE, b"")
        assert writer.taps.refused(CONTROL) == 2
        assert not tap.append(NOTE, bytes(2000))  # longer than a quarter of the ring: never
        writer.restart()
        append(tap, b"there is room again")
        writer.stop()
    assert written(tmp_path, CONTROL) == [bytes(88)] * 32 + [b"there is room again"]


def test_two_writers_of_one_journal_there_are_not(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(JournalError, match="another writer has this journal"):
        JournalWriter.start(tmp_path, RINGS, SMALL)


@pytest.mark.parametrize("segment_bytes", [0, 4096, 8192, SMALL - 1, SMALL + 8])
def test_segments_that_cannot_hold_a_record_are_refused(tmp_path: Path, segment_bytes: int) -> None:
    with pytest.raises(JournalError, match="multiple of 4096"):
        JournalWriter.start(tmp_path, RINGS, segment_bytes)


def test_rings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for size in (1, 4095, 5000, 1 << 40):
        with pytest.raises(JournalError, match="power of two"):
            JournalWriter.start(tmp_path, {FEED: size})


def test_a_core_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="core 4000"):
        JournalWriter.start(tmp_path, RINGS, SMALL, core=4000)


def test_a_ring_that_somebody_wrote_over_stops_the_writer(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        tap = writer.tap(FEED)
        append(tap, b"good")
        while not writer.state.written[FEED]:
            time.sleep(0.001)
        library().api_journal_tap_close(tap.handle)
        tap.handle = None
        other = writer.taps.open(FEED)
        writer.kill()
        other.append(NOTE, b"fine")
        # Its header lies behind 8 bytes of the ring, and the number at 8 of it: 2 becomes 9.
        at = writer.taps._memory.find(b"fine") - 32
        writer.taps._memory[at + 8] = 9
        with pytest.raises(JournalError, match="stream 0: record 9 where 2 comes next"):
            writer.restart()
        other.close()
        assert writer.stop().state == "failed"
    assert written(tmp_path, FEED) == [b"good"]


def test_the_program_says_what_it_needs() -> None:
    path = installed("journal-writer")
    for words in ([], ["--taps", "x", "--directory", "/tmp"], ["--taps", "0", "--directory", "/tmp"]):
        done = subprocess.run(
            [path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.startswith("journal-writer: ")
        assert done.stderr.count("\n") == 1
