"""The dataplane program and its shared segment, read while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from model.book import Model
from model.feed import bid, capture
from model.messages import frame, message
from model.mold64 import end_of_session, packet
from model.records import STALE, UNTRUSTED

import appliance
from appliance.dataplane import Segment, SegmentError
from appliance.errors import ApplianceError
from appliance.synth import Market, write_feed

# The program of the build whose package is tested; a variant has it beside its site folder.
_OF_VARIANT = Path(appliance.__file__).parents[2] / "prefix/bin/dataplane"
PROGRAM = str(_OF_VARIANT if _OF_VARIANT.exists() else Path(sysconfig.get_path("scripts")) / "dataplane")
NAME = f"test-{os.getpid()}"
BID, ASK = 0, 1
# For a build with the address sanitizer. Python's own leaks are not ours, but this is our own program.
LEAKS_ARE_ERRORS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1"}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day whose orders are left at its end."""
    path = tmp_path_factory.mktemp("feed") / "day.itch"
    write_feed(Market(20_000, 12, 5, live_orders=5000), str(path))
    return path


@pytest.fixture
def start() -> Iterator[Start]:
    """Start data planes, and leave none behind."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path, name: str = NAME) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [PROGRAM, "--segment", name, "--orders", "20000", "--order-pages", "100", "--levels", "20000",
             *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | LEAKS_ARE_ERRORS,
        )  # fmt: skip
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)


def wait_for(state: str, process: subprocess.Popen[str]) -> Segment:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            segment = Segment(NAME)
        except SegmentError:
            time.sleep(0.005)
            continue
        if segment.state == state:
            return segment
        time.sleep(0.005)
    raise AssertionError(f"never became {state}")


def test_views_are_the_models_top_ten(day: Path, start: Start) -> None:
    model = Model()
    model.feed(day.read_bytes())
    symbols = [model.summary(locate).symbol.decode().rstrip() for locate in (4, 1, 9)]
    arguments = [word for symbol in symbols for word in ("--symbol", symbol)]
    process = start("--file", day, "--hold", *arguments)
    with wait_for("ended", process) as segment:
        assert segment.pid == process.pid
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
    process = start("--file", path, "--hold", "--symbol", symbol)
    seen = set()
    last = 0
    with wait_for("running", process) as segment:
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


def test_it_stops_when_told_and_takes_its_segment_away(day: Path, start: Start) -> None:
    process = start("--file", day, "--hold", "--symbol", "X")
    wait_for("ended", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    with pytest.raises(SegmentError, match="no data plane of this name"):
        Segment(NAME)


def test_a_second_of_the_same_name_is_refused_while_the_first_lives(day: Path, start: Start) -> None:
    wait_for("ended", start("--file", day, "--hold", "--symbol", "X"))
    second = start("--file", day, "--symbol", "X")
    assert second.wait(10) == 2
    assert "is running" in second.communicate()[1]


def test_a_segment_left_by_a_killed_one_is_replaced(day: Path, start: Start) -> None:
    first = start("--file", day, "--hold", "--symbol", "X")
    wait_for("ended", first)
    first.kill()
    first.wait()
    second = start("--file", day, "--hold", "--symbol", "X")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with Segment(NAME) as segment:
            if segment.pid == second.pid and segment.state == "ended":
                return
        time.sleep(0.01)
    raise AssertionError("never replaced")


def test_another_builds_segment_is_refused(day: Path, start: Start) -> None:
    process = start("--file", day, "--hold", "--symbol", "X")
    wait_for("ended", process)
    path = Path("/dev/shm") / NAME
    with path.open("r+b") as file:
        file.seek(8)
        file.write(bytes(32))
    with pytest.raises(SegmentError, match="another build"):
        Segment(NAME)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no segment"), (b"x" * 200, "not a segment"), (b"x" * 64, "no segment")]
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


def test_a_view_says_stale_when_messages_are_missing_that_may_be_of_any_book(
    tmp_path: Path, start: Start
) -> None:
    """What came behind the gap is of another symbol, and the view still says so."""
    path = capture(tmp_path / "gap.pcap", [
        packet(1, [bid(1, 100), bid(2, 50, 2, b"WXYZ    ")]), packet(4, [bid(4, 51, 2, b"WXYZ    ")]),
    ])  # fmt: skip
    with wait_for("ended", start("--file", path, "--hold", "--symbol", "ABCD")) as segment:
        assert view_of(segment) == (STALE, 1, [(100, 1, 100)])


def test_a_view_says_stale_when_only_the_end_is_missing(tmp_path: Path, start: Start) -> None:
    path = capture(tmp_path / "gap.pcap", [packet(1, [bid(1, 100)]), end_of_session(3)])
    with wait_for("ended", start("--file", path, "--hold", "--symbol", "ABCD")) as segment:
        assert view_of(segment) == (STALE, 1, [(100, 1, 100)])


def test_a_view_says_untrusted_after_an_order_that_changed_nothing_else(tmp_path: Path, start: Start) -> None:
    """More than 2048 messages lie between the view's last change and the order that is lost."""
    path = tmp_path / "lost.itch"
    quiet = [bid(1, 50, 2, b"WXYZ    ")] + [message("S", 0, 0, b"O")] * 6000
    path.write_bytes(frame([bid(5000, 100), *quiet, bid(5001, 99), *quiet[1:]]))
    process = start("--file", path, "--hold", "--symbol", "ABCD", "--levels", "2")
    with wait_for("ended", process) as segment:
        assert view_of(segment) == (UNTRUSTED, 1, [(100, 1, 100)])


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
    process = start("--file", path, "--hold", "--symbol", "ABCD", "--symbol", "WXYZ")
    with wait_for("ended", process) as segment:
        assert view_of(segment) == (0, 7, [(200, 1, 100)])
        blank = segment.view(1)
        assert bytes(blank["symbol"]) == b"WXYZ    "
        assert set(blank["bid"].tolist()) == {(0, 0, 0)}
        assert [int(blank[name]) for name in ("locate", "flags", "bid_levels", "ask_levels")] == [0] * 4
        assert int(blank["version"]) > 0, "it was written in the first session"


