"""``bench decode`` and ``bench book``: the shape of what they print, and that they did the work."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from model.book import Model
from model.command import appliance, refusal

from appliance.synth import Market, write_feed

MESSAGES = 5_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic day."""
    path = tmp_path_factory.mktemp("bench") / "day.itch"
    write_feed(Market(MESSAGES, 10, 1), str(path))
    return path


def report_of(name: str, day: Path) -> dict[str, Any]:
    done = appliance("bench", name, "--file", day, "--runs", 3, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


@pytest.mark.parametrize(("name", "goal"), [("decode", 7.0), ("book", 40.0)])
def test_a_benchmark_is_one_object_with_its_facts(name: str, goal: float, day: Path) -> None:
    report = report_of(name, day)
    assert report["bench"] == name
    assert report["file"] == str(day)
    assert report["messages"] == MESSAGES
    assert len(report["runs_ns"]) == 3
    assert report["clock_read_ns"] > 0
    assert report["peak_rss_bytes"] > day.stat().st_size
    assert isinstance(report["huge_pages"], str)
    assert report["machine"]["cores"] >= 1
    assert report["distribution"]["min"] <= report["distribution"]["p50"] <= report["distribution"]["max"]
    (result,) = report["results"]
    assert result["name"] == f"{name}_ns"
    assert result["goal"] == goal
    assert result["value"] == pytest.approx(statistics.median(report["runs_ns"]))
    assert result["met"] is (result["value"] <= goal)


def test_the_book_benchmark_built_the_models_books(day: Path) -> None:
    model = Model()
    model.feed(day.read_bytes())
    assert report_of("book", day)["digest"] == f"{model.digest:016x}"


def test_a_capture_is_no_input_for_a_benchmark(tmp_path: Path) -> None:
    capture = tmp_path / "day.pcap"
    done = appliance("synth", "--messages", 2000, "--symbols", 10, "--pcap", "--out", capture)
    assert done.returncode == 0
    assert "framed ITCH" in refusal("bench", "book", "--file", capture)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "missing.itch" in refusal("bench", "decode", "--file", tmp_path / "missing.itch")
