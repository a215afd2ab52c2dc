"""The dataplane program and its shared segment, read while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from model.book import Model
from model.feed import bid, capture
from model.messages import frame, message
from model.mold64 import end_of_session, packet
from model.records import STALE, UNTRUSTED

from appliance.book.software import BookLimits
from appliance.dataplane import DataPlane, DataPlaneError, Plan, Port, Segment, SegmentError
from appliance.errors import ApplianceError
from appliance.programs import installed
from appliance.synth import Market, write_feed

NAME = f"test-{os.getpid()}"
BID, ASK = 0, 1
# For a build with the address sanitizer. Python's own leaks are not ours, but this is our own program.
LEAKS_ARE_ERRORS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1"}
SMALL = BookLimits(orders=20_000, order_pages=100, levels=20_000, prefault=1)

Start = Callable[..., DataPlane]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day whose orders are left at its end."""
    path = tmp_path_factory.mktemp("feed") / "day.itch"
    write_feed(Market(20_000, 12, 5, live_orders=5000), str(path))
    return path


@pytest.fixture
def start() -> Iterator[Start]:
    """Start data planes on feed files, and leave none behind."""
    running: list[DataPlane] = []

    def begin(file: Path, *symbols: str, hold: bool = True, books: BookLimits = SMALL) -> DataPlane:
        plan = Plan((Port("file", str(file)),), symbols or ("ABCD",), books=books, hold=hold)
        plane = DataPlane.start(NAME, plan, os.environ | LEAKS_ARE_ERRORS, subprocess.PIPE)
        running.append(plane)
        return plane

    yield begin
    for plane in running:
        plane.process.kill()
        plane.process.communicate()
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)


def said(plane: DataPlane) -> tuple[str, str]:
    """Return what it wrote to its two outputs."""
    output, complaints = plane.process.communicate()
    return output.decode(), complaints.decode()


def test_views_are_the_models_top_ten(day: Path, start: Start) -> None:
    model = Model()
    model.feed(day.read_bytes())
    symbols = [model.summary(locate).symbol.decode().rstrip() for locate in (4, 1, 9)]
    plane = start(day, *symbols)
    plane.wait_until("ended")
    with plane.segment as segment:
        assert segment.pid == plane.process.pid
        assert segment.live["depth_digest"] != 0
        assert segment.live["messages"] == 20_000
        assert segment.live["digest"] == model.digest
        for locate, symbol in zip((4, 1, 9), symbols, strict=True):
            view = segment.view(segment.index(symbol))
            assert int(view["locate"]) == locate
            for side, name in ((BID, "bid"), (ASK, "ask")):
                levels = model.levels(locate, side)[:10]
                assert int(view[f"{name}_levels"]) == len(levels)
                shown = [(int(row["px"]), int(row["orders"]), int(row["qty"])) for row in view[name]]
                assert shown[: len(levels)] == levels
                assert shown[len(levels) :] == [(0, 0, 0)] * (10 - len(levels))


def test_a_view_is_never_half_of_two_updates(tmp_path: Path, start: Start) -> None:
    """Bids below asks, levels in order, versions that only grow, while the writer runs flat out."""
    path = tmp_path / "long.itch"
    write_feed(Market(2_000_000, 2, 3), str(path))
    model = Model()
    with path.open("rb") as file:
        model.feed(file.read(400_000))
    symbol = model.summary(1).symbol.decode().rstrip()
    plane = start(path, symbol)
    plane.wait_until("running")
    seen = set()
    last = 0
    with plane.segment as segment:
        while segment.state == "running":
            view = segment.view(0)
            version = int(view["version"])
            assert version % 2 == 0
            assert version >= last
            last = version
            seen.add(version)
            bids = [int(px) for px in view["bid"]["px"][: int(view["bid_levels"])]]
            asks = [int(px) for px in view["ask"]["px"][: int(view["ask_levels"])]]
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert not bids or not asks or bids[0] < asks[0]
        assert segment.state == "ended"
    assert len(seen) > 1


def test_it_stops_when_told_and_its_segment_is_taken_away(day: Path, start: Start) -> None:
    plane = start(day)
    plane.wait_until("ended")
    death = plane.stop(5)
    assert death.was_told
    assert death.state == "stopped"
    plane.remove()
    with pytest.raises(SegmentError, match="no data plane of this name"):
        Segment(NAME)


