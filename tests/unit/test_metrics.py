"""Metrics and histograms: every counter of the contract is explained, exported once, and with its value."""

from __future__ import annotations

import math
import os
import random
import urllib.request
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.segment import CYCLES_PER_S, WrittenSegment, fill
from prometheus_client.parser import text_string_to_metric_families

from appliance.config.kinds import Endpoint
from appliance.dataplane import Segment
from appliance.native import constants, dtype, ffi, library
from appliance.observe.counters import BY_NAME, COUNTERS, FRAME_VERDICTS, GROUPS, LINE_VERDICTS, STAGES
from appliance.observe.latency import Latency, upper_edges
from appliance.observe.metrics import RECOVERY_STATES, STATES, MetricsError, MetricsServer
from appliance.observe.reading import read

NAME = f"test-metrics-{os.getpid()}"
BUCKETS = constants()["ABI_HISTOGRAM_BUCKETS"]


@pytest.fixture
def written() -> Iterator[WrittenSegment]:
    with WrittenSegment(NAME) as segment:
        yield segment


def bucket_of(cycles: int) -> int:
    """Work out the bucket by the sentence in the contract: 32 in every power of two from 2^5 to 2^27."""
    if cycles < 32:
        return cycles
    power = int(math.log2(cycles)) if cycles < 1 << 40 else 40
    while 1 << power > cycles:
        power -= 1
    within = (cycles - (1 << power)) * 32 // (1 << power)
    return min(32 + (power - 5) * 32 + within, BUCKETS - 1)


def histogram(times: list[int]) -> Latency:
    """Count times as the data plane does."""
    record = np.zeros(1, dtype("histogram"))[0]
    for time in times:
        record["bucket"][bucket_of(time)] += 1
    record["count"], record["cycles"] = len(times), sum(times)
    record["max_cycles"] = max(times, default=0)
    return Latency.of(record, CYCLES_PER_S)


TIMES = st.lists(
    st.one_of(st.integers(0, 100), st.integers(0, 1 << 27), st.integers(0, 1 << 34)), max_size=60
)


def test_the_edges_of_the_buckets_are_those_of_the_contract() -> None:
    edges = upper_edges().tolist()
    assert len(edges) == BUCKETS
    assert edges[:35] == [*range(32), 32, 33, 34]
    assert edges[64:67] == [65, 67, 69], "steps of two from 64 on"
    for bucket in range(BUCKETS - 1):
        assert bucket_of(edges[bucket]) == bucket
        assert bucket_of(edges[bucket] + 1) == bucket + 1


@given(TIMES, st.sampled_from([0.5, 0.9, 0.99, 0.999, 1.0]))
def test_a_percentile_is_that_of_the_sorted_times_and_at_most_a_bucket_above(
    times: list[int], quantile: float
) -> None:
    found = histogram(times).percentile_ns(quantile)
    if not times:
        assert found is None
        return
    exact = sorted(times)[max(math.ceil(quantile * len(times)), 1) - 1] * 1e9 / CYCLES_PER_S
    assert found is not None
    if exact < (1 << 27) * 1e9 / CYCLES_PER_S:
        assert exact <= found * (1 + 1e-12) <= exact * (1 + 1 / 32) + 1e-6
    else:
        assert found == pytest.approx(max(times) * 1e9 / CYCLES_PER_S)


@given(TIMES)
def test_classic_buckets_count_what_is_surely_no_longer(times: list[int]) -> None:
    latency = histogram(times)
    counts = dict(latency.classic())
    assert list(counts) == [64 * 2**n for n in range(19)]
    assert list(counts.values()) == sorted(counts.values())
    for bound, count in counts.items():
        exact = [time * 1e9 / CYCLES_PER_S for time in times]
        assert sum(time <= bound / (1 + 1 / 31) for time in exact) <= count
        assert count <= sum(time <= bound for time in exact)
    assert latency.count == len(times)


