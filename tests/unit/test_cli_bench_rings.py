"""``bench ring`` and ``bench journal``: the shape of what they print, and that they did the work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from model.command import appliance, refusal

from appliance.bench import ring
from appliance.bench.cores import cores_note, two_cores
from appliance.native import library


def report_of(*words: str | int | Path) -> dict[str, Any]:
    done = appliance("bench", *words, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    assert report["machine"]["cores"] >= 1
    assert report["clock_read_ns"] > 0
    return report


def test_the_ring_is_compared_with_a_queue_of_the_same_run() -> None:
    report = report_of("ring", "--runs", 3)
    rtt, item = report["results"]
    assert [rtt["name"], item["name"]] == ["ring_rtt_ns", "ring_ns_per_item"]
    assert report["bench"] == "ring"
    assert report["reference"] == {"rtt_ns": rtt["goal"], "ns_per_item": item["goal"]}
    for result in (rtt, item):
        assert result["value"] > 0
        assert result["met"] is (result["value"] <= result["goal"] * report["tolerance"])
    assert report["tolerance"] == 1.05
    assert (report["runs"], report["item_bytes"]) == (3, 64)
    assert report["cores"] == list(two_cores())
    assert report["note"] == cores_note(two_cores())


def test_a_benchmark_on_one_core_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3})
    assert two_cores() == (3, 3)
    monkeypatch.undo()
    core = two_cores()[0]
    monkeypatch.setattr(ring, "two_cores", lambda: (core, core))
    report = ring.run_ring(1, lambda _: None)
    assert report["note"] == (
        f"only core {core} is there: both sides took turns on it, and the figures say little"
    )
    assert report["note"] in ring.ring_text(report)


@pytest.mark.parametrize("what", range(4))
def test_every_item_arrives_as_it_was_sent(what: int) -> None:
    """The benchmark itself checks the sum of all words."""
    ours, theirs = two_cores()
    for count in (1, 33, 4095, 10_000):
        assert library().api_bench_ring(what, count, ours, theirs) > 0
    assert library().api_bench_ring(what, 1, ours, 4000) == -1


def test_the_journal_is_measured_verified_and_removed(tmp_path: Path) -> None:
    report = report_of("journal", "--records", 20_000, "--runs", 2, "--directory", tmp_path)
    results = {result["name"]: result for result in report["results"]}
    assert list(results) == ["journal_records_per_s", "journal_bytes_per_s", "journal_hot_ns"]
    assert results["journal_records_per_s"]["goal"] == 10_000_000
    assert results["journal_bytes_per_s"]["goal"] == 1_000_000_000
    assert results["journal_hot_ns"]["goal"] == 20.0
    for name in ("journal_records_per_s", "journal_bytes_per_s"):
        assert results[name]["met"] is (results[name]["value"] >= results[name]["goal"])
    assert results["journal_hot_ns"]["met"] is (results["journal_hot_ns"]["value"] <= 20.0)
    assert len(report["runs_hot_ns"]) == len(report["runs_records_per_s"]) == 2
    assert report["directory"] == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_benchmark_needs_a_directory(tmp_path: Path) -> None:
    done = appliance("bench", "journal", "--directory", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert "cannot" in refusal("bench", "journal", "--directory", "/proc/self", "--records", 1000)
