"""``appliance run`` with a real data plane: ready, killed, started again, late, stopped, accounted for."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model.book import Model
from model.command import COMMAND, appliance, refusal

from appliance.dataplane import Segment, SegmentError
from appliance.supervisor import Patience
from appliance.synth import Market, write_feed

NAME = f"test-run-{os.getpid()}"
HERE = ("--name", NAME)
# Kept small, so that each start is quick.
BOOKS = "orders = 20000\norder_pages = 200\nlevels = 20000\nlocates = 100\n"
PATIENCE_S = 60


class Running:
    """An ``appliance run``, and the lines it has said so far."""

    def __init__(self, *arguments: str | Path) -> None:
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            [*COMMAND, "run", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line.rstrip("\n")))

    @property
    def said(self) -> str:
        return "\n".join(line for _, line in self.lines)

    def line(self, pattern: str, count: int = 1) -> tuple[float, re.Match[str]]:
        """Wait for so many lines that match, and return the last with the time it was read."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            found = [(when, match) for when, line in self.lines if (match := re.search(pattern, line))]
            if len(found) >= count:
                return found[count - 1]
            if ended and not self._reader.is_alive():
                break
            time.sleep(0.005)
        raise AssertionError(f"never said {pattern!r}:\n{self.said}")

    def end(self) -> int:
        """Wait for its end."""
        status = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return status


Run = Callable[..., Running]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run appliances, and leave none behind."""
    started: list[Running] = []

    def begin(*arguments: str | Path) -> Running:
        started.append(Running(*arguments))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()
        running.end()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with Segment(NAME) as segment:
                if not segment.is_alive:
                    break
        except SegmentError:
            break
        time.sleep(0.01)
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)


@pytest.fixture
def idle(tmp_path: Path) -> Path:
    """Write the configuration of an appliance to whose groups nobody sends."""
    path = tmp_path / "idle.toml"
    ports = 20_000 + os.getpid() % 10_000 * 2
    path.write_text(f"""\
