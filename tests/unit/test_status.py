"""What status, top, stats and book show say of a segment whose every number the test has written."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from model.command import COMMAND, refusal
from model.running import running
from model.segment import CYCLES_PER_S, WrittenSegment, fill

from appliance.cli import cli
from appliance.dataplane import Segment
from appliance.errors import ApplianceError
from appliance.native import ffi
from appliance.observe.counters import COUNTERS, FRAME_VERDICTS, LINE_VERDICTS, STAGES
from appliance.observe.reading import read
from appliance.observe.status import headline
from appliance.observe.top import screen, short

NAME = f"test-status-{os.getpid()}"
HERE = ("--name", NAME)
DELIVERED, PARTIAL, HELD, LATE, DUPLICATE, HEARTBEAT, TRUNCATED = 0, 1, 2, 3, 4, 5, 9


@pytest.fixture
def written() -> Iterator[WrittenSegment]:
    with WrittenSegment(NAME, "SPY", "QQQ") as segment:
        segment.keep_fresh()
        yield segment


def said(*words: str) -> str:
    """Return what a command prints, run in this process."""
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.exception
    return done.stdout


def refused(*words: str) -> str:
    """Return the one line of a command that must be refused; what ``main`` makes of it is tested below."""
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, ApplianceError), done.output
    assert done.stdout == ""
    line = str(done.exception)
    assert "\n" not in line
    return line


def status() -> dict[str, object]:
    """Return what ``status --json`` says."""
    found = json.loads(said("status", *HERE, "--json"))
    assert isinstance(found, dict)
    return found


def test_status_tells_how_it_is_on_one_page(written: WrittenSegment) -> None:
    written.live["messages"], written.live["sequence"] = 1_234_567, 2_345_678
    written.live["digest"], written.live["stale_books"] = 0xABC, 3
    written.live["recovery_state"] = 3
    line = written.stats["mold"]["line"][0]
    line["packets"], line["gaps"], line["gap_messages"] = 700, 6, 66
    for verdict, count in ((DELIVERED, 400), (PARTIAL, 30), (HELD, 20), (LATE, 200), (TRUNCATED, 5)):
        line["by_verdict"][verdict] = count
    written.stats["recovery"]["missing"], written.stats["recovery"]["missing_first"] = 66, 2_345_679
    written.stats["port"][0]["dropped"] = 17
    written.stats["frames"]["by_verdict"][13] = 4
    written.stats["books"]["live_orders"] = 250
    page = said("status", *HERE)
    assert page.count("\n") <= 24
    for words in (
        "running  3 BOOKS STALE", "1,234,567, 0/s now, last sequence 2,345,678", "0000000000000abc",
        "line A      700 packets: first 450, late 200, duplicate 0; gaps 6 of 66 messages, refused 5",
        "recovery    asking;", "MISSING NOW 66 from 2,345,679 on", "17 DROPPED", "udp_checksum 4",
        "orders 250 of 1,000", "p99.9", "ready after 0.50 s",
    ):  # fmt: skip
        assert words in page
    told = status()
    assert told["stale_books"] == 3
    assert told["recovery_state"] == "asking"
    assert told["refused_frames"] == {"udp_checksum": 4}
    assert told["pools"] == {
        "orders": {"used": 250, "size": 1000},
        "order_pages": {"used": 0, "size": 100},
        "levels": {"used": 0, "size": 500},
        "locates": {"used": 0, "size": 50},
    }
    assert isinstance(told["lines"], dict)
    assert told["lines"]["a"] == {
        "packets": 700, "first": 450, "late": 200, "duplicate": 0, "gaps": 6, "lost_messages": 66,
        "refused": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "stale", "untrusted", "words"),
    [
        ("running", 0, 0, "running  no book stale"),
        ("running", 0, 7, "running  7 OF 7 BOOKS UNTRUSTED"),
        ("running", 2, 3, "running  2 BOOKS STALE, 3 OF 7 BOOKS UNTRUSTED"),
        ("stopped", 0, 1, "stopped  1 OF 7 BOOKS UNTRUSTED"),
        ("starting", 0, 0, "starting  not ready, every book stale"),
    ],
)
def test_the_headline_says_what_the_books_are_worth(
    written: WrittenSegment, state: str, stale: int, untrusted: int, words: str
) -> None:
    written.live["recovery_state"], written.live["stale_books"] = 1, stale
    written.stats["books"]["symbols"], written.stats["books"]["untrusted_books"] = 7, untrusted
    written.state(state)
    with Segment(NAME) as segment:
        assert headline(read(segment)) == words


def test_status_says_when_the_feed_thread_does_not_come_round(written: WrittenSegment) -> None:
    assert status()["late"] is False
    written.live["stage"] = 2
    written.beat(3.0)
    assert status()["late"] is True
    age = re.search(r"HAS NOT COME ROUND FOR (\S+) s \(stage book\)", said("status", *HERE))
    assert age
    assert float(age[1]) >= 3


def test_stats_hold_every_number_that_the_data_plane_wrote(written: WrittenSegment) -> None:
    fill(written.stats, 1)
    told = json.loads(said("stats", *HERE, "--json"))
    stats = written.stats
    for group, record in (
        ("frame", stats["frames"]), ("stream", stats["mold"]), ("recovery", stats["recovery"]),
        ("recoverer", stats["recoverer"]), ("stats", stats), ("book", stats["books"]),
    ):  # fmt: skip
        for counter in COUNTERS:
            if counter.group == group and counter.member != "digest":
                assert told[group][counter.member] == record[counter.member], counter.name
    assert told["port"]["0"]["truncated"] == stats["port"][0]["truncated"]
    assert told["line"]["b"]["verdicts"]["heartbeat"] == stats["mold"]["line"][1]["by_verdict"][HEARTBEAT]
    assert told["book"]["by_type"]["A"] == stats["books"]["by_type"][ord("A")]
    for stage, histogram in zip(STAGES, stats["stage"], strict=True):
        shown = told["stages"][stage]
        assert shown["count"] == int(histogram["bucket"].sum()) == shown["buckets"][-1]["count"]
        assert shown["max_cycles"] == histogram["max_cycles"]
        assert len(shown["buckets"]) == 20
    lines = said("stats", *HERE).splitlines()
    assert [line.split() for line in lines if line.startswith("recovery.requests ")] == [
        ["recovery.requests", str(stats["recovery"]["requests"])]
    ]


def test_each_counter_and_verdict_is_explained_without_a_data_plane() -> None:
    text = said("stats", "--explain")
    for counter in COUNTERS:
        assert counter.text in text
        assert counter.metric in text
    for table in (FRAME_VERDICTS, LINE_VERDICTS, STAGES):
        for name, sentence in table.items():
            assert f"{name:<20} {sentence}" in text


def test_several_are_listed_and_other_commands_ask_for_a_name(written: WrittenSegment) -> None:
    with WrittenSegment(f"{NAME}-b") as other, WrittenSegment(f"{NAME}-c") as dead:
        other.beat()
        dead.die()
        rows = {line.split()[0]: line.split()[1] for line in said("status").splitlines()}
        assert [rows[name] for name in (NAME, f"{NAME}-b", f"{NAME}-c")] == ["running", "running", "dead"]
        listed = json.loads(said("status", "--json"))["instances"]
        assert [row["state"] for row in listed if row["name"] == f"{NAME}-c"] == ["dead"]
        line = refused("stats")
        assert "choose one with --name" in line
        assert f"{NAME}-b" in line
        assert f"{NAME}-c" not in line


def test_the_only_one_that_lives_needs_no_name(
    written: WrittenSegment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is on this machine, as if these were all."""
    with WrittenSegment(f"{NAME}-b") as dead:
        dead.die()
        monkeypatch.setattr("appliance.observe.reading.running", lambda: [f"{NAME}-b", NAME])
        assert json.loads(said("status", "--json"))["name"] == NAME
        assert json.loads(said("stats", "--json"))["name"] == NAME
    monkeypatch.setattr("appliance.observe.reading.running", list)
    assert "no data plane is running on this machine" in refused("status")


