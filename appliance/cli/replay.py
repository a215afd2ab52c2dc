"""``appliance replay``: a feed file through the books, and a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from appliance.book.software import ODDITIES, SoftwareBook
from appliance.cli import replay_journal as journal
from appliance.errors import ApplianceError, printable
from appliance.observe.machine import peak_rss_bytes
from appliance.progress import Progress
from appliance.replay.feed import FeedFile
from appliance.replay.timing import Stopwatch

MALFORMED = ("bad_length", "bad_side", "bad_locate", "zero_quantity")


class NothingToReplayError(ApplianceError):
    """A feed file without a message in it."""


@click.command()
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option("--session", type=click.IntRange(1), help="Of a journal: which; the last unless told.")
@click.option("--placement", help="Of a journal: fused, or as feed,strategy+risk,gateway.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.pass_context
def command(
    context: click.Context, file: Path, session: int | None, placement: str | None, as_json: bool
) -> None:
    """Run FILE through the books: framed ITCH or a capture (pcap, pcapng), plain or gzip.

    Reports messages by type, what was odd about them, symbols, live orders, the digest, the time a message
    took and the peak memory.

    A directory is a journal: one of its sessions is lived through again by the data plane itself, on the
    threads asked for, and its orders are compared with those of then, byte for byte. Exit status 1: they
    differ, and the first difference is told.
    """
    if file.is_dir():
        told = journal.replay_journal(file, session, placement)
        click.echo(json.dumps(told) if as_json else journal.as_text(told))
        context.exit(0 if told["identical"] else 1)
    report = replay(file)
    click.echo(json.dumps(report) if as_json else as_text(report))


def replay(file: Path) -> dict[str, Any]:
    """Return the report of a replay, as ``--json`` prints it."""
    with FeedFile(file) as feed:
        _, total = feed.progress
        watch = Stopwatch()
        with Progress(printable(file.name), total) as bar:
            for pace in watch.over(feed.advance()):
                bar.show(feed.progress[0], f"{pace:,.0f}/s")
        books = feed.books
        counters = books.counters
        messages = counters["messages"]
        packets = feed.packets()
        if not messages:
            raise NothingToReplayError(f"{printable(file)}: holds no ITCH message{_where_they_went(packets)}")
        return {
            "file": printable(file),
            "messages": messages,
            "by_type": books.by_type,
            "unknown": counters["unknown_type"],
            "malformed": sum(counters[name] for name in MALFORMED),
            "oddities": {name: counters[name] for name in ODDITIES},
            "symbols": counters["symbols"],
            "live_orders": counters["live_orders"],
            "live_levels": counters["live_levels"],
            "events": counters["events"],
            "trades": counters["trades"],
            "crosses": counters["crosses"],
            "broken_trades": counters["broken_trades"],
            "untrusted_books": counters["untrusted_books"],
            "stale": feed.stale,
            "starts_mid_day": bool(counters["unknown_reference"]) or _first_sequence(books, packets) > 1,
            "packets": packets,
            "digest": f"{books.digest:016x}",
            "depth_digest": f"{books.depth_digest():016x}",
            "ns_per_message": round(watch.seconds * 1e9 / messages, 2) if messages else None,
            "seconds": round(watch.seconds, 3),
            "peak_rss_bytes": peak_rss_bytes(),
        }


def _where_they_went(packets: dict[str, Any] | None) -> str:
    if packets is None:
        return ""
    refused = "".join(f", {count:,} {name}" for name, count in packets["refused"].items())
    return f": {packets['frames']:,} frames{refused}, {packets['other_destinations']:,} to other destinations"


def _first_sequence(books: SoftwareBook, packets: dict[str, Any] | None) -> int:
    """Return the sequence number a capture of one session begins with; 1 for everything else."""
    if packets is None or packets["sessions"] != 1:
        return 1
    return books.next_sequence - int(packets["messages"]) - int(packets["lost"])


def _worth(report: dict[str, Any]) -> str:
    """Say in words what the books of a report are worth."""
    if report["stale"]:
        return "stale: messages are missing"
    if report["starts_mid_day"]:
        return "without the orders from before the feed's start"
    return "complete"


def as_text(report: dict[str, Any]) -> str:
    """Return the report for people."""
    lines = [
        f"file            {report['file']}",
        f"messages        {report['messages']:,}",
        "by type         " + "  ".join(f"{kind} {count:,}" for kind, count in report["by_type"].items()),
    ]
    odd = {name: count for name, count in report["oddities"].items() if count}
    lines.append(
        "oddities        " + ("  ".join(f"{name} {count:,}" for name, count in odd.items()) or "none")
    )
    if packets := report["packets"]:
        lines.append(
            f"packets         {packets['frames']:,} frames  "
            f"gaps {packets['gaps']:,}  lost {packets['lost']:,}"
        )
        lines += [
            f"line {name}          " + "  ".join(f"{key} {count:,}" for key, count in line.items())
            for name, line in packets["lines"].items()
        ]
        if packets["other_destinations"]:
            lines.append(
                f"other packets   {packets['other_destinations']:,} to neither line's group and port"
            )
        if packets["refused"]:
            refused = "  ".join(f"{name} {count:,}" for name, count in packets["refused"].items())
            lines.append(f"refused frames  {refused}")
    pace = report["ns_per_message"]
    lines += [
        f"symbols         {report['symbols']:,}",
        f"live orders     {report['live_orders']:,} in {report['live_levels']:,} levels",
        f"events          {report['events']:,}  trades {report['trades']:,}  crosses {report['crosses']:,}",
        f"books           {_worth(report)}"
        + (f"  untrusted {report['untrusted_books']:,}" if report["untrusted_books"] else ""),
        f"digest          {report['digest']}  full depth {report['depth_digest']}",
        f"time            {report['seconds']:.3f} s"
        + (f"  {pace:.1f} ns a message, reading the file included" if pace else ""),
        f"peak memory     {report['peak_rss_bytes'] / 1e6:,.0f} MB",
    ]
    return "\n".join(lines)
