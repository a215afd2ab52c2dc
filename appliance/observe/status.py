"""One page about a data plane, and the same as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.book.software import ODDITIES
from appliance.observe import trading
from appliance.observe.latency import Latency
from appliance.observe.reading import Reading

_QUANTILES = (("p50_ns", 0.5), ("p99_ns", 0.99), ("p99_9_ns", 0.999), ("p99_99_ns", 0.9999))
_LINE_TITLES = {"a": "line A", "b": "line B", "replies": "replies"}


def pools(reading: Reading) -> dict[str, tuple[int, int]]:
    """Return how many of each pool are in use, and how many there are."""
    used = {
        "orders": "live_orders",
        "order_pages": "order_pages",
        "levels": "live_levels",
        "locates": "symbols",
    }
    return {pool: (reading.book[member], reading.pools[pool]) for pool, member in used.items()}


def line_summary(reading: Reading, line: str) -> dict[str, int]:
    """Return what a line was good for: packets that it brought first, late ones, what it lost."""
    verdicts, numbers = reading.line_verdicts[line], reading.lines[line]
    first = verdicts["delivered"] + verdicts["partial"] + verdicts["held"]
    known = ("delivered", "partial", "held", "late", "duplicate", "heartbeat", "end_of_session")
    return {
        "packets": numbers["packets"],
        "first": first,
        "late": verdicts["late"],
        "duplicate": verdicts["duplicate"],
        "gaps": numbers["gaps"],
        "lost_messages": numbers["gap_messages"],
        "refused": sum(count for reason, count in verdicts.items() if reason not in known),
    }


def dropped(reading: Reading) -> int:
    """Return how many frames the ports did not get, or could not keep."""
    kinds = ("dropped", "errors", "no_buffer", "truncated")
    return sum(port[kind] for port in reading.ports for kind in kinds)


def latency_row(latency: Latency) -> dict[str, Any]:
    """Return count, mean, percentiles and maximum of one stage."""
    row: dict[str, Any] = {"count": latency.count, "mean_ns": _rounded(latency.mean_ns)}
    for name, quantile in _QUANTILES:
        row[name] = _rounded(latency.percentile_ns(quantile))
    row["max_ns"] = _rounded(latency.max_ns) if latency.count else None
    return row


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def as_data(reading: Reading, rate: float | None) -> dict[str, Any]:
    """Return what ``status --json`` prints. ``rate`` is messages a second now, if it was measured."""
    return {
        "name": reading.name,
        "state": reading.state,
        "message": reading.message,
        "pid": reading.pid,
        "uptime_s": round(reading.uptime_s, 3),
        "ready_s": None if reading.ready_s is None else round(reading.ready_s, 3),
        "heartbeat_age_s": None if reading.heartbeat_age_s is None else round(reading.heartbeat_age_s, 6),
        "late": reading.is_late,
        "stage": reading.stage,
        "messages": reading.live["messages"],
        "messages_per_s": None if rate is None else round(rate),
        "sequence": reading.live["sequence"],
        "digest": f"{reading.live['digest']:016x}",
        "depth_digest": f"{reading.live['depth_digest']:016x}" if reading.live["depth_digest"] else None,
        "stale_books": reading.live["stale_books"],
        "untrusted_books": reading.book["untrusted_books"],
        "symbols": reading.book["symbols"],
        "published_symbols": reading.symbols,
        "recovery_state": reading.recovery_state,
        "recovery": reading.recovery,
        "recoverer": reading.recoverer,
        "sessions": reading.stream["sessions"],
        "lost_messages": reading.stream["lost"],
        "held_peak_packets": reading.stream["held_peak"],
        "ports": [
            {"kind": kind, **numbers} for kind, numbers in zip(reading.port_kinds, reading.ports, strict=True)
        ],
        "lines": {line: line_summary(reading, line) for line in reading.lines},
        "refused_frames": refused_frames(reading),
        "other_destinations": reading.stats["other_destination"],
        "oddities": {name: reading.book[name] for name in ODDITIES},
        "pools": {pool: {"used": used, "size": size} for pool, (used, size) in pools(reading).items()},
        "stages": {stage: latency_row(latency) for stage, latency in reading.stages.items()},
        **({"trading": trading.as_data(reading.trading)} if reading.trading else {}),
    }


def refused_frames(reading: Reading) -> dict[str, int]:
    """Return the frames that did not go on, by reason, those seen only."""
    return {reason: count for reason, count in reading.frame_verdicts.items() if count and reason != "udp"}


def as_raw(reading: Reading) -> dict[str, Any]:
    """Return what ``stats --json`` prints: every counter, and the histograms as cumulative buckets."""
    raw: dict[str, Any] = {
        "name": reading.name,
        "state": reading.state,
        "pid": reading.pid,
        "cycles_per_s": reading.cycles_per_s,
        "uptime_s": round(reading.uptime_s, 3),
        "stage": reading.stage,
        "recovery_state": reading.recovery_state,
    }
    for group, label, numbers in reading.groups():
        if label is None:
            raw[group] = numbers
        else:
            raw.setdefault(group, {})[label] = dict(numbers)
    raw["live"] = reading.live | {name: f"{reading.live[name]:016x}" for name in ("digest", "depth_digest")}
    raw["book"] = reading.book | {"digest": f"{reading.book['digest']:016x}", "by_type": reading.by_type}
    raw["frame"] = reading.frame | {"verdicts": reading.frame_verdicts}
    if reading.trading:
        raw |= trading.as_raw(reading.trading)
    for line, verdicts in reading.line_verdicts.items():
        raw["line"][line]["verdicts"] = verdicts
    raw["pools"] = {pool: {"used": used, "size": size} for pool, (used, size) in pools(reading).items()}
    raw["stages"] = {
        stage: {
            **latency_row(latency),
            "sum_cycles": latency.cycles,
            "max_cycles": latency.max_cycles,
            "buckets": [{"le_ns": bound, "count": count} for bound, count in latency.classic()]
            + [{"le_ns": None, "count": latency.count}],
        }
        for stage, latency in reading.stages.items()
    }
    return raw


def headline(reading: Reading) -> str:
    """Say in one line how it is."""
    words = [reading.state]
    age = reading.heartbeat_age_s
    if reading.is_late and age is not None:
        words.append(
            f"BUT ITS FEED THREAD HAS NOT COME ROUND FOR {age:.1f} s (stage {reading.stage}): "
            "hung, or without a core"
        )
    if reading.message:
        words.append(reading.message)
    if reading.state not in ("failed", "dead"):
        words.append(reading.trust)
    if reading.state == "running" and reading.trading:
        words.append(reading.trading.headline)
    return "  ".join(words)


def as_text(reading: Reading, rate: float | None) -> str:
    """Return the page for people."""
    return "\n".join(f"{label:<11} {text}" for label, text in _page(reading, rate))


def _page(reading: Reading, rate: float | None) -> Iterator[tuple[str, str]]:
    yield reading.name, headline(reading)
    ready = "" if reading.ready_s is None else f", ready after {reading.ready_s:.2f} s"
    yield "uptime", f"{duration(reading.uptime_s)}{ready}, process {reading.pid}"
    now = "" if rate is None else f", {rate:,.0f}/s now"
    yield "messages", f"{reading.live['messages']:,}{now}, last sequence {reading.live['sequence']:,}"
    yield "digest", f"{reading.live['digest']:016x}"
    for index, (kind, port) in enumerate(zip(reading.port_kinds, reading.ports, strict=True)):
        lost = "".join(
            f", {port[name]:,} {text}"
            for name, text in (
                ("dropped", "DROPPED"),
                ("errors", "errors"),
                ("no_buffer", "without a buffer"),
                ("truncated", "too long"),
            )
            if port[name]
        )
        frames = f"{kind}: {port['frames']:,} frames in {port['bursts']:,} bursts"
        yield f"port {index}", frames + (lost or ", none dropped")
    yield from _lines(reading)
    yield "recovery", _recovery(reading)
    yield "books", _books(reading)
    if reading.trading:
        yield from trading.page(reading.trading)
    fill = "  ".join(f"{pool} {used:,} of {size:,}" for pool, (used, size) in pools(reading).items())
    yield "pools", fill
    yield from latency_table(reading.stages)


def _lines(reading: Reading) -> Iterator[tuple[str, str]]:
    for line in reading.lines:
        row = line_summary(reading, line)
        if not row["packets"] and line == "replies":
            continue
        refused = f", refused {row['refused']:,}" if row["refused"] else ""
        yield (
            _LINE_TITLES[line],
            f"{row['packets']:,} packets: first {row['first']:,}, late {row['late']:,}, duplicate "
            f"{row['duplicate']:,}; gaps {row['gaps']:,} of {row['lost_messages']:,} messages{refused}",
        )
    refused_here = refused_frames(reading)
    if refused_here:
        yield "refused", "  ".join(f"{reason} {count:,}" for reason, count in refused_here.items())
    if reading.stats["other_destination"]:
        yield "others", f"{reading.stats['other_destination']:,} datagrams to nobody's group and port"


def _recovery(reading: Reading) -> str:
    counters = reading.recovery
    text = (
        f"{reading.recovery_state}; gaps {counters['gaps']:,}: {counters['filled_by_lines']:,} filled by the "
        f"other line, {counters['filled_by_request']:,} by request, {counters['filled_by_snapshot']:,} by "
        f"snapshot, {counters['given_up']:,} given up; lost {reading.stream['lost']:,} messages"
    )
    if counters["missing"]:
        text += f"; MISSING NOW {counters['missing']:,} from {counters['missing_first']:,} on"
    return text


def _books(reading: Reading) -> str:
    book = reading.book
    text = f"{book['symbols']:,} symbols, {book['live_orders']:,} orders, {book['live_levels']:,} levels"
    if book["untrusted_books"]:
        text += f", {book['untrusted_books']:,} UNTRUSTED"
    odd = "  ".join(f"{name} {book[name]:,}" for name in ODDITIES if book[name])
    return text + (f"; odd: {odd}" if odd else "")


def latency_table(stages: dict[str, Latency]) -> Iterator[tuple[str, str]]:
    """Give the rows of the table of stages."""
    yield "stage (ns)", f"{'count':>14}{'p50':>10}{'p99':>10}{'p99.9':>10}{'max':>12}"
    for stage, latency in stages.items():
        row = latency_row(latency)
        times = [row[name] for name in ("p50_ns", "p99_ns", "p99_9_ns", "max_ns")]
        shown = ["-" if time is None else f"{time:,.0f}" for time in times]
        yield (
            f"  {stage}",
            f"{row['count']:>14,}{shown[0]:>10}{shown[1]:>10}{shown[2]:>10}{shown[3]:>12}",
        )


def duration(seconds: float) -> str:
    """Write a time as people do."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock
