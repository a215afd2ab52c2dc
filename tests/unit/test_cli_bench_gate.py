"""``bench gate``: the shape of what it prints, and that the gate did the work."""

from __future__ import annotations

import json
import statistics

import pytest
from model.command import appliance

from appliance.bench import gate as bench
from appliance.bench.gate import gate_text, run_gate


def test_the_gate_benchmark_is_one_object_with_its_facts() -> None:
    done = appliance("bench", "gate", "--runs", 3, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bench"] == "gate"
    assert report["clock_read_ns"] > 0
    assert report["machine"]["cores"] >= 1
    assert report["orders"] == bench.BLOCKS * 1000
    assert len(report["runs_ns"]) == 3
    (result,) = report["results"]
    assert (result["name"], result["goal"]) == ("gate_ns", 20.0)
    assert result["value"] == pytest.approx(statistics.median(report["runs_ns"]))
    assert result["met"] is (result["value"] <= 20.0)
    for spread in (report["distribution"], report["rejecting"]["distribution"]):
        assert spread["blocks"] == bench.BLOCKS
        assert 0 < spread["min"] <= spread["p50"] <= spread["p99"] <= spread["max"]


def test_about_half_of_the_rejecting_mix_is_refused_and_none_of_the_passing() -> None:
    shown: list[int] = []
    report = run_gate(2, shown.append, blocks=200)
    assert shown == [1, 2]
    assert report["orders"] == 200_000
    assert 90_000 < report["rejecting"]["refused"] < 110_000


def test_the_table_says_what_the_object_does() -> None:
    report = run_gate(1, lambda _: None, blocks=50)
    text = gate_text(report)
    assert f"{report['results'][0]['value']:.2f} ns an order (goal 20.0:" in text
    assert f"{report['rejecting']['refused']:,} of them refused" in text
    assert "50 blocks of 1,000" in text
