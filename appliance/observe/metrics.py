"""Prometheus metrics: the shared memory is read when they are asked for, and at no other time.

All labels are bounded (port, line, stage, reason, state, quantile, pool): none is ever a symbol or an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.config.kinds import Endpoint
from appliance.errors import ApplianceError
from appliance.native import abi_hash
from appliance.observe.counters import (
    COUNTERS,
    FRAME_VERDICTS,
    GROUPS,
    LINE_VERDICTS,
    ODDITIES,
    PREFIX,
    STAGES,
    Counter,
)
from appliance.observe.latency import QUANTILES, Latency
from appliance.observe.reading import Reading
from appliance.observe.trading_metrics import TRADING_METRICS, trading_families

RECOVERY_STATES = ("starting", "whole", "waiting", "asking", "joining", "lost")
STATES = ("planned", "starting", "running", "ended", "stopped", "failed", "dead")

# Metrics that are no counter of the segment. The last two are of `appliance run`.
OTHERS = {
    "up": "1 while the data plane runs, or its feed has ended and it holds the books",
    "state": "1 for the state that the data plane is in",
    "recovery_state": "1 for what is being done about missing messages",
    "uptime_seconds": "since the data plane was started",
    "ready_seconds": "how long the data plane took until it was ready",
    "heartbeat_age_seconds": "since the feed's thread last came round; above 0.1 it hangs or has no core",
    "stage_seconds": "times of each stage: " + "; ".join(f"{name}: {text}" for name, text in STAGES.items()),
    "stage_quantile_seconds": "percentiles of the times of each stage, since the start",
    "stage_max_seconds": "the longest time of each stage, since the start",
    "frame_verdicts_total": "what each Ethernet frame is, by reason; only udp goes on",
    "line_verdicts_total": "what each MoldUDP64 packet of a line is to the stream, by reason",
    ODDITIES: "messages that make no sense, by reason: counted, and left out",
    "pool_size": "how large each pool of the books is",
    "build_info": "what was built",
    **TRADING_METRICS,
    "deaths_total": "how often the data plane died and had to be started again, by signal or exit",
}

Read = Callable[[], Reading | None]


class MetricsError(ApplianceError):
    """The metrics cannot be served."""


class SegmentCollector(Collector):
    """All metrics of one data plane; ``read`` gives a reading, or None when there is no data plane."""

    def __init__(self, read: Read, deaths: dict[str, int] | None = None) -> None:
        """``deaths`` is the supervisor's count by reason."""
        self._read = read
        self._deaths = {} if deaths is None else deaths

    def collect(self) -> Iterable[Metric]:
        """Read, and give all families."""
        reading = self._read()
        build = InfoMetricFamily(PREFIX + "build", OTHERS["build_info"])
        build.add_metric([], {"version": __version__, "abi": abi_hash().hex()[:12]})
        yield build
        deaths = _counter("deaths_total", ["reason"])
        for reason, count in list(self._deaths.items()):  # the supervisor adds to it meanwhile
            deaths.add_metric([reason], count)
        yield deaths
        up = _gauge("up", [])
        up.add_metric([], reading is not None and reading.state in ("running", "ended"))
        yield up
        if reading is not None:
            yield from _states(reading)
            yield from _plain(reading)
            yield from _verdicts(reading)
            yield from _stages(reading)
            if reading.trading:
                yield from trading_families(reading.trading, PREFIX)


def _counter(name: str, labels: list[str], text: str = "") -> CounterMetricFamily:
    return CounterMetricFamily(_full(name), text or OTHERS[name], labels=labels)


def _gauge(name: str, labels: list[str], text: str = "") -> GaugeMetricFamily:
    return GaugeMetricFamily(_full(name), text or OTHERS[name], labels=labels)


def _full(name: str) -> str:
    return name if name.startswith(PREFIX) else PREFIX + name


