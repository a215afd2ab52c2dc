"""One screen of ``appliance top``: what happened between two looks, in 24 rows of 80 columns."""

from __future__ import annotations

from typing import Any

from appliance.observe.reading import Reading
from appliance.observe.status import dropped, duration, latency_row, line_summary, pools, refused_frames

WIDTH = 79
HEIGHT = 23
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(number: float) -> str:
    """Write a number in at most 6 characters."""
    for size, unit in _UNITS:
        if abs(number) >= size * 0.99995:
            value = number / size
            return f"{value:.2f}{unit}" if value < 100 else f"{value:.0f}{unit}"
    return f"{number:.0f}"


def screen(before: Reading, now: Reading) -> list[str]:
    """Return the rows of the screen. With ``before`` of another data plane, there are no rates yet."""
    if (before.pid, before.started_cycles) != (now.pid, now.started_cycles):
        before = now
    seconds = (now.now_cycles - before.now_cycles) / now.cycles_per_s if now.cycles_per_s else 0.0

    def rate(later: float, earlier: float) -> str:
        return short((later - earlier) / seconds) if seconds > 0 else "-"

    gap = [] if now.trading else [""]
    rows = [*_head(before, now, rate), "", *_lines(before, now, rate), *gap, *_recovery(now), *gap]
    rows += _stages(before, now)
    rows += ["", *_books(before, now, rate), *_trading(before, now, rate)]
    return [row[:WIDTH].rstrip() for row in rows][:HEIGHT]


def _head(before: Reading, now: Reading, rate: Any) -> list[str]:
    late = f"  FEED THREAD LATE {now.heartbeat_age_s or 0:.1f} s ({now.stage})" if now.is_late else ""
    worth = now.trust
    frames = sum(port["frames"] for port in now.ports), sum(port["frames"] for port in before.ports)
    bursts = sum(port["bursts"] for port in now.ports), sum(port["bursts"] for port in before.ports)
    size = sum(port["bytes"] for port in now.ports), sum(port["bytes"] for port in before.ports)
    drops = dropped(now), dropped(before)
    a_burst = (frames[0] - frames[1]) / max(bursts[0] - bursts[1], 1)
    return [
        f"{now.name}  {now.state}  {worth}  up {duration(now.uptime_s)}  pid {now.pid}{late}",
        f"messages {rate(now.live['messages'], before.live['messages']):>6}/s  "
        f"total {now.live['messages']:>15,}  sequence {now.live['sequence']:>15,}",
        f"port {'+'.join(now.port_kinds):<9}{rate(*frames):>6} frames/s  {rate(*size):>6}B/s  "
        f"{a_burst:>5.1f} a burst  dropped {drops[0]:,}"
        + (f"  NOW {rate(*drops)}/s" if drops[0] > drops[1] else ""),
    ]


def _trading(before: Reading, now: Reading, rate: Any) -> list[str]:
    trading, old = now.trading, before.trading
    if trading is None or old is None:
        return []
    decider, was = trading.groups["decider"], old.groups["decider"]
    return [
        f"trading  {trading.headline}  orders {rate(decider['orders'], was['orders'])}/s, rejects "
        f"{rate(decider['rejects'], was['rejects'])}/s, open {trading.open_orders:,}, "
        f"held {trading.held:,}, $ {short(trading.gross_dollars)}"
    ]


def _lines(before: Reading, now: Reading, rate: Any) -> list[str]:
    rows = [
        f"{'line':<9}{'packets/s':>10}{'first/s':>9}{'late/s':>9}{'dup/s':>8}{'gaps':>10}{'lost':>12}{'refused':>10}"
    ]
    for line in now.lines:
        row, old = line_summary(now, line), line_summary(before, line)
        rows.append(
            f"{line:<9}{rate(row['packets'], old['packets']):>10}{rate(row['first'], old['first']):>9}"
            f"{rate(row['late'], old['late']):>9}{rate(row['duplicate'], old['duplicate']):>8}"
            f"{short(row['gaps']):>10}{short(row['lost_messages']):>12}{short(row['refused']):>10}"
        )
    return rows


def _recovery(now: Reading) -> list[str]:
    counters = now.recovery
    missing = f"  MISSING {counters['missing']:,}" if counters["missing"] else ""
    return [
        f"recovery {now.recovery_state:<9} gaps {short(counters['gaps'])}: "
        f"{short(counters['filled_by_lines'])} by lines, {short(counters['filled_by_request'])} by request, "
        f"{short(counters['given_up'])} given up{missing}",
        f"requests {short(counters['requests'])}, repeats {short(counters['repeats'])}   "
        f"snapshots {counters['snapshots']:,} of {counters['snapshots_wanted']:,}   "
        f"lost {now.stream['lost']:,} messages",
    ]


def _stages(before: Reading, now: Reading) -> list[str]:
    rows = [f"{'stage':<9}{'times':>10}{'p50':>10}{'p99':>10}{'p99.9':>10}{'p99.99':>10}{'max (ns)':>14}"]
    for stage, latency in now.stages.items():
        fresh = latency.since(before.stages[stage]) if before is not now else latency
        row = latency_row(fresh)
        times = [row[name] for name in ("p50_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns")]
        shown = ["-" if time is None else f"{time:,.0f}" for time in times]
        rows.append(
            f"{stage:<9}{short(row['count']):>10}{shown[0]:>10}{shown[1]:>10}{shown[2]:>10}{shown[3]:>10}{shown[4]:>14}"
        )
    return rows


def _books(before: Reading, now: Reading, rate: Any) -> list[str]:
    book = now.book
    fill = "  ".join(f"{pool} {used / size:.0%}" for pool, (used, size) in pools(now).items() if size)
    others = sum(refused_frames(now).values()) + now.stats["other_destination"]
    return [
        f"books    {short(book['symbols'])} symbols, {book['live_orders']:,} orders, "
        f"{rate(book['events'], before.book['events'])} events/s, untrusted {book['untrusted_books']:,}",
        f"pools    {fill}   not ours: {short(others)}",
    ]