@pytest.mark.parametrize("sent", [b"", frame([bid(1, 100)])], ids=["nothing", "one message"])
def test_it_stops_at_once_while_it_waits_for_an_idle_input(tmp_path: Path, start: Start, sent: bytes) -> None:
    path = tmp_path / "idle"
    os.mkfifo(path)
    process = start("--file", path, "--symbol", "ABCD")
    with path.open("wb", buffering=0) as idle:
        idle.write(sent)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(1) == 0
    assert process.communicate() == ("", "")
    assert not (Path("/dev/shm") / NAME).exists()


def pour(path: Path) -> None:
    """Write messages into a pipe until its reader has gone."""
    with suppress(BrokenPipeError), path.open("wb") as pipe:
        while True:
            pipe.write(frame([message("S", 0, 0, b"O")] * 1000))


def test_it_stops_in_the_middle_of_a_feed(tmp_path: Path, start: Start) -> None:
    """The feed has no end."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    process = start("--file", path, "--hold", "--symbol", "ABCD")
    feeder = Thread(target=pour, args=[path])
    feeder.start()
    with wait_for("running", process) as segment:
        while segment.live["messages"] < 10_000:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(1) == 0
        assert segment.state == "stopped"
    feeder.join()
    assert not (Path("/dev/shm") / NAME).exists()


def test_of_those_that_start_at_once_under_one_name_exactly_one_runs(day: Path, start: Start) -> None:
    """Also when the name is one that a killed data plane left behind."""
    for _ in range(4):
        rivals = [start("--file", day, "--hold", "--symbol", "X") for _ in range(5)]
        deadline = time.monotonic() + 20
        while sum(rival.poll() is None for rival in rivals) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        (winner,) = (rival for rival in rivals if rival.poll() is None)
        for rival in rivals:
            if rival is not winner:
                assert rival.returncode == 2
                assert "is running" in rival.communicate()[1]
        with wait_for("ended", winner) as segment:
            assert segment.pid == winner.pid
        winner.kill()
        winner.wait()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--file", "/nonexistent", "--symbol", "X"], "/nonexistent"),
        (["--file", "x", "--symbol", "X", "--symbol", "Y", "--symbol", "X"], "same symbol twice"),
        (["--symbol", "X"], "usage"),
        (["--file", "x"], "usage"),
        (["--file", "x", "--symbol", "TOOLONGNAME"], "1 to 8 characters"),
        (["--file", "x", "--symbol", "X", "--levels", "many"], "not a number"),
        (["--nonsense"], "usage"),
    ],
)
def test_wrong_words_are_refused(arguments: list[str], words: str, start: Start) -> None:
    process = start(*arguments)
    assert process.wait(10) == 2
    complaint = process.communicate()[1]
    assert words in complaint
    assert complaint.count("\n") == 1


def test_one_that_was_killed_in_mid_feed_is_dead(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "endless"
    os.mkfifo(path)
    process = start("--file", path, "--symbol", "ABCD")
    feeder = Thread(target=pour, args=[path])
    feeder.start()
    with wait_for("running", process) as segment:
        process.kill()
        process.wait()
        assert segment.state == "dead"
    feeder.join()
