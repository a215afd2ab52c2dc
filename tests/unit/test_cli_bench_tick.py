"""``bench tick``: the shape of what it prints, its picture, and that placement changes no byte of orders."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model.command import appliance, refusal

from appliance.bench.offline import BenchError, loaded_input
from appliance.bench.picture import WIDTH, histogram_png
from appliance.bench.tick import Asked, run_tick, run_trial, spread
from appliance.synth import Market, write_feed

MESSAGES = 150_000
TWO_CORES = len(os.sched_getaffinity(0)) > 1
# An imbalance that is easily found, so that a small day has many orders.
EAGER = {"percent": 51, "spread_px": 1_000_000}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day."""
    path = tmp_path_factory.mktemp("bench") / "day.itch"
    write_feed(Market(MESSAGES, 60, 1), str(path))
    return path


def report_of(*arguments: str | Path) -> dict[str, Any]:
    done = appliance("bench", "tick", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def test_the_market_of_the_day_that_is_made_may_be_small() -> None:
    report = report_of("--messages", "60000", "--symbols", "7", "--placement", "fused")
    assert (report["file"], report["instruments"]) == ("synthetic, 7 symbols", 7)
    assert report["messages"] == 60_000
    assert report["fused"]["count"] > 0
    assert {result["name"]: result["value"] for result in report["results"]}["orders_per_s"] > 0


def test_the_benchmark_is_one_object_with_its_facts(day: Path) -> None:
    report = report_of("--file", day, "--placement", "fused")
    assert report["bench"] == "tick"
    assert report["file"] == str(day)
    assert report["messages"] == MESSAGES
    assert report["clock_read_ns"] > 0
    assert report["machine"]["cores"] >= 1
    assert "split" not in report
    results = {result["name"]: result for result in report["results"]}
    goals = {name: (result["goal"], result["unit"]) for name, result in results.items()}
    assert goals == {
        "tick_p50_ns": (250.0, "ns"),
        "tick_p99_ns": (600.0, "ns"),
        "orders_per_s": (5_000_000.0, "orders a second"),
    }
    fused = report["fused"]
    assert results["tick_p50_ns"]["value"] == fused["p50"]
    assert results["tick_p99_ns"]["value"] == fused["p99"]
    assert results["tick_p50_ns"]["met"] is (fused["p50"] <= 250)
    assert results["orders_per_s"]["met"] is (results["orders_per_s"]["value"] >= 5e6)
    assert (
        0 < fused["p50"] <= fused["p90"] <= fused["p99"] <= fused["p99_9"] <= fused["p99_99"] <= fused["max"]
    )
    assert fused["count"] + fused["packets_without_orders"] == fused["packets"]
    assert fused["orders"] >= fused["count"] > 0
    assert fused["fills"] > 0
    assert fused["messages_a_packet"] == pytest.approx(MESSAGES / fused["packets"], abs=0.01)
    single = report["one_message_a_packet"]
    assert (single["packets"], single["messages_a_packet"]) == (MESSAGES, 1.0)


@pytest.mark.skipif(not TWO_CORES, reason="to split needs two cores")
def test_split_is_reported_beside_fused_with_the_same_orders(day: Path) -> None:
    report = report_of("--file", day)
    assert report["split"]["count"] == report["fused"]["count"]
    assert report["split"]["order_digest"] == report["fused"]["order_digest"]


@pytest.mark.skipif(not TWO_CORES, reason="to split needs two cores")
def test_a_placement_that_is_asked_for_is_the_only_one(day: Path) -> None:
    report = report_of("--file", day, "--placement", "split")
    assert "fused" not in report
    assert report["results"] == []
    assert report["split"]["count"] > 0


@pytest.mark.parametrize("packet_messages", [1, 64])
def test_placement_changes_no_byte_of_the_orders(packet_messages: int, day: Path) -> None:
    asked = Asked(day, instruments=20, params=EAGER)
    with loaded_input(day) as loaded:
        trials = [run_trial(loaded, asked, packet_messages, split, (-1, -1)) for split in (False, True)]
    fused, split = (trial.counted for trial in trials)
    assert fused["orders"] > 200
    assert fused["order_digest"] == split["order_digest"]
    assert fused["book_digest"] == split["book_digest"]
    assert len(trials[0].ns) == len(trials[1].ns) == fused["packets_with_orders"]
    assert all((trial.ns > 0).all() for trial in trials)


def test_another_day_has_other_orders(day: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.itch"
    write_feed(Market(MESSAGES, 60, 2), str(other))
    digests = set()
    for path in (day, other):
        with loaded_input(path) as loaded:
            trial = run_trial(loaded, Asked(path, instruments=20, params=EAGER), 64, False, (-1, -1))
        digests.add(trial.counted["order_digest"])
    assert len(digests) == 2


def test_the_process_keeps_its_cores(day: Path) -> None:
    before = os.sched_getaffinity(0)
    with loaded_input(day) as loaded:
        run_trial(loaded, Asked(day), 64, False, (min(before), -1))
    assert os.sched_getaffinity(0) == before


def test_a_day_without_an_order_is_no_measurement(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    write_feed(Market(MESSAGES, 60, 1), str(path))
    with pytest.raises(BenchError, match="no packet of this day led to an order"):
        run_tick(Asked(path, "fused", params={"percent": 100, "spread_px": 0}), None, lambda _: None)


def test_a_file_that_names_no_symbols_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    event = b"\x00\x0cS" + bytes(10) + b"O"  # a system event: start of messages
    path.write_bytes(event * 10)
    assert "names no symbols" in refusal("bench", "tick", "--file", path)


def test_the_spread_of_a_thousand_times_is_that_of_their_ranks() -> None:
    times = spread(np.arange(1, 1001, dtype=np.float32))
    assert times["p50"] == pytest.approx(500.5)
    assert times["p99"] == pytest.approx(990.0, abs=0.5)
    assert (times["max"], times["count"]) == (1000.0, 1000)


def chunks_of(png: bytes) -> dict[bytes, bytes]:
    """Take a PNG apart, and check its sums (RFC 2083, section 3)."""
    assert png[:8] == bytes.fromhex("89504e470d0a1a0a")
    found: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (told,) = struct.unpack_from(">I", png, at + 8 + length)
        assert told == zlib.crc32(kind + body)
        found[kind] = found.get(kind, b"") + body
        at += 12 + length
    assert list(found) == [b"IHDR", b"IDAT", b"IEND"]
    return found


def pixels_of(png: bytes) -> Any:
    chunks = chunks_of(png)
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, rest) == (8, 0, [0, 0, 0])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert (rows[:, 0] == 0).all()
    return rows[:, 1:]


def test_the_plot_is_a_png_with_a_row_a_series(day: Path, tmp_path: Path) -> None:
    plot = tmp_path / "tick.png"
    report = report_of("--file", day, "--placement", "fused", "--plot", plot)
    assert report["plot"] == str(plot)
    pixels = pixels_of(plot.read_bytes())
    assert pixels.shape[1] == WIDTH
    for row in np.array_split(pixels, 2):
        assert len(np.unique(row)) > 2


def test_bars_stand_where_the_times_are() -> None:
    """Of an axis from 100 to 100,000, one of two clusters stands at the start and one at the end."""
    pixels = pixels_of(histogram_png("TEST", "NS", {"ONE": np.array([100.0] * 50 + [90_000.0] * 50)}))
    columns = np.flatnonzero((pixels == 120).any(axis=0))
    assert columns.min() == pytest.approx(20, abs=2)
    assert columns.max() == pytest.approx(20 + (WIDTH - 40) * np.log10(900) / 3, abs=8)
    middle = columns[(columns > 40) & (columns < WIDTH - 80)]
    assert len(middle) == 0


def test_a_plot_that_cannot_be_written_is_refused(day: Path, tmp_path: Path) -> None:
    where = tmp_path / "none" / "tick.png"
    assert "tick.png" in refusal("bench", "tick", "--file", day, "--placement", "fused", "--plot", where)