def _states(reading: Reading) -> Iterator[Metric]:
    for name, states, state in (
        ("state", STATES, reading.state),
        ("recovery_state", RECOVERY_STATES, reading.recovery_state),
    ):
        family = _gauge(name, ["state"])
        for one in states:
            family.add_metric([one], one == state)
        yield family
    for name, value in (
        ("uptime_seconds", reading.uptime_s),
        ("ready_seconds", reading.ready_s),
        ("heartbeat_age_seconds", reading.heartbeat_age_s),
    ):
        family = _gauge(name, [])
        if value is not None:
            family.add_metric([], value)
        yield family
    pools = _gauge("pool_size", ["pool"])
    for pool, size in reading.pools.items():
        pools.add_metric([pool], size)
    yield pools


def _plain(reading: Reading) -> Iterator[Metric]:
    """Give the counters that have a metric of their own, and the oddities, which share one."""
    oddities = _counter(ODDITIES, ["reason"])
    numbers: dict[str, list[tuple[str | None, dict[str, int]]]] = {}
    for group, label, values in reading.groups():
        numbers.setdefault(group, []).append((label, values))
    for counter in COUNTERS:
        if not counter.metric or counter.group not in numbers:
            continue
        if counter.metric == PREFIX + ODDITIES:
            oddities.add_metric([counter.member], reading.book[counter.member])
            continue
        family = _family(counter)
        for label, values in numbers[counter.group]:
            family.add_metric([] if label is None else [label], values[counter.member])
        yield family
    yield oddities


def _family(counter: Counter) -> Any:
    label = GROUPS[counter.group][1]
    labels = [label] if label else []
    make = _counter if counter.grows else _gauge
    return make(counter.metric, labels, counter.text)


def _verdicts(reading: Reading) -> Iterator[Metric]:
    frames = _counter("frame_verdicts_total", ["reason"])
    for reason in FRAME_VERDICTS:
        frames.add_metric([reason], reading.frame_verdicts[reason])
    yield frames
    lines = _counter("line_verdicts_total", ["line", "reason"])
    for line, verdicts in reading.line_verdicts.items():
        for reason in LINE_VERDICTS:
            lines.add_metric([line, reason], verdicts[reason])
    yield lines


def _stages(reading: Reading) -> Iterator[Metric]:
    times = HistogramMetricFamily(_full("stage_seconds"), OTHERS["stage_seconds"], labels=["stage"])
    quantiles = _gauge("stage_quantile_seconds", ["stage", "quantile"])
    longest = _gauge("stage_max_seconds", ["stage"])
    for stage, latency in reading.stages.items():
        times.add_metric([stage], _buckets(latency), latency.cycles / (latency.cycles_per_s or 1))
        longest.add_metric([stage], latency.max_ns / 1e9)
        for quantile in QUANTILES:
            value = latency.percentile_ns(quantile)
            if value is not None:
                quantiles.add_metric([stage, str(quantile)], value / 1e9)
    yield times
    yield quantiles
    yield longest


def _buckets(latency: Latency) -> list[tuple[str, float]]:
    bounds = [(repr(bound / 1e9), float(count)) for bound, count in latency.classic()]
    return [*bounds, ("+Inf", float(latency.count))]


class MetricsServer:
    """Serves the metrics on loopback, in a thread of its own, until it is closed."""

    def __init__(self, listen: Endpoint, read: Read, deaths: dict[str, int]) -> None:
        """Listen. Port 0 is one that the kernel chooses; ``address`` says which."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(SegmentCollector(read, deaths))
        try:
            self._server, self._thread = exposition.start_http_server(
                listen.port, str(listen.address), registry
            )
        except OSError as error:
            raise MetricsError(
                f"metrics: cannot listen on {listen}: {error.strerror}: choose another metrics.listen, "
                'or "off"'
            ) from None

    @property
    def address(self) -> str:
        """Where they are."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/metrics"

    def __enter__(self) -> Self:
        """Close at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
