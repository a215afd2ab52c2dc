"""The file port on framed ITCH, plain and in gzip, and on what is no feed file at all."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
from model import port
from model.messages import FORMATS, LENGTHS, frame, message, split

from appliance import native

RUN_BYTES = 64 << 10


def day(messages: int, seed: int = 7) -> bytes:
    """Framed messages of all types, with random bodies."""
    chance = random.Random(seed)
    kinds = sorted(FORMATS)
    bodies = (
        bytes([kind]) + chance.randbytes(LENGTHS[kind] - 1) for kind in chance.choices(kinds, k=messages)
    )
    return frame(bodies)


def whole_messages(framed: bytes) -> bytes:
    """Leave out a last message that is cut off."""
    end = 0
    while len(framed) - end >= 2:
        length = 2 + int.from_bytes(framed[end : end + 2], "big")
        if end + length > len(framed):
            break
        end += length
    return framed[:end]


@pytest.fixture(scope="module")
def feed() -> bytes:
    """Three times the window of the port."""
    return day(60_000)


def write(folder: Path, content: bytes, name: str = "feed") -> Path:
    """Write a file whose name says nothing about its format."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("in_gzip", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("load", [False, True], ids=["streamed", "loaded"])
def test_an_itch_file_comes_as_runs_of_whole_messages(
    tmp_path: Path, feed: bytes, in_gzip: bool, load: bool
) -> None:
    path = write(tmp_path, port.packed(feed) if in_gzip else feed)
    reading = port.read(path, load)
    assert reading.error is None
    assert b"".join(reading.data) == feed
    assert all(split(run) for run in reading.data)
    assert max(map(len, reading.data)) <= RUN_BYTES
    assert len(reading.frames) <= 2 * len(feed) / RUN_BYTES + 2, "runs are long, so that batches are"
    assert {(frame.kind, frame.time_ns) for frame in reading.frames} == {(port.ITCH, 0)}


def test_a_burst_is_no_longer_than_asked_for(tmp_path: Path, feed: bytes) -> None:
    path = write(tmp_path, feed)
    with port.opened(path) as opened:
        burst = opened.burst(2)
        assert isinstance(burst, list)
        assert len(burst) == 2
    assert b"".join(port.read(path, room=1).data) == feed


def test_frames_of_a_loaded_file_stay_where_they_are(tmp_path: Path, feed: bytes) -> None:
    with port.opened(write(tmp_path, feed), load=True) as opened:
        pointers = []
        while isinstance(burst := opened.burst(4), list):
            pointers += [(frame.data, frame.length) for frame in burst]
        ffi = native.ffi()
        assert b"".join(bytes(ffi.buffer(*pointer)) for pointer in pointers) == feed


def test_the_longest_framed_message_is_one_frame(tmp_path: Path) -> None:
    longest = frame([message("S", 0, 1, b"O"), b"z" + bytes(65534), message("S", 0, 2, b"C")])
    reading = port.read(write(tmp_path, longest))
    assert reading.error is None
    assert [len(run) for run in reading.data] == [14, 65537, 14]
    assert b"".join(reading.data) == longest


def test_a_file_that_starts_with_an_unknown_message_is_still_itch(tmp_path: Path) -> None:
    feed = frame([b"z" * 9, b"?", message("D", 3, 1, 77)])
    reading = port.read(write(tmp_path, feed))
    assert reading.data == [feed]
    assert reading.error is None


def test_a_length_of_zero_at_the_very_end_is_the_venues_end_mark(tmp_path: Path, feed: bytes) -> None:
    reading = port.read(write(tmp_path, feed + b"\0\0"))
    assert b"".join(reading.data) == feed
    assert reading.error is None


def test_a_message_of_length_zero_is_an_error_at_its_byte(tmp_path: Path, feed: bytes) -> None:
    path = write(tmp_path, feed + b"\0\0" + feed)
    reading = port.read(path)
    assert b"".join(reading.data) == feed
    assert reading.error == f"{path}: a message of length 0, at byte {len(feed)}; all before it is whole"