def test_a_second_of_the_same_name_is_refused_while_the_first_lives(day: Path, start: Start) -> None:
    start(day).wait_until("ended")
    with pytest.raises(SegmentError, match="is running"):
        start(day)


def test_a_segment_left_by_a_killed_one_is_replaced(day: Path, start: Start) -> None:
    first = start(day)
    first.wait_until("ended")
    first.process.kill()
    first.process.wait()
    second = start(day)
    second.wait_until("ended")
    with Segment(NAME) as segment:
        assert segment.pid == second.process.pid


def test_another_builds_segment_is_refused(day: Path, start: Start) -> None:
    start(day).wait_until("ended")
    path = Path("/dev/shm") / NAME
    with path.open("r+b") as file:
        file.seek(8)
        file.write(bytes(32))
    with pytest.raises(SegmentError, match="another build"):
        Segment(NAME)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no segment"), (b"x" * 2000, "not a segment"), (b"x" * 64, "no segment")]
)
def test_garbage_is_no_segment(content: bytes, words: str) -> None:
    path = Path("/dev/shm") / f"{NAME}-garbage"
    path.write_bytes(content)
    try:
        with pytest.raises(ApplianceError, match=words):
            Segment(path.name)
    finally:
        path.unlink()


def view_of(segment: Segment) -> tuple[int, int, list[tuple[int, ...]]]:
    """Return flags, locate and bids of the first view."""
    view = segment.view(0)
    return int(view["flags"]), int(view["locate"]), view["bid"][: int(view["bid_levels"])].tolist()


def view_at_end(plane: DataPlane) -> tuple[int, int, list[tuple[int, ...]]]:
    """Return the same once the feed has ended."""
    plane.wait_until("ended")
    return view_of(plane.segment)


def test_a_view_says_stale_when_messages_are_missing_that_may_be_of_any_book(
    tmp_path: Path, start: Start
) -> None:
    """What came behind the gap is of another symbol, and the view still says so."""
    path = capture(tmp_path / "gap.pcap", [
        packet(1, [bid(1, 100), bid(2, 50, 2, b"WXYZ    ")]), packet(4, [bid(4, 51, 2, b"WXYZ    ")]),
    ])  # fmt: skip
    assert view_at_end(start(path)) == (STALE, 1, [(100, 1, 100)])


def test_a_view_says_stale_when_only_the_end_is_missing(tmp_path: Path, start: Start) -> None:
    path = capture(tmp_path / "gap.pcap", [packet(1, [bid(1, 100)]), end_of_session(3)])
    assert view_at_end(start(path)) == (STALE, 1, [(100, 1, 100)])


def test_a_view_says_untrusted_after_an_order_that_changed_nothing_else(tmp_path: Path, start: Start) -> None:
    """More than 2048 messages lie between the view's last change and the order that is lost."""
    path = tmp_path / "lost.itch"
    quiet = [bid(1, 50, 2, b"WXYZ    ")] + [message("S", 0, 0, b"O")] * 6000
    path.write_bytes(frame([bid(5000, 100), *quiet, bid(5001, 99), *quiet[1:]]))
    plane = start(path, books=replace(SMALL, levels=2))
    assert view_at_end(plane) == (UNTRUSTED, 1, [(100, 1, 100)])


def test_views_of_another_session_start_blank_and_find_their_symbols_again(
    tmp_path: Path, start: Start
) -> None:
    """ABCD moves to another locate; WXYZ is never named again."""
    path = capture(tmp_path / "sessions.pcap", [
        packet(1, [bid(1, 100), bid(2, 50, 2, b"WXYZ    ")], b"FIRST     "),
        *[packet(3 + turn, [bid(10 + turn, 10 + turn)], b"FIRST     ") for turn in range(3000)],
        end_of_session(3003, b"FIRST     "),
        packet(1, [bid(1, 200, 7)], b"SECOND    "),
    ])  # fmt: skip
    plane = start(path, "ABCD", "WXYZ")
    assert view_at_end(plane) == (0, 7, [(200, 1, 100)])
    blank = plane.segment.view(1)
    assert bytes(blank["symbol"]) == b"WXYZ    "
    assert set(blank["bid"].tolist()) == {(0, 0, 0)}
    assert [int(blank[name]) for name in ("locate", "flags", "bid_levels", "ask_levels")] == [0] * 4
    assert int(blank["version"]) > 0, "it was written in the first session"


