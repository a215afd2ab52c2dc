"""``bench decode`` and ``bench book``: the shape of what they print, and that they did the work."""

from __future__ import annotations

import json
import os
import statistics
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from model.book import Model
from model.command import appliance, refusal

from appliance.bench import offline
from appliance.bench.offline import huge_pages
from appliance.observe import machine as observe
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
    assert report["machine"]["cores"] >= 1
    assert report["distribution"]["min"] <= report["distribution"]["p50"] <= report["distribution"]["max"]
    (result,) = report["results"]
    assert result["name"] == f"{name}_ns"
    assert result["goal"] == goal
    assert result["value"] == pytest.approx(statistics.median(report["runs_ns"]))
    assert result["met"] is (result["value"] <= goal)


@pytest.mark.parametrize("name", ["decode", "book"])
def test_a_benchmark_names_the_pages_it_ran_in(name: str, day: Path) -> None:
    report = report_of(name, day)
    machine = report["machine"]
    unreserved = "4K" if machine["transparent_huge_pages"] in {None, "never"} else "transparent 2M"
    kinds = {unreserved, "reserved 2M"} if machine["reserved_huge_pages"] else {unreserved}
    words = {"decode": ["input"], "book": ["orders", "levels", "books"]}[name]
    mixed = {", ".join(pairs) for pairs in product(*([f"{word} {kind}" for kind in kinds] for word in words))}
    assert report["huge_pages"] in kinds | mixed


def test_pages_of_several_kinds_are_all_named() -> None:
    assert huge_pages({"input": "4K"}) == "4K"
    assert huge_pages({"orders": "reserved 2M", "books": "reserved 2M"}) == "reserved 2M"
    assert huge_pages({"orders": "reserved 2M", "books": "4K"}) == "orders reserved 2M, books 4K"


def mapped_bytes() -> int:
    """Return the address space in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("name", ["decode", "book"])
def test_the_peak_is_measured_while_input_and_books_are_mapped(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "day.itch"
    write_feed(Market(400_000, 10, 1), str(path))  # 14 MB: far more than the interpreter takes meanwhile
    seen: list[int] = []

    def peak() -> int:
        seen.append(mapped_bytes())
        return [5, 7][len(seen) - 1]

    monkeypatch.setattr(offline, "peak_rss_bytes", peak)
    before = mapped_bytes()
    report = {"decode": offline.run_decode, "book": offline.run_book}[name](path, 2, lambda _: None)
    assert report["peak_rss_bytes"] == 7  # the highest of all runs
    held = report["input_bytes"] + report["book_bytes"]
    assert held > 10_000_000
    for mapped in seen:
        assert mapped - max(before, mapped_bytes()) > 0.7 * held


def test_the_peak_counts_reserved_huge_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    status = "Name:\tpython\nVmPeak:\t  999 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\nHugetlbPages:\t 4096 kB\n"
    monkeypatch.setattr(observe, "_read", lambda _: status)
    assert observe.peak_rss_bytes() == (300 + 4096) * 1024


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