@pytest.mark.parametrize(
    "words", [["status"], ["top", "--once"], ["stop"], ["book", "show", "SPY"], ["stats"]]
)
def test_one_that_is_not_there_is_one_clear_line(words: list[str]) -> None:
    assert "no data plane of this name is running" in refused(*words, "--name", "test-nobody")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("running", "is dead: its process is gone without a word; last stage event, last sequence 77"),
        ("stopped", "has been stopped; last stage event"),
        ("ended", "has read its feed to the end, and gone"),
        ("failed", "has failed: no room on the wire"),
    ],
)
def test_one_that_does_not_live_is_one_clear_line(written: WrittenSegment, state: str, words: str) -> None:
    written.live["sequence"], written.live["stage"] = 77, 3
    written.header["message"] = b"no room on the wire"
    written.state(state)
    written.die()
    for command in (["status"], ["top", "--once"], ["stop"], ["book", "show", "SPY"]):
        line = refused(*command, *HERE)
        assert words in line
        assert "start it again with appliance run" in line
    assert "sequence" in said("stats", *HERE), "its counters still tell"


def test_such_a_line_is_all_that_the_command_prints_and_its_exit_status_is_2() -> None:
    assert "no data plane of this name is running" in refusal("status", "--name", "test-nobody")


def test_one_of_another_build_is_one_clear_line(written: WrittenSegment) -> None:
    written.header["abi_hash"][5] ^= 1
    assert "written by a data plane of another build" in refused("status", *HERE)