def test_the_times_between_two_moments_are_their_difference() -> None:
    rng = random.Random(5)
    first = [rng.randrange(1000) for _ in range(500)]
    second = [rng.randrange(5000, 9000) for _ in range(300)]
    between = histogram(first + second).since(histogram(first))
    assert between.count == 300
    assert between.cycles == sum(second)
    assert between.percentile_ns(0.5) == histogram(second).percentile_ns(0.5)
    assert max(second) * 0.5 <= between.max_ns <= max(second) * 0.5 * (1 + 1 / 32)
    assert histogram(first).since(histogram(first)).percentile_ns(0.5) is None


def test_every_counter_of_the_contract_is_explained_and_nothing_else() -> None:
    explained = {(counter.group, counter.member) for counter in COUNTERS}
    assert len(explained) == len(COUNTERS) == len(BY_NAME)
    wanted = set()
    for group, (struct, _, _) in GROUPS.items():
        for name, field in ffi().typeof(f"struct {struct}").fields:
            if field.type.kind == "primitive" and name != "reserved":
                wanted.add((group, name))
    assert explained == wanted
    assert all(counter.text and not counter.text.endswith(".") for counter in COUNTERS)


def test_the_names_of_verdicts_are_those_that_the_data_plane_uses() -> None:
    c = library()
    assert list(FRAME_VERDICTS) == _names(c.api_frame_verdict_name)
    assert list(LINE_VERDICTS) == _names(c.api_mold64_verdict_name)
    for table, enum, prefix in (
        (STAGES, "stage", "STAGE_"),
        (STATES, "shm_state", "SHM_"),
        (RECOVERY_STATES, "recovery_state", "RECOVERY_"),
    ):
        elements = sorted(ffi().typeof(f"enum {enum}").elements.items())
        named = [name.removeprefix(prefix).lower() for _, name in elements]
        assert [name for name in table if name != "dead"] == [name for name in named if name != "stages"]


def _names(name_of: object) -> list[str]:
    assert callable(name_of)
    names: list[str] = []
    while name := name_of(len(names)):
        if name == ffi().NULL:
            break
        names.append(ffi().string(name).decode())
    return names


def scrape(segment: WrittenSegment, deaths: dict[str, int] | None = None) -> dict[tuple[str, ...], float]:
    """Serve it, fetch it as Prometheus does, and return each sample by name and labels."""
    with Segment(segment.name) as mapped:
        server = MetricsServer(Endpoint(IPv4Address("127.0.0.1"), 0), lambda: read(mapped), deaths or {})
        with server, urllib.request.urlopen(server.address, timeout=20) as answer:
            text = answer.read().decode()
    samples: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items())))
            assert key not in samples, key
            assert sample.name.startswith("appliance_")
            samples[key] = sample.value
    return samples


def test_every_counter_is_exported_once_with_its_own_value(written: WrittenSegment) -> None:
    fill(written.stats, 1000)
    samples = scrape(written)
    stats = written.stats
    parts: dict[str, tuple[Any, tuple[str, ...]]] = {
        "port": (stats["port"][0], ("port=0",)),
        "frame": (stats["frames"], ()),
        "stream": (stats["mold"], ()),
        "recovery": (stats["recovery"], ()),
        "recoverer": (stats["recoverer"], ()),
        "book": (stats["books"], ()),
        "stats": (stats, ()),
    }
    checked = 0
    for counter in COUNTERS:
        if not counter.metric or counter.group not in parts:
            continue
        record, labels = parts[counter.group]
        if counter.metric == "appliance_book_oddities_total":
            labels = (f"reason={counter.member}",)
        assert samples[(counter.metric, *labels)] == record[counter.member], counter.name
        checked += 1
    assert checked > 60
    for index, copy in enumerate(("a", "b", "replies")):
        counted = stats["mold"]["line"][index]
        assert samples["appliance_line_packets_total", f"line={copy}"] == counted["packets"]
        assert samples["appliance_line_lost_messages_total", f"line={copy}"] == counted["gap_messages"]
        for number, reason in enumerate(LINE_VERDICTS):
            key = ("appliance_line_verdicts_total", f"line={copy}", f"reason={reason}")
            assert samples[key] == counted["by_verdict"][number]
    for number, reason in enumerate(FRAME_VERDICTS):
        assert (
            samples["appliance_frame_verdicts_total", f"reason={reason}"]
            == stats["frames"]["by_verdict"][number]
        )