def test_a_length_of_zero_is_no_end_mark_where_the_window_ends(tmp_path: Path) -> None:
    one = frame([message("S", 0, 1, b"O")])
    before = ((512 << 10) - 2) // len(one) * one
    assert len(before) == (512 << 10) - 2, "the port reads 512 KiB at once"
    reading = port.read(write(tmp_path, before + b"\0\0" + one))
    assert b"".join(reading.data) == before
    assert f"a message of length 0, at byte {len(before)}" in (reading.error or "")


@pytest.mark.parametrize("kept", [1, 2, 3, 12])
def test_a_cut_last_message_is_reported_after_all_whole_ones(tmp_path: Path, feed: bytes, kept: int) -> None:
    path = write(tmp_path, feed + frame([message("S", 0, 1, b"C")])[:kept])
    reading = port.read(path)
    assert b"".join(reading.data) == feed
    assert reading.error is not None
    assert f"{path}: the last message, at byte {len(feed)}, is cut off after {kept} bytes" in reading.error


def test_gzip_is_read_or_refused_for_want_of_zlib(tmp_path: Path) -> None:
    feed = day(10)
    path = write(tmp_path, gzip.compress(feed))
    if port.reads_gzip():
        assert port.read(path).data == [feed]
    else:
        said = "is gzip, and this build has no zlib; unpack it first with gunzip"
        assert port.refusal(path) == f"{path}: {said}"


def test_gzip_members_one_behind_the_other_are_one_feed(tmp_path: Path, feed: bytes) -> None:
    half = len(whole_messages(feed[: len(feed) // 2]))
    packed = port.packed(feed[:half]) + port.packed(b"") + port.packed(feed[half:])
    assert b"".join(port.read(write(tmp_path, packed)).data) == feed


@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.77, 0.999, -1, -8])
@pytest.mark.parametrize("load", [False, True], ids=["streamed", "loaded"])
def test_a_gzip_that_breaks_off_gives_all_whole_messages_before(
    tmp_path: Path, feed: bytes, part: float, load: bool
) -> None:
    packed = port.packed(feed)
    kept = packed[: int(len(packed) * part) if part > 0 else int(part)]
    path = write(tmp_path, kept)
    reading = port.read(path, load)
    unpacked = zlib.decompressobj(wbits=31).decompress(kept)
    assert b"".join(reading.data) == whole_messages(unpacked)
    assert reading.error is not None
    assert reading.error.startswith(f"{path}: the gzip data breaks off at byte {len(kept)} of the file")


@pytest.mark.parametrize("kept", [2, 5, 10, 15])
def test_a_gzip_that_breaks_off_before_any_message_is_refused(tmp_path: Path, feed: bytes, kept: int) -> None:
    path = write(tmp_path, port.packed(feed)[:kept])
    assert port.refusal(path).startswith(f"{path}: the gzip data breaks off at byte {kept} of the file")


def test_damaged_gzip_is_reported_after_what_could_be_unpacked(tmp_path: Path, feed: bytes) -> None:
    packed = bytearray(port.packed(feed))
    packed[-6] ^= 1  # in the check sum
    path = write(tmp_path, bytes(packed))
    reading = port.read(path)
    assert b"".join(reading.data) == feed
    assert reading.error is not None
    assert f"{path}: the gzip data is damaged at byte " in reading.error
    path = write(tmp_path, port.packed(feed) + b"and more")
    reading = port.read(path)
    assert b"".join(reading.data) == feed
    assert "incorrect header check" in (reading.error or "")


def test_what_is_no_file_is_refused_with_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert port.refusal(missing) == f"{missing}: no such file; check the path"
    assert port.refusal(tmp_path / "feed" / "x").endswith("no such file; check the path")
    assert port.refusal(tmp_path) == f"{tmp_path}: is a directory, not a feed file; name a file in it"
    empty = write(tmp_path, b"", "empty")
    assert port.refusal(empty) == f"{empty}: is empty; a feed file has at least one message"


def test_gzip_of_nothing_is_refused_as_empty(tmp_path: Path) -> None:
    empty = write(tmp_path, port.packed(b""))
    assert port.refusal(empty).startswith(f"{empty}: is empty inside its gzip")


@pytest.mark.parametrize(
    "content",
    [
        b"a",
        b"\0\0",
        b"\0\0" + frame([message("S", 0, 1, b"O")]),
        b"time,price\n" * 100_000,
        b"\x00\x0cX" + bytes(11),
        b"\x7fELF" + bytes(5000),
        frame([b"unknown"] * 50),
        bytes(1 << 20),
    ],
    ids=["one byte", "end mark", "zero first", "text", "wrong length", "binary", "unknown types", "zeros"],
)
@pytest.mark.parametrize("in_gzip", [False, True], ids=["plain", "gzip"])
def test_a_file_of_another_format_is_refused_with_its_first_bytes(
    tmp_path: Path, content: bytes, in_gzip: bool
) -> None:
    expected = "is not a feed file: neither framed ITCH 5.0, pcap nor pcapng, plain or in gzip (byte 0"
    path = write(tmp_path, port.packed(content) if in_gzip else content)
    of_what = " of the unpacked data" if in_gzip else ""
    assert port.refusal(path) == f"{path}: {expected}{of_what}: {content[:8].hex(' ')})"


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, day(3))
    path.chmod(0)
    native.library()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:  # root may read anything: ask as nobody
        try:
            if os.geteuid() == 0:
                os.seteuid(65534)
            os.write(sending, port.refusal(path).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(sending)
    assert os.read(receiving, 1000).decode().startswith(f"{path}: no permission to read it")


def test_an_error_stays_one_line_whatever_the_path(tmp_path: Path) -> None:
    assert "\n" not in port.refusal(tmp_path / "two\nlines")
    longest = "x" * 200 + "/"
    line = port.refusal(longest * 15 + "the_end")
    assert line.startswith("...xxx")
    assert line.endswith("/the_end: no such file; check the path")


def test_a_pipe_can_be_read_and_its_size_is_unknown(tmp_path: Path, feed: bytes) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[feed])
    writer.start()
    with port.opened(path) as opened:
        received = b""
        while isinstance(burst := opened.burst(), list):
            received += b"".join(port.copied(frame).data for frame in burst)
            assert opened.progress()[1] == 0
    writer.join()
    assert received == feed


