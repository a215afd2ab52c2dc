"""The demonstration: a market made here, its day through the books, and the same day over two lossy lines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.bench.offline import run_book
from appliance.book.software import SoftwareBook
from appliance.errors import ApplianceError
from appliance.observe.machine import peak_rss_bytes
from appliance.progress import Progress
from appliance.replay.feed import ALL, FeedFile
from appliance.replay.timing import Stopwatch
from appliance.synth import Lines, Market, Written, write_feed

_LOSSY = Lines(loss_a=0.01, loss_b=0.01, duplicate=0.001, reorder=0.01)
_SHOWN_BOOKS = 5
_RUNS = 3

Say = Callable[[str], None]


class DemoError(ApplianceError):
    """The demonstration did not show what it is there to show."""


def run_demo(market: Market, say: Say) -> None:
    """Run all of it; raises DemoError when the two ways of the same day end in different books."""
    with tempfile.TemporaryDirectory(prefix="appliance-demo-") as directory:
        day = Path(directory) / "day.itch"
        capture = Path(directory) / "day.pcap"
        say(_made("market", _write("1/4 make the market ", market, day)))
        outcome, books = _replay("2/4 through the books", day, market.messages)
        say(books)
        timing = _timed("3/4 time the book    ", day)
        say(_times(timing))
        lossy = replace(market, lines=_LOSSY)
        written = _write("4/4 over two lines   ", lossy, capture)
        over_lines, text = _replay("    and back again   ", capture, market.messages)
        say(_made("capture", written))
        say(text)
        say(_verdict(outcome, over_lines, timing))


def _write(label: str, market: Market, path: Path) -> Written:
    with Progress(label, market.messages) as bar:
        return write_feed(market, str(path), bar.show)


def _made(what: str, written: Written) -> str:
    counters = written.counters
    text = (
        f"{what:12}{counters.messages:,} messages, {counters.bytes / 1e6:,.1f} MB "
        f"in {written.seconds:.2f} s: {written.messages_per_s / 1e6:.1f} M messages/s"
    )
    if counters.packets[0]:
        text += (
            f"\n            line A {counters.packets[0]:,} packets and {counters.lost[0]:,} lost, "
            f"line B {counters.packets[1]:,} and {counters.lost[1]:,} lost, "
            f"reordered {sum(counters.reordered):,}, duplicated {sum(counters.duplicated):,}"
        )
    return text


@dataclass(frozen=True)
class Outcome:
    """What must be the same, however the day arrived."""

    messages: int
    digest: int
    midday_depth_digest: int
    midday_orders: int


def _replay(label: str, path: Path, messages: int) -> tuple[Outcome, str]:
    watch = Stopwatch()
    with FeedFile(path) as feed, Progress(label, feed.progress[1]) as bar:

        def advance(until: int) -> None:
            for pace in watch.over(feed.advance(until)):
                bar.show(feed.progress[0], f"{pace / 1e6:.1f} M messages/s")

        advance(messages // 2)
        midday, midday_depth = feed.books.counters, feed.books.depth_digest()
        busiest = _busiest(feed.books)
        advance(ALL)
        counters = feed.books.counters
        packets = feed.packets()
        lost = packets["lost"] if packets else 0
    text = [
        f"books       {counters['messages']:,} messages in {watch.seconds:.2f} s, reading included: "
        f"{watch.messages_per_second / 1e6:.1f} M messages/s, {lost:,} lost",
        f"            {counters['symbols']:,} symbols, {counters['events']:,} events, "
        f"{counters['trades']:,} trades",
    ]
    if packets is None:
        text.append(
            f"midday      {midday['live_orders']:,} live orders in {midday['live_levels']:,} levels; "
            "the busiest books:"
        )
        text += busiest
    outcome = Outcome(counters["messages"], counters["digest"], midday_depth, midday["live_orders"])
    return outcome, "\n".join(text)


def _busiest(books: SoftwareBook) -> list[str]:
    views = [books.view(locate) for locate in range(1, books.counters["symbols"] + 1)]
    views.sort(key=lambda view: -int(view["traded_qty"]))
    rows = ["            symbol        bid               ask               last        traded"]
    for view in views[:_SHOWN_BOOKS]:
        bid, ask = view["bid"][0], view["ask"][0]
        rows.append(
            f"            {view['symbol'].decode():8} {int(bid['qty']):>6} @ {int(bid['px']) / 1e4:>9.4f} "
            f"{int(ask['qty']):>6} @ {int(ask['px']) / 1e4:>9.4f} {int(view['last_px']) / 1e4:>9.4f} "
            f"{int(view['traded_qty']):>12,}"
        )
    return rows


def _timed(label: str, path: Path) -> dict[str, Any]:
    with Progress(label, _RUNS) as bar:
        return run_book(path, _RUNS, bar.show)


def _times(timing: dict[str, Any]) -> str:
    spread = timing["distribution"]
    return (
        f"time        {timing['results'][0]['value']:.1f} ns a message from memory (median of {_RUNS} runs, "
        f"huge pages: {timing['huge_pages']})\n"
        f"            blocks of 2,000 messages: p50 {spread['p50']:.1f}  p90 {spread['p90']:.1f}  "
        f"p99 {spread['p99']:.1f}  max {spread['max']:.1f} ns a message"
    )


def _verdict(day: Outcome, lines: Outcome, timing: dict[str, Any]) -> str:
    if day != lines or timing["digest"] != f"{day.digest:016x}":
        raise DemoError(
            f"the same day gave different books: file {day}, two lines {lines}, timed {timing['digest']}: "
            "please report this with the command line"
        )
    return (
        f"digest      {day.digest:016x}, every order at midday {day.midday_depth_digest:016x}:\n"
        "            the same from the file, the timed runs and the two lossy lines\n"
        f"memory      {max(peak_rss_bytes(), timing['peak_rss_bytes']) / 1e6:,.0f} MB at the peak"
    )