def test_one_of_another_user_is_one_clear_line(written: WrittenSegment) -> None:
    """Whether it is named or not; a group that may read it is named too."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    written.path.chmod(0o640)
    line = said_to_nobody("status", *HERE)
    assert f"/dev/shm/{NAME}: permission denied: this user may not look at it" in line
    assert "ask as root (sudo -u root), or as a member of group root" in line
    written.path.chmod(0o600)
    line = said_to_nobody("status")
    assert f"'{NAME}'" in line
    assert "is running, and this user may not look at it: ask as root (sudo -u root)" in line
    written.die()
    assert f"'{NAME}'" not in said_to_nobody("status"), "nobody can tell what a dead one was"


def said_to_nobody(*words: str) -> str:
    """Return the one line that another user is told."""
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*become, *COMMAND, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


def show_book(written: WrittenSegment, flags: str = "") -> None:
    """Write a book of two bids and one ask."""
    view = written.views[0]
    names = ffi().typeof("enum book_flag").relements
    view["locate"], view["sequence"], view["venue_ns"] = 5, 900, 34_200_000_000_001
    view["flags"] = sum(names[f"BOOK_{flag}"] for flag in flags.split())
    view["bid_levels"], view["ask_levels"] = 2, 1
    view["bid"][:2] = [(4_011_200, 3, 700), (4_011_100, 1, 100)]
    view["ask"][:1] = [(4_011_300, 2, 250)]
    view["last_px"], view["last_qty"], view["traded_qty"], view["trading_state"] = 4_011_250, 10, 5000, b"T"


def test_a_live_book_is_shown_with_its_levels(written: WrittenSegment) -> None:
    show_book(written)
    rows = said("book", "show", "SPY", *HERE).splitlines()
    assert "SPY  last 401.1250 x 10  traded 5,000  state T  data plane running" in rows[0]
    assert "sequence 900, venue time 09:30:00.000000001" in rows[1]
    assert rows[3].split() == ["3", "700", "401.1200", "401.1300", "250", "2"]
    assert rows[4].split() == ["1", "100", "401.1100"]
    told = json.loads(said("book", "show", "SPY", "--json", *HERE))
    assert told["bids"] == [
        {"px": 4_011_200, "qty": 700, "orders": 3}, {"px": 4_011_100, "qty": 100, "orders": 1},
    ]  # fmt: skip
    assert told["asks"] == [{"px": 4_011_300, "qty": 250, "orders": 2}]
    assert (told["stale"], told["flags"]) == (False, [])


def test_a_stale_book_says_so_first_and_loudly(written: WrittenSegment) -> None:
    show_book(written, "STALE UNTRUSTED CROSSED")
    rows = said("book", "show", "SPY", *HERE).splitlines()
    assert rows[0].startswith("*** STALE: messages may be missing")
    assert rows[1].startswith("*** UNTRUSTED:")
    assert rows[2].startswith("*** CROSSED:")
    assert json.loads(said("book", "show", "SPY", "--json", *HERE))["stale"] is True


def test_a_book_without_a_view_is_refused_and_an_unnamed_one_told(written: WrittenSegment) -> None:
    assert "IBM: this data plane publishes no view of it" in refused("book", "show", "IBM", *HERE)
    assert "has not named this symbol yet" in said("book", "show", "QQQ", *HERE)


def test_a_watched_book_is_shown_again_at_every_change_until_interrupted(written: WrittenSegment) -> None:
    show_book(written)
    words = [*COMMAND, "book", "show", "SPY", "--watch", "--json", "--interval", "0.01", *HERE]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        assert json.loads(watch.stdout.readline())["sequence"] == 900
        written.views[0]["sequence"] = 901
        written.views[0]["version"] = 2
        assert json.loads(watch.stdout.readline())["sequence"] == 901
        watch.send_signal(signal.SIGINT)
        rest, complaint = watch.communicate(timeout=30)
    assert (watch.returncode, rest, complaint) == (0, "", "")


def test_top_shows_the_rates_of_the_last_interval(written: WrittenSegment) -> None:
    """Two looks half a second of the clock apart."""
    with Segment(NAME) as segment:
        written.header["cycles_per_s"] = CYCLES_PER_S
        before = read(segment)
        written.live["messages"] += 1_000_000
        written.stats["mold"]["line"][1]["packets"] += 5000
        written.stats["port"][0]["dropped"] += 50
        after = read(segment)
    later = type(after)(**{**vars(after), "now_cycles": before.now_cycles + CYCLES_PER_S // 2})
    rows = screen(before, later)
    assert "messages  2.00M/s" in rows[1]
    assert "dropped 50  NOW 100/s" in rows[2]
    assert [row.split()[1] for row in rows if row.startswith("b ")] == ["10.00k"]
    assert len(rows) <= 23
    assert max(map(len, rows)) <= 79


def test_a_screen_of_enormous_numbers_fits_a_small_terminal(written: WrittenSegment) -> None:
    fill(written.stats, 1 << 50)
    for name in ("messages", "sequence", "stale_books"):
        written.live[name] = 1 << 50
    with Segment(NAME) as segment:
        rows = screen(read(segment), read(segment))
    assert len(rows) <= 23
    assert max(map(len, rows)) <= 79


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1.00k"), (99_500, "99.50k"), (999_990, "1.00M"),
     (123_456_789, "123M"), (2_500_000_000, "2.50G")],
)  # fmt: skip
def test_numbers_are_written_short(number: int, text: str) -> None:
    assert short(number) == text


def test_top_draws_on_a_terminal_until_interrupted_and_gives_it_back(written: WrittenSegment) -> None:
    outside, inside = pty.openpty()
    seen = b""
    with running([*COMMAND, "top", "--interval", "0.1", *HERE], stdout=inside, stderr=inside) as top:
        os.close(inside)
        deadline = time.monotonic() + 60
        while seen.count(b"\x1b[H") < 3 and time.monotonic() < deadline:
            seen += _some(outside)
        top.send_signal(signal.SIGINT)
        while top.poll() is None and time.monotonic() < deadline:
            seen += _some(outside)
    seen += _some(outside)
    os.close(outside)
    assert top.returncode == 0
    assert seen.startswith(b"\x1b[?1049h")
    assert seen.endswith(b"\x1b[?1049l")
    assert NAME.encode() in seen


def _some(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], 0.05)
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:  # the other side is closed
        return b""


def test_top_follows_a_data_plane_that_was_started_again(written: WrittenSegment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [*COMMAND, "top", "--interval", "0.1", *HERE]
    with out.open("wb") as file, running(words, stdout=file) as top:
        _wait_for(out, f"pid {os.getpid()}")
        written.die()
        written.path.unlink()
        with WrittenSegment(NAME, pid=4242) as newer:
            newer.keep_fresh()
            _wait_for(out, "pid 4242")
        top.send_signal(signal.SIGINT)
        assert top.wait(30) == 0


def _wait_for(path: Path, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.02)


def test_stop_tells_when_a_data_plane_does_not_stop() -> None:
    with running(["sh", "-c", "trap '' TERM; echo; exec sleep 60"], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        with WrittenSegment(NAME, pid=deaf.pid):
            line = refused("stop", "--timeout", "0.2", *HERE)
    assert f"(process {deaf.pid}) has not stopped within 0.2 s" in line
    assert "kill -9" in line