@pytest.mark.parametrize("in_gzip", [False, True], ids=["plain", "gzip"])
def test_progress_goes_from_little_to_all(tmp_path: Path, feed: bytes, in_gzip: bool) -> None:
    content = port.packed(feed * 4) if in_gzip else feed * 4
    with port.opened(write(tmp_path, content)) as opened:
        seen = [opened.progress()]
        while isinstance(opened.burst(), list):
            seen.append(opened.progress())
    done = [step[0] for step in seen]
    assert {step[1] for step in seen} == {len(content)}
    assert done == sorted(done)
    assert done[0] < len(content) / 2
    assert done[-1] == len(content)


READ_AND_REPORT_GROWTH = """
import resource, sys
from model import port
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with port.opened(sys.argv[1]) as opened:
    while isinstance(opened.burst(), list):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("in_gzip", [False, True], ids=["plain", "gzip"])
def test_a_large_file_is_streamed_through_little_memory(tmp_path: Path, feed: bytes, in_gzip: bool) -> None:
    path = tmp_path / "large"
    block = port.packed(feed) if in_gzip else feed
    with path.open("wb") as file:
        for _ in range(64):
            file.write(block)
    # pages of a mapped file would count as well
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", READ_AND_REPORT_GROWTH, path],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < 8192, "kilobytes"


def test_the_real_feeds_come_out_byte_for_byte(data: Path) -> None:
    for name, messages in [("nasdaq_20191230_open_1000.itch", 1000), ("es_20231225_as_itch50.itch", 70_669)]:
        reading = port.read(data / name)
        assert reading.error is None
        content = b"".join(reading.data)
        assert content == (data / name).read_bytes()
        assert len(split(content)) == messages
