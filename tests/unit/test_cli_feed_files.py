"""``replay``, ``book trace`` and ``book orders`` on a feed file, against the model."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from model.book import Model
from model.command import COMMAND, appliance, refusal
from model.messages import split
from model.port import reads_gzip

from appliance.synth import Market, write_feed

MESSAGES, SYMBOLS, SEED = 20_000, 12, 5
ORDER_TYPES = b"AFECXDU"
BID, ASK = 0, 1


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day."""
    path = tmp_path_factory.mktemp("feed") / "day.itch"
    write_feed(Market(MESSAGES, SYMBOLS, SEED), str(path))
    return path


@pytest.fixture(scope="module")
def model(day: Path) -> Model:
    """Return the model at the end of that day."""
    model = Model()
    model.feed(day.read_bytes())
    return model


def symbol_of(model: Model, locate: int) -> str:
    """Return the symbol as people write it."""
    return model.summary(locate).symbol.decode().rstrip()


def test_replay_reports_what_the_model_counts(day: Path, model: Model) -> None:
    done = appliance("replay", day, "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    by_type: dict[str, int] = {}
    for body in split(day.read_bytes()):
        by_type[chr(body[0])] = by_type.get(chr(body[0]), 0) + 1
    assert report["messages"] == MESSAGES == sum(by_type.values())
    assert report["by_type"] == by_type
    assert report["symbols"] == SYMBOLS
    assert report["digest"] == f"{model.digest:016x}"
    assert report["depth_digest"] == f"{model.depth_digest():016x}"
    assert report["unknown"] == report["malformed"] == report["oddities"]["unknown_reference"] == 0
    assert report["stale"] is False
    assert report["packets"] is None
    assert report["ns_per_message"] > 0
    assert report["peak_rss_bytes"] > 1 << 20


def test_replay_for_people_names_the_digest(day: Path, model: Model) -> None:
    done = appliance("replay", day)
    assert done.returncode == 0
    assert f"{model.digest:016x}" in done.stdout
    assert done.stderr == ""  # no progress bar where nobody watches


def test_replay_of_the_same_day_in_gzip_gives_the_same_books(day: Path, tmp_path: Path, model: Model) -> None:
    packed = tmp_path / "day.itch.gz"
    packed.write_bytes(gzip.compress(day.read_bytes(), 1))
    done = appliance("replay", packed, "--json")
    if not reads_gzip():
        assert "this build has no zlib" in refusal("replay", packed)
        return
    assert json.loads(done.stdout)["digest"] == f"{model.digest:016x}"


def test_an_empty_message_among_others_makes_the_books_stale(day: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.itch"
    framed = day.read_bytes()
    cut = 2 + (framed[0] << 8 | framed[1])
    broken.write_bytes(framed[:cut] + b"\x00\x05Axxxx" + framed[cut:])
    report = json.loads(appliance("replay", broken, "--json").stdout)
    assert report["malformed"] == 1
    assert report["stale"] is True


def traced(*arguments: str | int | Path) -> list[list[str]]:
    done = appliance("book", "trace", *arguments)
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_trace_has_the_models_levels_after_every_message_that_touched_a_book(day: Path, depth: int) -> None:
    header, *rows = traced(day, "--depth", depth)
    assert header[:5] == ["sequence", "venue_ns", "locate", "symbol", "type"]
    model = Model()
    expected = []
    for sequence, body in enumerate(split(day.read_bytes()), 1):
        model.message(body)
        if body[0] not in ORDER_TYPES:
            continue
        locate = int.from_bytes(body[1:3], "big")
        row = [sequence, int.from_bytes(body[5:11], "big"), locate, symbol_of(model, locate), chr(body[0])]
        asks, bids = model.levels(locate, ASK), model.levels(locate, BID)
        for level in range(depth):
            for side in (asks, bids):
                px, _, qty = side[level] if level < len(side) else (0, 0, 0)
                row += [px, qty]
        expected.append([str(value) for value in row])
    assert rows == expected


def test_a_trace_of_one_symbol_is_its_part_of_the_whole(day: Path, model: Model, tmp_path: Path) -> None:
    symbol = symbol_of(model, 3)
    header, *rows = traced(day, "--depth", 2)
    out = tmp_path / "one.csv"
    assert traced(day, "--depth", 2, "--symbol", symbol, "--out", out) == []
    assert list(csv.reader(out.open())) == [header, *[row for row in rows if row[3] == symbol]]


@pytest.mark.parametrize("at", [None, MESSAGES // 2, 100, MESSAGES * 10])
def test_orders_are_the_models_queue(day: Path, at: int | None) -> None:
    model = Model()
    for body in split(day.read_bytes())[:at]:
        model.message(body)
    locate = 2
    arguments = ["--symbol", symbol_of(model, locate)] + ([] if at is None else ["--at", str(at)])
    done = appliance("book", "orders", day, *arguments)
    assert done.returncode == 0, done.stderr
    expected = ["side,px,reference,qty"]
    for side, letter in ((BID, "B"), (ASK, "S")):
        expected += [f"{letter},{px},{reference},{qty}" for reference, px, qty in model.queue(locate, side)]
    assert done.stdout.splitlines() == expected


def test_a_symbol_that_nobody_names_is_refused(day: Path) -> None:
    assert "no message names NOSUCH" in refusal("book", "orders", day, "--symbol", "NOSUCH")


@pytest.mark.parametrize("command", [["replay"], ["book", "trace"], ["book", "orders", "--symbol", "X"]])
def test_what_cannot_be_read_is_one_clear_line(command: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    text = tmp_path / "text"
    text.write_text("This is a letter to my aunt, and no feed at all.\n")
    missing = tmp_path / "missing"
    for path in (empty, text, missing, tmp_path):
        assert str(path) in refusal(*command, path)


def test_a_truncated_last_message_is_an_error_that_says_where(day: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.itch"
    cut.write_bytes(day.read_bytes()[:-3])
    assert str(cut) in refusal("replay", cut)
    done = appliance("book", "trace", cut)
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) > 1000  # what was whole has been given


def test_output_that_cannot_be_written_is_one_clear_line(day: Path, tmp_path: Path) -> None:
    line = refusal("book", "trace", day, "--out", tmp_path / "no" / "folder.csv")
    assert "No such file or directory" in line


def test_a_trace_does_not_write_over_its_own_input(day: Path, tmp_path: Path) -> None:
    feed = tmp_path / "day.itch"
    feed.write_bytes(day.read_bytes())
    link, twin = tmp_path / "link", tmp_path / "twin"
    link.symlink_to(feed)
    twin.hardlink_to(feed)
    for out in (feed, link, twin):
        line = refusal("book", "trace", feed, "--out", out)
        assert str(out) in line
        assert "is the feed file itself" in line
    assert feed.read_bytes() == day.read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_a_trace_is_one_clear_line(day: Path) -> None:
    assert "/dev/full: No space left" in refusal("book", "trace", day, "--out", "/dev/full")


def test_a_sequence_number_beyond_64_bits_is_no_option(day: Path) -> None:
    last = appliance("book", "orders", day, "--symbol", "NOSUCH", "--at", 2**64 - 1)
    assert f"no message up to sequence {2**64 - 1} names NOSUCH" in last.stderr
    done = appliance("book", "orders", day, "--symbol", "NOSUCH", "--at", 2**64)
    assert done.returncode == 2
    assert "Invalid value for '--at'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_reader_of_a_trace_may_go_away(unbuffered: str, day: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "book", "trace", str(day)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 1


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "--json"], ["book", "orders", "--symbol"]])
def test_a_report_into_a_closed_pipe_ends_without_a_word(
    arguments: list[str], day: Path, model: Model
) -> None:
    if arguments[-1] == "--symbol":
        arguments = [*arguments, symbol_of(model, 2)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, *arguments, str(day)], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1


ODD_NAME = os.fsdecode(b"day-\xff-\xc3\xa9.itch")  # no UTF-8, then one that is
ODD_NAME_SHOWN = "day-\\xff-é.itch"


@pytest.fixture
def odd(day: Path, tmp_path: Path) -> Path:
    """Copy the day to a name that is no text."""
    path = tmp_path / ODD_NAME
    path.write_bytes(day.read_bytes())
    return path


def test_a_file_name_that_is_no_text_is_replayed_and_shown(odd: Path, model: Model) -> None:
    done = appliance("replay", odd, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["digest"] == f"{model.digest:016x}"
    assert Path(report["file"]).name == ODD_NAME_SHOWN
    assert ODD_NAME_SHOWN in appliance("replay", odd).stdout


def test_a_file_name_that_is_no_text_works_in_every_command(odd: Path, tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"\xfe.csv")
    assert traced(odd, "--out", out) == []
    assert out.stat().st_size > 1000
    for bench in ("decode", "book"):
        done = appliance("bench", bench, "--file", odd, "--runs", 1)
        assert ODD_NAME_SHOWN in done.stdout, done.stderr
    made = appliance("synth", "--messages", 2000, "--symbols", 10, "--out", odd, "--json")
    assert Path(json.loads(made.stdout)["path"]).name == ODD_NAME_SHOWN


def test_an_error_names_a_file_whose_name_is_no_text(odd: Path, tmp_path: Path) -> None:
    missing = tmp_path / os.fsdecode(b"gone-\xff")
    for command in (
        ["replay"],
        ["book", "trace"],
        ["bench", "book", "--file"],
        ["bench", "decode", "--file"],
    ):
        assert "gone-\\xff" in refusal(*command, missing)
    assert ODD_NAME_SHOWN in refusal("book", "orders", odd, "--symbol", "NOSUCH")
    assert "gone-\\xff/a.csv" in refusal("book", "trace", odd, "--out", missing / "a.csv")
    assert "gone-\\xff/a" in refusal("synth", "--messages", 2000, "--symbols", 10, "--out", missing / "a")