@pytest.mark.parametrize("sent", [b"", frame([bid(1, 100)])], ids=["nothing", "one message"])
def test_it_stops_at_once_while_it_waits_for_an_idle_input(tmp_path: Path, start: Start, sent: bytes) -> None:
    path = tmp_path / "idle"
    os.mkfifo(path)
    plane = start(path, hold=False)
    with path.open("wb", buffering=0) as idle:
        idle.write(sent)
        time.sleep(0.5)
        assert plane.poll() is None
        plane.process.send_signal(signal.SIGTERM)
        assert plane.process.wait(1) == 0
    assert "Error" not in said(plane)[1]


def pour(path: Path) -> None:
    """Write messages into a pipe until its reader has gone."""
    with suppress(BrokenPipeError), path.open("wb") as pipe:
        while True:
            pipe.write(frame([message("S", 0, 0, b"O")] * 1000))


def test_it_stops_in_the_middle_of_a_feed(tmp_path: Path, start: Start) -> None:
    """The feed has no end."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    plane = start(path)
    feeder = Thread(target=pour, args=[path])
    feeder.start()
    plane.wait_until("running")
    while plane.segment.live["messages"] < 10_000:
        assert plane.poll() is None
    plane.process.send_signal(signal.SIGTERM)
    assert plane.process.wait(1) == 0
    assert plane.segment.state == "stopped"
    feeder.join()


def test_of_those_that_start_at_once_under_one_name_exactly_one_runs(day: Path, start: Start) -> None:
    """Also when the name is one that a killed data plane left behind."""
    for _ in range(4):
        with ThreadPoolExecutor(5) as pool:
            outcomes = list(pool.map(lambda _: try_to_start(start, day), range(5)))
        (winner,) = (plane for plane in outcomes if isinstance(plane, DataPlane))
        assert all("is running" in str(one) for one in outcomes if one is not winner)
        winner.wait_until("ended")
        with Segment(NAME) as segment:
            assert segment.pid == winner.process.pid
        winner.process.kill()
        winner.process.wait()


def try_to_start(start: Start, day: Path) -> DataPlane | SegmentError:
    """Return the data plane, or why there is none."""
    try:
        return start(day)
    except SegmentError as error:
        return error


def test_a_feed_that_is_not_there_is_a_failure_that_all_can_read(start: Start) -> None:
    plane = start(Path("/nonexistent"))
    with pytest.raises(DataPlaneError, match="/nonexistent"):
        plane.wait_until("running")
    assert plane.segment.state == "failed"
    assert "/nonexistent" in plane.segment.message
    complaint = said(plane)[1]
    assert "/nonexistent" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    "words", [[], ["--fd"], ["--fd", "x"], ["--fd", "900"], ["--fd", "1"], ["--nonsense"]]
)
def test_wrong_words_are_refused(words: list[str]) -> None:
    run = subprocess.run([installed("dataplane"), *words], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "appliance run" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "x" * 64])
def test_names_that_are_no_names_are_refused(name: str) -> None:
    with pytest.raises(SegmentError, match="1 to 63 characters"):
        DataPlane.start(name, Plan((Port("file", "x"),), ("ABCD",)))


def test_one_that_was_killed_in_mid_feed_is_dead_and_says_where_it_was(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "endless"
    os.mkfifo(path)
    plane = start(path)
    feeder = Thread(target=pour, args=[path])
    feeder.start()
    plane.wait_until("running")
    while plane.segment.live["messages"] < 10_000:
        assert plane.poll() is None
    plane.process.kill()
    death = plane.wait(5)
    assert death is not None
    assert plane.segment.state == "dead"
    assert "SIGKILL" in str(death)
    assert death.sequence >= 10_000
    assert death.stage in {"port", "wire", "book", "publish", "recovery"}
    feeder.join()
