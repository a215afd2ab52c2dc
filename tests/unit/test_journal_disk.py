"""A disk that is full, read-only or failing: the writer says so, loses nothing, and goes on when it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.journal import Journal, JournalError, JournalWriter, Tap, verify
from appliance.programs import installed

NOTE = 13
RING, SEGMENT = 1 << 16, 1 << 20
PAYLOAD_BYTES = 4000
PATIENCE_S = 20.0
SKIPPED = 77

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of eight segments."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={8 * SEGMENT}", "none", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no tmpfs here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def payload_of(number: int) -> bytes:
    return number.to_bytes(8, "little") * (PAYLOAD_BYTES // 8)


def wait_for(writer: JournalWriter, state: str) -> str:
    """Wait for a state, and return its message."""
    deadline = time.monotonic() + PATIENCE_S
    while writer.state.state != state:
        assert time.monotonic() < deadline, writer.state
        time.sleep(0.002)
    return writer.state.message


def fill(writer: JournalWriter, tap: Tap, state: str, first: int = 0) -> int:
    """Append until the writer is in this state and the ring is full; the number of the next payload."""
    deadline = time.monotonic() + PATIENCE_S
    number = first
    while True:
        if tap.append(NOTE, payload_of(number)):
            number += 1
            continue
        if writer.state.state == state:
            return number
        assert time.monotonic() < deadline, writer.state
        time.sleep(0.001)


def assert_whole(directory: Path, count: int) -> None:
    """All that was accepted stands there, once."""
    report = verify(directory)
    assert report.findings == [], [str(finding) for finding in report.findings]
    payloads = [record.payload for record in Journal(directory).records()]
    assert payloads == [payload_of(number) for number in range(count)]


@as_root
def test_a_full_disk_stops_the_taking_and_room_lets_it_go_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 * SEGMENT))
    with JournalWriter.start(small_disk / "journal", {0: RING}, SEGMENT, sync_s=0.05) as writer:
        tap = writer.tap(0)
        count = fill(writer, tap, "full")
        assert "No space left on device" in writer.state.message
        assert "nothing is lost" in writer.state.message
        assert writer.state.stalls
        accepted = writer.state.written[0]
        time.sleep(0.3)
        assert not tap.append(NOTE, b"x" * PAYLOAD_BYTES)  # for as long as it lasts
        assert writer.state.written[0] == accepted
        assert writer.taps.refused(0) > 0

        ballast.unlink()
        assert wait_for(writer, "ok") == ""
        while not tap.append(NOTE, payload_of(count)):
            time.sleep(0.001)
        assert writer.stop().state == "stopped"
    assert_whole(small_disk / "journal", count + 1)


@as_root
def test_on_a_full_disk_no_journal_is_begun(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(8 * SEGMENT - 65536))
    with pytest.raises(JournalError, match="No space left on device"):
        JournalWriter.start(small_disk / "journal", {0: RING}, SEGMENT)


@as_root
def test_a_writer_stopped_on_a_full_disk_says_that_records_are_left(small_disk: Path) -> None:
    """And one that is started on the same rings, when there is room, writes them."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 * SEGMENT))
    writer = JournalWriter.start(small_disk / "journal", {0: RING}, SEGMENT)
    try:
        count = fill(writer, writer.tap(0), "full")
        assert writer.stop().state == "failed"
        assert "records are left in the rings" in writer.state.message
        ballast.unlink()
        writer.restart()
        assert writer.stop().state == "stopped"
    finally:
        writer.close()
    assert_whole(small_disk / "journal", count)


def closed_for_a_while(directory: Path) -> None:
    """Take the right to make files away, and give it back when the writer has told."""
    with JournalWriter.start(directory, {0: RING}, SEGMENT) as writer:
        tap = writer.tap(0)
        directory.chmod(0o555)
        count = fill(writer, tap, "failed")
        assert "Permission denied; trying again, and nothing is lost" in writer.state.message
        directory.chmod(0o755)
        wait_for(writer, "ok")
        assert writer.stop().state == "stopped"
    assert_whole(directory, count)


def test_a_directory_that_becomes_read_only_stops_the_taking_until_it_can_be_written() -> None:
    """Nothing is closed to root, so root does it as nobody."""
    nobody = 65534
    with TemporaryDirectory() as place:
        if os.geteuid() == 0:
            os.chown(place, nobody, -1)
            as_user(nobody, Path(place))
        else:
            closed_for_a_while(Path(place))


def as_user(user: int, directory: Path) -> None:
    """Do it in a process of this user."""
    child = os.fork()
    if not child:
        try:
            os.setuid(user)
            if not os.access(installed("journal-writer"), os.X_OK):
                os._exit(SKIPPED)
            closed_for_a_while(directory)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == SKIPPED:
        pytest.skip("nobody may not run the program")
    assert status == 0


def test_in_a_directory_that_cannot_be_written_no_journal_is_begun(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"file: .*exists: the journal needs it"):
        JournalWriter.start(tmp_path / "file", {0: RING}, SEGMENT)
    with pytest.raises(JournalError, match="Not a directory"):
        JournalWriter.start(tmp_path / "file" / "inside", {0: RING}, SEGMENT)
    with pytest.raises(JournalError, match="/proc/1/journal"):
        JournalWriter.start(Path("/proc/1/journal"), {0: RING}, SEGMENT)
    with pytest.raises(JournalError, match="the next segment"):
        JournalWriter.start(Path("/proc/self/fdinfo"), {0: RING}, SEGMENT)


def test_a_disk_that_refuses_stops_the_taking_until_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    preloaded = tmp_path / "failing.so"
    source = Path(__file__).with_name("failing_msync.c")
    subprocess.run(
        [compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", preloaded, source, "-ldl"], check=True
    )
    fails = tmp_path / "fails"
    before = os.environ.get("LD_PRELOAD", "")
    monkeypatch.setenv("JOURNAL_TEST_FAILS", str(fails))
    monkeypatch.setenv("LD_PRELOAD", f"{before} {preloaded}")
    with JournalWriter.start(tmp_path / "journal", {0: RING}, SEGMENT, sync_s=0.01) as writer:
        monkeypatch.setenv("LD_PRELOAD", before)
        tap = writer.tap(0)
        assert tap.append(NOTE, payload_of(0))
        fails.touch()
        assert "does not reach the disk: Input/output error" in wait_for(writer, "failed")
        synced = writer.state.synced[0]
        count = fill(writer, tap, "failed", 1)
        assert writer.state.synced[0] == synced
        fails.unlink()
        wait_for(writer, "ok")
        while writer.state.synced[0] < count:
            time.sleep(0.002)
        assert writer.stop().state == "stopped"
    assert_whole(tmp_path / "journal", count)


def test_a_segment_that_somebody_cuts_ends_the_writer_with_a_reason(tmp_path: Path) -> None:
    """What was in the cut part is gone; what is in the ring is not."""
    writer = JournalWriter.start(tmp_path, {0: RING}, SEGMENT, sync_s=0)
    try:
        tap = writer.tap(0)
        assert tap.append(NOTE, payload_of(0))
        while not writer.state.written[0]:
            time.sleep(0.001)
        os.truncate(tmp_path / "journal-000001.seg", 8192)
        number = 1
        while writer.process is not None and writer.process.poll() is None:
            if tap.append(NOTE, payload_of(number)):
                number += 1
            else:
                time.sleep(0.001)
        assert writer.process is not None
        assert writer.process.returncode == 2
        assert writer.state.state == "failed"
        assert "a page of the segment is gone" in writer.state.message
    finally:
        writer.close()