name = "{NAME}"
[feed.a]
group = "239.192.99.1:{ports}"
[feed.b]
group = "239.192.99.1:{ports + 1}"
[books]
symbols = ["SPY"]
{BOOKS}
[metrics]
listen = "127.0.0.1:0"
""")
    return path


@pytest.fixture
def day(tmp_path: Path) -> tuple[Path, Model]:
    """Write a day, and the configuration that reads it and then holds its books."""
    write_feed(Market(20_000, 12, 5, live_orders=5000), str(tmp_path / "day.itch"))
    model = Model()
    model.feed((tmp_path / "day.itch").read_bytes())
    path = tmp_path / "day.toml"
    symbol = model.summary(4).symbol.decode().rstrip()
    path.write_text(
        f'name = "{NAME}"\nmetrics.listen = "off"\n[feed]\nport = "file"\nfile = "day.itch"\n'
        f'[books]\nsymbols = ["{symbol}"]\n{BOOKS}'
    )
    return path, model


def dataplane() -> int:
    """Return the process of the data plane that runs under our name."""
    with Segment(NAME) as segment:
        return segment.pid


def test_it_says_when_it_is_ready_and_where_the_metrics_are(run: Run, idle: Path) -> None:
    running = run("--config", idle)
    _, ready = running.line(r"ready in ([\d.]+) s, process (\d+), port udp .* metrics on (http://127\S+)")
    assert int(ready[2]) == dataplane()
    metrics = urllib.request.urlopen(ready[3], timeout=PATIENCE_S).read().decode()
    assert 'appliance_state{state="running"} 1.0' in metrics
    told = json.loads(appliance("status", *HERE, "--json").stdout)
    assert (told["state"], told["pid"], told["stale_books"]) == (
        "running",
        int(ready[2]),
        1,
    )  # nothing has come


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told_and_accounts_for_everything(run: Run, idle: Path, number: signal.Signals) -> None:
    running = run("--config", idle)
    running.line("ready in")
    running.process.send_signal(number)
    assert running.end() == 0
    _, told = running.line(
        rf"{NAME}: stopped in (\d+) ms after .*: 0 messages, last sequence 0, digest 0{{16}}"
    )
    assert int(told[1]) < 1000
    running.line("lost 0, missing 0, nothing has arrived yet, untrusted 0, dropped by the port 0")
    assert not (Path("/dev/shm") / NAME).exists()


def test_a_feed_that_ends_is_accounted_for(run: Run, day: tuple[Path, Model]) -> None:
    config, model = day
    running = run("--config", config)
    assert running.end() == 0
    _, told = running.line(r": ended after .*: ([\d,]+) messages, .* digest (\w+)")
    assert (told[1], told[2]) == ("20,000", f"{model.digest:016x}")


def test_the_book_and_the_end_of_a_held_feed_are_shown_by_commands(run: Run, day: tuple[Path, Model]) -> None:
    config, model = day
    running = run("--config", config, "feed.hold=true")
    running.line("ready in")
    symbol = model.summary(4).symbol.decode().rstrip()
    deadline = time.monotonic() + PATIENCE_S
    while json.loads(appliance("status", *HERE, "--json").stdout)["state"] != "ended":
        assert time.monotonic() < deadline
    told = json.loads(appliance("book", "show", symbol, *HERE, "--json").stdout)
    for name, side in (("bids", 0), ("asks", 1)):
        levels = [(level["px"], level["orders"], level["qty"]) for level in told[name]]
        assert levels == model.levels(4, side)[:10]
    done = appliance("stop", *HERE)
    assert done.returncode == 0, done
    assert re.search(
        rf"{NAME}: stopped in \d+ ms .*: 20,000 messages, .*digest {model.digest:016x}", done.stdout
    )
    assert running.end() == 0, "the supervisor ends with it"
    running.line(": stopped after .* 20,000 messages")
    assert "no data plane of this name" in refusal("status", *HERE)


def test_a_killed_data_plane_is_told_of_at_once_and_started_again(run: Run, idle: Path) -> None:
    running = run("--config", idle)
    running.line("ready in")
    _, ready = running.line(r"metrics on (http://\S+)")
    pid = dataplane()
    with Segment(NAME) as segment:  # in an idle feed the killed thread is in its port, or behind a round
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        when, died = running.line(
            r"DIED: killed by SIGKILL; last stage (\w+), last sequence 0; starting it again now"
        )
        again, _ = running.line("ready in", 2)
        assert died[1] == segment.stage
    assert when - killed < 1, "0.1 s where the machine has a core to spare"
    assert again - killed < 10
    assert dataplane() != pid
    metrics = urllib.request.urlopen(ready[1], timeout=PATIENCE_S).read().decode()
    assert 'appliance_deaths_total{reason="SIGKILL"} 1.0' in metrics
    assert "appliance_up 1.0" in metrics


def test_one_that_dies_again_and_again_is_given_up(run: Run, idle: Path) -> None:
    running = run("--config", idle)
    for life in range(1, 6):
        running.line("ready in", life)
        os.kill(dataplane(), signal.SIGKILL)
        if life < 5:
            running.line("DIED: killed by SIGKILL", life)
    assert running.end() == 2
    running.line("died 5 times, each within 10 s, and is given up; the last time: killed by SIGKILL")


def test_the_pauses_between_starts_grow() -> None:
    pauses = [Patience().pause_s(deaths) for deaths in range(1, 9)]
    assert pauses == [0, 0.25, 0.5, 1, 2, 4, 8, 8]


def test_it_can_be_told_not_to_start_again(run: Run, idle: Path) -> None:
    running = run("--config", idle, "--no-restart")
    running.line("ready in")
    os.kill(dataplane(), signal.SIGABRT)
    assert running.end() == 2
    running.line("died: killed by SIGABRT; last stage .* it is not started again, as told")


def test_a_data_plane_that_does_not_come_round_is_told_of_and_when_it_does_again(
    run: Run, idle: Path
) -> None:
    running = run("--config", idle)
    running.line("ready in")
    pid = dataplane()
    stopped = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        when, _ = running.line(r"LATE: its feed thread has not come round for \d+ ms: .*last stage \w+")
        assert when - stopped < 10
        assert json.loads(appliance("status", *HERE, "--json").stdout)["late"] is True
    finally:
        os.kill(pid, signal.SIGCONT)
    running.line("comes round again after")


def test_the_data_plane_goes_with_a_killed_supervisor(run: Run, idle: Path) -> None:
    running = run("--config", idle)
    running.line("ready in")
    with Segment(NAME) as segment:
        running.process.kill()
        deadline = time.monotonic() + PATIENCE_S
        while segment.is_alive:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    second = run("--config", idle)
    second.line("ready in")


def test_a_second_of_the_same_name_is_one_clear_line(run: Run, idle: Path) -> None:
    first = run("--config", idle)
    first.line("ready in")
    assert "a data plane of this name is running" in refusal("run", "--config", idle)


def test_what_keeps_it_from_starting_is_one_clear_line(idle: Path) -> None:
    """That a feed is empty, only its reader finds."""
    line = refusal("run", "--config", idle, "feed.port=file", "feed.file=/dev/null")
    assert "did not start" in line
    assert "is empty; a feed file has at least one message" in line
    assert not (Path("/dev/shm") / NAME).exists()


def test_a_wrong_configuration_starts_nothing(idle: Path) -> None:
    idle.write_text(idle.read_text() + "[nonsense]\n")
    assert "nonsense is not known" in refusal("run", "--config", idle)


def test_overrides_alone_are_a_configuration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "appliance.toml: no such file" in refusal("run")
    assert "books.symbols is missing" in refusal("run", "--", "feed.lines=1")
    books = [f"books.{line.replace(' ', '')}" for line in BOOKS.splitlines()]
    words = (
        'books.symbols=["SPY"]',
        *books,
        "metrics.listen=off",
        "feed.lines=1",
        "feed.a.group=239.192.99.9:19999",
    )
    running = run("--name", NAME, "--", *words)
    running.line("ready in .* lines 239.192.99.9:19999, 1 symbol; no metrics")