def test_what_the_data_plane_is_doing_is_exported(written: WrittenSegment) -> None:
    written.live["messages"], written.live["sequence"], written.live["stale_books"] = 7, 9, 3
    written.live["recovery_state"] = ffi().typeof("enum recovery_state").relements["RECOVERY_ASKING"]
    written.beat(5.0)
    samples = scrape(written, {"SIGSEGV": 2})
    assert samples[("appliance_up",)] == 1
    assert samples[("appliance_messages_total",)] == 7
    assert samples[("appliance_sequence_number",)] == 9
    assert samples[("appliance_stale_books",)] == 3
    assert samples[("appliance_heartbeat_age_seconds",)] >= 5
    assert samples[("appliance_ready_seconds",)] == 0.5
    assert samples[("appliance_uptime_seconds",)] >= 10
    assert samples["appliance_recovery_state", "state=asking"] == 1
    assert samples["appliance_recovery_state", "state=whole"] == 0
    assert samples["appliance_state", "state=running"] == 1
    assert sum(value for key, value in samples.items() if key[0] == "appliance_state") == 1
    assert samples["appliance_deaths_total", "reason=SIGSEGV"] == 2
    assert samples["appliance_pool_size", "pool=orders"] == 1000
    assert any(key[0] == "appliance_build_info" for key in samples)


def test_a_stage_is_exported_as_a_classic_histogram_and_as_percentiles(written: WrittenSegment) -> None:
    """At 2 GHz: 100 times of 100 cycles (50 ns), one of 1,000,000 (0.5 ms)."""
    book = written.stats["stage"][2]
    book["bucket"][bucket_of(100)] = 100
    book["bucket"][bucket_of(1_000_000)] = 1
    book["count"], book["cycles"], book["max_cycles"] = 101, 1_010_000, 1_000_000
    samples = scrape(written)
    buckets = {
        float(key[1].removeprefix("le=")): value
        for key, value in samples.items()
        if key[0] == "appliance_stage_seconds_bucket" and key[2] == "stage=book"
    }
    assert len(buckets) == 20
    assert [bound for bound in sorted(buckets) if bound < 1] == pytest.approx(
        [64e-9 * 2**n for n in range(19)]
    )
    assert [buckets[bound] for bound in sorted(buckets)] == [100.0] * 13 + [101.0] * 7
    assert samples["appliance_stage_seconds_count", "stage=book"] == 101
    assert samples["appliance_stage_seconds_sum", "stage=book"] == pytest.approx(505e-6)
    quantile = "appliance_stage_quantile_seconds"
    assert samples[quantile, "quantile=0.5", "stage=book"] == pytest.approx(50e-9, rel=0.04)
    assert samples[quantile, "quantile=0.9999", "stage=book"] == pytest.approx(0.5e-3)
    assert samples["appliance_stage_max_seconds", "stage=book"] == pytest.approx(0.5e-3)
    assert (quantile, "quantile=0.5", "stage=port") not in samples, "no times, no percentile"


def test_without_a_data_plane_it_is_not_up() -> None:
    with MetricsServer(Endpoint(IPv4Address("127.0.0.1"), 0), lambda: None, {}) as server:
        text = urllib.request.urlopen(server.address, timeout=20).read().decode()
    assert "\nappliance_up 0.0\n" in text


def test_an_address_that_is_taken_is_one_clear_line() -> None:
    with MetricsServer(Endpoint(IPv4Address("127.0.0.1"), 0), lambda: None, {}) as server:
        port = int(server.address.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(MetricsError, match=r"Address already in use: choose another metrics\.listen"):
            MetricsServer(Endpoint(IPv4Address("127.0.0.1"), port), lambda: None, {})
