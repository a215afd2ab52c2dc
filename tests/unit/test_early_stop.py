"""A data plane that is not ready yet: its books are stale, and it stops at once when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from click.testing import CliRunner
from model.command import COMMAND
from model.feed import bid
from model.messages import frame, message
from model.records import STALE

from appliance.book.software import BookLimits
from appliance.cli import cli
from appliance.dataplane import DataPlane, Line, Plan, Port, Segment, SegmentError
from appliance.netlab import Lab

NAME = f"test-early-{os.getpid()}"
HERE = ("--name", NAME)
SMALL = BookLimits(orders=20_000, order_pages=100, levels=20_000, prefault=1)
# More than two gigabytes, of which little is touched when the stop is heeded.
LARGE = BookLimits(orders=1 << 26, order_pages=1 << 12, levels=20_000, prefault=1)
LINES = (Line(IPv4Address("239.192.98.1"), 26400), Line(IPv4Address("239.192.98.1"), 26401))
PATIENCE_S = 60

Start = Callable[..., DataPlane]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start data planes, and leave none behind."""
    running: list[DataPlane] = []

    def begin(port: Port, books: BookLimits = SMALL, lines: tuple[Line, ...] = ()) -> DataPlane:
        plan = Plan((port,), ("SPY", "QQQ"), books=books, hold=True, lines=lines)
        running.append(DataPlane.start(NAME, plan, output=subprocess.PIPE))
        return running[-1]

    yield begin
    for plane in running:
        plane.process.kill()
        plane.process.communicate()
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)


def wait_until_begun(plane: DataPlane) -> None:
    """Wait until the data plane itself says how far it is."""
    wait_for(lambda: plane.segment.state != "planned")


def feed() -> bytes:
    """One symbol is named and has a bid; of the other nothing is ever said."""
    rest = (b"Q", b"N", 100, b"N", b"C", b"Z ", b"P", b"N", b"N", b"1", b"N", 0, b"N")
    return frame([message("R", 1, 0, b"SPY     ", *rest), bid(1, 100, stock=b"SPY     ")])


def stale(segment: Segment) -> list[bool]:
    """Whether each view says that it is not to be traded on."""
    return [bool(segment.view(index)["flags"] & STALE) for index in range(len(segment.views))]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def said(*words: str) -> str:
    """Return what a command prints, run in this process."""
    done = CliRunner().invoke(cli, [*words, *HERE])
    assert done.exit_code == 0, done.exception
    return done.stdout


def book_says_stale() -> bool:
    return bool(json.loads(said("book", "show", "SPY", "--json"))["stale"])


def test_every_book_is_stale_while_the_data_plane_starts(tmp_path: Path, start: Start) -> None:
    """It waits for the other end of the pipe before it is ready."""
    pipe = tmp_path / "feed"
    os.mkfifo(pipe)
    plane = start(Port("file", str(pipe)))
    assert stale(plane.segment) == [True, True]
    plane.wait_until("starting")
    assert stale(plane.segment) == [True, True]
    assert plane.segment.live["stale_books"] == 2
    assert book_says_stale()
    assert "every book stale" in said("status")
    pipe.write_bytes(feed())
    plane.wait_until("ended")
    assert stale(plane.segment) == [False, False]
    assert plane.segment.live["stale_books"] == 0
    assert not book_says_stale()


def test_every_book_is_stale_again_while_a_killed_one_is_started_again(tmp_path: Path) -> None:
    pipe, config = tmp_path / "feed", tmp_path / "appliance.toml"
    os.mkfifo(pipe)
    config.write_text(
        f'name = "{NAME}"\nfeed = {{port = "file", file = "feed", hold = true}}\n'
        'books = {symbols = ["SPY"], orders = 20000, order_pages = 100, levels = 20000}\n'
        'metrics = {listen = "off"}\n'
    )
    with subprocess.Popen([*COMMAND, "run", "--config", str(config)], stdout=subprocess.DEVNULL) as run:
        try:
            pipe.write_bytes(feed())
            wait_for(lambda: state_of_segment()[0] == "ended")
            assert not book_says_stale()
            first = state_of_segment()[1]
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: state_of_segment()[0] == "starting" and state_of_segment()[1] != first)
            assert book_says_stale()
        finally:
            run.send_signal(signal.SIGTERM)
    assert run.returncode == 0


def state_of_segment() -> tuple[str, int]:
    try:
        with Segment(NAME) as segment:
            return segment.state, segment.pid
    except SegmentError:
        return "", 0


def test_it_stops_at_once_while_it_touches_its_memory(tmp_path: Path, start: Start) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(feed())
    plane = start(Port("file", str(path)), LARGE)
    plane.wait_until("starting")
    time.sleep(0.1)
    assert plane.segment.state == "starting"
    told = time.monotonic()
    plane.process.send_signal(signal.SIGTERM)
    assert plane.process.wait(PATIENCE_S) == 0
    assert time.monotonic() - told < 1
    assert plane.segment.state == "stopped"
    assert plane.segment.ready_cycles == 0
    assert plane.process.communicate()[1] == b"dataplane: stopped before it was ready\n"


@pytest.mark.parametrize("by", ["the signal", "the command"])
def test_the_appliance_stops_at_once_and_says_that_it_was_not_ready(tmp_path: Path, by: str) -> None:
    config = tmp_path / "appliance.toml"
    config.write_text(
        f'name = "{NAME}"\nmetrics = {{listen = "off"}}\n'
        f'books = {{symbols = ["SPY"], orders = {LARGE.orders}, order_pages = {LARGE.order_pages}}}\n'
        f'feed = {{a = {{group = "{LINES[0].group}:26400"}}, b = {{group = "{LINES[0].group}:26401"}}}}\n'
    )
    with subprocess.Popen(
        [*COMMAND, "run", "--config", str(config)], stdout=subprocess.PIPE, text=True
    ) as run:
        wait_for(lambda: state_of_segment()[0] == "starting")
        told = time.monotonic()
        if by == "the signal":
            run.send_signal(signal.SIGTERM)
        else:
            assert "before it was ready" in said("stop")
        told_of = run.communicate(timeout=PATIENCE_S)[0]
        took = time.monotonic() - told
    assert run.returncode == 0
    assert took < 1
    assert told_of.count("before it was ready") == 1, told_of
    assert f"{NAME}: stopped" in told_of
    assert not (Path("/dev/shm") / NAME).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_a_port_that_is_being_opened_is_closed_again(start: Start) -> None:
    """The program of AF_XDP and the mode of the interface are as before, whenever the stop comes."""
    lab = Lab.of_this_process("e")
    lab.up()
    interface = lab.feed.here
    flags = Path("/sys/class/net", interface, "flags")
    before = flags.read_text()
    try:
        for wait_s in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
            plane = start(Port("dpdk", f"net_af_xdp0,iface={interface}"), lines=LINES)
            wait_until_begun(plane)
            time.sleep(wait_s)
            told = time.monotonic()
            plane.process.send_signal(signal.SIGTERM)
            _, complaints = plane.process.communicate(timeout=PATIENCE_S)
            assert time.monotonic() - told < 1
            if b"without DPDK" in complaints:
                pytest.skip("this build has no DPDK")
            assert (plane.process.returncode, plane.segment.state) == (0, "stopped")
            shown = subprocess.run(
                ["ip", "link", "show", interface], capture_output=True, text=True, check=True
            )
            assert "xdp" not in shown.stdout
            assert flags.read_text() == before
            plane.remove()
    finally:
        lab.down()
