"""The first half of the demonstration: a market made here, and its day through the books, from a file."""

from __future__ import annotations

from pathlib import Path

from appliance.bench.offline import run_book
from appliance.book.software import SoftwareBook
from appliance.progress import Progress
from appliance.replay.feed import ALL, FeedFile
from appliance.replay.timing import Stopwatch
from appliance.synth import Market, write_feed

_SHOWN_BOOKS = 5
_RUNS = 3


def make_day(label: str, market: Market, path: Path) -> str:
    """Write the market as a file, and say what was made."""
    with Progress(label, market.messages) as bar:
        written = write_feed(market, str(path), bar.show)
    counters = written.counters
    return (
        f"market      {counters.messages:,} messages, {counters.bytes / 1e6:,.1f} MB "
        f"in {written.seconds:.2f} s: {written.messages_per_s / 1e6:.1f} M messages/s"
    )


def replay_day(label: str, path: Path, messages: int) -> tuple[int, str]:
    """Run the day through the books: the digest, and what there is to say."""
    watch = Stopwatch()
    with FeedFile(path) as feed, Progress(label, feed.progress[1]) as bar:

        def advance(until: int) -> None:
            for pace in watch.over(feed.advance(until)):
                bar.show(feed.progress[0], f"{pace / 1e6:.1f} M messages/s")

        advance(messages // 2)
        midday = feed.books.counters
        busiest = _busiest(feed.books)
        advance(ALL)
        counters = feed.books.counters
    text = [
        f"books       {counters['messages']:,} messages in {watch.seconds:.2f} s, reading included: "
        f"{watch.messages_per_second / 1e6:.1f} M messages/s",
        f"            {counters['symbols']:,} symbols, {counters['events']:,} events, "
        f"{counters['trades']:,} trades",
        f"midday      {midday['live_orders']:,} live orders in {midday['live_levels']:,} levels; "
        "the busiest books:",
        *busiest,
    ]
    return counters["digest"], "\n".join(text)


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


def time_day(label: str, path: Path) -> tuple[int, str]:
    """Time the books on the day, from memory: the digest, and the times."""
    with Progress(label, _RUNS) as bar:
        timing = run_book(path, _RUNS, bar.show)
    spread = timing["distribution"]
    return int(timing["digest"], 16), (
        f"time        {timing['results'][0]['value']:.1f} ns a message from memory (median of {_RUNS} runs, "
        f"huge pages: {timing['huge_pages']})\n"
        f"            blocks of 2,000 messages: p50 {spread['p50']:.1f}  p90 {spread['p90']:.1f}  "
        f"p99 {spread['p99']:.1f}  max {spread['max']:.1f} ns a message"
    )
